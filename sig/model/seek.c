/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/seek.h"

#include <stdlib.h>

void seek_stop(struct plan *plan)
{
	struct seek *s = plan->seek;

	if (plan->count)
		plan->steps[plan->count - 1].seeks = false;
	if (!s)
		return;
	(*s->among)--;
	free(s->asks);
	free(s);
	plan->seek = NULL;
}
