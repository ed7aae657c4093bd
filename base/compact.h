/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value that is mostly zeros, as octets without them: for what is kept by the thousand and looked at seldom. Pairs of lengths, each
 * before the octets that it tells of:
 *
 *   | zeros: 1 octet | others: 1 octet | the others | ...      what is behind the last pair is zero
 *
 * Of this process alone: it is in no record.
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
