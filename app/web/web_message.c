/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 2048 };

static int web_message_make_room(struct web_message *m, size_t n)
{
	size_t room = m->room ? m->room : ROOM_FIRST;
	uint8_t *data;

	if (n <= m->room)
		return 0;
	while (room < n)
		room *= 2;
	data = realloc(m->data, room);
	if (!data)
		return -ENOMEM;
	m->data = data;
	m->room = room;
	return 0;
}

int web_message_add(struct web_message *m, struct bytes piece, uint64_t left)
{
	int err;

	if (piece.n > STREAM_MESSAGE_MAX - m->n || left > STREAM_MESSAGE_MAX - m->n - piece.n)
		return -EMSGSIZE;
	if (piece.n == 0)
		return 0;
	err = web_message_make_room(m, m->n + piece.n);
	if (err)
		return err;
	memcpy(m->data + m->n, piece.p, piece.n);
	m->n += piece.n;
	return 0;
}

void web_message_clear(struct web_message *m)
{
	free(m->data);
	*m = (struct web_message){ 0 };
}

enum web_message_kind web_message_kind(struct bytes whole)
{
	if (bytes_is(whole, "\r\n\r\n"))
		return WEB_MESSAGE_PING;
	for (size_t i = 0; i < whole.n; i++) {
		if (whole.p[i] != '\r' && whole.p[i] != '\n')
			return WEB_MESSAGE_SIP;
	}
	return WEB_MESSAGE_BLANK;
}

/* Octets of the character at p, 0: none. */
static size_t message_character(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
	uint32_t code;

	if (size <= 1 || size > n || p[0] > 0xf4)
		return size == 1;
	code = p[0] & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return size;
}

bool web_message_is_text(struct bytes message)
{
	size_t at = 0, size;

	while (at < message.n) {
		size = message_character(message.p + at, message.n - at);
		if (!size)
			return false;
		at += size;
	}
	return true;
}
