/* SPDX-License-Identifier: Apache-2.0 */
/* SDP through a call: the offer goes to the other leg with our ports, the answer goes back, and the
 * engine gets what was agreed. The shard's thread. */
#ifndef SIG_CALL_SESSION_H
#define SIG_CALL_SESSION_H

#include "sig/call/flow_spec.h"
#include "sig/leg/flow.h"
#include "sig/model/event.h"

/* Writes the offer to the callee leg into open.local; opens ports and flows for its new lines. */
enum refusal session_offer(struct call_host *h, struct call *c, uint8_t to,
			   struct call_refusal *refusal) NODISCARD;
/* The same by the last remote SDP of a leg of another call, in both directions. */
enum refusal session_offer_of(struct call_host *h, struct call *c, uint8_t to,
			      const struct leg *with, struct call_refusal *refusal) NODISCARD;
/* Our last SDP once more, with the recording state of now. */
int session_offer_record(struct call_host *h, struct call *c, uint8_t to,
			 struct bytes said) NODISCARD;
/* The offer in the callee's 2xx (late offer); it goes to the caller. */
enum refusal session_late_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
				struct call_refusal *refusal) NODISCARD;
/* The same offer again with SRTP keys. Returns 0, or -errno: not allowed, or they were offered
 * already. */
enum refusal session_offer_keys(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* The same offer again, with transcoded codecs behind the caller's. Returns 0, or -errno with
 * nothing changed: not allowed, or done already. */
enum refusal session_offer_codecs(struct call_host *h, struct call *c, uint8_t leg) NODISCARD;
/* Why transcoding is impossible, in words; NULL: no such reason. */
const char *session_lacks_codecs(const struct call_host *h, const struct call *c, uint8_t leg);
/* The answer to the INVITE to the callee's leg, which takes its place in the bridge: from that leg,
 * or from the caller if the leg made the offer. Writes the SDP for the other of the two, updates
 * the flows. Repeating it with the same SDP and bridge changes nothing. */
enum refusal session_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal) NODISCARD;
/* An offer of the party in UPDATE with no INVITE open: its answer is in sdp.local, the flows are
 * updated. Or in PRACK or UPDATE while its INVITE, or ours to it, is open and both have an answer:
 * it is in open.local. On refusal nothing has changed. */
enum refusal session_update(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal) NODISCARD;
/* ---- session.c: with one party alone; no other leg is involved ---- */
/* Our answer to the party's offer, which goes into *to. */
enum refusal session_alone_answer(struct call_host *h, struct call *c, uint8_t leg,
				  struct bytes sdp, struct leg_sdp *to,
				  struct call_refusal *refusal) NODISCARD;
/* Our offer, in open.local, or our last SDP again, sendrecv; and the party's answer. */
enum refusal session_alone_offer(struct call_host *h, struct call *c, uint8_t leg,
				 struct call_refusal *refusal) NODISCARD;
enum refusal session_alone_answered(struct call_host *h, struct call *c, uint8_t leg,
				    struct bytes sdp, struct call_refusal *refusal) NODISCARD;
/* Whether the session that was agreed with another leg fits. */
enum refusal session_alone_check(const struct call_host *h, const struct call *c,
				 struct call_refusal *refusal) NODISCARD;

/* The flow's port is in use by another program: takes another pair. Returns 0 or -errno: it was
 * signalled already, or none is left. */
int session_replace(struct call_host *h, struct call *c, struct call_flow *f) NODISCARD;
/* The flows once more, by what is agreed and ordered. 0 or -errno: the texts do not agree. */
int session_apply(struct call_host *h, struct call *c) NODISCARD;
/* Updates flows after changed limits, timeouts or audio sources: the SDP is the same. A party
 * without peer may get audio of the node. */
void session_refresh(struct call_host *h, struct call *c);
/* Two agreed sessions fit each other, directly or by transcoding. */
bool session_fits(const struct leg *a, const struct leg *b);
/* ... directly, and neither may send an audio codec that the other one does not take. */
bool session_fits_whole(const struct leg *a, const struct leg *b);
/* After a restart: opens the flows as the texts say. 0 or -errno: the texts do not agree. */
int session_reopen(struct call_host *h, struct call *c) NODISCARD;

/* ---- session_talk.c: SDP as it was sent and received; nothing is changed ---- */
/* The SDP of a message, also as a part of its body; empty without one. Returns 0, -ENOTSUP (415) or
 * -EBADMSG (400). */
int session_body(const struct sip_message *m, struct bytes *sdp) NODISCARD;
/* Our last SDP to the leg; empty: none yet, or not that of the session in force. */
struct bytes session_local_sdp(const struct call *c, uint8_t leg);
/* The same but for the o= line. */
bool session_is_same(struct bytes a, struct bytes b);
/* The party's SDP has an audio line with a port. */
bool session_has_sound(const struct call *c, uint8_t leg, struct bytes sdp);
/* The first stream with a port in the party's SDP is sendrecv. */
bool session_is_two_way(const struct call *c, uint8_t leg, struct bytes sdp);
/* The party receives that stream. */
bool session_is_receiving(const struct call *c, uint8_t leg, struct bytes sdp);
/* Whether the party's offer is allowed: not every extension may hold (REG-05). A holding party may
 * repeat its hold. Returns false and *refusal. */
bool session_may_hold(const struct call_host *h, const struct call *c, uint8_t leg,
		      struct bytes offer, struct call_refusal *refusal);
/* Our last SDP lets the party send and receive. */
bool session_was_offered_all(const struct call *c, uint8_t leg);
/* The party of a has offered more audio codecs than that of b. */
bool session_is_wider(const struct leg *a, const struct leg *b);
/* By the agreed SDP the party receives nothing, by its own choice: it holds. */
bool session_is_holding(const struct call *c, uint8_t leg);
/* "Warning: 399 ..." line for a refusal with a sentence. */
void session_write_warning(struct writer *w, const struct call_host *h, const char *text);
/* Header lines of a refusal: Warning, Retry-After (seconds; used if the refusal has none), what is
 * accepted. */
void session_write_refusal(struct writer *w, const struct call_host *h,
			   const struct call_refusal *why, uint32_t retry_after_s);
/* Refuses a request that is about the session: INVITE, UPDATE, PRACK. */
void session_refuse(struct call_host *h, const struct call_event *ev,
		    const struct call_refusal *why);

/* The peer that the party gets by replacing a leg of another call. NULL: none, or no longer. */
const struct leg *session_replaced_peer(const struct call_host *h, const struct call *c);

#endif
