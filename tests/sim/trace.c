/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/trace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { LINE_MAX_N = 600, TEXT_FIRST = 65536, TEXT_MAX = 32 << 20 };
#define FNV_PRIME UINT64_C(1099511628211)

void trace_close(struct trace *t)
{
	free(t->text);
	*t = (struct trace){ 0 };
}

static void keep(struct trace *t, const char *line, size_t n)
{
	if (t->n + n > t->capacity) {
		if (t->capacity >= TEXT_MAX)
			return;
		t->capacity = t->capacity ? t->capacity * 2 : TEXT_FIRST;
		t->text = realloc(t->text, t->capacity);
		assert(t->text);
	}
	memcpy(t->text + t->n, line, n);
	t->n += n;
}

void trace_text(struct trace *t, struct bytes lines)
{
	for (size_t i = 0; i < lines.n; i++)
		t->hash = (t->hash ^ lines.p[i]) * FNV_PRIME;
	if (t->keep)
		keep(t, (const char *)lines.p, lines.n);
}

void trace_line(struct sim *s, const char *fmt, ...)
{
	char line[LINE_MAX_N];
	uint64_t us = s->now_ns / NS_PER_US;
	int n = snprintf(line, sizeof(line), "%5" PRIu64 ".%06" PRIu64 "  ", us / 1000000,
			 us % 1000000);
	va_list args;
	int more;

	assert(n > 0);
	va_start(args, fmt);
	more = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
	va_end(args);
	assert(more >= 0);
	n += more;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	trace_text(&s->trace, bytes_mem(line, (size_t)n));
}

void trace_octets(struct writer *w, struct bytes b)
{
	static const char digits[] = "0123456789abcdef";

	writer_u8(w, '"');
	for (size_t i = 0; i < b.n; i++) {
		uint8_t c = b.p[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			writer_u8(w, c);
			continue;
		}
		writer_str(w, "\\x");
		writer_u8(w, (uint8_t)digits[c >> 4]);
		writer_u8(w, (uint8_t)digits[c & 15]);
	}
	writer_u8(w, '"');
}

struct bytes trace_header(struct bytes text, const char *name)
{
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		size_t colon = bytes_find(line, ':');

		line = bytes_trim(line);
		if (line.n == 0)
			break;
		if (bytes_is(bytes_sub(line, 0, colon), name))
			return bytes_trim(bytes_from(line, colon + 1));
	}
	return (struct bytes){ 0 };
}

static const char *direction(struct bytes body)
{
	static const char *const names[] = { "sendonly", "recvonly", "inactive" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (memmem(body.p, body.n, names[i], strlen(names[i])))
			return names[i];
	}
	return "sdp";
}

void trace_message(struct sim *s, const char *from, const char *to, struct bytes message)
{
	struct bytes rest = message;
	struct bytes first = { 0 };
	const uint8_t *body = memmem(message.p, message.n, "\r\n\r\n", 4);
	const char *sdp = "";

	(void)bytes_cut(&rest, '\n', &first);
	first = bytes_trim(first);
	if (body && memmem(body, message.n - (size_t)(body - message.p), "m=", 2))
		sdp = direction(bytes_mem(body, message.n - (size_t)(body - message.p)));
	trace_line(s, "%s > %s  " BYTES_FMT "  [" BYTES_FMT "] call-id " BYTES_FMT " %s", from, to,
		   BYTES_ARG(first), BYTES_ARG(trace_header(message, "CSeq")),
		   BYTES_ARG(trace_header(message, "Call-ID")), sdp);
}
