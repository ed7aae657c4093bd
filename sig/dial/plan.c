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

void dial_number_international(const struct dial_plan *plan, struct bytes number,
			       char out[DIAL_NUMBER_MAX])
{
	const char *area = "";
	char front[2 + sizeof(plan->country) + sizeof(plan->area)];

	if (begins(number, "+") || !plan->country[0]) {
		(void)number_put(out, "", number);
		return;
	}
	if (begins(number, plan->international_prefix)) {
		(void)number_put(out, "+",
				 bytes_from(number, bytes_str(plan->international_prefix).n));
		return;
	}
	if (begins(number, plan->national_prefix))
		number = bytes_from(number, bytes_str(plan->national_prefix).n);
	else if (!plan->area_digits || number.n == plan->area_digits)
		area = plan->area;
	(void)snprintf(front, sizeof(front), "+%s%s", plan->country, area);
	(void)number_put(out, front, number);
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

enum dial_class dial_class_of(const struct dial_plan *plan, struct bytes number,
			      struct bytes international, bool *dialled)
{
	enum dial_class here = class_by(plan, number), world = class_by(plan, international);

	if (is_abroad(plan, international) && (world == DIAL_OTHER || world < DIAL_INTERNATIONAL))
		world = DIAL_INTERNATIONAL;
	*dialled = world == DIAL_OTHER && here != DIAL_OTHER;
	if (here == DIAL_OTHER || world == DIAL_OTHER)
		return *dialled ? here : world;
	return here > world ? here : world;
}
