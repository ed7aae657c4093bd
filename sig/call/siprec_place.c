/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/dialog/dialog_places.h"

/* ---- names ---- */

static void place_add(struct siprec *s, uint8_t of, const struct addr *to)
{
	if (s->place_count < SIPREC_PLACES_MAX)
		s->places[s->place_count++] = (struct siprec_place){ .to = *to, .of = of };
}

static void places_add(struct siprec *s, uint8_t of, const struct lookup_target *list,
		       uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		place_add(s, of, &list[i].to);
}

/* By which families that transport goes out. */
static void want_families(struct lookup_want *want, const struct shard_settings *set)
{
	for (uint32_t i = 0; i < set->local_count; i++) {
		if (set->locals[i].transport != (enum sip_transport)want->transport)
			continue;
		want->v4 |= set->locals[i].bind.family == ADDR_V4;
		want->v6 |= set->locals[i].bind.family == ADDR_V6;
	}
}

static void recorder_want(const struct call_host *h, const struct call *c, uint8_t of,
			  struct lookup_want *out)
{
	const struct shard_siprec *to = &h->settings->siprec;
	const struct shard_siprec_name *name = &to->names[of];

	*out = (struct lookup_want){ .port = name->port,
				     .said = true,
				     .transport = (uint8_t)to->transport,
				     .speaks = (uint8_t)(1U << to->transport),
				     .seed = c->id };
	memcpy(out->host, name->host, sizeof(out->host));
	want_families(out, h->settings);
}

static bool find_begin(struct call_host *h, const struct call *c, struct siprec *s,
		       const struct lookup_want *want)
{
	struct effect *e =
		h->lookups < DIALOG_LOOKUPS_MAX ? effects_lookup(h->effects, c->id, want) : NULL;

	if (!e)
		return false;
	s->lookup = e->version = rand_u64_from(h->rand) | 1;
	s->retry_ns = h->now.ns + DIALOG_LOOKUP_MS * NS_PER_MS;
	h->lookups++;
	return true;
}

static void find_nothing(const struct call_host *h, const struct call *c, uint8_t of,
			 const char *why)
{
	LOG_WARN("call", c->id, "the name of a recorder leads nowhere",
		 LOG_STR("name", h->settings->siprec.names[of].host), LOG_STR("result", why));
}

/* True: it has to be looked up, and is. */
static bool name_resolves(struct call_host *h, const struct call *c, struct siprec *s, uint8_t of)
{
	const struct shard_lookup *lookup = &h->settings->lookup;
	struct lookup *found = lookup->find ? malloc(sizeof(*found)) : NULL; /* large for a stack */
	struct lookup_want want;
	bool resolves;

	if (!found) {
		find_nothing(h, c, of, "not looked up");
		return false;
	}
	recorder_want(h, c, of, &want);
	lookup->find(lookup->arg, &want, h->now.ns, found);
	resolves = found->state == LOOKUP_ASK && find_begin(h, c, s, &want);
	if (found->state == LOOKUP_DONE)
		places_add(s, of, found->targets, found->target_count);
	else if (!resolves)
		find_nothing(h, c, of, lookup_state_name(found->state));
	free(found);
	return resolves;
}

/* From the recorder on whose turn it is. True: a name is looked up. */
static bool places_resolve(struct call_host *h, const struct call *c, struct siprec *s)
{
	const struct shard_siprec *to = &h->settings->siprec;

	for (; s->resolve <= to->count; s->resolve++) {
		uint8_t of = (uint8_t)(s->resolve - 1);

		if (!to->names[of].host[0])
			place_add(s, of, &to->addresses[of]);
		else if (name_resolves(h, c, s, of))
			return true;
	}
	s->resolve = 0;
	return false;
}

static void find_over(struct call_host *h, struct siprec *s)
{
	s->lookup = 0;
	s->retry_ns = 0;
	h->lookups--;
}

static void find_leave(struct call_host *h, const struct call *c, struct siprec *s)
{
	struct effect *e = effects_add(h->effects, EFFECT_LOOKUP_STOP);

	if (e) { /* else it ends by itself */
		e->call = c->id;
		e->version = s->lookup;
	}
	find_over(h, s);
}

void siprec_find_stop(struct call_host *h, const struct call *c, struct siprec *s)
{
	if (s->lookup)
		find_leave(h, c, s);
	s->resolve = 0;
}

bool siprec_find_told(struct call_host *h, struct siprec *s, const struct lookup_news *news)
{
	uint8_t of = (uint8_t)(s->resolve - 1);

	if (!s->lookup || s->lookup != news->serial)
		return false;
	find_over(h, s);
	s->resolve++;
	if (news->state == LOOKUP_DONE)
		places_add(s, of, news->targets, news->count);
	return true;
}

/* ---- which one ---- */

static bool place_is_blocked(const struct call_host *h, const struct siprec_place *p)
{
	const struct shard_lookup *l = &h->settings->lookup;
	const struct lookup_target target = { .to = p->to,
					      .transport = (uint8_t)h->settings->siprec.transport };

	return l->blocked && l->blocked(l->arg, &target, h->now.ns);
}

/* One that failed a moment ago is asked where all have. */
static void siprec_choose(const struct call_host *h, struct siprec *s)
{
	s->place %= s->place_count;
	for (uint8_t i = 0; i < s->place_count; i++) {
		uint8_t place = (uint8_t)((s->place + i) % s->place_count);

		if (!place_is_blocked(h, &s->places[place])) {
			s->place = place;
			return;
		}
	}
}

/* The settings may have been read again meanwhile. */
static bool places_hold(const struct call_host *h, const struct siprec *s)
{
	for (uint8_t i = 0; i < s->place_count; i++) {
		if (s->places[i].of >= h->settings->siprec.count)
			return false;
	}
	return s->place_count && !s->resolve;
}

enum siprec_found siprec_find(struct call_host *h, const struct call *c, struct siprec *s)
{
	if (s->lookup) { /* nobody has said */
		find_nothing(h, c, (uint8_t)(s->resolve - 1), "overdue");
		find_leave(h, c, s);
		s->resolve++;
	}
	if (!places_hold(h, s) && !s->resolve) {
		s->place_count = 0;
		s->resolve = 1;
	}
	if (s->resolve && places_resolve(h, c, s))
		return SIPREC_RESOLVES;
	if (!s->place_count)
		return SIPREC_NOWHERE;
	siprec_choose(h, s);
	return SIPREC_FOUND;
}

bool siprec_has_others(const struct siprec *s)
{
	return s->place_count > 1;
}

/* Whoever goes on with a session of another process knows no places yet. */
static uint8_t rounds_places(const struct call_host *h, const struct siprec *s)
{
	return s->place_count ? s->place_count : h->settings->siprec.count;
}

bool siprec_next_place(const struct call_host *h, struct siprec *s)
{
	const struct shard_lookup *l = &h->settings->lookup;
	const struct lookup_target target = { .to = s->dialog.hop.remote,
					      .transport = (uint8_t)s->dialog.hop.transport };
	uint8_t count = rounds_places(h, s);

	if (count < 2)
		return false;
	if (l->failed && target.to.family != ADDR_NONE)
		l->failed(l->arg, &target, 0, h->now.ns);
	s->place = (uint8_t)((s->place + 1) % count);
	s->failed++;
	if (s->failed < count)
		return true;
	s->failed = 0;
	return false;
}

void siprec_find_anew(const struct call_host *h, struct siprec *s)
{
	for (uint8_t i = 0; i < h->settings->siprec.count; i++) {
		if (h->settings->siprec.names[i].host[0])
			s->place_count = 0;
	}
}
