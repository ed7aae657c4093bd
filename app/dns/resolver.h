/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's resolver: one cache, one client, and the pending look-ups. A known answer is given at
 * once; else a caller waits and gets the outcome some rounds of the loop later. Servers are those
 * of dns.servers, or of /etc/resolv.conf, which is read again when it changes. Control thread.
 */
#ifndef APP_DNS_RESOLVER_H
#define APP_DNS_RESOLVER_H

#include "app/dns/dns_client.h"
#include "sig/host/effect.h"
#include "sig/lookup/lookup.h"

enum { RESOLVER_WAITS_MAX = 1280 };

struct resolver;

void resolver_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int resolver_open(struct resolver **out, struct rand_source *rand) NODISCARD;
void resolver_close(struct resolver *r);
/* count 0: those of that file, which has the form of resolv.conf(5). What is known stays known. */
void resolver_servers(struct resolver *r, const struct addr *servers, uint32_t count,
		      const char *file);
/* What is known by now; those that failed a moment ago stand behind the others. */
void resolver_find(struct resolver *r, const struct lookup_want *want, uint64_t now_ns,
		   struct lookup *out);
/* A caller waits. It gets an outcome, unless too many wait: that is counted. */
void resolver_start(struct resolver *r, uint64_t call, uint64_t serial,
		    const struct lookup_want *want, uint64_t now_ns);
/* The caller waits no more: its place is free, without an outcome.
 * Questions of no other caller are not repeated. */
void resolver_stop(struct resolver *r, uint64_t call, uint64_t serial);
/* Takes the next outcome. Returns false if no outcome is ready, or the turn is over:
 * resolver_next_ns says which. A thousand may wait for one name, so consequences of an answer are
 * done here, some at a time. */
bool resolver_pop(struct resolver *r, uint64_t *call, struct lookup_reply *outcome,
		  uint64_t now_ns);
/* Until when it is tried behind others; 0: it is not. */
uint64_t resolver_blocked_ns(const struct resolver *r, const struct lookup_target *target,
			     uint64_t now_ns);
/* It could not be reached, or asked to be left alone for so long (0: not said). */
void resolver_failed(struct resolver *r, const struct lookup_target *target, uint32_t for_s,
		     uint64_t now_ns);
void resolver_expire(struct resolver *r, uint64_t now_ns);
uint64_t resolver_next_ns(const struct resolver *r); /* UINT64_MAX: never */

#endif
