/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/park_groups.h"

#include <string.h>

enum { SLOT_DIGITS_MAX = 8 };

static bool is_digits(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
	}
	return b.n && b.n <= SLOT_DIGITS_MAX;
}

static bool is_group_name(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		bool plain = (b.p[i] >= '0' && b.p[i] <= '9') ||
			     ((b.p[i] | 0x20) >= 'a' && (b.p[i] | 0x20) <= 'z') || b.p[i] == '-' ||
			     b.p[i] == '_' || b.p[i] == '.';

		if (!plain)
			return false;
	}
	return b.n && b.n < PARK_GROUP_NAME_MAX;
}

static bool is_up_to(struct bytes a, struct bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) <= 0;
}

static bool group_holds(const struct park_group *g, struct bytes slot)
{
	return is_up_to(g->first, slot) && is_up_to(slot, g->last);
}

bool park_groups_next(struct bytes *groups, struct park_group *out)
{
	struct bytes range;

	if (!bytes_cut(groups, ',', &range) || !bytes_cut(&range, '=', &out->name) ||
	    !bytes_cut(&range, '-', &out->first))
		return false;
	out->last = range;
	return is_group_name(out->name) && is_digits(out->first) && is_digits(out->last) &&
	       is_up_to(out->first, out->last);
}

bool park_group_find(struct bytes groups, struct bytes name, struct park_group *out)
{
	while (park_groups_next(&groups, out)) {
		if (!name.n || bytes_eq(out->name, name))
			return true;
	}
	return false;
}

bool park_group_of(struct bytes groups, struct bytes slot, struct park_group *out)
{
	while (park_groups_next(&groups, out)) {
		if (group_holds(out, slot))
			return true;
	}
	return false;
}

const char *park_groups_wrong(struct bytes groups)
{
	struct bytes rest = groups;
	struct park_group g, other;
	size_t count = 0;

	if (groups.n && groups.p[groups.n - 1] == ',')
		return "there is no group behind a ','";
	while (rest.n) {
		struct bytes before = { groups.p, (size_t)(rest.p - groups.p) };

		if (!park_groups_next(&rest, &g))
			return "a group is NAME=FIRST-LAST, two slots of as many digits, 8 at most";
		if (++count > PARK_GROUPS_MAX)
			return "there are at most 16 groups";
		while (park_groups_next(&before, &other)) {
			if (bytes_eq(other.name, g.name))
				return "a group is there twice";
			if (group_holds(&other, g.first) || group_holds(&g, other.first))
				return "a slot is of two groups";
		}
	}
	return NULL;
}

bool park_slot_next(char *slot)
{
	size_t n = strlen(slot);

	while (n && slot[n - 1] == '9')
		slot[--n] = '0';
	if (!n)
		return false;
	slot[n - 1]++;
	return true;
}
