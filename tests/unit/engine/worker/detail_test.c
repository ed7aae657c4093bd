/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/flow.h"
#include "tests/unit/engine/rig.h"

static struct flow_detail detail(struct rig *r, int side)
{
	return detail_read(flow_of(r, side), r->w.now_ns);
}

static void from(struct rig *r, const char *source, const struct rtp *p)
{
	struct addr a = rig_addr(source);

	put_rtp_from(r, A, &a, p);
	worker_step(&r->w);
	(void)port_sim_sent(r->sim);
}

static void drops_are_counted_by_reason(void **state)
{
	struct addr stranger = rig_addr("198.51.100.66:7000");
	struct rig *r = rig_open();
	struct flow_detail d;

	(void)state;
	from(r, "198.51.100.66:7000", &(struct rtp){ .ssrc = 1, .sequence = 1 });
	from(r, "192.0.2.10:4000",
	     &(struct rtp){ .ssrc = 1, .sequence = 1, .payload_type = NO_RULE });
	from(r, "192.0.2.10:4000", &(struct rtp){ .ssrc = 1, .sequence = 2, .payload_type = 8 });
	d = detail(r, A);
	assert_int_equal(d.drops[VERDICT_SOURCE_NOT_LATCHED], 1);
	assert_int_equal(d.drops[VERDICT_PAYLOAD_TYPE], 1);
	assert_int_equal(d.drops[VERDICT_RELAY], 0);
	assert_int_equal(d.refused_type, NO_RULE);
	assert_true(addr_eq(&d.stranger, &stranger));
	assert_int_equal(d.payload_type, 8);
	assert_int_equal(d.received_ns, r->w.now_ns);
	assert_int_equal(d.moves, 0);
	d = detail(r, B);
	assert_int_equal(d.payload_type, PAYLOAD_NONE);
	assert_int_equal(d.received_ns, 0);
	assert_int_equal(d.sent_clock_hz, 8000);
	rig_close(r);
}

static void a_source_that_moves_is_noted(void **state)
{
	struct addr first = rig_addr("192.0.2.10:4000");
	struct rig *r = rig_open();
	struct flow_detail d;

	(void)state;
	from(r, "192.0.2.10:4000", &(struct rtp){ .ssrc = 1, .sequence = 1 });
	advance_ms(r, 4000);
	from(r, "192.0.2.10:4002", &(struct rtp){ .ssrc = 1, .sequence = 2 });
	d = detail(r, A);
	assert_int_equal(d.moves, 1);
	assert_int_equal(d.moved_ns, r->w.now_ns);
	assert_int_equal(d.told_ns, 0);
	assert_true(addr_eq(&d.source_before, &first));
	rig_close(r);
}

static void a_source_that_is_signalled_anew_did_not_move(void **state)
{
	struct addr first = rig_addr("192.0.2.10:4000");
	struct rig *r = rig_open();
	struct flow_detail d;

	(void)state;
	from(r, "192.0.2.10:4000", &(struct rtp){ .ssrc = 1, .sequence = 1 });
	r->spec[A].remote_rtp.port = 4002;
	rig_update(r, &r->spec[A]);
	from(r, "192.0.2.10:4002", &(struct rtp){ .ssrc = 1, .sequence = 2 });
	d = detail(r, A);
	assert_int_equal(d.moves, 0);
	assert_int_equal(d.moved_ns, 0);
	assert_int_equal(d.told_ns, r->w.now_ns);
	assert_true(addr_eq(&d.source_before, &first));
	rig_close(r);
}

/* What a party sends that should be SRTP: by the length of its packets. */
static void unauthentic_packets_are_measured(void **state)
{
	static const struct {
		const char *name;
		uint32_t units; /* from packet to packet */
		uint16_t octets, step;
		uint32_t plain, sealed;
	} ROWS[] = {
		{ "G.711", 160, 160, 1, 3, 0 },
		{ "G.729", 160, 20, 1, 3, 0 },
		{ "G.711 and a tag of 80 bits", 160, 170, 1, 0, 3 },
		{ "G.711 and a tag of 32 bits", 160, 164, 1, 0, 3 },
		{ "G.729 and a tag of 80 bits", 160, 30, 1, 0, 3 },
		{ "who knows", 960, 71, 1, 0, 0 },
		{ "with gaps", 320, 160, 2, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct rig *r = rig_open();
		struct flow *f = flow_of(r, A);

		for (uint16_t n = 0; n < 4; n++) {
			static struct pkt p; /* gcc's AddressSanitizer aligns none on the stack */

			p = (struct pkt){ .kind = PKT_RTP,
					  .verdict = VERDICT_SRTP_AUTH,
					  .sequence = (uint16_t)(65534 + n * ROWS[i].step),
					  .timestamp = UINT32_MAX - 200 + n * ROWS[i].units,
					  .payload_length = ROWS[i].octets };
			detail_drop(f, &p);
		}
		ROW_ASSERT(ROWS[i].name, f->detail.drops[VERDICT_SRTP_AUTH] == 4);
		ROW_ASSERT(ROWS[i].name, f->detail.auth_plain == ROWS[i].plain);
		ROW_ASSERT(ROWS[i].name, f->detail.auth_sealed == ROWS[i].sealed);
		rig_close(r);
	}
}

static void control_is_told(void **state)
{
	struct rig *r = rig_open();
	struct media_event event;

	(void)state;
	from(r, "198.51.100.66:7000", &(struct rtp){ .ssrc = 1, .sequence = 1 });
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_QUERY, .id = r->spec[A].id });
	assert_true(rig_event(r, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.detail.drops[VERDICT_SOURCE_NOT_LATCHED], 1);
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = r->spec[A].id });
	assert_true(rig_event(r, MEDIA_FLOW_CLOSED, &event));
	assert_int_equal(event.detail.drops[VERDICT_SOURCE_NOT_LATCHED], 1);
	assert_int_equal(event.detail.now_ns, r->w.now_ns);
	rig_close(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_are_counted_by_reason),
		cmocka_unit_test(a_source_that_moves_is_noted),
		cmocka_unit_test(a_source_that_is_signalled_anew_did_not_move),
		cmocka_unit_test(unauthentic_packets_are_measured),
		cmocka_unit_test(control_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
