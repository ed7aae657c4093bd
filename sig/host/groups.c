/* SPDX-License-Identifier: Apache-2.0 */
/* The ring and hunt groups of a node's tenants (groups.h): parsed member lists by name, and which
 * extensions are logged out of which groups. Filled from documents, asked by the dialling of flows
 * for each call. A pointer is valid until the next put or delete. One thread. */

#include "sig/host/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"

/* Of an extension that is logged out of any. */
struct group_outs {
	uint16_t tenant;
	char number[GROUP_NUMBER_MAX], list[GROUPS_OUT_MAX];
};

struct groups {
	struct table by_name; /* struct ring_group */
	struct table outs;    /* struct group_outs, by number */
};

void groups_close(struct groups *x)
{
	if (!x)
		return;
	named_close(&x->by_name);
	named_close(&x->outs);
	free(x);
}

int groups_open(struct groups **out)
{
	struct groups *x = calloc(1, sizeof(*x));

	*out = x;
	if (x && !table_open(&x->by_name, RING_GROUPS_MAX) &&
	    !table_open(&x->outs, GROUPS_OUTS_MAX))
		return 0;
	groups_close(x);
	*out = NULL;
	return -ENOMEM;
}

int groups_put(struct groups *x, const struct ring_group *g)
{
	int err;
	struct ring_group *at =
		named_put(&x->by_name, g->tenant, bytes_str(g->name), sizeof(*at), &err);

	if (at)
		*at = *g;
	return err;
}

void groups_delete(struct groups *x, uint16_t tenant, struct bytes name)
{
	struct ring_group *g = named_find(&x->by_name, tenant, name);

	if (g)
		named_remove(&x->by_name, g);
	free(g);
}

const struct ring_group *groups_find(const struct groups *x, uint16_t tenant, struct bytes name)
{
	return x ? named_find(&x->by_name, tenant, name) : NULL;
}

const struct ring_group *groups_next(const struct groups *x, uint32_t *cursor)
{
	return named_next(&x->by_name, cursor);
}

/* ---- members ---- */

static const char *member_parse(struct group_member *out, struct bytes one)
{
	struct bytes number;
	uint64_t weight = 1;

	one = bytes_trim(one);
	if (bytes_find(one, ':') < one.n) {
		(void)bytes_cut(&one, ':', &number);
		if (bytes_u64(one, &weight) || !weight || weight > 100)
			return "a weight is 1 to 100: 1001:5";
		one = number;
	}
	out->weight = (uint8_t)weight;
	if (!one.n || bytes_cstr(one, out->number, sizeof(out->number)))
		return "a member is a number of up to 31 characters";
	for (size_t i = 0; i < one.n; i++) {
		if (!strchr("0123456789*#+._-", one.p[i]) &&
		    !(one.p[i] >= 'a' && one.p[i] <= 'z') && !(one.p[i] >= 'A' && one.p[i] <= 'Z'))
			return "members are numbers, joined by ','";
	}
	return NULL;
}

const char *group_members_parse(struct ring_group *out, struct bytes text)
{
	const char *wrong = NULL;
	struct bytes one;

	out->count = 0;
	while (!wrong && bytes_cut(&text, ',', &one)) {
		struct group_member m;

		wrong = out->count == GROUP_MEMBERS_MAX ? "a group has at most 32 members"
							: member_parse(&m, one);
		if (!wrong && group_has(out, bytes_str(m.number)))
			wrong = "a member is named twice";
		if (!wrong)
			out->members[out->count++] = m;
	}
	return wrong;
}

bool group_has(const struct ring_group *g, struct bytes number)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (bytes_is(number, g->members[i].number))
			return true;
	}
	return false;
}

bool groups_out_has(struct bytes list, struct bytes name)
{
	return bytes_is(list, GROUPS_OUT_ALL) || bytes_list_has(list, name);
}

/* ---- log-outs ---- */

int groups_out_put(struct groups *x, uint16_t tenant, struct bytes number, struct bytes list)
{
	struct group_outs *o = named_find(&x->outs, tenant, number);
	int err;

	if (!list.n) {
		if (o)
			named_remove(&x->outs, o);
		free(o);
		return 0;
	}
	if (number.n >= sizeof(o->number) || list.n >= sizeof(o->list))
		return -ENOSPC;
	o = named_put(&x->outs, tenant, number, sizeof(*o), &err);
	return o ? bytes_cstr(list, o->list, sizeof(o->list)) : err;
}

bool group_rings(const struct groups *x, const struct ring_group *g, uint8_t member)
{
	const struct group_outs *o =
		named_find(&x->outs, g->tenant, bytes_str(g->members[member].number));

	return !o || !groups_out_has(bytes_str(o->list), bytes_str(g->name));
}
