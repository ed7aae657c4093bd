/* SPDX-License-Identifier: Apache-2.0 */
/* Message counts of mailboxes as last counted: one table for all shards of a node, with the
 * mailboxes that have been asked for. The store counts them: its owner takes a mailbox that is due,
 * counts, and reports; while the store is away the numbers stay. One thread. */
#ifndef SIG_HOST_MAILBOXES_H
#define SIG_HOST_MAILBOXES_H

#include "base/bytes.h"

enum {
	MAILBOX_NAME_MAX = 64,   /* with its NUL */
	MAILBOXES_MAX = 1 << 18, /* of a node */
};

/* Of voice messages: new ones, and urgent ones among each. */
struct message_counts {
	uint32_t fresh, old, urgent_fresh, urgent_old;
};

struct mailboxes;

struct mailboxes *mailboxes_create(void); /* NULL: no memory */
void mailboxes_free(struct mailboxes *x); /* NULL is fine */
/* The known counts. Returns false if not counted yet; then the mailbox is due. x NULL: nothing is
 * known. */
bool mailboxes_get(struct mailboxes *x, uint16_t tenant, struct bytes box,
		   struct message_counts *out);
/* Its contents have changed: it is due if it was ever asked for. */
void mailboxes_changed(struct mailboxes *x, uint16_t tenant, struct bytes box);
/* Another store, or one that was away: all are due. */
void mailboxes_changed_all(struct mailboxes *x);
/* Once a second: each is due once in so many seconds, as what other nodes say may be lost. */
void mailboxes_changed_some(struct mailboxes *x, uint32_t seconds);
/* The next mailbox that is due, being counted from now on. Returns false if none is. */
bool mailboxes_next(struct mailboxes *x, uint16_t *tenant, struct bytes *box);
/* The result for one being counted. counts NULL: the count failed, and it is due again. Returns
 * true if the numbers have changed. */
bool mailboxes_counted(struct mailboxes *x, uint16_t tenant, struct bytes box,
		       const struct message_counts *counts);

#endif
