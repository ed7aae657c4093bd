/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which local RTP/RTCP port pairs are free. A pure value of the control thread; binds nothing. A
 * freed pair rests, so that late packets of the last call cannot reach the next one. Pairs are
 * handed out in the order in which they were freed.
 */
#ifndef MEDIA_PORTS_H
#define MEDIA_PORTS_H

#include "base/rand.h"
#include "media/flow.h"

#define PORTS_END UINT32_MAX

struct ports_pair {
	uint32_t slot;       /* while in use */
	uint32_t next, prev; /* in the free queue, PORTS_END at its ends */
	uint64_t freed_ns;   /* 0: never used */
	uint8_t in_use;
};

/* The flow of a pair in use. Low slots are used first, which keeps memory in use together. */
struct ports_slot {
	uint32_t pair;       /* PORTS_END: free */
	uint32_t generation; /* of the current or last use */
	uint32_t next;       /* free: what was freed after it */
	uint64_t freed_ns;
};

struct ports {
	struct ports_pair *pairs;
	struct ports_slot *slots; /* as many */
	uint32_t pair_count;
	uint32_t slot_base;            /* first slot: networks follow each other */
	uint32_t slots_used;           /* ever; all above are new */
	uint32_t slot_head, slot_tail; /* free ones, in the order they were freed */
	uint16_t first_port;           /* even */
	uint32_t head, tail;           /* free queue */
	uint32_t free_count;
	uint64_t rest_ns;     /* wanted rest, default 60 s */
	uint64_t rest_min_ns; /* when nothing else is left: reuse after this long, counted */
	uint64_t reused_early;
};

/* first..last inclusive; odd ends are cut off. The first round is in random order. Returns 0,
 * -EINVAL or -ENOMEM. */
int ports_open(struct ports *p, uint16_t first, uint16_t last, uint32_t slot_base, uint64_t rest_ns,
	       uint64_t rest_min_ns, struct rand_source *rand) NODISCARD;
void ports_close(struct ports *p);
/* Returns 0, or -EAGAIN if no pair is free. id names the pair and this use of it. */
int ports_alloc(struct ports *p, uint64_t now_ns, struct flow_id *id) NODISCARD;
/* True when so many can be taken now. */
bool ports_have(const struct ports *p, uint32_t count, uint64_t now_ns);
/* After a restart: takes the very pair of a record. 0, -EBUSY or -ERANGE (not of this range). */
int ports_claim(struct ports *p, uint16_t rtp_port, struct flow_id *id) NODISCARD;
/* A stale id is ignored (false). */
bool ports_release(struct ports *p, struct flow_id id, uint64_t now_ns);
/* Of a pair in use: the RTP port or the RTCP port. */
bool ports_in_use(const struct ports *p, uint16_t port);
uint16_t ports_rtp_port(const struct ports *p, struct flow_id id);

#endif
