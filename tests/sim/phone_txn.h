/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of a phone (RFC 3261 17 with 6026), written apart from the node's: what one gets wrong the other shall not. */
#ifndef TESTS_SIM_PHONE_TXN_H
#define TESTS_SIM_PHONE_TXN_H

#include "base/bytes.h"
#include "sig/sip/message.h"

struct sim;
struct phone;
struct phone_call;

enum phone_txn_state {
	PT_CALLING, /* or Trying */
	PT_PROCEEDING,
	PT_COMPLETED,
	PT_CONFIRMED,
	PT_ACCEPTED,
};

struct phone_txn {
	struct phone *phone;
	struct phone_txn *next;
	uint64_t serial;
	uint32_t node, incarnation; /* with which it is, and its process then */
	bool server, dead;
	bool was_full;  /* refused for now */
	uint16_t shard; /* that accepted it */
	enum phone_txn_state state;
	enum sip_method method;
	char branch[96];
	struct phone_call *call; /* NULL: REGISTER, or nobody's */
	struct text request, response, ack;
	uint64_t interval_ns, give_up_ns, again_ns; /* 0: off */
	uint64_t wake;                              /* timers with another number are stale */
};

/* Starts a client transaction. */
struct phone_txn *phone_txn_ask(struct sim *s, struct phone *p, struct phone_call *c,
				enum sip_method method, const char *branch, struct bytes request);
/* A new request came. */
struct phone_txn *phone_txn_asked(struct sim *s, struct phone *p, const struct sip_message *m,
				  struct bytes datagram);
/* Of the server. */
void phone_txn_answer(struct sim *s, struct phone *p, struct phone_txn *t, uint16_t status,
		      struct bytes response);
struct phone_txn *phone_txn_client(struct phone *p, const struct sip_message *response);
struct phone_txn *phone_txn_server(struct phone *p, const struct sip_message *request,
				   enum sip_method method);
/* False: a repetition, dealt with. */
bool phone_txn_response(struct sim *s, struct phone *p, struct phone_txn *t,
			const struct sip_message *m);
void phone_txn_repeated(struct sim *s, struct phone *p, struct phone_txn *t);
void phone_txn_acked(struct sim *s, struct phone *p, struct phone_txn *t);
/* Over a new connection: what the old one may have lost. */
void phone_txns_again(struct sim *s, struct phone *p);
void phone_txns_close(struct phone *p);

#endif
