/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed channel from one node to another over TCP: parcels (parcel.h) go from the node that
 * connected to the other, and only a hello comes back. Each hello has, in the clear:
 *
 *     "TDC1" | from (8) | to (8) | incarnation (8) | random (32)
 *
 * The key is derived from the cluster's and both hellos. So a node without the cluster's key can
 * say nothing that counts, and what was said on one connection counts on no other. Then frames,
 * AES-256-GCM (NIST SP 800-38D), with their number as nonce:
 *
 *     octets that follow (4) | ciphertext | tag (16)
 *
 * What is missing, comes twice or in another order opens nothing: the connection ends. Pure.
 */
#ifndef CLUSTER_PEER_CHANNEL_H
#define CLUSTER_PEER_CHANNEL_H

#include "cluster/peer/line.h"
#include "cluster/peer/parcel.h"

/* In place of "TDC1": copies of recordings follow, for the storing process
 * (app/deliver/copy_work.h). */
#define CHANNEL_FILES_MAGIC 'T', 'D', 'F', '1'

enum {
	CHANNEL_RANDOM_LEN = 32,
	CHANNEL_HELLO_LEN = 4 + 3 * 8 + CHANNEL_RANDOM_LEN,
	CHANNEL_FRAME_HEAD = 4,
	CHANNEL_FRAME_MAX = CHANNEL_FRAME_HEAD + PARCEL_MAX + PEER_TAG_LEN,
};

struct channel_hello {
	uint64_t from, to; /* nodes */
	uint64_t incarnation;
	uint8_t random[CHANNEL_RANDOM_LEN];
};

struct channel_key {
	uint8_t key[PEER_KEY_LEN];
	uint64_t number; /* of the next frame */
};

void channel_hello_write(uint8_t out[CHANNEL_HELLO_LEN], const struct channel_hello *hello);
/* in: CHANNEL_HELLO_LEN octets. 0 or -EBADMSG. */
int channel_hello_read(struct channel_hello *hello, const uint8_t in[CHANNEL_HELLO_LEN]) NODISCARD;
/* Of the hello of who connected, and of the answer. */
void channel_key_derive(struct channel_key *k, const uint8_t cluster[PEER_KEY_LEN],
			const uint8_t asks[CHANNEL_HELLO_LEN],
			const uint8_t answers[CHANNEL_HELLO_LEN]);
/* text: PARCEL_MAX at most; out: CHANNEL_FRAME_MAX. 0 or -ENOMEM. */
int channel_seal(struct channel_key *k, struct bytes text, uint8_t *out, size_t *n) NODISCARD;
/* Length of the frame that begins there, with its head; 0: not known yet. -EBADMSG: malformed. */
int channel_frame(struct bytes in, size_t *n) NODISCARD;
/* frame: whole, of channel_frame; out: PARCEL_MAX. 0, -EBADMSG or -ENOMEM. */
int channel_unseal(struct channel_key *k, struct bytes frame, uint8_t *out, size_t *n) NODISCARD;

#endif
