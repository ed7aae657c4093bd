/* SPDX-License-Identifier: Apache-2.0 */
/* Values as words: what is read has words, each a name of a prompt, no more than there is room for; and the same ones with its language in front. */
#include <stdlib.h>
#include <string.h>

#include "sig/host/spoken_value.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_words(const struct spoken_value *s)
{
	check(s->count > 0 && s->count <= VALUE_WORDS_MAX);
	for (uint8_t i = 0; i < s->count; i++) {
		const char *word = s->list[i];

		check(word[0] && strlen(word) < VALUE_WORD_MAX &&
		      !word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const languages[] = { "en", "de", "de-AT", "fr" };
	struct bytes name = bytes_mem(data, size), kind;
	struct spoken_value s, again;
	char text[256];

	for (size_t i = 0; i < COUNT_OF(languages); i++) {
		struct writer w = writer_over(text, sizeof(text));
		struct bytes value = name;

		if (!spoken_value_make(&s, name, bytes_str(languages[i])))
			continue;
		check_words(&s);
		check(bytes_cut(&value, ':', &kind));
		if (memchr(value.p, ':', value.n) && (value.p[0] | 0x20) >= 'a')
			continue; /* it has a language */
		writer_bytes(&w, kind);
		WRITER_TEXTS(&w, ":", languages[i], ":");
		writer_bytes(&w, value);
		check(!w.overflow && spoken_value_make(&again, writer_done(&w), BYTES_LIT("en")));
		check(again.count == s.count);
		for (uint8_t k = 0; k < s.count; k++)
			check(!strcmp(again.list[k], s.list[k]));
	}
	return 0;
}
