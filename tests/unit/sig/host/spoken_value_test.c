/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/rand.h"
#include "sig/host/spoken_value.h"
#include "tests/unit/test.h"

static const char *says(const char *name, const char *language)
{
	static char text[VALUE_WORDS_MAX * (VALUE_WORD_MAX + 1)];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct spoken_value s;

	if (!spoken_value_make(&s, bytes_str(name), bytes_str(language)))
		return NULL;
	for (uint8_t i = 0; i < s.count; i++)
		WRITER_TEXTS(&w, i ? " " : "", s.list[i]);
	text[w.n] = '\0';
	return text;
}

static const struct {
	const char *name, *english, *german;
} g_table[] = {
	{ "number:0", "digit-0", "digit-0" },
	{ "number:1", "digit-1", "digit-1" },
	{ "number:007", "digit-7", "digit-7" },
	{ "number:13", "number-13", "number-13" },
	{ "number:20", "number-20", "number-20" },
	{ "number:21", "number-20 digit-1", "and-1 number-20" },
	{ "number:99", "number-90 digit-9", "and-9 number-90" },
	{ "number:100", "digit-1 hundred", "one-of hundred" },
	{ "number:101", "digit-1 hundred digit-1", "one-of hundred digit-1" },
	{ "number:257", "digit-2 hundred number-50 digit-7", "digit-2 hundred and-7 number-50" },
	{ "number:1000", "digit-1 thousand", "one-of thousand" },
	{ "number:21000", "number-20 digit-1 thousand", "and-1 number-20 thousand" },
	{ "number:101001", "digit-1 hundred digit-1 thousand digit-1",
	  "one-of hundred one-of thousand digit-1" },
	{ "number:1000000", "digit-1 million", "one-of-f million" },
	{ "number:2000003", "digit-2 million digit-3", "digit-2 millions digit-3" },
	{ "number:1000000000", "digit-1 billion", "one-of-f billion" },
	{ "number:999000000000", "digit-9 hundred number-90 digit-9 billion",
	  "digit-9 hundred and-9 number-90 billions" },
	{ "number:-3.50", "minus digit-3 point digit-5 digit-0",
	  "minus digit-3 point digit-5 digit-0" },
	{ "date:2027-01-31", "weekday-7 month-1 day-31 number-20 number-20 digit-7",
	  "weekday-7 day-31 month-1 digit-2 thousand and-7 number-20" },
	{ "date:2005-03-01", "weekday-2 month-3 day-1 digit-2 thousand digit-5",
	  "weekday-2 day-1 month-3 digit-2 thousand digit-5" },
	{ "date:1905-12-24", "weekday-7 month-12 day-24 number-19 oh digit-5",
	  "weekday-7 day-24 month-12 number-19 hundred digit-5" },
	{ "date:1900-01-01", "weekday-1 month-1 day-1 number-19 hundred",
	  "weekday-1 day-1 month-1 number-19 hundred" },
	{ "date:2024-02-29", "weekday-4 month-2 day-29 number-20 number-20 digit-4",
	  "weekday-4 day-29 month-2 digit-2 thousand and-4 number-20" },
	{ "time:00:00", "number-12 oclock am", "digit-0 oclock" },
	{ "time:01:01", "digit-1 oh digit-1 am", "one-of oclock digit-1" },
	{ "time:9:30", "digit-9 number-30 am", "digit-9 oclock number-30" },
	{ "time:12:05", "number-12 oh digit-5 pm", "number-12 oclock digit-5" },
	{ "time:21:00", "digit-9 oclock pm", "and-1 number-20 oclock" },
	{ "amount:1.00 EUR", "digit-1 eur-unit", "one-of eur-unit" },
	{ "amount:12.50 EUR", "number-12 eur-units and number-50 eur-parts",
	  "number-12 eur-units and number-50 eur-parts" },
	{ "amount:0.01USD", "digit-1 usd-part", "one-of usd-part" },
	{ "amount:101 GBP", "digit-1 hundred digit-1 gbp-units",
	  "one-of hundred one-of gbp-units" },
	{ "amount:-0.5 CHF", "minus number-50 chf-parts", "minus number-50 chf-parts" },
	{ "amount:0 EUR", "digit-0 eur-units", "digit-0 eur-units" },
	{ "letters:aB-1 #", "letter-a letter-b dash digit-1 digit-hash",
	  "letter-a letter-b dash digit-1 digit-hash" },
	{ "letters:Über", "letter-ue letter-b letter-e letter-r",
	  "letter-ue letter-b letter-e letter-r" },
};

static void values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_table); i++) {
		assert_string_equal(says(g_table[i].name, "en"), g_table[i].english);
		assert_string_equal(says(g_table[i].name, "de-AT"), g_table[i].german);
	}
}

/* Its own comes before the listener's; one without rules is English. */
static void languages(void **state)
{
	static const struct {
		const char *name, *language, *words, *in;
	} table[] = {
		{ "number:de:21", "en", "and-1 number-20", "de" },
		{ "number:en-GB:21", "de", "number-20 digit-1", "en-GB" },
		{ "number:21", "fr", "number-20 digit-1", "en" },
		{ "number:21", "", "number-20 digit-1", "en" },
		{ "letters:de:ab", "", "letter-a letter-b", "de" },
	};
	struct spoken_value s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		assert_string_equal(says(table[i].name, table[i].language), table[i].words);
		assert_true(spoken_value_make(&s, bytes_str(table[i].name),
					      bytes_str(table[i].language)));
		assert_string_equal(s.language, table[i].in);
	}
}

static void no_values(void **state)
{
	static const char *const bad[] = {
		"",
		"number",
		"number:",
		"number:-",
		"number:1x",
		"number:1.",
		"number:.5",
		"number:--1",
		"number:+1",
		"number:1234567890123",
		"number:1.1234567890",
		"date:2027-02-29",
		"date:2027-13-01",
		"date:0999-01-01",
		"date:2027-1-01",
		"date:2027-01-00",
		"time:24:00",
		"time:12:60",
		"time:12",
		"time:12:5",
		"amount:12",
		"amount:EUR",
		"amount:1.234 EUR",
		"amount:1. EUR",
		"amount:1 XXX",
		"letters:",
		"letters: ",
		"letters:a,b",
		"letters:\xc3",
		"letters:\xc3\xa9",
		"other:1",
		"number:de-Klingon:1",
		"letters:12345678901234567890123456789012345678901234567890123456789012345",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (says(bad[i], "en"))
			fail_msg("%s is said", bad[i]);
}

static void assert_has_text(const char *texts, const char *word)
{
	char line[VALUE_WORD_MAX + 8];

	(void)snprintf(line, sizeof(line), "\n%s = ", word);
	if (!strstr(texts, line))
		fail_msg("no text for %s", word);
}

/* One of a kind, of any value. */
static void value_make(struct rand_source *r, char *out, size_t size)
{
	static const char *const money[] = { "EUR", "USD", "GBP", "CHF" };
	unsigned n = rand_u32_from(r), kind = rand_below(r, 4);

	if (kind == 0)
		(void)snprintf(out, size, "number:-%u%09u.%u", n % 1000, n % 1000000000, n % 1000);
	else if (kind == 1)
		(void)snprintf(out, size, "date:%u-%02u-%02u", 1000 + n % 9000, n % 12 + 1,
			       n / 12 % 28 + 1);
	else if (kind == 2)
		(void)snprintf(out, size, "time:%u:%02u", n % 24, n / 24 % 60);
	else
		(void)snprintf(out, size, "amount:%u.%02u %s", n % 300, n / 300 % 100,
			       money[n / 3 % 4]);
}

static void assert_is_shipped(const char *texts, const char *name, const char *language)
{
	struct spoken_value s;

	assert_true(spoken_value_make(&s, bytes_str(name), bytes_str(language)));
	for (uint8_t i = 0; i < s.count; i++)
		assert_has_text(texts, s.list[i]);
}

/* What is said has a text in each language that is shipped. */
static void texts_are_shipped(void **state)
{
	static const char *const languages[] = { "en", "de" };
	static char texts[65536];
	struct rand_source r;
	char name[64];

	(void)state;
	rand_open_seed(&r, 7);
	for (size_t k = 0; k < COUNT_OF(languages); k++) {
		FILE *f;

		(void)snprintf(name, sizeof(name), "../deploy/prompts/%s.txt", languages[k]);
		f = fopen(name, "r");
		assert_non_null(f);
		texts[fread(texts, 1, sizeof(texts) - 1, f)] = '\0';
		(void)fclose(f);
		assert_is_shipped(texts, "letters:abcdefghijklmnopqrstuvwxyzäöüß*#.-_@/+0123456789",
				  languages[k]);
		for (unsigned i = 0; i < 20000; i++) {
			value_make(&r, name, sizeof(name));
			assert_is_shipped(texts, name, languages[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(languages),
		cmocka_unit_test(no_values),
		cmocka_unit_test(texts_are_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
