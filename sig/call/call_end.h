/* SPDX-License-Identifier: Apache-2.0 */
/* How calls end, and what is published and written about them. */
#ifndef SIG_CALL_CALL_END_H
#define SIG_CALL_CALL_END_H

#include "sig/model/call.h"

struct call_ending {
	enum call_cause cause;
	enum call_ended_by by;
	uint16_t status;     /* to A while its INVITE is open */
	const char *phrase;  /* of that response; NULL: the usual one */
	struct bytes extra;  /* lines for that response */
	struct bytes reason; /* Reason line passed on to the other side */
};

/* The party of a leg, as the CDR has it. */
enum call_ended_by call_ended_by(const struct call *c, uint8_t leg);
/* Releases both legs, closes the media, forgets what waited for a save. Calling it twice does
 * nothing. */
void call_end(struct call_host *h, struct call *c, const struct call_ending *e);
/* The call is not taken: it ends, unless a transferor gets back the party that it gave away
 * (transfer.h). */
void call_untaken(struct call_host *h, struct call *c, const struct call_ending *e);
/* The party of a bridged leg has left: the call ends, unless a module continues with its peer. */
void call_party_left(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e);
/* The party has lost the dialog (481), or does not answer and is released by BYE (408, RFC 3261
 * 12.2.1.2). */
void call_on_party_gone(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
/* The last counters of a flow. */
void call_flow_closed(struct call_host *h, struct call *c, const struct media_event *ev);
/* A flow could not be opened, or its socket died. */
void call_flow_failed(struct call_host *h, struct call *c, struct flow_id id, int error);
/* Both parties are gone and the counters are in: the record may go. */
bool call_is_over(const struct call *c);
/* Asks the store for the end. */
void call_end_request(struct call_host *h, struct call *c);
void call_end_done(struct call_host *h, struct call *c, bool ok);

/* Publishes an event with what all events of a call tell. Other fields are the caller's to put.
 * NULL: no memory. */
struct sig_event *call_publish(struct call_host *h, const struct call *c, enum sig_event_kind kind);
/* ... about the party of a leg. */
struct sig_event *call_publish_leg(struct call_host *h, const struct call *c,
				   enum sig_event_kind kind, uint8_t leg);
void call_publish_digit(struct call_host *h, const struct call *c, uint8_t leg, char digit);

/* An established party that has lost its peer hears the reason before it is released: the tone of
 * the cause (audio_source.h). The end of the call is noted when the parting begins. It ends by
 * time, or with the party's BYE. */

/* Several cadences of any failure tone, and short enough for a party that does not listen. */
enum { PARTING_MS = 5000 };

/* As call_end, after a parting if the caller is established and can hear one. */
void call_part(struct call_host *h, struct call *c, const struct call_ending *e);
/* There is such a parting; else call_part ends the call at once. */
bool call_may_part(const struct call_host *h, const struct call *c);
/* A tone for so long tells the caller the outcome. */
void parting_for(struct call_host *h, struct call *c, const struct call_ending *e, uint32_t ms);
/* Its time is over. */
void parting_end(struct call_host *h, struct call *c);

/* A call of a former process that cannot continue here: its ports, addresses or networks are gone,
 * or there is no room. Its record is not broken: its parties are released by what the record knows,
 * from an address that exists now, and its CDR is written. */

/* Keeps the first reason, a constant sentence. */
void call_obstacle(struct call *c, const char *reason);
/* In the place of call_resume where there is an obstacle: ends the call. */
void call_abandon(struct call_host *h, struct call *c);
/* The same at once and without a place among the calls: BYE is sent once, without waiting for an
 * answer. */
void call_abandon_unlisted(struct call_host *h, struct call *c);

#endif
