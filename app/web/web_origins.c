/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_origins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void list_fill(struct web_origins_list *to, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	assert(count <= WEB_ORIGINS_MAX);
	to->count = count;
	if (count)
		memcpy(to->list, list, count * sizeof(to->list[0]));
}

void web_origins_open(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	list_fill(&o->now, list, count);
}

void web_origins_close(struct web_origins *o)
{
	/* acquire: pairs with the release in web_origins_renew */
	free(atomic_exchange_explicit(&o->fresh, NULL, memory_order_acquire));
}

void web_origins_renew(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	struct web_origins_list *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return;
	list_fill(fresh, list, count);
	/* release: pairs with the acquire in web_origins_refresh */
	free(atomic_exchange_explicit(&o->fresh, fresh, memory_order_acq_rel));
}

void web_origins_refresh(struct web_origins *o)
{
	/* acquire: pairs with the release in web_origins_renew */
	struct web_origins_list *fresh =
		atomic_exchange_explicit(&o->fresh, NULL, memory_order_acquire);

	if (fresh)
		o->now = *fresh;
	free(fresh);
}
