/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of message.h (RFC 3261 19.1, RFC 3966). Pure. */
#include <errno.h>

#include "sig/sip/lex.h"
#include "sig/sip/message_head.h"

/* Comparing two URIs takes the product of their parts (uri_equal.c), so there is a limit beyond what anybody needs. */
enum { PARTS_MAX = 16 };

static bool too_many(struct bytes in, uint8_t sep)
{
	unsigned n = 0;

	for (size_t i = 0; i < in.n; i++)
		n += in.p[i] == sep;
	return n >= PARTS_MAX;
}

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* What may stand in no URI at all (RFC 3986 2): these would let a URI leave its place in a header. */
static bool has_foreign(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return true;
	}
	return false;
}

static bool scheme_ok(struct bytes scheme)
{
	if (scheme.n == 0 || !is_letter(scheme.p[0]))
		return false;
	for (size_t i = 1; i < scheme.n; i++) {
		uint8_t c = scheme.p[i];

		if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static bool host_ok(struct bytes host)
{
	for (size_t i = 0; i < host.n; i++) {
		uint8_t c = host.p[i];

		/* _ is no host name of RFC 1123, but is in use */
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
			return false;
	}
	return host.n != 0;
}

static int port_get(struct bytes in, uint16_t *port)
{
	uint32_t v;

	if (in.n > 5 || bytes_u32(in, &v) || v == 0 || v > UINT16_MAX)
		return -EBADMSG;
	*port = (uint16_t)v;
	return 0;
}

/* "[v6]" with perhaps more behind it. */
static int host_v6(struct bytes in, struct bytes *host, struct bytes *rest)
{
	size_t end = bytes_find(in, ']');
	struct addr ip;

	*host = bytes_sub(in, 1, end - 1);
	*rest = bytes_from(in, end + 1);
	if (end == in.n || bytes_find(*host, ':') == host->n || addr_parse(&ip, *host))
		return -EBADMSG;
	return 0;
}

int sip_hostport(struct bytes in, struct bytes *host, uint16_t *port)
{
	size_t colon = bytes_find(in, ':');
	struct bytes rest = bytes_from(in, colon);

	*port = 0;
	*host = bytes_trim(bytes_sub(in, 0, colon));
	if (in.n && in.p[0] == '[') {
		if (host_v6(in, host, &rest))
			return -EBADMSG;
	} else if (!host_ok(*host)) {
		return -EBADMSG;
	}
	if (bytes_trim(rest).n == 0)
		return 0;
	if (!lex_sep(&rest, ':'))
		return -EBADMSG;
	return port_get(bytes_trim(rest), port);
}

static int uri_read_userinfo(struct sip_uri *u, struct bytes in)
{
	u->user = bytes_sub(in, 0, bytes_find(in, ':'));
	return u->user.n && lex_escapes_ok(in) ? 0 : -EBADMSG;
}

/* What follows "sip:". */
static int parse_sip(struct sip_uri *u, struct bytes in)
{
	size_t at = bytes_find(in, '@');
	size_t end;

	if (at < in.n) {
		if (uri_read_userinfo(u, bytes_sub(in, 0, at)))
			return -EBADMSG;
		in = bytes_from(in, at + 1);
	}
	end = bytes_find(in, '?');
	u->headers = bytes_from(in, end + 1);
	in = bytes_sub(in, 0, end);
	end = bytes_find(in, ';');
	u->params = bytes_from(in, end + 1);
	if (end < in.n && u->params.n == 0)
		return -EBADMSG;
	if (too_many(u->params, ';') || too_many(u->headers, '&'))
		return -EBADMSG;
	if (sip_hostport(bytes_sub(in, 0, end), &u->host, &u->port))
		return -EBADMSG;
	return lex_params_check(bytes_from(in, end));
}

/* RFC 3966: the number is what others call the user. */
static int parse_tel(struct sip_uri *u, struct bytes in)
{
	size_t end = bytes_find(in, ';');

	u->user = bytes_sub(in, 0, end);
	u->params = bytes_from(in, end + 1);
	if (u->user.n == 0 || too_many(u->params, ';'))
		return -EBADMSG;
	return lex_params_check(bytes_from(in, end));
}

int sip_uri_parse(struct sip_uri *out, struct bytes in)
{
	size_t colon = bytes_find(in, ':');
	struct sip_uri u = { .all = in, .scheme = bytes_sub(in, 0, colon) };
	struct bytes rest = bytes_from(in, colon + 1);
	int err = rest.n ? 0 : -EBADMSG;

	if (has_foreign(in) || !scheme_ok(u.scheme))
		return -EBADMSG;
	if (bytes_iis(u.scheme, "sip") || bytes_iis(u.scheme, "sips")) {
		err = parse_sip(&u, rest);
	} else if (bytes_iis(u.scheme, "tel")) {
		err = parse_tel(&u, rest);
	}
	if (!err)
		*out = u;
	return err;
}

int sip_user_unescape(struct bytes user, char *out, size_t cap, size_t *n)
{
	size_t used = 0;

	if (!lex_escapes_ok(user))
		return -EINVAL;
	while (user.n) {
		uint8_t c = lex_octet(&user);

		if (c == 0)
			return -EINVAL;
		if (used + 1 >= cap)
			return -ENOSPC;
		out[used++] = (char)c;
	}
	if (cap == 0)
		return -ENOSPC;
	out[used] = '\0';
	*n = used;
	return 0;
}
