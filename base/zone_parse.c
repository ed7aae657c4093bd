/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses TZif files (RFC 8536), and the POSIX rule in their footer (3.3), into a struct zone. It
 * takes only the second data block, with 64-bit times; the first one is skipped. Files with leap
 * seconds are refused, since POSIX time has none. All counts, offsets and indexes are checked, so a
 * damaged file gives -EBADMSG.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/zone_rule.h"

/* ---- the rule behind the changes (RFC 8536 3.3) ---- */

enum { HOURS_MAX = 167, OFFSET_HOURS_MAX = 24 };

static bool eat(struct bytes *in, uint8_t c)
{
	if (!in->n || in->p[0] != c)
		return false;
	*in = bytes_from(*in, 1);
	return true;
}

static bool eat_number(struct bytes *in, uint32_t max, uint32_t *out)
{
	size_t digits = 0;

	while (digits < in->n && digits < 4 && in->p[digits] >= '0' && in->p[digits] <= '9')
		digits++;
	if (bytes_u32(bytes_sub(*in, 0, digits), out) || *out > max)
		return false;
	*in = bytes_from(*in, digits);
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool eat_time(struct bytes *in, uint32_t hours_max, int32_t *out)
{
	bool minus = eat(in, '-');
	uint32_t part[3] = { 0 };

	if (!minus)
		(void)eat(in, '+');
	if (!eat_number(in, hours_max, &part[0]))
		return false;
	if (eat(in, ':') &&
	    (!eat_number(in, 59, &part[1]) || (eat(in, ':') && !eat_number(in, 59, &part[2]))))
		return false;
	*out = (int32_t)(part[0] * 3600 + part[1] * 60 + part[2]) * (minus ? -1 : 1);
	return true;
}

/* Letters, or anything between < and >. The name is not used. */
static bool eat_name(struct bytes *in)
{
	size_t n = 0;

	if (eat(in, '<')) {
		n = bytes_find(*in, '>');
		if (n == in->n)
			return false;
		*in = bytes_from(*in, n + 1);
		return n >= 3;
	}
	while (n < in->n && (in->p[n] | 0x20) >= 'a' && (in->p[n] | 0x20) <= 'z')
		n++;
	*in = bytes_from(*in, n);
	return n >= 3;
}

static bool eat_day(struct bytes *in, struct zone_edge *out)
{
	uint32_t n[3] = { 0 };

	if (eat(in, 'M')) {
		if (!eat_number(in, 12, &n[0]) || !eat(in, '.') || !eat_number(in, 5, &n[1]) ||
		    !eat(in, '.') || !eat_number(in, 6, &n[2]) || !n[0] || !n[1])
			return false;
		out->kind = ZONE_EDGE_WEEKDAY;
		out->month = (uint8_t)n[0];
		out->week = (uint8_t)n[1];
		out->weekday = (uint8_t)n[2];
		return true;
	}
	out->kind = eat(in, 'J') ? ZONE_EDGE_JULIAN : ZONE_EDGE_DAY;
	if (!eat_number(in, 365, &n[0]) || (out->kind == ZONE_EDGE_JULIAN && !n[0]))
		return false;
	out->day = (uint16_t)n[0];
	return true;
}

/* ,date[/time] */
static bool eat_edge(struct bytes *in, struct zone_edge *out)
{
	out->time_s = 2 * 3600;
	return eat(in, ',') && eat_day(in, out) &&
	       (!eat(in, '/') || eat_time(in, HOURS_MAX, &out->time_s));
}

/* Behind the name. POSIX counts to the west. */
static bool eat_offset(struct bytes *in, int32_t *out)
{
	if (!eat_time(in, OFFSET_HOURS_MAX, out))
		return false;
	*out = -*out;
	return true;
}

int zone_rule_parse(struct zone_rule *out, struct bytes text)
{
	*out = (struct zone_rule){ 0 };
	if (!eat_name(&text) || !eat_offset(&text, &out->standard_s))
		return -EBADMSG;
	if (!text.n)
		return 0;
	out->daylight = true;
	out->daylight_s = out->standard_s + 3600;
	if (!eat_name(&text) || !text.n)
		return -EBADMSG;
	if (text.p[0] != ',' && !eat_offset(&text, &out->daylight_s))
		return -EBADMSG;
	if (!eat_edge(&text, &out->begin) || !eat_edge(&text, &out->end) || text.n)
		return -EBADMSG;
	return 0;
}

/* ---- files ---- */

enum { HEAD_N = 44, TYPE_N = 6 };

/* A header and what is behind it (RFC 8536 3.1). */
struct tzif {
	uint8_t version;
	uint32_t utc_marks, standard_marks, leaps, times, types, names;
	struct bytes data;
};

/* width: octets of a time. False: it is not such a block, or it is cut off. */
static bool eat_tzif(struct bytes *in, size_t width, struct tzif *out)
{
	const uint8_t *p = in->p;
	uint64_t n;

	if (in->n < HEAD_N || !bytes_starts(*in, "TZif"))
		return false;
	*out = (struct tzif){ .version = p[4],
			      .utc_marks = be32_get(p + 20),
			      .standard_marks = be32_get(p + 24),
			      .leaps = be32_get(p + 28),
			      .times = be32_get(p + 32),
			      .types = be32_get(p + 36),
			      .names = be32_get(p + 40) };
	n = (uint64_t)out->times * (width + 1) + (uint64_t)out->types * TYPE_N + out->names +
	    (uint64_t)out->leaps * (width + 4) + out->standard_marks + out->utc_marks;
	if (n > in->n - HEAD_N)
		return false;
	out->data = bytes_sub(*in, HEAD_N, n);
	*in = bytes_from(*in, HEAD_N + n);
	return true;
}

/* It is behind UTC, or ahead, by a day at most. */
static bool tzif_offset(const struct tzif *f, uint8_t type, int32_t *out)
{
	size_t at = f->times * 9U + type * (size_t)TYPE_N;

	if (type >= f->types)
		return false;
	*out = (int32_t)be32_get(f->data.p + at);
	return *out >= -OFFSET_HOURS_MAX * 3600 && *out <= OFFSET_HOURS_MAX * 3600;
}

static bool tzif_changes(const struct tzif *f, struct zone *z)
{
	if (!tzif_offset(f, 0, &z->first_s))
		return false;
	for (uint32_t i = 0; i < f->times; i++) {
		struct zone_change *c = &z->changes[i];

		c->utc_s = (int64_t)be64_get(f->data.p + i * 8U);
		if ((i && c->utc_s <= c[-1].utc_s) ||
		    !tzif_offset(f, f->data.p[f->times * 8U + i], &c->offset_s))
			return false;
	}
	z->count = f->times;
	return true;
}

/* Between two line feeds; nothing: it is not known what comes. */
static bool tzif_rule(struct bytes in, struct zone *z)
{
	size_t n;

	if (!eat(&in, '\n') || (n = bytes_find(in, '\n')) == in.n)
		return false;
	z->ruled = n > 0;
	return !n || !zone_rule_parse(&z->rule, bytes_sub(in, 0, n));
}

int zone_parse(struct zone **out, struct bytes file)
{
	struct tzif f;
	struct zone *z;

	if (!eat_tzif(&file, 4, &f)) /* for readers of long ago */
		return -EBADMSG;
	if (f.version < '2')
		return -EPROTONOSUPPORT;
	if (!eat_tzif(&file, 8, &f))
		return -EBADMSG;
	if (f.leaps)
		return -EPROTONOSUPPORT;
	if (f.times > ZONE_CHANGES_MAX)
		return -EBADMSG;
	z = calloc(1, sizeof(*z) + f.times * sizeof(*z->changes));
	if (!z)
		return -ENOMEM;
	if (!tzif_changes(&f, z) || !tzif_rule(file, z)) {
		free(z);
		return -EBADMSG;
	}
	*out = z;
	return 0;
}
