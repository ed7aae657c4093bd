/* SPDX-License-Identifier: Apache-2.0 */
/* Queries to a name server and its responses (RFC 1035), as far as RFC 3263 needs them. Pure. A
 * response counts only in what it says of the very name queried: its chain of aliases and the
 * records at the end of it. Its other sections are read only for the negative TTL (RFC 2308). */
#ifndef SIG_LOOKUP_DNS_H
#define SIG_LOOKUP_DNS_H

#include "base/addr.h"
#include "base/table.h"

enum {
	DNS_NAME_CAP = 254,     /* 253 characters (RFC 1035 3.1) and a NUL */
	DNS_RECORDS_MAX = 32,   /* of one set; what follows is passed over */
	DNS_ALIASES_MAX = 8,    /* links of a chain of aliases */
	DNS_MESSAGE_MAX = 8192, /* of an answer over TCP */
	DNS_QUERY_MAX = 12 + 255 + 4,
};

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_NAPTR = 35,
};

/* Letters, digits, hyphens, underscores and dots; in lower case, without the final dot. "": the
 * root. */
struct dns_name {
	char text[DNS_NAME_CAP];
};

struct dns_question {
	struct dns_name name;
	enum dns_type type;
};

/* What a NAPTR record leads to. */
enum naptr_service { NAPTR_SIP_UDP, NAPTR_SIP_TCP, NAPTR_SIPS_TCP };

/* A, AAAA: ip. SRV: priority, weight, port, name. NAPTR: order as priority, preference as weight,
 * service, name. */
struct dns_record {
	uint16_t priority, weight, port;
	uint8_t service; /* enum naptr_service */
	uint8_t ip[16];
	struct dns_name name; /* SRV: "" is no service there */
};

enum dns_result {
	DNS_FOUND,
	DNS_NOTHING, /* the name is there, or is not, and has no such record */
	DNS_ALIAS,   /* an alias: alias has the name, of which nothing came */
	DNS_FAILED,  /* the server cannot or will not answer, or timed out */
};

struct dns_answer {
	enum dns_result result;
	uint8_t rcode;
	bool truncated;    /* to be asked for over TCP: nothing else is filled in */
	bool negative_ttl; /* NOTHING: ttl_s is from its SOA; else unknown */
	uint32_t ttl_s;
	struct dns_name alias;
	uint32_t count;
	struct dns_record records[DNS_RECORDS_MAX];
};

/* 0, or -EINVAL: no name of a host. A dot at the end is taken off. */
int dns_name_from(struct dns_name *out, struct bytes text) NODISCARD;
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);
/* "SRV" and the like. */
const char *dns_type_name(enum dns_type type);
enum { DNS_CODE_OK = 0, DNS_CODE_SERVFAIL = 2, DNS_CODE_NXDOMAIN = 3, DNS_CODES = 6 };

/* A query with recursion desired. */
void dns_query_write(struct writer *w, uint16_t id, const struct dns_question *question);
/* The message is the response to that query. Returns 0, or -EBADMSG if not, or malformed; *out is
 * undefined then. */
int dns_answer_parse(struct dns_answer *out, uint16_t id, const struct dns_question *question,
		     struct bytes message) NODISCARD;

/* Responses of name servers for as long as their TTLs, within bounds. Also negative ones (RFC
 * 2308), and for a moment timeouts. When full, the least recently queried entry is dropped. One
 * owner, one thread; time is an argument. */

enum {
	DNS_CACHE_MAX = 2048,
	/* also "do not keep it": a look-up asks several questions, and reads them here */
	DNS_TTL_MIN_S = 5,
	DNS_TTL_MAX_S = 3600, /* a lie lasts for an hour at most */
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
	/* the first is the ends of the list: behind it the newest, before it the oldest */
	struct dns_entry *entries;
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
