/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an INFO with candidates. What is taken is lines of SDP within bounds with credentials among them; it is taken as well
 * with other ends of lines and with a further attribute, and no more with a line of another kind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/leg/trickle.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static bool has_line(const char *text, const char *start)
{
	char needle[32];

	(void)snprintf(needle, sizeof(needle), "\n%s", start);
	return strstr(text, needle) != NULL;
}

static void check_lines(const char *text)
{
	for (const char *at = text; (at = strchr(at, '\n')) && at[1]; at++) {
		check((at[1] == 'a' || at[1] == 'm') && at[2] == '=', "a line of another kind");
		check(at[3] != '\0' && at[3] != '\n', "an empty one");
	}
	check(has_line(text, "a=ice-ufrag:") && has_line(text, "a=ice-pwd:"), "no credentials");
}

static int with(const char *before, struct bytes body, const char *after)
{
	static char text[TRICKLE_MAX + 64];
	int n = snprintf(text, sizeof(text), "%s%.*s%s", before, (int)body.n, (const char *)body.p,
			 after);

	return trickle_check(bytes_mem(text, (size_t)n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TRICKLE_MAX + 2];
	struct bytes body = bytes_mem(data, size);
	int err = trickle_check(body);
	size_t n = 1;

	check((err == -EMSGSIZE) == (size > TRICKLE_MAX), "size");
	if (err == -EMSGSIZE || size > TRICKLE_MAX - 32 || (size && memchr(data, 0, size)))
		return 0;
	check(with("a=x\r\n", body, "") == err, "an attribute before it changes it");
	check(with("v=0\n", body, "") == -EBADMSG, "a line of another kind before it");
	if (err)
		return 0;
	check(size > 0 && data[0] != '\n', "nothing, or an empty line");
	text[0] = '\n';
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '\r')
			text[n++] = (char)data[i];
	}
	text[n] = '\0';
	check_lines(text);
	check(!trickle_check(bytes_mem(text + 1, n - 1)), "not with lines of Unix");
	check(!with("", bytes_mem(text + 1, n - 1), text[n - 1] == '\n' ? "a=z" : "\na=z"),
	      "not with one attribute more");
	check(with("", bytes_mem(text + 1, n - 1), text[n - 1] == '\n' ? "z" : "\nz") == -EBADMSG,
	      "with a line of another kind");
	return 0;
}
