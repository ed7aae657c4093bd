/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server is the primary: a link asks one Sentinel each second, and more often while it is down or does not answer. Sentinels have their turn one after
 * the other. Each answer has the epoch of the failover that made it so: what is older than the newest that was heard counts only when
 * all of them say so, as they do when they were set up anew.
 */
#ifndef CLUSTER_REDIS_SENTINEL_H
#define CLUSTER_REDIS_SENTINEL_H

#include "cluster/redis/url.h"

struct redis;
struct redisReply;

struct redis_sentinel {
	struct redis *link;  /* to one Sentinel; NULL: no Sentinel is asked */
	struct redis *owner; /* told by redis_primary_said */
	struct addr primary; /* the newest that counts; port 0: none yet */
	struct addr said;    /* the first half of an answer */
	uint64_t epoch;      /* of primary */
	uint64_t ask_ns;     /* the next question */
	uint64_t heard_ns;   /* the last answer that counted */
	uint32_t older;      /* answers in a row that did not */
	uint32_t answers;    /* of the Sentinel whose turn it is */
	bool asked, hurry, missed;
};

/* link: was made for s->owner and is s' from here on. */
void redis_sentinel_open(struct redis_sentinel *s, struct redis *owner, struct redis *link,
			 uint64_t now_ns);
void redis_sentinel_close(struct redis_sentinel *s);
/* The primary is wanted, or it is not wanted any more: asked at once, and more often. */
void redis_sentinel_hurry(struct redis_sentinel *s, bool hurry, uint64_t now_ns);
void redis_sentinel_expire(struct redis_sentinel *s, uint64_t now_ns);
uint64_t redis_sentinel_next_ns(const struct redis_sentinel *s);

#endif
