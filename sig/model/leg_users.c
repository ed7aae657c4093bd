/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/leg_users.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/model/call.h"

int leg_users_open(struct leg_users *u, uint32_t legs, struct rand_source *rand)
{
	uint32_t size = 1;

	while (size < legs && size < UINT32_C(1) << 31)
		size *= 2;
	*u = (struct leg_users){ .mask = size - 1 };
	u->key.k0 = rand_u64_from(rand);
	u->key.k1 = rand_u64_from(rand);
	u->buckets = calloc(size, sizeof(struct leg *));
	return u->buckets ? 0 : -ENOMEM;
}

void leg_users_close(struct leg_users *u)
{
	free(u->buckets);
	u->buckets = NULL;
}

void leg_users_put(struct leg_users *u, struct leg *leg)
{
	struct leg_link *l = &leg->same_user;
	struct leg **head;

	if (leg->user.n == 0 || l->back)
		return;
	l->hash = hash_sip(&u->key, text_bytes(&leg->user));
	head = &u->buckets[l->hash & u->mask];
	l->next = *head;
	l->back = head;
	if (l->next)
		l->next->same_user.back = &l->next;
	*head = leg;
}

void leg_users_remove(struct leg *leg)
{
	struct leg_link *l = &leg->same_user;

	if (!l->back)
		return;
	*l->back = l->next;
	if (l->next)
		l->next->same_user.back = l->back;
	*l = (struct leg_link){ 0 };
}

struct leg *leg_users_next(const struct leg_users *u, struct bytes user, const struct leg *after)
{
	uint64_t hash = after ? after->same_user.hash : hash_sip(&u->key, user);
	struct leg *l = after ? after->same_user.next : u->buckets[hash & u->mask];

	assert(!after || after->same_user.back);
	while (l && (l->same_user.hash != hash || !bytes_eq(text_bytes(&l->user), user)))
		l = l->same_user.next;
	return l;
}
