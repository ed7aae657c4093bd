/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The presence of an extension as somebody says it (PRES-01), and what its callers hear then: a greeting for each state (VM-09). Values of its
 * document. Greetings are a list: greeting = STATE "=" FILE, joined by ','. Pure.
 */
#ifndef APP_DOCUMENT_PRESENCE_H
#define APP_DOCUMENT_PRESENCE_H

#include "base/bytes.h"

enum {
	PRESENCE_MAX = 32, /* with its NUL */
	GREETINGS_MAX = 384,
	GREETING_FILE_MAX = 65,
};

#define PRESENCE_USUAL     "available" /* where nobody says anything */
#define GREETING_OTHERWISE "default"   /* no state: the greeting of those that have none */

/* NULL, or what is wrong. */
const char *presence_wrong(const char *state);
const char *greetings_wrong(const char *list);
/* The greeting of that state, else of GREETING_OTHERWISE, else the prompt of the node for it. state: "": PRESENCE_USUAL. */
void greeting_of(const char *list, const char *state, char out[GREETING_FILE_MAX]);
/* file: empty: the state has none any more. False: there is no room. */
bool greeting_set(const char *list, const char *state, struct bytes file, char out[GREETINGS_MAX]);

#endif
