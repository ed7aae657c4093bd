/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "sig/model/plan.h"

const char *plan_why_name(enum plan_why why)
{
	static const char *const names[PLAN_WHYS] = {
#define X(id, name, reason, cause) [PLAN_##id] = (name),
		PLAN_WHY(X)
#undef X
	};

	assert(why < PLAN_WHYS);
	return names[why];
}
