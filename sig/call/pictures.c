/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/pictures.h"

#include "sig/call/conference.h"
#include "sig/call/hears.h"
#include "sig/leg/leg.h"

enum { LOOKED_AT_MAX = 64 }; /* members whose levels count: those that came first */

static void level_lower(uint8_t *lowest, uint8_t level)
{
	if (level && (*lowest == 0 || level < *lowest))
		*lowest = level;
}

/* Of those that have video. */
static void call_level_lower(uint8_t *lowest, const struct call *c)
{
	for (uint8_t i = 0; c && i < c->leg_count; i++)
		if (c->legs[i] && bridge_has(c, i))
			level_lower(lowest, offer_picture_level(text_bytes(
						    &leg_sdp_newest(c->legs[i])->heard)));
}

/* The lowest level of those in the room, and of those that are to come; 0: nobody has video. */
static uint8_t room_level(const struct call_host *h, const struct call *c, const struct room *r)
{
	const struct room_member *m = r->first;
	uint8_t lowest = 0;

	for (uint32_t i = 0; m && !m->asks && i < LOOKED_AT_MAX; i++, m = m->next)
		if (m->call != c->id)
			call_level_lower(&lowest, h->call_of(h->owner, m->call));
	for (uint8_t i = 0; i < r->comes_count; i++)
		call_level_lower(&lowest, h->call_of(h->owner, r->comes[i].call));
	return lowest;
}

static bool has_video(const struct call *c, uint8_t leg)
{
	const struct leg_sdp *sdp = &c->legs[leg]->sdp;

	return leg_sdp_is_agreed(sdp) && offer_has_video(text_bytes(&sdp->said));
}

bool pictures_answer(const struct call_host *h, const struct call *c, uint8_t leg,
		     struct offer_capabilities *own)
{
	const struct room *r = conference_room(h, c);

	own->pictures = r || has_video(c, leg);
	own->picture_level = r && h->call_of ? room_level(h, c, r) : 0;
	return own->pictures;
}

bool pictures_offer(const struct call_host *h, const struct call *c, struct offer_capabilities *own)
{
	const struct room *r = conference_room(h, c);

	own->picture_level = r && h->call_of ? room_level(h, c, r) : 0;
	own->pictures = own->picture_level > 0;
	return own->pictures;
}

/* Of several pictures of a party others see the first. */
static bool is_first_picture(const struct call *c, const struct call_flow *f)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *other = &c->flows[i];

		if (other->leg == f->leg && other->kind == MEDIA_VIDEO && !other->closing &&
		    other->line < f->line)
			return false;
	}
	return f->kind == MEDIA_VIDEO;
}

bool pictures_source(const struct call_host *h, const struct call *c, const struct call_flow *f,
		     struct flow_source *out)
{
	const struct room *r = hears_of(c, f->leg) == HEARS_ROOM ? conference_room(h, c) : NULL;

	*out = (struct flow_source){ 0 };
	if (!r || r->job.generation == 0 || !is_first_picture(c, f))
		return false;
	out->job = r->job;
	return true;
}
