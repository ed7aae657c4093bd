/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a flow of a WebRTC leg needs besides its ports: our ICE credentials, the party's certificate, and the keys that came of the
 * handshake (RFC 8839, 5763); in single-port mode also the port that it shares. All of it is in the call's record, so that the next process speaks on without another handshake.
 */
#ifndef SIG_LEG_FLOW_DTLS_H
#define SIG_LEG_FLOW_DTLS_H

#include "sig/model/call.h"

struct flow_dtls {
	struct media_ice ice;
	uint64_t
		ice_name; /* media_side.ice_name of the party that ours were made for; 0: none yet */
	uint8_t role;     /* enum media_dtls_role, and */
	uint8_t association; /* of the association with */
	struct media_fingerprint peer;
	struct media_key key_in, key_out; /* of that association; suite NONE: not yet */
	struct text flight; /* the party may not have heard it yet; "": it has, or there is none */
	uint64_t flight_until_utc_ms;
	uint16_t
		shared_port; /* of the call's worker; 0: the flow has its own port. Chosen before the engine opens it, for life */
};

/* The RTP port that the party is told. */
uint16_t flow_port(const struct call_flow *f);

/* The lines' flows of both legs get what they lack: an offer that came asks for it, or the terms of the leg that is offered to. An
 * offerer with other ICE credentials than before gets new ones of ours (RFC 8839 4.4.1.1.1). Those that the engine has not yet share
 * a port where there is one and the party is sure to use ICE: it offers that, or is a browser. 0 or -ENOMEM. */
int flows_dtls_prepare(struct call_host *h, struct call *c, uint8_t offerer, uint8_t to,
		       const struct media_plan *lines) NODISCARD;
/* It came to this call. Where that is on another worker than the port that it shares, it gets that worker's, with other credentials
 * (RFC 8839 4.4.1.1.1), and its party has to be told. */
void flow_dtls_follow(struct call_host *h, const struct call *c, struct call_flow *f);
/* It has other ports than its party knows: it shares another one, with other credentials. */
void flow_dtls_move(struct call_host *h, const struct call *c, struct call_flow *f);
/* No handshake is under way: one ends on the worker where it began. */
bool flows_dtls_may_move(const struct call *c, uint8_t leg);
/* What was agreed with the party the flow faces: another certificate or role is another association (RFC 8842 4). */
void flow_dtls_agree(struct call_host *h, struct call_flow *f, const struct media_side *party);
/* Into the spec: as agreed with the party; NULL: nothing was yet. */
void flow_dtls_spec(struct flow_spec *s, const struct call *c, const struct call_flow *f,
		    const struct media_side *party);
/* There are keys: the party is let to finish when they are saved. Or there are none after all. True: the engine has to hear of other limits. */
bool flow_dtls_keyed(struct call_host *h, struct call *c, struct call_flow *f,
		     const struct media_event *ev);
/* They are, or nobody waits for the store. */
void flow_dtls_saved(struct call_host *h, const struct call *c, const struct outbox_item *item);
/* After a restart: the party may not have heard it. */
void flows_dtls_resume(struct call_host *h, const struct call *c);
/* Forgets what nobody asks for any more. */
void flow_dtls_age(const struct call_host *h, const struct call_flow *f);
/* What the record says, sealed. False: it is no such thing, or there is no memory for it. */
struct Tandem__Call__Dtls;
bool flow_dtls_restore(struct call_flow *f, const struct Tandem__Call__Dtls *in, uint64_t utc_ms);
/* Wiped. */
void flow_dtls_free(struct call_flow *f);

#endif
