/* SPDX-License-Identifier: Apache-2.0 */
/* A socket towards one name server, and a message each way over TCP (RFC 1035 4.2.2). */
#ifndef APP_DNS_DNS_SOCKET_H
#define APP_DNS_DNS_SOCKET_H

#include "sig/lookup/dns.h"

enum { DNS_DATAGRAM_MAX = 4096 };

struct dns_stream {
	uint8_t out[2 + DNS_QUERY_MAX];
	uint32_t out_n, sent;
	uint8_t in[2 + DNS_MESSAGE_MAX];
	uint32_t got;
};

/* Connected, or about to be; from a port that the kernel draws. A descriptor or -errno. */
int dns_socket_open(const struct addr *server, int type);
/* malloc'ed, or NULL. */
struct dns_stream *dns_stream_make(uint16_t id, const struct dns_question *question);
bool dns_stream_is_sent(const struct dns_stream *s);
/* 0: *message, in s; -EAGAIN: it goes on when the socket is ready; else -errno. */
int dns_stream_step(struct dns_stream *s, int fd, struct bytes *message) NODISCARD;

#endif
