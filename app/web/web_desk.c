/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_desk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/web/web_request.h"

enum { BODY_MAX = 1024, HEAD_MAX = 1024, ANSWER_S = 5, PLACE_BITS = 8 };
static_assert(WEB_ASKS_MAX <= 1 << PLACE_BITS, "a place is the last octet of an id");

struct web_place {
	uint64_t id;         /* 0: free */
	struct web_visit *v; /* NULL: it has left before its answer */
};

struct web_desk {
	uint8_t key[WEB_PAGE_KEY_LEN];
	struct web_asks *asks;
	uint64_t asked; /* so far */
	struct web_place places[WEB_ASKS_MAX];
};

struct web_visit {
	struct web_desk *desk;
	struct lws *wsi;
	struct web_page_ask ask;
	struct web_place *place; /* NULL: nothing is awaited */
	size_t body_left;
	unsigned status; /* 0: no answer yet */
	const char *allow;
	bool has_head; /* was sent */
	char link[WEB_PAGE_PATH_MAX];
	size_t link_n, n;
	uint8_t page[LWS_PRE + WEB_PAGE_SIZE_MAX];
};

int web_desk_open(struct web_desk **out, const uint8_t key[WEB_PAGE_KEY_LEN], struct web_asks *asks)
{
	struct web_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	memcpy(d->key, key, sizeof(d->key));
	d->asks = asks;
	*out = d;
	return 0;
}

void web_desk_close(struct web_desk *d)
{
	if (d)
		explicit_bzero(d->key, sizeof(d->key));
	free(d);
}

/* ---- what is sent ---- */

static struct writer visit_writer(struct web_visit *v)
{
	return writer_over(v->page + LWS_PRE, WEB_PAGE_SIZE_MAX);
}

static int visit_answer(struct web_visit *v, unsigned status, const struct writer *w)
{
	v->status = w->overflow ? 500 : status;
	v->n = w->overflow ? 0 : w->n;
	web_request_count(v->status == 200);
	(void)lws_callback_on_writable(v->wsi);
	return 0;
}

static int visit_refuse(struct web_visit *v, unsigned status, const char *text)
{
	struct writer w = visit_writer(v);

	WRITER_TEXTS(&w, text, "\n");
	return visit_answer(v, status, &w);
}

static int visit_header(struct lws *wsi, const char *name, const char *value, uint8_t **p,
			uint8_t *end)
{
	return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
					   (int)strlen(value), p, end);
}

/* Behind a key that was pressed the page is asked for anew, not the key. */
static int visit_header_refresh(const struct web_visit *v, uint8_t **p, uint8_t *end)
{
	char value[WEB_PAGE_PATH_MAX + 32];

	(void)snprintf(value, sizeof(value), "%d; url=%.*s", WEB_PAGE_REFRESH_S, (int)v->link_n,
		       v->link);
	return visit_header(v->wsi, "refresh:", value, p, end);
}

static int visit_head(const struct web_visit *v)
{
	static const char policy[] = "default-src 'none'; form-action 'self'; "
				     "frame-ancestors 'none'";
	uint8_t buffer[LWS_PRE + HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;
	bool ok = v->status == 200;

	if (lws_add_http_common_headers(v->wsi, v->status,
					ok ? "text/html; charset=utf-8" : "text/plain", v->n, &p,
					end) ||
	    visit_header(v->wsi, "cache-control:", "no-store", &p, end) ||
	    visit_header(v->wsi, "connection:", "close", &p, end) ||
	    visit_header(v->wsi, "referrer-policy:", "no-referrer", &p, end) ||
	    visit_header(v->wsi, "x-content-type-options:", "nosniff", &p, end) ||
	    (ok && visit_header(v->wsi, "content-security-policy:", policy, &p, end)) ||
	    (ok && visit_header_refresh(v, &p, end)) ||
	    (v->allow && visit_header(v->wsi, "allow:", v->allow, &p, end)) ||
	    (v->status == 503 && visit_header(v->wsi, "retry-after:", "1", &p, end)) ||
	    lws_finalize_write_http_header(v->wsi, start, &p, end))
		return -1;
	return 0;
}

int web_visit_send(struct web_visit *v)
{
	if (!v->status)
		return 0;
	if (!v->has_head) {
		v->has_head = true;
		(void)lws_callback_on_writable(v->wsi);
		return visit_head(v);
	}
	(void)lws_write(v->wsi, v->page + LWS_PRE, v->n, LWS_WRITE_HTTP_FINAL);
	return -1;
}

/* ---- what is asked ---- */

static struct web_place *desk_place(struct web_desk *d)
{
	for (size_t i = 0; i < WEB_ASKS_MAX; i++) {
		if (!d->places[i].id)
			return &d->places[i];
	}
	return NULL;
}

static int visit_ask(struct web_visit *v)
{
	struct web_desk *d = v->desk;
	struct web_place *place = desk_place(d);
	struct web_asked asked = { .ask = v->ask };

	if (!place)
		return visit_refuse(v, 503, "too many ask at once: try again");
	asked.id = ++d->asked << PLACE_BITS | (uint64_t)(place - d->places);
	*place = (struct web_place){ asked.id, v };
	v->place = place;
	lws_set_timeout(v->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
	web_asks_ask(d->asks, &asked);
	return 0;
}

static int visit_refuse_method(struct web_visit *v, const char *allow)
{
	v->allow = allow;
	return visit_refuse(v, 405, "another method is needed");
}

/* The key was pressed: what its form says beside the path is of no interest. */
static int visit_press(struct web_visit *v)
{
	char length[24] = "";
	uint64_t n;

	if (lws_hdr_copy(v->wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
	    bytes_u64(bytes_str(length), &n))
		return visit_refuse(v, 411, "Content-Length is needed");
	if (n > BODY_MAX)
		return visit_refuse(v, 413, "too long");
	v->body_left = (size_t)n;
	return n ? 0 : visit_ask(v);
}

int web_visit_take(struct web_desk *d, struct web_visit **out, struct lws *wsi, struct bytes path)
{
	struct web_visit *v = calloc(1, sizeof(*v));
	struct bytes link;

	*out = v;
	if (!v)
		return -1;
	v->desk = d;
	v->wsi = wsi;
	if (web_page_parse(d->key, path, &v->ask, &link))
		return visit_refuse(v, 404, "not found");
	memcpy(v->link, link.p, link.n);
	v->link_n = link.n;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI))
		return v->ask.act ? visit_refuse_method(v, "POST") : visit_ask(v);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) || !v->ask.act)
		return visit_refuse_method(v, v->ask.act ? "POST" : "GET");
	return visit_press(v);
}

/* Of one that is answered by now it is thrown away. */
int web_visit_body(struct web_visit *v, size_t n)
{
	if (v->status)
		return 0;
	if (n > v->body_left)
		return -1;
	v->body_left -= n;
	return 0;
}

int web_visit_body_end(struct web_visit *v)
{
	if (v->status || v->place)
		return 0;
	return v->body_left ? -1 : visit_ask(v);
}

void web_visit_drop(struct web_visit *v)
{
	if (!v)
		return;
	if (v->place)
		v->place->v = NULL;
	free(v);
}

/* ---- what is answered ---- */

static void visit_told(struct web_visit *v, const struct web_answered *answered)
{
	struct writer w = visit_writer(v);

	v->place = NULL;
	if (!answered->found) {
		(void)visit_refuse(v, 404, "not found");
		return;
	}
	web_page_write(&w, bytes_mem(v->link, v->link_n), v->ask.of.number, &answered->page);
	(void)visit_answer(v, 200, &w);
}

void web_desk_news(struct web_desk *d)
{
	struct web_answered answered;

	while (web_asks_take(d->asks, &answered)) {
		struct web_place *place = &d->places[answered.id & ((1U << PLACE_BITS) - 1)];
		struct web_visit *v = place->v;

		assert(place->id == answered.id);
		*place = (struct web_place){ 0 };
		if (v)
			visit_told(v, &answered);
	}
}
