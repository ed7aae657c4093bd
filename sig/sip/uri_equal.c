/* SPDX-License-Identifier: Apache-2.0 */
/* When two URIs are the same (RFC 3261 19.1.4). Pure. */
#include "sig/sip/lex.h"
#include "sig/sip/message.h"

static uint8_t fold(uint8_t c, bool any_case)
{
	return any_case && c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool equal_escaped(struct bytes a, struct bytes b, bool any_case)
{
	while (a.n && b.n) {
		if (fold(lex_octet(&a), any_case) != fold(lex_octet(&b), any_case))
			return false;
	}
	return a.n == b.n;
}

/* These count also when only one of the two has them. */
static bool param_must_match(struct bytes name)
{
	static const char *const names[] = { "user", "ttl", "method", "maddr", "transport" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (bytes_iis(name, names[i]))
			return true;
	}
	return false;
}

static bool param_find(struct bytes params, struct bytes name, struct bytes *value)
{
	struct lex_param param;

	while (lex_param(&params, &param) == 1) {
		if (bytes_ieq(param.name, name)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

/* What a has does not contradict b. */
static bool params_fit(struct bytes a, struct bytes b)
{
	struct lex_param param;
	struct bytes value;

	while (lex_param(&a, &param) == 1) {
		if (param_find(b, param.name, &value)) {
			if (!equal_escaped(param.value, value, true))
				return false;
		} else if (param_must_match(param.name)) {
			return false;
		}
	}
	return true;
}

static bool header_in(struct bytes header, struct bytes list)
{
	struct bytes other;

	while (bytes_cut(&list, '&', &other)) {
		if (equal_escaped(header, other, true))
			return true;
	}
	return false;
}

static bool headers_in(struct bytes a, struct bytes b)
{
	struct bytes header;
	struct bytes rest = a;

	while (bytes_cut(&rest, '&', &header)) {
		if (!header_in(header, b))
			return false;
	}
	return true;
}

/* User and password. */
static struct bytes uri_equal_userinfo(const struct sip_uri *u)
{
	struct bytes rest;

	if (u->user.n == 0)
		return u->user;
	rest = bytes_from(u->all, (size_t)(u->user.p - u->all.p));
	return u->host.n ? bytes_sub(rest, 0, bytes_find(rest, '@')) : u->user;
}

/* 2001:db8::1 has many spellings. */
static bool host_equal(struct bytes a, struct bytes b)
{
	struct addr x;
	struct addr y;

	if (bytes_ieq(a, b))
		return true;
	return bytes_find(a, ':') < a.n && !addr_parse(&x, a) && !addr_parse(&y, b) &&
	       addr_eq(&x, &y);
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (bytes_eq(a->all, b->all)) /* all there is to say of a scheme that we do not read */
		return true;
	if (!bytes_ieq(a->scheme, b->scheme) || (a->host.n == 0 && a->user.n == 0))
		return false;
	return equal_escaped(uri_equal_userinfo(a), uri_equal_userinfo(b), false) &&
	       host_equal(a->host, b->host) && a->port == b->port &&
	       params_fit(a->params, b->params) && params_fit(b->params, a->params) &&
	       headers_in(a->headers, b->headers) && headers_in(b->headers, a->headers);
}
