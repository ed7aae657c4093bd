/* SPDX-License-Identifier: Apache-2.0 */
/* What a party's INVITE stated about it and its call's history, as far as its side is trusted:
 * whole header lines, each with one value, in the order of enum carried. It is kept with the
 * party's leg and its record, and told to the other legs as far as those may get it. Pure. */
#ifndef SIG_IDENTITY_CARRIED_H
#define SIG_IDENTITY_CARRIED_H

#include "sig/identity/policy.h"
#include "sig/sip/message.h"

/* The Privacy header: what a party asks to be hidden (RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1).
 * Pure. */

enum privacy {
	PRIVACY_HEADER = 1,
	PRIVACY_SESSION = 2,
	PRIVACY_USER = 4,
	PRIVACY_ID = 8,
	PRIVACY_HISTORY = 16,
	PRIVACY_CRITICAL = 32,
	PRIVACY_NONE = 64, /* nothing is to be hidden, whatever others would do */
};

/* The union of all its Privacy headers; a malformed one hides all that can be hidden. Without any,
 * from the older Remote-Party-ID. */
unsigned privacy_of(const struct sip_message *m);

/* Untrusted sides may not get the name. */
static inline bool privacy_hides_name(unsigned privacy)
{
	return !(privacy & PRIVACY_NONE) &&
	       (privacy & (PRIVACY_HEADER | PRIVACY_USER | PRIVACY_ID)) != 0;
}
/* ... nor the diversion history (RFC 7044 10.1.2). */
static inline bool privacy_hides_history(unsigned privacy)
{
	return !(privacy & PRIVACY_NONE) && (privacy & (PRIVACY_HEADER | PRIVACY_HISTORY)) != 0;
}

enum { CARRIED_VALUE_MAX = 1536, CARRIED_MAX = 4096, CARRIED_INDEX_MAX = 64 };

/* The identities that an untrusted party may state: P-Preferred-Identity (RFC 3325 9.2). */
struct carried_self {
	struct bytes number; /* its own; empty: none */
	struct bytes others; /* joined by ',' */
};

struct carried_line {
	enum carried kind;
	struct bytes all, name, value; /* all: with its CRLF */
};

/* The trusted headers of the message. What is malformed, too long or too much is left out, as if
 * absent. */
void carried_read(struct writer *w, const struct sip_message *m, const struct identity_policy *p,
		  const struct carried_self *self);
/* Lines as carried_read writes them: of a record. */
bool carried_is_valid(struct bytes lines);
/* The next line. Returns false at the end. */
bool carried_next(struct bytes *rest, struct carried_line *line);
/* The i-th value of that kind. Returns false if the lines have fewer values. */
bool carried_find(struct bytes lines, enum carried kind, unsigned i, struct bytes *value);
/* What the party asks to be hidden. */
unsigned carried_privacy(struct bytes lines);
/* The lines with P-Asserted-Identity and Privacy of a later message of the same party. Without any,
 * unchanged. */
void carried_renew(struct writer *w, struct bytes lines, const struct sip_message *m,
		   const struct identity_policy *p);
/* The user of one of the two URIs of P-Asserted-Identity: the telephone number if present. Returns
 * false without identity. */
bool carried_number(struct bytes lines, struct bytes *user);

/* One value of what is carried: whether it is one, and how it is told. Pure. */

/* A URI, in brackets or not, with our host[:port] instead of its own. tel URIs and those at
 * ".invalid" (RFC 3323 4.1.1.3) have nothing to hide. */
void carried_write_hidden(struct writer *w, struct bytes value, struct bytes host);

/* The diversion history of a call, by Diversion (RFC 5806) and by History-Info (RFC 7044), and one
 * converted to the other (RFC 7544). Lines are those of carried.h. Pure. */

/* The diverting user and the reason. */
struct diversion {
	struct bytes who;   /* his URI, without headers */
	const char *reason; /* "user-busy" */
	const char *cause;  /* "486" (RFC 4458) */
	bool hidden;        /* not to be sent to untrusted sides */
};

/* The i-th, the newest first: of Diversion, or of History-Info without Diversion. Returns false if
 * the lines have fewer values. */
bool diversion_get(struct bytes lines, unsigned i, struct diversion *out);

struct history {
	struct bytes value, uri; /* uri: without headers */
	struct bytes params;
	struct bytes index;
	bool hidden;
};
/* The i-th entry, the oldest first. Returns false if the lines have fewer entries. */
bool history_get(struct bytes lines, unsigned i, struct history *out);

#endif
