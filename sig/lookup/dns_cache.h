/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What name servers have said, for as long as they said, within bounds. Also that there is nothing (RFC 2308), and for a moment that nobody
 * answered. Full, it forgets what was not asked for the longest. One owner, one thread; time is an argument.
 */
#ifndef SIG_LOOKUP_DNS_CACHE_H
#define SIG_LOOKUP_DNS_CACHE_H

#include "base/hash.h"
#include "base/table.h"
#include "sig/lookup/dns.h"

enum {
	DNS_CACHE_MAX = 2048,
	DNS_TTL_MIN_S =
		5, /* also "do not keep it": a look-up asks several questions, and reads them here */
	DNS_TTL_MAX_S = 3600, /* who lies does so for an hour at the most */
	DNS_NEGATIVE_MAX_S = 300,
	DNS_NEGATIVE_UNSAID_S = 5,
	DNS_FAILED_S = 5,
};

/* Valid until the next put. */
struct dns_set {
	enum dns_result result;
	const struct dns_name *alias;
	uint32_t count;
	const struct dns_record *records;
};

struct dns_entry;
struct dns_cache {
	struct dns_entry *
		entries; /* the first is the ends of the list: behind it the newest, before it the oldest */
	uint32_t capacity, count;
	struct table by_question;
	struct hash_key key;
};

/* 0 or -ENOMEM. */
int dns_cache_open(struct dns_cache *c, uint32_t capacity, const struct hash_key *key) NODISCARD;
void dns_cache_close(struct dns_cache *c);
/* False: nothing is known, or not any more. */
bool dns_cache_find(struct dns_cache *c, const struct dns_question *question, uint64_t now_ns,
		    struct dns_set *out);
/* What was known of the question is forgotten. Without memory so is the answer. */
void dns_cache_put(struct dns_cache *c, const struct dns_question *question,
		   const struct dns_answer *answer, uint64_t now_ns);

#endif
