/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/seek.h"

#include <stdlib.h>

void resolve_cancel(const struct resolve *s)
{
	for (uint8_t i = 0; i < s->count; i++) {
		struct effect *e = effects_add(s->host->effects, EFFECT_LOOKUP_STOP);

		if (!e)
			return; /* it ends by itself */
		e->call = s->call;
		e->version = s->asks[i].serial;
	}
}

void resolve_stop(struct plan *plan)
{
	struct resolve *s = plan->resolve;

	if (plan->count)
		plan->steps[plan->count - 1].resolves = false;
	if (!s)
		return;
	resolve_cancel(s);
	s->host->resolves--;
	free(s->asks);
	free(s);
	plan->resolve = NULL;
}
