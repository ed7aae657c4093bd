/* SPDX-License-Identifier: Apache-2.0 */
/* The digit map of a tenant's phones (CALL-40): the digits that they collect, and where the second
 * dial tone plays. It covers the plan: emergency numbers, feature codes, the operator,
 * `extensions` and `numbers`. The phone sends a match at once, or after its timer if more digits may follow. */
#include <assert.h>
#include <stdlib.h>

#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"

static_assert(FEATURE_SLOT_MIN == 2, "as many as map_behind has");

enum { MAP_PATTERNS_MAX = 384, MAP_DIGITS = (1 << 10) - 1, MAP_PLUS = 1 << (PATTERN_SYMBOLS - 1) };

const char *const g_dial_map_forms[] = { "polycom", "rfc3435", NULL };

struct digit_map {
	const struct dial_asker *asker;
	enum dial_map_form form;
	struct pattern list[MAP_PATTERNS_MAX];
	uint32_t count;
	uint32_t plain; /* so many are emergency numbers as they stand, */
	uint32_t help;  /* ... and so many with those behind the access code */
};

static bool map_has(const struct digit_map *m, const struct pattern *p)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct pattern *q = &m->list[i];

		if (q->count == p->count && q->repeats == p->repeats &&
		    !memcmp(q->symbols, p->symbols, sizeof(p->symbols)))
			return true;
	}
	return false;
}

/* Both parts together are a pattern. */
static void map_add(struct digit_map *m, const char *front, struct bytes rest)
{
	char text[DIAL_PATTERNS_MAX + FEATURE_CODE_LEN];
	struct writer w = writer_over(text, sizeof(text));
	const char *wrong;
	struct pattern p;

	writer_str(&w, front);
	writer_bytes(&w, rest);
	if (m->count < MAP_PATTERNS_MAX && !w.overflow &&
	    !pattern_read(&p, writer_done(&w), &wrong) && !map_has(m, &p))
		m->list[m->count++] = p;
}

/* Those of the plan; else of the node. */
static void map_add_help(struct digit_map *m, const char *front)
{
	const struct dial_asker *a = m->asker;
	struct bytes list = bytes_str(a->plan->emergency), one;

	for (uint32_t i = 0; !list.n && i < a->emergency_count; i++)
		map_add(m, front, bytes_str(a->emergency[i]));
	while (bytes_cut(&list, ',', &one))
		map_add(m, front, one);
}

/* What may stand behind a code. */
static const char *map_behind(enum feature_action feature)
{
	switch (feature_value(feature)) {
	case FEATURE_NUMBER:
		return "xx.";
	case FEATURE_SLOT:
		return "xxx.";
	case FEATURE_MAYBE:
		return "x.";
	case FEATURE_CALL:
		return "xx.*xx.";
	case FEATURE_NOTHING:
	case FEATURE_TRUE:
	case FEATURE_FALSE:
		break;
	}
	return "";
}

static void map_add_codes(struct digit_map *m)
{
	struct feature_codes codes;

	dial_plan_codes(m->asker->plan, m->asker->codes, &codes);
	for (unsigned i = 0; i < FEATURES; i++) {
		if (codes.code[i][0])
			map_add(m, codes.code[i], bytes_str(map_behind((enum feature_action)i)));
	}
}

/* As ranges where three follow each other. */
static void map_write_set(struct writer *w, uint16_t symbols)
{
	writer_u8(w, '[');
	for (uint32_t i = 0; i < PATTERN_SYMBOLS; i++) {
		uint32_t last = i;

		if (!(symbols >> i & 1))
			continue;
		while (last + 1 < 10 && symbols >> (last + 1) & 1)
			last++;
		writer_u8(w, (uint8_t)g_pattern_symbols[i]);
		if (last < i + 2)
			continue;
		writer_u8(w, '-');
		i = last - 1;
	}
	writer_u8(w, ']');
}

/* Numbers of any length; the timer ends them. Where numbers outside have an access code, what
 * begins as an extension is one, and is complete by its length. */
static void map_add_any(struct digit_map *m)
{
	struct bytes list = bytes_str(m->asker->plan->extensions), one;
	uint16_t first = 0;
	const char *wrong;
	char text[PATTERN_SYMBOLS + 4];
	struct writer w = writer_over(text, sizeof(text));
	struct pattern p;

	while (m->asker->plan->access[0] && bytes_cut(&list, '|', &one)) {
		if (!pattern_read(&p, one, &wrong))
			first |= p.symbols[0];
	}
	if (!(MAP_DIGITS & ~first))
		return;
	map_write_set(&w, MAP_DIGITS & ~first);
	writer_str(&w, "x.");
	map_add(m, "", first ? writer_done(&w) : BYTES_LIT("xx."));
}

static void map_fill(struct digit_map *m)
{
	const struct dial_plan *plan = m->asker->plan;
	struct bytes list = bytes_str(plan->numbers), extensions = bytes_str(plan->extensions), one;

	map_add_help(m, "");
	m->plain = m->count;
	if (plan->access[0])
		map_add_help(m, plan->access);
	m->help = m->count;
	map_add_codes(m);
	if (plan->operator_number[0])
		map_add(m, "", BYTES_LIT(DIAL_OPERATOR));
	while (bytes_cut(&extensions, '|', &one))
		map_add(m, "", one);
	while (bytes_cut(&list, '|', &one))
		map_add(m, "", one);
	if (plan->numbers[0])
		return;
	if (plan->access[0])
		map_add(m, plan->access, BYTES_LIT("xx."));
	map_add_any(m);
}

/* Number of elements before the second dial tone (","); 0: none. */
static uint32_t map_tone(const struct digit_map *m, uint32_t at)
{
	const struct dial_asker *a = m->asker;
	const struct pattern *p = &m->list[at];
	uint8_t digits[PATTERN_ELEMENTS_MAX];
	struct bytes front;
	size_t n = 0;

	while (n < p->count && __builtin_popcount(p->symbols[n]) == 1 && !(p->repeats >> n & 1)) {
		digits[n] = (uint8_t)g_pattern_symbols[__builtin_ctz(p->symbols[n])];
		n++;
	}
	front = bytes_mem(digits, n);
	n = a->trunk_access ? a->trunk_access(a->arg, front) : 0;
	if (!n && a->plan->access[0] && bytes_starts(front, a->plan->access))
		n = strlen(a->plan->access);
	return at < m->plain || n == p->count ? 0 : (uint32_t)n;
}

/* More digits may follow a match, so the phone waits for its timer. An emergency number is not
 * delayed, as in the plan. */
static bool map_waits(const struct digit_map *m, uint32_t at)
{
	uint32_t i = 0;

	while (i < m->count && !pattern_goes_on(&m->list[at], &m->list[i]))
		i++;
	return at >= m->help && i < m->count;
}

static void map_write_pattern(const struct digit_map *m, uint32_t at, struct writer *w)
{
	const struct pattern *p = &m->list[at];
	uint32_t tone = m->form == DIAL_MAP_POLYCOM ? map_tone(m, at) : 0;

	for (uint32_t i = 0; i < p->count; i++) {
		if (tone && i == tone)
			writer_u8(w, ',');
		if (p->symbols[i] == MAP_DIGITS)
			writer_u8(w, 'x');
		else if (__builtin_popcount(p->symbols[i]) == 1)
			writer_u8(w, (uint8_t)g_pattern_symbols[__builtin_ctz(p->symbols[i])]);
		else
			map_write_set(w, p->symbols[i]);
		if (p->repeats >> i & 1)
			writer_u8(w, '.');
	}
	if (map_waits(m, at))
		writer_u8(w, 'T');
}

/* RFC 3435 has no +. */
static bool map_can_write(const struct digit_map *m, uint32_t at)
{
	uint16_t all = 0;

	for (uint32_t i = 0; i < m->list[at].count; i++)
		all |= m->list[at].symbols[i];
	return m->form == DIAL_MAP_POLYCOM || !(all & MAP_PLUS);
}

bool dial_digit_map(const struct dial_asker *asker, enum dial_map_form form, struct writer *w)
{
	struct digit_map *m = calloc(1, sizeof(*m));
	const char *before = form == DIAL_MAP_RFC3435 ? "(" : "";

	if (!m)
		return false;
	m->asker = asker;
	m->form = form;
	map_fill(m);
	for (uint32_t i = 0; i < m->count; i++) {
		if (!map_can_write(m, i))
			continue;
		writer_str(w, before);
		before = "|";
		map_write_pattern(m, i, w);
	}
	writer_str(w, form == DIAL_MAP_RFC3435 ? ")" : "");
	free(m);
	return !w->overflow;
}
