/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of several parts (RFC 2046 5.1, RFC 5621): a walk over them, and the session description of a message, wherever it stands.
 * Pure: slices of the body, nothing is copied.
 */
#ifndef SIG_SIP_BODY_H
#define SIG_SIP_BODY_H

#include "base/bytes.h"

/* A body, or a part of one, with what is said of it. Absent headers are empty. */
struct body_part {
	struct bytes type;        /* Content-Type */
	struct bytes disposition; /* Content-Disposition */
	struct bytes
		coding;  /* Content-Encoding, else Content-Transfer-Encoding; empty: as it stands */
	struct bytes id; /* Content-ID, without its brackets */
	struct bytes octets;
};

struct multipart {
	struct bytes boundary;
	struct bytes rest; /* behind the last delimiter that was read */
	bool closed;       /* that was the closing one */
};

enum { MULTIPART_DEPTH = 3 }; /* parts within parts within parts, and no further */

/* Before the first part. 0; -ENOTSUP: it is no multipart; -EBADMSG: without a boundary, or that is nowhere. */
int multipart_open(struct multipart *m, const struct body_part *whole) NODISCARD;
/* 1: *out filled, 0: the end, -EBADMSG: a part has no end, or a header that is none. */
int multipart_next(struct multipart *m, struct body_part *out);

/* The session description: the body, or the part of it that is one. Other parts are passed over; one that must be understood (RFC 3204:
 * handling=required, said in so many words) is not. *sdp empty: there is none, and none is missed.
 * 0; -ENOTSUP: 415; -EBADMSG: 400. */
int body_session(const struct body_part *whole, struct bytes *sdp) NODISCARD;
/* The part of that Content-ID, of those that the body consists of: no part of a part. False: there is none, or it is coded. */
bool body_part_find(const struct body_part *whole, struct bytes id, struct body_part *out);
/* It is of that type, whatever parameters it has. */
bool body_part_is(const struct body_part *p, const char *type);

/* Text of others within XML that we write: bodies of NOTIFY. Pure. */

/* As character data or the value of an attribute in quotes. What XML 1.0 has no character for, and what is no UTF-8, becomes '?'. */
void xml_write(struct writer *w, struct bytes text);

#endif
