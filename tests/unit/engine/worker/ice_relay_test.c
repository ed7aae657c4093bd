/* SPDX-License-Identifier: Apache-2.0 */
/* ICE through all stages: slot 0 faces a browser, slot 1 a phone. */
#include "tests/unit/test.h"

#include "tests/unit/engine/ice/ice_party.h"

#define BROWSER  "198.51.100.1:40000"
#define OTHER    "198.51.100.1:40001"
#define STRANGER "203.0.113.9:666"

static const struct media_ice RESTARTED = { .on = 1,
					    .ufrag = { 'c', 'c', 'c', 'c', 'c', 'c', 'c', 'c' },
					    .pwd = "password-of-c-0123456789" };
static const struct check PLAIN = { .ice = &ICE_A },
			  NOMINATES = { .ice = &ICE_A, .nominates = true };

static struct flow_spec ice_spec(void)
{
	struct flow_spec s = rig_spec(A);

	s.ice = ICE_A;
	s.rtcp_mux = 1;
	return s;
}

static struct rig *open_with(const struct flow_spec *a)
{
	struct rig *r = rig_open_empty(64);

	r->spec[A] = *a;
	r->spec[B] = rig_spec(B);
	rig_open_flow(r, &r->spec[A]);
	rig_open_flow(r, &r->spec[B]);
	return r;
}

static struct rig *ice_rig(void)
{
	struct flow_spec s = ice_spec();

	return open_with(&s);
}

static const struct sim_packet *rtp_from(struct rig *r, const char *from, uint16_t sequence)
{
	struct addr a = rig_addr(from);

	while (port_sim_sent(r->sim))
		continue;
	put_rtp_from(r, A, &a, &(struct rtp){ .ssrc = 1, .sequence = sequence });
	worker_step(&r->w);
	return port_sim_sent(r->sim);
}

/* Where the phone's audio goes; "": nowhere. */
static const char *goes_to(struct rig *r, uint16_t sequence)
{
	static char text[ADDR_TEXT_MAX];
	const struct sim_packet *p;

	while (port_sim_sent(r->sim))
		continue;
	p = relay_rtp(r, B, &(struct rtp){ .ssrc = 2, .sequence = sequence });
	return p ? addr_text(&p->remote, text) : "";
}

/* The next of the browser's flow. */
static struct media_event latched(struct rig *r)
{
	struct media_event event;

	do
		assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &event));
	while (event.id.slot != A);
	return event;
}

static struct flow_stats stats_of(struct rig *r)
{
	return flow_stats_read(flow_of(r, A));
}

static void nothing_before_a_check(void **state)
{
	struct rig *r = ice_rig();

	(void)state;
	assert_int_equal(stats_of(r).ice, ICE_CHECKING);
	assert_null(rtp_from(r, BROWSER, 1));
	/* the signalled address is nobody's word for it either */
	assert_null(rtp_from(r, "192.0.2.10:4000", 2));
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 2);
	assert_string_equal(goes_to(r, 1), "");
	assert_int_equal(dropped(r, VERDICT_NO_DESTINATION), 1);
	assert_int_equal(checks(r, A, BROWSER, &PLAIN), 0);
	assert_int_equal(stats_of(r).ice, ICE_CONNECTED);
	assert_non_null(rtp_from(r, BROWSER, 3));
	assert_null(rtp_from(r, OTHER, 4));
	assert_string_equal(goes_to(r, 2), BROWSER);
	rig_close(r);
}

static void checks_are_answered(void **state)
{
	static const struct row {
		const char *name;
		struct check check;
		int answer;
		bool connects;
	} ROWS[] = {
		{ "as it should be", { .ice = &ICE_A }, 0, true },
		{ "another's password",
		  { .ice = &ICE_B, .username = "aaaaaaaa:party" },
		  401,
		  false },
		{ "another's ufrag", { .ice = &ICE_A, .username = "aaaaaaab:party" }, 401, false },
		{ "ours is longer", { .ice = &ICE_A, .username = "aaaaaaaaa:party" }, 401, false },
		{ "ours is shorter", { .ice = &ICE_A, .username = "aaaaaaa:" }, 401, false },
		{ "without integrity", { .ice = &ICE_A, .no_integrity = true }, 400, false },
		{ "without username", { .ice = &ICE_A, .no_username = true }, 400, false },
		{ "what we do not understand", { .ice = &ICE_A, .unknown = true }, 420, false },
		{ "that and no credentials",
		  { .ice = &ICE_A, .unknown = true, .no_integrity = true },
		  400,
		  false },
		{ "both controlled", { .ice = &ICE_A, .controlled = true }, 487, false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct rig *r = ice_rig();

		ROW_ASSERT(row->name, checks(r, A, BROWSER, &row->check) == row->answer);
		ROW_ASSERT(row->name,
			   stats_of(r).ice == (row->connects ? ICE_CONNECTED : ICE_CHECKING));
		ROW_ASSERT(row->name, !rtp_from(r, BROWSER, 1) == !row->connects);
		rig_close(r);
	}
}

static void what_is_no_check(void **state)
{
	static const struct row {
		const char *name;
		struct bytes in;
		enum verdict verdict;
	} ROWS[] = {
		{ "a keepalive",
		  { (const uint8_t *)"\0\x11\0\0\x21\x12\xa4\x42" TRANSACTION, 20 },
		  VERDICT_STUN_IGNORED },
		{ "an answer",
		  { (const uint8_t *)"\1\1\0\0\x21\x12\xa4\x42" TRANSACTION, 20 },
		  VERDICT_STUN_IGNORED },
		{ "cut",
		  { (const uint8_t *)"\0\1\0\4\x21\x12\xa4\x42" TRANSACTION, 20 },
		  VERDICT_STUN_MALFORMED },
		{ "DTLS", { (const uint8_t *)"\x16\xfe\xff\0", 4 }, VERDICT_NOT_RTP },
		{ "ZRTP", { (const uint8_t *)"\x10\0", 2 }, VERDICT_NOT_RTP },
	};
	const struct row *row;
	struct rig *r = ice_rig();
	struct addr from = rig_addr(BROWSER);

	(void)state;
	EACH_ROW(row, ROWS)
	{
		uint64_t before = dropped(r, row->verdict);

		put_bytes(r, A, CHANNEL_RTP, &from, row->in);
		worker_step(&r->w);
		ROW_ASSERT(row->name, dropped(r, row->verdict) == before + 1);
		nothing_sent(r);
	}
	/* to a phone's flow it is what it always was */
	put_bytes(r, B, CHANNEL_RTP, &from, ROWS[0].in);
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_NOT_RTP), 3);
	rig_close(r);
}

static void the_nominated_pair_is_sent_to(void **state)
{
	struct rig *r = ice_rig();
	struct media_event event;

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &PLAIN), 0);
	event = latched(r);
	assert_int_equal(event.resume.source_rtp.port, 40000);
	assert_int_equal(event.stats.ice, ICE_CONNECTED);
	assert_int_equal(checks(r, A, OTHER, &PLAIN), 0);
	assert_string_equal(goes_to(r, 1), BROWSER);
	assert_int_equal(checks(r, A, OTHER, &NOMINATES), 0);
	assert_string_equal(goes_to(r, 2), OTHER);
	/* both are proven to be the party's */
	assert_non_null(rtp_from(r, BROWSER, 1));
	assert_non_null(rtp_from(r, OTHER, 2));
	advance_ms(r, 1100);
	worker_step(&r->w);
	event = latched(r);
	assert_int_equal(event.resume.source_rtp.port, 40001);
	/* a socket that hears all: a check may come from anywhere */
	advance_ms(r, 6000);
	assert_non_null(rtp_from(r, OTHER, 3));
	advance_ms(r, 300);
	worker_step(&r->w);
	assert_int_equal(r->sim->connected[A].family, ADDR_NONE);
	rig_close(r);
}

/* How the party's checks came is asked of the transport, also where a line shares it. */
static void a_question_hears_of_checks(void **state)
{
	struct rig *r = ice_rig();
	struct media_event event;
	struct addr from = rig_addr(BROWSER);
	uint64_t checked_ns;

	(void)state;
	put_check(r, A, &from, &(struct check){ .ice = &ICE_B });
	put_check(r, A, &from, &(struct check){ .ice = &ICE_B, .username = "aaaaaaaa:party" });
	put_check(r, A, &from, &(struct check){ .ice = &ICE_A, .no_integrity = true });
	worker_step(&r->w);
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	checked_ns = r->w.now_ns;
	advance_ms(r, 100);
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_QUERY, .id = r->spec[A].id });
	assert_true(rig_event(r, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.detail.checks_name, 1);
	assert_int_equal(event.detail.checks_key, 2);
	assert_int_equal(event.detail.checks, 1);
	assert_int_equal(event.detail.checked_ns, checked_ns);
	rig_close(r);
}

static void consent_ends(void **state)
{
	struct rig *r = ice_rig();
	struct media_event event;

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	for (int i = 0; i < 29; i++) {
		advance_ms(r, 1000);
		assert_non_null(rtp_from(r, BROWSER, (uint16_t)i));
	}
	assert_string_equal(goes_to(r, 1), BROWSER);
	(void)rig_events(r, MEDIA_FLOW_LATCHED);
	advance_ms(r, 1000);
	worker_step(&r->w);
	/* media are no consent */
	assert_int_equal(stats_of(r).ice, ICE_LOST);
	assert_string_equal(goes_to(r, 2), "");
	assert_int_equal(dropped(r, VERDICT_NO_CONSENT), 1);
	assert_null(rtp_from(r, BROWSER, 100));
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 1);
	event = latched(r);
	assert_int_equal(event.stats.ice, ICE_LOST);
	assert_int_equal(event.resume.source_rtp.family, ADDR_NONE);
	assert_int_equal(checks(r, A, OTHER, &PLAIN), 0);
	assert_string_equal(goes_to(r, 3), OTHER);
	assert_non_null(rtp_from(r, OTHER, 101));
	rig_close(r);
}

static void a_restart(void **state)
{
	struct rig *r = ice_rig();
	struct flow_spec s = r->spec[A];
	const struct check fresh = { .ice = &RESTARTED },
			   named = { .ice = &RESTARTED, .nominates = true };

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	s.remote_rtp.port++; /* its default candidate moves with it, which means nothing */
	s.ice = RESTARTED;
	rig_update(r, &s);
	assert_string_equal(goes_to(r, 1), BROWSER);
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 401);
	assert_int_equal(checks(r, A, OTHER, &PLAIN), 401);
	assert_int_equal(checks(r, A, OTHER, &fresh), 0);
	assert_string_equal(goes_to(r, 2), BROWSER);
	assert_non_null(rtp_from(r, BROWSER, 1));
	assert_int_equal(checks(r, A, OTHER, &named), 0);
	assert_string_equal(goes_to(r, 3), OTHER);
	assert_null(rtp_from(r, BROWSER, 2));
	assert_non_null(rtp_from(r, OTHER, 3));
	rig_close(r);
}

static void an_update_changes_no_pair(void **state)
{
	struct rig *r = ice_rig();
	struct flow_spec s = r->spec[A];

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	(void)rig_events(r, MEDIA_FLOW_LATCHED);
	s.remote_rtp = rig_addr("192.0.2.77:9");
	s.latch = LATCH_STRICT;
	rig_update(r, &s);
	assert_string_equal(goes_to(r, 1), BROWSER);
	assert_non_null(rtp_from(r, BROWSER, 1));
	rig_close(r);
}

/* A phone that was offered ICE answers without it: latched as ever. */
static void ice_that_ends_and_begins(void **state)
{
	struct rig *r = ice_rig();
	struct flow_spec s = r->spec[A];

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	s.ice.on = 0;
	rig_update(r, &s);
	assert_int_equal(stats_of(r).ice, ICE_OFF);
	assert_string_equal(goes_to(r, 1), "192.0.2.10:4000");
	assert_null(rtp_from(r, BROWSER, 1));
	assert_non_null(rtp_from(r, "192.0.2.10:4000", 1));
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), -1);
	rig_update(r, &r->spec[A]);
	assert_string_equal(goes_to(r, 2), "");
	assert_null(rtp_from(r, "192.0.2.10:4000", 2));
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	assert_string_equal(goes_to(r, 3), BROWSER);
	rig_close(r);
}

static void a_successor_goes_on(void **state)
{
	struct rig *r = ice_rig();
	struct flow_spec s = r->spec[A];

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	assert_non_null(rtp_from(r, BROWSER, 1));
	s.resume = flow_resume_read(flow_of(r, A));
	rig_close(r);
	r = open_with(&s);
	assert_int_equal(stats_of(r).ice, ICE_CONNECTED);
	assert_string_equal(goes_to(r, 1), BROWSER);
	assert_non_null(rtp_from(r, BROWSER, 2));
	assert_null(rtp_from(r, STRANGER, 3));
	advance_ms(r, 29900);
	worker_step(&r->w);
	assert_string_equal(goes_to(r, 2), BROWSER);
	advance_ms(r, 300);
	worker_step(&r->w);
	assert_string_equal(goes_to(r, 3), "");
	rig_close(r);
}

/* Whatever a stranger sends, the flow is as it was, but for what is counted. */
static void strangers_change_nothing(void **state)
{
	struct rig *r = ice_rig();
	struct addr from = rig_addr(STRANGER);
	struct ice before;
	uint8_t memory[PACKET_MAX];
	struct bytes stolen;
	uint32_t answers = 0;

	(void)state;
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	before = r->w.transports.list[A].ice;
	for (int i = 0; i < 200; i++) {
		put_check(r, A, &from, &(struct check){ .ice = &ICE_B, .nominates = true });
		put_rtp_from(r, A, &from, &(struct rtp){ .ssrc = 66 });
		put_bytes(r, A, CHANNEL_RTP, &from, BYTES_LIT("\x16\xfe\xff\0"));
		stolen = check_write(memory, &NOMINATES);
		memory[stolen.n - 9] ^= 1; /* in the integrity */
		be16_put(memory + 2, (uint16_t)(stolen.n - 8 - STUN_HEAD_LEN));
		put_bytes(r, A, CHANNEL_RTP, &from, bytes_sub(stolen, 0, stolen.n - 8));
		worker_step(&r->w);
		while (port_sim_sent(r->sim))
			answers++;
	}
	assert_int_equal(answers, 16);
	assert_int_equal(r->w.transports.list[A].ice.checks_name, 200);
	assert_int_equal(r->w.transports.list[A].ice.checks_key, 200);
	before.checks_name = before.checks_key = 200;
	assert_memory_equal(&before, &r->w.transports.list[A].ice, sizeof(before));
	assert_int_equal(dropped(r, VERDICT_STUN_AUTH), 400 - 16);
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 200);
	assert_int_equal(dropped(r, VERDICT_NOT_RTP), 200);
	assert_string_equal(goes_to(r, 1), BROWSER);
	advance_ms(r, 300);
	worker_step(&r->w);
	assert_int_equal(checks(r, A, STRANGER, &(struct check){ .ice = &ICE_B }), 401);
	rig_close(r);
}

/* The handshake gets what comes from a proven address, and nothing else does. */
static void dtls_needs_a_pair(void **state)
{
	static const uint8_t HELLO[] = { 22, 0xfe, 0xff, 0 };
	struct flow_spec s = ice_spec();
	struct rig *r;
	struct addr from = rig_addr(BROWSER);

	(void)state;
	s.dtls.role = DTLS_SERVER;
	r = open_with(&s);
	put_bytes(r, A, CHANNEL_RTP, &from, bytes_mem(HELLO, sizeof(HELLO)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 1);
	assert_int_equal(checks(r, A, BROWSER, &PLAIN), 0); /* it comes before a nomination */
	put_bytes(r, A, CHANNEL_RTP, &from, bytes_mem(HELLO, sizeof(HELLO)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_NOT_RTP), 1); /* there is no thread for it */
	/* and until it is done nothing passes, in clear least of all */
	assert_null(rtp_from(r, BROWSER, 1));
	assert_string_equal(goes_to(r, 1), "");
	assert_int_equal(dropped(r, VERDICT_SRTP_KEY), 2);
	rig_close(r);
}

/* Two ports: each has its own pairs. */
static void without_mux(void **state)
{
	struct flow_spec s = ice_spec();
	struct rig *r;
	struct addr rtcp = rig_addr(OTHER);
	uint8_t memory[PACKET_MAX];
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };

	(void)state;
	s.rtcp_mux = 0;
	r = open_with(&s);
	assert_int_equal(checks(r, A, BROWSER, &NOMINATES), 0);
	put_bytes(r, A, CHANNEL_RTCP, &rtcp, bytes_mem(RR, sizeof(RR)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 1);
	put_bytes(r, A, CHANNEL_RTCP, &rtcp, check_write(memory, &PLAIN));
	worker_step(&r->w);
	assert_int_equal(port_sim_sent(r->sim)->channel, CHANNEL_RTCP);
	put_bytes(r, A, CHANNEL_RTCP, &rtcp, bytes_mem(RR, sizeof(RR)));
	worker_step(&r->w);
	assert_int_equal(dropped(r, VERDICT_ICE_NO_PAIR), 1);
	assert_int_equal(flow_rtcp_to(flow_of(r, A))->port, 40001);
	assert_string_equal(goes_to(r, 1), BROWSER);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_a_check),
		cmocka_unit_test(checks_are_answered),
		cmocka_unit_test(what_is_no_check),
		cmocka_unit_test(the_nominated_pair_is_sent_to),
		cmocka_unit_test(a_question_hears_of_checks),
		cmocka_unit_test(consent_ends),
		cmocka_unit_test(a_restart),
		cmocka_unit_test(an_update_changes_no_pair),
		cmocka_unit_test(ice_that_ends_and_begins),
		cmocka_unit_test(a_successor_goes_on),
		cmocka_unit_test(strangers_change_nothing),
		cmocka_unit_test(dtls_needs_a_pair),
		cmocka_unit_test(without_mux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
