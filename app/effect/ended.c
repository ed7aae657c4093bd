/* SPDX-License-Identifier: Apache-2.0 */
#include "app/effect/ended.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_NS NS_PER_S /* what the doctor looks over at least */

int ended_open(struct ended *e)
{
	*e = (struct ended){ .ring = calloc(ENDED_MAX, sizeof(*e->ring)) };
	if (!e->ring)
		return -ENOMEM;
	if (!table_open(&e->by_call, ENDED_MAX))
		return 0;
	free(e->ring);
	e->ring = NULL;
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
	free(e->ring);
	e->ring = NULL;
}

static struct ended_call *ended_entry_find(const struct ended *e, uint64_t call)
{
	uint32_t cursor = 0;
	uint64_t at = e->ring ? table_next(&e->by_call, call, &cursor) : 0;

	return at ? &e->ring[at - 1] : NULL;
}

/* The oldest one makes room. NULL: nothing is kept. */
static struct ended_call *ended_take(struct ended *e, uint64_t call)
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
	if (d->now_ns - since < LOOK_NS)
		since = d->now_ns > LOOK_NS ? d->now_ns - LOOK_NS : 0;
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
		c = ended_take(e, event->call);
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
	struct ended_call *c = ended_take(e, cdr->call);

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
