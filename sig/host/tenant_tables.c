/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/tenant_tables.h"

/* In the order of tenant and number: few are put, and calls look for them. */
struct rooms {
	struct tenants *tenants;
	uint32_t count;
	struct room_terms *list[ROOMS_MAX];
};

int rooms_open(struct rooms **out, struct tenants *tenants)
{
	struct rooms *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tenants = tenants;
	*out = x;
	return 0;
}

static int terms_number_order(struct bytes a, struct bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Below 0: the room stands before that one; 0: it is that one. */
static int terms_order(const struct room_terms *room, uint16_t tenant, struct bytes number)
{
	int order = (room->tenant > tenant) - (room->tenant < tenant);

	return order ? order : terms_number_order(bytes_str(room->number), number);
}

/* Where it is, or would be. */
static uint32_t terms_place(const struct rooms *x, uint16_t tenant, struct bytes number)
{
	uint32_t low = 0, high = x->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (terms_order(x->list[middle], tenant, number) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool terms_are_at(const struct rooms *x, uint32_t place, uint16_t tenant,
			 struct bytes number)
{
	return place < x->count && terms_order(x->list[place], tenant, number) == 0;
}

static int terms_add(struct rooms *x, uint32_t place, uint16_t tenant)
{
	struct room_terms *room;

	if (x->count == ROOMS_MAX)
		return -ENOSPC;
	room = malloc(sizeof(*room));
	if (!room)
		return -ENOMEM;
	memmove(&x->list[place + 1], &x->list[place],
		(x->count - place) * sizeof(struct room_terms *));
	x->list[place] = room;
	x->count++;
	tenants_hold(x->tenants, tenant, TENANT_ROOMS);
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
	uint32_t place = terms_place(x, room->tenant, number);
	int err = 0;

	assert(number.n && room->tenant < TENANTS_MAX);
	if (!terms_are_at(x, place, room->tenant, number))
		err = terms_add(x, place, room->tenant);
	if (err)
		return err;
	*x->list[place] = *room;
	terms_pad(x->list[place]->pin);
	terms_pad(x->list[place]->host_pin);
	return 0;
}

static void terms_remove(struct rooms *x, uint32_t place)
{
	uint16_t tenant = x->list[place]->tenant;

	explicit_bzero(x->list[place], sizeof(struct room_terms));
	free(x->list[place]);
	x->count--;
	memmove(&x->list[place], &x->list[place + 1],
		(x->count - place) * sizeof(struct room_terms *));
	tenants_release(x->tenants, tenant, TENANT_ROOMS);
}

void rooms_delete(struct rooms *x, uint16_t tenant, struct bytes number)
{
	uint32_t place = terms_place(x, tenant, number);

	if (terms_are_at(x, place, tenant, number))
		terms_remove(x, place);
}

void rooms_close(struct rooms *x)
{
	while (x && x->count)
		terms_remove(x, x->count - 1);
	free(x);
}

const struct room_terms *rooms_find(const struct rooms *x, uint16_t tenant, struct bytes number)
{
	uint32_t place = x && number.n ? terms_place(x, tenant, number) : 0;

	return x && number.n && terms_are_at(x, place, tenant, number) ? x->list[place] : NULL;
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
