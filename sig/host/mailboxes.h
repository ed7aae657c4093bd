/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages lie in boxes, as they were counted last: one table for all shards of a node, of those boxes that somebody asks for. The
 * store counts them. Whoever has the store takes a box that is due, counts, and says so; a store that is away changes no number. One thread.
 */
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
/* What is known. False: nobody has counted yet; then the box is due. x NULL: nothing is known. */
bool mailboxes_get(struct mailboxes *x, uint16_t tenant, struct bytes box,
		   struct message_counts *out);
/* Something in it has changed: it is due, if anybody ever asked for it. */
void mailboxes_changed(struct mailboxes *x, uint16_t tenant, struct bytes box);
/* Another store, or one that was away: all are due. */
void mailboxes_changed_all(struct mailboxes *x);
/* Once a second: each is due once in so many seconds, as what other nodes say may be lost. */
void mailboxes_changed_some(struct mailboxes *x, uint32_t seconds);
/* The next one that is due, which is under way from now on. False: there is none. */
bool mailboxes_next(struct mailboxes *x, uint16_t *tenant, struct bytes *box);
/* One that was under way. counts NULL: nobody could count, and the box is due again. True: the numbers are others than before. */
bool mailboxes_counted(struct mailboxes *x, uint16_t tenant, struct bytes box,
		       const struct message_counts *counts);

#endif
