/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/video_floor.h"

static void floor_show(struct floor *f, uint32_t index)
{
	if (f->shown != FLOOR_NOBODY && f->shown != index)
		f->before = f->shown;
	if (f->before == index)
		f->before = FLOOR_NOBODY;
	f->shown = index;
	f->rival = FLOOR_NOBODY;
	f->rival_ms = f->kept_ms = 0;
}

static void rival_fade(struct floor *f, uint32_t ms)
{
	f->rival_ms = f->rival_ms > ms ? f->rival_ms - ms : 0;
}

/* A pause costs a rival half of what it lasts, another one's words all. */
static void rival_talks(struct floor *f, uint32_t talker, uint32_t ms)
{
	if (talker == FLOOR_NOBODY) {
		rival_fade(f, ms / 2);
	} else if (talker == f->shown) {
		rival_fade(f, ms);
	} else if (talker == f->rival) {
		f->rival_ms += ms;
	} else {
		rival_fade(f, ms);
		if (f->rival_ms > 0)
			return;
		f->rival = talker;
		f->rival_ms = ms;
	}
}

bool floor_talks(struct floor *f, uint32_t talker, uint32_t ms)
{
	f->kept_ms = f->kept_ms < FLOOR_KEEPS_MS ? f->kept_ms + ms : f->kept_ms;
	rival_talks(f, talker, ms);
	if (f->rival == FLOOR_NOBODY || f->rival_ms < FLOOR_TALKS_MS || f->kept_ms < FLOOR_KEEPS_MS)
		return false;
	floor_show(f, f->rival);
	return true;
}

static enum floor_claim claim_of(const enum floor_claim *claims, uint32_t count, uint32_t index)
{
	return index < count ? claims[index] : FLOOR_NONE;
}

/* The first one with the best claim, `but` apart. */
static uint32_t best_find(const enum floor_claim *claims, uint32_t count, uint32_t but)
{
	uint32_t best = FLOOR_NOBODY;

	for (uint32_t i = 0; i < count; i++)
		if (i != but && claims[i] > claim_of(claims, count, best))
			best = i;
	return best;
}

/* Who talked last, or talks, before who is there. */
static uint32_t successor(const struct floor *f, const enum floor_claim *claims, uint32_t count)
{
	uint32_t best = best_find(claims, count, FLOOR_NOBODY);
	enum floor_claim claim = claim_of(claims, count, best);

	if (f->rival_ms > 0 && claim_of(claims, count, f->rival) == claim)
		return f->rival;
	return claim_of(claims, count, f->before) == claim ? f->before : best;
}

/* Somebody else, where anybody is. */
static void before_review(struct floor *f, const enum floor_claim *claims, uint32_t count)
{
	uint32_t best = best_find(claims, count, f->shown);

	if (f->before == f->shown ||
	    claim_of(claims, count, f->before) < claim_of(claims, count, best))
		f->before = best;
	if (f->shown == FLOOR_NOBODY || claim_of(claims, count, f->before) == FLOOR_NONE)
		f->before = FLOOR_NOBODY;
}

bool floor_review(struct floor *f, const enum floor_claim *claims, uint32_t count)
{
	const struct floor was = *f;
	uint32_t next = successor(f, claims, count);

	if (claim_of(claims, count, f->rival) != FLOOR_SPEAKS) {
		f->rival = FLOOR_NOBODY;
		f->rival_ms = 0;
	}
	if (next != FLOOR_NOBODY &&
	    claim_of(claims, count, next) > claim_of(claims, count, f->shown))
		floor_show(f, next);
	if (claim_of(claims, count, f->shown) == FLOOR_NONE)
		f->shown = FLOOR_NOBODY;
	before_review(f, claims, count);
	return f->shown != was.shown || f->before != was.before;
}

bool keyframe_is_due(struct keyframe_need *a, uint64_t now_ns)
{
	if (!a->wanted || (a->asked_ns && now_ns < a->asked_ns + VIDEO_AGAIN_NS))
		return false;
	a->asked_ns = now_ns;
	return true;
}
