/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that go from one worker to another while their parties talk. */
#include "tests/unit/test.h"

#include <errno.h>

#include "engine/worker/flow.h"
#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/ice/ice_party.h"

enum { FRAME = 160, FIRST_INDEX = 65530 };

static struct media_key key_of_b(void)
{
	return (struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };
}

/* A in clear, B with keys. */
static struct rig *rig_secure(void)
{
	struct rig *r = rig_open_empty(64);

	for (int side = A; side <= B; side++)
		r->spec[side] = rig_spec(side);
	r->spec[B].key_out = key_of_b();
	r->spec[B].srtp_limit = r->spec[B].srtcp_limit = 1 << 20;
	r->spec[B].resume.srtp_next = FIRST_INDEX;
	for (int side = A; side <= B; side++) {
		rig_open_flow(r, &r->spec[side]);
		rig_hear(r, side);
	}
	return r;
}

/* What became of it: of control's end of the rings as engine_move has it. */
static int yield(struct rig *r, struct flow_parcel *p)
{
	struct media_event event;

	rig_command(r, &(struct media_command){
			       .kind = MEDIA_FLOW_YIELD, .id = p->spec.id, .parcel = p });
	assert_true(rig_event(r, MEDIA_FLOW_YIELDED, &event));
	assert_ptr_equal(event.parcel, p);
	return event.error;
}

static void move(struct rig *from, struct rig *to, const struct flow_spec *spec)
{
	static struct flow_parcel p;
	struct media_event event;

	p = (struct flow_parcel){ .spec = *spec, .fd = { -1, -1 } };
	assert_int_equal(yield(from, &p), 0);
	assert_null(flow_find(&from->w.flows, spec->id));
	rig_command(to, &(struct media_command){ .kind = MEDIA_FLOW_OPEN,
						 .rtp_fd = -1,
						 .rtcp_fd = -1,
						 .spec = p.spec,
						 .parcel = &p });
	assert_true(rig_event(to, MEDIA_FLOW_MOVED, &event));
	assert_ptr_equal(event.parcel, &p);
	assert_int_equal(event.error, 0);
	assert_true(flow_id_eq(event.id, spec->id));
}

static const struct sim_packet *talk(struct rig *r, int side, uint16_t n)
{
	advance_ms(r, 20);
	return relay_rtp(r, side,
			 &(struct rtp){ .ssrc = 1 + (uint32_t)side,
					.sequence = (uint16_t)(65530 + n),
					.timestamp = n * (uint32_t)FRAME });
}

static void is_next(struct srtp_stream *party, const struct sim_packet *p, uint64_t *index,
		    uint32_t timestamp)
{
	uint8_t data[PACKET_MAX];
	struct srtp_job job = { .stream = party, .data = data };

	assert_non_null(p);
	memcpy(data, p->data, p->length);
	job.length = p->length;
	srtp_jobs_unprotect(&job, 1);
	assert_int_equal(job.verdict, VERDICT_NONE);
	assert_int_equal(job.index, (*index)++);
	assert_int_equal(be32_get(p->data + 4), timestamp);
}

/* There and back: neither party could tell. */
static void a_call_moves(void **state)
{
	struct rig *r[2] = { rig_secure(), rig_open_empty(64) };
	const struct media_key key = key_of_b();
	uint64_t index = FIRST_INDEX;
	struct srtp_stream *party;
	struct flow_stats stats;

	(void)state;
	assert_int_equal(srtp_stream_open(&party, &key), 0);
	srtp_stream_resume(party, 0xbbbb, FIRST_INDEX - 1);
	for (uint16_t n = 0; n < 30; n++) {
		struct rig *at = r[n / 10 % 2], *other = r[1 - n / 10 % 2];

		if (n % 10 == 0 && n > 0)
			for (int side = A; side <= B; side++)
				move(other, at, &r[0]->spec[side]);
		at->sim->now_ns =
			at->sim->now_ns > other->sim->now_ns ? at->sim->now_ns : other->sim->now_ns;
		is_next(party, talk(at, A, n), &index, n * (uint32_t)FRAME);
		assert_int_equal(rtp_read(talk(at, B, n)).sequence, (uint16_t)(65530 + n));
	}
	stats = flow_stats_read(flow_of(r[0], A));
	assert_int_equal(stats.packets_in, 30);
	assert_int_equal(stats.packets_out, 30);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.source_changes, 0);
	srtp_stream_close(party);
	for (int i = 0; i < 2; i++)
		rig_close(r[i]);
}

/* It joins another call. */
static void one_flow_moves(void **state)
{
	struct rig *r[2] = { rig_secure(), rig_open_empty(64) };
	const struct media_key key = key_of_b();
	uint64_t index = FIRST_INDEX;
	struct flow_spec c = rig_spec(A), b = r[0]->spec[B];
	struct srtp_stream *party;
	const struct sim_packet *p;
	struct addr from = rig_addr("192.0.2.10:4000");
	uint8_t data[PACKET_MAX];
	struct srtp_job job = { .data = data };

	(void)state;
	assert_int_equal(srtp_stream_open(&party, &key), 0);
	srtp_stream_resume(party, 0xbbbb, FIRST_INDEX - 1);
	for (uint16_t n = 0; n < 3; n++)
		is_next(party, talk(r[0], A, n), &index, n * (uint32_t)FRAME);
	c.id.slot = 3;
	c.peer = b.id;
	rig_open_flow(r[1], &c);
	b.peer = c.id;
	r[1]->sim->now_ns = r[0]->sim->now_ns;
	move(r[0], r[1], &b);
	assert_non_null(flow_find(&r[0]->w.flows, r[0]->spec[A].id));
	/* C's stream is another one, and goes on behind A's */
	advance_ms(r[1], 40);
	put_rtp_from(r[1], 3, &from, &(struct rtp){ .ssrc = 77, .sequence = 9, .timestamp = 9 });
	worker_step(&r[1]->w);
	p = port_sim_sent(r[1]->sim);
	assert_non_null(p);
	assert_int_equal(be32_get(p->data + 4), 2 * FRAME + 40 * 8);
	memcpy(data, p->data, p->length);
	job.stream = party;
	job.length = p->length;
	srtp_jobs_unprotect(&job, 1);
	assert_int_equal(job.verdict, VERDICT_NONE);
	assert_int_equal(job.index, index);
	/* and what A says has nobody to go to */
	assert_null(talk(r[0], A, 3));
	assert_int_equal(dropped(r[0], VERDICT_NO_PEER), 1);
	srtp_stream_close(party);
	for (int i = 0; i < 2; i++)
		rig_close(r[i]);
}

static void what_came_before_is_relayed(void **state)
{
	struct rig *r = rig_open();
	struct flow_parcel *p = calloc(1, sizeof(*p));

	(void)state;
	assert_non_null(p);
	*p = (struct flow_parcel){ .spec = r->spec[A], .fd = { -1, -1 } };
	rig_hear(r, B);
	put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 5 });
	assert_int_equal(yield(r, p), 0);
	assert_non_null(port_sim_sent(r->sim));
	assert_int_equal(p->received.packets, 1);
	assert_int_equal(dropped(r, VERDICT_NO_FLOW), 0);
	rig_close(r);
	free(p);
}

/* A key that is pressed meanwhile is told once, as long as it was. */
static void a_digit_moves(void **state)
{
	static const char *const EVENTS[] = { "\x05\x0a\x01\x40", "\x05\x0a\x02\x80",
					      "\x05\x8a\x03\xc0" };
	struct rig *r[2] = { rig_open(), rig_open_empty(64) };
	struct media_event event;

	(void)state;
	for (uint16_t n = 0; n < 3; n++) {
		if (n == 2)
			move(r[0], r[1], &r[0]->spec[A]);
		put_rtp(r[n / 2], A,
			&(struct rtp){ .ssrc = 1,
				       .sequence = n,
				       .payload_type = 101,
				       .marker = n == 0,
				       .payload = EVENTS[n],
				       .payload_n = 4 });
		if (n == 2) {
			struct flow_spec b = r[0]->spec[B];

			move(r[0], r[1], &b);
		}
		worker_step(&r[n / 2]->w);
	}
	assert_int_equal(rig_events(r[0], MEDIA_FLOW_DIGIT), 0);
	assert_true(rig_event(r[1], MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '5');
	assert_int_equal(event.duration_ms, 120);
	assert_int_equal(rig_events(r[1], MEDIA_FLOW_DIGIT), 0);
	assert_int_equal(event.stats.digits, 1);
	for (int i = 0; i < 2; i++)
		rig_close(r[i]);
}

/* It stays, and relays on. */
static void some_do_not_move(void **state)
{
	struct rig *r = rig_secure();
	struct flow_parcel *p = calloc(1, sizeof(*p));

	(void)state;
	assert_non_null(p);
	*p = (struct flow_parcel){ .spec = r->spec[B], .fd = { -1, -1 } };
	p->spec.id.generation++;
	assert_int_equal(yield(r, p), -ENOENT);
	p->spec.id.generation--;
	p->spec.key_out.octets[3]++; /* the indexes would be of another keystream */
	assert_int_equal(yield(r, p), -EINVAL);
	assert_non_null(talk(r, A, 1));
	rig_close(r);
	free(p);
}

/* Consent is the party's word, and a move is none: RFC 7675 5.1. */
static void a_move_is_no_consent(void **state)
{
	static const struct check NOMINATES = { .ice = &ICE_A, .nominates = true };
	struct rig *r[2] = { rig_open_empty(64), rig_open_empty(64) };
	struct flow_spec s = rig_spec(A);

	(void)state;
	s.ice = ICE_A;
	s.rtcp_mux = 1;
	rig_open_flow(r[0], &s);
	assert_int_equal(checks(r[0], A, "198.51.100.1:40000", &NOMINATES), 0);
	advance_ms(r[0], 20000);
	worker_step(&r[0]->w);
	r[1]->sim->now_ns = r[0]->sim->now_ns;
	move(r[0], r[1], &s);
	advance_ms(r[1], 9000);
	worker_step(&r[1]->w);
	assert_int_equal(flow_stats_read(flow_of(r[1], A)).ice, ICE_CONNECTED);
	advance_ms(r[1], 1500);
	worker_step(&r[1]->w);
	assert_int_equal(flow_stats_read(flow_of(r[1], A)).ice, ICE_LOST);
	for (int i = 0; i < 2; i++)
		rig_close(r[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_moves),
		cmocka_unit_test(one_flow_moves),
		cmocka_unit_test(what_came_before_is_relayed),
		cmocka_unit_test(a_digit_moves),
		cmocka_unit_test(some_do_not_move),
		cmocka_unit_test(a_move_is_no_consent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
