/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs that are in another call than their tags say: a dialog keeps the tags that it was born with, whatever call its leg goes to.
 * All others are found by their tags alone, and cost nothing here. Of a shard; its thread.
 */
#ifndef SIG_DIALOG_ELSEWHERE_H
#define SIG_DIALOG_ELSEWHERE_H

#include "base/hash.h"
#include "sig/sip/id.h"

struct dialog;

struct elsewhere {
	struct id_tag born;
	uint64_t call; /* where it is now */
	uint8_t leg;
	struct elsewhere *next, **back; /* back: what points at this one; NULL: not listed */
};

enum { ELSEWHERE_BUCKETS = 1024 };

struct elsewhere_list {
	struct elsewhere *buckets[ELSEWHERE_BUCKETS];
	struct hash_key key;
};

/* key: of the shard. */
void elsewhere_open(struct elsewhere_list *list, const struct hash_key *key);
/* The dialog's leg is this one from now on. list NULL: to be listed later (elsewhere_put). 0 or -ENOMEM: nothing has changed. */
int elsewhere_set(struct elsewhere_list *list, struct dialog *d, uint64_t call,
		  uint8_t leg) NODISCARD;
/* One that is not listed yet, as a record has it; nothing where it is where its tags say. */
void elsewhere_put(struct elsewhere_list *list, struct dialog *d);
/* With the dialog. */
void elsewhere_forget(struct elsewhere **e);
/* Call and leg of a tag of ours become those where its dialog is. */
void elsewhere_follow(const struct elsewhere_list *list, struct id_tag *tag);

#endif
