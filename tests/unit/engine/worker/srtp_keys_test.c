/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP over restarts, and by keys that change. */
#include "engine/worker/srtp_flow.h"
#include "tests/unit/engine/worker/secure_rig.h"

static struct flow_resume resume_of(struct secure_rig *x, int side)
{
	return flow_resume_read(flow_of(x->r, side));
}

/* The process is another; the parties are the same. */
static void restart(struct secure_rig *x, const struct flow_resume resume[2])
{
	struct flow_spec spec[2] = { x->r->spec[A], x->r->spec[B] };

	rig_close(x->r);
	x->r = rig_open_empty(64);
	for (int side = A; side <= B; side++) {
		x->r->spec[side] = spec[side];
		x->r->spec[side].resume = resume[side];
		x->r->spec[side].srtp_limit = resume[side].srtp_next + SRTP_RESERVE;
		x->r->spec[side].srtcp_limit = resume[side].srtcp_next + SRTCP_RESERVE;
		rig_open_flow(x->r, &x->r->spec[side]);
	}
}

/* ---- restarts ---- */

static void goes_on_after_a_restart(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_32);
	struct flow_resume resume[2];
	uint16_t sequence = 100;
	uint32_t timestamp = 7;
	struct packet p;

	(void)state;
	for (int life = 0; life < 10; life++) {
		rig_hear(x.r, B);
		for (int i = 0; i < 3000; i++, sequence++) {
			struct rtp rtp = { .ssrc = 1,
					   .sequence = sequence,
					   .timestamp = timestamp += 160 };

			assert_true(relayed(&x, A, &rtp, &p));
			assert_int_equal(be32_get(p.p + 4), timestamp);
			if (life > 0 && i == 0)
				assert_int_equal(be16_get(p.p + 2), resume[B].srtp_next & 0xffff);
		}
		for (int side = A; side <= B; side++)
			resume[side] = resume_of(&x, side);
		assert_true(resume[A].srtp_in % 65536 == (uint16_t)(sequence - 1));
		resume[A].srtp_in -= 2000;                  /* saved a while ago */
		resume[B].srtp_next += SRTP_RESERVE - 3000; /* all that was granted */
		restart(&x, resume);
	}
	assert_true(resume[A].srtp_in < 65536 && resume[B].srtp_next > 65536);
	secure_close(&x);
}

static void what_is_late_after_a_restart_is_not_sent(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_resume resume[2];
	struct packet p;

	(void)state;
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 100 }, &p));
	for (int side = A; side <= B; side++)
		resume[side] = resume_of(&x, side);
	restart(&x, resume);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 105 }, &p));
	assert_int_equal(be16_get(p.p + 2), resume[B].srtp_next & 0xffff);
	assert_false(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 104 }, &p));
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 106 }, &p));
	secure_close(&x);
}

static void a_replay_across_a_restart_is_dropped(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 100 }), out;
	struct flow_resume resume[2];

	(void)state;
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_true(heard(&x, B, &out));
	for (int side = A; side <= B; side++)
		resume[side] = resume_of(&x, side);
	restart(&x, resume);
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &out));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), 1);
	secure_close(&x);
}

/* So that a successor guesses the rollover counter right. */
static void control_hears_of_half_a_rollover(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct media_event event;
	struct packet p;

	(void)state;
	for (uint32_t i = 0; i < 70000; i++) {
		advance_ms(x.r, 20);
		assert_true(relayed(
			&x, A, &(struct rtp){ .ssrc = 1, .sequence = (uint16_t)(i + 10) }, &p));
		if (!rig_event(x.r, MEDIA_FLOW_LATCHED, &event))
			continue;
		assert_true(event.resume.srtp_in == 10 || event.resume.srtp_in == 32768 ||
			    event.resume.srtp_in == 65536);
	}
	assert_int_equal(event.resume.srtp_in, 65536);
	secure_close(&x);
}

/* ---- updates ---- */

static void the_same_key_goes_on(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_80);
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 0 }), first = p;

	(void)state;
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_true(heard(&x, B, &p));
	for (uint16_t i = 1; i < 20; i++) {
		x.r->spec[A].receive = x.r->spec[B].send = i % 2 == 0;
		rig_update(x.r, &x.r->spec[A]);
		rig_update(x.r, &x.r->spec[B]);
		assert_int_equal(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p),
				 i % 2 == 0);
		put(&x, A, CHANNEL_RTP, &first);
		worker_step(&x.r->w);
		assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), i);
	}
	secure_close(&x);
}

/* AES_CM_128_HMAC_SHA1_32 has the keystream of the former: no index of it comes twice. */
static void another_suite_with_the_same_key_goes_on(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *b = &x.r->spec[B];
	struct packet p;
	uint64_t next;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	next = srtp_stream_next(flow_of(x.r, B)->srtp_out);
	b->key_out.suite = SUITE_32;
	b->resume.srtp_next = next - 3;
	rig_update(x.r, b);
	assert_int_equal(srtp_stream_next(flow_of(x.r, B)->srtp_out), next);
	(void)srtp_dealloc(x.party[B].in);
	x.party[B].in = libsrtp_open(b->key_out, ssrc_any_inbound);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 4 }, &p));
	assert_int_equal(be16_get(p.p + 2), next);
	secure_close(&x);
}

static void another_key_starts_afresh(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_80);
	struct flow_spec *a = &x.r->spec[A], *b = &x.r->spec[B];
	struct packet p;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 5 });
	a->key_in = key_from(SUITE_32, 55);
	a->resume = (struct flow_resume){ .started = 1,
					  .source_ssrc = 1,
					  .srtp_in = 300000 }; /* of the former */
	b->key_out = key_from(SUITE_32, 66);
	rig_update(x.r, a);
	rig_update(x.r, b);
	put(&x, A, CHANNEL_RTP, &p); /* under the former key */
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_AUTH), 1);
	(void)srtp_dealloc(x.party[A].out);
	(void)srtp_dealloc(x.party[B].in);
	x.party[A].out = libsrtp_open(a->key_in, ssrc_any_outbound);
	x.party[B].in = libsrtp_open(b->key_out, ssrc_any_inbound);
	assert_in_range(srtp_stream_next(flow_of(x.r, B)->srtp_out), 1, (1 << 15) - 1);
	for (uint16_t i = 6; i < 10; i++) {
		uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);

		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
		assert_int_equal(be16_get(p.p + 2), next);
	}
	secure_close(&x);
}

/* ---- another key, behind a rollover ---- */

enum { WRAP = 65531, BEHIND = 5, TALKS = 60 };

enum rekeyed { BY_UPDATE, BY_HANDSHAKE, AND_KILLED, AND_MOVED, TWICE, REKEYED };

/* Of source 1: its counter is 1 behind this, and the last number that was sent 4. */
static void wrap_send(struct secure_rig *x)
{
	struct packet p;

	for (uint16_t i = WRAP; i != BEHIND; i++)
		assert_true(relayed(x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
}

/* A party that continues its counter under the new key, as RFC 3711 3.3.1 has it, or begins at 0, as a new session of libsrtp does. */
static void party_rekey(struct secure_rig *x, struct media_key key, bool continues)
{
	(void)srtp_dealloc(x->party[A].out);
	x->party[A].out = libsrtp_behind(key, 1, continues ? WRAP : BEHIND, BEHIND);
	x->r->spec[A].key_in = key;
}

static void killed(struct secure_rig *x)
{
	struct flow_resume resume[2];

	for (int side = A; side <= B; side++)
		resume[side] = resume_of(x, side);
	restart(x, resume);
}

static void node_rekey(struct secure_rig *x, enum rekeyed how, const struct media_key *key)
{
	struct flow_spec *a = &x->r->spec[A];
	struct flow_resume resume[2] = { resume_of(x, A), resume_of(x, B) };

	switch (how) {
	case BY_UPDATE:
		rig_update(x->r, a);
		break;
	case BY_HANDSHAKE:
		assert_int_equal(srtp_flow_keys(flow_of(x->r, A), key, &(struct media_key){ 0 },
						&x->r->w.rand),
				 0);
		break;
	case AND_KILLED: /* before anything of the new key was saved but the key */
		restart(x, resume);
		break;
	case AND_MOVED:
		rig_update(x->r, a);
		killed(x);
		break;
	case TWICE:
		a->key_in = key_from((enum media_suite)key->suite, 77);
		rig_update(x->r, a);
		a->key_in = *key;
		rig_update(x->r, a);
		break;
	case REKEYED:
		break;
	}
}

static void heard_behind_another_key(enum media_suite suite, enum rekeyed how, bool continues,
				     uint16_t from)
{
	struct secure_rig x = secure_open(suite, MEDIA_SUITE_NONE);
	struct flow_resume resume[2] = { { .started = 1, .source_ssrc = 1, .srtp_in = WRAP - 1 } };
	struct media_key key = key_from(suite, 55);
	struct packet p;

	restart(&x, resume);
	wrap_send(&x);
	party_rekey(&x, key, continues);
	node_rekey(&x, how, &key);
	for (uint16_t i = 0; i < TALKS; i++) {
		assert_true(relayed(
			&x, A, &(struct rtp){ .ssrc = 1, .sequence = (uint16_t)(from + i) }, &p));
		if (i == TALKS / 2) /* what it is by now is known to a successor */
			killed(&x);
	}
	secure_close(&x);
}

/* RFC 3711 3.3.1: a new key does not reset the counter. Who resets it is heard, too. */
static void another_key_keeps_the_counter_or_not(void **state)
{
	static const uint16_t from[] = { BEHIND, 30000, 40000, 65500 };

	(void)state;
	for (enum media_suite suite = SUITE_80; suite <= MEDIA_SUITE_AEAD_AES_256_GCM; suite++)
		for (enum rekeyed how = BY_UPDATE; how < REKEYED; how++)
			for (size_t i = 0; i < COUNT_OF(from); i++) {
				heard_behind_another_key(suite, how, false, from[i]);
				if (from[i] < 1 << 15) /* else it would have wrapped */
					heard_behind_another_key(suite, how, true, from[i]);
			}
}

/* Whichever counter it has: what was heard under the new key is not heard again. */
static void no_replay_behind_another_key(void **state)
{
	(void)state;
	for (int continues = 0; continues < 2; continues++) {
		struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
		struct packet p, first;

		wrap_send(&x);
		party_rekey(&x, key_from(SUITE_80, 55), continues);
		rig_update(x.r, &x.r->spec[A]);
		first = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = BEHIND });
		for (int i = 0; i < 3; i++) {
			put(&x, A, CHANNEL_RTP, &first);
			worker_step(&x.r->w);
			assert_int_equal(heard(&x, B, &p), i == 0);
		}
		assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), 2);
		killed(&x);
		put(&x, A, CHANNEL_RTP, &first);
		worker_step(&x.r->w);
		assert_false(heard(&x, B, &p));
		secure_close(&x);
	}
}

/* The key of an answer: control has said in the record where its indexes begin. */
static void a_key_by_update_begins_where_the_record_says(void **state)
{
	static const uint64_t FIRST[] = { 5000, 65535, 3 * 65536 + 100 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(FIRST); i++) {
		struct secure_rig x = secure_open(SUITE_80, SUITE_80);
		struct flow_resume resume[2] = { { .srtp_next = FIRST[i], .srtcp_next = 77 },
						 { .srtp_next = FIRST[i], .srtcp_next = 77 } };
		struct media_key key[2][2];
		struct packet p;

		for (int side = A; side <= B; side++) {
			key[side][0] = x.r->spec[side].key_in;
			key[side][1] = x.r->spec[side].key_out;
			x.r->spec[side].key_in = x.r->spec[side].key_out = (struct media_key){ 0 };
		}
		restart(&x, resume);
		for (int side = A; side <= B; side++) {
			x.r->spec[side].key_in = key[side][0];
			x.r->spec[side].key_out = key[side][1];
			rig_update(x.r, &x.r->spec[side]);
		}
		assert_int_equal(srtp_stream_next(flow_of(x.r, B)->srtp_out), FIRST[i]);
		assert_int_equal(srtcp_stream_next(flow_of(x.r, B)->srtp_out), 77);
		(void)srtp_set_stream_roc(x.party[B].in, 0xbbbb, (uint32_t)(FIRST[i] >> 16));
		p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1 });
		put(&x, A, CHANNEL_RTP, &p);
		worker_step(&x.r->w);
		assert_int_equal(be16_get(port_sim_sent(x.r->sim)->data + 2), FIRST[i] & 0xffff);
		assert_int_equal(resume_of(&x, B).srtp_next, FIRST[i] + 1);
		secure_close(&x);
	}
}

/* Secure, in clear, and secure again under the same keys: no index comes twice. */
static void a_time_in_clear_repeats_no_index(void **state)
{
	static const uint32_t CLEAR[] = { 0, 1, 10, 40000, 65536 };
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *b = &x.r->spec[B], secure = *b;
	srtp_t in = x.party[B].in;
	uint16_t sequence = 0;
	struct packet p;

	(void)state;
	rig_hear(x.r, B);
	for (size_t i = 0; i < COUNT_OF(CLEAR); i++) {
		uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);

		x.party[B].in = in;
		for (uint32_t n = 0; n < 5; n++) {
			assert_true(relayed(
				&x, A, &(struct rtp){ .ssrc = 1, .sequence = sequence++ }, &p));
			assert_int_equal(be16_get(p.p + 2), (next + n) & 0xffff);
		}
		b->key_in = b->key_out = (struct media_key){ 0 };
		rig_update(x.r, b);
		x.party[B].in = NULL;
		for (uint32_t n = 0; n < CLEAR[i]; n++)
			assert_true(relayed(
				&x, A, &(struct rtp){ .ssrc = 1, .sequence = sequence++ }, &p));
		b->key_in = secure.key_in;
		b->key_out = secure.key_out;
		rig_update(x.r, b);
	}
	x.party[B].in = in;
	secure_close(&x);
}

static void without_its_key_nothing_passes(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct flow_spec *a = &x.r->spec[A];
	struct media_event event;
	struct packet p;

	(void)state;
	a->key_in.length = a->key_out.length = 7;
	rig_update(x.r, a);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	assert_false(relayed(&x, A, &(struct rtp){ .ssrc = 1 }, &p));
	assert_false(relayed(&x, B, &(struct rtp){ .ssrc = 1 }, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_KEY), 2);
	assert_int_equal(flow_of(x.r, A)->sent.packets, 0);
	secure_close(&x);
}

static void a_flow_with_a_bad_key_does_not_open(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct flow_spec spec = rig_spec(A);
	struct media_event event;

	(void)state;
	spec.key_in = key_from(SUITE_80, 1);
	spec.key_in.length--;
	rig_open_flow(r, &spec);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	spec.key_in.length++;
	spec.resume.srtp_next = SRTP_INDEX_END;
	rig_open_flow(r, &spec);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(r->w.flows.count, 0);
	assert_int_equal(r->w.flows.secure, 0);
	rig_close(r);
}

/* A worker without SRTP skips the stages: it has to know when there is none. */
static void secure_flows_are_counted(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_32);
	struct flow_spec *a = &x.r->spec[A];

	(void)state;
	assert_int_equal(x.r->w.flows.secure, 2);
	a->key_in = (struct media_key){ 0 };
	rig_update(x.r, a);
	assert_int_equal(x.r->w.flows.secure, 2);
	a->key_out = (struct media_key){ 0 };
	rig_update(x.r, a);
	assert_int_equal(x.r->w.flows.secure, 1);
	rig_command(x.r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = x.r->spec[B].id });
	assert_int_equal(x.r->w.flows.secure, 0);
	secure_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_after_a_restart),
		cmocka_unit_test(what_is_late_after_a_restart_is_not_sent),
		cmocka_unit_test(a_replay_across_a_restart_is_dropped),
		cmocka_unit_test(control_hears_of_half_a_rollover),
		cmocka_unit_test(the_same_key_goes_on),
		cmocka_unit_test(another_suite_with_the_same_key_goes_on),
		cmocka_unit_test(another_key_keeps_the_counter_or_not),
		cmocka_unit_test(no_replay_behind_another_key),
		cmocka_unit_test(another_key_starts_afresh),
		cmocka_unit_test(a_key_by_update_begins_where_the_record_says),
		cmocka_unit_test(a_time_in_clear_repeats_no_index),
		cmocka_unit_test(without_its_key_nothing_passes),
		cmocka_unit_test(a_flow_with_a_bad_key_does_not_open),
		cmocka_unit_test(secure_flows_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
