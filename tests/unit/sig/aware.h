/* SPDX-License-Identifier: Apache-2.0 */
/* A call of 1001 with 1002, of whom one or both understand a=record (RFC 7866). */
#ifndef TESTS_UNIT_SIG_AWARE_H
#define TESTS_UNIT_SIG_AWARE_H

#include "tests/unit/sig/line.h"
#include "tests/unit/sig/orders.h"

#define AWARE "Supported: timer, record-aware\r\n"

RIG_FN void recorded(struct rig *r, const char *number, enum record_method method)
{
	struct shard_extension e = rig_extension(number, false);

	e.record = (uint8_t)method;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

RIG_FN uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

/* Who of the two is aware: extra lines of each. The 2xx that A hears. */
RIG_FN struct bytes aware_talk(struct line *l, const char *of_a, const char *of_b)
{
	struct bytes ok;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", of_a, PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer_as(&l->b, l->b.invite, l->b.tag, "200 OK", of_b, PHONE_SDP_B);
	ok = phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	return ok;
}

RIG_FN void order_is(struct line *l, enum order_record what)
{
	assert_int_equal(shard_call_record(l->r->shard, the_call(l->r), 0, what, NULL, l->r->now),
			 0);
	rig_wait_ms(l->r, 1);
}

/* The number behind the session's id. */
RIG_FN uint64_t version_of(struct bytes message)
{
	struct bytes rest = rig_body(message), word = { 0 };
	uint64_t version = 0;

	(void)bytes_cut(&rest, '\n', &word);
	for (unsigned i = 0; i < 3; i++)
		(void)bytes_cut(&rest, ' ', &word);
	assert_int_equal(bytes_u64(word, &version), 0);
	return version;
}

/* It is asked with exactly this beside what it knows. */
RIG_FN struct bytes is_told(struct line *l, struct phone *p, const char *what)
{
	struct bytes m = rig_take(l->r, &p->addr, "INVITE ");
	char line[64];

	(void)snprintf(line, sizeof(line), "a=record:%s\r\n", what);
	if (!rig_has(rig_body(m), line))
		fail_msg("%s is not told %s: " BYTES_FMT, p->user, what, BYTES_ARG(m));
	return m;
}

RIG_FN struct bytes takes_note(struct line *l, struct phone *p, const char *what, const char *sdp)
{
	struct bytes m = is_told(l, p, what);

	phone_answer(p, m, "200 OK", sdp);
	assert_true(rig_take(l->r, &p->addr, "ACK ").n);
	return m;
}

RIG_FN void nobody_is_asked(struct line *l)
{
	rig_wait_ms(l->r, 6000);
	assert_false(rig_take(l->r, &l->a.addr, "INVITE ").n);
	assert_false(rig_take(l->r, &l->b.addr, "INVITE ").n);
}

#endif
