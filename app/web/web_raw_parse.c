/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request that libwebsockets does not know the method of (web_raw.h): RFC 9112 by
 * http_parser, which is strict. Here are the few header fields that count, each once, and the path,
 * decoded and without dot segments. Heads are anybody's: this is fuzzed.
 */
#include <ctype.h>
#include <http_parser.h>
#include <string.h>

#include "app/web/web_raw_head.h"

enum { RAW_PATH_MAX = 1024 };

struct raw_parse {
	struct web_raw_head *head;
	struct bytes *field; /* that the next value is of; NULL: one that does not count */
	struct bytes url, name;
	bool twice, whole, chunked;
};

static int raw_url(http_parser *p, const char *at, size_t n)
{
	struct raw_parse *r = p->data;

	r->url = bytes_mem(at, n);
	return 0;
}

static int raw_field(http_parser *p, const char *at, size_t n)
{
	struct raw_parse *r = p->data;
	const struct {
		const char *name;
		struct bytes *to;
	} fields[] = {
		{ "authorization", &r->head->authorization },
		{ "content-type", &r->head->content_type },
		{ "if-match", &r->head->if_match },
		{ "if-none-match", &r->head->if_none_match },
		{ "depth", &r->head->depth },
		{ "origin", &r->head->origin },
	};

	r->field = NULL;
	r->chunked |= bytes_iis(bytes_mem(at, n), "transfer-encoding");
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (bytes_iis(bytes_mem(at, n), fields[i].name))
			r->field = fields[i].to;
	}
	r->twice |= r->field && r->field->p;
	return 0;
}

/* A value that is folded comes in parts, and is not read (RFC 9112 5.2). */
static int raw_value(http_parser *p, const char *at, size_t n)
{
	struct raw_parse *r = p->data;

	if (!r->field)
		return 0;
	r->twice |= r->field->p != NULL;
	*r->field = bytes_trim(bytes_mem(at, n));
	return 0;
}

static int raw_whole(http_parser *p)
{
	struct raw_parse *r = p->data;

	r->whole = true;
	return 0;
}

static int raw_hex(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* RFC 3986 2.1, in place. False: it is not encoded rightly, or has a control character. */
static bool path_decode(struct bytes *path)
{
	uint8_t *to = (uint8_t *)(uintptr_t)path->p;
	size_t n = 0;

	for (size_t i = 0; i < path->n; i++) {
		int c = path->p[i];

		if (c == '%') {
			int high = i + 2 < path->n ? raw_hex(path->p[i + 1]) : -1;
			int low = i + 2 < path->n ? raw_hex(path->p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		to[n++] = (uint8_t)c;
	}
	path->n = n;
	return true;
}

static bool path_has_dots(struct bytes path)
{
	struct bytes part;

	while (bytes_cut(&path, '/', &part)) {
		if (bytes_is(part, ".") || bytes_is(part, ".."))
			return true;
	}
	return false;
}

/* The path of an origin form (RFC 9112 3.2.1). */
static unsigned raw_path(struct raw_parse *r)
{
	struct bytes path = { 0 };

	path = bytes_sub(r->url, 0, bytes_find(r->url, '?'));
	if (path.n > RAW_PATH_MAX)
		return 414;
	if (!bytes_starts(path, "/"))
		return 400;
	r->head->path = path;
	/* a "%" at the end needs two more */
	return path_decode(&r->head->path) && !path_has_dots(r->head->path) ? 0 : 400;
}

unsigned web_raw_head_parse(uint8_t *text, size_t n, struct web_raw_head *out)
{
	static const http_parser_settings settings = {
		.on_url = raw_url,
		.on_header_field = raw_field,
		.on_header_value = raw_value,
		.on_headers_complete = raw_whole,
	};
	struct raw_parse r = { .head = out };
	http_parser p;

	*out = (struct web_raw_head){ 0 };
	http_parser_init(&p, HTTP_REQUEST);
	p.data = &r;
	if (http_parser_execute(&p, &settings, (const char *)text, n) != n || p.http_errno)
		return p.http_errno == HPE_INVALID_METHOD    ? 501
		       : p.http_errno == HPE_HEADER_OVERFLOW ? 431
							     : 400;
	if (!r.whole || r.twice || p.upgrade || p.http_major != 1)
		return 400;
	if (r.chunked)
		return 411;
	(void)strncpy(out->method, http_method_str((enum http_method)p.method),
		      sizeof(out->method) - 1);
	out->length = p.content_length == UINT64_MAX ? 0 : p.content_length;
	return raw_path(&r);
}
