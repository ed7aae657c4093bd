/* SPDX-License-Identifier: Apache-2.0 */
/* Responses with the lines every one of ours has. */
#ifndef SIG_LEG_RESPOND_H
#define SIG_LEG_RESPOND_H

#include "sig/leg/leg.h"
#include "sig/model/event.h"

/* Outside of calls, and of a party with no other party. */
#define RESPOND_METHODS "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, REGISTER"
#define RESPOND_ALLOW   "Allow: " RESPOND_METHODS ", SUBSCRIBE, MESSAGE, PUBLISH\r\n"
/* For parties that may not send or receive messages. */
#define RESPOND_ALLOW_TRUNK "Allow: " RESPOND_METHODS ", SUBSCRIBE\r\n"
/* In a call. */
#define RESPOND_ALLOW_CALL "Allow: " RESPOND_METHODS ", MESSAGE\r\n"
#define RESPOND_ACCEPT     "Accept: application/sdp, multipart/mixed\r\n"

struct response {
	uint16_t status;
	const char *reason;          /* NULL: the standard phrase */
	const struct dialog *dialog; /* the dialog that gives the tag; NULL: tag */
	bool contact;                /* says where we are: answers to INVITE */
	bool brief;                  /* the source may be forged: optional lines are left out */
	bool record_route;           /* repeats Record-Route: it makes a dialog (RFC 3261 12.1.1) */
	struct bytes tag;
	struct bytes extra; /* whole lines */
	struct bytes content_type, body;
};
/* The text of a response. Returns 0, -ENOMEM, or -EMSGSIZE: it does not fit, or extra is not whole
 * lines. Nothing is ever cut. */
int response_make(struct call_host *h, const struct sip_message *request, const struct response *r,
		  struct text *out) NODISCARD;
/* The same to a request stored with its transaction. */
int response_make_later(struct call_host *h, const struct txn_slot *slot, const struct response *r,
			struct text *out) NODISCARD;
/* Makes and sends; the transaction may be gone afterwards. slot NULL (gone): nothing. request NULL:
 * the stored one. */
void respond(struct call_host *h, struct txn_slot *slot, const struct sip_message *request,
	     const struct response *r);
/* Counts the reason, and answers the request of the event. extra: whole lines. */
void respond_refuse(struct call_host *h, const struct call_event *ev, uint16_t status,
		    enum refusal reason, struct bytes extra);

/* 100 to the INVITE of a leg, once the call's record has it: the party stops retransmissions then,
 * so no other process would get it. */
void respond_trying(struct call_host *h, struct call *c, uint8_t leg, pool_handle txn);
/* What waited for a save: an item RESPONSE. */
void respond_later(struct call_host *h, const struct call *c, const struct outbox_item *item);

/* "Supported: 100rel, timer, ..."; without timer if it is off (RFC 4028), without 100rel if not for
 * this request. d: the receiver; NULL: any. */
void respond_write_supported(struct writer *w, const struct call_host *h, const struct dialog *d,
			     bool reliable);
/* Lines of the answer to OPTIONS. allow: one of the above. */
void respond_write_options(struct writer *w, const struct call_host *h, const char *allow);
/* Option tags in Require that we do not know, or not now: "Unsupported: a, b" line. False: none. */
bool respond_unsupported(struct writer *w, const struct call_host *h, const struct sip_message *m);

/* Our final refusal of the INVITE that began a leg, which ends its call. It is sent after its save,
 * and stays in the call's record until its ACK, so a successor repeats it and rings no phone anew.
 * refusal_send -> refusal_on_saved -> ACK, or 64*T1 (RFC 3261 17.2.1, timer H) -> refusal_clear */

/* Its party's INVITE is open. Without memory it is sent at once. */
void refusal_send(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f);
/* Behind the next save. */
void refusal_hold_for_save(struct call_host *h, struct call *c, uint8_t leg);
/* It is in the store. */
void refusal_on_saved(struct call_host *h, struct call *c, uint8_t leg);
/* An ACK came there. Returns false if there is no refusal, or it was not sent yet. */
bool refusal_acknowledged(struct leg *l);
/* The transaction of a former process. 0, -ENOSPC or -EBADMSG. */
int refusal_attach(struct call_host *h, struct call *c, uint8_t leg,
		   const struct sip_hop *source) NODISCARD;
void refusal_clear(struct leg *l);

#endif
