/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/names.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { KNOWN_S = 8, BLOCKED_FOR_S = 30, STORY_MS = 700, LATE_MS = 3500 };
#define DEAD "192.0.2.99:5060"

void names_start(struct sim *s)
{
	bool any = rand_below(&s->names.rand, 1000) < 350;

	for (uint32_t i = 0; i < PHONES_MAX; i++)
		s->phones.named[i] = any && rand_below(&s->names.rand, 1000) < 500;
}

const char *names_contact(const struct phone *p, char out[ADDR_TEXT_MAX])
{
	if (p->named)
		(void)snprintf(out, ADDR_TEXT_MAX, "p%u.example.test", p->index);
	else
		(void)snprintf(out, ADDR_TEXT_MAX, "%s", p->address);
	return out;
}

static struct addr dead_place(void)
{
	struct addr a;
	int err = addr_parse(&a, BYTES_LIT(DEAD));

	assert(!err);
	(void)err;
	return a;
}

bool names_is_dead(const struct addr *to)
{
	struct addr dead = dead_place();

	return addr_eq(&dead, to);
}

bool names_is_name(struct bytes host)
{
	const struct bytes zone = BYTES_LIT(".example.test");

	return host.n > zone.n && bytes_eq(bytes_from(host, host.n - zone.n), zone);
}

static uint32_t phone_of(const char *host)
{
	uint32_t i = (uint32_t)strtoul(host + 1, NULL, 10);

	assert(host[0] == 'p' && i < PHONES_MAX);
	return i;
}

static void put(struct lookup *out, struct addr to)
{
	out->targets[out->target_count++] = (struct lookup_target){ .to = to };
}

static void names_find(void *arg, const struct lookup_want *want, uint64_t now_ns,
		       struct lookup *out)
{
	const struct node *n = arg;
	const struct sim *s = n->sim;
	uint32_t i = phone_of(want->host);
	bool blocked = s->names.blocked_ns[n->index] > s->now_ns;
	const struct names_known *of = &s->names.known[n->index][i];
	bool known = of->incarnation == n->incarnation && of->until_ns > s->now_ns;

	(void)now_ns;
	out->target_count = out->ask_count = 0;
	out->state = known ? of->state : LOOKUP_REQUEST;
	if (out->state != LOOKUP_DONE)
		return;
	if (of->dead && !blocked)
		put(out, dead_place());
	put(out, s->phones.list[i].addr);
	if (of->dead && blocked)
		put(out, dead_place());
}

static void names_failed(void *arg, const struct lookup_target *target, uint32_t for_s,
			 uint64_t now_ns)
{
	struct node *n = arg;
	struct sim *s = n->sim;

	(void)for_s;
	(void)now_ns;
	s->totals.displaced++;
	if (names_is_dead(&target->to))
		s->names.blocked_ns[n->index] = s->now_ns + BLOCKED_FOR_S * NS_PER_S;
}

struct shard_lookup names_host(struct node *n)
{
	return (struct shard_lookup){ n, names_find, names_failed };
}

static enum names_way way_of(struct sim *s)
{
	uint32_t dice;

	if (s->script)
		return s->script->names;
	if (s->story)
		return NAMES_LATE;
	dice = rand_below(&s->names.rand, 100);
	return dice < 70   ? NAMES_LATE
	       : dice < 80 ? NAMES_SILENT
	       : dice < 90 ? NAMES_NOTHING
			   : NAMES_FAILED;
}

static enum lookup_state state_of(enum names_way way)
{
	switch (way) {
	case NAMES_NOTHING:
		return LOOKUP_NOTHING;
	case NAMES_FAILED:
		return LOOKUP_FAILED;
	case NAMES_LATE:
	case NAMES_SILENT:
		break;
	}
	return LOOKUP_DONE;
}

/* who: incarnation and phone; the node that asked may be gone. */
static void on_answer(struct sim *s, const struct event *e)
{
	struct lookup_want want = { .port = 0 };
	struct lookup_reply outcome = { .serial = e->a };
	struct node *n = node_of_process(s, e->who / PHONES_MAX);
	struct lookup found;

	if (!n)
		return;
	(void)snprintf(want.host, sizeof(want.host), "p%u", e->who % PHONES_MAX);
	names_find(n, &want, s->now_ns, &found);
	outcome.state = found.state == LOOKUP_REQUEST ? LOOKUP_FAILED : found.state;
	outcome.count = found.target_count;
	memcpy(outcome.targets, found.targets, sizeof(outcome.targets));
	trace_line(s, "node: p%u is looked up: %s", e->who % PHONES_MAX,
		   lookup_state_name(outcome.state));
	node_lookup_told(n, e->b, &outcome);
}

static void on_known(struct sim *s, const struct event *e)
{
	uint32_t incarnation = e->who / PHONES_MAX;
	const struct node *n = node_of_process(s, incarnation);

	if (n)
		s->names.known[n->index][e->who % PHONES_MAX] = (struct names_known){
			.state = (enum lookup_state)e->a,
			.dead = e->b,
			.incarnation = incarnation,
			.until_ns = s->now_ns + KNOWN_S * NS_PER_S,
		};
}

void names_lookup(struct node *n, const struct effect *e)
{
	const struct lookup_want *want = e->request;
	struct sim *s = n->sim;
	uint32_t i = phone_of(want->host), who = n->incarnation * PHONES_MAX + i;
	enum names_way way = way_of(s);
	bool dead = s->script ? s->script->dead : !s->story && rand_below(&s->names.rand, 100) < 30;
	uint64_t ms = s->script ? STORY_MS : 1 + rand_below(&s->names.rand, LATE_MS);

	s->totals.names++;
	trace_line(s, "node: looks up %s for call %" PRIx64, want->host, e->call);
	if (way == NAMES_SILENT)
		return;
	sim_after(s, ms * NS_PER_MS, on_known, who, state_of(way), dead);
	sim_after(s, ms * NS_PER_MS, on_answer, who, e->serial, e->call);
}
