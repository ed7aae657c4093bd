/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nonces that nobody has to remember: hex of time (64 bits, UTC ms), random (64 bits) and the cut HMAC of both with the realm and the
 * source under the cluster key; private to digest*.c. The source is an IPv4 address or an IPv6 /64, without the port: a NAT may change
 * it, and a phone opens another connection.
 */
#ifndef SIG_SIP_DIGEST_NONCE_H
#define SIG_SIP_DIGEST_NONCE_H

#include "sig/sip/digest.h"

enum { DIGEST_MAC_LEN = 16, DIGEST_NONCE_LEN = 2 * (8 + 8 + DIGEST_MAC_LEN) };

enum digest_nonce { DIGEST_NONCE_FRESH, DIGEST_NONCE_OLD, DIGEST_NONCE_FOREIGN };

void digest_nonce_put(char out[DIGEST_NONCE_LEN], const struct digest_server *s,
		      const struct addr *source, uint64_t utc_ms, uint64_t random);
/* Of a->c.nonce. Unless it is foreign its name and time are filled in. */
enum digest_nonce digest_nonce_check(struct digest_answer *a, const struct digest_server *s,
				     const struct addr *source, uint64_t utc_ms);

#endif
