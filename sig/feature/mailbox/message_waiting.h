/* SPDX-License-Identifier: Apache-2.0 */
/* Message waiting (RFC 3842) of the mailboxes that phones of a node subscribe to, or are told of
 * unasked (sig/host/mailboxes.h). Called on the thread of the shards. */
#ifndef SIG_FEATURE_MAILBOX_MESSAGE_WAITING_H
#define SIG_FEATURE_MAILBOX_MESSAGE_WAITING_H

#include "sig/shard/shared_tables.h"

extern const struct shard_hooks message_waiting_hooks;

/* A mailbox that was due is counted: its watchers are notified. NULL: it could not be counted. */
void shard_messages_counted(struct shard_shared_tables *c, uint16_t tenant, struct bytes box,
			    const struct message_counts *counts, struct instant now);

#endif
