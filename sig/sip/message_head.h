/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datagram cut into its header lines; private to the message_*.c files. Owns a copy of the bytes, in which folded lines are
 * joined (RFC 3261 7.3.1), so that no value holds a line end and none can start a header line when it is written again.
 */
#ifndef SIG_SIP_MESSAGE_HEAD_H
#define SIG_SIP_MESSAGE_HEAD_H

#include "sig/sip/message.h"

enum { MESSAGE_LINES_MAX = 128, MESSAGE_BYTES_MAX = 65535 };

/* The headers this core reads itself; any other is found by its name. */
enum header_id {
	HEADER_OTHER,
	HEADER_CALL_ID,
	HEADER_CONTACT,
	HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_TYPE,
	HEADER_CSEQ,
	HEADER_EXPIRES,
	HEADER_FROM,
	HEADER_MAX_FORWARDS,
	HEADER_TO,
	HEADER_VIA,
	HEADER_ALLOW_EVENTS,
	HEADER_CONTENT_ENCODING,
	HEADER_EVENT,
	HEADER_REFER_TO,
	HEADER_REFERRED_BY,
	HEADER_SESSION_EXPIRES,
	HEADER_SUBJECT,
	HEADER_SUPPORTED,
	HEADER_IDS,
};

struct header_line {
	struct bytes name;
	struct bytes value; /* trimmed */
	enum header_id id;
};

struct message_head {
	struct bytes raw;   /* the copy */
	struct bytes start; /* the first line */
	struct bytes body;  /* up to the end of the datagram */
	const char *defect; /* what is wrong with the layout; NULL: nothing */
	uint32_t count;
	struct header_line lines[];
};

/* NULL: out of memory. The caller frees it. */
struct message_head *message_head_make(struct bytes datagram);
enum header_id header_id_of(struct bytes name);
/* The i-th line of a known header, or NULL. */
const struct header_line *message_head_line(const struct message_head *head, enum header_id id,
					    unsigned i);

/* host[:port]; the host of "[v6]" is given without brackets. 0 or -EBADMSG. */
int sip_hostport(struct bytes in, struct bytes *host, uint16_t *port) NODISCARD;
/* One Via value. 0 or -EBADMSG; host is filled whenever sent-by was readable. */
int sip_via_parse(struct sip_via *out, struct bytes in) NODISCARD;

#endif
