/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/cdr_fill.h"

void cdr_add_flow(struct cdr *cdr, const struct call *c, const struct call_flow *f,
		  const struct flow_stats *stats)
{
	struct flow_stats *to = f->leg == LEG_A ? &cdr->a : &cdr->b;

	if (f->leg != LEG_A && f->leg != c->partner)
		return;
	/* a second audio line would overwrite the first */
	if (f->kind == MEDIA_AUDIO && to->packets_in + to->packets_out == 0)
		*to = *stats;
}

void cdr_put(char *out, size_t cap, struct bytes b)
{
	(void)bytes_cstr(bytes_sub(b, 0, cap - 1), out, cap);
}

void cdr_fill(struct cdr *cdr, const struct call *c, const char *tenant)
{
	cdr->call = c->id;
	cdr_put(cdr->tenant, sizeof(cdr->tenant), bytes_str(tenant));
	cdr_put(cdr->from, sizeof(cdr->from), text_bytes(&c->from));
	cdr_put(cdr->to, sizeof(cdr->to), text_bytes(&c->to));
	cdr_put(cdr->sip_call_id, sizeof(cdr->sip_call_id),
		text_bytes(&c->legs[LEG_A]->dialog.call_id));
	cdr->setup_utc_ms = c->setup_utc_ms;
	cdr->ringing_utc_ms = c->ringing_utc_ms;
	cdr->answer_utc_ms = c->answer_utc_ms;
	cdr->end_utc_ms = c->end_utc_ms;
	cdr->sip_status = c->status;
	cdr->q850 = call_cause_q850(c->cause, c->status);
	cdr->ended_by = c->ended_by;
	cdr_put(cdr->reason, sizeof(cdr->reason), bytes_str(call_cause_text(c->cause)));
}
