/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dial/plan.h"

#include <stdio.h>

#include "sig/dial/pattern.h"

const char *const g_dial_classes[] = {
#define X(id, name, help) name,
	DIAL_CLASSES(X)
#undef X
		"other",
	NULL,
};

const struct dial_plan g_dial_plan_default = {
	.classes = { [DIAL_INTERNATIONAL] = "+x.|00x.|011x.",
		     [DIAL_PREMIUM] = "+1900x.|1900x.|0900x." },
};

void dial_plan_codes(const struct dial_plan *plan, const struct feature_codes *node,
		     struct feature_codes *out)
{
	*out = *node;
	for (unsigned i = 0; i < FEATURES; i++) {
		const char *own = plan->codes.code[i];

		if (!strcmp(own, DIAL_OFF))
			out->code[i][0] = '\0';
		else if (own[0])
			memcpy(out->code[i], own, FEATURE_CODE_LEN);
	}
}

void dial_plan_call_codes(const struct dial_plan *plan, const struct call_codes *node,
			  struct call_codes *out)
{
	*out = *node;
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		const char *own = plan->call_codes.code[i];

		if (!strcmp(own, DIAL_OFF))
			out->code[i][0] = '\0';
		else if (own[0])
			memcpy(out->code[i], own, CALL_CODE_LEN);
	}
}

/* Puts both together. False: they do not fit, and out is "". */
static bool number_put(char out[DIAL_NUMBER_MAX], const char *front, struct bytes rest)
{
	struct bytes first = bytes_str(front);
	struct writer w = writer_over(out, DIAL_NUMBER_MAX - 1);

	writer_bytes(&w, first);
	writer_bytes(&w, rest);
	out[w.overflow ? 0 : w.n] = '\0';
	return !w.overflow;
}

struct dial_rule {
	struct bytes prefix, replacement;
	uint32_t least;
};

static bool is_number(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!text.p[i] || !strchr(g_pattern_symbols, text.p[i]))
			return false;
	}
	return text.n < DIAL_NUMBER_MAX;
}

static bool dial_rule_read(struct dial_rule *out, struct bytes text)
{
	size_t slash = bytes_find(text, '/'), arrow = bytes_find(text, '>');
	struct bytes least = bytes_from(text, slash + 1);

	*out = (struct dial_rule){ .prefix = bytes_sub(text, 0, arrow) };
	if (arrow == text.n || slash < arrow)
		return false;
	out->replacement = bytes_sub(text, arrow + 1, slash - arrow - 1);
	if (slash < text.n && (bytes_u32(least, &out->least) || out->least >= DIAL_NUMBER_MAX))
		return false;
	return out->prefix.n && is_number(out->prefix) && is_number(out->replacement);
}

const char *dial_rules_wrong(struct bytes rules)
{
	static const char wrong[] = "a rule is PREFIX>REPLACEMENT or PREFIX>REPLACEMENT/LENGTH, as "
				    "017>1/10; rules are joined by ','";
	struct dial_rule rule;
	struct bytes one;

	if (rules.n && rules.p[rules.n - 1] == ',')
		return wrong;
	while (bytes_cut(&rules, ',', &one)) {
		if (!dial_rule_read(&rule, one))
			return wrong;
	}
	return NULL;
}

static bool rule_is_for(const struct dial_rule *rule, struct bytes number)
{
	return number.n >= rule->least &&
	       bytes_eq(bytes_sub(number, 0, rule->prefix.n), rule->prefix);
}

bool dial_rules_apply(struct bytes rules, struct bytes number, char out[DIAL_NUMBER_MAX])
{
	char front[DIAL_NUMBER_MAX], whole[DIAL_NUMBER_MAX];
	struct dial_rule rule;
	struct bytes one;

	while (bytes_cut(&rules, ',', &one) && dial_rule_read(&rule, one)) {
		if (!rule_is_for(&rule, number))
			continue;
		if (bytes_cstr(rule.replacement, front, sizeof(front)) ||
		    !number_put(whole, front, bytes_from(number, rule.prefix.n)))
			return false;
		memcpy(out, whole, DIAL_NUMBER_MAX);
		return true;
	}
	return false;
}

static bool begins(struct bytes number, const char *prefix)
{
	return prefix[0] && bytes_starts(number, prefix);
}

/* Behind the country's code a trunk prefix is no part of the number: +49 (0) 30 is +49 30. One that begins with another digit than 0
 * may be: +7 800. */
static void number_drop_prefix(const struct dial_plan *plan, char number[DIAL_NUMBER_MAX])
{
	char *behind = number + 1 + strlen(plan->country);
	size_t n = strlen(plan->national_prefix);

	if (plan->national_prefix[0] != '0' || !plan->country[0] || number[0] != '+' ||
	    !bytes_starts(bytes_str(number + 1), plan->country))
		return;
	while (begins(bytes_str(behind), plan->national_prefix) &&
	       !begins(bytes_str(behind), plan->international_prefix))
		memmove(behind, behind + n, strlen(behind + n) + 1);
}

void dial_number_international(const struct dial_plan *plan, struct bytes number,
			       char out[DIAL_NUMBER_MAX])
{
	const char *area = "";
	char front[2 + sizeof(plan->country) + sizeof(plan->area)] = "";

	if (begins(number, "+") || !plan->country[0]) {
		/* as it is */
	} else if (begins(number, plan->international_prefix)) {
		memcpy(front, "+", sizeof("+"));
		number = bytes_from(number, bytes_str(plan->international_prefix).n);
	} else {
		if (begins(number, plan->national_prefix))
			number = bytes_from(number, bytes_str(plan->national_prefix).n);
		else if (!plan->area_digits || number.n == plan->area_digits)
			area = plan->area;
		(void)snprintf(front, sizeof(front), "+%s%s", plan->country, area);
	}
	if (number_put(out, front, number))
		number_drop_prefix(plan, out);
}

/* ---- what a network could read a number as ---- */

enum { READINGS_MAX = 32 };

/* The number first, then what is left of it without prefixes that some network may pass over. */
struct readings {
	const struct dial_plan *plan;
	uint32_t count;
	bool more; /* than there is room for */
	char number[READINGS_MAX][DIAL_NUMBER_MAX];
};

static void readings_add(struct readings *r, const char *front, struct bytes rest)
{
	char number[DIAL_NUMBER_MAX];

	if (!rest.n || !number_put(number, front, rest))
		return;
	for (uint32_t i = 0; i < r->count; i++) {
		if (!strcmp(r->number[i], number))
			return;
	}
	r->more |= r->count == READINGS_MAX;
	if (r->count < READINGS_MAX)
		memcpy(r->number[r->count++], number, DIAL_NUMBER_MAX);
}

/* ITU-T E.164: 1 and 7, those of two digits, all others have three. */
static size_t country_length(struct bytes digits)
{
	static const char *const two[] = {
		"", "", "07", "0123469", "013456789", "12345678", "0123456", "", "1246", "0123458",
	};

	if (digits.n < 2 || digits.p[0] == '1' || digits.p[0] == '7')
		return 1;
	return digits.p[1] && strchr(two[digits.p[0] - '0'], digits.p[1]) ? 2 : 3;
}

/* Behind the code of a country. prefixes: of long distance, then of other countries; "" is none. */
static void readings_add_behind(struct readings *r, struct bytes digits, size_t country,
				const char *const prefixes[4])
{
	struct bytes rest = bytes_from(digits, country);
	char front[2 + DIAL_PREFIX_MAX];

	(void)snprintf(front, sizeof(front), "+%.*s", (int)country, (const char *)digits.p);
	for (unsigned i = 0; i < 4; i++) {
		if (begins(rest, prefixes[i]))
			readings_add(r, i < 2 ? front : "+", bytes_from(rest, strlen(prefixes[i])));
	}
}

static void readings_add_country(struct readings *r, struct bytes digits)
{
	const struct dial_plan *plan = r->plan;
	bool own = begins(digits, plan->country);
	size_t n = own ? strlen(plan->country) : country_length(digits);
	const char *national = digits.p[0] == '1' ? "1" : digits.p[0] == '7' ? "8" : "0";
	const char *international = digits.p[0] == '1' ? "011" : digits.p[0] == '7' ? "810" : "00";

	readings_add_behind(r, digits, n,
			    (const char *const[]){ national, own ? plan->national_prefix : "",
						   international,
						   own ? plan->international_prefix : "" });
}

/* No country's code begins with 0: somebody has put + before what is dialled. */
static void readings_add_dialled(struct readings *r, struct bytes digits)
{
	const char *const prefixes[] = { r->plan->international_prefix, "00", "011" };
	char front[2 + sizeof(r->plan->country)];

	for (unsigned i = 0; i < COUNT_OF(prefixes); i++) {
		if (begins(digits, prefixes[i]))
			readings_add(r, "+", bytes_from(digits, strlen(prefixes[i])));
	}
	(void)snprintf(front, sizeof(front), "+%s", r->plan->country);
	if (r->plan->country[0] && digits.p[0] == '0')
		readings_add(r, front, bytes_from(digits, 1));
}

static void readings_of(struct readings *r, const struct dial_plan *plan, struct bytes number)
{
	r->plan = plan;
	r->count = 0;
	r->more = false;
	readings_add(r, "", number);
	for (uint32_t i = 0; i < r->count; i++) {
		struct bytes one = bytes_str(r->number[i]), digits = bytes_from(one, 1);

		if (one.p[0] != '+')
			readings_add_dialled(r, one);
		else if (digits.n && digits.p[0] == '0')
			readings_add_dialled(r, digits);
		else if (digits.n && digits.p[0] >= '1' && digits.p[0] <= '9')
			readings_add_country(r, digits);
	}
}

/* By the most exact pattern of all classes. */
static enum dial_class class_by(const struct dial_plan *plan, struct bytes number)
{
	enum dial_class found = DIAL_OTHER;
	struct pattern best, one;

	for (unsigned i = 0; i < DIAL_OTHER; i++) {
		struct bytes list = bytes_str(plan->classes[i]);

		if (!pattern_list_match(list, number, &one).whole)
			continue;
		if (found == DIAL_OTHER || pattern_order(&one, &best) <= 0) {
			found = (enum dial_class)i;
			best = one;
		}
	}
	return found;
}

/* A country that is not ours, whether or not a pattern says so. */
static bool is_abroad(const struct dial_plan *plan, struct bytes international)
{
	return plan->country[0] && begins(international, "+") &&
	       !bytes_starts(bytes_from(international, 1), plan->country);
}

/* Of two classes the dearer one, as long as any pattern has it. */
static enum dial_class dearer(enum dial_class a, enum dial_class b)
{
	if (a == DIAL_OTHER || b == DIAL_OTHER)
		return a == DIAL_OTHER ? b : a;
	return a > b ? a : b;
}

static enum dial_class class_read(const struct dial_plan *plan, struct bytes number)
{
	enum dial_class class = class_by(plan, number);

	if (is_abroad(plan, number) && (class == DIAL_OTHER || class < DIAL_INTERNATIONAL))
		return DIAL_INTERNATIONAL;
	return class;
}

static bool is_blocked(const struct dial_plan *plan, struct bytes number)
{
	struct pattern unused;

	return pattern_list_match(bytes_str(plan->blocked), number, &unused).whole;
}

/* As phones of the country dial it: patterns may be about that. False: there is no such form of it. */
static bool dialled_form(const struct dial_plan *plan, struct bytes number,
			 char out[DIAL_NUMBER_MAX])
{
	bool abroad = is_abroad(plan, number);
	const char *prefix = abroad ? plan->international_prefix : plan->national_prefix;

	return plan->country[0] && begins(number, "+") && (!abroad || prefix[0]) &&
	       number_put(out, prefix, bytes_from(number, abroad ? 1 : 1 + strlen(plan->country)));
}

void dial_judge(const struct dial_plan *plan, struct bytes number, struct bytes international,
		struct dial_judgement *out)
{
	enum dial_class here = begins(number, "+") ? DIAL_OTHER : class_by(plan, number);
	enum dial_class world = DIAL_OTHER, forms = DIAL_OTHER;
	struct readings r;

	readings_of(&r, plan, international);
	out->blocked = r.more || is_blocked(plan, number);
	for (uint32_t i = 0; i < r.count; i++) {
		struct bytes one = bytes_str(r.number[i]);
		char form[DIAL_NUMBER_MAX];

		world = dearer(world, class_read(plan, one));
		out->blocked |= is_blocked(plan, one);
		if (!dialled_form(plan, one, form))
			continue;
		forms = dearer(forms, class_by(plan, bytes_str(form)));
		out->blocked |= is_blocked(plan, bytes_str(form));
	}
	out->dialled = world == DIAL_OTHER && here != DIAL_OTHER;
	/* "0x." for what is national means no local number */
	if (forms <= DIAL_NATIONAL && world != DIAL_OTHER)
		forms = DIAL_OTHER;
	out->class = dearer(dearer(here, world), forms);
}
