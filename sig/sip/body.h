/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several parts (RFC 2046 5.1, RFC 5621): iterates over the parts, and finds the session
 * description of a message at any depth. Pure: slices of the body, nothing is copied. */
#ifndef SIG_SIP_BODY_H
#define SIG_SIP_BODY_H

#include "base/bytes.h"

/* A body, or a part of one, with its headers. Absent headers are empty. */
struct body_part {
	struct bytes type;        /* Content-Type */
	struct bytes disposition; /* Content-Disposition */
	struct bytes coding; /* Content-Encoding, else Content-Transfer-Encoding; empty: identity */
	struct bytes id;     /* Content-ID, without its brackets */
	struct bytes octets;
};

struct multipart {
	struct bytes boundary;
	struct bytes rest; /* behind the last delimiter that was read */
	bool closed;       /* that was the closing one */
};

enum { MULTIPART_DEPTH = 3 }; /* parts within parts within parts, and no further */

/* Stands before the first part. Returns 0; -ENOTSUP: not multipart; -EBADMSG: no boundary, or it
 * never occurs. */
int multipart_open(struct multipart *m, const struct body_part *whole) NODISCARD;
/* Returns 1: *out filled, 0: the end, -EBADMSG: an unterminated part, or an invalid header. */
int multipart_next(struct multipart *m, struct body_part *out);

/* The session description: the body, or the part of it that is one. Other parts are skipped, except
 * those marked handling=required (RFC 3204) explicitly. *sdp empty: none, and that is allowed.
 * Returns 0; -ENOTSUP: 415; -EBADMSG: 400. */
int body_session(const struct body_part *whole, struct bytes *sdp) NODISCARD;
/* The part with that Content-ID among the parts of the body, not nested ones. Returns false if not
 * found, or encoded. */
bool body_part_find(const struct body_part *whole, struct bytes id, struct body_part *out);
/* It is of that type, whatever parameters it has. */
bool body_part_is(const struct body_part *p, const char *type);

/* Text of others within XML that we write: bodies of NOTIFY. Pure. */

/* As character data or a quoted attribute value. Characters outside XML 1.0, and invalid UTF-8,
 * become '?'. */
void xml_write(struct writer *w, struct bytes text);

#endif
