/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of a shard: found by branch (RFC 3261 17.1.3, 17.2.3), driven by the shard's
 * wheel, bounded. A transaction outlives the call that made it, so calls hold handles. Messages
 * without a tag of ours (INVITE, CANCEL, ACK to a non-2xx) are found here only; after a restart the
 * table is filled again from the call records. */
#ifndef SIG_HOST_TXNS_H
#define SIG_HOST_TXNS_H

#include "base/pool.h"
#include "base/rand.h"
#include "base/table.h"
#include "base/wheel.h"
#include "sig/host/effect.h"
#include "sig/host/quota.h"
#include "sig/host/sig_metric.h"
#include "sig/sip/txn.h"

/* The receiver of a transaction's events. */
enum txn_user {
	TXN_USER_NONE, /* answered at once; no receiver */
	TXN_USER_REGISTER,
	TXN_USER_INVITE,
	TXN_USER_CANCEL,
	TXN_USER_BYE,
	TXN_USER_FORK,       /* BYE to a further fork of a leg */
	TXN_USER_RELAY,      /* INFO and its like, carried from leg to leg */
	TXN_USER_DIGIT,      /* INFO of our own */
	TXN_USER_REFRESH,    /* UPDATE of our own */
	TXN_USER_TALK,       /* NOTIFY that asks a phone to end its hold */
	TXN_USER_REFER,      /* NOTIFY of what became of its REFER */
	TXN_USER_FLOW_REFER, /* REFER of our own */
	TXN_USER_PRACK,
	TXN_USER_SUBSCRIPTION, /* NOTIFY of a subscription; call: its id */
	TXN_USER_SIPREC,       /* INVITE to a recorder (sig/pbx/recording/siprec.h) */
	TXN_USER_MESSAGE,      /* MESSAGE outside of dialogs; call: its id, of no call */
};

/* What a transaction is for: the later ones in this list have places that the former do not get. */
enum txn_use {
	TXN_NEW,      /* a new request: an INVITE that opens a call, and ours for its branches */
	TXN_REGISTER, /* phones stay reachable under a flood of calls */
	/* in a dialog of ours: a flood of new requests must not stop a BYE; emergency calls */
	TXN_INSIDE,
};

struct txn_slot {
	struct txn txn;
	pool_handle self;
	uint64_t hash;  /* of the branch */
	uint64_t merge; /* of Call-ID, From tag, CSeq (RFC 3261 8.2.2.2); 0: not stored */
	uint64_t call;  /* set by txns_belong; 0: none */
	uint64_t on;    /* connection it is listed under; 0: none */
	struct txn_slot *on_next, *on_prev;
	enum txn_user user;
	uint8_t leg;
	uint8_t client;
	uint8_t started;    /* client: its request left */
	uint8_t waiting;    /* client: no response came yet */
	uint8_t ack_due;    /* INVITE client: it was refused, and the ACK did not leave yet */
	uint8_t ack_held;   /* ... and its user says when it may */
	uint8_t challenged; /* client: challenge_tries of its request */
	uint8_t held, go;   /* client: its request does not leave yet, and would have */
	uint8_t places;     /* client: so many were left for a next one (sig/dialog/dialog.h) */
	uint8_t devices_claimed; /* server of a REGISTER: its new devices that have places */
	uint8_t forks;           /* server of a MESSAGE: phones that have not answered, and */
	uint16_t best;           /* ... of those that refused it the answer; 0: none did */
	uint16_t tenant;       /* server of a REGISTER: of which one its sender has proven to be, */
	uint16_t location;     /* ... and where it stands, and which device it is, as its */
	uint64_t device;       /* ... credentials say; 0: they do not */
	struct text request;   /* server, answer still open: the lines a response repeats */
	struct sip_hop source; /* where the request came from */
	pool_handle peer;      /* TXN_USER_RELAY: the transaction on the other leg */
	uint64_t limit_ns;     /* its user gave up: it is forgotten then; 0: off */
	uint64_t gone_ns;      /* client: its flow has failed, and it fails then; 0: off */
	struct quota_party payer; /* the payer of it as one of its transactions; zero: none */
	struct wheel_timer timer;
};

struct txns {
	struct pool pool;
	struct table by_branch, by_merge, by_call;
	struct table by_connection; /* the first one on each */
	struct hash_key key;
	struct wheel *wheel;
	struct effects *effects;
	const struct sig_metrics *metrics;
	uint32_t timer_kind;
	const struct quota_host *quota;
	uint32_t reserve; /* for each enum txn_use but the first */
	const char *why;  /* of the refusal that is sent next, a constant; NULL: not known */
	uint64_t sender;  /* the call of the present step; 0: none */
};

int txns_open(struct txns *t, uint32_t capacity, struct rand_source *rand) NODISCARD;
void txns_close(struct txns *t);

struct txn_slot *txns_get(const struct txns *t, pool_handle h);
/* method: that of the request wanted; CANCEL looks for SIP_INVITE. */
struct txn_slot *txns_find_server(const struct txns *t, const struct sip_message *request,
				  enum sip_method method);
struct txn_slot *txns_find_client(const struct txns *t, struct bytes branch,
				  enum sip_method method);
/* Another branch brought the same request already: the request was forked upstream (482). */
bool txns_is_merged(const struct txns *t, const struct sip_message *request);

/* There is a place for one more. */
bool txns_has_room(const struct txns *t, enum txn_use use);
/* NULL: full, or out of memory. */
struct txn_slot *txns_add_server(struct txns *t, const struct sip_message *request,
				 enum txn_use use, uint64_t now_ns);
struct txn_slot *txns_add_client(struct txns *t, enum sip_method method, const struct sip_hop *hop,
				 struct bytes branch, enum txn_use use, uint64_t now_ns);
/* The same client, not started yet, sends another request to `to`; its user waits on. Returns false
 * without memory: nothing has changed. */
bool txns_renew(struct txns *t, struct txn_slot *slot, const struct sip_hop *to,
		struct bytes branch, struct bytes request, uint64_t now_ns) NODISCARD;
/* Releases it: if it was started meanwhile, its request is sent. slot may be gone afterwards. */
void txns_release(struct txns *t, struct txn_slot *slot, uint64_t now_ns);
/* It is one of the party's (quota_acquire was called), until it ends. */
void txns_charge(struct txn_slot *slot, const struct quota_party *payer);
/* Its call, leg and user, set once. */
void txns_belong(struct txns *t, struct txn_slot *slot, uint64_t call, uint8_t leg,
		 enum txn_user user);
/* Stores what a later response repeats of the request (Via, From, To, Call-ID, CSeq,
 * Record-Route). */
int txns_keep_request(struct txn_slot *slot, const struct sip_message *request) NODISCARD;

/* Steps, sends, sets the timer, frees what has ended: slot may be gone afterwards. */
struct txn_out txns_step(struct txns *t, struct txn_slot *slot, enum txn_event event,
			 uint64_t now_ns);
/* Its user was told of the refusal: the ACK is sent, unless held. Stale handles are fine. */
void txns_refused(struct txns *t, pool_handle h);
/* By its user, while it is told of the refusal: delays the ACK until txns_ack_go. Over a connection
 * it left already. Stale handles are fine. */
void txns_ack_hold(struct txns *t, pool_handle h);
void txns_ack_go(struct txns *t, pool_handle h);
/* Server: sends a response; its text moves into the transaction. */
void txns_reply(struct txns *t, struct txn_slot *slot, uint16_t status, struct text *response,
		uint64_t now_ns);
/* Its end is not awaited any more: it lives for 64*T1 at most. Stale handles are fine. */
void txns_limit(struct txns *t, pool_handle h, uint64_t now_ns);
/* The reason for which a request is refused: it is counted, and known to its response. The first
 * reason counts: a renewed challenge says less than what was wrong with the credentials. */
void txns_refuse_for(struct txns *t, enum refusal reason);
/* Its flow has failed (RFC 5626): unless the party answers, or is reached elsewhere, by then, the
 * client fails as well. The first such time counts. */
void txns_gone(struct txns *t, struct txn_slot *slot, uint64_t until_ns);
/* Forgets it without a word. Stale handles are fine. */
void txns_drop(struct txns *t, pool_handle h);
void txns_drop_all(struct txns *t);

/* Clients that sent there without a response yet: start with *cursor = 0, NULL at the end. Walks
 * all transactions. */
struct txn_slot *txns_next_waiting(const struct txns *t, const struct sip_hop *hop,
				   uint32_t *cursor);
/* A client that waits for its first response on a closed connection, to a listening party: it is
 * detached from it. NULL: no more. */
struct txn_slot *txns_detach_from(struct txns *t, uint64_t connection);
/* The leg is gone, and its number may be reused. Its clients go on until they end, without user. */
void txns_leg_gone(struct txns *t, uint64_t call, uint8_t leg);
/* The party of a call's leg has moved from hop `from` to `to`: requests without a response, and
 * responses without ACK, are repeated there. */
void txns_hop_moved(struct txns *t, uint64_t call, uint8_t leg, const struct sip_hop *from,
		    const struct sip_hop *to, uint64_t now_ns);
/* Some messages never left: requests without a response, and responses without ACK, are repeated if
 * no timer does so. */
void txns_say_again(struct txns *t);
/* ---- txns.c, for txns.c ---- */

/* ---- txns.c ---- */
/* A datagram, copied. */
void txns_send(struct txns *t, const struct sip_hop *hop, struct bytes datagram);

#endif
