/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One form for each way to write a number (contact.h), by the tenant's dial plan, as its phones
 * dial. What people write besides is taken off first: the scheme of a link, an extension behind it,
 * separators of Unicode.
 */
#include "app/archive/contact/contact.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_ROOM = 96, NANP_DIGITS = 10 };

/* Octets of U+00A0, U+2010 to U+2015, U+202F and U+2212 at the beginning; 0: another one. */
static size_t separator_length(struct bytes text)
{
	static const char *const all[] = { "\u00a0", "\u2010", "\u2011", "\u2012", "\u2013",
					   "\u2014", "\u2015", "\u202f", "\u2212" };

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (bytes_starts(text, all[i]))
			return strlen(all[i]);
	}
	return 0;
}

/* An extension behind a number, or what waits before one is dialled. */
static bool number_ends(struct bytes rest)
{
	static const char *const ends[] = { "ext", "x", "p", "w", "#", ",", ";", "*" };

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (bytes_istarts(rest, ends[i]))
			return true;
	}
	return false;
}

/* What a link is to, without separators and what is behind the number. Empty: it has letters. */
static void number_clean(struct bytes text, struct writer *w)
{
	static const char *const schemes[] = { "tel:", "callto:", "sip:", "sips:" };
	bool digits = false;

	text = bytes_trim(text);
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (bytes_istarts(text, schemes[i]))
			text = bytes_from(text, strlen(schemes[i]));
	}
	text = bytes_sub(text, 0, bytes_find(text, '@'));
	for (size_t n; text.n; text = bytes_from(text, n)) {
		uint8_t c = text.p[0];

		n = separator_length(text);
		if (n)
			continue;
		n = 1;
		digits |= c >= '0' && c <= '9';
		if (digits && number_ends(text))
			return;
		if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80) {
			w->n = 0;
			return;
		}
		writer_u8(w, c);
	}
}

static size_t digits_count(const char *number)
{
	return strlen(number) - (number[0] == '+');
}

/* +1 and ten digits, of which neither the area nor the exchange begins with 0 or 1. */
static bool is_nanp(const char *number)
{
	return number[0] == '+' && number[1] == '1' && digits_count(number) == NANP_DIGITS + 1 &&
	       number[2] >= '2' && number[5] >= '2';
}

/* False: it is no number with the plan. */
static bool form_of(const struct dial_plan *plan, struct bytes number, char out[DIAL_NUMBER_MAX])
{
	struct dial_forms forms;

	if (!dial_forms_of(plan, number, &forms))
		return false;
	memcpy(out, forms.international, DIAL_NUMBER_MAX);
	return out[0] != '\0';
}

static void form_plain(struct bytes number, char out[DIAL_NUMBER_MAX])
{
	struct writer w = writer_over(out, DIAL_NUMBER_MAX - 1);

	for (size_t i = 0; i < number.n; i++) {
		if ((number.p[i] >= '0' && number.p[i] <= '9') || (number.p[i] == '+' && !w.n))
			writer_u8(&w, number.p[i]);
	}
	out[w.n] = '\0';
}

/* Ten or eleven digits of a plan of North America, whatever area it knows. */
static bool form_nanp(const struct dial_plan *plan, const char *plain, char out[DIAL_NUMBER_MAX])
{
	size_t n = digits_count(plain);

	if (strcmp(plan->country, "1") != 0 || plain[0] == '+' ||
	    (n != NANP_DIGITS && (n != NANP_DIGITS + 1 || plain[0] != '1')))
		return false;
	(void)snprintf(out, DIAL_NUMBER_MAX, "+1%s", n == NANP_DIGITS ? plain : plain + 1);
	return is_nanp(out);
}

/* 00 in front of a country is understood everywhere, also where other digits are dialled. */
static bool form_by_00(const struct dial_plan *plan, const char *plain, char out[DIAL_NUMBER_MAX])
{
	char number[DIAL_NUMBER_MAX];

	if (strncmp(plain, "00", 2) != 0 || strlen(plain) < 8)
		return false;
	(void)snprintf(number, sizeof(number), "+%s", plain + 2);
	return form_of(plan, bytes_str(number), out);
}

/* In North America only what is a whole number there. */
static bool one_form(const struct dial_plan *plan, struct bytes number, char out[DIAL_NUMBER_MAX])
{
	char plain[DIAL_NUMBER_MAX];

	form_plain(number, plain);
	if (!form_nanp(plan, plain, out) && !form_by_00(plan, plain, out) &&
	    !form_of(plan, number, out))
		return false;
	return strcmp(plan->country, "1") != 0 || !bytes_starts(bytes_str(out), "+1") ||
	       is_nanp(out);
}

/* Behind the access code. */
static bool access_form(const struct dial_plan *plan, const char *plain, char out[DIAL_NUMBER_MAX])
{
	size_t n = strlen(plan->access);
	struct bytes rest = bytes_from(bytes_str(plain), n);

	if (!n || strncmp(plain, plan->access, n) != 0 || rest.n < 3)
		return false;
	return one_form(plan, rest, out);
}

uint32_t contact_normal(const struct dial_plan *plan, struct bytes number,
			char out[CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX])
{
	char text[TEXT_ROOM], plain[DIAL_NUMBER_MAX];
	struct writer w = writer_over(text, sizeof(text));
	uint32_t count = 0;

	number_clean(number, &w);
	number = bytes_trim(writer_done(&w));
	form_plain(number, plain);
	if (!digits_count(plain))
		return 0;
	/* of a whole number of North America nothing is an access code */
	if (form_nanp(plan, plain, out[0]))
		return 1;
	if (access_form(plan, plain, out[count]))
		count++;
	if (count && is_nanp(out[0]) && !strcmp(plan->country, "1"))
		return count;
	if (one_form(plan, number, out[count]) && (!count || strcmp(out[0], out[1]) != 0))
		count++;
	if (!count)
		memcpy(out[count++], plain, sizeof(plain));
	return count;
}
