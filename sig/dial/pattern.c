/* SPDX-License-Identifier: Apache-2.0 */
/* A number is held against all elements at once: bit i says that what was read so far may be all of the first i elements. */
#include "sig/dial/pattern.h"

#include <errno.h>

const char g_pattern_symbols[] = "0123456789*#+";
_Static_assert(sizeof(g_pattern_symbols) == PATTERN_SYMBOLS + 1, "one bit for each");

enum { DIGITS = (1 << 10) - 1 };

uint16_t pattern_symbol_of(uint8_t c)
{
	const char *at = c ? strchr(g_pattern_symbols, c) : NULL;

	uint32_t bit = at ? 1u << (at - g_pattern_symbols) : 0;

	return (uint16_t)(bit & UINT16_MAX);
}

/* From one to the other, both of them too. 0: not a range. */
static uint16_t range_of(uint8_t from, uint8_t to)
{
	if (from < '0' || from > to || to > '9')
		return 0;
	return (uint16_t)((1u << (to - '0' + 1)) - (1u << (from - '0')));
}

/* text is behind the '['. Cuts the set and the ']' off. 0: there is none. */
static uint16_t set_cut(struct bytes *text)
{
	struct bytes set;
	uint16_t all = 0, some;
	bool is_range;

	if (bytes_find(*text, ']') == text->n)
		return 0;
	(void)bytes_cut(text, ']', &set);
	for (size_t i = 0; i < set.n; i += is_range ? 3 : 1) {
		is_range = i + 2 < set.n && set.p[i + 1] == '-';
		some = is_range ? range_of(set.p[i], set.p[i + 2]) : pattern_symbol_of(set.p[i]);
		if (!some)
			return 0;
		all |= some;
	}
	return all;
}

static uint16_t pattern_element_cut(struct bytes *text)
{
	uint8_t c = text->p[0];

	*text = bytes_from(*text, 1);
	if (c == 'x' || c == 'X')
		return DIGITS;
	return c == '[' ? set_cut(text) : pattern_symbol_of(c);
}

int pattern_read(struct pattern *out, struct bytes text, const char **wrong)
{
	*out = (struct pattern){ 0 };
	*wrong = text.n ? "a pattern has digits, x, *, #, + and sets as [2-9], each with a dot or "
			  "without"
			: "there is an empty pattern";
	while (text.n && out->count < PATTERN_ELEMENTS_MAX) {
		uint16_t symbols = pattern_element_cut(&text);

		if (!symbols)
			return -EINVAL;
		if (text.n && text.p[0] == '.') {
			out->repeats |= 1u << out->count;
			text = bytes_from(text, 1);
		}
		out->symbols[out->count++] = symbols;
	}
	if (text.n)
		*wrong = "a pattern has at most 32 elements";
	return text.n || !out->count ? -EINVAL : 0;
}

/* What has a dot may be left out. */
static uint64_t pattern_skip(const struct pattern *p, uint64_t at)
{
	for (uint32_t i = 0; i < p->count; i++)
		at |= (at & p->repeats & (UINT64_C(1) << i)) << 1;
	return at;
}

static uint64_t pattern_step(const struct pattern *p, uint64_t at, uint16_t symbol)
{
	uint64_t next = 0, here;

	for (uint32_t i = 0; i < p->count; i++) {
		here = at & (UINT64_C(1) << i);
		if (p->symbols[i] & symbol)
			next |= here & p->repeats ? here : here << 1;
	}
	return pattern_skip(p, next);
}

struct pattern_fit pattern_match(const struct pattern *p, struct bytes number)
{
	uint64_t at = pattern_skip(p, 1), end = UINT64_C(1) << p->count;

	for (size_t i = 0; i < number.n && at; i++)
		at = pattern_step(p, at, pattern_symbol_of(number.p[i]));
	return (struct pattern_fit){ .whole = at & end, .more = at & (end - 1) };
}

static int element_order(const struct pattern *a, const struct pattern *b, uint32_t i)
{
	int order = __builtin_popcount(a->symbols[i]) - __builtin_popcount(b->symbols[i]);

	if (order)
		return order;
	return (int)(a->repeats >> i & 1) - (int)(b->repeats >> i & 1);
}

int pattern_order(const struct pattern *a, const struct pattern *b)
{
	int order = 0;

	for (uint32_t i = 0; !order && i < a->count && i < b->count; i++)
		order = element_order(a, b, i);
	return order ? order : b->count - a->count;
}

/* The element with a dot that repeats one symbol alone; -1: none. */
static int repeats_one(const struct pattern *p)
{
	for (int i = 0; i < p->count; i++) {
		if (p->repeats >> i & 1 && __builtin_popcount(p->symbols[i]) == 1)
			return i;
	}
	return -1;
}

static bool has_plus_inside(const struct pattern *p)
{
	for (int i = 1; i < p->count; i++) {
		if (p->symbols[i] == pattern_symbol_of('+'))
			return true;
	}
	return false;
}

/* Who knows other digit maps takes a dot for all that may follow. */
static bool pattern_odd(const struct pattern *p, struct bytes text, struct writer *w)
{
	int one = repeats_one(p);

	if (one >= 0) {
		writer_fmt(w, BYTES_FMT ": the dot repeats the %c before it, and no other digit",
			   BYTES_ARG(text), g_pattern_symbols[__builtin_ctz(p->symbols[one])]);
		if (one + 1 == p->count)
			writer_fmt(w, "; " BYTES_FMT "x. is all that begins so",
				   BYTES_ARG(bytes_sub(text, 0, text.n - 1)));
	} else if (has_plus_inside(p)) {
		writer_fmt(w, BYTES_FMT ": no number has a + behind its beginning",
			   BYTES_ARG(text));
	}
	return one >= 0 || has_plus_inside(p);
}

bool pattern_list_odd(struct bytes list, struct writer *w)
{
	const char *wrong;
	struct pattern p;
	struct bytes one;

	while (bytes_cut(&list, '|', &one)) {
		if (!pattern_read(&p, one, &wrong) && pattern_odd(&p, one, w))
			return true;
	}
	return false;
}

const char *pattern_list_wrong(struct bytes list)
{
	const char *wrong = "there is an empty pattern";
	struct pattern p;
	struct bytes one;

	if (list.n && list.p[list.n - 1] == '|')
		return wrong;
	while (bytes_cut(&list, '|', &one)) {
		if (pattern_read(&p, one, &wrong))
			return wrong;
	}
	return NULL;
}

struct pattern_fit pattern_list_match(struct bytes list, struct bytes number, struct pattern *best)
{
	struct pattern_fit all = { 0 }, fit;
	const char *wrong;
	struct pattern p;
	struct bytes one;

	while (bytes_cut(&list, '|', &one) && !pattern_read(&p, one, &wrong)) {
		fit = pattern_match(&p, number);
		if (fit.whole && (!all.whole || pattern_order(&p, best) < 0))
			*best = p;
		all.whole |= fit.whole;
		all.more |= fit.more;
	}
	return all;
}
