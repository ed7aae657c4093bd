/* SPDX-License-Identifier: Apache-2.0 */
/* What we ask of one party: INVITE, ACK, BYE, CANCEL. */
#ifndef SIG_LEG_LEG_H
#define SIG_LEG_LEG_H

#include "sig/model/call.h"

/* The phone's user: the leg is found by that user from now on. Returns 0 or -ENOMEM. */
int leg_set_user(struct call_host *h, struct leg *leg, uint16_t tenant,
		 struct bytes user) NODISCARD;
/* What it may be offered, for as long as it lives. 0 or -ENOMEM. */
/* The dialog that its INVITE is to begin, which goes by the party's routes. 0, -EINVAL, -ENOMEM. */
int leg_to_party(struct call_host *h, struct leg *leg, const struct id_tag *tag,
		 const struct dialog_party *party) NODISCARD;
int leg_set_terms(struct leg *leg, const struct offer_terms *terms) NODISCARD;
/* Writes into a zeroed struct; unset parts stay zero, as with NULL. leg->terms itself has no room
 * for absent codecs. */
void leg_terms(const struct leg *leg, struct offer_terms *out);
/* Our INVITE to it begins for `from`, without any response yet. Returns 0 or -ENOMEM. */
int leg_invite(struct leg *leg, uint8_t from) NODISCARD;
void leg_uac_clear(struct leg *leg);
/* Its party's INVITE has come. 0 or -ENOMEM. */
int leg_on_invite(struct leg *leg, const struct sip_message *m, pool_handle server) NODISCARD;
/* Its party says in the INVITE that came how long it waits for an answer (RFC 3261 13.3.1). */
void leg_expires(const struct call_host *h, struct leg *leg, const struct sip_message *invite);
void leg_uas_clear(struct leg *leg);
/* Withheld digits are dropped. */
void leg_code_digits_clear(struct leg *leg);
/* What its phone can do, from what it says of itself. */
void leg_learn(struct leg *leg, const struct sip_message *m);
/* It was asked, and may still answer. */
bool leg_is_open(const struct leg *leg);

/* A client transaction with its request, not started yet. Fills CSeq and branch of *r if not given.
 * Returns NULL if full. */
struct txn_slot *leg_request(struct call_host *h, struct dialog *d, struct dialog_request *r,
			     enum txn_user user);
/* Starts it now. False: full. */
bool leg_send(struct call_host *h, struct dialog *d, struct dialog_request *r, enum txn_user user);
/* The response is 401 or 407 to a request of ours other than INVITE: repeats it in the same
 * transaction with credentials. Returns false if the response stands. */
bool leg_challenged(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		    const struct sip_message *m) NODISCARD;
/* An ACK; answer: to an offer that its 2xx had. */
void leg_send_ack(struct call_host *h, const struct dialog *d, uint32_t cseq, uint64_t branch,
		  struct bytes answer);
/* ACK to the 2xx of our last INVITE there; the same one for each copy of the 2xx (RFC 3261
 * 13.2.2.4). */
void leg_ack(struct call_host *h, struct call *c, uint8_t leg);
/* ... to that of an older one, which comes again. */
void leg_ack_older(struct call_host *h, struct call *c, uint8_t leg, uint32_t cseq);
/* Drops those for which no 2xx will be repeated any more. */
void leg_acks_expire(struct leg *leg, uint64_t now_ns);
/* A 2xx to an INVITE of ours without a stored dialog: ACK goes to its source, and BYE unless sent
 * before. */
void leg_stray(struct call_host *h, const struct sip_message *m, bool first);
/* CANCEL of our INVITE, to which a provisional response has come. */
void leg_cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason);
/* Ends the leg as its state allows: by a final response, CANCEL, BYE, or one of these as soon as it
 * may be sent. */
struct leg_farewell {
	uint16_t status;     /* to an INVITE that is still open */
	const char *phrase;  /* of that response; NULL: the usual one */
	struct bytes extra;  /* lines for that response */
	struct bytes reason; /* Reason line (RFC 3326) for BYE and CANCEL */
};
void leg_leave(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f);
/* What leave promised: the ACK, or the first response to our INVITE, has come. */
void leg_leave_now(struct call_host *h, struct call *c, uint8_t leg);
/* The Reason for a phone that rang when another one answered (RFC 3326). */
#define LEG_COMPLETED "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"

/* Gone: nothing more is expected there. */
void leg_close(struct leg *leg);

/* A leg with its party at a host name (sig/dialog/dialog.h): held requests, and requests that fail
 * at one of its places. */

/* What a name leads to. False: no leg waits for that. */
bool leg_places_on_lookup(struct call_host *h, struct call *c, const struct lookup_reply *outcome);
/* The look-up for that leg timed out. */
void leg_places_overdue(struct call_host *h, struct call *c, uint8_t leg);
/* A request of ours to the leg, not started anew yet, failed, or got 503 (for_s: Retry-After): it
 * is sent to the next place. Returns false if it has failed. */
bool leg_forward(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		 uint32_t for_s) NODISCARD;

/* ---- a request for a party that may have to wait for an INVITE before it ---- */

/* A request of ours for the leg leaves, behind an INVITE that waits there. */
void relay_start(struct call_host *h, struct call *c, uint8_t to, pool_handle client);
/* One that had to wait leaves; or it is refused, the call being over. */
void relay_on_saved(struct call_host *h, pool_handle client);
void relay_drop(struct call_host *h, pool_handle client);

#endif
