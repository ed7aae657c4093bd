/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DTLS-SRTP association (RFC 5763, 5764) as a value: datagrams in, datagrams out, keys at the
 * end. DTLS 1.2 only: SRTP follows the handshake. The certificate's fingerprint identifies the
 * party; names, chains and dates do not count. One thread each. Sends nothing by itself: the caller
 * takes datagrams after each call, and calls again at dtls_next_ns.
 *
 * OpenSSL asks the kernel for the time of its retransmissions; only the deadline uses the given
 * time.
 */
#ifndef ENGINE_DTLS_DTLS_H
#define ENGINE_DTLS_DTLS_H

#include "base/bytes.h"
#include "media/flow.h"

struct certificate;
struct dtls_context; /* what all associations of a process share */
struct ssl_st;
struct bio_st;

enum {
	DTLS_DATAGRAM_MAX = 1500, /* longer ones are no handshake */
	DTLS_MTU = 1200,          /* of ours; RFC 8445 and QUIC count on so much everywhere */
	DTLS_MESSAGE_MAX = 8192,  /* longest handshake message taken, before it was put together */
	DTLS_OCTETS_MAX = 65536,  /* of the party, in one handshake with all that comes twice */
	/* encrypted records of the party: OpenSSL keeps one that is early in a buffer of 16 KB */
	DTLS_SEALED_MAX = 12,
};

#define DTLS_DEADLINE_NS UINT64_C(30000000000)
#define DTLS_HOLD_NS     UINT64_C(6000000000) /* longer than control waits for any store */

enum dtls_outcome {
	DTLS_RUNNING,
	DTLS_DONE,   /* with keys */
	DTLS_BROKEN, /* `failure` has the reason */
};

enum dtls_failure {
	DTLS_FAILURE_NONE,
	DTLS_FAILURE_CERTIFICATE, /* not of the fingerprint */
	DTLS_FAILURE_PROFILE,     /* no common SRTP protection profile, or no use_srtp */
	DTLS_FAILURE_ALERT,       /* of the party */
	DTLS_FAILURE_PROTOCOL,
	DTLS_FAILURE_DEADLINE,
	DTLS_FAILURE_MEMORY,
	DTLS_FAILURES,
};

/* Does not move while it is open. */
struct dtls {
	struct ssl_st *ssl; /* NULL once the outcome is known */
	struct bio_st *in, *out;
	struct media_fingerprint peer;
	/* DTLS_DONE; as client with `holds`, from the waiting flight on. */
	struct media_key key_in, key_out;
	uint64_t deadline_ns;
	uint64_t held_until_ns; /* 0: nothing waits for dtls_release */
	uint32_t octets;        /* of the party */
	uint32_t sealed;        /* records of it */
	uint8_t role;           /* enum media_dtls_role */
	uint8_t outcome, failure;
	uint8_t certificate_good, certificate_bad;
	/* Set after dtls_open: the flight with which the party can finish waits for
	 * dtls_release. */
	uint8_t holds;
	uint16_t last_at, last_n;
	/* The last datagrams: an alert, or the flight with which the party can finish. */
	uint8_t last[MEDIA_FLIGHT_MAX];
};

/* 0 or -ENOMEM. The certificate may go afterwards. */
int dtls_context_open(struct dtls_context **out, const struct certificate *c) NODISCARD;
void dtls_context_close(struct dtls_context *x); /* NULL is fine */

/* role: not DTLS_NONE. A client has its first flight to send. 0 or -ENOMEM. */
int dtls_open(struct dtls *d, struct dtls_context *x, enum media_dtls_role role,
	      const struct media_fingerprint *peer, uint64_t now_ns) NODISCARD;
/* Instead of dtls_open: completed in a process before this, its flight possibly lost. Sends it. */
void dtls_resume(struct dtls *d, enum media_dtls_role role, struct bytes flight);
/* What waits may be sent. */
void dtls_release(struct dtls *d);
/* Wipes the keys. */
void dtls_close(struct dtls *d);
/* One datagram of the party. After the end, its repeated flight makes us repeat our last one. */
enum dtls_outcome dtls_receive(struct dtls *d, struct bytes datagram, uint64_t now_ns);
/* Retransmits; fails at the deadline. A waiting flight waits no longer than DTLS_HOLD_NS. */
enum dtls_outcome dtls_expire(struct dtls *d, uint64_t now_ns);
/* When dtls_expire is due; UINT64_MAX: never. */
uint64_t dtls_next_ns(const struct dtls *d, uint64_t now_ns);
/* The next datagram to send; 0: nothing to send. */
uint16_t dtls_output(struct dtls *d, uint8_t out[DTLS_MTU]);

const char *dtls_failure_name(enum dtls_failure f);

/* What all associations of a process have in common. */

struct ssl_ctx_st; /* OpenSSL's SSL_CTX; an SSL of it has its struct dtls as app data */

struct dtls_context {
	struct ssl_ctx_st *ssl;
};

/* What a DTLS 1.2 datagram shows without a key (RFC 6347 4.1, 4.2.2), before OpenSSL sees it. */

/* Only whole records, and no plain handshake message that claims to be longer than that. */
bool dtls_record_is_bounded(struct bytes datagram, uint32_t message_max);
/* A ClientHello or a part of it. *mark: from its random; 0: not in this part. */
bool dtls_record_is_hello(struct bytes datagram, uint64_t *mark);
/* Whether it has an encrypted handshake record. */
bool dtls_record_is_finished(struct bytes datagram);

#endif
