/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Further forks behind a leg's address (RFC 3261 13.2.2.4): each 2xx of one makes a dialog that we do not want. It is acknowledged and ended
 * when that is in the call's record, and stays there until its BYE is answered: a successor says it again, to the same transaction. Until it
 * is saved the fork says its 2xx again, to the successor.
 *
 *   forks_take -> saved -> forks_go (ACK, BYE) -> forks_answered
 */
#ifndef SIG_LEG_FORKS_H
#define SIG_LEG_FORKS_H

#include "sig/model/call.h"

/* It said 2xx, perhaps again. A party that makes up forks does not fill the transactions with our BYEs. */
void forks_take(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* Behind the next save. */
void forks_wait(struct call_host *h, struct call *c, uint8_t leg, uint8_t at);
/* It is in the store. */
void forks_go(struct call_host *h, struct call *c, uint8_t leg, uint8_t at);
/* The BYE of that transaction was answered, or never is. */
void forks_answered(struct call *c, uint8_t leg, pool_handle client);
/* A BYE waits for its answer, or for a save. */
bool forks_are_open(const struct leg *l);
/* That of a record. 0, -EBADMSG (it is no BYE of the leg's), -ENOSPC or -ENOMEM. */
int forks_add(struct leg *l, struct bytes bye, const struct sip_hop *hop) NODISCARD;
void forks_resume(struct call_host *h, struct call *c, uint8_t leg);
void forks_clear(struct leg *l);

#endif
