/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of ended calls, one for each shard: effects.c adds flows and records as they end,
 * call.show and call.doctor read them afterwards, and the CDR gets the findings. Usual findings are
 * left out of the CDR, as a million records would grow by half. Memory is bounded by ENDED_MAX
 * calls.
 */

#include "app/doctor/ended.h"

#include <errno.h>
#include <stdlib.h>

#define ENDED_LOOK_NS NS_PER_S /* what the doctor looks over at least */

enum { FINDINGS_KEPT = 4096 };

struct ended_space {
	struct diagnosis diagnosis;
	struct finding list[FINDINGS_MAX];
	char text[FINDINGS_KEPT];
};

static void ended_free(struct ended *e)
{
	free(e->ring);
	free(e->space);
	*e = (struct ended){ 0 };
}

int ended_open(struct ended *e)
{
	*e = (struct ended){ .ring = calloc(ENDED_MAX, sizeof(*e->ring)),
			     .space = malloc(sizeof(*e->space)) };
	if (e->ring && e->space && !table_open(&e->by_call, ENDED_MAX))
		return 0;
	ended_free(e);
	return -ENOMEM;
}

static void entry_clear(struct ended_call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++)
		free(c->flows[i]);
	*c = (struct ended_call){ 0 };
}

void ended_close(struct ended *e)
{
	if (!e->ring)
		return;
	for (uint32_t i = 0; i < ENDED_MAX; i++)
		entry_clear(&e->ring[i]);
	table_close(&e->by_call);
	ended_free(e);
}

static struct ended_call *ended_entry_find(const struct ended *e, uint64_t call)
{
	uint32_t cursor = 0;
	uint64_t at = e->ring ? table_next(&e->by_call, call, &cursor) : 0;

	return at ? &e->ring[at - 1] : NULL;
}

/* The oldest one makes room. NULL: nothing is kept. */
static struct ended_call *ended_call_ensure(struct ended *e, uint64_t call)
{
	struct ended_call *c = ended_entry_find(e, call);

	if (c || !e->ring)
		return c;
	c = &e->ring[e->next];
	if (c->call)
		(void)table_del(&e->by_call, c->call, e->next + 1);
	entry_clear(c);
	if (table_put(&e->by_call, call, e->next + 1))
		return NULL;
	c->call = call;
	e->next = (e->next + 1) % ENDED_MAX;
	return c;
}

/* The whole call is what the doctor looks over. */
static void fill_samples(struct diagnosis_flow *f, const struct media_event *event)
{
	const struct flow_detail *d = &event->detail;
	uint64_t since = d->expected_ns ? d->expected_ns : d->now_ns;

	f->now = (struct diagnosis_sample){ .stats = event->stats, .detail = *d };
	f->before = (struct diagnosis_sample){ 0 };
	if (d->now_ns - since < ENDED_LOOK_NS)
		since = d->now_ns > ENDED_LOOK_NS ? d->now_ns - ENDED_LOOK_NS : 0;
	f->before.detail.now_ns = since;
}

static void ended_fill_flow(struct diagnosis_flow *f, const struct shard *shard,
			    const struct call_view *v, uint32_t i, const struct media_event *event)
{
	size_t party = v->flows[i].leg ? 1 : 0;

	f->leg = (uint8_t)party;
	f->line = v->flows[i].line;
	f->kind = v->flows[i].kind;
	f->answered = true;
	f->expected = v->flows[i].remote;
	f->sip_peer = v->remote[party];
	f->holds = v->legs[party].held;
	f->muted = v->legs[party].muted;
	f->latched = event->resume.source_rtp;
	(void)shard_call_place(shard, v->call, v->flows[i].leg, &f->place);
	f->agreed = shard_call_line(shard, v->call, v->flows[i].leg, v->flows[i].line, &f->facts,
				    &f->contact);
	fill_samples(f, event);
}

void ended_flow(struct ended *e, const struct shard *shard, enum latch_mode latch,
		const struct media_event *event)
{
	struct diagnosis_flow *f = NULL;
	struct ended_call *c;
	struct call_view view;

	if (!e->ring || !shard_call_glance(shard, event->call, &view) || view.state != CALL_ENDING)
		return;
	for (uint32_t i = 0; i < view.flow_count; i++) {
		if (!flow_id_eq(view.flows[i].id, event->id))
			continue;
		c = ended_call_ensure(e, event->call);
		f = c && c->flow_count < ENDED_FLOWS_MAX ? calloc(1, sizeof(*f)) : NULL;
		if (!f)
			return;
		f->latch = latch;
		ended_fill_flow(f, shard, &view, i, event);
		c->flows[c->flow_count++] = f;
		return;
	}
}

void ended_record(struct ended *e, const struct cdr *cdr, uint64_t now_ns)
{
	struct ended_call *c = ended_call_ensure(e, cdr->call);

	if (!c)
		return;
	c->cdr = *cdr;
	c->at_ns = now_ns;
}

const struct ended_call *ended_find(const struct ended *e, uint64_t call, uint64_t now_ns)
{
	const struct ended_call *c = ended_entry_find(e, call);

	return c && c->at_ns && now_ns - c->at_ns <= ENDED_NS ? c : NULL;
}

void ended_diagnosis(const struct ended_call *c, struct diagnosis *out)
{
	*out = (struct diagnosis){
		.ended = true,
		.established = c->cdr.answer_utc_ms != 0,
		.because = c->cdr.reason,
	};
	out->refused = out->established ? 0 : c->cdr.sip_status;
	for (uint32_t i = 0; i < c->flow_count && i < DIAGNOSIS_FLOWS_MAX; i++)
		out->flows[out->flow_count++] = *c->flows[i];
}

/* Whole places have these in each call: a million records would be half as long again. */
static bool finding_is_usual(enum finding_code code)
{
	return code == FINDING_NAT_PORT || code == FINDING_TRANSCODED;
}

static size_t findings_thin(struct finding *list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!finding_is_usual(list[i].code))
			list[kept++] = list[i];
	}
	return kept;
}

struct bytes ended_findings(struct ended *e, uint64_t call)
{
	const struct ended_call *c = ended_entry_find(e, call);
	struct ended_space *space = e->space;
	size_t count;

	if (!c || c->flow_count == 0)
		return (struct bytes){ 0 };
	ended_diagnosis(c, &space->diagnosis);
	count = findings_thin(space->list, diagnose(&space->diagnosis, space->list));
	return count ? findings_write(space->list, count, space->text, sizeof(space->text))
		     : (struct bytes){ 0 };
}
