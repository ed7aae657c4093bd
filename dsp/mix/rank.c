/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/mix/rank.h"

#include <assert.h>

#define SMOOTH    0.25f /* of each tick's loudness */
#define PAUSE_DB  1.0f  /* less for each tick of a pause */
#define LEVEL_MAX 127

void rank_open(struct rank *r, struct rank_member *members, uint32_t places, uint32_t hold)
{
	assert(places >= 1 && places <= RANK_PLACES_MAX);
	*r = (struct rank){ .members = members, .places = places, .hold = hold, .tick = 1 };
	for (uint32_t i = 0; i < RANK_PLACES_MAX; i++)
		r->place[i] = RANK_NOBODY;
}

bool rank_has(const struct rank *r, uint32_t member)
{
	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == member)
			return true;
	}
	return false;
}

/* In its place in the order, or not at all. */
static void rank_rival(struct rank *r, uint32_t member)
{
	float loud = r->members[member].loud;
	uint32_t at = r->rivals_n;

	while (at > 0 && r->members[r->rivals[at - 1]].loud < loud)
		at--;
	if (at == r->places)
		return;
	if (r->rivals_n < r->places)
		r->rivals_n++;
	for (uint32_t i = r->rivals_n - 1; i > at; i--)
		r->rivals[i] = r->rivals[i - 1];
	r->rivals[at] = member;
}

void rank_note(struct rank *r, uint32_t member, uint8_t level)
{
	struct rank_member *m = &r->members[member];
	float loud = (float)(LEVEL_MAX - (level > LEVEL_MAX ? LEVEL_MAX : level));

	if (m->at == r->tick)
		return;
	m->run = m->at == r->tick - 1 ? m->run + 1 : 1;
	m->loud = m->run > 1 || rank_has(r, member) ? m->loud + SMOOTH * (loud - m->loud) : loud;
	m->at = r->tick;
	if (!rank_has(r, member))
		rank_rival(r, member);
}

static float rank_loud(const struct rank *r, uint32_t place)
{
	const struct rank_member *m = &r->members[r->place[place]];

	return m->loud - PAUSE_DB * (float)(r->tick - m->at);
}

/* A free place, else that of the quietest. */
static uint32_t rank_weakest(const struct rank *r)
{
	uint32_t least = 0;

	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == RANK_NOBODY)
			return i;
		if (rank_loud(r, i) < rank_loud(r, least))
			least = i;
	}
	return least;
}

static bool rank_wins(const struct rank *r, uint32_t rival, uint32_t place)
{
	const struct rank_member *m = &r->members[rival];

	return r->place[place] == RANK_NOBODY ||
	       (m->run >= RANK_RUN && m->loud >= rank_loud(r, place) + RANK_LEAD_DB);
}

void rank_tick(struct rank *r)
{
	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] != RANK_NOBODY && r->tick - r->members[r->place[i]].at > r->hold)
			r->place[i] = RANK_NOBODY;
	}
	for (uint32_t i = 0; i < r->rivals_n; i++) {
		uint32_t place = rank_weakest(r);

		if (rank_wins(r, r->rivals[i], place))
			r->place[place] = r->rivals[i];
	}
	r->rivals_n = 0;
	r->tick++;
}

void rank_forget(struct rank *r, uint32_t member)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->places; i++) {
		if (r->place[i] == member)
			r->place[i] = RANK_NOBODY;
	}
	for (uint32_t i = 0; i < r->rivals_n; i++) {
		if (r->rivals[i] != member)
			r->rivals[kept++] = r->rivals[i];
	}
	r->rivals_n = kept;
	r->members[member] = (struct rank_member){ 0 };
}
