/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/message_head.h"

#include <stdlib.h>
#include <string.h>

#include "sig/sip/lex.h"

/* RFC 3261 7.3.3 and 20, RFC 3265, 3515, 3892, 4028 */
static const struct {
	struct bytes name;
	char compact; /* 0: none */
} g_headers[HEADER_IDS] = {
	[HEADER_CALL_ID] = { BYTES_LIT("Call-ID"), 'i' },
	[HEADER_CONTACT] = { BYTES_LIT("Contact"), 'm' },
	[HEADER_CONTENT_LENGTH] = { BYTES_LIT("Content-Length"), 'l' },
	[HEADER_CONTENT_TYPE] = { BYTES_LIT("Content-Type"), 'c' },
	[HEADER_CSEQ] = { BYTES_LIT("CSeq"), 0 },
	[HEADER_EXPIRES] = { BYTES_LIT("Expires"), 0 },
	[HEADER_FROM] = { BYTES_LIT("From"), 'f' },
	[HEADER_MAX_FORWARDS] = { BYTES_LIT("Max-Forwards"), 0 },
	[HEADER_TO] = { BYTES_LIT("To"), 't' },
	[HEADER_VIA] = { BYTES_LIT("Via"), 'v' },
	[HEADER_ALLOW_EVENTS] = { BYTES_LIT("Allow-Events"), 'u' },
	[HEADER_CONTENT_ENCODING] = { BYTES_LIT("Content-Encoding"), 'e' },
	[HEADER_EVENT] = { BYTES_LIT("Event"), 'o' },
	[HEADER_REFER_TO] = { BYTES_LIT("Refer-To"), 'r' },
	[HEADER_REFERRED_BY] = { BYTES_LIT("Referred-By"), 'b' },
	[HEADER_SESSION_EXPIRES] = { BYTES_LIT("Session-Expires"), 'x' },
	[HEADER_SUBJECT] = { BYTES_LIT("Subject"), 's' },
	[HEADER_SUPPORTED] = { BYTES_LIT("Supported"), 'k' },
};

static enum header_id compact_id(uint8_t c)
{
	for (unsigned i = HEADER_OTHER + 1; i < HEADER_IDS; i++) {
		if (g_headers[i].compact && g_headers[i].compact == (c | 0x20))
			return (enum header_id)i;
	}
	return HEADER_OTHER;
}

enum header_id header_id_of(struct bytes name)
{
	if (name.n == 1)
		return compact_id(name.p[0]);
	for (unsigned i = HEADER_OTHER + 1; i < HEADER_IDS; i++) {
		if (bytes_ieq(name, g_headers[i].name))
			return (enum header_id)i;
	}
	return HEADER_OTHER;
}

const struct header_line *message_head_line(const struct message_head *head, enum header_id id,
					    unsigned i)
{
	for (uint32_t at = 0; at < head->count; at++) {
		if (head->lines[at].id == id && i-- == 0)
			return &head->lines[at];
	}
	return NULL;
}

static uint32_t lines_count(struct bytes in)
{
	uint32_t n = 0;

	while (n < MESSAGE_LINES_MAX && in.n) {
		in = bytes_from(in, bytes_find(in, '\n') + 1);
		n++;
	}
	return n;
}

/* Eats a line with what is folded into it; its inner line ends become blanks. `at` is where the line starts in the copy. */
static struct bytes head_line_next(uint8_t *p, size_t n, size_t *at)
{
	size_t start = *at;
	size_t end = start;

	for (;;) {
		end += bytes_find(bytes_mem(p + end, n - end), '\n');
		if (end == n || end == start || (end == start + 1 && p[start] == '\r'))
			break;
		if (end + 1 == n || !lex_is_blank(p[end + 1]))
			break;
		p[end] = ' ';
		if (p[end - 1] == '\r')
			p[end - 1] = ' ';
	}
	*at = end < n ? end + 1 : n;
	if (end > start && end < n && p[end - 1] == '\r')
		end--;
	return bytes_mem(p + start, end - start);
}

/* The first one counts. */
static void set_defect(struct message_head *head, const char *why)
{
	if (!head->defect)
		head->defect = why;
}

static void line_add(struct message_head *head, struct bytes line)
{
	size_t colon = bytes_find(line, ':');
	struct header_line *l = &head->lines[head->count];

	if (head->count == MESSAGE_LINES_MAX) {
		set_defect(head, "too_many_headers");
		return;
	}
	l->name = bytes_trim(bytes_sub(line, 0, colon));
	l->value = bytes_trim(bytes_from(line, colon + 1));
	if (colon == line.n || lex_is_blank(line.p[0]) || !lex_is_token(l->name)) {
		set_defect(head, "header_malformed");
		return;
	}
	l->id = header_id_of(l->name);
	head->count++;
}

/* A CR alone would be a line end to somebody else: it becomes a blank, and the message is refused. */
static struct bytes clean_line(struct message_head *head, uint8_t *p, size_t n, size_t *at)
{
	struct bytes line = head_line_next(p, n, at);
	uint8_t *start = p + (line.p - p);

	for (size_t i = 0; (i += bytes_find(bytes_from(line, i), '\r')) < line.n; i++) {
		start[i] = ' ';
		set_defect(head, "bare_cr");
	}
	return line;
}

static void split(struct message_head *head, uint8_t *p, size_t n)
{
	bool ended = false;
	size_t at = 0;

	while (at < n && (p[at] == '\r' || p[at] == '\n')) /* RFC 3261 7.5 */
		at++;
	head->start = clean_line(head, p, n, &at);
	while (at < n && !ended) {
		struct bytes line = clean_line(head, p, n, &at);

		ended = line.n == 0;
		if (!ended)
			line_add(head, line);
	}
	if (ended) {
		head->body = bytes_mem(p + at, n - at);
	} else {
		set_defect(head, "no_end_of_headers");
	}
}

struct message_head *message_head_make(struct bytes datagram)
{
	uint32_t lines = lines_count(datagram);
	size_t size = sizeof(struct message_head) + lines * sizeof(struct header_line);
	struct message_head *head = malloc(size + datagram.n);
	uint8_t *copy;

	if (!head)
		return NULL;
	copy = (uint8_t *)head + size;
	memcpy(copy, datagram.p, datagram.n);
	*head = (struct message_head){ .raw = bytes_mem(copy, datagram.n) };
	split(head, copy, datagram.n);
	return head;
}
