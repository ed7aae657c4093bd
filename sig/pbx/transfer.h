/* SPDX-License-Identifier: Apache-2.0 */
/* One party of an established call transfers the other to a target (sig/model/transfer.h). */
#ifndef SIG_PBX_TRANSFER_H
#define SIG_PBX_TRANSFER_H

#include "sig/call/module.h"
#include "sig/model/transfer.h"
#include "sig/sip/dialog_name.h"

/* The requester of a transfer. */
struct transfer_request {
	/* the transferor's; LEG_NONE: no transferor; the caller, who has no peer, is given away */
	uint8_t leg;
	bool ordered;  /* by command, and not by REFER: */
	bool replaced; /* by the party that takes its place (replace.h) */
	uint32_t cseq; /* of that */
	bool notify;
};

/* Its user may give parties away by REFER (CALL-27). */
bool transfer_is_allowed(const struct call_host *h, const struct call *c, const struct leg *l);
/* To that user of ours; gruu: to that phone of his alone. It begins when no INVITE is open.
 * REFUSED_TRANSFER_OPEN, _NOT_ESTABLISHED, _MEMORY: nothing has changed. */
enum refusal curl_transfer_start(struct call *c, const struct transfer_request *ask,
				 struct bytes user, struct bytes gruu) NODISCARD;
/* To a party in another call, which is merged with this one (RFC 3891, RFC 5589 7). */
enum refusal transfer_begin_with(struct call *c, const struct transfer_request *ask,
				 const struct transfer_with *with) NODISCARD;
/* To the party of that dialog on a remote shard, a user of ours perhaps (remote_shard.h). */
struct transfer_there {
	uint16_t shard;
	bool joins; /* the target has that dialog and no peer */
	struct replaces dialog;
	struct bytes member; /* in place of that: of a conference there (conference.h) */
};
enum refusal transfer_begin_remote(struct call *c, const struct transfer_request *ask,
				   struct bytes user, const struct transfer_there *there) NODISCARD;
/* It is impossible: the transferor is told, and the call goes on unchanged. */
void transfer_refuse(struct call_host *h, struct call *c, uint16_t status);
/* Cancels the ringing branches of a transfer without transferor: another phone takes the party,
 * which waits alone until then. */
void transfer_call_off(struct call_host *h, struct call *c);
/* It is done: the transferor is told, and released. */
void transfer_done(struct call_host *h, struct call *c);
/* One that waits begins, where it may. */
void transfer_go(struct call_host *h, struct call *c);
/* That REFER was accepted. */
bool transfer_is_of(const struct call *c, uint8_t leg, uint32_t cseq);
/* Neither of the pair still needs a re-INVITE for the other's capabilities. */
void transfer_met(struct call_host *h, struct call *c);

/* A transfer is under way, or about to be: another call was told that it has the place of one of
 * its legs. */
bool transfer_is_under_way(const struct call_host *h, const struct call *c);
/* By command, of the leg that was named. Of a caller that is alone none need be. */
enum refusal transfer_order_leg(const struct call *c, enum shard_leg named, uint8_t *leg) NODISCARD;

#endif
