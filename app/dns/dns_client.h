/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to name servers over UDP, and over TCP if an answer is truncated. Each try has a socket
 * of its own, connected to its server: the kernel draws its port, the id is drawn here, and
 * datagrams of others never arrive. So a forger must guess both (RFC 5452). Bounded: sockets,
 * questions and tries. Control thread; answers come from the loop or from dns_client_expire, never
 * from within dns_client_query.
 */
#ifndef APP_DNS_DNS_CLIENT_H
#define APP_DNS_DNS_CLIENT_H

#include "base/addr.h"
#include "base/rand.h"
#include "sig/lookup/dns.h"
#include "sig/lookup/lookup.h"

/* /etc/resolv.conf, as far as it names servers: the node looks up whole names alone. */

enum { DNS_SERVERS_MAX = 3, DNS_PORT = 53 }; /* MAXNS of resolv.h */
#define RESOLV_CONF_PATH "/etc/resolv.conf"

/* "192.0.2.53", "[2001:db8::53]:5353"; without a port it is 53. 0 or -EINVAL. */
int dns_server_parse(struct addr *out, struct bytes text) NODISCARD;
/* Its nameserver lines, at most DNS_SERVERS_MAX. Without any: 127.0.0.1 (resolv.conf(5)). */
uint32_t resolv_conf_servers(struct bytes text, struct addr out[DNS_SERVERS_MAX]);

enum {
	DNS_QUERIES_MAX = 2048, /* that are under way or wait for a socket */
	DNS_SOCKETS_MAX = 64,
	DNS_TRIES = 4, /* over all servers in turn, the last that answered first */
};
#define DNS_TRY_NS (1000 * NS_PER_MS)

struct dns_client;

/* answer: valid during the call; DNS_FAILED: nobody said. took_ns: since it was asked. */
typedef void dns_answered_fn(uint32_t query, const struct dns_question *question,
			     const struct dns_answer *answer, uint64_t took_ns, void *arg);

/* 0 or -ENOMEM. */
int dns_client_open(struct dns_client **out, struct rand_source *rand, dns_answered_fn *answered,
		    void *arg) NODISCARD;
void dns_client_close(struct dns_client *c);
/* What is under way goes on; the next tries are theirs. */
void dns_client_servers(struct dns_client *c, const struct addr *servers, uint32_t count);
/* *query names it in the answer; one that is asked already has one answer for all. 0 or -ENOSPC. */
int dns_client_query(struct dns_client *c, const struct dns_question *question, uint64_t now_ns,
		     uint32_t *query) NODISCARD;
/* Nobody waits for it any more. If it has no socket yet it is never asked; else its answer still
 * counts for the next caller, but there is no further try. */
void dns_client_leave(struct dns_client *c, uint32_t query);
void dns_client_expire(struct dns_client *c, uint64_t now_ns);
uint64_t dns_client_next_ns(const struct dns_client *c); /* UINT64_MAX: never */

/* A socket towards one name server, and a message each way over TCP (RFC 1035 4.2.2). */

enum { DNS_DATAGRAM_MAX = 4096 };

struct dns_stream {
	uint8_t out[2 + DNS_QUERY_MAX];
	uint32_t out_n, sent;
	uint8_t in[2 + DNS_MESSAGE_MAX];
	uint32_t got;
};

/* What is counted of questions and look-ups. */

enum { DNS_ANSWER_BAD = 0x100 }; /* besides the codes: it did not answer the question */

void dns_metric_setup(void); /* main thread, once */
void dns_metric_time(uint64_t took_ns);
/* A look-up is over: cached: it asked nobody. */
void dns_metric_lookup(enum lookup_state state, bool cached);
void dns_metric_waiting(uint32_t count);

#endif
