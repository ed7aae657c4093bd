/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/video_layers.h"

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

/* Three parts of what it was, and one of what it is. */
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

/* Where the size of one is not known what costs more counts as larger, and a bit more as the same. */
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
