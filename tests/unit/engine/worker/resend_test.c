/* SPDX-License-Identifier: Apache-2.0 */
/* Video that a party lost leaves again. A sends it, B misses it. */
#include "tests/unit/test.h"

#include "tests/unit/engine/rig.h"

enum {
	SSRC_A = 0x1001,
	SSRC_B = 0x1002, /* of B's reports; it sends no video */
	OURS = 0xbbbb,   /* under which B receives */
	KEYED = 30,
	LONG = 1100,
};

struct store {
	struct rig *r;
	uint64_t counted[NACK_RESULTS], refused;
	uint16_t first; /* number under which the first packet left */
	struct sim_packet sent[2 * RESEND_KEPT];
	uint32_t count;
};

static struct media_key key_of(uint8_t first)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = KEYED };

	key.octets[0] = first;
	return key;
}

static struct store *store_open(bool nack, bool secure)
{
	struct store *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->r = rig_open_empty(64);
	for (int side = A; side <= B; side++) {
		struct flow_spec *s = &x->r->spec[side];

		*s = rig_spec(side);
		s->kind = MEDIA_VIDEO;
		s->nack = nack && side == B;
		if (secure && side == B) {
			s->key_out = key_of(1);
			s->srtp_limit = SRTP_INDEX_END;
			s->srtcp_limit = SRTCP_INDEX_END;
		}
		rig_open_flow(x->r, s);
		rig_hear(x->r, side);
	}
	for (enum nack_result r = 0; r < NACK_RESULTS; r++)
		x->counted[r] = metric_value(x->r->metrics.nacked[r]);
	x->refused = metric_value(x->r->metrics.resend_refused);
	return x;
}

static void store_close(struct store *x)
{
	rig_close(x->r);
	free(x);
}

static uint64_t nacked(const struct store *x, enum nack_result result)
{
	return metric_value(x->r->metrics.nacked[result]) - x->counted[result];
}

static uint16_t number_of(const struct sim_packet *p)
{
	return be16_get(p->data + 2);
}

/* One packet of A's, of this number there. */
static void picture(struct store *x, uint16_t sequence)
{
	char payload[LONG];
	const struct sim_packet *p;

	memset(payload, sequence, sizeof(payload));
	p = relay_rtp(x->r, A,
		      &(struct rtp){ .ssrc = SSRC_A,
				     .sequence = sequence,
				     .timestamp = sequence * 100U,
				     .payload = payload,
				     .payload_n = sizeof(payload) });
	assert_non_null(p);
	assert_int_equal(p->slot, B);
	assert_true(x->count < COUNT_OF(x->sent));
	x->sent[x->count++] = *p;
	x->first = number_of(&x->sent[0]);
}

static void pictures(struct store *x, uint16_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		picture(x, (uint16_t)(first + i));
}

/* B misses the numbers of a PID and its mask. */
static struct bytes nack_write(uint8_t out[32], uint32_t media, uint16_t pid, uint16_t mask)
{
	struct writer w = writer_over(out, 32);

	writer_be32(&w, 0x81cd0003);
	writer_be32(&w, SSRC_B);
	writer_be32(&w, media);
	writer_be16(&w, pid);
	writer_be16(&w, mask);
	return writer_done(&w);
}

static void nack(struct store *x, uint16_t pid, uint16_t mask)
{
	struct addr from = party_rtcp(B);
	uint8_t memory[32];

	put_bytes(x->r, B, CHANNEL_RTCP, &from, nack_write(memory, OURS, pid, mask));
	worker_step(&x->r->w);
}

/* The next that leaves is the packet that left at that place, octet by octet. */
static void again(struct store *x, uint32_t index)
{
	const struct sim_packet *p = port_sim_sent(x->r->sim), *before = &x->sent[index];

	assert_non_null(p);
	assert_int_equal(p->slot, B);
	assert_int_equal(p->channel, CHANNEL_RTP);
	assert_int_equal(p->length, before->length);
	assert_memory_equal(p->data, before->data, p->length);
	assert_true(addr_eq(&p->remote, &before->remote));
}

/* A is asked for these, in its own numbers. */
static void relayed(struct store *x, uint16_t pid, uint16_t mask)
{
	const struct sim_packet *p = port_sim_sent(x->r->sim);

	assert_non_null(p);
	assert_int_equal(p->slot, A);
	assert_int_equal(p->length, 16);
	assert_int_equal(be32_get(p->data + 8), SSRC_A);
	assert_int_equal(be16_get(p->data + 12), pid);
	assert_int_equal(be16_get(p->data + 14), mask);
}

static void leaves_again_as_it_was(void **state)
{
	(void)state;
	for (int secure = 0; secure <= 1; secure++) {
		struct store *x = store_open(true, secure);
		struct flow *b = flow_of(x->r, B);
		struct flow_stats stats;
		uint64_t made = metric_value(x->r->metrics.made);

		pictures(x, 1000, 20);
		stats = flow_stats_read(b);
		assert_int_equal(x->sent[0].length, 12 + LONG + (secure ? 10 : 0));
		nack(x, (uint16_t)(x->first + 3), 0x8001); /* 3, 4 and 19 */
		again(x, 3);
		again(x, 4);
		again(x, 19);
		nothing_sent(x->r);
		assert_int_equal(nacked(x, NACK_ANSWERED), 3);
		assert_int_equal(dropped(x->r, VERDICT_ANSWERED), 1);
		assert_int_equal(metric_value(x->r->metrics.made) - made, 3);
		assert_int_equal(b->sent.packets, stats.packets_out);
		assert_int_equal(b->sink.packets, 20);
		picture(x, 1020); /* and the stream goes on */
		assert_int_equal(number_of(&x->sent[20]), (uint16_t)(x->first + 20));
		store_close(x);
	}
}

/* In one batch with what it asks for, and with packets before and behind. */
static void order_within_a_batch(void **state)
{
	struct store *x = store_open(true, true);
	struct addr from = party_rtcp(B);
	uint8_t memory[32];

	(void)state;
	pictures(x, 1000, 2);
	put_rtp(x->r, A, &(struct rtp){ .ssrc = SSRC_A, .sequence = 1002 });
	put_bytes(x->r, B, CHANNEL_RTCP, &from, nack_write(memory, OURS, x->first, 1));
	put_rtp(x->r, A, &(struct rtp){ .ssrc = SSRC_A, .sequence = 1003 });
	worker_step(&x->r->w);
	assert_int_equal(number_of(port_sim_sent(x->r->sim)), (uint16_t)(x->first + 2));
	assert_int_equal(number_of(port_sim_sent(x->r->sim)), (uint16_t)(x->first + 3));
	again(x, 0);
	again(x, 1);
	nothing_sent(x->r);
	store_close(x);
}

static void what_is_not_there_is_asked_of_the_sender(void **state)
{
	struct store *x = store_open(true, false);

	(void)state;
	pictures(x, 1000, 3);
	pictures(x, 1004, 3); /* 1003 was lost before us */
	nack(x, (uint16_t)(x->first + 2), 3);
	relayed(x, 1003, 0);
	again(x, 2);
	again(x, 3);
	nothing_sent(x->r);
	assert_int_equal(nacked(x, NACK_NOT_FOUND), 1);
	picture(x, 1003); /* A had it */
	nack(x, (uint16_t)(x->first + 3), 0);
	again(x, 6);
	store_close(x);
}

static void numbers_wrap(void **state)
{
	struct store *x = store_open(true, false);

	(void)state;
	pictures(x, 65500, 60);
	assert_int_equal(x->first, 65500);
	nack(x, 65534, 0x0007);
	again(x, 34);
	again(x, 35);
	again(x, 36);
	again(x, 37);
	nothing_sent(x->r);
	store_close(x);
}

static void the_newest_are_kept(void **state)
{
	struct store *x = store_open(true, false);

	(void)state;
	pictures(x, 1000, RESEND_KEPT + 5);
	nack(x, (uint16_t)(x->first + 4), 3);
	relayed(x, 1004, 0);
	again(x, 5);
	again(x, 6);
	nothing_sent(x->r);
	store_close(x);
}

static void not_twice_within_a_round_trip(void **state)
{
	struct store *x = store_open(true, false);

	(void)state;
	pictures(x, 1000, 5);
	nack(x, x->first, 0);
	again(x, 0);
	advance_ms(x->r, 19);
	nack(x, x->first, 0);
	nothing_sent(x->r);
	assert_int_equal(nacked(x, NACK_REPEATED), 1);
	advance_ms(x->r, 1);
	nack(x, x->first, 0);
	again(x, 0);
	flow_of(x->r, B)->stats.rtt_us = 80000;
	advance_ms(x->r, 79);
	nack(x, x->first, 0);
	nothing_sent(x->r);
	advance_ms(x->r, 1);
	nack(x, x->first, 0);
	again(x, 0);
	store_close(x);
}

/* Whatever is asked for: one for each that was sent. */
static void sends_no_more_than_the_stream_has(void **state)
{
	struct store *x = store_open(true, false);
	uint32_t n = 0;

	(void)state;
	pictures(x, 1000, 17);
	for (int i = 0; i < 20; i++) {
		advance_ms(x->r, 100);
		nack(x, x->first, 0xffff);
		while (port_sim_sent(x->r->sim))
			n++;
	}
	assert_int_equal(n, 17);
	assert_int_equal(nacked(x, NACK_LIMITED), 19 * 17);
	pictures(x, 1017, RESEND_KEPT);
	for (n = 0; n < RESEND_KEPT; n += 16) {
		advance_ms(x->r, 100);
		nack(x, (uint16_t)(x->first + 17 + n), 0x7fff);
	}
	for (n = 0; port_sim_sent(x->r->sim);)
		n++;
	assert_int_equal(n, RESEND_CREDIT);
	store_close(x);
}

static void only_who_may_ask_is_heard(void **state)
{
	static const struct row {
		const char *name;
		const char *from;
		uint32_t media;
		enum verdict verdict;
	} rows[] = {
		{ "a stranger", "203.0.113.9:5001", OURS, VERDICT_SOURCE_NOT_LATCHED },
		{ "another stream", "192.0.2.20:5001", 0xaaaa, VERDICT_RELAY },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct store *x = store_open(true, false);
		struct addr from = rig_addr(row->from);
		const struct sim_packet *p;
		uint8_t memory[32];

		pictures(x, 1000, 5);
		put_bytes(x->r, B, CHANNEL_RTCP, &from,
			  nack_write(memory, row->media, x->first, 0));
		worker_step(&x->r->w);
		p = port_sim_sent(x->r->sim);
		ROW_ASSERT(row->name, (p != NULL) == (row->verdict == VERDICT_RELAY));
		ROW_ASSERT(row->name, !p || p->slot == A);
		nothing_sent(x->r);
		if (row->verdict != VERDICT_RELAY)
			ROW_ASSERT(row->name, dropped(x->r, row->verdict) == 1);
		store_close(x);
	}
}

/* What is done to the flow after packets were sent, and whether they can leave again then. */
static const struct change {
	const char *name;
	bool secure, nack;
	bool update, has;
	uint8_t other_key, plain, no_nack, held, sound, moved;
} CHANGES[] = {
	{ .name = "nothing", .nack = true, .has = true },
	{ .name = "not agreed" },
	{ .name = "an update", .nack = true, .update = true, .has = true },
	{ .name = "an update with keys",
	  .nack = true,
	  .secure = true,
	  .update = true,
	  .has = true },
	{ .name = "another key", .nack = true, .secure = true, .update = true, .other_key = 1 },
	{ .name = "in clear from now on",
	  .nack = true,
	  .secure = true,
	  .update = true,
	  .plain = 1 },
	{ .name = "not agreed any more", .nack = true, .update = true, .no_nack = 1 },
	{ .name = "held", .nack = true, .update = true, .held = 1 },
	{ .name = "the party moved", .nack = true, .update = true, .moved = 1, .has = true },
};

static void change(struct store *x, const struct change *row)
{
	struct flow_spec *s = &x->r->spec[B];

	if (row->other_key)
		s->key_out = key_of(2);
	if (row->plain)
		s->key_out = (struct media_key){ 0 };
	s->nack = s->nack && !row->no_nack;
	s->send = !row->held;
	if (row->moved)
		s->remote_rtp = rig_addr("192.0.2.20:5002");
	if (row->update)
		rig_update(x->r, s);
}

static void follows_what_is_agreed(void **state)
{
	const struct change *row;

	(void)state;
	EACH_ROW(row, CHANGES)
	{
		struct store *x = store_open(row->nack, row->secure);
		const struct sim_packet *p;

		pictures(x, 1000, 5);
		change(x, row);
		nack(x, x->first, 0);
		p = port_sim_sent(x->r->sim);
		ROW_ASSERT(row->name, p && p->slot == (row->has ? B : A));
		ROW_ASSERT(row->name, !row->has || p->length == x->sent[0].length);
		if (row->has)
			ROW_ASSERT(row->name, addr_eq(&p->remote, &x->r->spec[B].remote_rtp));
		ROW_ASSERT(row->name, x->r->w.resend.used == x->r->spec[B].nack);
		store_close(x);
	}
}

/* Slots and rings go round: nothing of another flow's is found. */
static void a_ring_is_given_back(void **state)
{
	struct store *x = store_open(true, false);
	struct flow_spec next = x->r->spec[B];

	(void)state;
	pictures(x, 1000, 5);
	rig_command(x->r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = next.id });
	assert_int_equal(x->r->w.resend.used, 0);
	next.id.generation++;
	rig_open_flow(x->r, &next);
	x->r->spec[A].peer = next.id;
	rig_update(x->r, &x->r->spec[A]);
	assert_int_equal(x->r->w.resend.used, 1);
	x->count = 0;
	nack(x, x->first, 0);
	relayed(x, x->first, 0);
	picture(x, 1005);
	nack(x, number_of(&x->sent[0]), 0);
	again(x, 0);
	store_close(x);
}

static void sound_and_long_packets_are_not_kept(void **state)
{
	struct store *x = store_open(true, false);
	char payload[RESEND_OCTETS] = { 0 };
	struct rtp long_one = { .ssrc = SSRC_A,
				.sequence = 1001,
				.payload = payload,
				.payload_n = RESEND_OCTETS - 12 };

	(void)state;
	pictures(x, 1000, 1);
	assert_non_null(relay_rtp(x->r, A, &long_one));
	long_one.sequence++;
	long_one.payload_n++;
	assert_non_null(relay_rtp(x->r, A, &long_one));
	nack(x, (uint16_t)(x->first + 1), 1);
	relayed(x, 1002, 0);
	assert_int_equal(number_of(port_sim_sent(x->r->sim)), (uint16_t)(x->first + 1));
	x->r->spec[A].id.slot = 2;
	x->r->spec[A].kind = MEDIA_AUDIO;
	x->r->spec[A].nack = 1;
	rig_open_flow(x->r, &x->r->spec[A]);
	assert_int_equal(x->r->w.resend.used, 1);
	store_close(x);
}

/* The pool is empty: the flow works, and its NACKs are relayed. */
static void without_a_ring_they_are_relayed(void **state)
{
	struct store *x = store_open(false, false);

	(void)state;
	x->r->w.resend.free_count = 0;
	x->r->spec[B].nack = 1;
	rig_update(x->r, &x->r->spec[B]);
	assert_int_equal(metric_value(x->r->metrics.resend_refused) - x->refused, 1);
	pictures(x, 1000, 5);
	nack(x, x->first, 0);
	relayed(x, 1000, 0);
	store_close(x);
}

/* 400 entries, each of one number, or of 17 of which the next one has 16 as well. */
static void a_flood_of_numbers_is_bounded(void **state)
{
	static const struct row {
		uint16_t mask;
		uint32_t answered;
	} rows[] = { { 0, RESEND_CREDIT }, { 0xffff, RESEND_ASKED / 17 + 16 } };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		struct store *x = store_open(true, false);
		uint8_t memory[PACKET_MAX];
		struct writer w = writer_over(memory, sizeof(memory));
		struct addr from = party_rtcp(B);
		const struct sim_packet *p;
		uint32_t n = 0;

		pictures(x, 1000, RESEND_KEPT);
		writer_be32(&w, 0x81cd0000 | (2 + 400));
		writer_be32(&w, SSRC_B);
		writer_be32(&w, OURS);
		for (int i = 0; i < 400; i++)
			writer_be32(&w, (uint32_t)(x->first + i) << 16 | rows[k].mask);
		put_bytes(x->r, B, CHANNEL_RTCP, &from, writer_done(&w));
		worker_step(&x->r->w);
		while ((p = port_sim_sent(x->r->sim)) != NULL)
			n += p->slot == B;
		assert_int_equal(n, rows[k].answered);
		assert_int_equal(nacked(x, NACK_ANSWERED), n);
		store_close(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_again_as_it_was),
		cmocka_unit_test(order_within_a_batch),
		cmocka_unit_test(what_is_not_there_is_asked_of_the_sender),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(the_newest_are_kept),
		cmocka_unit_test(not_twice_within_a_round_trip),
		cmocka_unit_test(sends_no_more_than_the_stream_has),
		cmocka_unit_test(only_who_may_ask_is_heard),
		cmocka_unit_test(follows_what_is_agreed),
		cmocka_unit_test(a_ring_is_given_back),
		cmocka_unit_test(sound_and_long_packets_are_not_kept),
		cmocka_unit_test(without_a_ring_they_are_relayed),
		cmocka_unit_test(a_flood_of_numbers_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
