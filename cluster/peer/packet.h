/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datagram between two nodes, sealed with AES-256-GCM (NIST SP 800-38D). The octets:
 *
 *     version (1) | voice (1) | from (8) | to (8) | incarnation (8) | number (8) | ciphertext | tag (16)
 *
 * All before the ciphertext is authenticated too. Each pair of nodes has a key for each way, each incarnation of the sender and each
 * voice, derived from the cluster's: so the number alone is the nonce, and is never there twice under one key. Pure.
 */
#ifndef CLUSTER_PEER_PACKET_H
#define CLUSTER_PEER_PACKET_H

#include "base/bytes.h"

enum {
	PEER_KEY_LEN = 32,
	PEER_PACKET_MAX = 1200, /* crosses any network in one piece */
	PEER_HEAD_LEN = 2 + 4 * 8,
	PEER_TAG_LEN = 16,
	PEER_PLAIN_MAX = PEER_PACKET_MAX - PEER_HEAD_LEN - PEER_TAG_LEN,
};

enum peer_voice {
	PEER_OF_NODE,
	PEER_OF_KEEPER, /* of the process that outlives it: sealed by the node, sent when it is gone */
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
/* cluster: the secret of all nodes. The number counts for nothing here. */
void peer_key_derive(uint8_t key[PEER_KEY_LEN], const uint8_t cluster[PEER_KEY_LEN],
		     const struct peer_head *head);
/* plain: at most PEER_PLAIN_MAX. 0 or -ENOMEM. */
int peer_packet_seal(const uint8_t key[PEER_KEY_LEN], const struct peer_head *head,
		     struct bytes plain, uint8_t out[PEER_PACKET_MAX], size_t *n) NODISCARD;
/* The packet's head was read. 0; -EBADMSG: another key, or changed octets, and nothing of the text is left in out; -ENOMEM. */
int peer_packet_open(const uint8_t key[PEER_KEY_LEN], struct bytes packet,
		     uint8_t out[PEER_PLAIN_MAX], size_t *n) NODISCARD;

#endif
