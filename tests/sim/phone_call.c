/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/phone_call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

const char *phone_call_state_name(enum phone_call_state state)
{
	switch (state) {
	case PC_CALLING:
		return "calling";
	case PC_RINGING:
		return "ringing";
	case PC_TALKING:
		return "talking";
	case PC_LEAVING:
		return "leaving";
	case PC_OVER:
		return "over";
	}
	return "?";
}

struct phone_call *phone_call_new(struct sim *s, struct phone *p)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct phone_call *c;

	if (p->call_count == PHONE_CALLS_MAX)
		return NULL;
	c = calloc(1, sizeof(*c));
	assert(c);
	c->phone = p;
	c->index = p->call_count;
	c->node = p->node;
	c->begin_ns = s->now_ns;
	c->unknown = document_is_unknown(s, p->extension);
	c->sdp.id = rand_u32_from(&s->rand) >> 1;
	c->sdp.port = (uint16_t)(4000 + 2 * p->call_count);
	c->sdp.codecs = (uint8_t)sim_between(s, 0, 255);
	for (size_t i = 0; i < sizeof(c->sdp.key) - 1; i++)
		c->sdp.key[i] = alphabet[sim_between(s, 0, 63)];
	(void)snprintf(c->tag, sizeof(c->tag), "t%u-%u-%08x", p->index, ++p->tags,
		       rand_u32_from(&s->rand));
	p->calls[p->call_count++] = c;
	return c;
}

void phone_call_close(struct phone_call *c)
{
	text_clear(&c->ok);
	text_clear(&c->rel);
	text_clear(&c->ack);
	free(c->manner);
	free(c);
}

/* A NOTIFY may come before the answer to its REFER (RFC 6665 4.1.2.4). */
static bool is_from_party(const struct phone_call *c, const struct sip_message *m)
{
	return bytes_is(m->from.tag, c->remote_tag) || (c->about && !c->remote_tag[0]);
}

struct phone_call *phone_call_find(struct phone *p, const struct sip_message *m)
{
	for (uint32_t i = p->call_count; i-- > 0;) {
		struct phone_call *c = p->calls[i];

		if ((c->state != PC_OVER || c->about) && bytes_is(m->call_id, c->call_id) &&
		    bytes_is(m->to.tag, c->tag) && is_from_party(c, m))
			return c;
	}
	return NULL;
}

void phone_call_over(struct sim *s, struct phone_call *c, const char *why)
{
	if (c->state == PC_OVER)
		return;
	trace_line(s, "%s#%u: call %s is over: %s", c->phone->user, c->phone->index, c->call_id,
		   why);
	c->state = PC_OVER;
	c->end_ns = s->now_ns;
	c->again = c->asked_again = 0;
	c->ok_serial++;
	c->ring_serial++;
	text_clear(&c->ok);
	phone_prack_stop(c);
	check_over(s, c);
}

void phone_bye(struct sim *s, struct phone_call *c)
{
	char text[2048], branch[96];
	struct phone_request r = { .method = "BYE" };

	if (c->state != PC_TALKING)
		return;
	phone_uas_refuse_open(s, c);
	r.branch = phone_branch(c->phone, branch);
	r.cseq = ++c->cseq;
	c->state = PC_LEAVING;
	c->bye_ns = s->now_ns;
	c->ok_serial++;
	check_bye(s, c);
	(void)phone_txn_ask(s, c->phone, c, SIP_BYE, branch,
			    phone_write_request(c, &r, text, sizeof(text)));
}

void phone_hang_up(struct sim *s, struct phone_call *c)
{
	switch (c->state) {
	case PC_CALLING:
		phone_cancel(s, c);
		break;
	case PC_TALKING:
		if (c->caller || c->acked) { /* RFC 3261 15: the callee waits for the ACK */
			phone_bye(s, c);
		} else {
			c->wants_bye = true;
		}
		break;
	case PC_RINGING:
	case PC_LEAVING:
	case PC_OVER:
		break;
	}
}
