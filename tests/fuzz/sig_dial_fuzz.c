/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dial plans: lines of a plan's texts, then what is dialled, and perhaps rules of who dials. Whatever plan and rules say, emergency numbers
 * get there, extensions and rooms are reached, who may not call outside does not, and the one difference between who may all and who may nothing is that the same
 * number is barred. A number that goes outside can be read by no pattern as dearer than its class.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"

enum { ALL = (1 << DIAL_CLASS_COUNT) - 1 };

static const char g_help[][16] = { "112" };
static const struct feature_codes g_codes = { .code = { [FEATURE_ALWAYS_ON] = "*72" } };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static bool is_extension(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_is(number, "123");
}

static bool is_room(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_is(number, "700");
}

/* Of a trunk: 81. */
static size_t trunk_access(void *arg, struct bytes number)
{
	(void)arg;
	return bytes_starts(number, "81") ? 2 : 0;
}

/* Without the access code of a trunk. */
static struct bytes number_of(const struct dial_result *r)
{
	struct bytes number = bytes_str(r->number);

	return bytes_starts(number, "81*") ? bytes_from(number, 3) : number;
}

static void line_take(struct bytes *rest, char *out, size_t cap)
{
	struct bytes line = { 0 };

	(void)bytes_cut(rest, '\n', &line);
	(void)bytes_cstr(line, out, cap);
}

/* Documents have digits alone there. */
static void codes_clear(struct dial_plan *plan)
{
	char *const codes[] = { plan->country, plan->area, plan->national_prefix,
				plan->international_prefix };

	for (unsigned i = 0; i < 4; i++)
		codes[i][strspn(codes[i], "0123456789")] = '\0';
	if (plan->country[0] == '0') /* no country's code does */
		plan->country[0] = '\0';
}

static void plan_take(struct bytes *rest, struct dial_plan *plan)
{
	line_take(rest, plan->emergency, sizeof(plan->emergency));
	line_take(rest, plan->access, sizeof(plan->access));
	line_take(rest, plan->redial, sizeof(plan->redial));
	line_take(rest, plan->redial_prefix, sizeof(plan->redial_prefix));
	line_take(rest, plan->rules, sizeof(plan->rules));
	line_take(rest, plan->operator_number, sizeof(plan->operator_number));
	line_take(rest, plan->numbers, sizeof(plan->numbers));
	line_take(rest, plan->country, sizeof(plan->country));
	line_take(rest, plan->area, sizeof(plan->area));
	line_take(rest, plan->national_prefix, sizeof(plan->national_prefix));
	line_take(rest, plan->international_prefix, sizeof(plan->international_prefix));
	codes_clear(plan);
	for (unsigned i = 0; i < DIAL_OTHER; i++)
		line_take(rest, plan->classes[i], sizeof(plan->classes[i]));
	line_take(rest, plan->blocked, sizeof(plan->blocked));
	plan->overlap = plan->numbers[0];
}

/* A form of it has the same forms. */
static void check_forms(const struct dial_plan *plan, struct bytes text)
{
	struct dial_forms forms, again;

	if (!dial_forms_of(plan, text, &forms) || !forms.international[0])
		return;
	check(dial_forms_of(plan, bytes_str(forms.international), &again), "no number");
	check(!strcmp(forms.international, again.international), "another number");
	check(!strcmp(forms.national, again.national), "another national number");
	if (!plan->national_prefix[0] || !forms.national[0] ||
	    (plan->international_prefix[0] &&
	     bytes_starts(bytes_str(forms.national), plan->international_prefix)))
		return;
	check(dial_forms_of(plan, bytes_str(forms.national), &again), "no number");
	check(!strcmp(forms.international, again.international), "a national number is another");
}

static struct dial_result ask_by(const struct dial_plan *plan, struct bytes rules, bool outside,
				 uint8_t classes, struct bytes dialled)
{
	struct dial_asker a = { .plan = plan,
				.codes = &g_codes,
				.emergency = g_help,
				.emergency_count = 1,
				.outside = outside,
				.classes = classes,
				.rules = rules,
				.is_extension = is_extension,
				.is_room = is_room,
				.trunk_access = trunk_access };
	struct dial_result out;

	dial_resolve(&a, dialled, &out);
	return out;
}

static struct dial_result ask(const struct dial_plan *plan, bool outside, uint8_t classes,
			      struct bytes dialled)
{
	return ask_by(plan, (struct bytes){ 0 }, outside, classes, dialled);
}

static bool is_outside(const struct dial_result *r)
{
	return r->kind == DIAL_OUTSIDE || r->kind == DIAL_BARRED;
}

static void check_class(const struct dial_plan *plan, const struct dial_result *r)
{
	struct pattern best, one;
	bool any = false;

	for (unsigned i = 0; i < DIAL_OTHER; i++) {
		if (!pattern_list_match(bytes_str(plan->classes[i]), number_of(r), &one).whole)
			continue;
		if (!any || pattern_order(&one, &best) < 0)
			best = one;
		any = true;
	}
	for (unsigned i = r->class + 1u; any && i < DIAL_OTHER; i++) {
		if (pattern_list_match(bytes_str(plan->classes[i]), number_of(r), &one).whole)
			check(pattern_order(&one, &best) > 0, "a dearer class was as exact");
	}
}

/* Digits, and + in front, with room for any code before them. */
static bool is_plain(struct bytes number)
{
	for (size_t i = 0; i < number.n; i++) {
		if ((number.p[i] < '0' || number.p[i] > '9') && (i || number.p[i] != '+'))
			return false;
	}
	return number.n < DIAL_NUMBER_MAX - 12;
}

/* Behind the country's code a trunk prefix makes nothing cheaper, nor does one of other countries, nor what stands behind a number. */
static void check_evasion(const struct dial_plan *plan, const struct dial_result *r)
{
	struct bytes number = number_of(r);
	size_t country = 1 + strlen(plan->country);
	const char *const glued[] = { plan->national_prefix, plan->international_prefix };
	char text[2 * DIAL_NUMBER_MAX + DIAL_PREFIX_MAX];
	struct dial_result base;

	if (!bytes_starts(number, "+") || !bytes_starts(bytes_from(number, 1), plan->country) ||
	    !plan->country[0] || number.n == country)
		return;
	base = ask(plan, true, ALL, number); /* patterns of shorter forms are about those alone */
	for (unsigned i = 0; i < 2 && is_plain(number); i++) {
		struct bytes rest = bytes_from(number, i ? 1 : country);
		struct dial_result as;
		int n = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)country,
				 (const char *)number.p, glued[i], (int)rest.n,
				 (const char *)rest.p);

		if (!glued[i][0] || n >= DIAL_NUMBER_MAX || !is_plain(bytes_str(text)))
			continue;
		as = ask(plan, true, ALL, bytes_str(text));
		if (as.kind == DIAL_OUTSIDE && bytes_starts(number_of(&as), "+") &&
		    base.kind == DIAL_OUTSIDE && base.class < DIAL_OTHER)
			check(as.class >= base.class, "a prefix made it cheaper");
		check(as.kind != DIAL_OUTSIDE || base.kind != DIAL_BARRED,
		      "a prefix lifts the bar");
	}
}

static void check_permissions(const struct dial_plan *plan, struct bytes dialled)
{
	struct dial_result all = ask(plan, true, ALL, dialled), none = ask(plan, true, 0, dialled),
			   far = ask(plan, false, ALL, dialled);

	check(!is_outside(&far) && far.kind != DIAL_FEATURE, "who may not call outside does");
	check(none.kind != DIAL_OUTSIDE, "who may call nothing does");
	check(is_outside(&all) == is_outside(&none) ||
		      (all.kind == DIAL_UNKNOWN && none.kind == DIAL_BARRED && !is_plain(dialled)),
	      "permission changes what is meant");
	check(all.kind != DIAL_BARRED || all.blocked, "barred for who may all");
	if (!is_outside(&all))
		return;
	check((!strcmp(all.number, none.number) && all.class == none.class) || !is_plain(dialled),
	      "another number");
	check(number_of(&all).n != 0, "no number");
	check(!memchr(number_of(&all).p, DIAL_ACCESS_END, number_of(&all).n),
	      "a code within a number");
	check_class(plan, &all);
	check_evasion(plan, &all);
}

static void check_help(const struct dial_plan *plan, struct bytes rules, struct bytes dialled)
{
	bool help = plan->emergency[0] ? false : bytes_is(dialled, "112");
	struct bytes list = bytes_str(plan->emergency), one;
	struct dial_result r = ask_by(plan, rules, false, 0, dialled),
			   without = ask(plan, false, 0, dialled);

	check(r.kind == DIAL_EMERGENCY || without.kind != DIAL_EMERGENCY, "a rule hides help");
	while (bytes_cut(&list, ',', &one))
		help |= bytes_eq(one, dialled) && one.n && one.n < DIAL_NUMBER_MAX;
	check(!help || r.kind == DIAL_EMERGENCY, "an emergency call is something else");
	check(r.kind == DIAL_EMERGENCY || !bytes_is(dialled, "123") || r.kind == DIAL_EXTENSION,
	      "an extension is something else");
	check(r.kind == DIAL_EMERGENCY || !bytes_is(dialled, "700") || r.kind == DIAL_ROOM,
	      "a room is something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dial_plan plan;
	struct bytes rest = bytes_mem(data, size), dialled = { 0 };

	if (size && memchr(data, 0, size))
		return 0;
	plan = (struct dial_plan){ 0 };
	plan_take(&rest, &plan);
	if (dial_rules_wrong(bytes_str(plan.rules)))
		plan.rules[0] = '\0';
	(void)bytes_cut(&rest, '\n', &dialled);
	check_help(&plan, dial_rules_wrong(rest) ? (struct bytes){ 0 } : rest, dialled);
	check_permissions(&plan, dialled);
	check_forms(&plan, dialled);
	return 0;
}
