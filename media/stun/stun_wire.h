/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the reader and the writer of STUN only. */
#ifndef MEDIA_STUN_STUN_WIRE_H
#define MEDIA_STUN_STUN_WIRE_H

#include "base/bytes.h"
#include "base/table.h"

enum {
	STUN_COOKIE_AT = 4,
	STUN_TRANSACTION_AT = 8,
	STUN_ATTRIBUTE_HEAD = 4,
	STUN_FAMILY_V4 = 1,
	STUN_FAMILY_V6 = 2,
};

#define STUN_COOKIE         UINT32_C(0x2112a442)
#define STUN_CRC_POLYNOMIAL UINT32_C(0xedb88320) /* ITU V.42, the lowest bit first */
#define STUN_CRC_XOR        UINT32_C(0x5354554e)

/* Value of FINGERPRINT behind these octets; their length field counts it already. */
uint32_t stun_crc(struct bytes before);
/* Value of MESSAGE-INTEGRITY behind these octets, whatever their length field. */
void stun_digest(struct bytes before, struct bytes key, uint8_t out[HMAC_SHA1_LEN]);

#endif
