/* SPDX-License-Identifier: Apache-2.0 */
/* Number analysis (dial.h): what a dialled string means in a tenant's dial plan, and whether the
 * caller may dial it. Emergency numbers come first, then extensions, rooms and feature codes, then
 * numbers outside with access codes, classes and blocked patterns. A number outside is judged in
 * the dearest reading that any network could give it, since prefixes may be inserted to evade a
 * class. Pure: the asker supplies the tables by callbacks. */

#include <stdio.h>

#include "sig/dial/dial.h"
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

/* Behind the country code a trunk prefix is not part of the number: +49 (0) 30 is +49 30. A prefix
 * beginning with another digit than 0 may be part of it: +7 800. */
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

/* area: of the caller. */
static void number_from(const struct dial_plan *plan, struct bytes area, struct bytes number,
			char out[DIAL_NUMBER_MAX])
{
	char front[2 + sizeof(plan->country) + sizeof(plan->area)] = "";

	if (begins(number, "+") || !plan->country[0]) {
		area.n = 0; /* as it is */
	} else if (begins(number, plan->international_prefix)) {
		memcpy(front, "+", sizeof("+"));
		number = bytes_from(number, bytes_str(plan->international_prefix).n);
	} else {
		if (begins(number, plan->national_prefix)) {
			number = bytes_from(number, bytes_str(plan->national_prefix).n);
			area.n = 0;
		} else if (plan->area_digits && number.n != plan->area_digits) {
			area.n = 0;
		}
		(void)snprintf(front, sizeof(front), "+%s" BYTES_FMT, plan->country,
			       BYTES_ARG(area));
	}
	if (number_put(out, front, number))
		number_drop_prefix(plan, out);
}

void dial_number_international(const struct dial_plan *plan, struct bytes number,
			       char out[DIAL_NUMBER_MAX])
{
	number_from(plan, bytes_str(plan->area), number, out);
}

/* ---- forms of a number ---- */

/* RFC 3966 3: visual-separator, and what people write besides. */
static bool dial_is_separator(uint8_t c)
{
	return c && strchr(" -./()[]", c);
}

/* The digits with + if present, without separators. Returns false for other characters, or an empty
 * number. */
static bool number_plain(struct bytes text, char out[DIAL_NUMBER_MAX])
{
	struct writer w = writer_over(out, DIAL_NUMBER_MAX - 1);
	bool other = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if ((c >= '0' && c <= '9') || (c == '+' && !w.n))
			writer_u8(&w, c);
		else
			other |= !dial_is_separator(c);
	}
	out[w.n] = '\0';
	return !other && !w.overflow && w.n > (out[0] == '+');
}

/* The area code of a phone-context (RFC 3966). Returns false if it is outside the plan's
 * country. */
static bool context_area(const struct dial_plan *plan, struct bytes context, char *plain,
			 struct bytes *area)
{
	if (!begins(context, "+") || !number_plain(context, plain) || !plan->country[0] ||
	    !bytes_starts(bytes_str(plain + 1), plan->country))
		return false;
	*area = bytes_str(plain + 1 + strlen(plan->country));
	/* areas are equally long there: what is behind is of the number, too */
	if (plan->area_digits)
		*area = bytes_sub(*area, 0, strlen(plan->area));
	return area->n < sizeof(plan->area);
}

static void national_of(const struct dial_plan *plan, const char *international,
			char out[DIAL_NUMBER_MAX])
{
	size_t country = strlen(plan->country);

	if (!country)
		out[0] = '\0';
	else if (bytes_starts(bytes_str(international + 1), plan->country))
		(void)number_put(out, plan->national_prefix,
				 bytes_str(international + 1 + country));
	else if (!plan->international_prefix[0])
		out[0] = '\0';
	else
		(void)number_put(out, plan->international_prefix, bytes_str(international + 1));
}

/* What is behind the number. False: it counts elsewhere. */
static bool forms_params(const struct dial_plan *plan, struct bytes params, char *plain,
			 struct bytes *area, struct dial_forms *out)
{
	struct bytes param, name;
	bool here = true;

	while (bytes_cut(&params, ';', &param)) {
		if (!bytes_cut(&param, '=', &name))
			continue;
		if (bytes_iis(name, "phone-context"))
			here = context_area(plan, param, plain, area);
		else if (bytes_iis(name, "ext") && !number_plain(param, out->extension))
			out->extension[0] = '\0';
	}
	return here;
}

bool dial_forms_of(const struct dial_plan *plan, struct bytes text, struct dial_forms *out)
{
	char number[DIAL_NUMBER_MAX], context[DIAL_NUMBER_MAX];
	struct bytes area = bytes_str(plan->area), front;
	bool here;

	*out = (struct dial_forms){ 0 };
	if (!bytes_cut(&text, ';', &front) || !number_plain(front, number))
		return false;
	here = forms_params(plan, text, context, &area, out);
	if (here || number[0] == '+')
		number_from(plan, area, bytes_str(number), out->international);
	if (out->international[0] != '+' || !out->international[1])
		out->international[0] = '\0';
	else
		national_of(plan, out->international, out->national);
	return true;
}

void dial_write_international(const struct dial_plan *plan, struct bytes text, struct writer *w)
{
	struct dial_forms forms = { 0 };

	if (plan)
		(void)dial_forms_of(plan, text, &forms);
	writer_bytes(w, forms.international[0] ? bytes_str(forms.international) : text);
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

/* Behind a country code. prefixes: of long distance, then of other countries; "" is unused. */
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

/* No country code begins with 0: a + was put before the dialled digits. */
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

/* The form dialled within the country, which patterns may refer to. Returns false if the number has
 * no such form. */
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

static bool is_trunk_access(const struct dial_asker *a, struct bytes code)
{
	return a->trunk_access && a->trunk_access(a->arg, code) == code.n;
}

/* Cuts the access code off; *trunk: that code if it is a trunk's, else his own one. Returns false
 * without one. */
static bool access_cut(const struct dial_asker *a, struct bytes *number, struct bytes *trunk)
{
	size_t n = a->trunk_access ? a->trunk_access(a->arg, *number) : 0;

	if (n)
		*trunk = bytes_sub(*number, 0, n);
	else if (a->own_access.n && is_trunk_access(a, a->own_access))
		*trunk = a->own_access;
	else
		*trunk = (struct bytes){ 0 };
	if (!n && a->plan->access[0] && bytes_starts(*number, a->plan->access))
		n = bytes_str(a->plan->access).n;
	*number = bytes_from(*number, n);
	return n != 0;
}

/* The whole of it is an access code: the plan's, or a trunk's. */
static bool is_access(const struct dial_asker *a, struct bytes code)
{
	return bytes_is(code, a->plan->access) || is_trunk_access(a, code);
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

/* A code with digits is dialled before it: whether these are right does not matter. */
static struct bytes behind_digits(const struct dial_asker *a, struct bytes dialled)
{
	struct feature_codes codes;
	enum feature_action feature;
	struct bytes rest, one;

	if (!dialled.n || (dialled.p[0] != '*' && dialled.p[0] != '#') || !a->codes)
		return dialled;
	dial_plan_codes(a->plan, a->codes, &codes);
	if (!feature_dialled(&codes, dialled, &feature, &rest) ||
	    feature_value(feature) != FEATURE_CALL || !bytes_cut(&rest, '*', &one))
		return dialled;
	return rest;
}

static bool help_find(const struct dial_asker *a, struct bytes dialled,
		      char number[DIAL_NUMBER_MAX])
{
	struct bytes found = behind_digits(a, dialled);

	if (!found.n || !is_help(a, found))
		found = help_behind_code(a, found);

	return found.n && !bytes_cstr(found, number, DIAL_NUMBER_MAX);
}

/* What an extension has is not changed. */
static bool help_by_plan(const struct dial_asker *a, struct bytes dialled,
			 char number[DIAL_NUMBER_MAX])
{
	char changed[DIAL_NUMBER_MAX];

	return help_find(a, dialled, number) ||
	       (dial_rules_apply(bytes_str(a->plan->rules), dialled, changed) &&
		!a->is_extension(a->arg, dialled) && help_find(a, bytes_str(changed), number));
}

/* No rule of an extension hides what the plan makes of it. */
bool dial_is_emergency(const struct dial_asker *asker, struct bytes dialled,
		       char number[DIAL_NUMBER_MAX])
{
	char changed[DIAL_NUMBER_MAX];

	return help_by_plan(asker, dialled, number) ||
	       (dial_rules_apply(asker->rules, dialled, changed) &&
		!asker->is_extension(asker->arg, dialled) &&
		help_by_plan(asker, bytes_str(changed), number));
}

static bool dial_extension(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	if (!a->is_extension(a->arg, number) || bytes_cstr(number, out->number, DIAL_NUMBER_MAX))
		return false;
	out->kind = DIAL_EXTENSION;
	return true;
}

static bool dial_room(const struct dial_asker *a, bool (*is)(void *arg, struct bytes number),
		      struct bytes number, struct dial_result *out)
{
	if (!is || !is(a->arg, number) || bytes_cstr(number, out->number, DIAL_NUMBER_MAX))
		return false;
	out->kind = DIAL_ROOM;
	return true;
}

/* An extension comes first: two nodes may have given both one number at a time. */
static bool dial_inside(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	return dial_extension(a, number, out) || dial_room(a, a->is_room, number, out);
}

/* Emergency numbers, extensions and rooms take precedence over any other meaning. */
static bool dial_someone(const struct dial_asker *a, struct bytes number, struct dial_result *out)
{
	if (!dial_is_emergency(a, number, out->number))
		return dial_inside(a, number, out);
	out->kind = DIAL_EMERGENCY;
	return true;
}

/* Also the beginning of a slot. */
static bool dial_is_slot(struct bytes digits)
{
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
	}
	return digits.n <= FEATURE_SLOT_MAX;
}

/* How many digits are behind its code at least. */
static size_t dial_behind(enum feature_action feature)
{
	switch (feature_value(feature)) {
	case FEATURE_NUMBER:
		return 1;
	case FEATURE_SLOT:
		return FEATURE_SLOT_MIN;
	case FEATURE_MAYBE:
	case FEATURE_CALL:
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

/* A phone that dials digit by digit has sent only some of them. */
static bool dial_lacks(const struct dial_asker *a, struct bytes number)
{
	bool overlap =
		a->scheme == DIAL_SCHEME_PLAN ? a->plan->overlap : a->scheme == DIAL_SCHEME_OVERLAP;
	struct pattern_fit fit, extension;
	struct pattern unused;

	if (!overlap)
		return false;
	fit = pattern_list_match(bytes_str(a->plan->numbers), number, &unused);
	extension = pattern_list_match(bytes_str(a->plan->extensions), number, &unused);
	return (fit.more || extension.more) && !fit.whole && !extension.whole;
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

/* The number outside without access code; *trunk: the access code of a trunk. Returns false if it
 * is not for outside. */
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
	const struct bytes rules[] = { asker->rules, bytes_str(plan->rules) };
	char changed[COUNT_OF(rules)][DIAL_NUMBER_MAX];

	*out = (struct dial_result){ .kind = DIAL_UNKNOWN };
	if (!dialled.n || dial_someone(asker, dialled, out) || dial_feature(asker, dialled, out) ||
	    dial_room(asker, asker->fits, dialled, out))
		return;
	if (bytes_is(dialled, DIAL_OPERATOR) && plan->operator_number[0] &&
	    dial_inside(asker, bytes_str(plan->operator_number), out))
		return;
	if (dial_lacks(asker, dialled)) {
		out->kind = DIAL_MORE;
		return;
	}
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		if (!dial_rules_apply(rules[i], dialled, changed[i]))
			continue;
		dialled = bytes_str(changed[i]);
		if (dial_inside(asker, dialled, out)) /* help is found above */
			return;
	}
	dial_outside(asker, dialled, out);
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

/* A string that is not a valid number and leads nowhere: with an extension, pauses or letters
 * behind it, or too long. If it hides a barred number, the result is barred. */
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
