/* SPDX-License-Identifier: Apache-2.0 */
/* Suggests the known word that an unknown one was probably meant to be. */
#ifndef BASE_GUESS_H
#define BASE_GUESS_H

#include "base/bytes.h"

enum { GUESS_TEXT_MAX = 80 };

struct guess {
	struct bytes word; /* what stands there; the caller's */
	struct bytes best; /* the most similar known word so far; empty if no word is similar */
	size_t distance;
	char text[GUESS_TEXT_MAX];
};

/* A word that is known. */
void guess_add(struct guess *g, struct bytes known);
/* The end of a message, "; did you mean 'WORD'?", or empty. */
const char *guess_text(struct guess *g);

#endif
