/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decisions about conference video, as pure functions of indexes, rates and times
 * (video_choice.h): which member's video is shown, which simulcast layer a viewer gets, the limit
 * for a viewer with losses, key frame requests, and NACKs. They are apart from room_video.c so that
 * tests cover them without packets. Each one has hysteresis, since every switch costs a key frame.
 */

#include <string.h>

#include "engine/job/video_choice.h"

static bool limit_is_past(uint64_t since_ns, uint32_t ms, uint64_t now_ns)
{
	return now_ns >= since_ns + ms * NS_PER_MS;
}

static uint32_t limit_patience_ms(const struct video_limit *l)
{
	return (uint32_t)LIMIT_CLEAN_MS << l->tries;
}

/* Five parts of eight: a layer that costs a quarter more than its limit would stay. */
static bool limit_lower(struct video_limit *l, uint32_t has_kbps, uint64_t now_ns)
{
	uint32_t kbps = has_kbps * 5 / 8;

	if (has_kbps == 0 || !limit_is_past(l->lossy_ns, LIMIT_LOSSY_MS, now_ns) ||
	    (l->lowered_ns && !limit_is_past(l->lowered_ns, LIMIT_REST_MS, now_ns)))
		return false;
	if (l->raised_ns && !limit_is_past(l->raised_ns, limit_patience_ms(l), now_ns) &&
	    l->tries < LIMIT_TRIES)
		l->tries++;
	l->kbps = kbps > LIMIT_LEAST_KBPS ? kbps : LIMIT_LEAST_KBPS;
	l->lowered_ns = now_ns;
	l->lossy_ns = l->raised_ns = 0;
	return true;
}

static bool limit_raise(struct video_limit *l, uint64_t now_ns)
{
	if (l->kbps == 0 || !limit_is_past(l->clean_ns, limit_patience_ms(l), now_ns))
		return false;
	l->kbps *= 2;
	l->raised_ns = l->clean_ns = now_ns;
	if (l->kbps > LIMIT_MOST_KBPS)
		*l = (struct video_limit){ 0 };
	return true;
}

bool video_limit_report(struct video_limit *l, uint8_t lost, uint32_t has_kbps, uint64_t now_ns)
{
	if (lost < LIMIT_LOSSY)
		l->lossy_ns = 0;
	else if (l->lossy_ns == 0)
		l->lossy_ns = now_ns;
	if (lost > LIMIT_CLEAN)
		l->clean_ns = 0;
	else if (l->clean_ns == 0)
		l->clean_ns = now_ns;
	if (l->lossy_ns)
		return limit_lower(l, has_kbps, now_ns);
	return l->clean_ns && limit_raise(l, now_ns);
}

uint8_t video_limit_own(uint8_t lost, uint32_t span, uint32_t sent)
{
	uint32_t before = sent < span ? (span - sent) * 256 / span : 0;

	return before < lost ? (uint8_t)(lost - before) : 0;
}

/* Three parts of the old rate, and one of the new. */
void layer_rate_read(struct layer_rate *r, uint64_t now_ns)
{
	uint64_t ms = (now_ns - r->read_ns) / NS_PER_MS;
	uint32_t kbps;

	if (r->read_ns && ms < LAYER_RATE_MS)
		return;
	if (r->read_ns) {
		kbps = (uint32_t)(r->octets * UINT64_C(8) / ms);
		r->kbps = r->times ? (3 * r->kbps + kbps) / 4 : kbps;
		if (r->times < LAYER_STEADY)
			r->times++;
	}
	r->read_ns = now_ns;
	r->octets = 0;
}

/* ---- which is larger ---- */

static bool are_measured(const struct layer_seen *list, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++)
		if (list[i].comes && list[i].pixels == 0)
			return false;
	return true;
}

/* If one size is unknown, the higher bit rate counts as larger, and a slightly higher one as
 * equal. */
static bool is_larger(const struct layer_seen *a, const struct layer_seen *b, bool measured)
{
	if (measured && a->pixels != b->pixels)
		return a->pixels > b->pixels;
	return a->kbps > b->kbps + b->kbps / 4;
}

/* ---- which fits ---- */

static bool layer_fits(const struct layer_seen *l, uint32_t most_kbps)
{
	return l->comes && l->steady && (most_kbps == 0 || l->kbps <= most_kbps);
}

/* A quarter too much is borne. */
static bool layer_still_fits(const struct layer_seen *l, uint32_t most_kbps)
{
	return l->comes && (!l->steady || most_kbps == 0 || l->kbps <= most_kbps + most_kbps / 4);
}

static uint8_t largest_that_fits(const struct layer_seen *list, uint8_t count, uint32_t most_kbps)
{
	bool measured = are_measured(list, count);
	uint8_t found = LAYER_NONE;

	for (uint8_t i = 0; i < count; i++)
		if (layer_fits(&list[i], most_kbps) &&
		    (found == LAYER_NONE || is_larger(&list[i], &list[found], measured)))
			found = i;
	return found;
}

static uint8_t smallest(const struct layer_seen *list, uint8_t count)
{
	bool measured = are_measured(list, count);
	uint8_t found = LAYER_NONE;

	for (uint8_t i = 0; i < count; i++)
		if (list[i].comes &&
		    (found == LAYER_NONE || is_larger(&list[found], &list[i], measured)))
			found = i;
	return found;
}

uint8_t layer_choose(const struct layer_seen *list, uint8_t count, uint32_t most_kbps, uint8_t now,
		     uint32_t kept_ms)
{
	uint8_t best = largest_that_fits(list, count, most_kbps);

	if (best == LAYER_NONE)
		best = smallest(list, count);
	if (now >= count || best == LAYER_NONE || !list[now].comes)
		return best;
	if (!layer_still_fits(&list[now], most_kbps))
		return kept_ms >= LAYER_DOWN_MS ? best : now;
	return is_larger(&list[best], &list[now], are_measured(list, count)) && list[best].steady &&
			       kept_ms >= LAYER_UP_MS
		       ? best
		       : now;
}

/* It arrived after all, or was never missing. */
static void loss_remove(struct losses *l, uint16_t sequence)
{
	for (uint8_t i = 0; i < l->count; i++) {
		if (l->list[i].sequence != sequence)
			continue;
		l->count--;
		memmove(&l->list[i], &l->list[i + 1], (l->count - i) * sizeof(l->list[0]));
		return;
	}
}

bool losses_note(struct losses *l, uint16_t highest, uint16_t sequence, uint64_t now_ns)
{
	int16_t ahead = (int16_t)(sequence - highest);

	if (ahead <= 0) {
		loss_remove(l, sequence);
		return true;
	}
	if (l->count + ahead - 1 > LOSSES_MAX) {
		losses_forget(l);
		return false;
	}
	for (uint16_t missing = (uint16_t)(highest + 1); missing != sequence; missing++)
		l->list[l->count++] =
			(struct loss){ .sequence = missing, .since_ns = now_ns, .due_ns = now_ns };
	return true;
}

static bool loss_is_due(const struct loss *k, uint64_t now_ns)
{
	return now_ns >= k->due_ns || now_ns >= k->since_ns + LOSS_OLD_NS;
}

bool losses_are_due(const struct losses *l, uint64_t now_ns)
{
	if (l->count == 0 || (l->asked_ns && now_ns < l->asked_ns + LOSSES_EVERY_NS))
		return false;
	for (uint8_t i = 0; i < l->count; i++)
		if (loss_is_due(&l->list[i], now_ns))
			return true;
	return false;
}

static bool loss_is_hopeless(const struct loss *k, uint64_t now_ns)
{
	return now_ns >= k->since_ns + LOSS_OLD_NS ||
	       (k->tries == LOSS_TRIES && loss_is_due(k, now_ns));
}

static void loss_give_up(const struct loss *k, struct losses_asked *out)
{
	out->given_up++;
	out->since_ns = k->since_ns;
}

static void loss_request(struct loss *k, uint64_t now_ns, uint64_t again_ns,
			 struct losses_asked *out)
{
	if (!loss_is_due(k, now_ns))
		return;
	out->numbers[out->count++] = k->sequence;
	k->tries++;
	k->due_ns = now_ns + again_ns;
}

void losses_request(struct losses *l, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out)
{
	uint8_t kept = 0;

	*out = (struct losses_asked){ 0 };
	for (uint8_t i = 0; i < l->count; i++) {
		struct loss k = l->list[i];

		if (loss_is_hopeless(&k, now_ns)) {
			loss_give_up(&k, out);
			continue;
		}
		loss_request(&k, now_ns, again_ns, out);
		l->list[kept++] = k;
	}
	l->count = kept;
	l->asked_ns = now_ns;
}

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

/* A pause costs a rival half of its length, another member's speech all of it. */
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

/* The last or present talker goes before the members present. */
static uint32_t successor(const struct floor *f, const enum floor_claim *claims, uint32_t count)
{
	uint32_t best = best_find(claims, count, FLOOR_NOBODY);
	enum floor_claim claim = claim_of(claims, count, best);

	if (f->rival_ms > 0 && claim_of(claims, count, f->rival) == claim)
		return f->rival;
	return claim_of(claims, count, f->before) == claim ? f->before : best;
}

/* Another member, if there is one. */
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
