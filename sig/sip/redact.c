/* SPDX-License-Identifier: Apache-2.0 */
/* Masks secrets of a SIP message with 'x' in place, as redact.h describes, for traces and logs:
 * credentials, SRTP keys and ICE passwords in any body, DTMF digits. It works on octets line by
 * line, since messages that fail to parse are shown, too. Pure; lengths stay unchanged. */

#include "sig/sip/redact.h"

#include <string.h>

static const char BLANKS[] = " \t";

struct text_in {
	uint8_t *p;
	size_t n;
};

static bool is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

/* From there up to the first of `stops` or the end of the line. Where that is. */
static size_t mask(struct text_in t, size_t at, const char *stops)
{
	while (at < t.n && !is_end(t.p[at]) && !is_one_of(t.p[at], stops))
		t.p[at++] = 'x';
	return at;
}

static size_t redact_skip(struct text_in t, size_t at, const char *set)
{
	while (at < t.n && is_one_of(t.p[at], set))
		at++;
	return at;
}

static bool header_is_at(struct text_in t, size_t at, const char *word)
{
	return bytes_istarts(bytes_from(bytes_mem(t.p, t.n), at), word);
}

static bool begins_line(struct text_in t, size_t at)
{
	return at == 0 || is_end(t.p[at - 1]);
}

static size_t redact_line_end(struct text_in t, size_t at)
{
	while (at < t.n && !is_end(t.p[at]))
		at++;
	return at;
}

/* Lines that are secret from some word on. */
static void mask_line(struct text_in t, size_t at)
{
	static const char *const secret[] = { "k=", "a=key-mgmt:", "a=ice-pwd:" };

	for (size_t i = 0; i < COUNT_OF(secret); i++) {
		if (header_is_at(t, at, secret[i]))
			(void)mask(t, at + strlen(secret[i]), "");
	}
}

void redact_keys(uint8_t *message, size_t n)
{
	static const char method[] = "inline:";
	struct text_in t = { message, n };

	for (size_t at = 0; at < n; at++) {
		if (begins_line(t, at))
			mask_line(t, at);
		/* anywhere: an unknown body may hold SDP */
		if (header_is_at(t, at, method))
			(void)mask(t, redact_skip(t, at + sizeof(method) - 1, BLANKS), "|; \t\"");
	}
}

/* The end of a header with its continuation lines (RFC 3261 7.3.1). */
static size_t header_end(struct text_in t, size_t at)
{
	size_t end = redact_line_end(t, at), next;

	for (;;) {
		next = end;
		if (next < t.n && t.p[next] == '\r')
			next++;
		if (next < t.n && t.p[next] == '\n')
			next++;
		if (next == end || next >= t.n || !is_one_of(t.p[next], BLANKS))
			return end;
		end = redact_line_end(t, next);
	}
}

/* Where the value begins, when the line at `at` is that header; else 0. */
static size_t value_at(struct text_in t, size_t at, const char *name)
{
	size_t colon = redact_skip(t, at + strlen(name), BLANKS);

	return header_is_at(t, at, name) && colon < t.n && t.p[colon] == ':' ? colon + 1 : 0;
}

static void mask_value(struct text_in t, size_t at)
{
	at = redact_skip(t, at, " \t\r\n");
	if (at < t.n && t.p[at] == '"')
		(void)mask(t, at + 1, "\"");
	else
		(void)mask(t, at, ", \t");
}

/* The values of that parameter. */
static void mask_param(struct text_in t, const char *name)
{
	for (size_t at = 1; at < t.n; at++) {
		size_t equals = redact_skip(t, at + strlen(name), " \t\r\n");

		if (is_one_of(t.p[at - 1], ", \t\r\n") && header_is_at(t, at, name) &&
		    equals < t.n && t.p[equals] == '=')
			mask_value(t, equals + 1);
	}
}

/* Behind the first empty line from there on. */
static size_t body_at(struct text_in t, size_t at)
{
	size_t end;

	while (at < t.n && (end = redact_line_end(t, at)) > at) {
		at = end;
		if (at < t.n && t.p[at] == '\r')
			at++;
		if (at < t.n && t.p[at] == '\n')
			at++;
	}
	return at;
}

/* The body, when the line at `at` says that it is digits alone; else 0. */
static size_t digits_at(struct text_in t, size_t at)
{
	static const char type[] = "application/dtmf";
	size_t value = value_at(t, at, "Content-Type"), after;

	if (!value)
		value = value_at(t, at, "c");
	value = value ? redact_skip(t, value, " \t\r\n") : 0;
	after = value + sizeof(type) - 1;
	if (!value || !header_is_at(t, value, type) ||
	    (after < t.n && !is_one_of(t.p[after], "; \t\r\n")))
		return 0;
	return body_at(t, at);
}

static void mask_all(struct text_in t, size_t at)
{
	for (; at < t.n; at++) {
		if (!is_one_of(t.p[at], " \t\r\n"))
			t.p[at] = 'x';
	}
}

void redact_digits(uint8_t *message, size_t n)
{
	static const char name[] = "Signal";
	struct text_in t = { message, n };

	for (size_t at = 0; at < n; at++) {
		size_t word = redact_skip(t, at, BLANKS), body;
		size_t equals = redact_skip(t, word + sizeof(name) - 1, BLANKS);

		if (!begins_line(t, at))
			continue;
		if (header_is_at(t, word, name) && equals < n && t.p[equals] == '=')
			(void)mask(t, redact_skip(t, equals + 1, BLANKS), "");
		body = digits_at(t, at);
		if (body)
			mask_all(t, body);
	}
}

static void mask_credentials(struct text_in t, size_t at, size_t end)
{
	at = redact_skip(t, at, " \t\r\n");
	if (at < end && header_is_at(t, at, "Digest") &&
	    redact_skip(t, at + 6, " \t\r\n") > at + 6) {
		mask_param((struct text_in){ t.p + at, end - at }, "response");
		return;
	}
	/* of no scheme that we know */
	mask_all((struct text_in){ t.p, end }, at);
}

void redact_credentials(uint8_t *message, size_t n)
{
	struct text_in t = { message, n };
	size_t value;

	for (size_t at = 0; at < n; at++) {
		if (!begins_line(t, at))
			continue;
		if ((value = value_at(t, at, "Authorization")) != 0 ||
		    (value = value_at(t, at, "Proxy-Authorization")) != 0) {
			mask_credentials(t, value, header_end(t, at));
		} else if ((value = value_at(t, at, "Authentication-Info")) != 0) {
			mask_param((struct text_in){ t.p + value, header_end(t, at) - value },
				   "rspauth");
		}
	}
}
