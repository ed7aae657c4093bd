/* SPDX-License-Identifier: Apache-2.0 */
/* Resource lists (RFC 4662): one subscription to many users. Common data of all lists are stored
 * once: each user in any of them has links to its lists. So a list costs 24 octets for each of its
 * users, and a change of a user as much as there are lists with him. The first document behind a
 * SUBSCRIBE names all resources (fullState="true"), with the states that fit into it. The others
 * follow in the next ones, as changes do. The state of a resource is always whole. */
#ifndef SIG_SUBSCRIPTION_LIST_H
#define SIG_SUBSCRIPTION_LIST_H

#include "sig/subscription/subscriptions.h"

enum { LIST_RESOURCES_MAX = 128, LIST_USERS_MAX = 4096 /* octets of all users, joined by ' ' */ };

struct watched; /* a user who is in lists */

struct list_resource {
	struct watched *of;
	struct list_resource *next; /* of the same user, in another list */
	uint32_t told;              /* a hash of what its watcher was told of it; 0: nothing */
	uint8_t index;
	bool changed, first; /* first: before others that changed */
};

struct subscription_list {
	struct subscription *sub;
	uint32_t count;
	struct list_resource resources[];
};

static inline struct subscription_list *list_of_resource(struct list_resource *r)
{
	return (void *)((uint8_t *)(r - r->index) - sizeof(struct subscription_list));
}

/* Its users from now on; users: joined by ' '. 0 or -ENOMEM: it has those that it had. */
int list_set(struct subscriptions *s, struct subscription *sub, struct bytes users) NODISCARD;
void list_clear(struct subscriptions *s, struct subscription *sub);
/* They, joined by ' '. */
void list_write_users(struct writer *w, const struct subscription_list *list);
struct bytes list_user(const struct list_resource *r);
/* That user in the first list that has him; NULL: none has. */
struct list_resource *list_with(const struct subscriptions *s, uint16_t tenant, struct bytes user);
/* How many have him. */
uint32_t list_watchers(const struct subscriptions *s, uint16_t tenant, struct bytes user);
/* A changed resource is to be sent, or one with a state that a document without it does not
 * show. */
bool list_has_changed(const struct subscription_list *list);
/* The state of one is another. anew: it is told again whatever it is. */
void list_changed(struct subscriptions *s, struct list_resource *r, bool anew);
/* "multipart/related; ..." of its next document. */
void list_write_type(struct writer *w, const struct subscription *sub);
/* A page is told of its users, as JSON (user_watch.c). */
void user_watch_notify(struct subscriptions *s, struct subscription *sub);
/* Its next document. *more: not all went into it. False: there is nothing new to be told. */
bool list_write(struct subscriptions *s, struct subscription *sub, size_t most, struct writer *w,
		bool *more);

#endif
