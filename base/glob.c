/* SPDX-License-Identifier: Apache-2.0 */
#include "base/glob.h"

/* Back to the last '*' where it does not go on: that one takes one more. */
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
