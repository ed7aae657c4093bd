/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that libwebsockets has handed over, for a method that it does not know (web_raw.h).
 * What comes is kept until the head is whole, in a bounded buffer and a bounded time; then it is a
 * request of the HTTP API as any other. Its answer is written here, as the library writes none on
 * such a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "app/web/web_clients.h"
#include "app/web/web_raw.h"
#include "base/clock.h"

enum { RAW_ANSWER_HEAD_MAX = 4096, RAW_READ_S = 10 };

/* Octets up to the body; 0: the head is not whole. */
static size_t raw_head_length(const struct web_raw *r)
{
	for (size_t i = 3; i < r->n; i++) {
		if (!memcmp(r->text + i - 3, "\r\n\r\n", 4))
			return i + 1;
	}
	return 0;
}

static int body_read(struct web_raw *r, struct bytes octets)
{
	size_t n = octets.n < r->left ? octets.n : (size_t)r->left;

	if (!n)
		return 0;
	r->left -= n;
	if (web_query_body(r->query, bytes_sub(octets, 0, n)))
		return -1;
	return r->left ? 0 : web_query_body_end(r->query);
}

static int raw_head_read(struct web_raw *r, struct web_api *api, struct lws *wsi, size_t n)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);
	struct web_raw_head head;
	unsigned status = web_raw_head_parse(r->text, n, &head);

	if (client)
		web_client_on_request(client, clock_now_ns());
	r->left = status ? 0 : head.length;
	if (web_query_on_raw(api, &r->query, wsi, &head, status))
		return -1;
	return body_read(r, bytes_mem(r->text + n, r->n - n));
}

int web_raw_read(struct web_raw *r, struct web_api *api, struct lws *wsi, struct bytes octets)
{
	size_t room = WEB_RAW_HEAD_MAX - r->n, n;

	if (r->query)
		return body_read(r, octets);
	if (!r->text) {
		r->text = malloc(WEB_RAW_HEAD_MAX);
		lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, RAW_READ_S);
	}
	if (!r->text)
		return -1;
	n = octets.n < room ? octets.n : room;
	memcpy(r->text + r->n, octets.p, n);
	r->n += n;
	room = raw_head_length(r);
	if (!room)
		return n < octets.n || r->n == WEB_RAW_HEAD_MAX ? -1 : 0;
	if (raw_head_read(r, api, wsi, room))
		return -1;
	return body_read(r, bytes_from(octets, n));
}

int web_raw_write(struct web_raw *r)
{
	bool done;

	if (!r->query)
		return 0;
	return web_query_send(r->query, &done) || done ? -1 : 0;
}

void web_raw_drop(struct web_raw *r)
{
	web_query_drop(r->query);
	if (r->text)
		explicit_bzero(r->text, r->n); /* it may have a password */
	free(r->text);
	*r = (struct web_raw){ 0 };
}

int web_raw_head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		      const struct web_header *headers)
{
	char buffer[LWS_PRE + RAW_ANSWER_HEAD_MAX];
	struct writer w = writer_over(buffer + LWS_PRE, RAW_ANSWER_HEAD_MAX);

	writer_fmt(&w, "HTTP/1.1 %u %s\r\n", status, status < 400 ? "OK" : "Refused");
	if (type)
		writer_fmt(&w, "content-type: %s\r\ncontent-length: %llu\r\n", type,
			   (unsigned long long)n);
	for (const struct web_header *h = headers; h->name; h++) {
		if (h->value) /* names end with ':' */
			WRITER_TEXTS(&w, h->name, " ", h->value, "\r\n");
	}
	writer_str(&w, "\r\n");
	if (w.overflow)
		return -1;
	return lws_write(wsi, (uint8_t *)buffer + LWS_PRE, w.n, LWS_WRITE_RAW) == (int)w.n ? 0 : -1;
}
