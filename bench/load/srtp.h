/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP of one party of the load: what it sends and what it hears, with SDES keys. */
#ifndef BENCH_LOAD_SRTP_H
#define BENCH_LOAD_SRTP_H

#include "base/bytes.h"
#include "media/flow.h"

enum { LOAD_SRTP_TRAILER = 16 };

struct load_srtp;

/* Keys: master key and salt as 60 hex digits, of AES_CM_128_HMAC_SHA1_80; with "/32" after them of AES_CM_128_HMAC_SHA1_32. by_libsrtp: libsrtp2 does it, which costs several times as much, in place of
 * our own. NULL: no such keys. */
struct load_srtp *load_srtp_open(const char *send_key, const char *hear_key, bool by_libsrtp);
/* The same with the keys of a handshake. */
struct load_srtp *load_srtp_open_keys(const struct media_key *send, const struct media_key *hear);
/* p[0..n) becomes SRTP, LOAD_SRTP_TRAILER octets longer at most. Returns its length; 0: failed. */
size_t load_srtp_protect(struct load_srtp *s, uint8_t *p, size_t n);
/* Returns the length of the plain packet; 0: it does not authenticate, or is a replay. */
size_t load_srtp_unprotect(struct load_srtp *s, uint8_t *p, size_t n);
/* The same of an SRTCP packet; not by libsrtp2. */
size_t load_srtcp_unprotect(struct load_srtp *s, uint8_t *p, size_t n);

#endif
