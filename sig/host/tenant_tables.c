/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a node's tenants, shared by all its shards (tenant_tables.h): conference rooms with
 * their PINs, sites of phones, and dial plans. Filled from documents and read for each call; NULL
 * tables stand for a node without any. PINs are compared in constant time and wiped when a room is
 * deleted. One thread. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"
#include "sig/host/tenant_tables.h"

struct rooms {
	struct tenants *tenants;
	struct table by_number; /* struct room_terms */
};

int rooms_open(struct rooms **out, struct tenants *tenants)
{
	struct rooms *x = calloc(1, sizeof(*x));

	if (!x || table_open(&x->by_number, ROOMS_MAX + ROOM_PAGES_MAX)) {
		free(x);
		return -ENOMEM;
	}
	x->tenants = tenants;
	*out = x;
	return 0;
}

static void terms_pad(char pin[ROOM_PIN_MAX])
{
	size_t n = strnlen(pin, ROOM_PIN_MAX - 1);

	memset(pin + n, 0, ROOM_PIN_MAX - n);
}

int rooms_put(struct rooms *x, const struct room_terms *room)
{
	struct bytes number = bytes_str(room->number);
	uint32_t before = x->by_number.count;
	struct room_terms *at;
	int err;

	assert(number.n && room->tenant < TENANTS_MAX);
	at = named_put(&x->by_number, room->tenant, number, sizeof(*at), &err);
	if (!at)
		return err;
	if (x->by_number.count > before)
		tenants_hold(x->tenants, room->tenant, TENANT_ROOMS);
	*at = *room;
	terms_pad(at->pin);
	terms_pad(at->host_pin);
	return 0;
}

static void terms_wipe(struct rooms *x, struct room_terms *room)
{
	tenants_release(x->tenants, room->tenant, TENANT_ROOMS);
	explicit_bzero(room, sizeof(*room));
}

void rooms_delete(struct rooms *x, uint16_t tenant, struct bytes number)
{
	struct room_terms *room = named_find(&x->by_number, tenant, number);

	if (!room)
		return;
	named_remove(&x->by_number, room);
	terms_wipe(x, room);
	free(room);
}

void rooms_close(struct rooms *x)
{
	struct room_terms *room;

	if (!x)
		return;
	for (uint32_t cursor = 0; (room = named_next(&x->by_number, &cursor));)
		terms_wipe(x, room);
	named_close(&x->by_number);
	free(x);
}

const struct room_terms *rooms_find(const struct rooms *x, uint16_t tenant, struct bytes number)
{
	return x ? named_find(&x->by_number, tenant, number) : NULL;
}

bool room_asks_pin(const struct room_terms *room)
{
	return room->pin[0] || room->host_pin[0];
}

/* All octets of both are compared, however long they are. */
static bool terms_pin_is(const char pin[ROOM_PIN_MAX], const char given[ROOM_PIN_MAX])
{
	return bytes_eq_secret(bytes_mem(given, ROOM_PIN_MAX), bytes_mem(pin, ROOM_PIN_MAX));
}

enum room_pin room_pin_check(const struct room_terms *room, struct bytes digits)
{
	char given[ROOM_PIN_MAX] = { 0 };
	bool fits = !bytes_cstr(digits, given, sizeof(given));
	bool host = terms_pin_is(room->host_pin, given), member = terms_pin_is(room->pin, given);

	explicit_bzero(given, sizeof(given));
	if (!fits)
		return ROOM_PIN_WRONG;
	if (host && room->host_pin[0])
		return ROOM_PIN_HOST;
	return member ? ROOM_PIN_MEMBER : ROOM_PIN_WRONG;
}

/* In the order of tenant and id: few are put, and calls look for them. */
struct sites {
	struct tenants *tenants;
	uint32_t count;
	struct site *list[SITES_MAX];
};

int sites_open(struct sites **out, struct tenants *tenants)
{
	struct sites *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tenants = tenants;
	*out = x;
	return 0;
}

void sites_close(struct sites *x)
{
	while (x && x->count)
		sites_delete(x, x->list[x->count - 1]->tenant, x->list[x->count - 1]->id);
	free(x);
}

static uint32_t site_rank(uint16_t tenant, uint16_t id)
{
	return (uint32_t)tenant << 16 | id;
}

/* Where it is, or would be. */
static uint32_t site_place(const struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t low = 0, high = x->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const struct site *s = x->list[middle];

		if (site_rank(s->tenant, s->id) < site_rank(tenant, id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool site_is_at(const struct sites *x, uint32_t place, uint16_t tenant, uint16_t id)
{
	return place < x->count && x->list[place]->tenant == tenant && x->list[place]->id == id;
}

static int site_add(struct sites *x, uint32_t place, uint16_t tenant)
{
	struct site *s;

	if (x->count == SITES_MAX)
		return -ENOSPC;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	memmove(&x->list[place + 1], &x->list[place], (x->count - place) * sizeof(struct site *));
	x->list[place] = s;
	x->count++;
	tenants_hold(x->tenants, tenant, TENANT_SITES);
	return 0;
}

int sites_put(struct sites *x, const struct site *site)
{
	uint32_t place = site_place(x, site->tenant, site->id);
	int err = 0;

	assert(site->id && site->tenant < TENANTS_MAX);
	if (!site_is_at(x, place, site->tenant, site->id))
		err = site_add(x, place, site->tenant);
	if (!err)
		*x->list[place] = *site;
	return err;
}

void sites_delete(struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t place = site_place(x, tenant, id);

	if (!site_is_at(x, place, tenant, id))
		return;
	free(x->list[place]);
	x->count--;
	memmove(&x->list[place], &x->list[place + 1], (x->count - place) * sizeof(struct site *));
	tenants_release(x->tenants, tenant, TENANT_SITES);
}

const struct site *sites_find(const struct sites *x, uint16_t tenant, uint16_t id)
{
	uint32_t place = x ? site_place(x, tenant, id) : 0;

	return x && site_is_at(x, place, tenant, id) ? x->list[place] : NULL;
}

enum { HELP_LEN_MAX = 8 }; /* longer ones are in no document */

struct dial_plans {
	struct tenants *tenants;
	struct dial_plan *plans[TENANTS_MAX]; /* NULL: g_dial_plan_default */
	uint32_t helping;                     /* plans of which only they know what is for help */
};

/* By emergency numbers of its own, or by rules that may make one. */
static bool is_helping(const struct dial_plan *plan)
{
	return plan->emergency[0] || plan->rules[0];
}

int dial_plans_open(struct dial_plans **out, struct tenants *tenants)
{
	struct dial_plans *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tenants = tenants;
	*out = x;
	return 0;
}

void dial_plans_close(struct dial_plans *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < TENANTS_MAX; i++)
		dial_plans_delete(x, (uint16_t)i);
	free(x);
}

int dial_plans_put(struct dial_plans *x, uint16_t tenant, const struct dial_plan *plan)
{
	struct dial_plan *own;

	assert(tenant < TENANTS_MAX);
	own = x->plans[tenant];
	if (!own) {
		own = malloc(sizeof(*own));
		if (!own)
			return -ENOMEM;
		x->plans[tenant] = own;
		tenants_hold(x->tenants, tenant, TENANT_PLANS);
	} else {
		x->helping -= is_helping(own);
	}
	*own = *plan;
	own->given = true;
	x->helping += is_helping(own);
	return 0;
}

void dial_plans_delete(struct dial_plans *x, uint16_t tenant)
{
	struct dial_plan *own = x->plans[tenant];

	if (!own)
		return;
	x->helping -= is_helping(own);
	x->plans[tenant] = NULL;
	tenants_release(x->tenants, tenant, TENANT_PLANS);
	free(own);
}

const struct dial_plan *dial_plans_of(const struct dial_plans *x, uint16_t tenant)
{
	const struct dial_plan *own = x && tenant < TENANTS_MAX ? x->plans[tenant] : NULL;

	return own ? own : &g_dial_plan_default;
}

bool dial_plans_may_help(const struct dial_plans *x, struct bytes number)
{
	return x && x->helping && number.n <= HELP_LEN_MAX + DIAL_PREFIX_MAX;
}
