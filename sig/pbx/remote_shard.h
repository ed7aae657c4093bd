/* SPDX-License-Identifier: Apache-2.0 */
/* A party is transferred to a party of a call on a remote shard (docs/adr/0009). No leg leaves its
 * shard: the call here rings that shard as it would a phone, over SIP_INTER_SHARD and with
 * Replaces; there this leg replaces the dialog that Replaces names. */
#ifndef SIG_PBX_REMOTE_SHARD_H
#define SIG_PBX_REMOTE_SHARD_H

#include "sig/model/event.h"
#include "sig/model/transfer.h"
#include "sig/sip/dialog_name.h"

/* Whether SIP_INTER_SHARD leads there; itself: false. */
bool remote_shard_is_reachable(const struct shard_settings *s, uint16_t shard);
/* The remote shard that has the dialog and is reachable; 0: none. *out: with the tags as that shard
 * sees them. */
uint16_t remote_shard_of(const struct call_host *h, const struct replaces *r, struct replaces *out);
/* referrer: the leg's own user, which may replace it; NULL: an operator, who may replace any.
 * Returns 0, -EINVAL (a name that cannot be repeated) or -ENOMEM. */
int transfer_remote_set(struct transfer_remote *remote, uint16_t shard, const struct replaces *r,
			const struct leg *referrer) NODISCARD;
/* It goes into a conference there, under that name. 0 or -ENOMEM. */
int transfer_remote_set_member(struct transfer_remote *remote, uint16_t shard,
			       struct bytes name) NODISCARD;
/* The given party calls there, with identity from. */
enum refusal remote_shard_ring(struct call_host *h, struct call *c, const struct dialog_party *from,
			       struct call_refusal *refusal) NODISCARD;
/* Rings that shard for an object of ours by name (retrieve_name_put, pick_name_put,
 * that of a room), or for none (""). As remote_shard_ring. */
enum refusal remote_shard_ring_name(struct call_host *h, struct call *c, uint16_t shard,
				    struct bytes name, const struct dialog_party *from,
				    struct call_refusal *refusal) NODISCARD;
/* Header lines of each INVITE to another shard. */
/* Header lines of that INVITE. */
void remote_shard_write_lines(struct writer *w, const struct call_host *h, const struct call *c);

#endif
