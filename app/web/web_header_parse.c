/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two request headers of the HTTP API: Accept-Encoding (does the client take gzip) and
 * If-None-Match (does it have the answer). web_api.c calls it for each request. Both follow RFC
 * 9110, with weights and weak comparison; text that does not parse counts as absent, which only
 * costs a longer answer. Pure, and fuzzed.
 */

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
