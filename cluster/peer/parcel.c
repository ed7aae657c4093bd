/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer/parcel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

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
	if (p->kind == PARCEL_NEWS)
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
