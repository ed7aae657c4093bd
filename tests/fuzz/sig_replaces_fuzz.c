/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces, as a header, and as one of the headers of a URI. What is read lies within what was given and has all three parts; written
 * as RFC 3891 has it, it is read as the same again, and as the same escaped in a URI.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/dialog_name.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_same(const struct replaces *a, const struct replaces *b)
{
	check(bytes_eq(a->call_id, b->call_id), "another Call-ID");
	check(bytes_eq(a->to_tag, b->to_tag) && bytes_eq(a->from_tag, b->from_tag), "other tags");
	check(a->early_only == b->early_only, "early-only");
}

/* Every octet as %xx. */
static size_t escape(char *out, size_t cap, struct bytes in)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < in.n && n + 3 <= cap; i++) {
		out[n++] = '%';
		out[n++] = hex[in.p[i] >> 4];
		out[n++] = hex[in.p[i] & 15];
	}
	return n;
}

static void check_again(const struct replaces *r)
{
	static char text[2 * REPLACES_MAX], uri[8 * REPLACES_MAX], space[REPLACES_MAX];
	struct replaces again;
	int n = snprintf(text, sizeof(text),
			 BYTES_FMT ";to-tag=" BYTES_FMT ";from-tag=" BYTES_FMT "%s",
			 BYTES_ARG(r->call_id), BYTES_ARG(r->to_tag), BYTES_ARG(r->from_tag),
			 r->early_only ? ";early-only" : "");
	size_t used;

	check(!replaces_parse(&again, bytes_mem(text, (size_t)n)), "not read again");
	check_same(r, &again);
	used = (size_t)snprintf(uri, sizeof(uri), "X=1&replaces=");
	used += escape(uri + used, sizeof(uri) - used, bytes_mem(text, (size_t)n));
	if ((size_t)n + 1 >= REPLACES_MAX)
		return;
	check(!replaces_of_uri(&again, bytes_mem(uri, used), space), "not read in a URI");
	check_same(r, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char space[REPLACES_MAX];
	struct bytes in = bytes_mem(data, size < REPLACES_MAX ? size : REPLACES_MAX);
	struct replaces r;

	if (memchr(data, 0, size)) /* no header has one */
		return 0;
	if (!replaces_parse(&r, in)) {
		check(r.call_id.n && r.to_tag.n && r.from_tag.n, "a part is missing");
		check_again(&r);
	}
	if (!replaces_of_uri(&r, in, space))
		check_again(&r);
	return 0;
}
