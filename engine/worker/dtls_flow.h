/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS-SRTP on the worker's side: which datagrams of a flow are worth the crypto thread's time, and
 * what its results change. All decisions about handshakes are made here.
 *
 * With ICE a source was authenticated before its datagrams come here, and there is one candidate,
 * whatever address it uses. Without ICE any source that the latch mode would allow may try: a
 * candidate for each, and one place that only the signalled or latched address can take. The first
 * with the right certificate wins. So a stranger can neither end nor occupy the party's handshake,
 * and costs a bounded share of the thread's time.
 */
#ifndef ENGINE_WORKER_DTLS_FLOW_H
#define ENGINE_WORKER_DTLS_FLOW_H

#include "base/pool.h"
#include "engine/dtls/crypto.h"
#include "engine/net/packet.h"
#include "media/flow.h"

struct worker;
struct flow;
struct crypto;
struct crypto_link;

enum {
	DTLS_CANDIDATES = 4, /* of a flow; the first is the place of the party's own address */
	/* Handshakes of a flow, for its own address and for all others: at once, */
	DTLS_START_BURST = 6,
	DTLS_START_EACH_S = 1,    /* and then one in this time */
	DTLS_DATAGRAM_BURST = 64, /* datagrams of a candidate: at once, */
	DTLS_DATAGRAMS_S = 32,    /* and then so many in a second */
};

/* Of a flow. */
struct dtls_flow {
	uint8_t role; /* enum media_dtls_role */
	uint8_t association;
	uint8_t ice;   /* 1: sources are authentic */
	uint8_t state; /* enum media_dtls_state: of this association */
	/* 1: keys came by a handshake, or a spec with a role: of this association or an earlier
	 * one. */
	uint8_t keyed;
	uint8_t keyed_due; /* 1: MEDIA_FLOW_KEYED did not fit into the ring yet */
	uint8_t failed;    /* 1: it is in the log that handshakes fail */
	uint8_t failure;   /* enum dtls_failure of the last handshake; 0: none failed */
	uint8_t keyed_association;
	struct media_fingerprint peer;
	uint32_t bundled_first; /* slot + 1 of the first flow that shares our transport; 0: none */
	uint32_t bundled_next;  /* of the next one, in a flow that shares another's */
	struct flow_id owner;   /* of the shared transport; generation 0: own transport */
	/* Budgets of the party's own address, and of all others (budget_consume). */
	uint64_t start_due_ns[2];
	uint64_t retry_ns; /* as client: not before */
	uint64_t retry_wait_ns;
	uint64_t srtp_next; /* where keys that are new begin: of the spec's resume */
	uint32_t srtcp_next;
	pool_handle candidates[DTLS_CANDIDATES]; /* struct dtls_candidate; 0: free */
	struct media_key key_in, key_out;        /* keyed */
};

/* Of a worker. */
struct dtls_worker {
	struct crypto_link *link; /* NULL: no certificate, no handshakes */
	struct crypto_metrics metrics;
	struct pool candidates;
	uint32_t running, running_max;
	uint32_t strange; /* of those under way: not of a party's own address */
	uint64_t start_due_ns, start_every_ns;
	/* Flows that have yet to begin as clients, and keyed events not sent yet. */
	uint32_t due;
};

/* x outlives the worker; NULL: handshakes are refused. share: this worker is one of so many. Before
 * its thread runs. */
int dtls_worker_open(struct worker *w, struct crypto *x, uint32_t index, uint32_t share) NODISCARD;
void dtls_worker_close(struct worker *w);

/* After srtp_flow_open, which used the spec's keys. Returns 0, or the error of srtp_flow_keys: then
 * call dtls_flow_close. */
int dtls_flow_open(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* After srtp_flow_update. Returns 0, or the error of srtp_flow_keys. */
int dtls_flow_update(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
void dtls_flow_close(struct worker *w, struct flow *f);
/* MEDIA_FLOW_FLIGHT. Of an association that is not the flow's any more nothing happens. */
void dtls_flow_flight(struct worker *w, struct flow *f, uint8_t association,
		      const struct media_flight *flight);
/* There is a pair to send to, or another one: a client may begin. */
void dtls_flow_pair(struct worker *w, struct flow *f);

/* Takes the datagrams of handshakes, which end here: verdicts dtls, dtls_refused. */
void dtls_stage(struct worker *w, struct batch *b);
/* Results of the crypto thread. Between two batches. */
void dtls_results(struct worker *w);
/* What is due by time: clients that begin, candidates that are forgotten. */
void dtls_tick(struct worker *w, uint64_t now_ns);
/* False: results wait. After sleeping: dtls_awake. */
bool dtls_sleep(struct worker *w);
void dtls_awake(struct worker *w);

/* What the crypto thread answers: datagrams leave, keys are the flow's. */

#endif
