/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dial/pattern_tree.h"

#include <errno.h>
#include <stdlib.h>

struct pattern_item {
	struct pattern_item *next;
	void *item;
};

/* One element, behind those of the nodes above it. Nodes beside each other are in the order of exactness. */
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

/* Where the node of that element is. Where there is none, and make is said, it is made: NULL then is no memory. */
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

/* Bit i: the elements so far may be the first i symbols. The same with one more element. */
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

/* What is longer is more exact. Behind one that has something, only elements that are as exact can have better. */
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
