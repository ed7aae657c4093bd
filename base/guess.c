/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": finds the known word that is most similar to an unknown one. Messages about
 * settings, commands, documents and flows use it, since a typo is the most frequent mistake in
 * each. It compares by Levenshtein distance and suggests nothing if all words are far apart.
 */

#include "base/guess.h"

#include <stdio.h>

enum { WORD_MAX = 64, SIMILAR = 3, SHOWN_MAX = 40 };

static size_t length_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein distance: insertions, deletions and replacements. Long words count as far apart. */
static size_t word_distance(struct bytes a, struct bytes b)
{
	size_t row[WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = length_least(replaced, length_least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.n];
}

void guess_add(struct guess *g, struct bytes known)
{
	size_t distance = word_distance(g->word, known);

	/* of a short word so much may not be wrong */
	if (distance >= (g->best.n ? g->distance : SIMILAR) || distance >= known.n)
		return;
	g->best = known;
	g->distance = distance;
}

const char *guess_text(struct guess *g)
{
	g->text[0] = '\0';
	if (g->best.n && g->best.n <= SHOWN_MAX)
		(void)snprintf(g->text, sizeof(g->text), "; did you mean '" BYTES_FMT "'?",
			       BYTES_ARG(g->best));
	return g->text;
}
