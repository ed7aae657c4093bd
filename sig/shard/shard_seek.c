/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for what the store says of a user, whom they are sent on to. */
#include <stdlib.h>

#include "sig/shard/shard_state.h"

struct user_ask {
	struct user_ask *next;
	uint64_t token;
	uint64_t call;
};

void shard_user_asks_drop(struct shard *s)
{
	while (s->user_asks) {
		struct user_ask *a = s->user_asks;

		s->user_asks = a->next;
		free(a);
	}
}

bool shard_user_known(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	return locations_know(s->locations, tenant, user);
}

bool shard_user_unread(void *owner, uint16_t tenant, struct bytes user)
{
	const struct shard *s = owner;

	return locations_unread(s->locations, tenant, user);
}

uint64_t shard_user_ask(void *owner, uint16_t tenant, struct bytes user, uint64_t call)
{
	struct shard *s = owner;
	struct user_ask *a = calloc(1, sizeof(*a));

	if (!a)
		return 0;
	*a = (struct user_ask){ .token = ++s->invite_wait_token, .call = call };
	if (!locations_ask(s->locations, tenant, user, &s->locations_user, a->token)) {
		free(a);
		return 0;
	}
	a->next = s->user_asks;
	s->user_asks = a;
	return a->token;
}

void shard_user_found(struct shard *s, uint64_t token, struct instant now)
{
	struct user_ask **at = &s->user_asks, *a;
	const struct call_event ev = { .kind = CALL_EV_USER_KNOWN, .version = token };

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	a = *at;
	if (!a)
		return;
	*at = a->next;
	(void)shard_call_event(s, a->call, &ev, now);
	free(a);
}
