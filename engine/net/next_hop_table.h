/* SPDX-License-Identifier: Apache-2.0 */
/* What next_hop.c (the two caches: find, ask) and next_hop_news.c (what the kernel tells) share; nobody else looks in here. */
#ifndef ENGINE_NET_NEXT_HOP_TABLE_H
#define ENGINE_NET_NEXT_HOP_TABLE_H

#include "base/bytes.h"
#include "engine/net/next_hop.h"

enum {
	HOP_WAYS = 8, /* of both caches: entries that one hash may have */
	HOP_LINKS_MAX = 256,
	HOP_QUESTIONS_ROOM = 2048, /* octets: some thirty */
	HOP_READ_ROOM = 32768,
	/* the bits of seq, which tell what a question was about */
	HOP_SEQ_STATION = 1 << 30,
	HOP_SEQ_LINKS = 1 << 29,
	HOP_SEQ_INDEX = (1 << 24) - 1,
};

struct hop_link {
	uint32_t ifindex; /* 0: free */
	uint32_t device;
	uint32_t mtu;
	uint16_t vlan;
	bool up;
	uint8_t mac[FRAME_MAC_LEN];
};

/* A neighbour: gateway or party. */
struct hop_station {
	struct addr ip; /* ADDR_NONE: free */
	uint32_t ifindex;
	uint16_t state;
	bool told; /* the kernel answered, whatever */
	uint8_t mac[FRAME_MAC_LEN];
	uint64_t used_ns, asked_ns, confirmed_ns, doubted_ns;
};

/* A destination, by the routes of a source. */
struct hop_way {
	struct addr from, to; /* ADDR_NONE: free; port 0 */
	struct addr gateway;
	uint32_t ifindex;       /* 0: not by our devices */
	uint32_t link, station; /* indexes, to be checked */
	uint32_t mtu;
	uint8_t hops;
	bool told;
	uint32_t epoch; /* of the answer */
	uint64_t used_ns, asked_ns, told_ns;
};

struct next_hops {
	struct next_hop_settings settings;
	int fd;
	uint32_t port; /* ours, in netlink */
	uint32_t mask;
	struct hop_way *ways;
	struct hop_station *stations;
	struct hop_link links[HOP_LINKS_MAX];
	uint32_t epoch; /* counts changes of routes */
	uint64_t epoch_ns;
	bool changed;     /* since the epoch began */
	bool doubted;     /* likewise */
	uint32_t trusted; /* answers of earlier epochs are not believed */
	uint8_t questions[HOP_QUESTIONS_ROOM];
	struct writer writer;
	uint8_t read[HOP_READ_ROOM];
};

/* ifindex 0: a free place. NULL: there is none. */
struct hop_link *next_hop_link(struct next_hops *t, uint32_t ifindex);
/* NULL: nobody of interest. */
struct hop_station *next_hop_station(struct next_hops *t, uint32_t ifindex, const struct addr *ip);
/* Asks for all links, at once. */
void next_hops_ask_links(struct next_hops *t);

static inline bool hop_is_time(uint64_t since_ns, uint64_t now_ns, uint64_t after_ns)
{
	return since_ns == 0 || now_ns - since_ns >= after_ns;
}

#endif
