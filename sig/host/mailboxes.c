/* SPDX-License-Identifier: Apache-2.0 */
/* The cached message counts of mailboxes (mailboxes.h), and the queue of those that are due for
 * counting. A mailbox becomes due when first asked for, when a node changed it, or in a periodic
 * round. The owner of the store takes them from the queue and reports the counts, on which watchers
 * are notified. */

#include "sig/host/mailboxes.h"

#include <stdlib.h>
#include <string.h>

#include "base/named.h"

struct mailbox {
	uint16_t tenant;
	char name[MAILBOX_NAME_MAX];
	bool known;
	bool due;             /* in the list */
	bool asked;           /* under way */
	struct mailbox *next; /* that is due */
	struct message_counts counts;
};

struct mailboxes {
	struct table by_name;
	struct mailbox *due, **due_end;
	uint32_t cursor; /* of mailboxes_changed_some */
};

void mailboxes_free(struct mailboxes *x)
{
	if (!x)
		return;
	named_close(&x->by_name);
	free(x);
}

struct mailboxes *mailboxes_create(void)
{
	struct mailboxes *x = calloc(1, sizeof(*x));

	if (!x || table_open(&x->by_name, MAILBOXES_MAX)) {
		mailboxes_free(x);
		return NULL;
	}
	x->due_end = &x->due;
	return x;
}

static void mailbox_due(struct mailboxes *x, struct mailbox *b)
{
	if (b->due)
		return;
	b->due = true;
	b->next = NULL;
	*x->due_end = b;
	x->due_end = &b->next;
}

bool mailboxes_get(struct mailboxes *x, uint16_t tenant, struct bytes box,
		   struct message_counts *out)
{
	struct mailbox *b;
	int err;

	if (!x || !box.n || box.n >= MAILBOX_NAME_MAX)
		return false;
	b = named_put(&x->by_name, tenant, box, sizeof(*b), &err);
	if (!b)
		return false;
	if (!b->known && !b->asked)
		mailbox_due(x, b);
	*out = b->counts;
	return b->known;
}

void mailboxes_changed(struct mailboxes *x, uint16_t tenant, struct bytes box)
{
	struct mailbox *b = x ? named_find(&x->by_name, tenant, box) : NULL;

	if (b)
		mailbox_due(x, b);
}

void mailboxes_changed_all(struct mailboxes *x)
{
	struct mailbox *b;
	uint32_t cursor = 0;

	while ((b = named_next(&x->by_name, &cursor)) != NULL)
		mailbox_due(x, b);
}

void mailboxes_changed_some(struct mailboxes *x, uint32_t seconds)
{
	struct mailbox *b;

	for (uint32_t i = x->by_name.count / seconds + 1; i; i--) {
		b = named_next(&x->by_name, &x->cursor);
		if (b)
			mailbox_due(x, b);
		else
			x->cursor = 0;
	}
}

bool mailboxes_next(struct mailboxes *x, uint16_t *tenant, struct bytes *box)
{
	struct mailbox *b = x->due;

	if (!b)
		return false;
	x->due = b->next;
	if (!x->due)
		x->due_end = &x->due;
	b->due = false;
	b->asked = true;
	*tenant = b->tenant;
	*box = bytes_str(b->name);
	return true;
}

bool mailboxes_counted(struct mailboxes *x, uint16_t tenant, struct bytes box,
		       const struct message_counts *counts)
{
	struct mailbox *b = named_find(&x->by_name, tenant, box);
	bool is_change;

	if (!b)
		return false;
	b->asked = false;
	if (!counts) {
		mailbox_due(x, b);
		return false;
	}
	is_change = !b->known || memcmp(&b->counts, counts, sizeof(*counts)) != 0;
	b->known = true;
	b->counts = *counts;
	return is_change;
}
