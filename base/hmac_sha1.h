/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA1 (RFC 2104) of octets that lie in several places. Nothing is allocated. */
#ifndef BASE_HMAC_SHA1_H
#define BASE_HMAC_SHA1_H

#include "base/bytes.h"

enum { HMAC_SHA1_LEN = 20 };

void hmac_sha1_of(struct bytes key, const struct bytes *parts, size_t count,
		  uint8_t out[HMAC_SHA1_LEN]);

#endif
