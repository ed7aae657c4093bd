/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the bodies of INFO with DTMF digits (dtmf.h): application/dtmf-relay with Signal and
 * Duration, and application/dtmf with the digit alone. Tolerates the variants that phones send,
 * such as event numbers and missing durations. Pure. */

#include <errno.h>
#include <string.h>

#include "sig/leg/dtmf.h"

enum { DURATION_MIN_MS = 40, DURATION_MAX_MS = 8000 };

/* Events 0 to 16 (RFC 4733 3.2) as we name them. */
static const char g_digits[] = "0123456789*#ABCDF";

bool dtmf_is_key(char digit)
{
	return digit && digit != 'F' && strchr(g_digits, digit);
}

static bool dtmf_is_number(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
	}
	return b.n > 0 && b.n <= 5;
}

static uint32_t dtmf_number_of(struct bytes b)
{
	uint32_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n = n * 10 + (b.p[i] - '0');
	return n;
}

/* A digit, or its event as a number: some phones say 10 for a star. */
static bool read_digit(struct bytes b, char *out)
{
	char c = b.n == 1 ? (char)b.p[0] : '\0';

	if (c >= 'a' && c <= 'd')
		c = (char)(c - 'a' + 'A');
	if (c == '!')
		c = 'F';
	if (dtmf_is_number(b) && dtmf_number_of(b) < sizeof(g_digits) - 1)
		c = g_digits[dtmf_number_of(b)];
	*out = c;
	return c && bytes_find(BYTES_LIT("0123456789*#ABCDF"), (uint8_t)c) < sizeof(g_digits) - 1;
}

static uint16_t duration_clamp(uint32_t ms)
{
	if (ms < DURATION_MIN_MS)
		return DURATION_MIN_MS;
	return (uint16_t)(ms > DURATION_MAX_MS ? DURATION_MAX_MS : ms);
}

/* "Name = value" lines in any order; unknown ones are ignored. */
static int parse_relay(struct bytes body, struct dtmf *out)
{
	struct bytes line;
	bool found = false;

	while (bytes_cut(&body, '\n', &line)) {
		size_t at = bytes_find(line, '=');
		struct bytes name = bytes_trim(bytes_sub(line, 0, at));
		struct bytes value = bytes_trim(bytes_from(line, at + 1));

		if (bytes_iis(name, "signal")) {
			if (found || !read_digit(value, &out->digit))
				return -EBADMSG;
			found = true;
		} else if (bytes_iis(name, "duration") && dtmf_is_number(value)) {
			out->duration_ms = duration_clamp(dtmf_number_of(value));
		}
	}
	return found ? 0 : -EBADMSG;
}

int dtmf_parse(struct bytes content_type, struct bytes body, struct dtmf *out)
{
	struct bytes type = bytes_trim(bytes_sub(content_type, 0, bytes_find(content_type, ';')));

	*out = (struct dtmf){ .duration_ms = DTMF_DURATION_MS };
	if (bytes_iis(type, "application/dtmf-relay"))
		return parse_relay(body, out);
	if (bytes_iis(type, "application/dtmf"))
		return read_digit(bytes_trim(body), &out->digit) ? 0 : -EBADMSG;
	return -ENOTSUP;
}
