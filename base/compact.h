/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes a value that is mostly zeros in fewer octets, for values that are stored by the thousand
 * and seldom read. Pairs of lengths, each before the octets that it describes:
 *
 *   | zeros: 1 octet | others: 1 octet | the others | ...   zeros follow the last pair
 *
 * Only for this process: the format is not part of any record.
 */
#ifndef BASE_COMPACT_H
#define BASE_COMPACT_H

#include "base/bytes.h"

/* The most octets that a value of n takes. */
#define COMPACT_MAX(n) ((n) + 2 * ((n) / UINT8_MAX + 1))

void compact_write(struct writer *w, struct bytes value);
/* What was written of a value of n octets. */
void compact_read(void *value, size_t n, struct bytes in);

#endif
