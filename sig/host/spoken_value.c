/* SPDX-License-Identifier: Apache-2.0 */
/* Values in words (words.h): the sequence of prompts that speak a number, date, time, amount or
 * letters in English or German grammar, such as the order of tens and units and the forms of "one".
 * Pure; used for prompts named by value (sig/call/prompts.h). The prompt files are chosen by the
 * language later. */

#include "sig/host/spoken_value.h"

#include <stdio.h>

#include "base/zone.h"

enum {
	GROUPS = 4, /* of three digits: up to 999 billions (Milliarden) */
	DIGITS_MAX = 3 * GROUPS,
	FRACTION_MAX = 9,
	PART_MAX = 64,
};

/* ---- words ---- */

struct speech {
	struct spoken_value *out;
	bool german, full;
};

static void word_say(struct speech *s, const char *word)
{
	struct spoken_value *out = s->out;

	s->full |= out->count == VALUE_WORDS_MAX;
	if (!s->full)
		(void)snprintf(out->list[out->count++], VALUE_WORD_MAX, "%s", word);
}

static void word_say_of(struct speech *s, const char *stem, unsigned n)
{
	char word[VALUE_WORD_MAX];

	(void)snprintf(word, sizeof(word), "%s%u", stem, n);
	word_say(s, word);
}

/* ---- numbers ---- */

/* What 1 is called: "eins", and before a noun "ein" or "eine". English has one word for all. */
static const char ONE[] = "digit-1", ONE_OF[] = "one-of", ONE_OF_FEMININE[] = "one-of-f";

static void below_hundred_say(struct speech *s, unsigned n, const char *one)
{
	unsigned ones = n % 10;

	if (n == 1) {
		word_say(s, s->german ? one : ONE);
	} else if (n < 20) {
		word_say_of(s, n < 10 ? "digit-" : "number-", n);
	} else if (s->german) { /* einundzwanzig */
		if (ones)
			word_say_of(s, "and-", ones);
		word_say_of(s, "number-", n - ones);
	} else {
		word_say_of(s, "number-", n - ones);
		if (ones)
			word_say_of(s, "digit-", ones);
	}
}

static void below_thousand_say(struct speech *s, unsigned n, const char *one)
{
	if (n >= 100) {
		below_hundred_say(s, n / 100, ONE_OF);
		word_say(s, "hundred");
	}
	if (n % 100)
		below_hundred_say(s, n % 100, one);
}

static void number_say(struct speech *s, uint64_t n, const char *one)
{
	static const char *const powers[GROUPS] = { NULL, "thousand", "million", "billion" };
	static const char *const several[GROUPS] = { NULL, "thousand", "millions", "billions" };
	uint64_t group = 1000000000;

	if (!n)
		word_say(s, "digit-0");
	for (int i = GROUPS - 1; i >= 0; i--, group /= 1000) {
		unsigned part = (unsigned)(n / group % 1000);
		bool many = s->german && part > 1;

		if (!part)
			continue;
		below_thousand_say(s, part, i > 1 ? ONE_OF_FEMININE : i ? ONE_OF : one);
		if (i)
			word_say(s, many ? several[i] : powers[i]);
	}
}

/* Digits alone, a bounded count of them. */
static bool value_number_read(struct bytes text, size_t most, uint64_t *out)
{
	return text.n <= most && !bytes_u64(text, out);
}

static void digits_say(struct speech *s, struct bytes digits)
{
	for (size_t i = 0; i < digits.n; i++)
		word_say_of(s, "digit-", digits.p[i] - '0');
}

static bool minus_cut(struct speech *s, struct bytes *value)
{
	if (!bytes_starts(*value, "-"))
		return false;
	*value = bytes_from(*value, 1);
	word_say(s, "minus");
	return true;
}

static bool number_spoken(struct speech *s, struct bytes value)
{
	struct bytes whole, fraction;
	uint64_t n, behind;
	size_t point;

	(void)minus_cut(s, &value);
	point = bytes_find(value, '.');
	whole = bytes_sub(value, 0, point);
	fraction = bytes_from(value, point + 1);
	if (!value_number_read(whole, DIGITS_MAX, &n))
		return false;
	number_say(s, n, ONE);
	if (point == value.n)
		return true;
	word_say(s, "point");
	digits_say(s, fraction);
	return value_number_read(fraction, FRACTION_MAX, &behind);
}

/* ---- days and times ---- */

/* 1905: nineteen oh five, neunzehnhundertfünf; 2027: twenty twenty-seven,
 * zweitausendsiebenundzwanzig. */
static void year_say(struct speech *s, unsigned year)
{
	bool hundreds = s->german ? year >= 1100 && year < 2000 : year % 1000 >= 10;

	if (!hundreds) {
		number_say(s, year, ONE);
		return;
	}
	below_hundred_say(s, year / 100, ONE);
	if (s->german || year % 100 == 0)
		word_say(s, "hundred");
	else if (year % 100 < 10)
		word_say(s, "oh");
	if (year % 100)
		below_hundred_say(s, year % 100, ONE);
}

/* Two numbers with something between them. */
static bool pair_read(struct bytes text, uint8_t mark, uint64_t *first, uint64_t *second)
{
	struct bytes one;

	return bytes_cut(&text, mark, &one) && one.n && value_number_read(one, 2, first) &&
	       text.n == 2 && value_number_read(text, 2, second);
}

static bool date_spoken(struct speech *s, struct bytes value)
{
	uint64_t year, month, day;
	unsigned weekday;

	if (value.n != strlen("2027-01-31") || value.p[4] != '-' ||
	    !value_number_read(bytes_sub(value, 0, 4), 4, &year) || year < 1000 ||
	    !pair_read(bytes_from(value, 5), '-', &month, &day) || month < 1 || month > 12 ||
	    day < 1 || day > civil_month_days((int64_t)year, (uint8_t)month))
		return false;
	weekday = civil_weekday(
		civil_days((struct civil){ (int64_t)year, (uint8_t)month, (uint8_t)day }));
	word_say_of(s, "weekday-", weekday ? weekday : 7);
	if (s->german)
		word_say_of(s, "day-", (unsigned)day);
	word_say_of(s, "month-", (unsigned)month);
	if (!s->german)
		word_say_of(s, "day-", (unsigned)day);
	year_say(s, (unsigned)year);
	return true;
}

static void time_say_english(struct speech *s, unsigned hour, unsigned minute)
{
	below_hundred_say(s, hour % 12 ? hour % 12 : 12, ONE);
	if (!minute)
		word_say(s, "oclock");
	else if (minute < 10)
		word_say(s, "oh");
	if (minute)
		below_hundred_say(s, minute, ONE);
	word_say(s, hour < 12 ? "am" : "pm");
}

static bool time_spoken(struct speech *s, struct bytes value)
{
	uint64_t hour, minute;

	if (!pair_read(value, ':', &hour, &minute) || hour > 23 || minute > 59)
		return false;
	if (!s->german) {
		time_say_english(s, (unsigned)hour, (unsigned)minute);
		return true;
	}
	number_say(s, hour, ONE_OF);
	word_say(s, "oclock");
	if (minute)
		number_say(s, minute, ONE);
	return true;
}

/* ---- money ---- */

static void money_say(struct speech *s, uint64_t n, const char *currency, const char *unit)
{
	char word[VALUE_WORD_MAX];

	number_say(s, n, ONE_OF);
	(void)snprintf(word, sizeof(word), "%s-%s%s", currency, unit, n == 1 ? "" : "s");
	word_say(s, word);
}

/* Euros, and cents where there are some. */
static bool amount_spoken(struct speech *s, struct bytes value)
{
	static const char *const codes[][2] = {
		{ "EUR", "eur" }, { "USD", "usd" }, { "GBP", "gbp" }, { "CHF", "chf" }
	};
	struct bytes code = bytes_from(value, value.n < 3 ? 0 : value.n - 3), whole, part;
	uint64_t n, cents = 0;
	size_t i = 0;

	while (i < COUNT_OF(codes) && !bytes_is(code, codes[i][0]))
		i++;
	(void)minus_cut(s, &value);
	part = bytes_trim(bytes_sub(value, 0, value.n - code.n));
	whole = bytes_sub(part, 0, bytes_find(part, '.'));
	part = bytes_from(part, whole.n);
	if (i == COUNT_OF(codes) || !value_number_read(whole, DIGITS_MAX, &n) ||
	    (part.n &&
	     (part.n < 2 || part.n > 3 || !value_number_read(bytes_from(part, 1), 2, &cents))))
		return false;
	if (part.n == 2) /* 12.5 */
		cents *= 10;
	if (n || !cents)
		money_say(s, n, codes[i][1], "unit");
	if (n && cents)
		word_say(s, "and");
	if (cents)
		money_say(s, cents, codes[i][1], "part");
	return true;
}

/* ---- letters ---- */

static const char *symbol_name(uint8_t c)
{
	static const char *const names[][2] = {
		{ "*", "digit-star" }, { "#", "digit-hash" }, { ".", "dot" },   { "-", "dash" },
		{ "_", "underscore" }, { "@", "at" },         { "/", "slash" }, { "+", "plus" },
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (c == (uint8_t)names[i][0][0])
			return names[i][1];
	}
	return NULL;
}

/* ä ö ü ß and the capitals of UTF-8, behind its first octet. */
static const char *umlaut_name(uint8_t c)
{
	switch (c) {
	case 0xa4:
	case 0x84:
		return "letter-ae";
	case 0xb6:
	case 0x96:
		return "letter-oe";
	case 0xbc:
	case 0x9c:
		return "letter-ue";
	case 0x9f:
		return "letter-sz";
	default:
		return NULL;
	}
}

static bool letters_spoken(struct speech *s, struct bytes value)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i], small = c | 0x20;
		const char letter[] = { 'l', 'e', 't', 't', 'e', 'r', '-', (char)small, '\0' };
		const char *word = symbol_name(c);

		if (c == ' ')
			continue;
		if (c >= '0' && c <= '9') {
			word_say_of(s, "digit-", c - '0');
			continue;
		}
		if (c == 0xc3 && i + 1 < value.n)
			word = umlaut_name(value.p[++i]);
		else if (small >= 'a' && small <= 'z')
			word = letter;
		if (!word)
			return false;
		word_say(s, word);
	}
	return s->out->count;
}

/* ---- names ---- */

static bool language_is_german(struct bytes language)
{
	return bytes_is(bytes_sub(language, 0, bytes_find(language, '-')), "de");
}

static bool language_is_english(struct bytes language)
{
	return bytes_is(bytes_sub(language, 0, bytes_find(language, '-')), "en");
}

/* The language before the value, where there is one: a letter and more, and a colon. */
static struct bytes language_cut(struct bytes *value)
{
	size_t colon = bytes_find(*value, ':');
	struct bytes language = bytes_sub(*value, 0, colon);

	if (colon == value->n || !language.n || (language.p[0] | 0x20) < 'a' ||
	    (language.p[0] | 0x20) > 'z')
		return (struct bytes){ 0 };
	*value = bytes_from(*value, colon + 1);
	return language;
}

static const struct {
	const char *mark;
	bool (*say)(struct speech *s, struct bytes value);
} g_value_kinds[] = { { "number:", number_spoken },
		      { "date:", date_spoken },
		      { "time:", time_spoken },
		      { "amount:", amount_spoken },
		      { "letters:", letters_spoken } };

static size_t value_kind(struct bytes name)
{
	size_t i = 0;

	while (i < COUNT_OF(g_value_kinds) && !bytes_starts(name, g_value_kinds[i].mark))
		i++;
	return i;
}

bool spoken_value_is(struct bytes name)
{
	return bytes_starts(name, VALUE_TEXT) || value_kind(name) < COUNT_OF(g_value_kinds);
}

bool spoken_value_make(struct spoken_value *out, struct bytes name, struct bytes language)
{
	struct speech s = { .out = out };
	struct bytes own;
	size_t i = value_kind(name);

	out->count = 0;
	if (i == COUNT_OF(g_value_kinds))
		return false;
	name = bytes_from(name, strlen(g_value_kinds[i].mark));
	own = language_cut(&name);
	language = own.n ? own : language;
	s.german = language_is_german(language);
	if (!s.german && !language_is_english(language))
		language = BYTES_LIT("en");
	return name.n <= PART_MAX && !bytes_cstr(language, out->language, sizeof(out->language)) &&
	       g_value_kinds[i].say(&s, name) && !s.full;
}
