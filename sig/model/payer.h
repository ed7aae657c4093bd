/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of a call are charged to the quota of the party that began it (sig/host/quota.h):
 * the call itself, the ports of all its legs, the INVITEs of its branches. Calls by command have no
 * payer. */
#ifndef SIG_MODEL_PAYER_H
#define SIG_MODEL_PAYER_H

#include "sig/model/event.h"

/* Sets the payer, who was charged already. Returns 0 or -ENOMEM. */
int payer_note(struct call *c, const struct quota_name *name) NODISCARD;
/* The same for a call requested without an INVITE: it counts among the payer's calls, and those of
 * this second. always: ignores the limits. Returns REFUSED_MEMORY, or a quota's: *h->quota_refusal
 * says why. */
enum refusal payer_charge_call(struct call_host *h, struct call *c, const struct quota_name *name,
			       bool always) NODISCARD;
/* A party of `from` goes on in `to`: that is charged to the same. */
enum refusal payer_share(struct call_host *h, const struct call *from, struct call *to) NODISCARD;
/* The payer. Returns false without one. */
bool payer_of(const struct call *c, struct quota_name *out);
/* The record need not have it: the payer is the caller. */
bool payer_is_caller(const struct call *c);
/* What a request asks for begins. Where it is refused *h->quota_refusal says why. */
enum refusal payer_charge_request(struct call_host *h, const struct call *c,
				  const struct txn_slot *cause);
/* One pair of ports more, which flow_drop gives back. As payer_charge_request. */
enum refusal payer_charge_port(struct call_host *h, const struct call *c) NODISCARD;
void payer_release_port(const struct call_host *h, const struct call *c);
/* It goes to another call with its leg, and is not refused there. */
void payer_move_port(const struct call_host *h, const struct call *from, const struct call *to);
/* Whether one more branch may be asked: there is room for its transaction. */
bool payer_may_add_branch(const struct call_host *h, const struct call *c);
/* The transaction is one of the caller's until it ends. */
void payer_charge_txn(const struct call_host *h, const struct call *c, struct txn_slot *slot);
/* A request that we send because of a party's request is charged to that party. Returns false at
 * its limit. */
bool payer_charge_caused(const struct call_host *h, const struct txn_slot *cause,
			 struct txn_slot *slot);
/* The response to the caller when a quota is used up. */
void call_refuse_quota(struct call_refusal *r, const struct quota_refusal *why);
/* The same for the quota that was exceeded last. Is err. */
enum refusal payer_refuse(const struct call_host *h, struct call_refusal *refusal);

#endif
