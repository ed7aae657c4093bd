/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our final refusal of the INVITE that began a leg: what ends its call. It leaves behind its save, and is in the call's record until the
 * party has acknowledged it, so that a successor says the same again and asks no phone anew.
 *
 *   refusal_begin -> refusal_go -> ACK, or 64*T1 (RFC 3261 17.2.1, timer H) -> refusal_clear
 */
#ifndef SIG_LEG_REFUSAL_H
#define SIG_LEG_REFUSAL_H

#include "sig/leg/leg.h"

/* Its party's INVITE is open. Without memory it is said at once. */
void refusal_begin(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f);
/* Behind the next save. */
void refusal_wait(struct call_host *h, struct call *c, uint8_t leg);
/* It is in the store. */
void refusal_go(struct call_host *h, struct call *c, uint8_t leg);
/* An ACK came there. False: there is no refusal, or nobody heard it yet. */
bool refusal_acknowledged(struct leg *l);
/* The transaction of a former process. 0, -ENOSPC or -EBADMSG. */
int refusal_attach(struct call_host *h, struct call *c, uint8_t leg,
		   const struct sip_hop *source) NODISCARD;
void refusal_clear(struct leg *l);

#endif
