/* SPDX-License-Identifier: Apache-2.0 */
/* The early dialogs of an INVITE of ours: each To tag in responses creates one (RFC 3261 12.1.2,
 * 13.2.2.4). One of them is current: it is the leg's dialog, PRACK and open SDP. The others are
 * kept in a list, by numbers that stay. The same holds for the caller: each early dialog with an
 * answer is shown to it under a tag of its own, and one of these dialogs is current. The first one
 * begins as the leg's dialog, and costs nothing. */
#ifndef SIG_LEG_EARLY_H
#define SIG_LEG_EARLY_H

#include "sig/model/call.h"

/* The early dialog of the response becomes current; an unknown one begins. final: it is the 2xx,
 * which always has room. Returns 0, -ENOSPC (too many), -EINVAL (it creates no dialog), -ENOMEM:
 * the previous one stays current. */
int early_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m,
		bool final) NODISCARD;
/* That one is in use. */
void early_use(struct leg *l, uint8_t at);
/* Whether there is one of that number, and which has that tag of its party; -1: none. */
bool early_has(const struct leg *l, uint8_t at);
/* The last PRACK of which one is that transaction; -1: of none. */
int early_of_prack(const struct leg *l, pool_handle txn);
struct prack *early_prack(struct leg *l, uint8_t at);
/* There are others than the current one. */
bool early_are_several(const struct leg *l);
/* That one has ended, and others go on. */
void early_end(struct call *c, uint8_t leg, uint8_t at);
/* Which is in use in the leg's dialog, and our SDP in it, also when another one is by then. */
struct early_mark {
	uint64_t tag;
	uint8_t at;
};
struct early_mark early_mark(const struct leg *l);
struct bytes early_local_sdp(const struct call *c, uint8_t leg, const struct early_mark *mark);

/* After a restart: as the dialog in use (RESUME_CSEQ_GAP). */
void early_resume(struct leg *l, uint32_t cseq_gap);
/* Its phone is somewhere else by now. */
void early_moved(struct leg *l, const struct sip_hop *from, const struct sip_hop *to);
/* All but the one in use have. */
void early_forget(struct invite_uac *uac);
/* All have: the leg's dialog is as it was when it was asked. */
void early_over(struct call_host *h, struct call *c, uint8_t leg);

/* The asker is in the dialog in which it is told of the one in use. */
bool early_is_selected(const struct call *c, uint8_t leg);
/* It was told of that one, perhaps in a dialog where it is not now. */
bool early_was_selected(const struct call *c, uint8_t leg);
/* It is current from now on: a dialog of its own begins if its caller has an answer in another one.
 * Returns true for one that it had before. */
bool early_select(struct call_host *h, struct call *c, uint8_t leg);
/* It could not be told: the previous one is current again, by uas.early and early_at. */
void early_select_back(struct call_host *h, struct call *c, struct leg *asker, uint8_t leg,
		       uint8_t at);
/* What it was told is told it no more: its dialog is a new one. */
void early_untell(struct call_host *h, struct leg *asker);
/* The one of which the asker was told last is in use again. */
void early_settle(const struct call *c, uint8_t leg);

/* The request is in one of them that is not current: a callee's by its own tag, a caller's by ours.
 * *of: the callee's leg. */
bool early_find(const struct call *c, uint8_t leg, const struct sip_message *request, uint8_t *of,
		uint8_t *at);
/* Where the party of the dialog is that the request is in. */
const struct sip_hop *early_hop(const struct call *c, uint8_t leg,
				const struct sip_message *request);
/* Where such a leg was asked. */
struct bytes early_first_target(const struct leg *l);
struct bytes early_first_routes(const struct leg *l);

/* Further forks behind a leg's address (RFC 3261 13.2.2.4): each 2xx of one creates a dialog that
 * we do not want. It is acknowledged and ended when that is in the call's record, and stays there
 * until its BYE is answered: a successor repeats it in the same transaction. Until it is saved the
 * fork repeats its 2xx, to the successor as well. forks_on_answer -> saved -> forks_on_saved (ACK,
 * BYE) -> forks_answered */

/* It answered 2xx, perhaps again. Bounded, so a party that invents forks cannot fill the
 * transactions with our BYEs. */
void forks_on_answer(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* Behind the next save. */
void forks_hold_for_save(struct call_host *h, struct call *c, uint8_t leg, uint8_t at);
/* It is in the store. */
void forks_on_saved(struct call_host *h, struct call *c, uint8_t leg, uint8_t at);
/* The BYE of that transaction was answered, or never is. */
void forks_answered(struct call *c, uint8_t leg, pool_handle client);
/* A BYE waits for its answer, or for a save. */
bool forks_are_open(const struct leg *l);
/* Of a record, which has its BYE and hop. False: it is no BYE of the leg's. */
bool forks_read(const struct leg *l, struct leg_fork *f) NODISCARD;
void forks_resume(struct call_host *h, struct call *c, uint8_t leg);
void forks_clear(struct leg *l);

#endif
