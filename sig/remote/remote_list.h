/* SPDX-License-Identifier: Apache-2.0 */
/* What processes of other nodes ask for, or tell, of users: found by user, the one that was heard of last is the first. */
#ifndef SIG_SUBSCRIPTION_REMOTE_LIST_H
#define SIG_SUBSCRIPTION_REMOTE_LIST_H

#include "base/hash.h"
#include "base/table.h"
#include "base/text.h"
#include "sig/remote/remote_news.h"

struct remote_entry {
	struct remote_entry *next, *prev;
	uint64_t hash, process;
	uint64_t until_ns;
	struct text tenant, user;
	struct remote_entry *due_next;
	bool is_due;
	uint8_t empty_left; /* so often it is still told that there is nothing */
	uint32_t count;
	struct dialog_state *dialogs; /* and what they point at, in one */
};

struct remote_list {
	struct hash_key key;
	struct table by_user;
	struct remote_entry *first, *last;
	uint32_t count, most;
};

/* 0 or -ENOMEM. */
int remote_list_open(struct remote_list *l, uint32_t most, const struct hash_key *key) NODISCARD;
void remote_list_close(struct remote_list *l); /* also one that is zeroed */
/* All of a user: start with *cursor = 0. NULL at the end. */
struct remote_entry *remote_list_next(const struct remote_list *l, struct bytes tenant,
				      struct bytes user, uint32_t *cursor);
/* That of a process; NULL: none. */
struct remote_entry *remote_list_find(const struct remote_list *l, uint64_t process,
				      struct bytes tenant, struct bytes user);
/* The same, made if there is none, and the first from now on. NULL: full, or no memory. */
struct remote_entry *remote_list_take(struct remote_list *l, uint64_t process,
				      const struct remote_user *u, uint64_t until_ns);
void remote_list_drop(struct remote_list *l, struct remote_entry *e);
/* Takes a copy of what was told. 0 or -ENOMEM: all is as it was. */
int remote_entry_fill(struct remote_entry *e, const struct remote_user *u) NODISCARD;
/* Nobody who watches would be told anything new. */
bool remote_entry_is(const struct remote_entry *e, const struct remote_user *u);

#endif
