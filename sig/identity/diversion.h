/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By whom a call came, as Diversion (RFC 5806) and as History-Info (RFC 7044) say it, and one made of the other (RFC 7544). Lines are those
 * of carried.h. Pure.
 */
#ifndef SIG_IDENTITY_DIVERSION_H
#define SIG_IDENTITY_DIVERSION_H

#include "sig/identity/carried.h"

/* Who sent the call on, and why. */
struct diversion {
	struct bytes who;   /* his URI, without headers */
	const char *reason; /* "user-busy" */
	const char *cause;  /* "486" (RFC 4458) */
	bool hidden;        /* not to be told to who is not trusted */
};

/* The i-th, the newest first: of Diversion, or of History-Info where there is no Diversion. False: there is none. */
bool diversion_get(struct bytes lines, unsigned i, struct diversion *out);

struct history {
	struct bytes value, uri; /* uri: without headers */
	struct bytes params;
	struct bytes index;
	bool hidden;
};
/* The i-th entry, the oldest first. False: there is none. */
bool history_get(struct bytes lines, unsigned i, struct history *out);

#endif
