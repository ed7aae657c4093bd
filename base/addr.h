/* SPDX-License-Identifier: Apache-2.0 */
/* An IP address and port as a value. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <string.h>

#include "base/bytes.h"

struct sockaddr;
struct sockaddr_storage;

enum addr_family {
	ADDR_NONE = 0,
	ADDR_V4 = 4,
	ADDR_V6 = 6,
};

/* ip: network order, v4 in the first 4 bytes and the rest zero. port: host order. */
struct addr {
	uint8_t ip[16];
	uint32_t scope; /* v6 link-local interface index, else 0 */
	uint16_t port;
	uint8_t family; /* enum addr_family */
	uint8_t pad;
};

/* Address only. Inline, and in whole words: every packet's source is compared. */
static inline bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->ip, sizeof(x));
	memcpy(y, b->ip, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (a->scope ^ b->scope) |
		(uint64_t)(a->family ^ b->family)) == 0;
}

/* Address and port. */
static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_ip_eq(a, b);
}

/* ip: network order. */
static inline void addr_set_v4(struct addr *out, const uint8_t ip[4], uint16_t port)
{
	memcpy(out->ip, ip, 4);
	memset(out->ip + 4, 0, sizeof(out->ip) - 4);
	out->scope = 0;
	out->port = port;
	out->family = ADDR_V4;
	out->pad = 0;
}

enum { ADDR_TEXT_MAX = 64 }; /* "[v6%scope]:port" and NUL */

/* Reads "192.0.2.1", "192.0.2.1:5060", "2001:db8::1" or "[2001:db8::1]:5060"; returns 0 or -EINVAL.
 * An absent port is 0, an IPv4-mapped IPv6 address becomes IPv4, and a zone ("%2") is a number, not
 * the name of an interface. */
int addr_parse(struct addr *out, struct bytes in) NODISCARD;
/* "192.0.2.1:5060" or "[2001:db8::1]:5060"; without ":port" when the port is 0. */
void addr_write(struct writer *w, const struct addr *a);
/* The address alone: "192.0.2.1", "2001:db8::1" (no brackets: SDP c=, Via received). */
void addr_write_ip(struct writer *w, const struct addr *a);
/* As addr_write, into a buffer; returns buf. For logs. */
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
bool addr_is_any(const struct addr *a); /* 0.0.0.0, :: or no address */
bool addr_is_loopback(const struct addr *a);
bool addr_is_private(const struct addr *a); /* RFC 1918, 6598, 3927, 4193, link-local */
bool addr_is_multicast(const struct addr *a);
/* True if both have the same first `bits` bits; false for different families or too many bits. */
bool addr_is_within(const struct addr *a, const struct addr *net, unsigned bits);
/* The address by which a source is limited or remembered: an IPv4 address, or an IPv6 /64, since
 * one line of one customer has a whole /64. Without port and scope. */
struct addr addr_source(const struct addr *a);
/* Writes a sockaddr for socket calls; returns its length. */
uint32_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* IPv4-mapped IPv6 becomes IPv4. 0 or -EAFNOSUPPORT. */
int addr_from_sockaddr(struct addr *out, const struct sockaddr *sa) NODISCARD;

#endif
