/* SPDX-License-Identifier: Apache-2.0 */
/* One WebSocket message as its frames and pieces come (RFC 6455 5.4), and what it is to SIP (RFC 7118 5 and 6). Pure. */
#ifndef APP_WEB_WEB_MESSAGE_H
#define APP_WEB_WEB_MESSAGE_H

#include "sig/transport/stream_frame.h"

struct web_message {
	uint8_t *data;
	size_t n, room;
};

/* More of it; left: octets of the frame that are still to come. 0, -EMSGSIZE (it would be above STREAM_MESSAGE_MAX), -ENOMEM. */
int web_message_add(struct web_message *m, struct bytes piece, uint64_t left) NODISCARD;
void web_message_clear(struct web_message *m);

enum web_message_kind {
	WEB_MESSAGE_SIP,
	WEB_MESSAGE_PING,  /* CRLF CRLF: wants CRLF (RFC 5626 3.5.1) */
	WEB_MESSAGE_BLANK, /* nothing but CRLF: a pong */
};
enum web_message_kind web_message_kind(struct bytes whole);

/* UTF-8 (RFC 3629): what a text frame may hold; the rest of SIP goes in binary ones. */
bool web_message_is_text(struct bytes message);

#endif
