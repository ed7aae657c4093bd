/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A party is given to whom another shard has in a call (docs/adr/0009). No leg leaves its shard. The call here rings that shard as it would
 * ring a phone, over SIP_INTER_SHARD and with Replaces; there the way to here takes the place of whom Replaces names.
 */
#ifndef SIG_PBX_REMOTE_SHARD_H
#define SIG_PBX_REMOTE_SHARD_H

#include "sig/model/event.h"
#include "sig/model/transfer.h"
#include "sig/sip/dialog_name.h"

/* Whether SIP_INTER_SHARD leads there; itself: false. */
bool remote_shard_is_reachable(const struct shard_settings *s, uint16_t shard);
/* What another shard may be offered. Where it may be on another node, now or after a take-over, nothing of its media is plain. */
struct offer_terms remote_shard_terms(const struct shard_settings *s);
/* The other shard that has the dialog, and can be reached from here; 0: none. *out: with the tags as that one sees them. */
uint16_t remote_shard_of(const struct call_host *h, const struct replaces *r, struct replaces *out);
/* referrer: who may replace that leg because it is its own; NULL: an operator, who may replace any. 0, -EINVAL (a name that
 * cannot be repeated) or -ENOMEM. */
int transfer_remote_set(struct transfer_remote *remote, uint16_t shard, const struct replaces *r,
			const struct leg *referrer) NODISCARD;
/* It goes into a conference there, under that name. 0 or -ENOMEM. */
int transfer_remote_set_member(struct transfer_remote *remote, uint16_t shard,
			       struct bytes name) NODISCARD;
/* Whom the transfer gives away calls there. from: as whom. */
enum refusal remote_shard_ring(struct call_host *h, struct call *c, const struct dialog_party *from,
			       struct call_refusal *refusal) NODISCARD;
/* That shard is rung for what it knows by a name of ours (retrieve_name_put, pick_name_put, meetme_name_get); "": by none. As remote_shard_ring. */
enum refusal remote_shard_ring_name(struct call_host *h, struct call *c, uint16_t shard,
				    struct bytes name, const struct dialog_party *from,
				    struct call_refusal *refusal) NODISCARD;
/* Header lines of each INVITE to another shard. */
/* Header lines of that INVITE. */
void remote_shard_write_lines(struct writer *w, const struct call_host *h, const struct call *c);

#endif
