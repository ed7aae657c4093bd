/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/seek.h"

#include <stdlib.h>

void seek_leave(const struct seek *s)
{
	for (uint8_t i = 0; i < s->count; i++) {
		struct effect *e = effects_add(s->host->effects, EFFECT_LOOKUP_STOP);

		if (!e)
			return; /* it ends by itself */
		e->call = s->call;
		e->version = s->asks[i].serial;
	}
}

void seek_stop(struct plan *plan)
{
	struct seek *s = plan->seek;

	if (plan->count)
		plan->steps[plan->count - 1].seeks = false;
	if (!s)
		return;
	seek_leave(s);
	s->host->seeks--;
	free(s->asks);
	free(s);
	plan->seek = NULL;
}
