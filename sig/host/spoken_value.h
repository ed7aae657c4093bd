/* SPDX-License-Identifier: Apache-2.0 */
/* Values in words: the prompts that speak a number, a day, a time, an amount of money, or letters,
 * in order. Pure. English and German; other languages use the English order. number:-1250.5,
 * date:2027-01-31, time:14:05, amount:12.50 EUR, letters:AB-12. A language may precede the value:
 * number:de:21. In addition there is text for a speech engine: text:LANGUAGE:VOICE:TEXT, where
 * language and voice may be empty. */
#ifndef SIG_HOST_SPOKEN_VALUE_H
#define SIG_HOST_SPOKEN_VALUE_H

#include "sig/host/tenant.h"

enum { VALUE_WORDS_MAX = 64, VALUE_WORD_MAX = 16 };

struct spoken_value {
	char list[VALUE_WORDS_MAX][VALUE_WORD_MAX]; /* names of prompts */
	uint8_t count;
	char language[LANGUAGE_MAX]; /* the language of the prompts */
};

/* language: for a name without one. Returns false for an invalid name or value, or too many
 * words. */
bool spoken_value_make(struct spoken_value *out, struct bytes name, struct bytes language);
#define VALUE_TEXT "text:"
/* It is meant to be such a name, or a text, whatever its value is. */
bool spoken_value_is(struct bytes name);

#endif
