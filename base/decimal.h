/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as the words of a command to Redis. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/bytes.h"

enum { DECIMAL_TEXT_MAX = 20 };

static inline struct bytes decimal_text(char out[DECIMAL_TEXT_MAX], uint64_t number)
{
	struct writer w = writer_over(out, DECIMAL_TEXT_MAX);

	writer_u64(&w, number);
	return writer_done(&w);
}

/* In octets that live as long as the block around it. */
#define DECIMAL_TEXT(number) decimal_text((char[DECIMAL_TEXT_MAX]){ 0 }, (number))

#endif
