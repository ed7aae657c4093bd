/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of an account code as a document of a tenant: the code, its name, its first and last
 * day, and its extensions. account_documents.c puts and deletes such documents by g_account_form;
 * calls check the dialled digits by the core's own table (struct account_code). What is valid here
 * is what the core can hold, so apply never fails on a value.
 */

#include "app/feature/account/account_field.h"

#include <string.h>

static const char *account_digits_wrong(const void *value, const char *text)
{
	(void)value;
	return text[strspn(text, "0123456789")] ? "it has digits alone" : NULL;
}

static const char *field_date_wrong(const void *value, const char *text)
{
	(void)value;
	return account_date_is_good(bytes_str(text)) ? NULL : "it is a day: 2027-01-31";
}

#undef FIELD_OF
#define FIELD_OF struct account_value
const struct command_arg g_account_fields[] = {
	{ .name = "code",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = ACCOUNT_KEYS_MAX - 1,
	  .help = "The code: digits, as they are pressed.",
	  .field = { FIELD_AT(FIELD_TEXT, core.code), .wrong = account_digits_wrong } },
	TEXT_FIELD("name", core.name, CHARSET_TEXT, NULL,
		   "What it is for, as people call it: a client, a case."),
	TEXT_FIELD("from", core.from, CHARSET_TEXT, field_date_wrong,
		   "The first day on which it is taken, as 2027-01-31, in the tenant's zone."),
	TEXT_FIELD("until", core.until, CHARSET_TEXT, field_date_wrong,
		   "The last day on which it is accepted. Empty: no end."),
	REFERS_FIELD("extensions", core.extensions, CHARSET_NUMBERS, NULL, "extension",
		     "Extensions that may give it, joined by ','. Empty: all."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_account_form = { .fields = g_account_fields, FORM_OF(struct account_value) };
