/* SPDX-License-Identifier: Apache-2.0 */
/* Guests may leave while they are called: the walk keeps the next one where redis_leave finds it. */
#include <assert.h>

#include "cluster/redis/link.h"

void redis_join(struct redis *r, struct redis_guest *guest)
{
	struct redis_guest **at = &r->guests;

	assert(!guest->redis && guest->state && guest->expire);
	while (*at)
		at = &(*at)->next;
	guest->redis = r;
	guest->next = NULL;
	*at = guest;
}

void redis_leave(struct redis_guest *guest)
{
	struct redis *r = guest->redis;
	struct redis_guest **at;

	if (!r)
		return;
	for (at = &r->guests; *at != guest; at = &(*at)->next)
		assert(*at);
	*at = guest->next;
	if (r->next_guest == guest)
		r->next_guest = guest->next;
	guest->redis = NULL;
	guest->next = NULL;
}

void redis_guests_tell(struct redis *r, bool connected)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		guest->state(connected, guest->arg);
	}
}

void redis_guests_expire(struct redis *r, uint64_t now_ns)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		if (guest->next_ns <= now_ns)
			guest->expire(now_ns, guest->arg);
	}
}

void redis_guests_flush(struct redis *r)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		if (guest->flush)
			guest->flush(guest->arg);
	}
}
