/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of a WebSocket (RFC 6455): its opening handshake, and frames. Values. */
#ifndef APP_HELPER_WS_FRAME_H
#define APP_HELPER_WS_FRAME_H

#include "base/bytes.h"

enum {
	WS_KEY_MAX = 25,    /* base64 of 16 octets, and NUL */
	WS_ACCEPT_MAX = 29, /* of 20 octets */
	WS_HEAD_MAX = 4096, /* of what the server answers */
	WS_PAYLOAD_MAX = 65536,
	WS_FRAME_HEAD_MAX = 14,
};

enum ws_opcode { WS_MORE = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
	enum ws_opcode opcode;
	bool last;
	struct bytes payload; /* in what was read */
};

/* The server's answer to a key. */
void ws_accept(char out[WS_ACCEPT_MAX], const char *key);
/* Reads the answer to the handshake. Returns its octets; 0: incomplete; -EPROTO: invalid.
 * *status: of HTTP, 0: unknown. */
int ws_head_read(struct bytes in, const char *key, long *status);
/* Reads a server's first frame. Returns its octets; 0: incomplete; -EPROTO, or -EMSGSIZE. */
int ws_frame_read(struct bytes in, struct ws_frame *f);
/* As a client writes it: whole, and masked. */
void ws_frame_write(struct writer *w, enum ws_opcode opcode, struct bytes payload,
		    const uint8_t mask[4]);

#endif
