/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups of slots that a tenant has (PARK-01), as its document says them: "sales=10-19,support=200-249". A slot is of the group between
 * whose first and last one it is, with as many digits. No slot is of two. A tenant without groups has all slots, for everybody. Pure.
 */
#ifndef SIG_HOST_PARK_GROUPS_H
#define SIG_HOST_PARK_GROUPS_H

#include "base/bytes.h"

enum { PARK_GROUPS_MAX = 16, PARK_GROUP_NAME_MAX = 32, PARK_GROUPS_TEXT_MAX = 512 };

/* Slices of the text. */
struct park_group {
	struct bytes name, first, last;
};

/* Why it is none; NULL: it is one, or empty. */
const char *park_groups_wrong(struct bytes groups);
/* The next one; *groups is behind it then. False: there is none, or it is wrong. */
bool park_groups_next(struct bytes *groups, struct park_group *out);
/* The one of that name (empty: the first one), or of that slot. False: there is none. */
bool park_group_find(struct bytes groups, struct bytes name, struct park_group *out);
bool park_group_of(struct bytes groups, struct bytes slot, struct park_group *out);
/* The slot behind that one, in place. False: it is the last one of its digits. */
bool park_slot_next(char *slot);

#endif
