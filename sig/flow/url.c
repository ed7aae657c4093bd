/* SPDX-License-Identifier: Apache-2.0 */
/* Values in URLs (RFC 3986). Scheme and authority select the target of a request, so they have no
 * names in braces. Elsewhere a value is percent-encoded: it stays within the path segment, query
 * value or fragment of its name. Nor does it make a segment . or .., also for servers that read %2F
 * as '/'. */
#include <ctype.h>

#include "sig/flow/program.h"

enum url_place { URL_SCHEME, URL_AUTHORITY, URL_PATH, URL_QUERY, URL_FRAGMENT };

/* Behind the scheme; false: it has no end. */
static bool url_behind_scheme(struct bytes url, struct bytes *rest)
{
	size_t colon = bytes_find(url, ':');

	*rest = bytes_from(url, colon + 3);
	return bytes_starts(bytes_from(url, colon), "://");
}

/* Where the next octet of a URL stands that begins so; *path: what the path has by then. */
static enum url_place url_place_of(struct bytes url, struct bytes *path)
{
	struct bytes rest;
	size_t n = 0, end;

	*path = (struct bytes){ 0 };
	if (!url_behind_scheme(url, &rest))
		return URL_SCHEME;
	while (n < rest.n && !strchr("/?#", rest.p[n]))
		n++;
	if (n == rest.n)
		return URL_AUTHORITY;
	rest = bytes_from(rest, n);
	end = bytes_find(rest, '#');
	*path = bytes_sub(rest, 0, bytes_find(bytes_sub(rest, 0, end), '?'));
	return end < rest.n ? URL_FRAGMENT : path->n < end ? URL_QUERY : URL_PATH;
}

/* One octet of a path, decoded. -1: a percent sign alone. */
static int path_octet(struct bytes *path)
{
	uint8_t octet = path->p[0];
	bool escaped = octet == '%';
	size_t n;

	if (escaped && (path->n < 3 || hex_decode(bytes_sub(*path, 1, 2), &octet, 1, &n)))
		return -1;
	*path = bytes_from(*path, escaped ? 3 : 1);
	return octet;
}

bool url_has_dots(struct bytes url)
{
	struct bytes path;
	size_t n = 0; /* of a segment; dots alone: as many */
	bool dots = true;

	(void)url_place_of(url, &path);
	while (path.n) {
		int octet = path_octet(&path);

		if (octet < 0)
			return true;
		if (octet == '/' || octet == '\\') {
			if (dots && (n == 1 || n == 2))
				return true;
			n = 0;
			dots = true;
		} else {
			n++;
			dots &= octet == '.';
		}
	}
	return dots && (n == 1 || n == 2);
}

void url_write_value(struct writer *w, struct bytes value)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (isalnum(c) || (c && strchr("-._~", c))) {
			writer_u8(w, c);
			continue;
		}
		writer_u8(w, '%');
		writer_u8(w, (uint8_t)digits[c >> 4]);
		writer_u8(w, (uint8_t)digits[c & 15]);
	}
}

/* Each percent sign has its two digits: a value behind it cannot complete one. Nor is there a
 * character that some read as '/'. */
static bool literal_is_clear(struct bytes literal)
{
	size_t at;

	if (bytes_find(literal, '\\') < literal.n)
		return false;
	while ((at = bytes_find(literal, '%')) < literal.n) {
		literal = bytes_from(literal, at + 1);
		if (literal.n < 2 || !isxdigit(literal.p[0]) || !isxdigit(literal.p[1]))
			return false;
	}
	return true;
}

const char *url_names_wrong(struct bytes text, struct bytes *name)
{
	struct bytes rest = text, part, path;
	enum text_piece piece;
	bool clear = true, any = false;

	*name = (struct bytes){ 0 };
	while ((piece = text_piece_cut(&rest, &part)) == PIECE_LITERAL || piece == PIECE_NAME) {
		enum url_place place;

		clear &= piece == PIECE_NAME || literal_is_clear(part);
		if (piece != PIECE_NAME)
			continue;
		any = true;
		*name = part;
		place = url_place_of(bytes_sub(text, 0, (size_t)(part.p - text.p) - 1), &path);
		if (place == URL_SCHEME)
			return "the scheme";
		if (place == URL_AUTHORITY)
			return "the host, port or user";
	}
	*name = (struct bytes){ 0 };
	if (any && !clear)
		return "has two hexadecimal digits behind each percent sign, and no backslash";
	return any && url_has_dots(text) ? "has no segments . and .. beside names in braces" : NULL;
}
