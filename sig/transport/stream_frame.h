/* SPDX-License-Identifier: Apache-2.0 */
/* The boundaries of SIP messages on a connection (RFC 3261 18.3: Content-Length; RFC 5626 4.4.1:
 * CRLF keepalives between messages). Pure; the messages do not depend on the segmentation. */
#ifndef SIG_TRANSPORT_STREAM_FRAME_H
#define SIG_TRANSPORT_STREAM_FRAME_H

#include "base/bytes.h"

enum { STREAM_HEAD_MAX = 16384, STREAM_MESSAGE_MAX = 65535 };

/* Why a connection cannot go on: the next message boundary is unknown. */
#define STREAM_BROKEN(X)                            \
	X(NOT_SIP, "not_sip")                       \
	X(HEAD_TOO_LARGE, "head_too_large")         \
	X(LENGTH_MISSING, "content_length_missing") \
	X(LENGTH_WRONG, "content_length_malformed") \
	X(MESSAGE_TOO_LARGE, "message_too_large")

enum stream_broken {
#define X(id, name) STREAM_BROKEN_##id,
	STREAM_BROKEN(X)
#undef X
		STREAM_BROKEN_REASONS
};

const char *stream_broken_name(enum stream_broken reason);

enum stream_frame_kind {
	STREAM_MORE,    /* the message is not whole yet */
	STREAM_MESSAGE, /* the first n octets */
	STREAM_PING,    /* CRLF CRLF: n octets; wants CRLF */
	STREAM_BLANK,   /* CRLF alone: n octets; a pong, or nothing */
	STREAM_BROKEN,  /* reason */
};

struct stream_frame {
	enum stream_frame_kind kind;
	size_t n;
	enum stream_broken reason;
};

/* Scan state of the message that has begun, so each octet is scanned once. Zeroed: nothing. */
struct stream_scan {
	size_t looked; /* there is no end of the head before here */
	size_t total;  /* octets of the whole message; 0: the head is not whole */
};

/* The first frame of the unconsumed input. The caller consumes its n octets then. */
struct stream_frame stream_frame_next(struct stream_scan *scan, struct bytes in);

#endif
