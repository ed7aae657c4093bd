/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request headers: Accept-Encoding (does the client take gzip), If-None-Match (does it have the
 * answer) and Authorization with Basic. web_api.c and web_route.c call them for each request. They
 * follow RFC 9110, with weights and weak comparison, and RFC 7617; text that does not parse counts
 * as absent. Pure, and fuzzed.
 */

#include <ctype.h>

#include "app/web/web_api.h"

/* "gzip;q=0" refuses: a weight of zero, with up to three more digits of it. */
static bool weight_is_zero(struct bytes parameters)
{
	struct bytes one;

	while (bytes_cut(&parameters, ';', &one)) {
		one = bytes_trim(one);
		if (!bytes_istarts(one, "q="))
			continue;
		one = bytes_from(one, 2);
		for (size_t i = 0; i < one.n; i++) {
			if (one.p[i] != '0' && one.p[i] != '.')
				return false;
		}
		return one.n > 0;
	}
	return false;
}

bool web_header_takes_gzip(struct bytes text)
{
	struct bytes one, name;
	bool any = false;

	while (bytes_cut(&text, ',', &one)) {
		name = (struct bytes){ 0 };
		(void)bytes_cut(&one, ';', &name);
		name = bytes_trim(name);
		if (bytes_iis(name, "gzip") || bytes_iis(name, "x-gzip"))
			return !weight_is_zero(one);
		any |= bytes_is(name, "*") && !weight_is_zero(one);
	}
	return any;
}

bool web_header_has_tag(struct bytes text, const char *tag)
{
	struct bytes one;

	while (bytes_cut(&text, ',', &one)) {
		one = bytes_trim(one);
		if (bytes_starts(one, "W/"))
			one = bytes_from(one, 2);
		if (bytes_is(one, "*") || bytes_is(one, tag))
			return true;
	}
	return false;
}

/* Base64 with its padding alone: the library would take other text, too. */
static bool basic_is_base64(struct bytes text)
{
	size_t n = text.n;

	while (n && text.n - n < 2 && text.p[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = text.p[i];

		if (c > '~' || !(isalnum(c) || c == '+' || c == '/'))
			return false;
	}
	return text.n && text.n % 4 == 0;
}

static bool basic_text(struct bytes text, char *out, size_t size)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	}
	return !bytes_cstr(text, out, size);
}

bool web_basic_parse(struct bytes text, char *user, char *password, size_t size)
{
	static const char scheme[] = "Basic ";
	char octets[WEB_BASIC_MAX];
	struct bytes rest, name = { 0 };
	bool good = false;
	int n;

	user[0] = password[0] = '\0';
	if (!bytes_istarts(text, scheme))
		return false;
	text = bytes_trim(bytes_from(text, sizeof(scheme) - 1));
	if (!basic_is_base64(text) || text.n >= sizeof(octets))
		return false;
	n = lws_b64_decode_string_len((const char *)text.p, (int)text.n, octets, sizeof(octets));
	rest = bytes_mem(octets, n > 0 ? (size_t)n : 0);
	if (bytes_find(rest, ':') < rest.n && bytes_cut(&rest, ':', &name))
		good = basic_text(name, user, size) && basic_text(rest, password, size);
	explicit_bzero(octets, sizeof(octets));
	if (!good)
		user[0] = password[0] = '\0';
	return good;
}
