/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches names against patterns with '*', in linear memory and without recursion: after a mismatch
 * it goes back to the last '*' only, so no pattern takes exponential time. Webhooks, tokens and
 * event streams select event names and numbers with comma-separated lists of such patterns, which
 * clients choose.
 */

#include "base/glob.h"

/* After a mismatch, the last '*' takes one more octet. */
static bool glob_takes(struct bytes pattern, struct bytes text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.n && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star == SIZE_MAX) {
			return false;
		} else {
			p = star + 1;
			t = ++from;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool glob_list_takes(struct bytes patterns, struct bytes text)
{
	bool matches = false;
	struct bytes one;

	while (!matches && bytes_cut(&patterns, ',', &one))
		matches = glob_takes(one, text);
	return matches;
}
