/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing of WebSocket octets by RFC 6455, the client's side. ws.c has the connection
 * and its state. Input is a server's: reserved bits, masked frames, fragmented or long control
 * frames, and payloads over WS_PAYLOAD_MAX are errors, so a frame can be parsed in a bounded
 * buffer. Pure.
 */

#include "app/helper/ws_frame.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

void ws_accept(char out[WS_ACCEPT_MAX], const char *key)
{
	char text[WS_KEY_MAX + sizeof(WS_GUID)];
	uint8_t hash[SHA_DIGEST_LENGTH];
	struct writer w = writer_over(text, sizeof(text));

	WRITER_TEXTS(&w, key, WS_GUID);
	(void)EVP_Digest(text, w.n, hash, NULL, EVP_sha1(), NULL);
	(void)EVP_EncodeBlock((unsigned char *)out, hash, sizeof(hash));
}

static size_t ws_head_end(struct bytes in)
{
	for (size_t i = 3; i < in.n; i++) {
		if (!memcmp(in.p + i - 3, "\r\n\r\n", 4))
			return i + 1;
	}
	return 0;
}

/* Value of the header field of that name; empty: absent. */
static struct bytes head_value(struct bytes head, const char *wanted)
{
	struct bytes line, name;

	while (bytes_cut(&head, '\n', &line)) {
		if (bytes_cut(&line, ':', &name) && bytes_ieq(name, bytes_str(wanted)))
			return bytes_trim(line);
	}
	return (struct bytes){ 0 };
}

int ws_head_read(struct bytes in, const char *key, long *status)
{
	size_t end = ws_head_end(in);
	struct bytes head = bytes_sub(in, 0, end);
	char want[WS_ACCEPT_MAX];
	uint32_t code;

	*status = 0;
	if (!end)
		return in.n < WS_HEAD_MAX ? 0 : -EPROTO;
	if (!bytes_starts(head, "HTTP/1.1 ") || bytes_u32(bytes_sub(head, 9, 3), &code))
		return -EPROTO;
	*status = (long)code;
	ws_accept(want, key);
	return code == 101 && bytes_ieq(head_value(head, "upgrade"), BYTES_LIT("websocket")) &&
			       bytes_is(head_value(head, "sec-websocket-accept"), want)
		       ? (int)end
		       : -EPROTO;
}

/* Of what stands behind the first two octets. */
static uint64_t frame_length(struct bytes in, size_t head)
{
	uint64_t n = 0;

	if (head == 2)
		return in.p[1];
	for (size_t i = 2; i < head; i++)
		n = n << 8 | in.p[i];
	return n;
}

static bool opcode_is(unsigned opcode)
{
	return opcode <= WS_BINARY || (opcode >= WS_CLOSE && opcode <= WS_PONG);
}

int ws_frame_read(struct bytes in, struct ws_frame *f)
{
	size_t head;
	uint64_t n;

	if (in.n < 2)
		return 0;
	*f = (struct ws_frame){ .opcode = in.p[0] & 0x0f, .last = in.p[0] & 0x80 };
	/* no extension was negotiated, servers do not mask, control frames are short and whole */
	if ((in.p[0] & 0x70) || (in.p[1] & 0x80) || !opcode_is(f->opcode) ||
	    (f->opcode >= WS_CLOSE && (!f->last || in.p[1] > 125)))
		return -EPROTO;
	head = in.p[1] < 126 ? 2 : in.p[1] == 126 ? 4 : 10;
	if (in.n < head)
		return 0;
	n = frame_length(in, head);
	if (n > WS_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (in.n - head < n)
		return 0;
	f->payload = bytes_sub(in, head, (size_t)n);
	return (int)(head + n);
}

void ws_frame_write(struct writer *w, enum ws_opcode opcode, struct bytes payload,
		    const uint8_t mask[4])
{
	writer_u8(w, (uint8_t)(0x80 | opcode));
	writer_u8(w, (uint8_t)(0x80 | (payload.n < 126     ? payload.n
				       : payload.n < 65536 ? 126
							   : 127)));
	for (int shift = payload.n < 126 ? -1 : payload.n < 65536 ? 8 : 56; shift >= 0; shift -= 8)
		writer_u8(w, (uint8_t)((uint64_t)payload.n >> shift));
	writer_mem(w, mask, 4);
	for (size_t i = 0; i < payload.n; i++)
		writer_u8(w, payload.p[i] ^ mask[i % 4]);
}
