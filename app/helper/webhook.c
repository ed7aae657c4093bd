/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and address rules of requests to web servers of tenants, and how their URLs may be
 * shown. http.c, hooks.c and ws.c sign by it; document fields check URLs by it. Signatures are
 * those of Standard Webhooks and of RFC 9421. Only global addresses may be asked unless the tenant
 * names a network, also behind a translator (RFC 6052), so a tenant cannot reach the operator's own
 * services. Pure.
 */

#include "app/helper/webhook.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET_BEGINS "whsec_"

/* ---- signatures ---- */

static size_t base64_padding(struct bytes text)
{
	size_t n = 0;

	while (n < 2 && n < text.n && text.p[text.n - 1 - n] == '=')
		n++;
	return n;
}

int webhook_secret_read(struct webhook_secret *out, struct bytes text)
{
	uint8_t octets[WEBHOOK_SECRET_TEXT_MAX];
	struct bytes rest = bytes_from(text, strlen(SECRET_BEGINS));
	int n;

	if (!bytes_starts(text, SECRET_BEGINS) || !rest.n || text.n >= WEBHOOK_SECRET_TEXT_MAX)
		return -EINVAL;
	n = rest.n % 4 ? -1 : EVP_DecodeBlock(octets, rest.p, (int)rest.n);
	n -= (int)base64_padding(rest);
	if (n < WEBHOOK_SECRET_MIN || n > WEBHOOK_SECRET_MAX)
		return -EINVAL;
	memcpy(out->octets, octets, (size_t)n);
	out->n = (size_t)n;
	explicit_bzero(octets, sizeof(octets));
	return 0;
}

int webhook_secrets_read(struct webhook_secret out[WEBHOOK_SECRETS_MAX], size_t *count,
			 struct bytes text)
{
	struct bytes one;

	*count = 0;
	while (text.n && bytes_cut(&text, ',', &one)) {
		if (*count == WEBHOOK_SECRETS_MAX || webhook_secret_read(&out[*count], one))
			return -EINVAL;
		(*count)++;
	}
	return 0;
}

void webhook_sign(char out[WEBHOOK_SIGNATURE_MAX], const struct webhook_secret *secret,
		  struct bytes id, uint64_t utc_s, struct bytes body)
{
	size_t room = id.n + body.n + 32;
	uint8_t *text = malloc(room), mac[EVP_MAX_MD_SIZE];
	struct writer w = writer_over(text, text ? room : 0);
	unsigned n = 0;

	writer_bytes(&w, id);
	writer_u8(&w, '.');
	writer_u64(&w, utc_s);
	writer_u8(&w, '.');
	writer_bytes(&w, body);
	out[0] = '\0';
	if (!w.overflow && HMAC(EVP_sha256(), secret->octets, (int)secret->n, w.p, w.n, mac, &n)) {
		memcpy(out, "v1,", 3);
		(void)EVP_EncodeBlock((unsigned char *)out + 3, mac, (int)n);
	}
	free(text);
}

/* RFC 9421 2.3: the signed components in order, and the parameters. */
static void request_params(struct writer *w, uint64_t utc_s)
{
	writer_str(w, "(\"@method\" \"@authority\" \"@request-target\" \"content-digest\" "
		      "\"webhook-id\")");
	writer_number(w, ";created=", utc_s, ";alg=\"hmac-sha256\"");
}

/* RFC 9530. */
static void request_digest(struct writer *w, struct bytes body)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[EVP_MAX_MD_SIZE * 2];
	unsigned n = 0;

	(void)EVP_Digest(body.p, body.n, hash, &n, EVP_sha256(), NULL);
	(void)EVP_EncodeBlock((unsigned char *)text, hash, (int)n);
	WRITER_TEXTS(w, "sha-256=:", text, ":");
}

/* RFC 9421 2.5: the lines that are signed. */
static void request_base(struct writer *w, const struct webhook_request *r)
{
	WRITER_TEXTS(w, "\"@method\": ", r->method, "\n\"@authority\": ");
	webhook_url_host(w, r->url);
	writer_str(w, "\n\"@request-target\": ");
	webhook_url_target(w, r->url);
	writer_str(w, "\n\"content-digest\": ");
	request_digest(w, r->body);
	writer_str(w, "\n\"webhook-id\": ");
	writer_bytes(w, r->id);
	writer_str(w, "\n\"@signature-params\": ");
	request_params(w, r->utc_s);
}

static void request_sign(struct writer *w, const struct webhook_secret *secret, struct bytes base)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	char text[EVP_MAX_MD_SIZE * 2];
	unsigned n = 0;

	(void)HMAC(EVP_sha256(), secret->octets, (int)secret->n, base.p, base.n, mac, &n);
	(void)EVP_EncodeBlock((unsigned char *)text, mac, (int)n);
	WRITER_TEXTS(w, ":", text, ":");
}

/* The label of a signature names its components. */
static void request_signatures(struct writer *w, const struct webhook_secret *secrets, size_t count,
			       const struct webhook_request *r)
{
	size_t room = r->url.n + r->id.n + 512;
	uint8_t *text = malloc(room);
	struct writer base = writer_over(text, text ? room : 0);

	request_base(&base, r);
	writer_str(w, "Content-Digest: ");
	request_digest(w, r->body);
	writer_u8(w, 0);
	for (size_t i = 0; i < count; i++) {
		writer_number(w, i ? ", sig" : "Signature-Input: sig", i + 1, "=");
		request_params(w, r->utc_s);
	}
	writer_u8(w, 0);
	for (size_t i = 0; i < count; i++) {
		writer_number(w, i ? ", sig" : "Signature: sig", i + 1, "=");
		request_sign(w, &secrets[i], writer_done(&base));
	}
	writer_u8(w, 0);
	w->overflow |= base.overflow;
	free(text);
}

void webhook_headers(struct writer *w, const struct webhook_secret *secrets, size_t count,
		     const struct webhook_request *r)
{
	writer_str(w, "webhook-id: ");
	writer_bytes(w, r->id);
	writer_u8(w, 0);
	writer_number(w, "webhook-timestamp: ", r->utc_s, "");
	writer_u8(w, 0);
	for (size_t i = 0; i < count; i++) {
		char one[WEBHOOK_SIGNATURE_MAX];

		webhook_sign(one, &secrets[i], r->id, r->utc_s, r->body);
		WRITER_TEXTS(w, i ? " " : "webhook-signature: ", one);
	}
	if (!count)
		return;
	writer_u8(w, 0);
	request_signatures(w, secrets, count, r);
}

/* ---- addresses that may be asked ---- */

int webhook_networks_read(struct webhook_network out[WEBHOOK_NETWORKS_MAX], size_t *count,
			  struct bytes text)
{
	struct bytes one;

	*count = 0;
	while (text.n && bytes_cut(&text, ',', &one)) {
		struct webhook_network *to = &out[*count];
		size_t slash = bytes_find(one, '/');
		uint32_t bits, most;

		if (*count == WEBHOOK_NETWORKS_MAX)
			return -ENOSPC;
		if (addr_parse(&to->net, bytes_sub(one, 0, slash)) || to->net.port || to->net.scope)
			return -EINVAL;
		most = bits = to->net.family == ADDR_V4 ? 32 : 128;
		if (slash < one.n && (bytes_u32(bytes_from(one, slash + 1), &bits) || bits > most))
			return -EINVAL;
		to->bits = (uint8_t)bits;
		(*count)++;
	}
	return 0;
}

/* Special addresses (RFC 6890) that are not global and that base/addr.h does not know. */
#define NOT_GLOBAL                                                                               \
	"0.0.0.0/8,192.0.0.0/24,192.0.2.0/24,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,"      \
	"240.0.0.0/4,::/96,64:ff9b:1::/48,100::/64,2001::/23,2001:db8::/32,2002::/16,5f00::/16," \
	"fec0::/10"

static bool is_within_any(const struct addr *a, const struct webhook_network *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_is_within(a, &list[i].net, list[i].bits))
			return true;
	}
	return false;
}

static bool is_global(const struct addr *a)
{
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	size_t count;

	return !webhook_networks_read(list, &count, BYTES_LIT(NOT_GLOBAL)) &&
	       !is_within_any(a, list, count) && !addr_is_any(a) && !addr_is_loopback(a) &&
	       !addr_is_private(a) && !addr_is_multicast(a);
}

/* The address that a translator (RFC 6052) would ask. */
static struct addr translated(const struct addr *a)
{
	static const uint8_t prefix[12] = { 0, 0x64, 0xff, 0x9b };
	struct addr out = *a;

	if (a->family == ADDR_V6 && !memcmp(a->ip, prefix, sizeof(prefix)))
		addr_set_v4(&out, a->ip + sizeof(prefix), a->port);
	return out;
}

bool webhook_allowed(const struct addr *a, bool own, const struct webhook_network *networks,
		     size_t count)
{
	struct addr to = translated(a);

	return is_within_any(&to, networks, count) || (is_global(&to) && !own);
}

/* ---- URLs ---- */

struct bytes webhook_url_authority(struct bytes url, struct bytes *path)
{
	size_t begin = bytes_find(url, ':'), end = 0, at = 0;
	struct bytes rest = bytes_from(url, begin < url.n ? begin + 3 : 0);

	while (end < rest.n && !strchr("/?#", rest.p[end])) {
		at = rest.p[end] == '@' ? end + 1 : at;
		end++;
	}
	*path = bytes_from(rest, end);
	return bytes_sub(rest, at, end - at);
}

void webhook_url_host(struct writer *w, struct bytes url)
{
	bool plain = bytes_starts(url, "http:") || bytes_starts(url, "ws:");
	const char *usual = plain ? ":80" : ":443";
	struct bytes path, host = webhook_url_authority(url, &path);
	size_t n = strlen(usual);

	if (host.n > n && bytes_is(bytes_from(host, host.n - n), usual))
		host.n -= n;
	for (size_t i = 0; i < host.n; i++)
		writer_u8(w, (uint8_t)tolower(host.p[i]));
}

void webhook_url_target(struct writer *w, struct bytes url)
{
	struct bytes path;

	(void)webhook_url_authority(url, &path);
	path = bytes_sub(path, 0, bytes_find(path, '#'));
	writer_str(w, path.n && path.p[0] == '/' ? "" : "/");
	writer_bytes(w, path);
}

bool webhook_url_allowed(struct bytes url, struct bytes networks)
{
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	struct bytes path, host = webhook_url_authority(url, &path);
	struct addr a;
	size_t count;

	return addr_parse(&a, host) || (!webhook_networks_read(list, &count, networks) &&
					webhook_allowed(&a, false, list, count));
}

void webhook_url_shown(struct writer *w, struct bytes url)
{
	struct bytes path, host = webhook_url_authority(url, &path);
	size_t scheme = bytes_find(url, ':');

	writer_bytes(w, bytes_sub(url, 0, scheme < url.n ? scheme + 3 : 0));
	writer_bytes(w, host);
	path = bytes_sub(path, 0, bytes_find(path, '?'));
	writer_bytes(w, bytes_sub(path, 0, bytes_find(path, '#')));
}

static void query_masked(struct writer *w, struct bytes query)
{
	struct bytes one;

	for (bool first = true; bytes_cut(&query, '&', &one); first = false) {
		size_t n = bytes_find(one, '=');

		writer_str(w, first ? "?" : "&");
		writer_bytes(w, n < one.n ? bytes_sub(one, 0, n + 1) : (struct bytes){ 0 });
		writer_str(w, one.n ? WEBHOOK_URL_MASK : "");
	}
}

void webhook_url_masked(struct writer *w, struct bytes text, bool whole)
{
	size_t scheme = bytes_find(text, ':'), query;
	struct bytes path, host, head;

	if (!scheme || scheme + 3 > text.n || memcmp(text.p + scheme, "://", 3)) {
		writer_bytes(w, text);
		return;
	}
	host = webhook_url_authority(text, &path);
	head = bytes_sub(text, 0, scheme + 3);
	writer_bytes(w, head);
	writer_str(w, whole && host.p > head.p + head.n ? WEBHOOK_URL_MASK "@" : "");
	writer_bytes(w, host);
	if (!whole) {
		writer_str(w, "/…");
		return;
	}
	query = bytes_find(path, '#');
	head = bytes_sub(path, 0, query);
	writer_bytes(w, bytes_sub(head, 0, bytes_find(head, '?')));
	query_masked(w, bytes_from(head, bytes_find(head, '?') + 1));
	writer_str(w, query < path.n ? "#" WEBHOOK_URL_MASK : "");
}
