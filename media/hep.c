/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes HEP3 datagrams, the format in which copies of SIP messages and RTCP go to a Homer
 * collector. app/watch sends one for each message of watched traffic. A datagram is a list of
 * chunks (vendor 0); the correlation chunk carries the call's id, so that Homer shows the legs of a
 * call together. What does not fit into a datagram is refused as a whole.
 */

#include "media/hep.h"

#include <assert.h>
#include <errno.h>

enum {
	CHUNK_FAMILY = 1,
	CHUNK_TRANSPORT = 2,
	CHUNK_IP4_FROM = 3,
	CHUNK_IP4_TO = 4,
	CHUNK_IP6_FROM = 5,
	CHUNK_IP6_TO = 6,
	CHUNK_PORT_FROM = 7,
	CHUNK_PORT_TO = 8,
	CHUNK_SECONDS = 9,
	CHUNK_MICROSECONDS = 10,
	CHUNK_TYPE = 11,
	CHUNK_CAPTURE_ID = 12,
	CHUNK_PASSWORD = 14,
	CHUNK_PAYLOAD = 15,
	CHUNK_CORRELATION = 17,
	CHUNK_HEAD = 6,
	FAMILY_IP4 = 2, /* AF_INET and AF_INET6 of Linux, which is what the protocol means */
	FAMILY_IP6 = 10,
	NS_OF_US = 1000,
	NS_OF_S = 1000000000,
};

static void chunk(struct writer *w, uint16_t type, struct bytes value)
{
	writer_be16(w, 0); /* of no vendor */
	writer_be16(w, type);
	writer_be16(w, (uint16_t)(CHUNK_HEAD + value.n));
	writer_bytes(w, value);
}

static void chunk_u8(struct writer *w, uint16_t type, uint8_t v)
{
	chunk(w, type, bytes_mem(&v, sizeof(v)));
}

static void chunk_u16(struct writer *w, uint16_t type, uint16_t v)
{
	uint8_t octets[2];

	be16_put(octets, v);
	chunk(w, type, bytes_mem(octets, sizeof(octets)));
}

static void chunk_u32(struct writer *w, uint16_t type, uint32_t v)
{
	uint8_t octets[4];

	be32_put(octets, v);
	chunk(w, type, bytes_mem(octets, sizeof(octets)));
}

static void addresses(struct writer *w, const struct addr *from, const struct addr *to)
{
	bool six = to->family == ADDR_V6;
	size_t n = six ? 16 : 4;

	chunk(w, six ? CHUNK_IP6_FROM : CHUNK_IP4_FROM, bytes_mem(from->ip, n));
	chunk(w, six ? CHUNK_IP6_TO : CHUNK_IP4_TO, bytes_mem(to->ip, n));
	chunk_u16(w, CHUNK_PORT_FROM, from->port);
	chunk_u16(w, CHUNK_PORT_TO, to->port);
}

static void chunks(struct writer *w, const struct hep_packet *p)
{
	chunk_u8(w, CHUNK_FAMILY, p->to->family == ADDR_V6 ? FAMILY_IP6 : FAMILY_IP4);
	chunk_u8(w, CHUNK_TRANSPORT, p->transport);
	addresses(w, p->from, p->to);
	chunk_u32(w, CHUNK_SECONDS, (uint32_t)(p->utc_ns / NS_OF_S));
	chunk_u32(w, CHUNK_MICROSECONDS, (uint32_t)(p->utc_ns % NS_OF_S / NS_OF_US));
	chunk_u8(w, CHUNK_TYPE, (uint8_t)p->type);
	chunk_u32(w, CHUNK_CAPTURE_ID, p->capture_id);
	if (p->password.n)
		chunk(w, CHUNK_PASSWORD, p->password);
	if (p->correlation.n)
		chunk(w, CHUNK_CORRELATION, p->correlation);
	chunk(w, CHUNK_PAYLOAD, p->payload);
}

int hep_write(struct writer *w, const struct hep_packet *p)
{
	size_t at = w->n;

	assert(p->password.n <= HEP_PASSWORD_MAX);
	if (p->payload.n > HEP_PAYLOAD_MAX)
		return -EMSGSIZE;
	writer_str(w, "HEP3");
	writer_be16(w, 0);
	chunks(w, p);
	if (w->overflow) {
		w->n = at;
		return -EMSGSIZE;
	}
	be16_put(w->p + at + 4, (uint16_t)(w->n - at));
	return 0;
}
