/* SPDX-License-Identifier: Apache-2.0 */
/* Provisional responses that are acknowledged (RFC 3262), of a phone that calls and of one that is called. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { TEXT_MAX_N = 4096 };
#define T1 (500 * NS_PER_MS)

const char *phone_prack_wish(const struct phone *p)
{
	switch (p->prack) {
	case PRACKS_NOT:
		break;
	case PRACKS_CAN:
		return "Supported: 100rel\r\n";
	case PRACKS_MUST:
		return "Require: 100rel\r\n";
	}
	return "";
}

static uint32_t number_of(const struct sip_message *m, const char *header)
{
	struct bytes value;
	uint32_t n;

	if (!message_header(m, header, 0, &value) ||
	    bytes_u32(bytes_sub(value, 0, bytes_find(value, ' ')), &n))
		return 0;
	return n;
}

/* ---- who calls ---- */

/* RFC 3262 4: in order, in each early dialog; a copy is passed over. */
static bool is_next(struct sim *s, struct phone_call *c, uint32_t rseq)
{
	bool same = strcmp(c->rseq_tag, c->remote_tag) == 0;

	if (rseq == 0 || rseq > INT32_MAX)
		check_fail(s, "%s: a reliable response without a number", c->call_id);
	if (same && c->rseq && rseq != c->rseq + 1)
		return false;
	if (strcmp(c->rseq_other_tag, c->remote_tag) == 0 && rseq <= c->rseq_other)
		return false;
	if (!same) {
		c->settled = false;
		c->rseq_other = c->rseq;
		memcpy(c->rseq_other_tag, c->rseq_tag, sizeof(c->rseq_other_tag));
	}
	(void)snprintf(c->rseq_tag, sizeof(c->rseq_tag), "%s", c->remote_tag);
	c->rseq = rseq;
	return true;
}

static void acknowledge(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	char text[TEXT_MAX_N], branch[96], sdp[PHONE_SDP_MAX], rack[64];
	struct phone_request r = { .method = "PRACK", .extra = rack };

	(void)snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", c->rseq, c->invite_cseq);
	if (c->late && !c->settled && m->body.n == 0)
		check_fail(s, "%s: the first reliable response has no offer", c->call_id);
	if (c->late && !c->settled)
		r.body = phone_sdp_answer(c, m->body, sdp);
	r.branch = phone_branch(c->phone, branch);
	r.cseq = c->prack_cseq = ++c->cseq;
	s->totals.pracks++;
	(void)phone_txn_ask(s, c->phone, c, SIP_PRACK, branch,
			    phone_write_request(c, &r, text, sizeof(text)));
}

bool phone_prack_hear(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	if (m->status <= 100 || c->state != PC_CALLING)
		return true;
	if (!message_has_token(m, "Require", "100rel")) {
		if (c->phone->prack == PRACKS_MUST)
			check_fail(s, "%s: %u is not reliable", c->call_id, m->status);
		return true;
	}
	if (c->phone->prack == PRACKS_NOT)
		check_fail(s, "%s: %u is reliable, and nobody knows how", c->call_id, m->status);
	if (!is_next(s, c, number_of(m, "RSeq")))
		return false;
	if (m->body.n && c->settled && !check_took(s, c->node_call))
		check_fail(s, "%s: SDP once more in %u", c->call_id, m->status);
	if (m->body.n)
		phone_sdp_hear(s, c, m->body);
	acknowledge(s, c, m);
	c->settled |= m->body.n != 0;
	return false;
}

/* Where the call still rings the node should know what it asked to be acknowledged. */
void phone_prack_answered(struct sim *s, const struct phone_call *c, const struct sip_message *m)
{
	const struct seen *seen = check_seen(s, c->node_call);
	struct shard *core = node_core(s, c->node_call);
	struct call_view v;

	if (m->cseq != c->prack_cseq) /* a successor has said it again under another number since */
		return;
	if (m->status != 481 || c->state != PC_CALLING || c->cancelled || !core || !seen ||
	    seen->excused || strcmp(c->rseq_tag, c->remote_tag) != 0)
		return;
	if (shard_call_view(core, c->node_call, &v) && v.state <= CALL_RINGING)
		check_fail(s, "%s: PRACK is refused", c->call_id);
}

/* ---- who is called ---- */

bool phone_prack_holds(const struct phone_call *c)
{
	return c->rel.n && c->rel_sdp;
}

void phone_prack_stop(struct phone_call *c)
{
	text_clear(&c->rel);
	c->rel_serial++;
}

static void on_again(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (!p->alive || c->rel_serial != e->b || c->rel.n == 0)
		return;
	if (s->now_ns >= c->rel_until_ns) {
		phone_uas_decline(s, c, 504, "no PRACK");
		return;
	}
	phone_say(s, p, text_bytes(&c->rel));
	c->rel_interval_ns *= 2;
	sim_after(s, c->rel_interval_ns, on_again, e->who, e->a, e->b);
}

void phone_prack_ring(struct sim *s, struct phone_call *c, struct phone_txn *t,
		      const struct sip_message *m, uint16_t status, const char *sdp)
{
	char text[TEXT_MAX_N], extra[64];
	struct bytes out;

	c->rseq = c->rseq ? c->rseq + 1 : (uint32_t)sim_between(s, 1, 1000000);
	(void)snprintf(extra, sizeof(extra), "Require: 100rel\r\nRSeq: %u\r\n", c->rseq);
	out = phone_write_response(c->phone, m, status, c->tag, extra, sdp, text, sizeof(text));
	if (text_set(&c->rel, out))
		assert(false && "out of memory");
	c->rel_sdp = sdp[0] != 0;
	c->rel_interval_ns = T1;
	c->rel_until_ns = s->now_ns + 64 * T1;
	phone_txn_answer(s, c->phone, t, status, out);
	sim_after(s, T1, on_again, c->phone->index, c->index, ++c->rel_serial);
}

static bool fits(const struct phone_call *c, const struct sip_message *m)
{
	return c->rel.n && number_of(m, "RAck") == c->rseq;
}

uint16_t phone_prack_asked(struct sim *s, struct phone_call *c, const struct sip_message *m)
{
	const struct seen *seen = check_seen(s, c->node_call);

	if (!fits(c, m)) {
		if (c->state == PC_RINGING && !(seen && seen->excused))
			check_fail(s, "%s: PRACK acknowledges nothing", c->call_id);
		return 481;
	}
	s->totals.pracks++;
	if (c->rel_sdp && c->late && m->body.n == 0)
		check_fail(s, "%s: PRACK without an answer", c->call_id);
	if (m->body.n && !c->late)
		check_fail(s, "%s: PRACK with SDP", c->call_id);
	if (m->body.n)
		phone_sdp_hear(s, c, m->body);
	c->settled |= c->rel_sdp;
	phone_prack_stop(c);
	return 200;
}
