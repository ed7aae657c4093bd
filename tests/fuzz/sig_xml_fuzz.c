/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text within XML. What is written has no octet that would end a text or an attribute, is whole UTF-8 by another reader than the
 * writer's, and taken back it is the text again but for what became '?'.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "sig/sip/body.h"

enum { IN_MAX = 512, OUT_MAX = 6 * IN_MAX };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* The octet that begins at *in, which is eaten. */
static uint8_t unescape(struct bytes *in)
{
	static const struct {
		const char *name;
		uint8_t c;
	} list[] = { { "&amp;", '&' },
		     { "&lt;", '<' },
		     { "&gt;", '>' },
		     { "&quot;", '"' },
		     { "&apos;", '\'' } };
	uint8_t c = in->p[0];

	for (size_t i = 0; i < COUNT_OF(list); i++) {
		if (bytes_starts(*in, list[i].name)) {
			*in = bytes_from(*in, strlen(list[i].name));
			return list[i].c;
		}
	}
	check(!strchr("&<>\"'", c) && c >= ' ' && c != 0x7f, "not escaped");
	*in = bytes_from(*in, 1);
	return c;
}

static void check_back(struct bytes in, struct bytes out)
{
	while (out.n) {
		uint8_t c = unescape(&out);

		check(in.n, "more came than was there");
		check(c == in.p[0] || c == '?', "another text");
		in = bytes_from(in, 1);
	}
	check(in.n == 0, "less came than was there");
}

/* The C library's reader, an octet at a time. */
static void check_utf8(struct bytes out)
{
	mbstate_t state = { 0 };
	wchar_t wide;

	while (out.n) {
		size_t n = mbrtowc(&wide, (const char *)out.p, out.n, &state);

		check(n != 0 && n <= out.n, "no UTF-8");
		out = bytes_from(out, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t space[OUT_MAX];
	static const char *locale;
	struct bytes in = bytes_mem(data, size < IN_MAX ? size : IN_MAX);
	struct writer w = writer_over(space, sizeof(space));

	if (!locale)
		locale = setlocale(LC_CTYPE, "C.UTF-8");
	check(locale, "no locale");
	xml_write(&w, in);
	check(!w.overflow, "it fits");
	check_back(in, writer_done(&w));
	check_utf8(writer_done(&w));
	return 0;
}
