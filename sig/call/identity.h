/* SPDX-License-Identifier: Apache-2.0 */
/* Caller and connected identity on the legs of a call: what a party states of itself
 * (sig/identity/carried.h) is kept with its leg, and told to others as far as the policy of their
 * side and the party's own privacy allow (RFC 3323, RFC 3325). */
#ifndef SIG_CALL_IDENTITY_H
#define SIG_CALL_IDENTITY_H

#include "sig/identity/carried.h"
#include "sig/model/event.h"

/* Of the side that the leg's party is on. */
struct identity_policy identity_of(const struct call_host *h, const struct leg *leg);
/* The caller's INVITE has come. 0 or -ENOMEM. */
int identity_on_invite(struct call_host *h, struct call *c, const struct call_start *s) NODISCARD;
/* Whether the party has asked to be shown outside by a number that it may have (RFC 3325 9.2). */
bool identity_is_chosen(const struct call_host *h, const struct call *c, const struct leg *l);
/* Whether the extension at the leg may be shown by that number outside, beside its first one. */
bool identity_may_show(const struct call_host *h, const struct call *c, const struct leg *l,
		       struct bytes number);
/* Its party is to be shown by that number outside. 0 or -ENOMEM. */
int identity_show(const struct call_host *h, struct leg *l, struct bytes number) NODISCARD;
/* The party says it anew, in a request or a response of its dialog. */
void identity_learn(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* Its party is anonymous to untrusted sides. Emergency calls always name the caller. */
bool identity_is_hidden(const struct call *c, const struct leg *leg);
enum { IDENTITY_SHOWN_MAX = 128 };
/* The caller's number as a phone of ours is shown it, and may call it back. It may be in space, as
 * below. */
void identity_of_caller(const struct call_host *h, const struct call *c, struct bytes *number,
			char space[IDENTITY_SHOWN_MAX]);
/* The caller of the leg, as its party may know it. */
void identity_of_asker(const struct call_host *h, const struct call *c, const struct leg *leg,
		       struct dialog_party *party, char space[IDENTITY_SHOWN_MAX]);
/* The user called at that step of the plan, as the leg's side may know him: to a trunk by the
 * extension's outside number. Returns false if that side may not be told. */
bool identity_of_sent_on(const struct call_host *h, const struct call *c, const struct leg *to,
			 const struct plan_step *step, struct bytes *number);
/* Header lines of our INVITE to the leg. */
void identity_write_request(struct writer *w, const struct call_host *h, const struct call *c,
			    uint8_t leg);
/* ... of our response to its INVITE, or of our UPDATE: its peer (RFC 3325 5, 8). by: the peer's
 * leg, or LEG_NONE. */
void identity_write_peer(struct writer *w, const struct call_host *h, const struct call *c,
			 uint8_t leg, uint8_t by);

/* The location of a party (sig/identity/pidf.h): from its INVITE, kept with its leg, conveyed to
 * those who may get it (RFC 6442). */

/* The caller's INVITE has come. 0 or -ENOMEM. */
int conveyed_on_invite(struct call_host *h, struct call *c, const struct call_start *s) NODISCARD;
/* For our first INVITE to the leg: the header line, and a PIDF_MIXED body that includes the SDP.
 * Returns false if there is nothing to convey. */
bool conveyed_write(struct writer *lines, struct writer *body, const struct call_host *h,
		    const struct call *c, uint8_t leg);

/* The diversion history: steps of our plan behind what the caller's side stated (RFC 5806, RFC
 * 7044, RFC 7544). */

/* Header lines of the first INVITE to a leg. */
void diverted_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg);

#endif
