/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts a push to the push service of a browser (RFC 8030 5), encrypted for that browser alone
 * (push_seal.c). The address of the service is checked as that of a webhook is, its certificate is
 * verified, and no redirect is followed. One try: a push for a call that rings is of no use later.
 *
 * args: url, p256dh, auth, key (the private one of VAPID), all but url in base64url; contact,
 * networks, body, topic, ttl_s.
 * result: status (of HTTP; 0: none), ms; reason (a word) and detail where it was not taken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/helper/helper.h"
#include "app/helper/push_seal.h"
#include "base/base64url.h"
#include "base/json_member.h"
#include "base/rand.h"

enum { PUSH_HEADER_MAX = PUSH_VAPID_MAX + 32, PUSH_GOOD_S = 12 * 3600, PUSH_ANSWER_MAX = 65536 };

struct push {
	CURL *easy;
	struct curl_slist *headers;
	struct http_gate gate;
	uint64_t begin_ns;
	size_t received;
	char error[CURL_ERROR_SIZE];
	uint8_t body[PUSH_BODY_MAX];
	size_t n;
};

static bool push_arg(const json_t *args, const char *name, uint8_t *out, size_t size)
{
	size_t n;

	return !base64url_decode(bytes_str(json_text(args, name)), out, size, &n) && n == size;
}

/* False: the arguments are wrong, or no memory. */
static bool push_body(struct push *p, const json_t *args)
{
	struct push_content c = { .plain = bytes_str(json_text(args, "body")) };
	struct writer w = writer_over(p->body, sizeof(p->body));
	struct rand_source rand;
	uint8_t scalar[PUSH_SCALAR];
	bool ok = push_arg(args, "p256dh", c.receiver, PUSH_POINT) &&
		  push_arg(args, "auth", c.auth, PUSH_AUTH);

	rand_open_system(&rand);
	rand_fill(&rand, scalar, sizeof(scalar));
	rand_fill(&rand, c.salt, sizeof(c.salt));
	ok = ok && !push_pair_of(&c.sender, scalar) && !push_encrypt(&w, &c);
	p->n = w.n;
	OPENSSL_cleanse(scalar, sizeof(scalar));
	OPENSSL_cleanse(&rand, sizeof(rand));
	OPENSSL_cleanse(&c, sizeof(c));
	return ok;
}

static bool push_head(struct push *p, const char *name, const char *value)
{
	char line[PUSH_HEADER_MAX];
	struct curl_slist *more = NULL;

	if (snprintf(line, sizeof(line), "%s: %s", name, value) < (int)sizeof(line))
		more = curl_slist_append(p->headers, line);
	if (more)
		p->headers = more;
	return more;
}

/* RFC 8292 2: the audience is the origin of the push service. */
static bool push_vapid(struct push *p, const json_t *args)
{
	const char *url = json_text(args, "url");
	char text[PUSH_VAPID_MAX], space[256];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct writer origin = writer_over(space, sizeof(space));
	uint8_t scalar[PUSH_SCALAR];
	struct push_pair own;
	bool ok;

	writer_str(&origin, bytes_istarts(bytes_str(url), "https:") ? "https://" : "http://");
	webhook_url_host(&origin, bytes_str(url));
	ok = !origin.overflow && push_arg(args, "key", scalar, sizeof(scalar)) &&
	     !push_pair_of(&own, scalar) &&
	     !push_vapid_write(&w, &own, writer_done(&origin), json_text(args, "contact"),
			       clock_utc_ms() / 1000 + PUSH_GOOD_S);
	OPENSSL_cleanse(scalar, sizeof(scalar));
	OPENSSL_cleanse(&own, sizeof(own));
	text[w.n] = '\0';
	return ok && push_head(p, "Authorization", text);
}

static bool push_heads(struct push *p, const json_t *args)
{
	const char *topic = json_text(args, "topic");
	char ttl[24];

	(void)snprintf(ttl, sizeof(ttl), "%" PRIu64, json_count(args, "ttl_s"));
	return push_vapid(p, args) && push_head(p, "TTL", ttl) && push_head(p, "Urgency", "high") &&
	       push_head(p, "Content-Encoding", "aes128gcm") &&
	       push_head(p, "Content-Type", "application/octet-stream") &&
	       (!topic[0] || push_head(p, "Topic", topic)) && push_head(p, "Expect", "");
}

/* Only the status of an answer is used. */
static size_t push_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct push *p = arg;

	(void)data;
	p->received += size * n;
	return p->received > PUSH_ANSWER_MAX ? 0 : size * n;
}

static bool push_open(struct push *p, struct helper_request *r, const json_t *args)
{
	CURL *e = p->easy = curl_easy_init();

	if (!e || !http_gate_read(&p->gate, args) || !push_body(p, args) || !push_heads(p, args))
		return false;
	http_gate_set(e, &p->gate);
	(void)curl_easy_setopt(e, CURLOPT_URL, json_text(args, "url"));
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->headers);
	(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->n);
	(void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, (const char *)p->body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, push_on_octets);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, p);
	return true;
}

static void push_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct push *p = r->work = calloc(1, sizeof(*p));

	if (p)
		p->begin_ns = clock_now_ns();
	if (!p || !push_open(p, r, args) || curl_multi_add_handle(h->multi, p->easy) != CURLM_OK)
		helper_fail(h, r, "the push cannot be made");
}

static void push_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	const struct push *p = r->work;
	const char *text = p->error[0] ? p->error : curl_easy_strerror(code), *word = "status";
	long status = 0;
	json_t *result;

	(void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK && code != CURLE_WRITE_ERROR)
		status = 0; /* an incomplete answer does not count */
	if (!status)
		word = http_why(code, &p->gate, &text);
	result = json_pack("{s:I, s:I}", "status", (json_int_t)status, "ms",
			   (json_int_t)((clock_now_ns() - p->begin_ns) / NS_PER_MS));
	if (status < 200 || status >= 300)
		(void)json_object_update_new(result, json_pack("{s:s, s:s}", "reason", word,
							       "detail", status ? "" : text));
	helper_answer(h, r, result);
}

static void push_end(struct helper *h, struct helper_request *r)
{
	struct push *p = r->work;

	if (!p)
		return;
	if (p->easy)
		(void)curl_multi_remove_handle(h->multi, p->easy);
	curl_easy_cleanup(p->easy);
	curl_slist_free_all(p->headers);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

const struct helper_kind g_helper_push = {
	.name = "push",
	.begin = push_start,
	.fetched = push_fetched,
	.end = push_end,
};
