/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns are stored as a tree. A number is matched against all elements at once: bit i means that
 * the digits so far may be all of the first i elements. */
#include <errno.h>
#include <stdlib.h>

#include "sig/dial/pattern.h"

struct pattern_item {
	struct pattern_item *next;
	void *item;
};

/* One element, following those of the nodes above. Siblings are in the order of exactness. */
struct pattern_node {
	struct pattern_node *next, *below;
	struct pattern_item *items; /* of the patterns that end here, by order */
	uint16_t symbols;
	bool repeats;
};

/* ---- what is in it ---- */

static int node_order(const struct pattern_node *a, const struct pattern_node *b)
{
	int order = __builtin_popcount(a->symbols) - __builtin_popcount(b->symbols);

	return order ? order : (int)a->repeats - (int)b->repeats;
}

static struct pattern_node element_at(const struct pattern *p, uint32_t i)
{
	return (struct pattern_node){ .symbols = p->symbols[i], .repeats = p->repeats >> i & 1 };
}

static bool node_is(const struct pattern_node *a, const struct pattern_node *b)
{
	return a->symbols == b->symbols && a->repeats == b->repeats;
}

/* The place of the node of that element. If missing and make is set, it is created; NULL then means
 * no memory. */
static struct pattern_node **node_at(struct pattern_node **list, const struct pattern_node *want,
				     bool make)
{
	struct pattern_node **at = list, *new;

	while (*at && node_order(*at, want) <= 0 && !node_is(*at, want))
		at = &(*at)->next;
	if (*at && node_is(*at, want))
		return at;
	new = make ? malloc(sizeof(*new)) : NULL;
	if (!new)
		return NULL;
	*new = *want;
	new->next = *at;
	*at = new;
	return at;
}

static void node_drop_empty(struct pattern_node **at)
{
	struct pattern_node *old = *at;

	if (old->below || old->items)
		return;
	*at = old->next;
	free(old);
}

static int pattern_item_put(const struct pattern_tree *t, struct pattern_item **at, void *item)
{
	struct pattern_item *new;

	while (*at && (*at)->item != item && t->order((*at)->item, item) <= 0)
		at = &(*at)->next;
	if (*at && (*at)->item == item)
		return 0;
	new = malloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct pattern_item){ .next = *at, .item = item };
	*at = new;
	return 0;
}

static void pattern_item_drop(struct pattern_item **at, const void *item)
{
	struct pattern_item *old;

	while (*at && (*at)->item != item)
		at = &(*at)->next;
	if (!*at)
		return;
	old = *at;
	*at = old->next;
	free(old);
}

static int put_below(const struct pattern_tree *t, struct pattern_node **list,
		     const struct pattern *p, uint32_t i, void *item)
{
	struct pattern_node want = element_at(p, i), **at = node_at(list, &want, true);
	int err;

	if (!at)
		return -ENOMEM;
	err = i + 1 < p->count ? put_below(t, &(*at)->below, p, i + 1, item)
			       : pattern_item_put(t, &(*at)->items, item);
	if (err)
		node_drop_empty(at);
	return err;
}

int pattern_tree_put(struct pattern_tree *t, const struct pattern *p, void *item)
{
	return put_below(t, &t->first, p, 0, item);
}

static void delete_below(struct pattern_node **list, const struct pattern *p, uint32_t i,
			 const void *item)
{
	struct pattern_node want = element_at(p, i), **at = node_at(list, &want, false);

	if (!at)
		return;
	if (i + 1 < p->count)
		delete_below(&(*at)->below, p, i + 1, item);
	else
		pattern_item_drop(&(*at)->items, item);
	node_drop_empty(at);
}

void pattern_tree_delete(struct pattern_tree *t, const struct pattern *p, const void *item)
{
	delete_below(&t->first, p, 0, item);
}

static void nodes_free(struct pattern_node *list)
{
	struct pattern_node *next;

	for (; list; list = next) {
		next = list->next;
		nodes_free(list->below);
		while (list->items)
			pattern_item_drop(&list->items, list->items->item);
		free(list);
	}
}

void pattern_tree_close(struct pattern_tree *t)
{
	if (!t)
		return;
	nodes_free(t->first);
	t->first = NULL;
}

/* ---- what a number finds ---- */

struct pattern_search {
	const struct pattern_tree *tree;
	uint16_t number[PATTERN_NUMBER_MAX]; /* symbols */
	uint32_t n;
	bool (*may)(const void *item, const void *arg);
	const void *arg;
	struct pattern path; /* elements down to where it is */
};

struct pattern_found {
	struct pattern pattern;
	void *item; /* NULL: none */
};

/* Bit i: the elements so far may match the first i symbols. The same with one more element. */
static uint64_t search_step(const struct pattern_search *s, const struct pattern_node *e,
			    uint64_t at)
{
	uint64_t next = e->repeats ? at : 0, *from = e->repeats ? &next : &at;

	for (uint32_t i = (uint32_t)__builtin_ctzll(at); i < s->n && *from >> i; i++) {
		if (*from >> i & 1 && e->symbols & s->number[i])
			next |= UINT64_C(2) << i;
	}
	return next;
}

static void path_push(struct pattern *path, const struct pattern_node *e)
{
	path->symbols[path->count] = e->symbols;
	path->repeats |= (uint32_t)e->repeats << path->count++;
}

static void path_pop(struct pattern *path)
{
	path->repeats &= ~(1u << --path->count);
}

static bool found_is_before(const struct pattern_search *s, const struct pattern_found *a,
			    const struct pattern_found *b)
{
	int order = b->item ? pattern_order(&a->pattern, &b->pattern) : -1;

	return order ? order < 0 : s->tree->order(a->item, b->item) < 0;
}

static void search_end(const struct pattern_search *s, const struct pattern_item *items,
		       struct pattern_found *out)
{
	while (items && !s->may(items->item, s->arg))
		items = items->next;
	if (items)
		*out = (struct pattern_found){ s->path, items->item };
}

/* Longer patterns are more exact. Behind an element with a match, only equally exact elements can
 * be better. */
static void search_below(struct pattern_search *s, const struct pattern_node *list,
			 const struct pattern_item *items, uint64_t at, struct pattern_found *best)
{
	const struct pattern_node *of = NULL;
	struct pattern_found one;

	for (; list && !(best->item && node_order(list, of) > 0); list = list->next) {
		uint64_t next = search_step(s, list, at);

		if (!next)
			continue;
		path_push(&s->path, list);
		one.item = NULL;
		search_below(s, list->below, list->items, next, &one);
		path_pop(&s->path);
		if (!one.item || !found_is_before(s, &one, best))
			continue;
		*best = one;
		of = list;
	}
	if (!best->item && at >> s->n & 1)
		search_end(s, items, best);
}

/* Its bit. 0: no symbol. */
static uint16_t pattern_symbol_of(uint8_t c)
{
	const char *at = c ? strchr(g_pattern_symbols, c) : NULL;

	uint32_t bit = at ? 1u << (at - g_pattern_symbols) : 0;

	return (uint16_t)(bit & UINT16_MAX);
}

void *pattern_tree_find(const struct pattern_tree *t, struct bytes number,
			bool (*may)(const void *item, const void *arg), const void *arg)
{
	struct pattern_search s = { .tree = t, .n = (uint32_t)number.n, .may = may, .arg = arg };
	struct pattern_found best = { .item = NULL };

	if (number.n > PATTERN_NUMBER_MAX)
		return NULL;
	for (uint32_t i = 0; i < s.n; i++)
		s.number[i] = pattern_symbol_of(number.p[i]);
	search_below(&s, t->first, NULL, 1, &best);
	return best.item;
}

const char g_pattern_symbols[] = "0123456789*#+";
_Static_assert(sizeof(g_pattern_symbols) == PATTERN_SYMBOLS + 1, "one bit for each");

enum { DIGITS = (1 << 10) - 1 };

/* From one to the other, both of them too. 0: not a range. */
static uint16_t range_of(uint8_t from, uint8_t to)
{
	if (from < '0' || from > to || to > '9')
		return 0;
	return (uint16_t)((1u << (to - '0' + 1)) - (1u << (from - '0')));
}

/* text is behind the '['. Cuts the set and the ']' off. Returns 0 if no ']' follows. */
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

/* Bit j of reached[i]: some text is matched by the first i elements of a, and by the first j of b.
 * Returns that of all elements of a. */
static uint64_t pattern_reaches(const struct pattern *a, const struct pattern *b)
{
	uint64_t reached[PATTERN_ELEMENTS_MAX + 2] = { 1 };

	for (uint32_t i = 0; i <= a->count; i++) {
		for (uint32_t j = 0; j <= b->count; j++) {
			bool dot_a = i < a->count && a->repeats >> i & 1,
			     dot_b = j < b->count && b->repeats >> j & 1;

			if (!(reached[i] >> j & 1))
				continue;
			reached[i + 1] |= (uint64_t)dot_a << j;
			reached[i] |= (uint64_t)dot_b << j << 1;
			if (i < a->count && j < b->count && a->symbols[i] & b->symbols[j])
				reached[i + !dot_a] |= UINT64_C(1) << (j + !dot_b);
		}
	}
	return reached[a->count];
}

bool pattern_meets(const struct pattern *a, const struct pattern *b)
{
	return pattern_reaches(a, b) >> b->count & 1;
}

bool pattern_goes_on(const struct pattern *a, const struct pattern *b)
{
	return pattern_reaches(a, b) & ((UINT64_C(1) << b->count) - 1);
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

/* In other digit maps a dot means anything that may follow. */
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
