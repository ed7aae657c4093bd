/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets to web applications, one for each call that uses one. libcurl resolves, connects and
 * has TLS; frames are ws_frame.h. A request is a message, as for a webhook, and its answer has the
 * same id. The application may send verbs at any time. A lost connection is opened again, until the
 * call is over.
 *
 * link:  args: call's application (url, networks, secret, body): a call of another process
 * continues here.
 * tell:  args: call, message; leave: true: the call is over.
 * {"told":CALL,"verbs":[...],"again":{...}}  to the node: verbs that replace what the call does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "app/helper/helper.h"
#include "app/helper/ws_frame.h"

enum {
	WS_WAITS_MAX = 4,
	WS_OUT_MAX = 4 * WS_PAYLOAD_MAX,
	WS_PIECE = 16384,
	WS_CONNECT_MS = 5000,
	WS_PING_MS = 20000,
	WS_SILENT_MS = 60000,
	WS_AGAIN_MS = 500,
	WS_DOUBLINGS_MAX = 5,
	WS_LEAVE_MS = 1000,
	WS_NORMAL = 1000, /* RFC 6455 7.4.1 */
};

enum ws_state {
	WS_LOST, /* it is opened again in time, or for a request */
	WS_CONNECTS,
	WS_SHAKES_HANDS,
	WS_OPEN,
	WS_LEAVES, /* nothing more is sent */
};

struct ws_buffer {
	uint8_t *p;
	size_t n, cap;
};

struct ws_wait {
	struct helper_request *r; /* NULL: free */
	char *message;
};

struct ws_link {
	struct ws_link *next;
	struct helper *helper;
	enum ws_state state;
	char call[16];
	char *url;
	struct http_gate gate;
	json_t *facts, *again; /* of the call, and what its lists of verbs end with */
	CURL *easy;
	curl_socket_t fd;
	struct curl_waitfd *wait;
	char key[WS_KEY_MAX];
	uint64_t until_ns, last_received_ns;
	unsigned tries;
	bool overflow; /* nobody reads, or there is no memory */
	struct ws_buffer in, out, message;
	struct ws_wait waits[WS_WAITS_MAX];
};

/* ---- buffers ---- */

static bool buffer_put(struct ws_buffer *b, const void *p, size_t n, size_t most)
{
	size_t cap = b->cap ? b->cap : 1024;
	uint8_t *more;

	if (b->n + n > most)
		return false;
	while (cap < b->n + n)
		cap *= 2;
	more = cap > b->cap ? realloc(b->p, cap) : b->p;
	if (!more)
		return false;
	b->p = more;
	b->cap = cap;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return true;
}

static void buffer_drop(struct ws_buffer *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

static void buffer_clear(struct ws_buffer *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct ws_buffer){ 0 };
}

/* NULL: no memory. */
static char *ws_copy(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = malloc(n);

	if (copy)
		memcpy(copy, text, n);
	return copy;
}

/* ---- one connection ---- */

bool ws_is(const char *url)
{
	return !strncmp(url, "ws://", 5) || !strncmp(url, "wss://", 6);
}

static void ws_hang_up(struct ws_link *l)
{
	if (l->easy) {
		(void)curl_multi_remove_handle(l->helper->multi, l->easy);
		curl_easy_cleanup(l->easy);
	}
	l->easy = NULL;
	l->wait = NULL;
	l->overflow = false;
	buffer_clear(&l->in);
	buffer_clear(&l->out);
	buffer_clear(&l->message);
}

/* Fails its waiting requests, which may be asked again at once:
 * over a new connection, or at another application. */
static void ws_lose(struct ws_link *l, const char *reason, const char *detail, bool again)
{
	struct ws_wait waits[WS_WAITS_MAX];
	uint64_t ms = (uint64_t)WS_AGAIN_MS
		      << (l->tries < WS_DOUBLINGS_MAX ? l->tries : WS_DOUBLINGS_MAX);

	ws_hang_up(l);
	l->state = WS_LOST;
	l->tries++;
	l->until_ns = clock_now_ns() + ms * NS_PER_MS;
	memcpy(waits, l->waits, sizeof(waits));
	memset(l->waits, 0, sizeof(l->waits));
	for (size_t i = 0; i < WS_WAITS_MAX; i++) {
		free(waits[i].message);
		if (waits[i].r)
			http_reply(l->helper, waits[i].r, NULL, reason, detail, again);
	}
}

/* The URL for libcurl, which knows no ws in this version. */
static bool ws_url_set(struct ws_link *l)
{
	size_t room = strlen(l->url) + sizeof("http");
	char *url = malloc(room);
	bool ok = url != NULL;

	if (ok)
		(void)snprintf(url, room, "http%s", l->url + strlen("ws"));
	ok = ok && curl_easy_setopt(l->easy, CURLOPT_URL, url) == CURLE_OK;
	free(url);
	return ok;
}

static void ws_connect(struct ws_link *l)
{
	l->easy = curl_easy_init();
	l->state = WS_CONNECTS;
	l->until_ns = clock_now_ns() + WS_CONNECT_MS * NS_PER_MS;
	if (!l->easy || !ws_url_set(l))
		return; /* its time runs */
	http_gate_set(l->easy, &l->gate);
	(void)curl_easy_setopt(l->easy, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(l->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)WS_CONNECT_MS);
	(void)curl_multi_add_handle(l->helper->multi, l->easy);
}

/* What waits goes out, as far as the server reads. */
static void ws_flush(struct ws_link *l)
{
	size_t sent = 1;

	while (l->out.n && sent) {
		sent = 0;
		if (curl_easy_send(l->easy, l->out.p, l->out.n, &sent) != CURLE_OK)
			sent = 0; /* what is wrong is seen by who reads */
		buffer_drop(&l->out, sent);
	}
}

static void ws_send(struct ws_link *l, enum ws_opcode opcode, struct bytes payload)
{
	size_t room = payload.n + WS_FRAME_HEAD_MAX;
	uint8_t *frame = malloc(room), mask[4] = { 0 };
	struct writer w = writer_over(frame, frame ? room : 0);

	(void)RAND_bytes(mask, sizeof(mask));
	ws_frame_write(&w, opcode, payload, mask);
	if (w.overflow || !buffer_put(&l->out, frame, w.n, WS_OUT_MAX))
		l->overflow = true;
	free(frame);
	ws_flush(l);
}

static void ws_say(struct ws_link *l, const json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	if (text)
		ws_send(l, WS_TEXT, bytes_str(text));
	free(text);
}

/* ---- handshake ---- */

static void ws_shake_hands(struct ws_link *l)
{
	struct curl_slist *headers = NULL;
	uint8_t nonce[16], head[4096];
	struct writer w = writer_over(head, sizeof(head));

	(void)RAND_bytes(nonce, sizeof(nonce));
	(void)EVP_EncodeBlock((unsigned char *)l->key, nonce, sizeof(nonce));
	writer_str(&w, "GET ");
	webhook_url_target(&w, bytes_str(l->url));
	writer_str(&w, " HTTP/1.1\r\nHost: ");
	webhook_url_host(&w, bytes_str(l->url));
	WRITER_TEXTS(&w,
		     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ", l->key,
		     "\r\nSec-WebSocket-Version: 13\r\nUser-Agent: tandem/" TANDEM_VERSION "\r\n");
	if (!http_signed(&headers, &l->gate, l->call, "GET", l->url, (struct bytes){ 0 }))
		l->overflow = true;
	for (const struct curl_slist *one = headers; one; one = one->next)
		WRITER_TEXTS(&w, one->data, "\r\n");
	curl_slist_free_all(headers);
	writer_str(&w, "\r\n");
	l->overflow |= w.overflow || !buffer_put(&l->out, head, w.n, WS_OUT_MAX);
	l->state = WS_SHAKES_HANDS;
	ws_flush(l);
}

bool ws_connected(struct helper *h, CURL *easy, CURLcode code)
{
	struct ws_link *l = h->links;
	const char *text = curl_easy_strerror(code), *reason;

	while (l && l->easy != easy)
		l = l->next;
	if (!l)
		return false;
	if (code == CURLE_OK &&
	    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &l->fd) == CURLE_OK &&
	    l->fd != CURL_SOCKET_BAD) {
		ws_shake_hands(l);
		return true;
	}
	reason = http_why(code, &l->gate, &text);
	ws_lose(l, reason, text, !strcmp(reason, "unreachable"));
	return true;
}

/* It is up: sends pending requests, or else the state of the call. */
static void ws_opened(struct ws_link *l)
{
	bool asked = false;

	l->state = WS_OPEN;
	l->tries = 0;
	l->last_received_ns = clock_now_ns();
	l->until_ns = l->last_received_ns + WS_PING_MS * NS_PER_MS;
	for (size_t i = 0; i < WS_WAITS_MAX; i++) {
		if (l->waits[i].r) {
			ws_send(l, WS_TEXT, bytes_str(l->waits[i].message));
			asked = true;
		}
	}
	if (!asked)
		ws_say(l, l->facts);
}

/* ---- messages ---- */

static struct helper_request *ws_waits(const struct ws_link *l, const char *id)
{
	for (size_t i = 0; id && i < WS_WAITS_MAX; i++) {
		json_t *asked = l->waits[i].r ? json_loads(l->waits[i].message, 0, NULL) : NULL;
		const char *its = json_string_value(json_object_get(asked, "id"));
		bool is = its && !strcmp(its, id);

		json_decref(asked);
		if (is)
			return l->waits[i].r;
	}
	return NULL;
}

static void ws_on_message(struct ws_link *l, struct bytes text)
{
	json_t *message = json_loadb((const char *)text.p, text.n, 0, NULL);
	json_t *answer = json_object_get(message, "answer"),
	       *verbs = json_object_get(message, "verbs");
	struct helper_request *r = ws_waits(l, json_string_value(json_object_get(message, "id")));

	if (json_is_array(verbs))
		child_peer_send(&l->helper->link, json_pack("{s:s, s:O, s:O?}", "told", l->call,
							    "verbs", verbs, "again", l->again));
	else if (r && (json_is_object(answer) || json_is_array(answer)))
		http_reply(l->helper, r, json_incref(answer), NULL, "", false);
	else if (!json_is_object(message) || r)
		ws_lose(l, "no_json", "a message is no object with id and answer, or verbs", false);
	json_decref(message); /* else nobody waits for it any more */
}

/* False: the connection is gone. */
static bool ws_on_frame(struct ws_link *l, const struct ws_frame *f)
{
	struct ws_buffer whole;

	switch (f->opcode) {
	case WS_PING:
		ws_send(l, WS_PONG, f->payload);
		return true;
	case WS_PONG:
		return true;
	case WS_CLOSE:
		ws_send(l, WS_CLOSE, bytes_sub(f->payload, 0, 2));
		ws_lose(l, "unreachable", "it has closed the connection", true);
		return false;
	case WS_BINARY:
		ws_lose(l, "no_json", "a message is binary", false);
		return false;
	case WS_TEXT:
	case WS_MORE:
		break;
	}
	if (!buffer_put(&l->message, f->payload.p, f->payload.n, WS_PAYLOAD_MAX)) {
		ws_lose(l, "too_long", "a message is longer than 65536 octets", false);
		return false;
	}
	if (!f->last)
		return true;
	whole = l->message;
	l->message = (struct ws_buffer){ 0 };
	ws_on_message(l, bytes_mem(whole.p, whole.n));
	buffer_clear(&whole);
	return l->state == WS_OPEN;
}

static void ws_on_head(struct ws_link *l)
{
	char detail[64];
	long status;
	int used = ws_head_read(bytes_mem(l->in.p, l->in.n), l->key, &status);

	if (used > 0) {
		buffer_drop(&l->in, (size_t)used);
		ws_opened(l);
	} else if (used < 0) {
		(void)snprintf(detail, sizeof(detail), "it answers %ld, and no WebSocket", status);
		ws_lose(l, "status", detail, status >= 500 || status == 408 || status == 429);
	}
}

static void ws_on_octets(struct ws_link *l)
{
	struct ws_frame f;
	int used = 1;

	if (l->state == WS_SHAKES_HANDS)
		ws_on_head(l);
	while (l->state == WS_OPEN && used > 0) {
		used = ws_frame_read(bytes_mem(l->in.p, l->in.n), &f);
		if (used == -EMSGSIZE)
			ws_lose(l, "too_long", "a message is longer than 65536 octets", false);
		else if (used < 0)
			ws_lose(l, "no_json", "it speaks no WebSocket", false);
		else if (used > 0 && ws_on_frame(l, &f))
			buffer_drop(&l->in, (size_t)used);
	}
}

static void ws_read(struct ws_link *l)
{
	static uint8_t piece[WS_PIECE];
	CURLcode code = CURLE_OK;
	size_t n = 1;

	while (l->state >= WS_SHAKES_HANDS && code == CURLE_OK && n) {
		n = 0;
		code = curl_easy_recv(l->easy, piece, sizeof(piece), &n);
		if (code == CURLE_AGAIN)
			return;
		if (code != CURLE_OK || !n) {
			ws_lose(l, "unreachable", "the connection is lost", true);
			return;
		}
		l->last_received_ns = clock_now_ns();
		if (buffer_put(&l->in, piece, n, WS_PAYLOAD_MAX + WS_HEAD_MAX + WS_PIECE))
			ws_on_octets(l);
		else
			l->overflow = true;
	}
}

/* ---- all of them ---- */

static struct ws_link *ws_of_call(const struct helper *h, const char *call)
{
	struct ws_link *l = h->links;

	while (l && (strcmp(l->call, call) != 0 || l->state == WS_LEAVES))
		l = l->next;
	return l;
}

static void ws_link_free(struct ws_link *l)
{
	ws_hang_up(l);
	for (size_t i = 0; i < WS_WAITS_MAX; i++)
		free(l->waits[i].message);
	json_decref(l->facts);
	json_decref(l->again);
	free(l->url);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

static void ws_link_drop(struct helper *h, struct ws_link *gone)
{
	struct ws_link **at = &h->links;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	h->link_count--;
	ws_link_free(gone);
}

/* The state of the call for a reconnection, and the end of its lists of verbs. */
static void ws_link_facts(struct ws_link *l, const json_t *args)
{
	json_t *facts = json_copy(json_object_get(args, "body"));

	json_decref(l->facts);
	json_decref(l->again);
	(void)json_object_del(facts, "data");
	(void)json_object_del(facts, "id");
	(void)json_object_set_new(facts, "type", json_string("flow.resumed"));
	l->facts = facts;
	l->again = http_again(args, l->url);
}

static struct ws_link *ws_link_new(struct helper *h, const char *call, const char *url,
				   const json_t *args)
{
	struct ws_link *l = h->link_count < HELPER_LINKS_MAX ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	l->helper = h;
	l->url = ws_copy(url);
	if (!l->url || bytes_cstr(bytes_str(call), l->call, sizeof(l->call)) ||
	    !http_gate_read(&l->gate, args)) {
		ws_link_free(l);
		return NULL;
	}
	l->next = h->links;
	h->links = l;
	h->link_count++;
	return l;
}

/* Another application of the same call. */
static bool ws_link_turn(struct ws_link *l, const char *url, const json_t *args)
{
	char *copy = ws_copy(url);

	ws_hang_up(l);
	for (size_t i = 0; i < WS_WAITS_MAX; i++) {
		free(l->waits[i].message);
		l->waits[i] = (struct ws_wait){ 0 };
	}
	l->state = WS_LOST;
	l->tries = 0;
	if (copy) {
		free(l->url);
		l->url = copy;
	}
	return copy && http_gate_read(&l->gate, args);
}

struct ws_link *ws_link_to(struct helper *h, const char *call, const char *url, const json_t *args)
{
	struct ws_link *l = call ? ws_of_call(h, call) : NULL;

	if (l && strcmp(l->url, url) != 0 && !ws_link_turn(l, url, args))
		return NULL;
	if (!l && call)
		l = ws_link_new(h, call, url, args);
	if (!l)
		return NULL;
	ws_link_facts(l, args);
	if (l->state == WS_LOST)
		ws_connect(l);
	return l;
}

void ws_request(struct helper *h, struct ws_link *l, struct helper_request *r, const char *message)
{
	(void)h;
	for (size_t i = 0; i < WS_WAITS_MAX; i++) {
		if (l->waits[i].r)
			continue;
		l->waits[i] = (struct ws_wait){ r, ws_copy(message) };
		if (!l->waits[i].message)
			l->waits[i].r = NULL; /* its time runs */
		else if (l->state == WS_OPEN)
			ws_send(l, WS_TEXT, bytes_str(message));
		return;
	}
}

void ws_forget(struct helper *h, const struct helper_request *r)
{
	for (struct ws_link *l = h->links; l; l = l->next) {
		for (size_t i = 0; i < WS_WAITS_MAX; i++) {
			if (l->waits[i].r == r) {
				free(l->waits[i].message);
				l->waits[i] = (struct ws_wait){ 0 };
			}
		}
	}
}

/* Something is due. False: it is gone. */
static bool ws_on_time(struct ws_link *l, uint64_t now_ns)
{
	switch (l->state) {
	case WS_LOST:
		ws_connect(l);
		return true;
	case WS_CONNECTS:
	case WS_SHAKES_HANDS:
		ws_lose(l, "unreachable", "no connection in time", true);
		return true;
	case WS_OPEN:
		l->until_ns = now_ns + WS_PING_MS * NS_PER_MS;
		if (now_ns - l->last_received_ns > WS_SILENT_MS * NS_PER_MS)
			ws_lose(l, "unreachable", "it is silent", true);
		else
			ws_send(l, WS_PING, (struct bytes){ 0 });
		return true;
	case WS_LEAVES:
		break;
	}
	ws_link_drop(l->helper, l);
	return false;
}

uint64_t ws_round(struct helper *h, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (struct ws_link *l = h->links, *next; l; l = next) {
		next = l->next;
		if (l->overflow && l->state != WS_LEAVES)
			ws_lose(l, "unreachable", "it does not read", false);
		if (l->until_ns <= now_ns && !ws_on_time(l, now_ns))
			continue;
		next_ns = l->until_ns < next_ns ? l->until_ns : next_ns;
	}
	return next_ns;
}

unsigned ws_watch(const struct helper *h, struct curl_waitfd *wait, unsigned most)
{
	unsigned n = 0;

	for (struct ws_link *l = h->links; l && n < most; l = l->next) {
		l->wait = NULL;
		if (l->state < WS_SHAKES_HANDS || !l->easy)
			continue;
		l->wait = &wait[n++];
		*l->wait = (struct curl_waitfd){
			.fd = l->fd,
			.events = (short)(CURL_WAIT_POLLIN | (l->out.n ? CURL_WAIT_POLLOUT : 0))
		};
	}
	return n;
}

void ws_read_all(struct helper *h)
{
	for (struct ws_link *l = h->links, *next; l; l = next) {
		next = l->next;
		if (!l->wait || !l->wait->revents)
			continue;
		l->wait = NULL;
		ws_flush(l);
		if (l->state != WS_LEAVES)
			ws_read(l);
	}
}

void ws_close_all(struct helper *h)
{
	while (h->links)
		ws_link_drop(h, h->links);
}

/* ---- kinds ---- */

static void link_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	const char *url = json_string_value(json_object_get(args, "url"));
	const char *call =
		json_string_value(json_object_get(json_object_get(args, "body"), "call"));

	if (url && ws_is(url) && ws_link_to(h, call, url, args))
		helper_answer(h, r, json_object());
	else
		helper_fail(h, r, "no room for a connection");
}

static void ws_leave(struct ws_link *l)
{
	static const uint8_t normal[] = { WS_NORMAL >> 8, WS_NORMAL & 0xff };

	if (l->state == WS_OPEN)
		ws_send(l, WS_CLOSE, bytes_mem(normal, sizeof(normal)));
	l->state = WS_LEAVES;
	l->until_ns = clock_now_ns() + WS_LEAVE_MS * NS_PER_MS;
}

static void send_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	const char *call = json_string_value(json_object_get(args, "call"));
	struct ws_link *l = call ? ws_of_call(h, call) : NULL;

	if (l && l->state == WS_OPEN)
		ws_say(l, json_object_get(args, "message"));
	if (l && json_is_true(json_object_get(args, "leave")))
		ws_leave(l);
	helper_answer(h, r, json_object());
}

static void nothing_end(struct helper *h, struct helper_request *r)
{
	(void)h;
	(void)r;
}

const struct helper_kind g_helper_link = { .name = "link",
					   .begin = link_start,
					   .end = nothing_end };
const struct helper_kind g_helper_send = { .name = "tell",
					   .begin = send_start,
					   .end = nothing_end };
