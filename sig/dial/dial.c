/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dial/dial.h"

#include "sig/dial/pattern.h"

static bool is_help(const struct dial_asker *a, struct bytes number)
{
	if (bytes_list_has(bytes_str(a->plan->emergency), number))
		return true;
	for (uint32_t i = 0; !a->plan->emergency[0] && i < a->emergency_count; i++) {
		if (bytes_is(number, a->emergency[i]))
			return true;
	}
	return false;
}

/* What is behind the access code; *trunk: that code, where it is a trunk's. False: none is there. */
static bool access_cut(const struct dial_asker *a, struct bytes *number, struct bytes *trunk)
{
	size_t n = a->trunk_access ? a->trunk_access(a->arg, *number) : 0;

	*trunk = bytes_sub(*number, 0, n);
	if (!n && a->plan->access[0] && bytes_starts(*number, a->plan->access))
		n = bytes_str(a->plan->access).n;
	*number = bytes_from(*number, n);
	return n != 0;
}

/* The whole of it is an access code: the plan's, or a trunk's. */
static bool is_access(const struct dial_asker *a, struct bytes code)
{
	return bytes_is(code, a->plan->access) ||
	       (a->trunk_access && a->trunk_access(a->arg, code) == code.n);
}

/* Of codes that begin alike the longest counts that leaves an emergency number. */
static struct bytes help_behind_code(const struct dial_asker *a, struct bytes dialled)
{
	for (size_t n = dialled.n; n-- > 1;) {
		struct bytes rest = bytes_from(dialled, n);

		if (is_help(a, rest) && is_access(a, bytes_sub(dialled, 0, n)))
			return rest;
	}
	return (struct bytes){ 0 };
}

static bool help_find(const struct dial_asker *a, struct bytes dialled,
		      char number[DIAL_NUMBER_MAX])
{
	bool plain = dialled.n && is_help(a, dialled);
	struct bytes found = plain ? dialled : help_behind_code(a, dialled);

	return found.n && !bytes_cstr(found, number, DIAL_NUMBER_MAX);
}

/* What an extension has is not changed. */
bool dial_is_emergency(const struct dial_asker *asker, struct bytes dialled,
		       char number[DIAL_NUMBER_MAX])
{
	char changed[DIAL_NUMBER_MAX];

	return help_find(asker, dialled, number) ||
	       (dial_rules_apply(bytes_str(asker->plan->rules), dialled, changed) &&
		!asker->is_extension(asker->arg, dialled) &&
		help_find(asker, bytes_str(changed), number));
}

static bool dial_extension(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	if (!a->is_extension(a->arg, number) || bytes_cstr(number, out->number, DIAL_NUMBER_MAX))
		return false;
	out->kind = DIAL_EXTENSION;
	return true;
}

/* An extension comes first: two nodes may have given both one number at a time. */
static bool dial_inside(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	if (dial_extension(a, number, out))
		return true;
	if (!a->is_room || !a->is_room(a->arg, number) ||
	    bytes_cstr(number, out->number, DIAL_NUMBER_MAX))
		return false;
	out->kind = DIAL_ROOM;
	return true;
}

/* Emergency numbers, extensions and rooms: who dials them gets them, whatever else they could be. */
static bool dial_someone(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	if (!dial_is_emergency(a, number, out->number))
		return dial_inside(a, number, out);
	out->kind = DIAL_EMERGENCY;
	return true;
}

/* As far as it is dialled. */
static bool dial_is_slot(struct bytes digits)
{
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
	}
	return digits.n <= FEATURE_SLOT_MAX;
}

/* How many digits are behind its code at least. */
static size_t dial_behind(enum feature feature)
{
	switch (feature_value(feature)) {
	case FEATURE_NUMBER:
		return 1;
	case FEATURE_SLOT:
		return FEATURE_SLOT_MIN;
	case FEATURE_MAYBE:
	case FEATURE_NOTHING:
	case FEATURE_TRUE:
	case FEATURE_FALSE:
		break;
	}
	return 0;
}

static bool dial_feature(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	struct feature_codes codes;

	dial_plan_codes(a->plan, a->codes, &codes);
	if (!a->outside || !feature_dialled(&codes, number, &out->feature, &out->value))
		return false;
	out->kind = DIAL_FEATURE;
	if (feature_value(out->feature) == FEATURE_SLOT && !dial_is_slot(out->value))
		return false;
	if (out->value.n < dial_behind(out->feature))
		out->kind = DIAL_MORE;
	return true;
}

/* A phone that sends the digits as they are pressed has pressed some of them only. */
static bool dial_lacks(const struct dial_asker *a, struct bytes number)
{
	bool overlap =
		a->scheme == DIAL_SCHEME_PLAN ? a->plan->overlap : a->scheme == DIAL_SCHEME_OVERLAP;
	struct pattern_fit fit;
	struct pattern unused;

	if (!overlap)
		return false;
	fit = pattern_list_match(bytes_str(a->plan->numbers), number, &unused);
	return fit.more && !fit.whole;
}

/* Digits, and + in front of them. */
static bool is_outside_number(struct bytes number)
{
	struct bytes digits = bytes_from(number, number.n && number.p[0] == '+');

	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
	}
	return digits.n && number.n < DIAL_NUMBER_MAX;
}

/* What is called outside, without access code; *trunk: by that one. False: nothing outside is meant. */
static bool outside_of(const struct dial_asker *a, struct bytes *number, struct bytes *trunk,
		       char space[DIAL_NUMBER_MAX])
{
	const struct dial_plan *plan = a->plan;
	struct writer w = writer_over(space, DIAL_NUMBER_MAX);
	struct pattern unused;

	if (pattern_list_match(bytes_str(plan->redial), *number, &unused).whole) {
		writer_str(&w, plan->redial_prefix);
		writer_bytes(&w, *number);
		*number = writer_done(&w);
		if (w.overflow)
			return false;
	}
	return access_cut(a, number, trunk) || !plan->access[0] ||
	       (number->n && number->p[0] == '+');
}

/* False: that is too long. */
static bool outside_write(char out[DIAL_NUMBER_MAX], struct bytes trunk, struct bytes number)
{
	struct writer w = writer_over(out, DIAL_NUMBER_MAX - 1);

	writer_bytes(&w, trunk);
	if (trunk.n)
		writer_u8(&w, DIAL_ACCESS_END);
	writer_bytes(&w, number);
	out[w.overflow ? 0 : w.n] = '\0';
	return !w.overflow;
}

static void outside_judge(const struct dial_asker *a, struct bytes number, struct bytes trunk,
			  struct dial_result *out)
{
	char international[DIAL_NUMBER_MAX];
	struct dial_judgement as;

	dial_number_international(a->plan, number, international);
	if (!international[0]) /* too long */
		return;
	dial_judge(a->plan, number, bytes_str(international), &as);
	out->class = as.class;
	out->blocked = as.blocked;
	if (!outside_write(out->number, trunk, as.dialled ? number : bytes_str(international)))
		return;
	out->kind = out->blocked || !(a->classes & 1u << out->class) ? DIAL_BARRED : DIAL_OUTSIDE;
}

static void dial_outside(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	char space[DIAL_NUMBER_MAX];
	struct bytes trunk = { 0 };

	out->kind = DIAL_UNKNOWN;
	if (!a->outside || !outside_of(a, &number, &trunk, space))
		return;
	if (!number.n) /* the access code alone: the second dial tone */
		out->kind = DIAL_MORE;
	else if (is_outside_number(number))
		outside_judge(a, number, trunk, out);
}

static void dial_plain(const struct dial_asker *asker, struct bytes dialled,
		       struct dial_result *out)
{
	const struct dial_plan *plan = asker->plan;
	char changed[DIAL_NUMBER_MAX];

	*out = (struct dial_result){ .kind = DIAL_UNKNOWN };
	if (!dialled.n || dial_someone(asker, dialled, out) || dial_feature(asker, dialled, out))
		return;
	if (bytes_is(dialled, DIAL_OPERATOR) && plan->operator_number[0] &&
	    dial_extension(asker, bytes_str(plan->operator_number), out))
		return;
	if (dial_lacks(asker, dialled)) {
		out->kind = DIAL_MORE;
		return;
	}
	if (dial_rules_apply(bytes_str(plan->rules), dialled, changed)) {
		dialled = bytes_str(changed);
		if (dial_inside(asker, dialled, out)) /* help is found above */
			return;
	}
	dial_outside(asker, dialled, out);
}

/* RFC 3966 3: visual-separator, and what people write besides. */
static bool dial_is_separator(uint8_t c)
{
	return c && strchr(" -./()[]", c);
}

/* Enough of a number to say what it costs: whatever stands before it, it fits. */
enum { DIGITS_MAX = 20, DIGITS_LEAD_MIN = 3 };

/* The digits in front, or all of them, without separators; + where the number begins with it. */
static size_t dial_digits(struct bytes text, bool all, char out[DIGITS_MAX + 1])
{
	struct writer w = writer_over(out, DIGITS_MAX);

	for (size_t i = 0; i < text.n && w.n < DIGITS_MAX; i++) {
		uint8_t c = text.p[i];

		if ((c >= '0' && c <= '9') || (c == '+' && !w.n))
			writer_u8(&w, c);
		else if (!all && !dial_is_separator(c))
			break;
	}
	out[w.n] = '\0';
	return w.n;
}

/* It is no number as it stands, and goes nowhere: with an extension, pauses or letters behind it, or too long. Who tries a barred one
 * that way hears that it is barred, and so do others. */
static void dial_suspect(const struct dial_asker *a, struct bytes dialled, struct dial_result *out)
{
	char digits[DIGITS_MAX + 1];
	struct dial_result as;

	for (unsigned all = 0; all < 2; all++) {
		if (dial_digits(dialled, all, digits) < DIGITS_LEAD_MIN)
			continue; /* letters, a code or pauses stand in front of it */
		if (bytes_is(dialled, digits))
			return;
		dial_plain(a, bytes_str(digits), &as);
		if (as.kind != DIAL_BARRED)
			continue;
		*out = as;
		return;
	}
}

void dial_resolve(const struct dial_asker *asker, struct bytes dialled, struct dial_result *out)
{
	dial_plain(asker, dialled, out);
	if (out->kind == DIAL_UNKNOWN && asker->outside)
		dial_suspect(asker, dialled, out);
}
