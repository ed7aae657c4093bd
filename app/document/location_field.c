/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/location_field.h"

#include <string.h>

#include "base/addr.h"
#include "sig/identity/pidf.h"
#include "sig/sip/lex.h"
#include "sig/sip/uri.h"

static const char *field_id_wrong(const void *value, const char *text)
{
	uint16_t unused;

	(void)value;
	return location_read(bytes_str(text), &unused) ? "it is a number, 1 to 65535" : NULL;
}

static const char *field_country_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || (strlen(text) == 2 && lex_is_token(bytes_str(text)))
		       ? NULL
		       : "a country has two letters";
}

#undef FIELD_OF
#define FIELD_OF struct location_value

const struct command_arg g_location_fields[] = {
	{ .name = "id",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .required = true,
	  .min = 1,
	  .max = 5,
	  .help = "Id of the location, 1 to 65535: what phones have behind " LOCATED_MARK ".",
	  .field = { FIELD_AT(FIELD_TEXT, id), .wrong = field_id_wrong } },
	TEXT_FIELD("label", label, CHARSET_TEXT, NULL, "What people call it. Nobody is told."),
	TEXT_FIELD("caller_id", core.caller_id, CHARSET_NUMBER, NULL,
		   "Number that trunks are shown for emergency calls from there: one that the "
		   "emergency service knows, and can call back. Empty: that of the extension."),
#define X(id, element, name, text)                                   \
	TEXT_FIELD(name, core.civic.field[CIVIC_##id], CHARSET_TEXT, \
		   CIVIC_##id == CIVIC_COUNTRY ? field_country_wrong : NULL, text),
	CIVIC_FIELDS(X)
#undef X
		{ .name = NULL },
};

/* What is provisioned is never too much to be told. */
static const char *location_wrong(const void *value, const char **member)
{
	static uint8_t space[2 * PIDF_MAX];
	char longest[ADDR_TEXT_MAX];
	const struct location_value *l = value;
	struct writer w = writer_over(space, sizeof(space));

	memset(longest, '1', sizeof(longest));
	civic_write_pidf(&w, &l->core.civic, bytes_mem(longest, sizeof(longest)),
			 bytes_mem(longest, sizeof(longest)));
	*member = "details";
	if (!l->core.civic.field[CIVIC_COUNTRY][0]) {
		*member = "country";
		return "a country is wanted";
	}
	return w.overflow || w.n > PIDF_MAX ? "the address is too long as a whole" : NULL;
}

const struct form g_location_form = { .fields = g_location_fields,
				      FORM_OF(struct location_value),
				      .wrong = location_wrong };

void location_to_core(const struct location_value *l, uint16_t tenant, struct site *out)
{
	*out = l->core;
	out->tenant = tenant;
	if (location_read(bytes_str(l->id), &out->id))
		out->id = 0;
}
