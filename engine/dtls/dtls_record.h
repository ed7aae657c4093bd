/* SPDX-License-Identifier: Apache-2.0 */
/* What may be told of a datagram of DTLS 1.2 without a key (RFC 6347 4.1, 4.2.2), before OpenSSL sees it. */
#ifndef ENGINE_DTLS_DTLS_RECORD_H
#define ENGINE_DTLS_DTLS_RECORD_H

#include "base/bytes.h"

/* Octets of the first record; 0: none whole is there. */
size_t dtls_record_length(struct bytes in);
/* Whole records only, none of whose plain handshake messages claims to be longer. */
bool dtls_record_is_bounded(struct bytes datagram, uint32_t message_max);
/* How many of its records are encrypted; *plain: octets before the first of these. */
uint32_t dtls_record_sealed(struct bytes datagram, size_t *plain);
/* A ClientHello or a part of it. *mark: of this one (of its random); 0: the part does not say. */
bool dtls_record_is_hello(struct bytes datagram, uint64_t *mark);
/* Does it begin with a handshake message of before there were keys? */
bool dtls_record_is_handshake(struct bytes datagram);
/* Is any record of it of a handshake that has got keys? */
bool dtls_record_is_finished(struct bytes datagram);

#endif
