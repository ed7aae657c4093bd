/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP between the web thread, which has the WebSockets, and the loop's thread, which has the calls: two bounded rings. Neither waits for
 * the other: a full ring is backpressure on the browsers (in) or a message that is not sent (out).
 *
 * A connection is a place (an index below the limit) and a name that no other has: bit 63, a count, the place. Both threads may free
 * what they took, so octets are counted per place: whoever reads slowly, or sends too fast, does so at its own expense.
 */
#ifndef APP_WEB_WEB_LINK_H
#define APP_WEB_WEB_LINK_H

#include "base/tls/tls.h"
#include "sig/transport/stream_frame.h"
#include "sig/transport/transport.h"

struct validity;
struct web_link;

enum {
	WEB_LINK_SPARE = 64, /* places of those that are ending, for newcomers */
	WEB_LINK_PLACES_MAX = 65535 - WEB_LINK_SPARE,
	WEB_LINK_IN = 256,            /* messages on their way to the loop */
	WEB_LINK_IN_EACH = 16,        /* of one connection */
	WEB_LINK_OUT = 4096,          /* messages on their way to browsers */
	WEB_LINK_OUT_OCTETS = 262144, /* that wait for one of them */
	WEB_LINK_ROOM = 32,           /* octets before each message, for the frame's head */
	WEB_LINK_ROUND = 64,          /* messages a round of the loop takes */
};

/* What goes to the web thread. */
struct web_link_out {
	uint64_t connection;
	uint8_t *
		data; /* malloc'ed: WEB_LINK_ROOM octets, then the message; NULL: end the connection, or */
	size_t n;      /* of the message */
	bool trusted;  /* it is known who is there */
	uint8_t place; /* of the shard that says it, in struct validity */
};

void web_link_setup(void); /* registers the metrics; main thread, once */

/* ---- the loop's thread ---- */

/* places: connections at once, beside WEB_LINK_SPARE that are ending. Watches the ring. validity outlives the link; NULL: all shards may
 * speak. 0 or -errno. */
int web_link_open(struct web_link **out, uint32_t places, const struct transport_handlers *handlers,
		  struct validity *validity) NODISCARD;
/* The web thread is gone. NULL is fine. */
void web_link_close(struct web_link *l);
/* What transport.h asks; borrowed as long as the link lives. */
struct transport_provider web_link_provider(struct web_link *l);

/* ---- the web thread ---- */

/* Before its thread runs: wake makes it call web_link_take, from the loop's thread. */
void web_link_attach(struct web_link *l, void (*wake)(void *arg), void *arg);
/* A new name for the connection that has the place now. */
uint64_t web_link_name(struct web_link *l, uint32_t place);
uint32_t web_link_place(uint64_t connection);
/* A whole message. 0, -EAGAIN (no room: stop reading and try again), -ENOMEM. */
int web_link_bring(struct web_link *l, const struct sip_hop *hop, struct bytes message) NODISCARD;
/* Somebody there was refused for its certificate. A full ring: nobody hears of it. */
void web_link_refused(struct web_link *l, const struct addr *remote, enum tls_failure why);
/* A connection that brought messages is gone. False: no room, try again; the place is not free before. */
bool web_link_ended(struct web_link *l, const struct sip_hop *hop) NODISCARD;
/* The next one to send; the caller frees data and says web_link_sent when it has gone, or was thrown away. */
bool web_link_take(struct web_link *l, struct web_link_out *out);
/* Asked just before it is written: it must not be, and that is counted. */
bool web_link_withholds(struct web_link *l, const struct web_link_out *out);
void web_link_sent(struct web_link *l, const struct web_link_out *out);

#endif
