/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a call: one flow per relayed m-line and leg, taken before SDP names it, given back when the engine let go of it. */
#ifndef SIG_LEG_FLOW_H
#define SIG_LEG_FLOW_H

#include "media/offer/plan.h"
#include "sig/model/call.h"

/* Where the media of a leg is: the network of its address, of one that is the shard's own (shard_network.shard). */
uint16_t flow_network(const struct call_host *h, const struct leg *l);
/* What its party is told for that. */
const struct addr *flow_address(const struct call_host *h, const struct leg *l);
/* Not one that is being closed. */
struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line);
struct call_flow *flow_by_id(const struct call *c, struct flow_id id);
/* Takes flows of both legs for each active line where they have none yet. REFUSED_PORTS_FULL, _QUOTA_PORTS (of
 * the caller: *h->quota_refusal says why), _MEMORY: nothing was taken. */
enum refusal flows_open_ports(struct call_host *h, struct call *c, uint8_t a, uint8_t b,
			      const struct media_plan *lines) NODISCARD;
/* Another pair for a flow that the engine has not. 0 or -EAGAIN: it is as it was. */
int flow_retake(struct call_host *h, struct call_flow *f) NODISCARD;
/* After a restart: takes the very ports of the record, or others where the call may go on elsewhere. 0, -EBUSY, -ERANGE;
 * nothing is taken on error. */
int flows_claim(struct call_host *h, struct call *c) NODISCARD;
/* Gives its ports back and forgets it: those behind it in the list move. */
void flow_drop(struct call_host *h, struct call *c, struct call_flow *f);
void flows_drop_all(struct call_host *h, struct call *c);

/*
 * What a flow of a WebRTC leg needs besides its ports: our ICE credentials, the party's certificate, and the keys that came of the
 * handshake (RFC 8839, 5763); in single-port mode also the port that it shares. All of it is in the call's record, so that the next process speaks on without another handshake.
 */

struct flow_dtls {
	struct media_ice ice;
	/* media_side.ice_name of the party that ours were made for; 0: none yet */
	uint64_t ice_name;
	uint8_t role;        /* enum media_dtls_role, and */
	uint8_t association; /* of the association with */
	struct media_fingerprint peer;
	struct media_key key_in, key_out; /* of that association; suite NONE: not yet */
	struct text flight; /* the party may not have heard it yet; "": it has, or there is none */
	uint64_t flight_until_utc_ms;
	/* of the call's worker; 0: the flow has its own port. Chosen before the engine opens it, for life */
	uint16_t shared_port;
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
/* Wiped. */
void flow_dtls_free(struct call_flow *f);

/*
 * A call whose addresses of ours are not there any more goes on at others: of the node that has taken it, or of this one with other
 * settings. Its parties are asked again, for they know the old ones (sig/pbx/join.h).
 */

/* After a restart: it is between invitations, and so may go on elsewhere. */
bool flows_may_move(const struct call *c);
/* The flow gets other ports, of the network that its leg has now. 0 or -errno. */
int flow_move(struct call_host *h, const struct call *c, struct call_flow *f) NODISCARD;
/* The party was told another address or port than the one where it is heard: it is not, until it is asked again. */
bool flows_moved(const struct call_host *h, const struct call *c, uint8_t leg);
/* ... and that was another node's, or this one's before it had other settings: a predecessor has moved the call. */
bool flows_are_elsewhere(const struct call_host *h, const struct call *c, uint8_t leg);

/*
 * Keys of a flow that may be SRTP, and its indexes: a keystream must never be used twice, also not by the next process (RFC 3711 9.1).
 * So the record says up to where indexes may be used before the engine hears of it, and whoever continues begins there.
 */

/* Octets of key and salt of the longest suite we know (RFC 7714 14.2), and of a record of before we knew it (RFC 4568 6.2); ends of the
 * indexes (RFC 3711 3.3.1, 3.4). */
enum { SECRET_LEN = 44, SECRET_LEN_BEFORE = 30 };
/* With SRTP_RESERVE below half a roll-over, so that the receiver's guess of the index survives the jump (RFC 3711 3.3.1). */
enum { SECRET_SHARES = 64, SECRET_SHARE = 256, SECRET_SHARE_RTCP = 16 };
#define SRTP_INDEX_END  (UINT64_C(1) << 48)
#define SRTCP_INDEX_END (UINT64_C(1) << 31)

/* Wiped. */
void secret_free(struct call_flow *f);

#endif
