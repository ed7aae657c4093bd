/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: a list that is written of known parts is read as they are; any other text is read, and one that names gzip or a tag nowhere has
 * neither.
 */
#include <assert.h>
#include <string.h>

#include "app/web/web_api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each octet one part. */
static void check_gzip(struct bytes parts)
{
	static const struct {
		const char *text;
		int takes; /* 1: gzip, 0: it is refused, -1: of something else, 2: of all */
	} part[] = {
		{ "gzip", 1 },          { "br", -1 },       { "gzip;q=0", 0 },      { "*", 2 },
		{ " GZIP ; q=0.5", 1 }, { "identity", -1 }, { "gzip; q=0.000", 0 }, { "*;q=0", -1 },
	};
	char text[512];
	struct writer w = writer_over(text, sizeof(text));
	int takes = -1;
	bool any = false;

	for (size_t i = 0; i < parts.n && i < 20; i++) {
		size_t k = parts.p[i] % COUNT_OF(part);

		WRITER_TEXTS(&w, i ? "," : "", part[k].text);
		if (takes < 0 && part[k].takes >= 0 && part[k].takes < 2)
			takes = part[k].takes;
		any |= part[k].takes == 2;
	}
	assert(web_header_takes_gzip(writer_done(&w)) == (takes >= 0 ? takes == 1 : any));
}

static void check_tags(struct bytes parts)
{
	static const char *const tags[] = { "\"a\"", "W/\"b\"", " \"v1-00\"", "\"\"", "c" };
	char text[512];
	struct writer w = writer_over(text, sizeof(text));
	bool has = false;

	for (size_t i = 0; i < parts.n && i < 20; i++) {
		WRITER_TEXTS(&w, i ? "," : "", tags[parts.p[i] % COUNT_OF(tags)]);
		has |= parts.p[i] % COUNT_OF(tags) == 1;
	}
	assert(web_header_has_tag(writer_done(&w), "\"b\"") == has);
}

/* What is encoded is read as it was, where it is two texts; of any other text nothing is left behind. */
static void check_basic(struct bytes octets)
{
	char plain[128], text[256] = "Basic ", user[64], password[64];
	size_t n = octets.n < sizeof(plain) - 1 ? octets.n : sizeof(plain) - 1;
	bool clean = memchr(octets.p, ':', n) != NULL;
	const char *colon;

	if (n)
		memcpy(plain, octets.p, n);
	plain[n] = '\0';
	for (size_t i = 0; i < n; i++)
		clean &= (uint8_t)plain[i] >= ' ' && plain[i] != 0x7f;
	assert(lws_b64_encode_string(plain, (int)n, text + 6, (int)sizeof(text) - 6) >= 0);
	colon = strchr(plain, ':');
	clean = clean && colon - plain < 64 && strlen(colon + 1) < 64;
	assert(web_basic_parse(bytes_str(text), user, password, sizeof(user)) == clean);
	if (clean)
		assert((size_t)(colon - plain) == strlen(user) &&
		       !memcmp(user, plain, strlen(user)) && !strcmp(password, colon + 1));
	else
		assert(!user[0] && !password[0]);
	if (!web_basic_parse(octets, user, password, sizeof(user)))
		assert(!user[0] && !password[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes text = { data, size };

	check_basic(text);
	check_gzip(text);
	check_tags(text);
	assert(!web_header_takes_gzip(text) || memchr(data, '*', size) || memchr(data, 'z', size) ||
	       memchr(data, 'Z', size));
	assert(!web_header_has_tag(text, "\"tag\"") || memchr(data, '*', size) ||
	       memchr(data, '"', size));
	return 0;
}
