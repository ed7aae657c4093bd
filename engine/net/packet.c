/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of verdicts, from verdict.def, for logs, statistics and metric labels. Every packet
 * ends with one verdict, and every reason to drop one has a name and a counter; the doctor reads
 * them by these names. A new reason is one line in verdict.def.
 */

#include <assert.h>
#include <stddef.h>

#include "engine/net/packet.h"

static const struct {
	const char *name, *label;
} TABLE[VERDICT_COUNT] = {
	[VERDICT_NONE] = { "undecided", NULL },
	[VERDICT_RELAY] = { "relayed", NULL },
#define DROP(suffix, text) [VERDICT_##suffix] = { text, "reason=\"" text "\"" },
#include "engine/net/verdict.def"
#undef DROP
};

const char *verdict_name(enum verdict v)
{
	assert(v < VERDICT_COUNT);
	return TABLE[v].name;
}

const char *verdict_label(enum verdict v)
{
	assert(v < VERDICT_COUNT);
	return TABLE[v].label;
}
