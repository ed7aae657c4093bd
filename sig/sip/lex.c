/* SPDX-License-Identifier: Apache-2.0 */
/* Lexical elements of the SIP grammar (RFC 3261 25.1): tokens, quoted strings, separators,
 * comma-separated elements and parameters. Each function consumes what it read from *in; lenient
 * where phones deviate, strict where a separator could be hidden. Pure; the base of all parsers of
 * sig/sip. */

#include "sig/sip/lex.h"

#include <errno.h>

static const bool g_token[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
	['.'] = true,         ['!'] = true,         ['%'] = true,         ['*'] = true,
	['_'] = true,         ['+'] = true,         ['`'] = true,         ['\''] = true,
	['~'] = true,
};

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Characters of an unquoted parameter: more than a token, since phones send hosts, "=" and UTF-8;
 * but none of ;,"<>? */
static const bool g_param[256] = {
	['!'] = true, ['#' ... '+'] = true, ['-' ... ':'] = true,
	['='] = true, ['@' ... '~'] = true, [0x80 ... 0xff] = true,
};

bool lex_is_token(struct bytes in)
{
	struct bytes token = lex_token(&in);

	return token.n && in.n == 0;
}

bool lex_escapes_ok(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '%')
			continue;
		if (in.n - i < 3 || !is_hex(in.p[i + 1]) || !is_hex(in.p[i + 2]))
			return false;
	}
	return true;
}

static uint8_t hex_value(uint8_t c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

uint8_t lex_octet(struct bytes *in)
{
	bool escape = in->p[0] == '%' && in->n >= 3 && is_hex(in->p[1]) && is_hex(in->p[2]);
	uint8_t c = escape ? (uint8_t)(hex_value(in->p[1]) << 4 | hex_value(in->p[2])) : in->p[0];

	*in = bytes_from(*in, escape ? 3 : 1);
	return c;
}

void lex_skip_blank(struct bytes *in)
{
	size_t n = 0;

	while (n < in->n && lex_is_blank(in->p[n]))
		n++;
	*in = bytes_from(*in, n);
}

bool lex_sep(struct bytes *in, uint8_t c)
{
	lex_skip_blank(in);
	if (in->n == 0 || in->p[0] != c)
		return false;
	*in = bytes_from(*in, 1);
	lex_skip_blank(in);
	return true;
}

/* Cuts n bytes off the front. */
static struct bytes bytes_split_off(struct bytes *in, size_t n)
{
	struct bytes part = bytes_sub(*in, 0, n);

	*in = bytes_from(*in, n);
	return part;
}

struct bytes lex_token(struct bytes *in)
{
	size_t n = 0;

	while (n < in->n && g_token[in->p[n]])
		n++;
	return bytes_split_off(in, n);
}

int lex_quoted(struct bytes *in, struct bytes *inner)
{
	size_t i = 1;

	while (i < in->n && in->p[i] != '"')
		i += in->p[i] == '\\' ? 2 : 1;
	if (i >= in->n)
		return -EBADMSG;
	*inner = bytes_sub(*in, 1, i - 1);
	*in = bytes_from(*in, i + 1);
	return 0;
}

/* What hides a separator, or ends that. */
static const bool g_hides[256] = { ['"'] = true, ['\\'] = true, ['<'] = true, ['>'] = true };

size_t lex_find(struct bytes in, uint8_t sep)
{
	bool quoted = false;
	bool angle = false;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c != sep && !g_hides[c])
			continue;
		if (quoted && c == '\\') {
			i++;
		} else if (c == '"' && !angle) {
			quoted = !quoted;
		} else if (quoted) {
			continue;
		} else if (c == sep && !angle) {
			return i;
		} else if (c == '<' || c == '>') {
			angle = c == '<';
		}
	}
	return in.n;
}

bool lex_element(struct bytes *rest, struct bytes *element)
{
	size_t at;

	*element = (struct bytes){ 0 };
	if (rest->n == 0)
		return false;
	at = lex_find(*rest, ',');
	*element = bytes_trim(bytes_sub(*rest, 0, at));
	*rest = bytes_from(*rest, at + 1);
	return true;
}

static struct bytes param_run(struct bytes *in, uint8_t stop)
{
	size_t n = 0;

	while (n < in->n && g_param[in->p[n]] && in->p[n] != stop)
		n++;
	return bytes_split_off(in, n);
}

static int param_value(struct bytes *in, struct bytes *value)
{
	if (in->n && in->p[0] == '"')
		return lex_quoted(in, value);
	*value = param_run(in, 0);
	return value->n ? 0 : -EBADMSG;
}

int lex_param(struct bytes *rest, struct lex_param *out)
{
	struct bytes start;
	struct bytes in = *rest;

	lex_skip_blank(&in);
	if (in.n == 0)
		return 0;
	(void)lex_sep(&in, ';');
	start = in;
	*out = (struct lex_param){ .name = param_run(&in, '=') };
	if (out->name.n == 0)
		return -EBADMSG;
	out->all = out->name;
	if (lex_sep(&in, '=')) {
		if (param_value(&in, &out->value))
			return -EBADMSG;
		out->all = bytes_sub(start, 0, start.n - in.n);
	}
	lex_skip_blank(&in);
	if (in.n && in.p[0] != ';')
		return -EBADMSG;
	*rest = in;
	return 1;
}

int lex_params_check(struct bytes params)
{
	struct lex_param param;
	unsigned n = 0;
	int more;

	while ((more = lex_param(&params, &param)) == 1 && n < LEX_PARAMS_MAX)
		n++;
	return more == 1 ? -EBADMSG : more;
}
