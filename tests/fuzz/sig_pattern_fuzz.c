/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of numbers: a list, and behind a line feed a number. Each pattern is held against the number a second time, by trying all ways
 * to divide it, straight from the text. More symbols help where one of them does. The most exact one that fits is no less exact than any.
 * A tree of the same patterns finds it too, and is empty when all were deleted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/dial/pattern.h"

enum { NUMBER_MAX = 10, LIST_MAX = 64 };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static bool set_has(struct bytes set, uint8_t c)
{
	for (size_t i = 0; i < set.n; i++) {
		if (i + 2 < set.n && set.p[i + 1] == '-') {
			if (c >= set.p[i] && c <= set.p[i + 2])
				return true;
			i += 2;
		} else if (set.p[i] == c) {
			return true;
		}
	}
	return false;
}

static bool symbol_has(struct bytes symbol, uint8_t c)
{
	if (symbol.p[0] == '[')
		return set_has(bytes_sub(symbol, 1, symbol.n - 2), c);
	if (symbol.p[0] == 'x' || symbol.p[0] == 'X')
		return c >= '0' && c <= '9';
	return symbol.p[0] == c;
}

/* Of a text that pattern_read takes. */
static bool fits(struct bytes text, struct bytes number)
{
	struct bytes symbol, rest;
	bool dot;

	if (!text.n)
		return !number.n;
	symbol = bytes_sub(text, 0, text.p[0] == '[' ? bytes_find(text, ']') + 1 : 1);
	rest = bytes_from(text, symbol.n);
	dot = rest.n && rest.p[0] == '.';
	if (dot && fits(bytes_from(rest, 1), number))
		return true;
	return number.n && symbol_has(symbol, number.p[0]) &&
	       fits(dot ? text : rest, bytes_from(number, 1));
}

/* A symbol behind it is no dead end. */
static bool goes_on(const struct pattern *p, struct bytes number)
{
	uint8_t longer[NUMBER_MAX + 1];
	struct pattern_fit fit;

	if (number.n)
		memcpy(longer, number.p, number.n);
	for (size_t i = 0; i < PATTERN_SYMBOLS; i++) {
		longer[number.n] = (uint8_t)g_pattern_symbols[i];
		fit = pattern_match(p, bytes_mem(longer, number.n + 1));
		if (fit.whole || fit.more)
			return true;
	}
	return false;
}

static void check_one(struct bytes text, const struct pattern *p, struct bytes number)
{
	struct pattern_fit fit = pattern_match(p, number);

	check(fit.whole == fits(text, number), "another verdict");
	check(fit.more == goes_on(p, number), "more symbols");
}

static void check_list(struct bytes list, struct bytes number)
{
	struct pattern_fit all = { 0 }, fit;
	struct pattern best, p, found;
	struct bytes rest = list, one;
	const char *wrong;

	fit = pattern_list_match(list, number, &found);
	while (bytes_cut(&rest, '|', &one)) {
		check(!pattern_read(&p, one, &wrong), "a list with a pattern that is none");
		check_one(one, &p, number);
		all.more |= pattern_match(&p, number).more;
		if (!pattern_match(&p, number).whole)
			continue;
		if (!all.whole || pattern_order(&p, &best) < 0)
			best = p;
		all.whole = true;
	}
	check(fit.whole == all.whole && fit.more == all.more, "the list is not its patterns");
	check(!fit.whole || pattern_order(&best, &found) == 0, "not the most exact one");
}

/* ---- a tree of them ---- */

static int place_order(const void *a, const void *b)
{
	const struct pattern *p = a, *q = b;

	return p < q ? -1 : p > q;
}

static bool may_any(const void *item, const void *arg)
{
	(void)item;
	(void)arg;
	return true;
}

/* All that the list has, each an item of its own. */
static size_t patterns_read(struct bytes list, struct pattern out[LIST_MAX])
{
	const char *wrong;
	struct bytes one;
	size_t n = 0;

	while (bytes_cut(&list, '|', &one))
		check(!pattern_read(&out[n++], one, &wrong), "a list with a pattern that is none");
	return n;
}

static void check_tree(struct bytes list, struct bytes number)
{
	struct pattern_tree t = { .order = place_order };
	static struct pattern all[LIST_MAX];
	size_t n = patterns_read(list, all);
	const struct pattern *found, *best = NULL;

	for (size_t i = 0; i < n; i++)
		check(!pattern_tree_put(&t, &all[i], &all[i]), "no memory");
	for (size_t i = 0; i < n; i++) {
		if (pattern_match(&all[i], number).whole &&
		    (!best || pattern_order(&all[i], best) < 0))
			best = &all[i];
	}
	found = pattern_tree_find(&t, number, may_any, NULL);
	check(found == best, "the tree has another one");
	for (size_t i = n; i-- > 0;)
		pattern_tree_delete(&t, &all[i], &all[i]);
	check(!t.first, "the tree has some left");
}

/* What hardly means what it says has a dot, or a + behind its beginning, and is said of a pattern of the list. */
static void check_odd(struct bytes list)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));
	bool odd = list.n <= LIST_MAX && pattern_list_odd(list, &w);

	check(odd == (w.n != 0), "odd without a reason, or the other way round");
	check(!odd || bytes_find(list, '.') < list.n ||
		      bytes_find(bytes_from(list, 1), '+') + 1 < list.n,
	      "odd without a dot or a +");
	check(!odd || memmem(list.p, list.n, text, bytes_find(writer_done(&w), ':')),
	      "odd of no pattern of the list");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_mem(data, size), list = { 0 };
	struct pattern best;

	(void)bytes_cut(&rest, '\n', &list);
	check_odd(list);
	if (pattern_list_wrong(list)) {
		(void)pattern_list_match(list, rest, &best);
		return 0;
	}
	if (list.n <= LIST_MAX && rest.n <= NUMBER_MAX)
		check_list(list, rest);
	if (list.n <= LIST_MAX && rest.n <= PATTERN_NUMBER_MAX)
		check_tree(list, rest);
	return 0;
}
