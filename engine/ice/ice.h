/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICE-lite (RFC 8445 2.5) of one transport: which addresses of the party are proven by checks with
 * our credentials, and which one is used. Handles no packets, and accepts nothing that was not
 * authenticated before.
 */
#ifndef ENGINE_ICE_ICE_H
#define ENGINE_ICE_ICE_H

#include "engine/net/packet.h"
#include "media/flow.h"

enum { ICE_PAIRS_MAX = 8, ICE_NO_PAIR = 0xff };

#define ICE_CONSENT_NS UINT64_C(30000000000) /* RFC 7675 5.1 */
/* A party that nominates with each check (RFC 5245 8.1.1.2) means the pair of the highest priority;
 * one that has left a pair no longer nominates it, and has nominated another already. */
#define ICE_NOMINATION_NS UINT64_C(1000000000)

/* Our end has one address for each channel, so the party's tells pairs apart. */
struct ice_pair {
	struct addr party;     /* ADDR_NONE: free */
	uint64_t received_ns;  /* last authentic check */
	uint64_t nominated_ns; /* the last one with USE-CANDIDATE; 0: never */
	uint32_t priority;     /* of the party's candidate */
	uint32_t age;          /* counts the pairs validated before it */
	uint8_t channel;       /* enum channel */
	uint8_t session;       /* ice.session when it was validated */
};

struct ice {
	char ufrag[ICE_UFRAG_LEN], pwd[ICE_PWD_LEN]; /* pwd: a secret */
	uint8_t session;                             /* counts restarts */
	uint8_t state;                               /* enum media_ice_state */
	uint8_t selected[CHANNELS];                  /* index into pairs, or ICE_NO_PAIR */
	uint32_t validated;                          /* pairs, ever */
	uint32_t checks, checks_key, checks_name;    /* as in struct flow_detail */
	uint64_t checked_ns;
	struct ice_pair pairs[ICE_PAIRS_MAX];
};

/* The contents of a check. */
struct ice_check {
	uint32_t priority;
	uint8_t nominates; /* USE-CANDIDATE */
};

void ice_open(struct ice *i, const struct media_ice *credentials);
/* The same credentials change nothing. New ones (RFC 8445 9): pairs continue until a check with
 * these nominates one. */
void ice_update(struct ice *i, const struct media_ice *credentials);
/* The pair that the process before sent to: consent begins anew. */
struct ice_pair *ice_restore(struct ice *i, enum channel c, const struct addr *party,
			     uint64_t now_ns);
/* When the party last agreed to what it is sent; 0: it is sent nothing. */
uint64_t ice_consent_ns(const struct ice *i, enum channel c);
/* Of a pair that was restored, where it is known: consent does not begin anew. */
void ice_consent_keep(struct ice *i, enum channel c, uint64_t received_ns);
/* NULL: no authentic check came from there lately. */
struct ice_pair *ice_find(struct ice *i, enum channel c, const struct addr *party);
/* Where a new pair goes: a free place, else that of the unselected pair heard least recently. */
struct ice_pair *ice_place(struct ice *i);
/* An authentic check came. pair: of ice_find, or ice_place and then it is new. */
void ice_checked(struct ice *i, struct ice_pair *pair, enum channel c, const struct addr *party,
		 const struct ice_check *check, uint64_t now_ns);
/* A pair not to be used any more: consent has ended, or it is from the session before a restart.
 * NULL: no such pair. The caller drops it. */
struct ice_pair *ice_expired(struct ice *i, uint64_t now_ns);
void ice_drop(struct ice *i, struct ice_pair *pair);
/* Where to send to; ADDR_NONE: nowhere. */
struct addr ice_to(const struct ice *i, enum channel c);

#endif
