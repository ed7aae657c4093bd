/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of message.h (RFC 3261 19.1, RFC 3966). Pure. */
#include <errno.h>
#include <string.h>

#include "sig/sip/lex.h"
#include "sig/sip/message.h"
#include "sig/sip/uri.h"

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

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
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

/* host[:port]; the host of "[v6]" is given without brackets. 0 or -EBADMSG. */
static int sip_hostport(struct bytes in, struct bytes *host, uint16_t *port)
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

/* When two URIs are the same (RFC 3261 19.1.4). */

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

/* Addresses, Vias and parameters as they stand in headers. */

bool sip_param(struct bytes params, const char *name, struct bytes *value)
{
	struct lex_param param;

	while (lex_param(&params, &param) == 1) {
		if (bytes_iis(param.name, name)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

int sip_q_parse(uint16_t *out, struct bytes in)
{
	uint32_t v = 0;
	unsigned scale = SIP_Q_MAX;

	if (in.n == 0 || in.n > 5 || (in.p[0] != '0' && in.p[0] != '1') ||
	    (in.n > 1 && in.p[1] != '.'))
		return -EINVAL;
	for (size_t i = 0; i < in.n; i++) {
		if (i == 1)
			continue;
		if (in.p[i] < '0' || in.p[i] > '9')
			return -EINVAL;
		v += (uint32_t)(in.p[i] - '0') * scale;
		scale /= 10;
	}
	*out = (uint16_t)v;
	return v > SIP_Q_MAX ? -EINVAL : 0;
}

/* *in starts at the header parameters: nothing, or ';' and at least one. */
static int header_params(struct bytes in, struct bytes *params)
{
	in = bytes_trim(in);
	*params = bytes_from(in, 1);
	if (in.n == 0)
		return 0;
	return in.p[0] == ';' && bytes_trim(*params).n ? lex_params_check(in) : -EBADMSG;
}

/* An unquoted display name is tokens; phones also send UTF-8 and dots, which do no harm. */
static bool display_ok(struct bytes display)
{
	for (size_t i = 0; i < display.n; i++) {
		uint8_t c = display.p[i];

		if ((c < ' ' && c != '\t') || c == '"' || c == '>' || c == ',' || c == ';')
			return false;
	}
	return true;
}

/* Eats what stands before '<'. */
static int display_name(struct bytes *in, struct bytes *display)
{
	size_t at = bytes_find(*in, '<');

	if (in->n && in->p[0] == '"') {
		if (lex_quoted(in, display))
			return -EBADMSG;
		lex_skip_blank(in);
		return in->n && in->p[0] == '<' ? 0 : -EBADMSG;
	}
	*display = bytes_trim(bytes_sub(*in, 0, at));
	*in = bytes_from(*in, at);
	return display_ok(*display) ? 0 : -EBADMSG;
}

static int bracketed(struct sip_name_addr *a, struct bytes in)
{
	size_t end;

	if (display_name(&in, &a->display))
		return -EBADMSG;
	end = bytes_find(in, '>');
	if (end == in.n || sip_uri_parse(&a->uri, bytes_sub(in, 1, end - 1)))
		return -EBADMSG;
	return header_params(bytes_from(in, end + 1), &a->params);
}

/* RFC 3261 20.10: without brackets all parameters are the header's, and the URI must not contain
 * '?' or ','. */
static int bare(struct sip_name_addr *a, struct bytes in)
{
	size_t end = bytes_find(in, ';');
	struct bytes uri = bytes_trim(bytes_sub(in, 0, end));

	if (bytes_find(uri, '?') < uri.n || bytes_find(uri, ',') < uri.n)
		return -EBADMSG;
	if (sip_uri_parse(&a->uri, uri))
		return -EBADMSG;
	return header_params(bytes_from(in, end), &a->params);
}

/* Only a parameter of a bare URI can have quotes or '<' behind a ';': +sip.instance="<urn:...>"
 * (RFC 5626 4.1). */
static bool has_brackets(struct bytes in)
{
	struct bytes head = bytes_sub(in, 0, bytes_find(in, ';'));

	return (in.n && in.p[0] == '"') || bytes_find(head, '<') < head.n;
}

int sip_name_addr_parse(struct sip_name_addr *out, struct bytes in)
{
	struct sip_name_addr a = { 0 };
	int err;

	in = bytes_trim(in);
	err = has_brackets(in) ? bracketed(&a, in) : bare(&a, in);
	if (err)
		return err;
	(void)sip_param(a.params, "tag", &a.tag);
	*out = a;
	return 0;
}

/* "SIP / 2.0 / UDP" and the blank behind it. *ours: the version is 2.0; others still name a return
 * address. */
static int via_protocol(struct bytes *in, struct sip_via *via, bool *ours)
{
	struct bytes name = lex_token(in);
	struct bytes version;

	if (!bytes_iis(name, "SIP") || !lex_sep(in, '/'))
		return -EBADMSG;
	version = lex_token(in);
	*ours = bytes_is(version, "2.0");
	if (version.n == 0 || !lex_sep(in, '/'))
		return -EBADMSG;
	via->transport = lex_token(in);
	via->udp = bytes_iis(via->transport, "UDP");
	if (via->transport.n == 0 || in->n == 0 || (in->p[0] != ' ' && in->p[0] != '\t'))
		return -EBADMSG;
	lex_skip_blank(in);
	return 0;
}

/* The first of each name. */
static void via_params(struct sip_via *via)
{
	struct bytes rest = via->params;
	struct lex_param param;
	bool branch = false;

	while (lex_param(&rest, &param) == 1) {
		if (!branch && bytes_iis(param.name, "branch")) {
			via->branch = param.value;
			branch = true;
		} else if (bytes_iis(param.name, "rport")) {
			via->rport = true;
		}
	}
}

int sip_via_parse(struct sip_via *out, struct bytes in)
{
	bool ours;
	size_t end;

	*out = (struct sip_via){ 0 };
	in = bytes_trim(in);
	if (via_protocol(&in, out, &ours))
		return -EBADMSG;
	end = bytes_find(in, ';');
	out->sent_by = bytes_trim(bytes_sub(in, 0, end));
	if (sip_hostport(out->sent_by, &out->host, &out->port)) {
		out->host = (struct bytes){ 0 };
		return -EBADMSG;
	}
	if (!ours || header_params(bytes_from(in, end), &out->params))
		return -EBADMSG;
	via_params(out);
	out->whole = true;
	return 0;
}

struct subscriber subscriber_of(const struct sip_uri *uri)
{
	size_t end = bytes_find(uri->user, ';');
	bool tel = bytes_iis(uri->scheme, "tel");
	struct bytes kind;

	return (struct subscriber){
		.name = bytes_sub(uri->user, 0, end),
		.params = tel ? uri->params : bytes_from(uri->user, end + 1),
		.phone = tel || (sip_param(uri->params, "user", &kind) && bytes_iis(kind, "phone")),
	};
}

/* RFC 3966 3: visual-separator */
static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 3: phonedigit-hex, '*' and '#'; a '+' at the beginning alone */
static bool subscriber_is_number(const char *text)
{
	bool any = false;

	for (const char *p = text; *p; p++) {
		if (is_separator(*p) || (*p == '+' && p == text))
			continue;
		if (!strchr("0123456789*#ABCDabcd", *p))
			return false;
		any = true;
	}
	return any;
}

static void strip_separators(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (!is_separator(*p))
			*to++ = *p;
	}
	*to = '\0';
}

int subscriber_text(const struct subscriber *s, char *out, size_t cap)
{
	size_t n;
	int err = s->name.n ? sip_user_unescape(s->name, out, cap, &n) : -EINVAL;

	if (!err && s->phone && subscriber_is_number(out))
		strip_separators(out);
	return err;
}

int sip_place_read(struct sip_place *out, struct bytes text)
{
	uint8_t space[SIP_PLACE_HOST_MAX + 16];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_uri uri;

	writer_str(&w, "sip:");
	writer_bytes(&w, text);
	*out = (struct sip_place){ .host = "" };
	if (w.overflow || sip_uri_parse(&uri, writer_done(&w)) || uri.user.n || uri.params.n ||
	    uri.headers.n || !uri.host.n)
		return -EINVAL;
	out->port = uri.port;
	return bytes_cstr(uri.host, out->host, sizeof(out->host)) ? -EINVAL : 0;
}

int location_read(struct bytes text, uint16_t *location)
{
	uint32_t n;

	if (!text.n || text.p[0] == '0' || bytes_u32(text, &n) || n > LOCATION_MAX)
		return -EINVAL;
	*location = (uint16_t)n;
	return 0;
}

/* The last mark: a number may have letters, a location has none. */
bool located_user_split(struct bytes user, struct bytes *extension, uint16_t *location)
{
	const size_t mark = sizeof(LOCATED_MARK) - 1;
	size_t at = user.n > mark ? user.n - mark : 0;

	*extension = user;
	*location = 0;
	while (at && memcmp(user.p + at, LOCATED_MARK, mark) != 0)
		at--;
	if (!at || location_read(bytes_from(user, at + mark), location))
		return false;
	*extension = bytes_sub(user, 0, at);
	return true;
}

void located_user_write(struct writer *w, struct bytes extension, uint16_t location)
{
	writer_bytes(w, extension);
	writer_number(w, LOCATED_MARK, location, "");
}

/* Comparing two URIs costs the product of their parts (uri.c), so there is a limit beyond practical
 * use. */
enum { PARTS_MAX = 16 };

static bool too_many(struct bytes in, uint8_t sep)
{
	unsigned n = 0;

	for (size_t i = 0; i < in.n; i++)
		n += in.p[i] == sep;
	return n >= PARTS_MAX;
}

/* Characters that no URI may contain (RFC 3986 2): these would let a URI escape its place in a
 * header. */
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

struct bytes sip_display_unescape(struct bytes display, char *out, size_t cap)
{
	size_t n = 0, i = 0;

	for (; i < display.n && n < cap; i++) {
		if (display.p[i] == '\\' && i + 1 < display.n)
			i++;
		out[n++] = display.p[i] < ' ' || display.p[i] == 0x7f ? ' ' : (char)display.p[i];
	}
	for (; i < display.n && n && (display.p[i] & 0xc0) == 0x80; i--)
		n--;
	return bytes_mem(out, n);
}
