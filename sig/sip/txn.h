/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of RFC 3261 17 with RFC 6026 as step functions on plain values: state and event
 * in, actions out. No socket, clock or callback, so a transaction can be written into a record and
 * continued elsewhere. */
#ifndef SIG_SIP_TXN_H
#define SIG_SIP_TXN_H

#include "base/bytes.h"
#include "base/clock.h"
#include "sig/sip/message.h"

enum { /* RFC 3261 17.1.1.1, ms */
       TXN_T1_MS = 500,
       TXN_T2_MS = 4000,
       TXN_T4_MS = 5000,
       TXN_TIMEOUT_MS = 64 * TXN_T1_MS, /* timers B, F, H, J, L, M */
};

enum txn_kind {
	TXN_INVITE_CLIENT,
	TXN_CLIENT,
	TXN_INVITE_SERVER,
	TXN_SERVER,
};

enum txn_state {
	TXN_CALLING, /* INVITE client */
	TXN_TRYING,  /* non-INVITE */
	TXN_PROCEEDING,
	TXN_COMPLETED,
	TXN_CONFIRMED,  /* INVITE server after ACK to non-2xx */
	TXN_ACCEPTED,   /* RFC 6026 */
	TXN_TERMINATED, /* to be freed */
};

/* The value. Texts are owned: txn_clear frees them. */
struct txn {
	enum txn_kind kind;
	enum txn_state state;
	bool reliable; /* transport does not need retransmission */
	enum sip_method method;
	struct sip_hop hop; /* where message goes */
	/* client: the request; server: the last response; retransmitted as it is */
	struct text message;
	/* INVITE client in COMPLETED: the ACK, sent again with each final response */
	struct text ack;
	uint32_t interval_ms;   /* of the running retransmission */
	uint64_t retransmit_ns; /* UINT64_MAX: not running */
	uint64_t timeout_ns;    /* UINT64_MAX: not running */
};

enum txn_event {
	TXN_EV_START,   /* client: message is set, send it */
	TXN_EV_REQUEST, /* server: a retransmission of the request came */
	TXN_EV_ACK,     /* INVITE server: ACK came */
	/* server: message was replaced by a provisional response of the user */
	TXN_EV_REPLY_PROVISIONAL,
	TXN_EV_REPLY_SUCCESS, /* server: by a 2xx */
	TXN_EV_REPLY_FAILURE, /* server: by a 3xx-6xx */
	TXN_EV_PROVISIONAL,   /* client: a 1xx came */
	TXN_EV_SUCCESS,       /* client: a 2xx came */
	TXN_EV_FAILURE, /* client: a 3xx-6xx came; INVITE: the caller set ack before the step */
	TXN_EV_TIMER,   /* now >= txn_next_ns */
	TXN_EV_TRANSPORT_ERROR,
};

/* What the owner shall do, in this order. */
struct txn_out {
	bool send_message; /* send t->message to t->hop */
	bool send_ack;     /* send t->ack to t->hop */
	bool deliver;      /* hand the event to the transaction user */
	bool timed_out;    /* tell the user: no final response (client), no ACK (INVITE server) */
};

void txn_init(struct txn *t, enum txn_kind kind, enum sip_method method, const struct sip_hop *hop,
	      uint64_t now_ns);
void txn_clear(struct txn *t);
/* It began over a connection, and continues over a transport with loss: from now on it is
 * retransmitted. */
void txn_may_be_lost(struct txn *t, uint64_t now_ns);
void txn_step(struct txn *t, enum txn_event event, uint64_t now_ns, struct txn_out *out);
/* Earliest of its timers, UINT64_MAX: none. */
uint64_t txn_next_ns(const struct txn *t);

/* Hash of RFC 3261 17.2.3 for requests: branch, sent-by, method (ACK counts as INVITE; for RFC 2543
 * peers without the magic cookie: Call-ID, From tag, CSeq number, top Via), and of 17.1.3 for
 * responses: branch, CSeq method. */
struct hash_key;
uint64_t txn_server_hash(const struct hash_key *key, const struct sip_message *request,
			 enum sip_method method);
uint64_t txn_client_hash(const struct hash_key *key, struct bytes branch, enum sip_method method);

#endif
