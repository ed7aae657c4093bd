/* SPDX-License-Identifier: Apache-2.0 */
/* A WebRTC party of the load: ICE checks and DTLS-SRTP on the socket that its packets use. */
#ifndef BENCH_LOAD_WEBRTC_H
#define BENCH_LOAD_WEBRTC_H

#include "base/addr.h"

struct load_webrtc;
struct load_srtp;

/* Who all parties are; a PEM file, see engine/dtls/certificate.h. False: it cannot be used. */
bool load_webrtc_identity(const char *path, uint64_t utc_ms);
/* ice: "-" (DTLS-SRTP alone) or "lite,UFRAG,PWD,UFRAG,PWD" or "full,...": what the server is; our credentials, then its own. dtls:
 * "client" or "server", a comma, and the server's fingerprint in hex (SHA-256). Nothing is sent before begin_ns. NULL: no such party. */
struct load_webrtc *load_webrtc_open(const char *ice, const char *dtls, int fd,
				     const struct addr *server, uint64_t begin_ns);
/* Is it of ICE or DTLS? Then it is done with. */
bool load_webrtc_receive(struct load_webrtc *w, const uint8_t *p, size_t n, uint64_t now_ns);
/* What is due by time: checks, retransmissions. */
void load_webrtc_tick(struct load_webrtc *w, uint64_t now_ns);
/* NULL: there are no keys yet, or the server may not have them yet. */
struct load_srtp *load_webrtc_srtp(struct load_webrtc *w, uint64_t now_ns);

#endif
