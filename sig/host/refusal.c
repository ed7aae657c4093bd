/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/refusal.h"

#include <stddef.h>

const struct refusal_row refusals[REFUSALS] = {
	[REFUSED_NOT] = { "", 0, 0, NULL, "", "" },
#define REFUSAL(id, name, status, class, argument, words, next) \
	[REFUSED_##id] = { name, status, REFUSAL_##class, argument, words, next },
#include "sig/host/refusal.def"
#undef REFUSAL
};
