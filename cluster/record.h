/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of a record in Redis. Who reads one knows that it is whole and which version it is without looking inside;
 * scripts compare the version where it lies. All numbers in network order.
 *
 *    0       3        4       6          8               16       20       24
 *   +-------+--------+-------+----------+----------------+--------+--------+- - - - -
 *   | "TDR" | format | flags | reserved | version        | length | CRC32C | payload
 *   +-------+--------+-------+----------+----------------+--------+--------+- - - - -
 *
 * The CRC is over the bytes before it and the payload.
 */
#ifndef CLUSTER_RECORD_H
#define CLUSTER_RECORD_H

#include "base/bytes.h"

enum {
	RECORD_HEAD = 24,
	RECORD_FORMAT = 1,
	RECORD_PAYLOAD_MAX = 1 << 22,
};

struct record {
	uint64_t version;
	uint16_t flags; /* none is defined yet: 0 */
	struct bytes payload;
};

/* Appends head and payload; w overflows when they do not fit. The payload has at most RECORD_PAYLOAD_MAX bytes. */
void record_seal(struct writer *w, const struct record *r);
/* One that is whole, empty, and of a later format than any: who finds it refuses it by that name. */
void record_seal_later(struct writer *w);
/* The same in memory of its own, for the caller to free; *out is all of it. NULL: the payload is too long, or there is no memory. */
uint8_t *record_seal_new(const struct record *r, struct bytes *out) NODISCARD;
/* payload points into in. 0; -EBADMSG, or -EPROTONOSUPPORT for a record of a later program, and a constant sentence in *reason (out is
 * then untouched). */
int record_open(struct record *out, struct bytes in, const char **reason) NODISCARD;

#endif
