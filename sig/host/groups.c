/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* Of an extension that is logged out of any. */
struct group_outs {
	uint16_t tenant;
	char number[GROUP_NUMBER_MAX], list[GROUPS_OUT_MAX];
};

struct groups {
	struct table by_name; /* struct ring_group */
	struct table outs;    /* struct group_outs, by number */
};

/* With what it points at. */
static void groups_table_close(struct table *t)
{
	for (uint32_t i = 0; t->slots && i <= t->mask; i++)
		free((void *)(uintptr_t)t->slots[i].value);
	table_close(t);
}

void groups_close(struct groups *x)
{
	if (!x)
		return;
	groups_table_close(&x->by_name);
	groups_table_close(&x->outs);
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

static struct ring_group *group_at(uint64_t value)
{
	return (struct ring_group *)(uintptr_t)value;
}

/* Names are given by operators: the key need be no secret. */
static uint64_t group_hash(uint16_t tenant, struct bytes name)
{
	const struct hash_key key = { .k0 = tenant };

	return hash_sip(&key, name);
}

static struct ring_group *group_find(const struct groups *x, uint16_t tenant, struct bytes name)
{
	uint64_t hash = group_hash(tenant, name), value;
	uint32_t cursor = 0;

	while ((value = table_next(&x->by_name, hash, &cursor)) != 0) {
		struct ring_group *g = group_at(value);

		if (g->tenant == tenant && bytes_is(name, g->name))
			return g;
	}
	return NULL;
}

int groups_put(struct groups *x, const struct ring_group *g)
{
	struct ring_group *at = group_find(x, g->tenant, bytes_str(g->name));
	struct ring_group *made = at ? NULL : malloc(sizeof(*made));
	int err;

	if (!at && !made)
		return -ENOMEM;
	if (made) {
		err = table_put(&x->by_name, group_hash(g->tenant, bytes_str(g->name)),
				(uintptr_t)made);
		if (err) {
			free(made);
			return err;
		}
		at = made;
	}
	*at = *g;
	return 0;
}

void groups_delete(struct groups *x, uint16_t tenant, struct bytes name)
{
	struct ring_group *g = group_find(x, tenant, name);

	if (!g)
		return;
	(void)table_del(&x->by_name, group_hash(tenant, name), (uintptr_t)g);
	free(g);
}

const struct ring_group *groups_find(const struct groups *x, uint16_t tenant, struct bytes name)
{
	return x ? group_find(x, tenant, name) : NULL;
}

const struct ring_group *groups_next(const struct groups *x, uint32_t *cursor)
{
	while (x->by_name.slots && *cursor <= x->by_name.mask) {
		const struct ring_group *g = group_at(x->by_name.slots[(*cursor)++].value);

		if (g)
			return g;
	}
	return NULL;
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

static struct group_outs *outs_find(const struct groups *x, uint16_t tenant, struct bytes number)
{
	uint64_t hash = group_hash(tenant, number), value;
	uint32_t cursor = 0;

	while ((value = table_next(&x->outs, hash, &cursor)) != 0) {
		struct group_outs *o = (struct group_outs *)(uintptr_t)value;

		if (o->tenant == tenant && bytes_is(number, o->number))
			return o;
	}
	return NULL;
}

static int outs_add(struct groups *x, const struct group_outs *o)
{
	struct group_outs *made = malloc(sizeof(*made));
	int err = made ? table_put(&x->outs, group_hash(o->tenant, bytes_str(o->number)),
				   (uintptr_t)made)
		       : -ENOMEM;

	if (err)
		free(made);
	else
		*made = *o;
	return err;
}

int groups_out_put(struct groups *x, uint16_t tenant, struct bytes number, struct bytes list)
{
	struct group_outs *o = outs_find(x, tenant, number), made = { .tenant = tenant };

	if (!list.n) {
		if (o)
			(void)table_del(&x->outs, group_hash(tenant, number), (uintptr_t)o);
		free(o);
		return 0;
	}
	if (o)
		return bytes_cstr(list, o->list, sizeof(o->list)) ? -ENOSPC : 0;
	if (bytes_cstr(number, made.number, sizeof(made.number)) ||
	    bytes_cstr(list, made.list, sizeof(made.list)))
		return -ENOSPC;
	return outs_add(x, &made);
}

bool group_rings(const struct groups *x, const struct ring_group *g, uint8_t member)
{
	const struct group_outs *o = outs_find(x, g->tenant, bytes_str(g->members[member].number));

	return !o || !groups_out_has(bytes_str(o->list), bytes_str(g->name));
}
