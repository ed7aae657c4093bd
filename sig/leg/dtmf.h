/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits between telephone-events (RFC 4733) and INFO, each exactly once (REG-15, MED-03): a party that takes events gets events, any
 * other gets INFO with the body everybody knows, application/dtmf-relay, but a trunk that wants the digit alone.
 */
#ifndef SIG_LEG_DTMF_H
#define SIG_LEG_DTMF_H

#include "sig/model/call.h"

enum { DTMF_DURATION_MS = 160 }; /* where nobody says how long */

struct dtmf {
	char digit; /* 0-9 * # A-D, F for flash */
	uint16_t duration_ms;
};
/* The body of an INFO: application/dtmf-relay ("Signal=5", "Duration=160") or application/dtmf ("5"). 0, -ENOTSUP (another type) or
 * -EBADMSG. */
int dtmf_parse(struct bytes content_type, struct bytes body, struct dtmf *out) NODISCARD;
/* The body of an INFO to the leg's trunk is the digit alone; else, and to phones, application/dtmf-relay. */
bool dtmf_is_plain(const struct leg *l);
/* Its document says by which type of INFO, and this is another one. */
bool dtmf_is_foreign(const struct leg *l, struct bytes content_type);
/* The party of the leg takes events in its first audio stream. */
bool dtmf_takes_events(const struct call *c, uint8_t leg);
void dtmf_send(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf);

#endif
