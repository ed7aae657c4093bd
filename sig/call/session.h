/* SPDX-License-Identifier: Apache-2.0 */
/* SDP through a call: the offer carried over with our ports, the answer carried back, the engine told what was agreed. The shard's
 * thread. */
#ifndef SIG_CALL_SESSION_H
#define SIG_CALL_SESSION_H

#include "media/offer/offer.h"
#include "sig/call/flow_spec.h"
#include "sig/leg/flow.h"
#include "sig/model/event.h"

/* What the asked leg is offered: takes ports and opens flows for its new lines, writes open.local. 0 or -errno with *refusal. */
int session_offer(struct call_host *h, struct call *c, uint8_t to,
		  struct call_refusal *refusal) NODISCARD;
/* The same by what the party of a leg of another call said last, in both directions. */
int session_offer_of(struct call_host *h, struct call *c, uint8_t to, const struct leg *with,
		     struct call_refusal *refusal) NODISCARD;
/* What the leg was told last once more, with what is recorded by now. */
int session_offer_record(struct call_host *h, struct call *c, uint8_t to,
			 struct bytes said) NODISCARD;
/* The offer that came in the asked leg's 2xx; it goes to the asker. */
int session_late_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		       struct call_refusal *refusal) NODISCARD;
/* The same offer once more, now with SRTP keys, to a party that may have them and was not offered any. 0 or -errno: it may not, or was. */
int session_offer_keys(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* The same offer once more, now with codecs that the node speaks behind the asker's, which are transcoded then. 0, or -errno and nothing has
 * changed: that may not be, or was so already. */
int session_offer_codecs(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* Why that cannot be, in words; NULL: nothing is to be said of it. */
const char *session_lacks_codecs(const struct call_host *h, const struct call *c, uint8_t leg);
/* The answer to the INVITE to the asked leg, which takes its place in the bridge: of that leg, or of the asker where the leg made the offer. Writes
 * what the other one of the two hears, updates the flows. Once more with the same SDP and bridge changes nothing. */
int session_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		   struct call_refusal *refusal) NODISCARD;
/* An offer of the leg's party in UPDATE, while no INVITE is open: its answer is in sdp.local, the flows are updated. Or in PRACK or UPDATE, while
 * its own is, or ours to it, and both have an answer: it is in open.local. 0 or -errno with *refusal:
 * nothing has changed. */
int session_update(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		   struct call_refusal *refusal) NODISCARD;
/* ---- session.c: with a party alone; nobody else hears of it ---- */
/* Our answer to its offer, which is taken into *to. 0 or -errno with *refusal. */
int session_alone_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			 struct leg_sdp *to, struct call_refusal *refusal) NODISCARD;
/* Our offer, in open.local; or what we said last once more, in both directions; and its answer. */
int session_alone_offer(struct call_host *h, struct call *c, uint8_t leg,
			struct call_refusal *refusal) NODISCARD;
int session_alone_answered(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			   struct call_refusal *refusal) NODISCARD;
/* Whether what it agreed on with others will do. 0 or -errno with *refusal. */
int session_alone_check(const struct call_host *h, const struct call *c,
			struct call_refusal *refusal) NODISCARD;

/* Something else holds the port of a flow whose socket was not bound: another pair. 0 or -errno: somebody was told of this one, or
 * there is none. */
int session_replace(struct call_host *h, struct call *c, struct call_flow *f) NODISCARD;
/* The flows once more, by what is agreed and ordered. 0 or -errno: the texts do not agree. */
int session_apply(struct call_host *h, struct call *c) NODISCARD;
/* The same where limits, time-outs or what is heard have changed: what agreed once agrees again. Who agrees with nobody may hear the node. */
void session_refresh(struct call_host *h, struct call *c);
/* Two legs, each of which has agreed on something, can hear each other as they are, or by what is transcoded. */
bool session_fits(const struct leg *a, const struct leg *b);
/* ... as they are, and neither may send a codec of sound that the other one does not take. */
bool session_fits_whole(const struct leg *a, const struct leg *b);
/* After a restart: opens the flows as the texts say. 0 or -errno: the texts do not agree. */
int session_reopen(struct call_host *h, struct call *c) NODISCARD;

/* ---- session_talk.c: what is said, and nothing is changed ---- */
/* The SDP of a message, also as a part of its body; empty when there is none. 0, -ENOTSUP (415) or -EBADMSG (400). */
int session_body(const struct sip_message *m, struct bytes *sdp) NODISCARD;
/* What it was told last; empty: nothing yet, or other words than those of the session in force. */
struct bytes session_local_sdp(const struct call *c, uint8_t leg);
/* The same but for the o= line. */
bool session_is_same(struct bytes a, struct bytes b);
/* A line of sound with a port is in what the leg's party says. */
bool session_has_sound(const struct call *c, uint8_t leg, struct bytes sdp);
/* The first stream with a port of what the leg's party says goes both ways. */
bool session_is_two_way(const struct call *c, uint8_t leg, struct bytes sdp);
/* The same stream comes to it. */
bool session_is_receiving(const struct call *c, uint8_t leg, struct bytes sdp);
/* Whether the offer of the leg's party may stand: one that would hold the other is not for each extension (REG-05). Who holds by now may say
 * so again. False: *refusal. */
bool session_may_hold(const struct call_host *h, const struct call *c, uint8_t leg,
		      struct bytes offer, struct call_refusal *refusal);
/* By what we said last the party of the leg may send and receive. */
bool session_was_offered_all(const struct call *c, uint8_t leg);
/* The party of a said that it has more codecs of sound than that of b. */
bool session_is_wider(const struct leg *a, const struct leg *b);
/* By what was agreed the party of the leg takes nothing from the other one, of its own will. */
bool session_is_holding(const struct call *c, uint8_t leg);
/* "Warning: 399 ..." line for a refusal with a sentence. */
void session_write_warning(struct writer *w, const struct call_host *h, const char *text);
/* Header lines of what is refused: why in words, when it may be tried again (seconds; where the refusal has none of its own), what is taken. */
void session_write_refusal(struct writer *w, const struct call_host *h,
			   const struct call_refusal *why, uint32_t retry_after_s);
/* Refuses a request that is about the session: INVITE, UPDATE, PRACK. */
void session_refuse(struct call_host *h, const struct call_event *ev,
		    const struct call_refusal *why);

/* Whom the party is to speak with that takes the place of a leg of another call. NULL: nobody, or not any more. */
const struct leg *session_replaced_peer(const struct call_host *h, const struct call *c);

#endif
