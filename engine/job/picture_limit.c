/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/picture_limit.h"

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
