/* SPDX-License-Identifier: Apache-2.0 */
/* Two phones that know RFC 3262: 1003, who may hear early media, calls 1002. */
#ifndef TESTS_UNIT_SIG_PRACK_H
#define TESTS_UNIT_SIG_PRACK_H

#include "tests/unit/sig/line.h"

#define CAN  "Supported: 100rel\r\n"
#define MUST "Require: 100rel\r\n"

RIG_FN int prack_setup(void **state)
{
	struct line *l;

	if (line_setup(state))
		return -1;
	l = *state;
	phone_open(&l->a, l->r, "1003", "192.0.2.11:5060");
	return 0;
}

#define PRACK_TEST(fn) cmocka_unit_test_setup_teardown(fn, prack_setup, line_teardown)

/* A calls with that line; B rings, and has said nothing yet. */
RIG_FN void prack_call(struct line *l, const char *line, const char *sdp)
{
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", line, sdp);
	assert_true(phone_rings(&l->b).n);
}

RIG_FN unsigned long prack_number(struct bytes m, const char *header)
{
	char text[64];

	phone_copy(text, sizeof(text), rig_header(m, header));
	return strtoul(text, NULL, 10);
}

/* It is to be acknowledged. */
RIG_FN bool prack_wanted(struct bytes m)
{
	return bytes_is(rig_header(m, "Require"), "100rel") && rig_header(m, "RSeq").n;
}

/* PRACK of the phone that hears m; the dialog's CSeq is that of the INVITE again afterwards. */
RIG_FN void prack_say_number(struct phone *p, unsigned long rseq, uint32_t cseq, const char *sdp)
{
	uint32_t invite = p->cseq;
	char line[64];

	(void)snprintf(line, sizeof(line), "RAck: %lu %u INVITE\r\n", rseq, invite);
	p->cseq = cseq - 1;
	phone_request(p, "PRACK", line, sdp);
	p->cseq = invite;
}

RIG_FN void prack_say(struct phone *p, struct bytes m, uint32_t cseq, const char *sdp)
{
	prack_say_number(p, prack_number(m, "RSeq"), cseq, sdp);
}

/* The node's answer to a PRACK. */
RIG_FN struct bytes prack_answer_to(struct phone *p, const char *status)
{
	struct bytes m;

	while ((m = rig_take(p->r, &p->addr, status)).n) {
		if (rig_has(rig_header(m, "CSeq"), " PRACK"))
			return m;
	}
	return m;
}

/* B says it so that it must be acknowledged. */
RIG_FN void prack_rings(struct phone *b, const char *status, unsigned rseq, const char *sdp)
{
	char lines[64];

	(void)snprintf(lines, sizeof(lines), "Require: 100rel\r\nRSeq: %u\r\n", rseq);
	phone_answer_as(b, b->invite, b->tag, status, lines, sdp);
}

/* kill -9, and a successor that has the last record. */
RIG_FN void prack_restart(struct line *l)
{
	struct rig *r = l->r;
	const char *reason = "";

	shard_close(r->shard);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered)
			r->saves[i].kind = EFFECT_SEND;
	}
	r->hold_saves = false;
	rand_open_seed(&r->rand, 4711);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&rig_stored(r)->record), r->now, &reason))
		fail_msg("restore: %s", reason);
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

#endif
