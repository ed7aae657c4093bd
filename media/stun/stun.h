/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 16.1). Pure; nothing is allocated.
 * Slices lie within the message that was read.
 */
#ifndef MEDIA_STUN_STUN_H
#define MEDIA_STUN_STUN_H

#include "base/addr.h"

enum {
	STUN_HEAD_LEN = 20,
	STUN_TRANSACTION_LEN = 12,
	STUN_UNKNOWN_MAX = 8, /* types that an answer names */
	STUN_USERNAME_MAX = 513,
};

enum stun_type { /* class and method, RFC 8489 5 */
		 STUN_BINDING_REQUEST = 0x0001,
		 STUN_BINDING_INDICATION = 0x0011,
		 STUN_BINDING_SUCCESS = 0x0101,
		 STUN_BINDING_ERROR = 0x0111,
};

enum stun_attribute {
	STUN_USERNAME = 0x0006,
	STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_UNKNOWN_ATTRIBUTES = 0x000a,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_PRIORITY = 0x0024,
	STUN_USE_CANDIDATE = 0x0025,
	STUN_OPTIONAL_FROM = 0x8000, /* from here on they need not be understood */
	STUN_FINGERPRINT = 0x8028,
	STUN_ICE_CONTROLLED = 0x8029,
	STUN_ICE_CONTROLLING = 0x802a,
};

/* Comprehension-required attributes that are unknown; those beyond the room are not listed. */
struct stun_unknown {
	uint16_t types[STUN_UNKNOWN_MAX];
	uint8_t count;
};

/* Attributes behind MESSAGE-INTEGRITY are not read, except FINGERPRINT (RFC 8489 14.5); of repeated
 * ones the first counts. */
struct stun_message {
	uint16_t type; /* enum stun_type, or another */
	struct bytes whole;
	struct bytes transaction; /* STUN_TRANSACTION_LEN octets */
	struct bytes username;    /* p NULL: absent */
	struct bytes integrity;   /* HMAC_SHA1_LEN octets; p NULL: absent */
	struct addr mapped;       /* XOR-MAPPED-ADDRESS; ADDR_NONE: absent */
	uint64_t tie_breaker;     /* of CONTROLLING or CONTROLLED */
	uint32_t priority;
	uint16_t error; /* 300..699; 0: absent */
	uint8_t has_priority, use_candidate, controlling, controlled;
	uint8_t has_fingerprint; /* it was right, then */
	struct stun_unknown unknown;
};

/* Of nothing else on the port: two zero bits in front, and the cookie. */
bool stun_is(struct bytes datagram);
/* 0 or -EBADMSG: no whole STUN message, an attribute of a wrong length, a wrong FINGERPRINT. */
int stun_parse(struct stun_message *out, struct bytes datagram) NODISCARD;
/* The first USERNAME of what stun_parse would accept, without other checks; empty if absent. */
struct bytes stun_username(struct bytes datagram);
/* Checks MESSAGE-INTEGRITY with this key, in constant time; false if it is absent. */
bool stun_is_authentic(const struct stun_message *m, struct bytes key);

/* A message at the beginning of w. transaction: STUN_TRANSACTION_LEN octets. */
void stun_start(struct writer *w, enum stun_type type, struct bytes transaction);
/* Attributes, in any order; each keeps the length of the message right. */
void stun_put_mapped(struct writer *w, const struct addr *a);
void stun_put_error(struct writer *w, uint16_t code); /* without words */
void stun_put_unknown(struct writer *w, const struct stun_unknown *u);
/* Over all that is there; at the end but for FINGERPRINT, which is the last. */
void stun_put_integrity(struct writer *w, struct bytes key);
void stun_put_fingerprint(struct writer *w);

#endif
