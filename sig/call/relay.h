/* SPDX-License-Identifier: Apache-2.0 */
/* What goes from one party to the other as it is. */
#ifndef SIG_CALL_RELAY_H
#define SIG_CALL_RELAY_H

#include "sig/model/event.h"

/* Of a REFER that goes on: the CSeq that it came with. */
#define RELAY_REFER "Tandem-Refer"

/* The number of a REFER as its party knows it: the one that relaying shards state, else its own
 * CSeq. */
uint32_t relay_refer_number(const struct sip_message *m);

/* The status that a party gets for its peer's refusal, as in docs/sip.md. */
uint16_t refusal_for_other(uint16_t status);
/* What else of a request, or of its answer, goes along: lines, until the next ones are written. */
struct bytes relay_extra(struct call_host *h, const struct sip_message *m);
/* The other party is there, and the request may go one hop further. False: it was refused. */
bool relay_may(struct call_host *h, struct call *c, const struct call_event *ev);
/* Relays it to the other leg, and the response back; relay_may permitted it. The call may be over
 * afterwards. Returns our request's transaction, perhaps gone; 0: it was refused. */
pool_handle relay_request(struct call_host *h, struct call *c, const struct call_event *ev);
void relay_response(struct call_host *h, const struct sip_message *m, pool_handle server);
void relay_timeout(struct call_host *h, pool_handle server);

/* ---- MESSAGE within a call (RFC 3428): text between its parties ---- */

/* Octets of a body. Over UDP nothing else keeps it from being too much for the way (RFC 3428 8). */
enum { MESSAGE_BODY_MAX = 8192, MESSAGE_DATAGRAM_MAX = 1300 };

/* Relays it with its body to the peer, and the response back. The call may be over afterwards. */
void message_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
