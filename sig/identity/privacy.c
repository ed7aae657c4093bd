/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/privacy.h"

#include <errno.h>

#include "sig/sip/lex.h"

/* In the order in which they are written. */
static const struct {
	const char *name;
	unsigned bit;
} g_values[] = {
	{ "header", PRIVACY_HEADER },     { "session", PRIVACY_SESSION },
	{ "user", PRIVACY_USER },         { "id", PRIVACY_ID },
	{ "history", PRIVACY_HISTORY },   { "none", PRIVACY_NONE },
	{ "critical", PRIVACY_CRITICAL },
};

static unsigned privacy_bit(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(g_values); i++) {
		if (bytes_iis(name, g_values[i].name))
			return g_values[i].bit;
	}
	return 0;
}

int privacy_parse(struct bytes value, unsigned *privacy)
{
	struct bytes one;
	unsigned found = 0;

	if (!bytes_trim(value).n)
		return -EINVAL;
	while (bytes_cut(&value, ';', &one)) {
		if (!lex_is_token(bytes_trim(one)))
			return -EINVAL;
		found |= privacy_bit(bytes_trim(one));
	}
	*privacy = found;
	return 0;
}

unsigned privacy_of(const struct sip_message *m)
{
	unsigned all = 0, one;
	struct bytes value;

	for (unsigned i = 0; message_header(m, "Privacy", i, &value); i++)
		all |= privacy_parse(value, &one) ? PRIVACY_HEADER | PRIVACY_USER | PRIVACY_ID
						  : one;
	return all;
}

void privacy_write(struct writer *w, unsigned privacy)
{
	const char *before = "";

	for (size_t i = 0; i < COUNT_OF(g_values); i++) {
		if (!(privacy & g_values[i].bit))
			continue;
		WRITER_TEXTS(w, before, g_values[i].name);
		before = ";";
	}
}
