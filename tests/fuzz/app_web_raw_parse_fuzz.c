/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of requests that libwebsockets does not read. Oracle: what is taken has a method, a path without control characters and dot segments, fields
 * that lie within the head, and no transfer coding; written anew from what was read it is read as the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/web/web_raw_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_within(struct bytes part, const uint8_t *text, size_t n)
{
	assert(!part.n || (part.p >= text && part.p + part.n <= text + n));
	assert(!memchr(part.p ? part.p : text, '\n', part.n));
}

static void again(const struct web_raw_head *h)
{
	uint8_t *text = malloc(4 * WEB_RAW_HEAD_MAX);
	struct writer w = writer_over(text, 4 * WEB_RAW_HEAD_MAX);
	struct web_raw_head same;

	WRITER_TEXTS(&w, h->method, " ");
	for (size_t i = 0; i < h->path.n; i++)
		writer_fmt(&w, h->path.p[i] == '/' ? "/" : "%%%02X", h->path.p[i]);
	writer_fmt(&w, " HTTP/1.1\r\nHost: x\r\nContent-Length: %llu\r\nDepth: ",
		   (unsigned long long)h->length);
	writer_bytes(&w, h->depth);
	writer_str(&w, "\r\nAuthorization: ");
	writer_bytes(&w, h->authorization);
	writer_str(&w, "\r\n\r\n");
	assert(!w.overflow);
	if (h->path.n < 300) {
		assert(!web_raw_head_parse(text, w.n, &same));
		assert(bytes_eq(same.path, h->path) && same.length == h->length &&
		       !strcmp(same.method, h->method));
		assert(bytes_eq(same.depth, h->depth) &&
		       bytes_eq(same.authorization, h->authorization));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size < WEB_RAW_HEAD_MAX ? size : WEB_RAW_HEAD_MAX;
	uint8_t *text = malloc(n + 1);
	struct web_raw_head h;
	struct bytes rest, part;
	unsigned status;

	assert(text);
	memcpy(text, data, n);
	status = web_raw_head_parse(text, n, &h);
	assert(!status || (status >= 400 && status < 600));
	if (!status) {
		assert(h.method[0] && h.path.n && h.path.p[0] == '/');
		lies_within(h.authorization, text, n);
		lies_within(h.depth, text, n);
		lies_within(h.if_match, text, n);
		for (rest = h.path; bytes_cut(&rest, '/', &part);)
			assert(!bytes_is(part, ".") && !bytes_is(part, ".."));
		for (size_t i = 0; i < h.path.n; i++)
			assert(h.path.p[i] >= 0x20 && h.path.p[i] != 0x7f);
		again(&h);
	}
	free(text);
	return 0;
}
