/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's knowledge of where things are: which worker has each call (chosen by load), which
 * workers have each job, and flows that are on their way between two workers. A flow and its peer
 * must be on one worker, so a call is the unit of spreading. Only control's thread uses it; it
 * allocates at open, except for parcels of moves.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "engine/worker/spread.h"
#include "engine/worker/transcoder.h"
#include "media/job.h"

int job_routes_open(struct job_routes *r, uint32_t capacity)
{
	*r = (struct job_routes){ .capacity = capacity };
	if (capacity == 0)
		return 0;
	r->list = calloc(capacity, sizeof(*r->list));
	return r->list ? 0 : -ENOMEM;
}

void job_routes_close(struct job_routes *r)
{
	free(r->list);
	*r = (struct job_routes){ 0 };
}

void job_route_open(struct job_routes *r, uint32_t slot, struct job_workers on)
{
	assert(slot < r->capacity && on.count > 0 && r->list[slot].open == 0);
	r->list[slot] = (struct job_route){ .on = on, .open = on.count };
}

struct job_workers job_route_find(const struct job_routes *r, uint32_t slot)
{
	assert(slot < r->capacity);
	return r->list[slot].on.count ? r->list[slot].on : (struct job_workers){ .count = 1 };
}

void job_route_closed(struct job_routes *r, struct media_event *event)
{
	struct job_route *route;

	if (event->kind != MEDIA_JOB_CLOSED || !event->last)
		return;
	assert(event->job.slot < r->capacity);
	route = &r->list[event->job.slot];
	assert(route->open > 0);
	media_sound_unref(event->sound);
	event->sound = NULL;
	event->last = --route->open == 0;
}

struct flow_parcel *moves_add(struct moves *m, const struct flow_spec *spec)
{
	struct flow_parcel *p = calloc(1, sizeof(*p)), **at = &m->first;

	if (!p)
		return NULL;
	while (*at)
		at = &(*at)->next;
	p->spec = *spec;
	p->fd[CHANNEL_RTP] = p->fd[CHANNEL_RTCP] = -1;
	*at = p;
	return p;
}

struct flow_parcel *moves_find(const struct moves *m, uint32_t slot)
{
	struct flow_parcel *p = m->first;

	while (p && p->spec.id.slot != slot)
		p = p->next;
	return p;
}

void moves_end(struct moves *m, struct flow_parcel *p)
{
	struct flow_parcel **at = &m->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	for (uint32_t c = 0; c < CHANNELS; c++)
		if (p->fd[c] >= 0)
			(void)close(p->fd[c]);
	transcoder_free(p->transcoder);
	explicit_bzero(p, sizeof(*p)); /* keys */
	free(p);
}

void moves_close(struct moves *m)
{
	while (m->first)
		moves_end(m, m->first);
}

enum {
	BUSY_LEAST = SPREAD_WHOLE / 20, /* below it a worker's time tells nothing */
	NONE = 0,
	SLOTS_MAX = 1 << 24,
};

struct spread_call {
	uint64_t call;
	uint32_t flows;
	uint32_t next; /* of its bucket, or of the unused ones */
	uint8_t worker;
	bool pinned;
};

/* ids count up: every bit is to matter */
static uint32_t *spread_bucket(const struct spread *s, uint64_t call)
{
	uint64_t mixed = call * UINT64_C(0x9e3779b97f4a7c15);

	return &s->buckets[(mixed >> 32) & s->mask];
}

static uint32_t spread_call_find(const struct spread *s, uint64_t call)
{
	uint32_t i = *spread_bucket(s, call);

	while (i != NONE && s->calls[i - 1].call != call)
		i = s->calls[i - 1].next;
	return i;
}

/* What it adds to the load of its worker. */
static uint32_t weight(const struct spread_call *c)
{
	return c->flows > 0 ? c->flows : c->pinned;
}

static uint32_t call_add(struct spread *s, uint64_t call, uint8_t worker)
{
	uint32_t i = s->free, *bucket = spread_bucket(s, call);
	struct spread_call *c = &s->calls[i - 1];

	assert(i != NONE); /* there are as many as slots and pins */
	s->free = c->next;
	*c = (struct spread_call){ .call = call, .worker = worker, .next = *bucket };
	*bucket = i;
	return i;
}

static void call_forget(struct spread *s, uint32_t i)
{
	struct spread_call *c = &s->calls[i - 1];
	uint32_t *at;

	if (weight(c) > 0)
		return;
	for (at = spread_bucket(s, c->call); *at != i;)
		at = &s->calls[*at - 1].next;
	*at = c->next;
	c->next = s->free;
	s->free = i;
}

/* ---- the choice ---- */

static uint64_t spread_share(uint64_t part, uint64_t whole)
{
	return whole ? part * SPREAD_WHOLE / whole : 0;
}

/* Its share of all flows and its share of all work, with equal weight: flows differ in cost
 * (video), and a new one's cost shows in the work only later. A worker that polls is always busy,
 * and then only the flows count. */
static uint8_t worker_least(const struct spread *s, const uint32_t busy[])
{
	uint64_t flows = 0, work = 0, most = 0, best = UINT64_MAX;
	uint8_t worker = 0;

	for (uint32_t w = 0; w < s->workers; w++) {
		uint64_t its = s->load[w] ? busy[w] : 0; /* one without flows does not measure */

		flows += s->load[w];
		work += its;
		most = its > most ? its : most;
	}
	for (uint32_t w = 0; w < s->workers; w++) {
		uint64_t score = spread_share(s->load[w], flows);

		if (s->load[w] && most >= BUSY_LEAST)
			score += spread_share(busy[w], work);
		if (score < best) {
			best = score;
			worker = (uint8_t)w;
		}
	}
	return worker;
}

uint8_t spread_choose(const struct spread *s, uint64_t call, const uint32_t busy[])
{
	uint32_t i = s->workers > 1 ? spread_call_find(s, call) : NONE;

	return i != NONE ? s->calls[i - 1].worker : worker_least(s, busy);
}

bool spread_find(const struct spread *s, uint64_t call, uint8_t *worker)
{
	uint32_t i = spread_call_find(s, call);

	if (i != NONE)
		*worker = s->calls[i - 1].worker;
	return i != NONE;
}

/* ---- what is there ---- */

void spread_drop(struct spread *s, uint32_t slot)
{
	uint32_t i = s->call_of[slot];
	struct spread_call *c;

	assert(slot < s->slots);
	if (i == NONE)
		return;
	c = &s->calls[i - 1];
	s->call_of[slot] = NONE;
	s->load[c->worker] -= weight(c);
	c->flows--;
	s->load[c->worker] += weight(c);
	call_forget(s, i);
}

void spread_put(struct spread *s, uint32_t slot, uint64_t call, uint8_t worker)
{
	uint32_t i;
	struct spread_call *c;

	assert(slot < s->slots && worker < s->workers);
	spread_drop(s, slot);
	s->worker_of[slot] = worker;
	i = spread_call_find(s, call);
	if (i == NONE)
		i = call_add(s, call, worker);
	c = &s->calls[i - 1];
	assert(c->worker == worker);
	s->load[worker] -= weight(c);
	c->flows++;
	s->load[worker] += weight(c);
	s->call_of[slot] = i;
}

uint64_t spread_call(const struct spread *s, uint32_t slot)
{
	uint32_t i = s->call_of[slot];

	return i != NONE ? s->calls[i - 1].call : 0;
}

static void pin_set(struct spread *s, struct spread_call *c, bool pinned)
{
	s->load[c->worker] -= weight(c);
	s->pins += pinned;
	s->pins -= c->pinned;
	c->pinned = pinned;
	s->load[c->worker] += weight(c);
}

bool spread_pin(struct spread *s, uint64_t call, uint8_t worker)
{
	uint32_t i = spread_call_find(s, call);

	if (s->pins >= s->slots && (i == NONE || !s->calls[i - 1].pinned))
		return false;
	if (i == NONE)
		i = call_add(s, call, worker);
	assert(s->calls[i - 1].worker == worker);
	pin_set(s, &s->calls[i - 1], true);
	return true;
}

void spread_unpin(struct spread *s, uint64_t call)
{
	uint32_t i = spread_call_find(s, call);

	if (i == NONE)
		return;
	pin_set(s, &s->calls[i - 1], false);
	call_forget(s, i);
}

/* ---- open, close ---- */

int spread_open(struct spread *s, uint32_t workers, uint32_t slots)
{
	uint32_t calls = 2 * slots;

	assert(workers >= 1 && workers <= SPREAD_WORKERS_MAX && slots <= SLOTS_MAX);
	*s = (struct spread){ .workers = workers, .slots = slots };
	while (s->mask < calls)
		s->mask = s->mask * 2 + 1;
	s->buckets = calloc((size_t)s->mask + 1, sizeof(*s->buckets));
	s->calls = calloc(calls, sizeof(*s->calls));
	s->call_of = calloc(slots, sizeof(*s->call_of));
	s->worker_of = calloc(slots, sizeof(*s->worker_of));
	if (!s->buckets || !s->calls || !s->call_of || !s->worker_of) {
		spread_close(s);
		return -ENOMEM;
	}
	for (uint32_t i = calls; i > 0; i--) {
		s->calls[i - 1].next = s->free;
		s->free = i;
	}
	return 0;
}

void spread_close(struct spread *s)
{
	free(s->buckets);
	free(s->calls);
	free(s->call_of);
	free(s->worker_of);
	*s = (struct spread){ 0 };
}
