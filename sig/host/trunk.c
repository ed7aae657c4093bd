/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/trunk.h"

#include "sig/host/share.h"
#include "sig/host/trunk_index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct trunk {
	struct trunk_settings settings;
	bool there;   /* was put, and not deleted since */
	uint8_t down; /* servers, a bit each */
	uint32_t in, out;
	uint64_t shares[3]; /* share_id of SHARE_TRUNK and those behind it */
	uint64_t counted[TRUNK_COUNTS];
};
static_assert(TRUNK_SERVERS_MAX <= 8, "a bit each");

struct trunks {
	struct tenants *tenants;
	struct shares *shares;
	struct trunk_index *index;
	uint16_t end;                       /* no number from here on was ever given */
	struct trunk *list[TRUNKS_MAX + 1]; /* NULL: the number is free */
};

int trunks_open(struct trunks **out, struct tenants *tenants)
{
	struct trunks *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->tenants = tenants;
	t->end = 1;
	if (trunk_index_open(&t->index)) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void trunks_share(struct trunks *t, struct shares *shares)
{
	t->shares = shares;
}

static void trunk_free(struct trunks *t, uint16_t trunk)
{
	tenants_release(t->tenants, t->list[trunk]->settings.tenant, TENANT_TRUNKS);
	trunk_index_spoil(t->index);
	free(t->list[trunk]);
	t->list[trunk] = NULL;
}

void trunks_close(struct trunks *t)
{
	for (uint16_t i = 1; t && i < t->end; i++) {
		if (t->list[i])
			trunk_free(t, i);
	}
	if (t)
		trunk_index_close(t->index);
	free(t);
}

static struct trunk *trunk_of(const struct trunks *t, uint16_t trunk)
{
	return t && trunk < t->end ? t->list[trunk] : NULL;
}

/* ---- by name ---- */

static void index_make(const struct trunks *t)
{
	if (!t || trunk_index_holds(t->index))
		return;
	trunk_index_begin(t->index);
	for (uint16_t i = 1; i < t->end; i++) {
		if (t->list[i])
			trunk_index_add(t->index, i, &t->list[i]->settings, trunks_has(t, i));
	}
	trunk_index_end(t->index, t, t->tenants);
}

/* Whoever changes many does not pay for the order of each. */
static uint16_t number_of(const struct trunks *t, uint16_t tenant, struct bytes name)
{
	if (t && trunk_index_holds(t->index))
		return trunk_index_find(t->index, t, tenant, name);
	for (uint16_t i = 1; t && i < t->end; i++) {
		if (t->list[i] && t->list[i]->settings.tenant == tenant &&
		    bytes_is(name, t->list[i]->settings.name))
			return i;
	}
	return TRUNK_NONE;
}

/* Nobody needs the number any more: names that a record or a deleted document had. */
static bool is_spare(const struct trunk *x)
{
	return !x->there && !x->in && !x->out;
}

static uint16_t trunk_number_take(struct trunks *t)
{
	for (uint16_t i = 1; i < t->end; i++) {
		if (!t->list[i])
			return i;
		if (is_spare(t->list[i])) {
			trunk_free(t, i);
			return i;
		}
	}
	return t->end <= TRUNKS_MAX ? t->end++ : TRUNK_NONE;
}

static int trunk_add(struct trunks *t, uint16_t tenant, struct bytes name, uint16_t *trunk)
{
	struct trunk *x;

	if (name.n == 0 || name.n >= TRUNK_NAME_MAX || tenant == TENANT_NONE)
		return -EINVAL;
	*trunk = trunk_number_take(t);
	if (*trunk == TRUNK_NONE)
		return -ENOSPC;
	if (trunk_index_reserve(t->index, t->end, t->end * TRUNK_SOURCES_MAX))
		return -ENOMEM;
	x = t->list[*trunk] = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	trunk_index_spoil(t->index);
	x->settings.tenant = tenant;
	(void)bytes_cstr(name, x->settings.name, sizeof(x->settings.name));
	for (unsigned i = 0; t->shares && i < COUNT_OF(x->shares); i++)
		x->shares[i] = share_id(t->shares, SHARE_TRUNK + i, tenant, name, 0);
	tenants_hold(t->tenants, tenant, TENANT_TRUNKS);
	return 0;
}

/* Of what there is no limit nobody is told. */
static void channel_tell(const struct trunks *t, const struct trunk *x, enum share_item item,
			 uint32_t limit, uint32_t count)
{
	if (limit)
		share_note(t->shares, x->shares[item - SHARE_TRUNK], count);
}

static void channels_tell(const struct trunks *t, const struct trunk *x)
{
	channel_tell(t, x, SHARE_TRUNK, x->settings.channels, x->in + x->out);
	channel_tell(t, x, SHARE_TRUNK_IN, x->settings.channels_in, x->in);
	channel_tell(t, x, SHARE_TRUNK_OUT, x->settings.channels_out, x->out);
}

/* Other servers are in the places of those that were down. */
static bool has_same_servers(const struct trunk_settings *a, const struct trunk_settings *b)
{
	return a->server_count == b->server_count &&
	       memcmp(a->servers, b->servers, sizeof(a->servers)) == 0;
}

int trunks_put(struct trunks *t, const struct trunk_settings *set, uint16_t *trunk)
{
	struct bytes name = bytes_str(set->name);
	int err = 0;

	*trunk = number_of(t, set->tenant, name);
	if (*trunk == TRUNK_NONE)
		err = trunk_add(t, set->tenant, name, trunk);
	if (err)
		return err;
	if (!has_same_servers(&t->list[*trunk]->settings, set))
		t->list[*trunk]->down = 0;
	t->list[*trunk]->settings = *set;
	t->list[*trunk]->there = true;
	channels_tell(t, t->list[*trunk]); /* there may be calls of it already */
	trunk_index_spoil(t->index);
	return 0;
}

bool trunks_delete(struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk = trunks_find(t, tenant, name);

	if (trunk == TRUNK_NONE)
		return false;
	t->list[trunk]->there = false;
	trunk_index_spoil(t->index);
	if (is_spare(t->list[trunk]))
		trunk_free(t, trunk);
	return true;
}

uint16_t trunks_find(const struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk;

	index_make(t);
	trunk = number_of(t, tenant, name);
	return trunk != TRUNK_NONE && t->list[trunk]->there ? trunk : TRUNK_NONE;
}

uint16_t trunks_claim(struct trunks *t, uint16_t tenant, struct bytes name)
{
	uint16_t trunk;

	index_make(t);
	trunk = number_of(t, tenant, name);
	if (trunk == TRUNK_NONE && (!t || trunk_add(t, tenant, name, &trunk)))
		return TRUNK_NONE;
	return trunk;
}

const char *trunks_name(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? x->settings.name : "";
}

const struct trunk_settings *trunks_settings(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? &x->settings : NULL;
}

bool trunks_has(const struct trunks *t, uint16_t trunk)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && x->there && x->settings.enabled;
}

bool trunks_next(const struct trunks *t, uint16_t *trunk)
{
	if (*trunk == TRUNK_NONE)
		(*trunk)++;
	while (t && *trunk < t->end && !t->list[*trunk])
		(*trunk)++;
	return t && *trunk < t->end;
}

const struct shard_trusted *trunks_source_next(const struct trunks *t, const struct addr *from,
					       struct trunk_cursor *cursor, uint16_t *trunk)
{
	index_make(t);
	return t ? trunk_index_next(t->index, from, cursor, trunk) : NULL;
}

/* ---- channels ---- */

static uint32_t *held(struct trunk *x, enum trunk_direction way)
{
	assert(way == TRUNK_IN || way == TRUNK_OUT);
	return way == TRUNK_IN ? &x->in : &x->out;
}

void trunks_hold(struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x)
		return;
	(*held(x, way))++;
	channels_tell(t, x);
}

void trunks_release(struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x)
		return;
	assert(*held(x, way) > 0);
	(*held(x, way))--;
	channels_tell(t, x);
	if (is_spare(x))
		trunk_free(t, trunk);
}

uint32_t trunks_held(const struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	struct trunk *x = trunk_of(t, trunk);

	return x ? *held(x, way) : 0;
}

static bool is_below(const struct trunks *t, const struct trunk *x, enum share_item item,
		     uint32_t limit, uint32_t count)
{
	return limit == 0 || count < share_of(t->shares, x->shares[item - SHARE_TRUNK], limit,
					      count, shares_now_ns(t->shares));
}

uint16_t trunks_by_access(const struct trunks *t, uint16_t tenant, struct bytes number)
{
	size_t n = number.n < TRUNK_ACCESS_MAX ? number.n : TRUNK_ACCESS_MAX - 1;
	uint16_t found = TRUNK_NONE;

	index_make(t);
	for (; t && n && found == TRUNK_NONE; n--)
		found = trunk_index_access(t->index, t, tenant, bytes_sub(number, 0, n));
	return found;
}

static bool trunk_fits(const struct trunks *t, const struct trunk *x, uint32_t in, uint32_t out,
		       enum trunk_direction way)
{
	const struct trunk_settings *set = &x->settings;

	return is_below(t, x, SHARE_TRUNK, set->channels, in + out) &&
	       (way == TRUNK_IN ? is_below(t, x, SHARE_TRUNK_IN, set->channels_in, in)
				: is_below(t, x, SHARE_TRUNK_OUT, set->channels_out, out));
}

bool trunks_has_room(const struct trunks *t, uint16_t trunk, enum trunk_direction way)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && trunk_fits(t, x, x->in, x->out, way);
}

bool trunks_has_room_for(const struct trunks *t, uint16_t trunk, enum trunk_direction way,
			 enum trunk_direction in_place_of)
{
	const struct trunk *x = trunk_of(t, trunk);
	uint32_t in = in_place_of == TRUNK_IN, out = in_place_of == TRUNK_OUT;

	return x && x->in >= in && x->out >= out && trunk_fits(t, x, x->in - in, x->out - out, way);
}

void trunks_count(struct trunks *t, uint16_t trunk, enum trunk_count what)
{
	struct trunk *x = trunk_of(t, trunk);

	if (x)
		x->counted[what]++;
}

uint64_t trunks_counted(const struct trunks *t, uint16_t trunk, enum trunk_count what)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x ? x->counted[what] : 0;
}

/* ---- whether it is there ---- */

void trunks_set_up(struct trunks *t, uint16_t trunk, uint8_t server, bool up)
{
	struct trunk *x = trunk_of(t, trunk);

	if (!x || server >= TRUNK_SERVERS_MAX)
		return;
	if (up)
		x->down &= (uint8_t) ~(1U << server);
	else
		x->down |= (uint8_t)(1U << server);
}

bool trunks_is_up(const struct trunks *t, uint16_t trunk, uint8_t server)
{
	const struct trunk *x = trunk_of(t, trunk);

	return x && server < TRUNK_SERVERS_MAX && !(x->down & 1U << server);
}

/* ---- places ---- */

/* Of an address no port is that of its transport; a name without one says more than a port (RFC 3263 4.2). */
static bool place_is(const struct sip_place *place, struct bytes host, uint16_t port,
		     uint16_t usual)
{
	struct addr a, b;

	if (!addr_parse(&a, bytes_str(place->host)))
		return !addr_parse(&b, host) && addr_ip_eq(&a, &b) &&
		       (place->port ? place->port : usual) == (port ? port : usual);
	return place->port == port && bytes_ieq(host, bytes_str(place->host));
}

bool trunk_server_named(const struct trunk_settings *set, const struct sip_uri *uri,
			uint8_t *server)
{
	uint16_t usual = sip_transport_port(
		set->transport ? (enum sip_transport)(set->transport - 1) : SIP_UDP);

	for (*server = 0; *server < set->server_count; (*server)++) {
		if (place_is(&set->servers[*server], uri->host, uri->port, usual))
			return true;
	}
	return false;
}
