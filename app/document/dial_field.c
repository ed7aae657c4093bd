/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/dial_field.h"

#include <string.h>

#include "app/document/document.h"
#include "sig/dial/pattern.h"

static const char *const g_dialling[] = { "enblock", "overlap", NULL };

static bool digits_only(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	}
	return true;
}

static const char *field_emergency_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no number behind a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n > DIAL_HELP_LEN_MAX || !digits_only(one))
			return "each number has 1 to 8 digits";
		if (++count > DIAL_HELP_MAX)
			return "there are at most 16 numbers";
	}
	return NULL;
}

static const char *field_digits_wrong(const void *value, const char *text)
{
	(void)value;
	return digits_only(bytes_str(text)) ? NULL : "it has digits alone";
}

static const char *field_patterns_wrong(const void *value, const char *text)
{
	(void)value;
	return pattern_list_wrong(bytes_str(text));
}

static const char *field_rules_wrong(const void *value, const char *text)
{
	(void)value;
	return dial_rules_wrong(bytes_str(text));
}

static const char *field_code_wrong(const void *value, const char *text)
{
	(void)value;
	if (!text[0] || !strcmp(text, DIAL_OFF) ||
	    (strchr("*#", text[0]) && text[1] && command_allows(CHARSET_DIGITS, bytes_str(text))))
		return NULL;
	return "it is off, or begins with '*' or '#' as \"*72\"";
}

static const char *field_call_code_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || !strcmp(text, DIAL_OFF) || call_code_is_valid(text)
		       ? NULL
		       : "it is off, or begins with '*' or '#' and has 2 to 8 keys, as \"*1\"";
}

#undef FIELD_OF
#define FIELD_OF struct dial_document
#define PATTERN_FIELD(what, member, text) \
	PATTERNS_FIELD(what, plan.member, CHARSET_TEXT, field_patterns_wrong, text)
#define DIGITS_FIELD(what, member, text) \
	TEXT_FIELD(what, plan.member, CHARSET_DIGITS, field_digits_wrong, text)

const struct command_arg g_dial_fields[] = {
	TEXT_FIELD("emergency", plan.emergency, CHARSET_NUMBERS, field_emergency_wrong,
		   "Emergency numbers, joined by ','. Calls to them are never refused, with the "
		   "access code in front or without. Empty: those of sip.emergency_numbers."),
	DIGITS_FIELD("access", access,
		     "Access code: what is dialled before a number outside. Dialled alone it is "
		     "answered 484, and the phone plays its second dial tone. Empty: none."),
	PATTERN_FIELD("redial", redial,
		      "Numbers without access code that are meant outside all the same, as call "
		      "logs of phones have them."),
	TEXT_FIELD("redial_prefix", plan.redial_prefix, CHARSET_DIGITS, NULL,
		   "What they get in front: the access code, and what else is dialled behind it."),
	TEXT_FIELD("rules", plan.rules, CHARSET_TEXT, field_rules_wrong,
		   "Changes of what is dialled: PREFIX>REPLACEMENT, or PREFIX>REPLACEMENT/LENGTH "
		   "for numbers of at least so many digits, joined by ','. The first one counts "
		   "that fits."),
	TEXT_FIELD("operator", plan.operator_number, CHARSET_NUMBER, NULL,
		   "Extension that 0 calls."),
	WORD_FIELD("dialling", plan.overlap, FIELD_NUMBER, g_dialling, "enblock",
		   "How phones send what is dialled. overlap: also the first digits alone; they "
		   "hear 484 until one of numbers is complete (RFC 3578)."),
	PATTERN_FIELD("numbers", numbers, "All numbers that are dialled, for dialling=overlap."),
	DIGITS_FIELD("country", country,
		     "Country code. With it numbers outside go out as the whole world dials them, "
		     "+ in front. Empty: as they are dialled."),
	DIGITS_FIELD("area", area, "Area code of numbers that are dialled without one."),
	NUMBER_FIELD("area_digits", plan.area_digits, 0, DIAL_NUMBER_MAX - 1, "0",
		     "How many digits those numbers have. 0: as many as they like."),
	DIGITS_FIELD("national_prefix", national_prefix,
		     "What is dialled before an area code, as 0 or 1."),
	DIGITS_FIELD("international_prefix", international_prefix,
		     "What is dialled before a country code, as 00 or 011."),
#define X(id, word, text)                                                                          \
	{ .name = (word),                                                                          \
	  .type = ARG_STRING,                                                                      \
	  .charset = CHARSET_TEXT,                                                                 \
	  .max = DIAL_PATTERNS_MAX - 1,                                                            \
	  .preset = DIAL_##id == DIAL_INTERNATIONAL                                                \
			    ? FIELD_PRESET("+x.|00x.|011x.")                                       \
			    : (DIAL_##id == DIAL_PREMIUM ? FIELD_PRESET("+1900x.|1900x.|0900x.")   \
							 : FIELD_PRESET("empty")),                 \
	  .help = "Patterns of " text ".",                                                         \
	  .field = { FIELD_AT(FIELD_TEXT, plan.classes[DIAL_##id]), .wrong = field_patterns_wrong, \
		     .patterns = true } },
	DIAL_CLASSES(X)
#undef X
		PATTERN_FIELD("blocked", blocked, "Numbers that nobody of the tenant may call."),
#define X(id, key, digits, argument, made, text)                                                 \
	TEXT_FIELD("code_" key, plan.codes.code[FEATURE_##id], CHARSET_NUMBER, field_code_wrong, \
		   "Feature code in place of codes." key "; off: none.")                         \
	,
	FEATURE_CODES(X)
#undef X
#define X(id, key, text)                                                                   \
	TEXT_FIELD("call_code_" key, plan.call_codes.code[CALL_CODE_##id], CHARSET_NUMBER, \
		   field_call_code_wrong,                                                  \
		   "In-call feature code in place of call_codes." key "; off: none.")      \
	,
		CALL_CODES(X)
#undef X
			{ .name = NULL },
};

const char *dial_codes_wrong(const struct dial_plan *plan)
{
	for (unsigned i = 0; i < FEATURES; i++) {
		for (unsigned j = 0; j < FEATURES; j++) {
			if (i != j &&
			    feature_code_hides(&plan->codes, (enum feature)i,
					       bytes_str(plan->codes.code[j])) &&
			    plan->codes.code[j][0] && strcmp(plan->codes.code[i], DIAL_OFF) != 0)
				return "two feature codes begin alike: a phone could not dial both";
		}
	}
	return NULL;
}

static const char *call_codes_wrong(const struct dial_plan *plan)
{
	struct call_codes codes;

	dial_plan_call_codes(plan, &(struct call_codes){ 0 }, &codes);
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (call_codes_clash(&codes, (enum call_code)i, (enum call_code)j))
				return "two in-call codes begin alike: nobody could press both";
		}
	}
	return NULL;
}

static void dial_begin(void *value, struct bytes name)
{
	struct dial_document *d = value;

	(void)name;
	d->plan = g_dial_plan_default;
}

static const char *dial_wrong(const void *value, const char **member)
{
	const struct dial_document *d = value;

	const char *wrong = dial_codes_wrong(&d->plan);

	*member = wrong ? "code" : "call_code";
	return wrong ? wrong : call_codes_wrong(&d->plan);
}

const struct form g_dial_form = { .fields = g_dial_fields,
				  FORM_OF(struct dial_document),
				  .begin = dial_begin,
				  .wrong = dial_wrong };
