/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets of parcels and of peer items: writing, and reading with every field checked. channels.c
 * and peers.c call it for all that nodes send each other. Reading is strict, so that no two texts
 * mean the same: unused fields are zero, and no name is there twice. An unknown kind answers
 * -EPROTONOSUPPORT, so that a cluster can run two versions during an upgrade. Pure.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cluster/peer/parcel.h"

enum part {
	PART_SHARD = 1,
	PART_EPOCH = 2,
	PART_NAMED = 4,
	PART_RECORD = 8,
	PART_SENT = 16,
};

static const uint8_t PARTS[PEER_KINDS] = {
	[PEER_OWNED] = PART_SHARD | PART_EPOCH | PART_NAMED | PART_SENT,
	[PEER_ACK] = PART_SHARD | PART_SENT,
	[PEER_ASKED] = PART_SHARD | PART_EPOCH | PART_NAMED | PART_RECORD | PART_SENT,
	[PEER_CONSENTED] = PART_SHARD | PART_EPOCH | PART_SENT,
	[PEER_NEWER] = PART_SHARD | PART_EPOCH | PART_NAMED | PART_RECORD,
	[PEER_DEAD] = PART_SHARD | PART_EPOCH,
	[PEER_HOME] = PART_SHARD,
	[PEER_RUNS] = PART_SHARD,
	[PEER_MOVE] = PART_SHARD,
	[PEER_NAMES] = PART_SHARD | PART_EPOCH | PART_NAMED | PART_RECORD | PART_SENT,
};

/* ---- writing ---- */

static void item_named_write(struct writer *w, const struct members *named)
{
	assert(named->count <= MEMBERS_MAX);
	writer_u8(w, (uint8_t)named->count);
	for (uint32_t i = 0; i < named->count; i++)
		writer_be64(w, named->ids[i]);
}

static void item_body_write(struct writer *w, const struct peer_item *item)
{
	uint8_t parts = PARTS[item->kind];

	if (parts & PART_SHARD)
		writer_be16(w, item->shard);
	if (parts & PART_EPOCH) {
		writer_be64(w, item->epoch.counter);
		writer_be64(w, item->epoch.incarnation);
	}
	if (parts & PART_NAMED)
		item_named_write(w, &item->named);
	if (parts & PART_RECORD)
		writer_be64(w, item->record);
	if (parts & PART_SENT)
		writer_be64(w, item->sent_ns);
}

bool peer_item_write(struct writer *w, const struct peer_item *item)
{
	uint8_t octets[PEER_ITEM_MAX];
	struct writer body = writer_over(octets, sizeof(octets));

	assert(item->kind >= PEER_HELLO && item->kind < PEER_KINDS);
	item_body_write(&body, item);
	assert(!body.overflow);
	if (w->overflow || w->cap - w->n < 2 + body.n)
		return false;
	writer_u8(w, (uint8_t)item->kind);
	writer_u8(w, (uint8_t)body.n);
	writer_bytes(w, writer_done(&body));
	return true;
}

/* ---- reading: what is not there reads as 0, and *fine is false then ---- */

static uint64_t item_number_read(struct bytes *body, size_t octets, bool *fine)
{
	uint64_t number = 0;

	*fine &= body->n >= octets;
	for (size_t i = 0; i < octets && *fine; i++)
		number = number << 8 | body->p[i];
	*body = bytes_from(*body, octets);
	return number;
}

/* None is nobody, and none is there twice. */
static void item_named_read(struct members *named, struct bytes *body, bool *fine)
{
	uint64_t count = item_number_read(body, 1, fine);

	*fine &= count <= MEMBERS_MAX;
	for (uint64_t i = 0; i < count && *fine; i++) {
		uint64_t id = item_number_read(body, 8, fine);

		*fine &= id != 0 && !members_has(named, id);
		named->ids[named->count++] = id;
	}
}

static bool item_body_read(struct peer_item *item, struct bytes body)
{
	uint8_t parts = PARTS[item->kind];
	bool fine = true;

	if (parts & PART_SHARD)
		item->shard = (uint16_t)item_number_read(&body, 2, &fine);
	if (parts & PART_EPOCH) {
		item->epoch.counter = item_number_read(&body, 8, &fine);
		item->epoch.incarnation = item_number_read(&body, 8, &fine);
	}
	if (parts & PART_NAMED)
		item_named_read(&item->named, &body, &fine);
	if (parts & PART_RECORD)
		item->record = item_number_read(&body, 8, &fine);
	if (parts & PART_SENT)
		item->sent_ns = item_number_read(&body, 8, &fine);
	return fine && !body.n && (!(parts & PART_SHARD) || item->shard);
}

int peer_item_read(struct bytes *rest, struct peer_item *item)
{
	struct bytes body;
	uint8_t kind;

	*item = (struct peer_item){ 0 };
	if (rest->n < 2 || rest->n - 2 < rest->p[1])
		return -EBADMSG;
	kind = rest->p[0];
	body = bytes_sub(*rest, 2, rest->p[1]);
	*rest = bytes_from(*rest, 2 + body.n);
	if (kind >= PEER_KINDS)
		return -EPROTONOSUPPORT;
	item->kind = (enum peer_kind)kind;
	return kind && item_body_read(item, body) ? 0 : -EBADMSG;
}

enum { FAMILY_NONE, FAMILY_4, FAMILY_6 };

static void parcel_addr_write(struct writer *w, const struct addr *a)
{
	uint8_t ip[16] = { 0 };
	uint8_t family = FAMILY_NONE;

	if (a->family != ADDR_NONE) {
		family = a->family == ADDR_V4 ? FAMILY_4 : FAMILY_6;
		memcpy(ip, a->ip, family == FAMILY_4 ? 4 : 16);
	}
	writer_u8(w, family);
	writer_bytes(w, bytes_mem(ip, sizeof(ip)));
	writer_u8(w, (uint8_t)(family ? a->port >> 8 : 0));
	writer_u8(w, (uint8_t)(family ? a->port : 0));
}

void parcel_write(struct writer *w, const struct parcel *p)
{
	assert(p->data.n <= PARCEL_DATA_MAX);
	writer_u8(w, (uint8_t)p->kind);
	writer_u8(w, p->transport);
	writer_be64(w, p->connection);
	parcel_addr_write(w, &p->bound);
	parcel_addr_write(w, &p->remote);
	writer_bytes(w, p->data);
}

static bool parcel_is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n)
		any |= p[--n];
	return !any;
}

static int parcel_addr_read(struct addr *a, const uint8_t *p)
{
	static const size_t lengths[] = { 0, 4, 16 };
	uint8_t family = p[0];

	*a = (struct addr){ 0 };
	if (family > FAMILY_6 || !parcel_is_zero(p + 1 + lengths[family], 16 - lengths[family]))
		return -EBADMSG;
	if (family == FAMILY_NONE)
		return parcel_is_zero(p + 17, 2) ? 0 : -EBADMSG;
	a->family = family == FAMILY_4 ? ADDR_V4 : ADDR_V6;
	memcpy(a->ip, p + 1, lengths[family]);
	a->port = (uint16_t)(p[17] << 8 | p[18]);
	return 0;
}

static bool parcel_has_ends(const struct parcel *p)
{
	if (p->kind == PARCEL_STATES)
		return p->remote.family == ADDR_NONE && p->bound.family == ADDR_NONE &&
		       !p->connection && !p->transport;
	if (p->remote.family == ADDR_NONE)
		return false;
	if (!parcel_has_connection(p))
		return !p->connection && p->bound.family == p->remote.family;
	return p->connection;
}

int parcel_read(struct parcel *p, struct bytes octets)
{
	if (octets.n && octets.p[0] >= PARCEL_KINDS)
		return -EPROTONOSUPPORT;
	if (octets.n < PARCEL_HEAD_LEN || octets.n > PARCEL_MAX || !octets.p[0])
		return -EBADMSG;
	*p = (struct parcel){ .kind = (enum parcel_kind)octets.p[0],
			      .transport = octets.p[1],
			      .connection = be64_get(octets.p + 2),
			      .data = bytes_from(octets, PARCEL_HEAD_LEN) };
	if (parcel_addr_read(&p->bound, octets.p + 10) ||
	    parcel_addr_read(&p->remote, octets.p + 10 + PARCEL_ADDR_LEN))
		return -EBADMSG;
	return parcel_has_ends(p) ? 0 : -EBADMSG;
}
