/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread of the process that does DTLS handshakes, for all workers: a signature costs as
 * much as a thousand packets, and a flood of handshakes must delay neither packets nor SIP. Each
 * worker has a link: a ring of requests to the thread, a ring of results back. The worker decides
 * which handshakes start and which datagrams are worth a look (dtls_flow.h); here everything is
 * bounded, and nothing is decided. A full ring loses datagrams, as a network does.
 *
 * An association is named by the handle of the worker's object for it: its index, and a generation
 * that identifies late requests and results.
 */
#ifndef ENGINE_DTLS_CRYPTO_H
#define ENGINE_DTLS_CRYPTO_H

#include "base/metric.h"
#include "base/ring.h"
#include "engine/dtls/dtls.h"

struct certificate;
struct crypto;

enum {
	CRYPTO_REQUESTS = 512,
	CRYPTO_RESULTS = 512,
	CRYPTO_ASSOCIATIONS = 8192, /* over all workers; most of them were done a moment ago */
	/* of these that are under way: some 64 KB each, at worst 384 (5) */
	CRYPTO_HANDSHAKES = 512,
	CRYPTO_HANDSHAKES_S = 500, /* begun in a second: a quarter of a core */
};

/* A party that missed our last flight asks for so long; then the association is forgotten. */
#define CRYPTO_LINGER_NS UINT64_C(10000000000)

enum crypto_request_kind {
	/* role, peer, call, quiet; and the first datagram, if any. Replaces one of the same
	 * index. */
	CRYPTO_START,
	CRYPTO_DATAGRAM,
	/* The waiting flight may be sent. For an unknown association: role, and as datagram the
	 * flight of one that a process before this had completed (dtls_resume). */
	CRYPTO_FLIGHT,
	CRYPTO_PEER, /* peer: the party's fingerprint, known meanwhile */
	CRYPTO_END,  /* forget it; may be lost: the thread forgets by itself, later */
};

struct crypto_request {
	uint64_t association;
	uint64_t call; /* for the log */
	uint8_t kind, role;
	uint8_t quiet; /* 1: a failure of this flow was in the log already */
	struct media_fingerprint peer;
	uint16_t length;
	uint8_t datagram[DTLS_DATAGRAM_MAX];
};

enum crypto_result_kind {
	CRYPTO_SEND, /* datagram */
	/* As client: keys; datagram: the waiting flight, if it fits. Server's Finished missing. */
	CRYPTO_MADE,
	CRYPTO_KEYED,  /* keys; as server the same datagram */
	CRYPTO_FAILED, /* failure; the association is gone */
};

struct crypto_result {
	uint64_t association;
	uint8_t kind, failure;
	struct media_key key_in, key_out;
	uint16_t length;
	uint8_t datagram[DTLS_MTU];
};

struct crypto_link {
	struct ring requests; /* the worker produces */
	struct ring results;  /* the thread produces */
};

/* Without the thread, for tests that call crypto_step. Main thread, before others. 0 or -errno. */
int crypto_open(struct crypto **out, const struct certificate *c, uint32_t workers) NODISCARD;
int crypto_start(struct crypto *x) NODISCARD;
/* Ends the thread, once no worker uses its link any more. NULL is fine. */
void crypto_close(struct crypto *x);
/* wake_fd: an eventfd of the worker, written to when results come while it sleeps; -1: not used.
 * Returns NULL if no descriptor is left. */
struct crypto_link *crypto_link_of(struct crypto *x, uint32_t worker, int wake_fd);
/* Indexes that a worker may use: below this. */
uint32_t crypto_associations_of(const struct crypto *x);
/* What waits, and what is due. False: nothing was. */
bool crypto_step(struct crypto *x, uint64_t now_ns);
/* Handshakes under way. */
uint32_t crypto_running(const struct crypto *x);

/* What an operator sees of handshakes. Registered by the main thread before others start. */

/* Why a datagram of a handshake was dropped. */
enum dtls_refusal {
	/* Of no running handshake, and starts none: after the keys, or in our role. */
	DTLS_REFUSED_UNEXPECTED,
	DTLS_REFUSED_FLOW_RATE, /* the flow has had its share for now */
	DTLS_REFUSED_RATE,      /* handshakes begun in a second */
	DTLS_REFUSED_CAPACITY,  /* handshakes under way */
	DTLS_REFUSED_RING,      /* the thread does not keep up */
	DTLS_REFUSED_LENGTH,
	DTLS_REFUSALS,
};

struct crypto_metrics {
	metric_id begun, keyed;
	metric_id failed[DTLS_FAILURES]; /* but DTLS_FAILURE_NONE */
	metric_id refused[DTLS_REFUSALS];
	metric_id running, lost, unsaved, cpu_us;
};

void crypto_metrics_register(struct crypto_metrics *m);

#endif
