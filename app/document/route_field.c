/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/route_field.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/document/document.h"

/* ---- numbers ---- */

static const char *field_did_wrong(const void *value, const char *text)
{
	struct pattern unused;
	const char *wrong;

	(void)value;
	return pattern_read(&unused, bytes_str(text), &wrong) ? wrong : NULL;
}

/* Where it leads is said by one of them. */
static const char *field_to_wrong(const void *value, const char *text)
{
	const struct did_value *d = value;

	return text[0] && (d->core.change.strip || d->core.change.prefix[0])
		       ? "to says all: strip and prefix change what was dialled where to is empty"
		       : NULL;
}

#undef FIELD_OF
#define FIELD_OF struct did_value

const struct command_arg g_did_fields[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_PATTERN,
	  .required = true,
	  .min = 1,
	  .max = TRUNK_NUMBER_MAX - 1,
	  .help = "Number as trunks call it, or a pattern of numbers: x is any digit, [2-4] one of "
		  "these, and with a dot behind it none, one or several of them.",
	  .field = { FIELD_AT(FIELD_TEXT, core.number), .wrong = field_did_wrong,
		     .patterns = true } },
	TEXT_FIELD("trunk", core.trunk, CHARSET_NAME, NULL,
		   "Trunk from which alone it is called. Empty: from any of the tenant."),
	TEXT_FIELD("to", core.to, CHARSET_NUMBER, field_to_wrong,
		   "User whom it means: an extension, or a number that a route has. Empty: the "
		   "extension that is left of the number after strip and prefix."),
	NUMBER_FIELD("strip", core.change.strip, 0, TRUNK_NUMBER_MAX - 1, "0",
		     "So many characters are taken off the beginning of the number."),
	TEXT_FIELD("prefix", core.change.prefix, CHARSET_NUMBER, NULL,
		   "Put in front of what is left."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_did_form = { .fields = g_did_fields, FORM_OF(struct did_value) };

/* ---- routes ---- */

static int choice_number(struct bytes *rest, uint16_t *out)
{
	struct bytes part;
	uint32_t n;

	if (!rest->n)
		return 0;
	if (!bytes_cut(rest, ':', &part) || bytes_u32(part, &n) || n > 1000)
		return -EINVAL;
	*out = (uint16_t)n;
	return 0;
}

int route_choice_read(struct trunk_choice *out, struct bytes text)
{
	struct bytes rest = text, name;

	*out = (struct trunk_choice){ .priority = 1, .weight = 1 };
	if (!text.n || text.p[text.n - 1] == ':' || !bytes_cut(&rest, ':', &name) || !name.n ||
	    bytes_cstr(name, out->trunk, sizeof(out->trunk)) ||
	    !command_allows(CHARSET_NAME, name) || choice_number(&rest, &out->priority) ||
	    choice_number(&rest, &out->weight) || rest.n)
		return -EINVAL;
	return 0;
}

static const char *field_trunks_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	struct trunk_choice choice;
	unsigned count = 0;

	(void)value;
	if (!list.n || list.p[list.n - 1] == ',')
		return "a trunk is wanted";
	while (bytes_cut(&list, ',', &one)) {
		if (route_choice_read(&choice, one))
			return "a trunk is a name, with ':' and a priority, ':' and a weight "
			       "behind it, both 0 to 1000";
		if (++count > TRUNK_ROUTE_TRUNKS_MAX)
			return "there are at most 8 trunks";
	}
	return NULL;
}
static_assert(TRUNK_ROUTE_TRUNKS_MAX == 8, "the text above says it");

static const char *field_pattern_wrong(const void *value, const char *text)
{
	(void)value;
	return text[0] ? pattern_list_wrong(bytes_str(text)) : "a pattern is wanted";
}

#undef FIELD_OF
#define FIELD_OF struct route_value

const struct command_arg g_route_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the route."),
	PATTERNS_FIELD(
		"pattern", core.pattern, CHARSET_PATTERN, field_pattern_wrong,
		"Numbers that go this way, where no extension has them: as in did.put, several "
		"joined by '|'. Of several routes the one with the most exact pattern counts."),
	TEXT_FIELD("trunks", trunks, CHARSET_PLACES, field_trunks_wrong,
		   "Trunks joined by ',', each as NAME, NAME:PRIORITY or NAME:PRIORITY:WEIGHT. The "
		   "lowest priority is tried first, those of one by weight. Both are 1 at first."),
	NUMBER_FIELD("strip", core.change.strip, 0, TRUNK_NUMBER_MAX - 1, "0",
		     "So many characters are taken off the beginning of the number."),
	TEXT_FIELD("prefix", core.change.prefix, CHARSET_NUMBER, NULL,
		   "Put in front of what is left."),
	FLAG_FIELD("enabled", core.enabled, "true", "false: no call goes this way."),
	{ .name = NULL },
};

static void route_begin(void *value, struct bytes name)
{
	struct route_value *r = value;

	(void)name;
	r->core.enabled = true;
}

const struct form g_route_form = { .fields = g_route_fields,
				   FORM_OF(struct route_value),
				   .begin = route_begin };

void route_to_core(const struct route_value *r, uint16_t tenant, struct trunk_route *out)
{
	struct bytes list = bytes_str(r->trunks), one;

	*out = r->core;
	out->tenant = tenant;
	out->choice_count = 0;
	while (bytes_cut(&list, ',', &one) && out->choice_count < TRUNK_ROUTE_TRUNKS_MAX) {
		if (!route_choice_read(&out->choices[out->choice_count], one))
			out->choice_count++;
	}
}
