/* SPDX-License-Identifier: Apache-2.0 */
/* Legs as values (leg.h): the index of a shard's legs by tenant and user, the channel that a
 * trunk's leg occupies from beginning to end, and moving or clearing SDP texts. What is sent in a
 * leg's dialog is in sig/leg. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sig/model/call.h"
#include "sig/model/leg.h"

enum trunk_direction leg_trunk_direction(const struct leg *l)
{
	return l->outbound ? TRUNK_OUT : TRUNK_IN;
}

int leg_set_trunk(struct trunks *all, struct leg *l, uint16_t trunk)
{
	const char *name = trunks_name(all, trunk);

	if (!name[0])
		return 0;
	if (text_set(&l->trunk, bytes_str(name)))
		return -ENOMEM;
	l->dialog.trunk = true;
	l->trunks = all;
	l->channel = trunk;
	trunks_hold(all, trunk, leg_trunk_direction(l));
	return 0;
}

void leg_leave_channel(struct leg *l)
{
	if (l->channel != TRUNK_NONE)
		trunks_release(l->trunks, l->channel, leg_trunk_direction(l));
	l->channel = TRUNK_NONE;
}

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

static uint32_t leg_user_hash(const struct leg_users *u, uint16_t tenant, struct bytes user)
{
	return (uint32_t)tenant_hash(hash_sip(&u->key, user), tenant);
}

void leg_users_put(struct leg_users *u, uint16_t tenant, struct leg *leg)
{
	struct leg_link *l = &leg->same_user;
	struct leg **head;

	if (leg->user.n == 0 || l->back)
		return;
	l->hash = leg_user_hash(u, tenant, text_bytes(&leg->user));
	l->tenant = tenant;
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

static bool leg_is_of(const struct leg *l, uint32_t hash, uint16_t tenant, struct bytes user)
{
	return l->same_user.hash == hash && l->same_user.tenant == tenant &&
	       bytes_eq(text_bytes(&l->user), user);
}

struct leg *leg_users_next(const struct leg_users *u, uint16_t tenant, struct bytes user,
			   const struct leg *after)
{
	uint32_t hash = after ? after->same_user.hash : leg_user_hash(u, tenant, user);
	struct leg *l = after ? after->same_user.next : u->buckets[hash & u->mask];

	assert(!after || after->same_user.back);
	while (l && !leg_is_of(l, hash, tenant, user))
		l = l->same_user.next;
	return l;
}

void leg_sdp_clear(struct leg_sdp *sdp)
{
	text_clear(&sdp->remote);
	text_clear(&sdp->local);
	sdp->theirs = sdp->by_18x = false;
}

void leg_sdp_move(struct leg_sdp *to, struct leg_sdp *from)
{
	leg_sdp_clear(to);
	*to = *from;
	*from = (struct leg_sdp){ 0 };
}
