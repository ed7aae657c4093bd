/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTERs whose answers wait for a save. */
#include <stdlib.h>

#include "sig/location/locations_state.h"

enum { WAITS_MAX = 16 }; /* REGISTERs of one address of record that wait at the same time */

bool location_wait(struct location *a, struct locations_user *user, pool_handle txn,
		   struct text *response)
{
	struct register_wait *w = a->wait_count < WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;
	struct register_wait **end = &a->waits;

	if (!w)
		return false;
	w->user = user;
	w->txn = txn;
	w->version = a->entry.version;
	w->response = *response;
	*response = (struct text){ 0 };
	while (*end)
		end = &(*end)->next;
	*end = w;
	a->wait_count++;
	return true;
}

static void wait_free(struct location *a, struct register_wait **at)
{
	struct register_wait *w = *at;

	*at = w->next;
	a->wait_count--;
	text_clear(&w->response);
	free(w);
}

void location_release(struct locations *l, struct location *a, uint64_t version)
{
	while (a->waits && a->waits->version <= version) {
		struct register_wait *w = a->waits;

		w->user->answer(w->user->owner, w->txn, &w->response, l->clock);
		wait_free(a, &a->waits);
	}
}

void location_refuse(struct locations *l, struct location *a)
{
	struct text nothing = { 0 };

	while (a->waits) {
		struct register_wait *w = a->waits;

		w->user->answer(w->user->owner, w->txn, &nothing, l->clock);
		wait_free(a, &a->waits);
	}
}

void location_waits_drop(struct location *a, const struct locations_user *user)
{
	struct register_wait **at = &a->waits;

	while (*at) {
		if (user && (*at)->user != user)
			at = &(*at)->next;
		else
			wait_free(a, at);
	}
}
