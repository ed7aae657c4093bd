/* SPDX-License-Identifier: Apache-2.0 */
/* Where a party is (sig/identity/pidf.h): taken of its INVITE, kept with its leg, and told to those who may hear it (RFC 6442). */
#ifndef SIG_CALL_CONVEYED_H
#define SIG_CALL_CONVEYED_H

#include "sig/model/start.h"

/* The caller's INVITE has come. 0 or -ENOMEM. */
int conveyed_begin(struct call_host *h, struct call *c, const struct call_start *s) NODISCARD;
/* In our first INVITE to the leg: the header line, and a body of PIDF_MIXED with the session in it. False: it goes without. */
bool conveyed_write(struct writer *lines, struct writer *body, const struct call_host *h,
		    const struct call *c, uint8_t leg);

#endif
