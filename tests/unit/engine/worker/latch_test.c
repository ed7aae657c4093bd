/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/latch.h"
#include "tests/unit/engine/rig.h"

/* Packets arrive in turn, each some time after the one before; the signalled address is 192.0.2.10:4000. */
struct arrival {
	const char *from;
	uint32_t after_ms;
	bool accepted;
};

static const struct row {
	const char *name;
	enum latch_mode mode;
	const char *signalled;
	struct arrival arrivals[6];
} ROWS[] = {
	{ "strict: the signalled address only",
	  LATCH_STRICT,
	  "192.0.2.10:4000",
	  { { "192.0.2.10:4002", 0, false },
	    { "192.0.2.11:4000", 0, false },
	    { "192.0.2.10:4000", 0, true },
	    { "192.0.2.10:4002", 9000, false },
	    { "192.0.2.10:4000", 0, true } } },
	{ "strict: nothing signalled",
	  LATCH_STRICT,
	  NULL,
	  { { "192.0.2.10:4000", 0, false }, { "0.0.0.0:1", 0, false } } },
	{ "same-ip: any port, and the first is kept",
	  LATCH_SAME_IP,
	  "192.0.2.10:4000",
	  { { "198.51.100.1:4000", 0, false },
	    { "192.0.2.10:61000", 0, true },
	    { "192.0.2.10:61002", 0, false },
	    { "192.0.2.10:61000", 0, true } } },
	{ "same-ip: the signalled port takes over from another, not the other way round",
	  LATCH_SAME_IP,
	  "192.0.2.10:4000",
	  { { "192.0.2.10:61000", 0, true },
	    { "192.0.2.10:4000", 0, true },
	    { "192.0.2.10:61000", 0, false },
	    { "198.51.100.1:4000", 0, false },
	    { "192.0.2.10:4000", 0, true } } },
	{ "same-ip: another port after 3 s of silence, counted from the latched source's packets",
	  LATCH_SAME_IP,
	  "192.0.2.10:4000",
	  { { "192.0.2.10:61000", 0, true },
	    { "192.0.2.10:61002", 2000, false },
	    { "192.0.2.10:61002", 999, false },
	    { "192.0.2.10:61002", 1, true },
	    { "192.0.2.10:61000", 0, false } } },
	{ "same-ip: the silence is the source's, however long ago it was latched",
	  LATCH_SAME_IP,
	  "192.0.2.10:4000",
	  { { "192.0.2.10:61000", 0, true },
	    { "192.0.2.10:61000", 2000, true },
	    { "192.0.2.10:61002", 2999, false },
	    { "192.0.2.10:61002", 1, true } } },
	{ "same-ip: never another host, however long the silence",
	  LATCH_SAME_IP,
	  "192.0.2.10:4000",
	  { { "192.0.2.10:61000", 0, true },
	    { "198.51.100.1:61000", 60000, false },
	    { "198.51.100.1:4000", 60000, false } } },
	{ "same-ip: nothing signalled", LATCH_SAME_IP, NULL, { { "192.0.2.10:4000", 0, false } } },
	{ "any-once: the first of all",
	  LATCH_ANY_ONCE,
	  "192.0.2.10:4000",
	  { { "198.51.100.1:7000", 0, true },
	    { "192.0.2.10:4000", 0, false },
	    { "198.51.100.1:7001", 0, false },
	    { "198.51.100.1:7000", 0, true } } },
	{ "any-once: relearns, but the same host only",
	  LATCH_ANY_ONCE,
	  NULL,
	  { { "198.51.100.1:7000", 0, true },
	    { "192.0.2.10:4000", 3000, false },
	    { "198.51.100.1:7001", 0, true },
	    { "198.51.100.1:7000", 0, false } } },
	{ "IPv6",
	  LATCH_SAME_IP,
	  "[2001:db8::1]:4000",
	  { { "[2001:db8::2]:4000", 0, false },
	    { "[2001:db8::1]:4002", 0, true },
	    { "[2001:db8::1]:4004", 0, false } } },
};

static void run_row(const struct row *row)
{
	static struct flow f; /* gcc's sanitizer does not align a stack that deeply */
	struct addr latched = { 0 };
	uint64_t now_ns = RIG_START;

	memset(&f, 0, sizeof(f));
	f.latch_mode = (uint8_t)row->mode;
	if (row->signalled)
		f.remote[CHANNEL_RTP] = rig_addr(row->signalled);
	for (const struct arrival *a = row->arrivals; a->from; a++) {
		struct addr from = rig_addr(a->from);
		bool changed;

		now_ns += a->after_ms * NS_PER_MS;
		if (latch_accept(&f, CHANNEL_RTP, &from, 0, now_ns, &changed) != a->accepted)
			fail_msg("%s: %s", row->name, a->from);
		ROW_ASSERT(row->name, changed == (a->accepted && !addr_eq(&from, &latched)));
		if (changed)
			latched = from;
		ROW_ASSERT(row->name, addr_eq(&f.latch_rtp.source, &latched));
	}
}

static void believes_by_mode(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	run_row(row);
}

/* RTCP follows RTP. source: of RTP, NULL: it was not heard; its SSRC is 7. */
static void rtcp_comes_from_beside_rtp(void **state)
{
	static const struct {
		const char *name;
		enum latch_mode mode;
		const char *source, *from[2];
		uint32_t ssrc;
		bool accepted[2];
		const char *sent_to;
	} RTCP[] = {
		{ "as signalled",
		  LATCH_SAME_IP,
		  "192.0.2.10:4000",
		  { "192.0.2.10:4009" },
		  0,
		  { true },
		  "192.0.2.10:4009" },
		{ "a neighbour",
		  LATCH_SAME_IP,
		  "192.0.2.10:4000",
		  { "192.0.2.10:6666" },
		  0,
		  { false },
		  "192.0.2.10:4009" },
		{ "a neighbour with another SSRC",
		  LATCH_SAME_IP,
		  "192.0.2.10:4000",
		  { "192.0.2.10:6666" },
		  8,
		  { false },
		  "192.0.2.10:4009" },
		{ "the NAT has ports of its own",
		  LATCH_SAME_IP,
		  "192.0.2.10:61000",
		  { "192.0.2.10:7777" },
		  7,
		  { true },
		  "192.0.2.10:7777" },
		{ "the next port of a learned source",
		  LATCH_SAME_IP,
		  "192.0.2.10:61000",
		  { "192.0.2.10:61001" },
		  0,
		  { true },
		  "192.0.2.10:61001" },
		{ "nothing came: beside the learned source",
		  LATCH_SAME_IP,
		  "192.0.2.10:61000",
		  { NULL },
		  0,
		  { false },
		  "192.0.2.10:61001" },
		{ "the right place takes over",
		  LATCH_SAME_IP,
		  "192.0.2.10:61000",
		  { "192.0.2.10:7777", "192.0.2.10:61001" },
		  7,
		  { true, true },
		  "192.0.2.10:61001" },
		{ "and stays",
		  LATCH_SAME_IP,
		  "192.0.2.10:61000",
		  { "192.0.2.10:61001", "192.0.2.10:7777" },
		  7,
		  { true, false },
		  "192.0.2.10:61001" },
		{ "another host, whatever it says",
		  LATCH_SAME_IP,
		  "192.0.2.10:4000",
		  { "203.0.113.9:4009" },
		  7,
		  { false },
		  "192.0.2.10:4009" },
		{ "before RTP, as signalled",
		  LATCH_SAME_IP,
		  NULL,
		  { "192.0.2.10:4009" },
		  0,
		  { true },
		  "192.0.2.10:4009" },
		{ "before RTP, a neighbour",
		  LATCH_SAME_IP,
		  NULL,
		  { "192.0.2.10:4011" },
		  7,
		  { false },
		  "192.0.2.10:4009" },
		{ "strict",
		  LATCH_STRICT,
		  "192.0.2.10:4000",
		  { "192.0.2.10:6666" },
		  7,
		  { false },
		  "192.0.2.10:4009" },
		{ "any-once, before RTP",
		  LATCH_ANY_ONCE,
		  NULL,
		  { "192.0.2.10:4009" },
		  7,
		  { false },
		  "192.0.2.10:4009" },
		{ "any-once",
		  LATCH_ANY_ONCE,
		  "198.51.100.1:7000",
		  { "198.51.100.1:7001" },
		  0,
		  { true },
		  "198.51.100.1:7001" },
		{ "any-once, a stranger",
		  LATCH_ANY_ONCE,
		  "198.51.100.1:7000",
		  { "203.0.113.9:7001" },
		  7,
		  { false },
		  "198.51.100.1:7001" },
	};
	static struct flow f; /* as in run_row */

	(void)state;
	for (size_t i = 0; i < COUNT_OF(RTCP); i++) {
		struct addr to = rig_addr(RTCP[i].sent_to);
		bool changed;

		memset(&f, 0, sizeof(f));
		f.latch_mode = (uint8_t)RTCP[i].mode;
		f.remote[CHANNEL_RTP] = rig_addr("192.0.2.10:4000");
		f.remote[CHANNEL_RTCP] = rig_addr("192.0.2.10:4009");
		latch_place_rtcp(&f);
		if (RTCP[i].source) {
			struct addr rtp = rig_addr(RTCP[i].source);

			assert_true(latch_accept(&f, CHANNEL_RTP, &rtp, 0, RIG_START, &changed));
			f.source = (struct source){ .ssrc = 7, .started = 1 };
		}
		for (size_t k = 0; k < 2 && RTCP[i].from[k]; k++) {
			struct addr from = rig_addr(RTCP[i].from[k]);

			/* reports are seconds apart, so time tells nothing */
			ROW_ASSERT(RTCP[i].name, latch_accept(&f, CHANNEL_RTCP, &from, RTCP[i].ssrc,
							      RIG_START + k * 5 * NS_PER_S,
							      &changed) == RTCP[i].accepted[k]);
		}
		ROW_ASSERT(RTCP[i].name, addr_eq(flow_rtcp_to(&f), &to));
	}
}

/* RTP that is believed from elsewhere takes its RTCP along. */
static void rtcp_moves_with_rtp(void **state)
{
	static struct flow f;
	struct addr old = rig_addr("192.0.2.10:4000"), old_rtcp = rig_addr("192.0.2.10:4001");
	struct addr new = rig_addr("192.0.2.10:61000"), new_rtcp = rig_addr("192.0.2.10:61001");
	bool changed;

	(void)state;
	f.latch_mode = LATCH_SAME_IP;
	f.remote[CHANNEL_RTP] = old;
	f.remote[CHANNEL_RTCP] = old_rtcp;
	latch_place_rtcp(&f);
	assert_true(latch_accept(&f, CHANNEL_RTP, &old, 0, RIG_START, &changed));
	assert_true(latch_accept(&f, CHANNEL_RTCP, &old_rtcp, 0, RIG_START, &changed));
	assert_true(latch_accept(&f, CHANNEL_RTP, &new, 0, RIG_START + LATCH_SILENCE_NS, &changed));
	assert_true(addr_eq(flow_rtcp_to(&f), &new_rtcp));
}

/* The node's own packets come back from one of its ports, also by the address of a 1:1 NAT. */
static void loops_are_dropped(void **state)
{
	static struct own_ports own;
	const struct own_name nat = { .outer = rig_addr("203.0.113.1"),
				      .inner = rig_addr("10.0.0.1") };
	struct rig *r = rig_open();
	struct addr port = rig_addr("10.0.0.1:20000"), outer = rig_addr("203.0.113.1:20000");

	(void)state;
	own_ports_open(&own, &nat, 1);
	r->w.own = &own;
	r->spec[A].latch = LATCH_ANY_ONCE;
	rig_update(r, &r->spec[A]);
	own_ports_add(&own, &port, &(struct local){ 0 });
	put_rtp_from(r, A, &port, &(struct rtp){ .ssrc = 1 });
	put_rtp_from(r, A, &outer, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_LOOP), 2);
	assert_int_equal(flow_of(r, A)->latch_rtp.source.family, ADDR_NONE);
	own_ports_del(&own, &port); /* whoever has it now is not the node */
	put_rtp_from(r, A, &port, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	r->w.own = NULL;
	own_ports_close(&own);
	rig_close(r);
}

static void strangers_are_counted_and_not_heard(void **state)
{
	static const char *const STRANGERS[] = { "192.0.2.10:4002", "192.0.2.20:5000",
						 "203.0.113.9:4000", "127.0.0.1:4000" };
	struct rig *r = rig_open();

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 100 }));
	for (uint32_t i = 0; i < 40; i++) {
		struct addr from = rig_addr(STRANGERS[i % COUNT_OF(STRANGERS)]);

		put_rtp_from(r, A, &from,
			     &(struct rtp){ .ssrc = 1, .sequence = (uint16_t)(101 + i) });
	}
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_SOURCE_NOT_LATCHED), 40);
	assert_int_equal(flow_of(r, A)->stats.dropped, 40);
	/* and B's packets still go to A, not to any of them */
	const struct sim_packet *out = relay_rtp(r, B, &(struct rtp){ .ssrc = 2 });
	struct addr a = party(A);

	assert_non_null(out);
	assert_true(addr_eq(&out->remote, &a));
	rig_close(r);
}

static void sends_to_the_signalled_address_until_latched(void **state)
{
	struct rig *r = rig_open();
	struct addr nat = rig_addr("192.0.2.10:61000");
	struct addr signalled = party(A);

	(void)state;
	assert_true(addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2 })->remote, &signalled));
	put_rtp_from(r, A, &nat, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	assert_true(
		addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2, .sequence = 1 })->remote, &nat));
	rig_close(r);
}

/* A re-INVITE that moves the party: its old place is neither believed nor sent to. */
static void follows_a_moved_signalled_address(void **state)
{
	struct rig *r = rig_open();
	struct addr moved = rig_addr("192.0.2.11:6000");

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1 }));
	r->spec[A].remote_rtp = moved;
	rig_update(r, &r->spec[A]);
	assert_true(addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2 })->remote, &moved));
	assert_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 1 }));
	put_rtp_from(r, A, &moved, &(struct rtp){ .ssrc = 1, .sequence = 2 });
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	rig_close(r);
}

/* Its RTCP moves with it, even where no RTCP address is signalled. */
static void a_moved_party_has_its_rtcp_elsewhere(void **state)
{
	struct rig *r = rig_open();
	struct flow *f = flow_of(r, A);

	(void)state;
	f->latch_rtp.source = party(A);
	f->latch_rtcp.source = party_rtcp(A);
	r->spec[A].remote_rtp = rig_addr("192.0.2.11:6000");
	rig_update(r, &r->spec[A]);
	assert_int_equal(f->latch_rtp.source.family, ADDR_NONE);
	assert_int_equal(f->latch_rtcp.source.family, ADDR_NONE);
	f->latch_rtp.source = r->spec[A].remote_rtp;
	f->latch_rtcp.source = party_rtcp(A);
	r->spec[A].remote_rtcp = rig_addr("192.0.2.11:6001");
	rig_update(r, &r->spec[A]);
	assert_int_equal(f->latch_rtp.source.family, ADDR_V4);
	assert_int_equal(f->latch_rtcp.source.family, ADDR_NONE);
	rig_close(r);
}

static void an_update_that_moves_nothing_keeps_the_latch(void **state)
{
	struct rig *r = rig_open();
	struct addr nat = rig_addr("192.0.2.10:61000");

	(void)state;
	put_rtp_from(r, A, &nat, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	r->spec[A].receive = 0;
	rig_update(r, &r->spec[A]);
	assert_true(addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2 })->remote, &nat));
	rig_close(r);
}

/* Before there is a peer a party behind NAT shows where it is. */
static void latches_what_it_does_not_relay(void **state)
{
	struct rig *r = rig_open();
	struct addr nat = rig_addr("192.0.2.10:61000");

	(void)state;
	r->spec[A].peer = (struct flow_id){ 0 };
	rig_update(r, &r->spec[A]);
	put_rtp_from(r, A, &nat, &(struct rtp){ .ssrc = 1 });
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_NO_PEER), 1);
	assert_true(addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2 })->remote, &nat));
	rig_close(r);
}

/* On hold nobody does, and strangers are told from the party all the same. */
static void a_held_flow_latches_nobody(void **state)
{
	static const enum latch_mode MODES[] = { LATCH_STRICT, LATCH_SAME_IP, LATCH_ANY_ONCE };
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(MODES); i++) {
		struct rig *r = rig_open();
		struct addr signalled = party(A), rtcp = party_rtcp(A);
		struct addr stranger = rig_addr("203.0.113.9:4000");

		r->spec[A].receive = 0;
		r->spec[A].latch = MODES[i];
		rig_update(r, &r->spec[A]);
		put_rtp_from(r, A, &signalled, &(struct rtp){ .ssrc = 1 });
		put_rtp_from(r, A, &stranger, &(struct rtp){ .ssrc = 1 });
		worker_step(&r->w);
		nothing_sent(r);
		assert_int_equal(flow_of(r, A)->latch_rtp.source.family, ADDR_NONE);
		assert_int_equal(dropped(r, VERDICT_NOT_RECEIVING) +
					 dropped(r, VERDICT_SOURCE_NOT_LATCHED),
				 2);
		/* its reports go on */
		if (MODES[i] != LATCH_ANY_ONCE) {
			put_bytes(r, A, CHANNEL_RTCP, &rtcp, bytes_mem(RR, sizeof(RR)));
			worker_step(&r->w);
			assert_non_null(port_sim_sent(r->sim));
		}
		/* and on resume the first one is heard */
		r->spec[A].receive = 1;
		rig_update(r, &r->spec[A]);
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 1 }));
		rig_close(r);
	}
}

/* A stranger that sends first, or during a hold, gets nothing and is not heard. */
static void nobody_is_believed_before_the_party_is_signalled(void **state)
{
	static const enum latch_mode MODES[] = { LATCH_STRICT, LATCH_SAME_IP };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(MODES); i++) {
		struct rig *r = rig_open();
		struct addr stranger = rig_addr("203.0.113.9:4000"), from = party(B);

		r->spec[B].latch = MODES[i];
		r->spec[B].remote_rtp = r->spec[B].remote_rtcp = (struct addr){ 0 };
		rig_update(r, &r->spec[B]);
		put_rtp_from(r, B, &stranger, &(struct rtp){ .ssrc = 9 });
		put_rtp_from(r, B, &from, &(struct rtp){ .ssrc = 9 });
		put_rtp(r, A, &(struct rtp){ .ssrc = 1 });
		worker_step(&r->w);
		nothing_sent(r);
		assert_int_equal(dropped(r, VERDICT_SOURCE_NOT_LATCHED), 2);
		assert_int_equal(dropped(r, VERDICT_NO_DESTINATION), 1);
		r->spec[B] = rig_spec(B);
		r->spec[B].latch = MODES[i];
		rig_update(r, &r->spec[B]);
		put_rtp_from(r, B, &stranger, &(struct rtp){ .ssrc = 9 });
		worker_step(&r->w);
		nothing_sent(r);
		assert_non_null(relay_rtp(r, B, &(struct rtp){ .ssrc = 2 }));
		rig_close(r);
	}
}

/* ---- silence ---- */

static uint32_t silent_after_ms(struct rig *r, uint32_t ms)
{
	uint32_t n = 0;

	for (; ms >= 250; ms -= 250) {
		advance_ms(r, 250);
		worker_step(&r->w);
		n += rig_events(r, MEDIA_FLOW_SILENT);
	}
	return n;
}

static void silence_is_told_once(void **state)
{
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct rig *r = rig_open();
	struct addr rtcp = party_rtcp(A);

	(void)state;
	r->spec[A].silence_ms = 10000;
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 9750), 0); /* never heard */
	assert_int_equal(silent_after_ms(r, 500), 1);
	assert_int_equal(silent_after_ms(r, 60000), 0);
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1 }));
	assert_int_equal(silent_after_ms(r, 9500), 0);
	put_bytes(r, A, CHANNEL_RTCP, &rtcp,
		  bytes_mem(RR, sizeof(RR))); /* RTCP is a sign of life */
	assert_int_equal(silent_after_ms(r, 9750), 0);
	assert_int_equal(silent_after_ms(r, 60000), 1);
	r->spec[A].receive = 0; /* and on hold silence is right */
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 60000), 0);
	r->spec[A].receive = 1;
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 9750), 0);
	assert_int_equal(silent_after_ms(r, 500), 1);
	r->spec[A].silence_ms = 0;
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 60000), 0);
	rig_close(r);
}

/* Indexes of SRTP are granted by updates: those begin no time anew. One after the event does. */
static void updates_are_no_sign_of_life(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	r->spec[A].silence_ms = 10000;
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 6000), 0);
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 3500), 0);
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 1000), 1);
	assert_int_equal(silent_after_ms(r, 60000), 0);
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 9500), 0);
	assert_int_equal(silent_after_ms(r, 1000), 1);
	r->spec[A].remote_rtp.port++; /* it is to be heard from elsewhere */
	rig_update(r, &r->spec[A]);
	assert_int_equal(silent_after_ms(r, 9500), 0);
	rig_close(r);
}

static void strangers_do_not_end_a_silence(void **state)
{
	struct rig *r = rig_open();
	struct addr stranger = rig_addr("203.0.113.9:4000");
	uint32_t told = 0;

	(void)state;
	r->spec[A].silence_ms = 5000;
	rig_update(r, &r->spec[A]);
	for (uint16_t i = 0; i < 40; i++) {
		put_rtp_from(r, A, &stranger, &(struct rtp){ .ssrc = 1, .sequence = i });
		told += silent_after_ms(r, 250);
	}
	assert_int_equal(told, 1);
	rig_close(r);
}

/* ---- connected sockets ---- */

static bool is_connected(const struct rig *r, int side, const struct addr *to)
{
	return addr_eq(&r->sim->connected[side], to);
}

/* 50 packets a second from this address. */
static void talk(struct rig *r, int side, const struct addr *from, uint32_t ms, uint16_t *sequence)
{
	for (uint32_t t = 0; t < ms; t += 20) {
		put_rtp_from(r, side, from, &(struct rtp){ .ssrc = 1, .sequence = (*sequence)++ });
		worker_step(&r->w);
		while (port_sim_sent(r->sim))
			continue;
		advance_ms(r, 20);
	}
}

static void silence(struct rig *r, uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += 50) {
		advance_ms(r, 50);
		worker_step(&r->w);
	}
}

static void a_source_that_stays_is_connected(void **state)
{
	struct rig *r = rig_open();
	struct addr nat = rig_addr("192.0.2.10:61000"), none = { 0 };
	uint16_t n = 0;

	(void)state;
	talk(r, A, &nat, 4900, &n);
	assert_true(is_connected(r, A, &none));
	talk(r, A, &nat, 500, &n);
	assert_true(is_connected(r, A, &nat));
	assert_true(is_connected(r, B, &none)); /* it never spoke */
	/* a second of silence: it hears everyone again, and later connects again */
	silence(r, 1300);
	assert_true(is_connected(r, A, &none));
	talk(r, A, &nat, 300, &n);
	assert_true(is_connected(r, A, &nat));
	rig_close(r);
}

/* A new NAT binding: the socket must be open to it when the rule allows to learn it. */
static void a_connected_party_may_come_from_elsewhere(void **state)
{
	struct rig *r = rig_open();
	struct addr old = rig_addr("192.0.2.10:61000"), new = rig_addr("192.0.2.10:61002");
	uint16_t n = 0;
	uint64_t sent;

	(void)state;
	talk(r, A, &old, 6000, &n);
	assert_true(is_connected(r, A, &old));
	sent = r->sim->sent;
	talk(r, A, &new, 2900, &n);
	assert_int_equal(r->sim->sent, sent);
	assert_true(r->sim->unheard > 0 && dropped(r, VERDICT_SOURCE_NOT_LATCHED) > 0);
	talk(r, A, &new, 1000, &n);
	assert_in_range(r->sim->sent - sent, 40, 50);
	rig_close(r);
}

static void an_update_opens_a_connected_socket(void **state)
{
	struct rig *r = rig_open();
	struct addr a = party(A), moved = rig_addr("192.0.2.11:6000"), none = { 0 };
	uint16_t n = 0;

	(void)state;
	talk(r, A, &a, 6000, &n);
	assert_true(is_connected(r, A, &a));
	r->spec[A].remote_rtp = moved;
	rig_update(r, &r->spec[A]);
	assert_true(is_connected(r, A, &none));
	assert_true(addr_eq(&relay_rtp(r, B, &(struct rtp){ .ssrc = 2 })->remote, &moved));
	talk(r, A, &moved, 6000, &n);
	assert_true(is_connected(r, A, &moved));
	rig_close(r);
}

static void resumes_a_latch_the_mode_allows(void **state)
{
	static const struct {
		enum latch_mode mode;
		const char *latched;
		bool kept;
	} RESUMED[] = {
		{ LATCH_STRICT, "192.0.2.10:4000", true },
		{ LATCH_STRICT, "192.0.2.10:61000", false },
		{ LATCH_SAME_IP, "192.0.2.10:61000", true },
		{ LATCH_SAME_IP, "203.0.113.9:1", false },
		{ LATCH_ANY_ONCE, "203.0.113.9:1", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(RESUMED); i++) {
		struct rig *r = rig_open_empty(16);
		struct flow_spec spec = rig_spec(A);

		spec.latch = RESUMED[i].mode;
		spec.resume.source_rtp = rig_addr(RESUMED[i].latched);
		rig_open_flow(r, &spec);
		assert_int_equal(flow_of(r, A)->latch_rtp.source.family != ADDR_NONE,
				 RESUMED[i].kept);
		rig_close(r);
	}
}

/* What comes from the RTP source to the RTCP port is not yet from the RTCP source. */
static void the_rtp_source_is_none_of_rtcp(void **state)
{
	static const uint8_t RECEIVER_REPORT[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct rig *r = rig_open();
	struct addr rtp = party(A), rtcp = party_rtcp(A);

	(void)state;
	r->spec[A].latch = LATCH_STRICT;
	rig_update(r, &r->spec[A]);
	put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 1 });
	put_bytes(r, A, CHANNEL_RTCP, &rtp, bytes_mem(RECEIVER_REPORT, sizeof(RECEIVER_REPORT)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_SOURCE_NOT_LATCHED), 1);
	put_bytes(r, A, CHANNEL_RTCP, &rtcp, bytes_mem(RECEIVER_REPORT, sizeof(RECEIVER_REPORT)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_SOURCE_NOT_LATCHED), 1);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes_by_mode),
		cmocka_unit_test(rtcp_comes_from_beside_rtp),
		cmocka_unit_test(rtcp_moves_with_rtp),
		cmocka_unit_test(loops_are_dropped),
		cmocka_unit_test(strangers_are_counted_and_not_heard),
		cmocka_unit_test(sends_to_the_signalled_address_until_latched),
		cmocka_unit_test(follows_a_moved_signalled_address),
		cmocka_unit_test(a_moved_party_has_its_rtcp_elsewhere),
		cmocka_unit_test(an_update_that_moves_nothing_keeps_the_latch),
		cmocka_unit_test(silence_is_told_once),
		cmocka_unit_test(updates_are_no_sign_of_life),
		cmocka_unit_test(strangers_do_not_end_a_silence),
		cmocka_unit_test(latches_what_it_does_not_relay),
		cmocka_unit_test(a_held_flow_latches_nobody),
		cmocka_unit_test(nobody_is_believed_before_the_party_is_signalled),
		cmocka_unit_test(a_source_that_stays_is_connected),
		cmocka_unit_test(a_connected_party_may_come_from_elsewhere),
		cmocka_unit_test(an_update_opens_a_connected_socket),
		cmocka_unit_test(the_rtp_source_is_none_of_rtcp),
		cmocka_unit_test(resumes_a_latch_the_mode_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
