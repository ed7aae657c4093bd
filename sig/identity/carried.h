/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a party's INVITE said of it and of the way of its call, as far as its side is believed: whole header lines, each with one value, in
 * the order of enum carried. It is kept with the party's leg and its record, and told to the other legs as far as those may hear it. Pure.
 */
#ifndef SIG_IDENTITY_CARRIED_H
#define SIG_IDENTITY_CARRIED_H

#include "sig/identity/policy.h"
#include "sig/identity/privacy.h"

enum { CARRIED_VALUE_MAX = 1536, CARRIED_MAX = 4096, CARRIED_INDEX_MAX = 64 };

/* Who a party that is not trusted may say it is: P-Preferred-Identity (RFC 3325 9.2). */
struct carried_self {
	struct bytes number; /* its own; empty: nobody's */
	struct bytes others; /* joined by ',' */
};

struct carried_line {
	enum carried kind;
	struct bytes all, name, value; /* all: with its CRLF */
};

/* What is believed of the message. What is malformed, too long or too much is left out, as if it had not been said. */
void carried_read(struct writer *w, const struct sip_message *m, const struct identity_policy *p,
		  const struct carried_self *self);
/* Lines as carried_read writes them: of a record. */
bool carried_is_valid(struct bytes lines);
/* The next line. False: there is none. */
bool carried_next(struct bytes *rest, struct carried_line *line);
/* The i-th value of that kind. False: there is none. */
bool carried_find(struct bytes lines, enum carried kind, unsigned i, struct bytes *value);
/* What the party asks to be hidden. */
unsigned carried_privacy(struct bytes lines);
/* The lines with those of P-Asserted-Identity and Privacy as a later message of the same party has them. Without any it is as before. */
void carried_renew(struct writer *w, struct bytes lines, const struct sip_message *m,
		   const struct identity_policy *p);
/* The user of one of the two URIs that a P-Asserted-Identity may have: the telephone number where there is one. False: nobody is asserted. */
bool carried_number(struct bytes lines, struct bytes *user);

#endif
