/* SPDX-License-Identifier: Apache-2.0 */
/* Message framing on TCP and TLS connections (stream_frame.h): finds the end of the head, checks
 * Content-Length (RFC 3261 18.3) and recognizes keepalives (RFC 5626 4.4.1). Anything that two
 * readers could frame differently, such as conflicting lengths, breaks the connection. Each octet
 * is scanned once, in whatever pieces it comes. Pure. */

#include "sig/transport/stream_frame.h"

#include <assert.h>
#include <string.h>

enum { HEAD_END = 4 }; /* CRLF CRLF */

const char *stream_broken_name(enum stream_broken reason)
{
	static const char *const names[STREAM_BROKEN_REASONS] = {
#define X(id, name) name,
		STREAM_BROKEN(X)
#undef X
	};

	assert(reason < STREAM_BROKEN_REASONS);
	return names[reason];
}

static struct stream_frame frame_broken(enum stream_broken reason)
{
	return (struct stream_frame){ .kind = STREAM_BROKEN, .reason = reason };
}

static struct stream_frame taken(enum stream_frame_kind kind, size_t n)
{
	return (struct stream_frame){ .kind = kind, .n = n };
}

/* Between messages. What might still become a ping waits. */
static struct stream_frame between(struct bytes in)
{
	static const char ping[] = "\r\n\r\n";
	size_t same = 0;

	while (same < in.n && same < HEAD_END && in.p[same] == (uint8_t)ping[same])
		same++;
	if (same == HEAD_END)
		return taken(STREAM_PING, HEAD_END);
	if (same == in.n)
		return taken(STREAM_MORE, 0);
	if (same >= 2)
		return taken(STREAM_BLANK, 2);
	return frame_broken(STREAM_BROKEN_NOT_SIP); /* CR and something else */
}

/* A method or "SIP/2.0" begins with a letter; no method begins with the other characters of a
 * token. */
static bool begins_message(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Index after the empty line, 0: not there yet. */
static size_t head_end(struct stream_scan *scan, struct bytes in)
{
	size_t from = scan->looked > HEAD_END ? scan->looked - (HEAD_END - 1) : 0;
	const uint8_t *end;

	if (in.n < HEAD_END)
		return 0;
	end = memmem(in.p + from, in.n - from, "\r\n\r\n", HEAD_END);
	scan->looked = in.n;
	return end ? (size_t)(end - in.p) + HEAD_END : 0;
}

/* A line with those that continue it (RFC 3261 7.3.1), without the last CRLF. */
static bool frame_header_cut(struct bytes *rest, struct bytes *line)
{
	size_t n = 0;

	if (rest->n == 0)
		return false;
	do {
		n += bytes_find(bytes_from(*rest, n), '\n') + 1;
	} while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
	*line = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return true;
}

static bool is_length(struct bytes line, struct bytes *value)
{
	size_t colon = bytes_find(line, ':');
	struct bytes name = bytes_trim(bytes_sub(line, 0, colon));

	*value = bytes_trim(bytes_from(line, colon + 1));
	return colon < line.n && (bytes_iis(name, "Content-Length") || bytes_iis(name, "l"));
}

/* All Content-Lengths of a head must be one number (with RFC 4475 3.3.9 two readers could disagree
 * otherwise). */
static struct stream_frame length_read(struct bytes head, uint64_t *length)
{
	struct bytes line, value;
	bool found = false;

	while (frame_header_cut(&head, &line)) {
		uint64_t v;

		if (!is_length(line, &value))
			continue;
		if (bytes_u64(value, &v) || (found && v != *length))
			return frame_broken(STREAM_BROKEN_LENGTH_WRONG);
		*length = v;
		found = true;
	}
	return found ? taken(STREAM_MORE, 0) : frame_broken(STREAM_BROKEN_LENGTH_MISSING);
}

static struct stream_frame head_read(struct stream_scan *scan, struct bytes in)
{
	size_t end = head_end(scan, in);
	struct stream_frame frame;
	struct bytes head, start;
	uint64_t length = 0;

	if (end > STREAM_HEAD_MAX || (!end && in.n > STREAM_HEAD_MAX))
		return frame_broken(STREAM_BROKEN_HEAD_TOO_LARGE);
	if (!end)
		return taken(STREAM_MORE, 0);
	head = bytes_sub(in, 0, end - 2);
	(void)bytes_cut(&head, '\n', &start);
	frame = length_read(head, &length);
	if (frame.kind == STREAM_BROKEN)
		return frame;
	if (length > STREAM_MESSAGE_MAX - end)
		return frame_broken(STREAM_BROKEN_MESSAGE_TOO_LARGE);
	scan->total = end + (size_t)length;
	return frame;
}

struct stream_frame stream_frame_next(struct stream_scan *scan, struct bytes in)
{
	struct stream_frame frame = taken(STREAM_MORE, 0);

	if (in.n == 0)
		return frame;
	if (in.p[0] == '\r')
		return between(in);
	if (!begins_message(in.p[0]))
		return frame_broken(STREAM_BROKEN_NOT_SIP);
	if (scan->total == 0)
		frame = head_read(scan, in);
	if (scan->total == 0 || in.n < scan->total)
		return frame;
	frame = taken(STREAM_MESSAGE, scan->total);
	*scan = (struct stream_scan){ 0 };
	return frame;
}
