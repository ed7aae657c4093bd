/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads, writes, compares and converts IP addresses with ports (struct addr). Every module that
 * takes an address from SIP, SDP, settings, Redis or a socket comes through here, so an address has
 * one form only: an IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 2.5.5.2). IPv4 is
 * printed by hand, because inet_ntop would cost as much as reading a header. The classes (private,
 * loopback, multicast) are tables of prefixes, each with its RFC.
 */

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { V4_LEN = 4, V6_LEN = 16, SOURCE_V6_LEN = 8 };

static const uint8_t g_v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* One address has one form: ::ffff:192.0.2.1 is 192.0.2.1 (RFC 4291 2.5.5.2). */
static void addr_set_v6(struct addr *a, const void *ip, uint32_t scope)
{
	const uint8_t *raw = ip;

	if (memcmp(raw, g_v4_mapped, sizeof(g_v4_mapped)) == 0) {
		a->family = ADDR_V4;
		memcpy(a->ip, raw + sizeof(g_v4_mapped), V4_LEN);
		return;
	}
	a->family = ADDR_V6;
	a->scope = scope;
	memcpy(a->ip, raw, V6_LEN);
}

static int addr_parse_port(struct bytes in, uint16_t *port)
{
	uint32_t v;
	int err = bytes_u32(in, &v);

	if (err || in.n > 5 || v > UINT16_MAX)
		return -EINVAL;
	*port = (uint16_t)v;
	return 0;
}

static int parse_ip(int family, struct bytes in, uint8_t ip[V6_LEN])
{
	char text[INET6_ADDRSTRLEN];

	/* inet_pton stops at a NUL, the slice does not */
	if (bytes_find(in, '\0') < in.n || bytes_cstr(in, text, sizeof(text)))
		return -EINVAL;
	return inet_pton(family, text, ip) == 1 ? 0 : -EINVAL;
}

/* The part within brackets: address, then perhaps %number (RFC 6874's zone, as an index). */
static int parse_v6(struct addr *a, struct bytes in)
{
	size_t percent = bytes_find(in, '%');
	uint8_t ip[V6_LEN];
	uint32_t scope = 0;

	if (percent < in.n && bytes_u32(bytes_from(in, percent + 1), &scope))
		return -EINVAL;
	if (parse_ip(AF_INET6, bytes_sub(in, 0, percent), ip))
		return -EINVAL;
	addr_set_v6(a, ip, scope);
	return 0;
}

static int parse_v4(struct addr *a, struct bytes in)
{
	a->family = ADDR_V4;
	return parse_ip(AF_INET, in, a->ip);
}

static int parse_bracketed(struct addr *a, struct bytes in)
{
	size_t close = bytes_find(in, ']');
	struct bytes after = bytes_from(in, close + 1);

	if (close == in.n || parse_v6(a, bytes_sub(in, 1, close - 1)))
		return -EINVAL;
	if (after.n == 0)
		return 0;
	return after.p[0] == ':' ? addr_parse_port(bytes_from(after, 1), &a->port) : -EINVAL;
}

int addr_parse(struct addr *out, struct bytes in)
{
	struct addr a = { 0 };
	size_t colon = bytes_find(in, ':');
	int err;

	if (in.n && in.p[0] == '[') {
		err = parse_bracketed(&a, in);
	} else if (bytes_find(bytes_from(in, colon + 1), ':') < bytes_from(in, colon + 1).n) {
		err = parse_v6(&a, in);
	} else {
		err = parse_v4(&a, bytes_sub(in, 0, colon));
		if (!err && colon < in.n)
			err = addr_parse_port(bytes_from(in, colon + 1), &a.port);
	}
	if (!err)
		*out = a;
	return err;
}

/* Ends before `end`; returns where it begins. */
static char *number_write(char *end, char before, unsigned v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	*--end = before;
	return end;
}

/* From its end. inet_ntop prints it, which costs as much as reading a header. */
static void v4_write(struct writer *w, const uint8_t *ip, uint16_t port)
{
	char text[ADDR_TEXT_MAX], *end = text + sizeof(text), *at = end;

	if (port)
		at = number_write(at, ':', port);
	for (int i = V4_LEN; i-- > 0;)
		at = number_write(at, '.', ip[i]);
	at++;
	writer_mem(w, at, (size_t)(end - at));
}

void addr_write_ip(struct writer *w, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->family == ADDR_NONE) {
		writer_str(w, "none");
		return;
	}
	if (a->family == ADDR_V4) {
		v4_write(w, a->ip, 0);
		return;
	}
	(void)inet_ntop(AF_INET6, a->ip, text, sizeof(text));
	writer_str(w, text);
	if (a->scope)
		writer_number(w, "%", a->scope, "");
}

void addr_write(struct writer *w, const struct addr *a)
{
	bool brackets = a->family == ADDR_V6 && a->port;

	if (a->family == ADDR_V4) {
		v4_write(w, a->ip, a->port);
		return;
	}
	if (brackets)
		writer_u8(w, '[');
	addr_write_ip(w, a);
	if (brackets)
		writer_u8(w, ']');
	if (a->port)
		writer_number(w, ":", a->port, "");
}

const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	struct writer w = writer_over(buf, ADDR_TEXT_MAX - 1);

	addr_write(&w, a);
	buf[w.n] = '\0';
	return buf;
}

/* One row per prefix of an address class. */
struct prefix {
	uint8_t family;
	uint8_t bits;
	uint8_t ip[V6_LEN];
};

static bool prefix_has(const struct prefix *prefix, const struct addr *a)
{
	unsigned whole = prefix->bits / 8;
	unsigned mask = 0xff00U >> prefix->bits % 8 & 0xff;

	if (a->family != prefix->family || memcmp(a->ip, prefix->ip, whole) != 0)
		return false;
	return mask == 0 || (a->ip[whole] & mask) == prefix->ip[whole];
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[V6_LEN];

	return a->family == ADDR_NONE || memcmp(a->ip, zero, sizeof(zero)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const struct prefix v4 = { ADDR_V4, 8, { 127 } };
	static const struct prefix v6_low = { ADDR_V6, 120, { 0 } };

	return prefix_has(&v4, a) || (prefix_has(&v6_low, a) && a->ip[15] == 1);
}

bool addr_is_private(const struct addr *a)
{
	static const struct prefix prefixes[] = {
		{ ADDR_V4, 8, { 10 } }, /* RFC 1918 */
		{ ADDR_V4, 12, { 172, 16 } },    { ADDR_V4, 16, { 192, 168 } },
		{ ADDR_V4, 10, { 100, 64 } },    /* RFC 6598 */
		{ ADDR_V4, 16, { 169, 254 } },   /* RFC 3927 */
		{ ADDR_V6, 7, { 0xfc } },        /* RFC 4193 */
		{ ADDR_V6, 10, { 0xfe, 0x80 } }, /* RFC 4291 2.5.6 */
	};

	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		if (prefix_has(&prefixes[i], a))
			return true;
	}
	return false;
}

bool addr_is_multicast(const struct addr *a)
{
	static const struct prefix v4 = { ADDR_V4, 4, { 224 } };
	static const struct prefix v6 = { ADDR_V6, 8, { 0xff } };

	return prefix_has(&v4, a) || prefix_has(&v6, a);
}

bool addr_is_within(const struct addr *a, const struct addr *net, unsigned bits)
{
	struct prefix prefix = { .family = net->family, .bits = (uint8_t)bits };

	if (net->family == ADDR_NONE || bits > (net->family == ADDR_V6 ? 8 * V6_LEN : 8 * V4_LEN))
		return false;
	memcpy(prefix.ip, net->ip, bits / 8);
	if (bits % 8)
		prefix.ip[bits / 8] = (uint8_t)(net->ip[bits / 8] & 0xff00U >> bits % 8);
	return prefix_has(&prefix, a);
}

struct addr addr_source(const struct addr *a)
{
	struct addr out = { .family = a->family };

	memcpy(out.ip, a->ip, a->family == ADDR_V6 ? SOURCE_V6_LEN : V4_LEN);
	return out;
}

uint32_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(a->port),
				   .sin6_scope_id = a->scope };

	memset(out, 0, sizeof(*out));
	switch ((enum addr_family)a->family) {
	case ADDR_V4:
		memcpy(&v4.sin_addr, a->ip, V4_LEN);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	case ADDR_V6:
		memcpy(&v6.sin6_addr, a->ip, V6_LEN);
		memcpy(out, &v6, sizeof(v6));
		return sizeof(v6);
	case ADDR_NONE:
		break;
	}
	return 0;
}

int addr_from_sockaddr(struct addr *out, const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		*out = (struct addr){ .family = ADDR_V4, .port = ntohs(v4.sin_port) };
		memcpy(out->ip, &v4.sin_addr, V4_LEN);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		*out = (struct addr){ .port = ntohs(v6.sin6_port) };
		addr_set_v6(out, &v6.sin6_addr, v6.sin6_scope_id);
		return 0;
	}
	return -EAFNOSUPPORT;
}
