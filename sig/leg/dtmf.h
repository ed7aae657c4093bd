/* SPDX-License-Identifier: Apache-2.0 */
/* Digits between telephone-events (RFC 4733), INFO and tones in the audio, each exactly once
 * (REG-15, MED-03). A party with telephone-events gets those. Any other gets digits as its document
 * or profile says. Without that it gets INFO if its Allow has it and it refuses none; else tones.
 * The INFO's body is application/dtmf-relay, which all support, except to a trunk that wants the
 * digit alone. Tones of a party are its digits if it has no telephone-events (else they are
 * ignored), no document prescribes INFO, and no INFO came of it. They pass as audio, so the peer is
 * not told again. */
#ifndef SIG_LEG_DTMF_H
#define SIG_LEG_DTMF_H

#include "sig/model/call.h"

enum { DTMF_DURATION_MS = 160 }; /* without a stated duration */

struct dtmf {
	char digit; /* 0-9 * # A-D, F for flash */
	uint16_t duration_ms;
};
/* The DTMF digits: 0-9 * # A-D. A flash (RFC 4733 table 7: event 16) is not one: it is passed on as
 * such. */
bool dtmf_is_key(char digit);
/* The body of an INFO: application/dtmf-relay ("Signal=5", "Duration=160") or application/dtmf
 * ("5"). Returns 0, -ENOTSUP (another type) or -EBADMSG. */
int dtmf_parse(struct bytes content_type, struct bytes body, struct dtmf *out) NODISCARD;
/* Its document says by which type of INFO, and this is another one. */
bool dtmf_is_foreign(const struct leg *l, struct bytes content_type);
/* The party of the leg has them by INFO. */
bool dtmf_is_by_info(const struct call *c, uint8_t leg);
/* Tones of the party of that flow are DTMF digits. */
bool dtmf_may_be_tones(const struct call *c, const struct call_flow *f);
/* The engine listens for them. */
bool dtmf_are_detected(const struct call *c, uint8_t leg);
/* A digit came by INFO. Returns true if it was just detected as a tone. */
bool dtmf_came_by_info(struct call_host *h, struct call *c, uint8_t leg, char digit);
/* A tone was detected. Returns false if it is no digit, as the party's digits come by INFO. */
bool dtmf_came_as_tone(const struct call_host *h, struct call *c, uint8_t leg, char digit);
/* The party does not support INFO with digits. Returns true: it gets tones from now on. */
void dtmf_send(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf);

/* Digits on their way to a party by INFO: one at a time, so they arrive in order. A party that
 * answers 491 gets its INFO again after a while. They are not saved: a digit after a restart would
 * be too late. */

enum { LEG_DIGITS_MAX = 64 };

struct leg_digits {
	struct dtmf list[LEG_DIGITS_MAX];
	uint8_t count;
	uint8_t tries;      /* of the first one */
	pool_handle client; /* its INFO; 0: none is open */
	uint64_t again_ns;  /* a deadline: it is sent again */
};

/* So many more may wait for it. */
uint32_t leg_digits_room(const struct leg *leg);
/* The answer to one, or none in time. */
void leg_digits_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* One is sent again. */
void leg_digits_again(struct call_host *h, struct call *c, uint8_t leg);
void leg_digits_clear(struct leg *leg);

#endif
