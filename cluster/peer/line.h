/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node's line to another: decides which datagrams are true, new and recent. An attacker who
 * sees all traffic may record, repeat and delay it. It must not make an owner that is gone seem
 * alive. So each datagram has, sealed:
 *
 *     token (8) | time (8) | the receiver's token (8) | the receiver's time (8) | items (parcel.h)
 *
 * The sender brings back the token that the receiver gave it, and the newest time it has of it. A
 * token is drawn at random when a process begins, and anew for each process of the other node that
 * is heard with it. So nothing counts that was sent to an earlier process of the receiver, by an
 * earlier one of the sender once the next was heard, or in answer to what is older than fresh_ns.
 * Of the rest, each number counts once. A sender that brings back nothing, or an old token, gets an
 * answer to bring back.
 *
 * A notice says that a process is gone, which stays true: it brings nothing back, and may be
 * repeated. Pure.
 */
#ifndef CLUSTER_PEER_LINE_H
#define CLUSTER_PEER_LINE_H

#include "base/bytes.h"
#include "base/rand.h"
#include "cluster/peer/parcel.h"

/*
 * A datagram between two nodes, sealed with AES-256-GCM (NIST SP 800-38D). The octets:
 *
 * version (1) | voice (1) | from (8) | to (8) | incarnation (8) | number (8) |
 *     ciphertext | tag (16)
 *
 * All before the ciphertext is authenticated too. Each pair of nodes has a key for each direction,
 * each incarnation of the sender and each voice, derived from the cluster's: so the number alone is
 * the nonce, and is never used twice under one key. Pure.
 */

enum {
	PEER_KEY_LEN = 32,
	PEER_PACKET_MAX = 1200, /* crosses any network in one piece */
	PEER_HEAD_LEN = 2 + 4 * 8,
	PEER_TAG_LEN = 16,
	PEER_PLAIN_MAX = PEER_PACKET_MAX - PEER_HEAD_LEN - PEER_TAG_LEN,
};

enum peer_voice {
	PEER_OF_NODE,
	/* of the keeper, which outlives the node: sealed by the node, sent when it is gone */
	PEER_OF_KEEPER,
	PEER_VOICES,
};

struct peer_head {
	enum peer_voice voice;
	uint64_t from, to; /* nodes */
	uint64_t incarnation;
	uint64_t number;
};

/* 0; -EBADMSG; -EPROTONOSUPPORT: of a later program. */
int peer_head_read(struct peer_head *head, struct bytes packet) NODISCARD;

enum {
	PEER_MEMORY_LEN = 4 * 8,
	PEER_ITEMS_MAX = PEER_PLAIN_MAX - PEER_MEMORY_LEN, /* octets */
};

/* The node itself. */
struct peer_self {
	uint64_t id, incarnation;
	uint8_t key[PEER_KEY_LEN]; /* of the cluster, for this alone */
	uint64_t fresh_ns;
	struct rand_source *rand;
	uint64_t sent, noticed; /* numbers that were used on lines which are closed: never again */
};

struct peer_echo {
	uint64_t token, time_ns;
};

struct peer_line {
	uint64_t id;          /* of the other node */
	uint64_t token;       /* which it is to bring back */
	uint64_t incarnation; /* of its process that was heard last; 0: none */
	uint64_t newest;      /* number that was heard, */
	uint64_t window;      /* and those before it, one bit each */
	uint64_t sent;        /* number of the newest datagram to it */
	uint64_t noticed;     /* likewise, of its keeper's */
	struct peer_echo echo;
	uint8_t own_key[PEER_KEY_LEN], key[PEER_KEY_LEN];
};

enum peer_verdict {
	PEER_TRUE,
	PEER_GONE,     /* true: its process of that incarnation is gone */
	PEER_UNPROVEN, /* to an earlier process, of an earlier one, or the first */
	PEER_STALE,
	PEER_REPEATED,
	PEER_FORGED,
	PEER_NO_MEMORY,
	PEER_VERDICTS,
};

struct peer_read {
	enum peer_verdict verdict;
	bool begins; /* the first of that incarnation */
	uint64_t incarnation;
	struct peer_echo answer; /* UNPROVEN, STALE: what an answer brings back */
	struct bytes items;      /* TRUE, NOTICE: within plain */
	uint8_t plain[PEER_PLAIN_MAX];
};

void peer_line_open(struct peer_line *l, const struct peer_self *self, uint64_t id);
void peer_line_close(struct peer_line *l, struct peer_self *self);
/* items: at most PEER_ITEMS_MAX. answer: what to bring back, or NULL. 0 or -ENOMEM. */
int peer_line_write(struct peer_line *l, const struct peer_self *self,
		    const struct peer_echo *answer, struct bytes items, uint64_t now_ns,
		    uint8_t out[PEER_PACKET_MAX], size_t *n) NODISCARD;
/* For the keeper, which sends it when this process is gone. 0 or -ENOMEM. */
int peer_line_gone(struct peer_line *l, const struct peer_self *self, struct bytes items,
		   uint8_t out[PEER_PACKET_MAX], size_t *n) NODISCARD;
/* head: of packet, from the other node to this one. */
void peer_line_read(struct peer_line *l, const struct peer_self *self, const struct peer_head *head,
		    struct bytes packet, uint64_t now_ns, struct peer_read *out);

#endif
