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

/*
 * The fields of a CDR as bytes: name and value, each behind its length (32 bits, network order). As one value it can wait in a
 * list or a file and be sent field by field later. Of a call with several they stand one behind the other: a field CDR_ID begins
 * each but the first, whose id is the call's.
 */

enum { CDR_FIELDS_MAX = 100 };
/* CDRs in the stream, or so. */
#define CDR_STREAM_KEPT "1000000"

#define CDR_ID "id"
/* JSON: what the doctor found when the call ended. */
#define CDR_FINDINGS "findings"
/* No part of any: what the end adds to the day's sums of the shard, "DAY NAME MS NAME MS ...". */
#define CDR_TOLL "toll"

struct cdr_field {
	struct bytes name, value;
};

void cdr_field_write(struct writer *w, const struct cdr_field *field);
size_t cdr_field_size(const struct cdr_field *field);
/* Cuts the next field off *rest: 1, 0 at the end, or -EBADMSG. */
int cdr_field_next(struct bytes *rest, struct cdr_field *out) NODISCARD;
/* Cuts the next CDR off *rest, and says how many fields it has; nothing is left of what is malformed. False: no more. */
bool cdr_next(struct bytes *rest, struct bytes *out, size_t *fields);
/* The day of CDR_TOLL; empty: there is none. */
struct bytes cdr_toll_day(struct bytes fields);
/* 1 at least. */
uint32_t cdr_count(struct bytes fields);

#endif
