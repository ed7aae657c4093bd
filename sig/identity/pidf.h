/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a party is, as a part of its INVITE: a PIDF-LO (RFC 4119) that "Geolocation: <cid:...>" names (RFC 6442 4.1). It is carried as it
 * is: nothing in it is for the node to read. Pure.
 */
#ifndef SIG_IDENTITY_PIDF_H
#define SIG_IDENTITY_PIDF_H

#include "sig/sip/message.h"

#define PIDF_TYPE     "application/pidf+xml"
#define PIDF_BOUNDARY "=_tandem-location_="
#define PIDF_MIXED    "multipart/mixed;boundary=\"" PIDF_BOUNDARY "\""

/* Over UDP it is still to fit beside an offer. */
enum { PIDF_MAX = 4096 };

/* Text that can be a part of a body, and looks like a document. */
bool pidf_is_valid(struct bytes pidf);
/* The first one that the message names and has; empty: none that can be carried. A slice of its body. */
struct bytes pidf_of(const struct sip_message *m);
/* "Geolocation: <cid:...>". id: a name of the call's own. */
void pidf_write_header(struct writer *w, struct bytes id);
/* A body of PIDF_MIXED: the session, where there is one, and the location. */
void pidf_write_body(struct writer *w, struct bytes id, struct bytes sdp, struct bytes pidf);

#endif
