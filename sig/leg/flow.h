/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of a call: one flow per relayed m-line and leg, allocated before SDP names it, returned
 * when the engine released it. */
#ifndef SIG_LEG_FLOW_H
#define SIG_LEG_FLOW_H

#include "media/offer/plan.h"
#include "sig/model/call.h"

/* The network of a leg's media: that of its address, if the shard owns it (shard_network.shard). */
uint16_t flow_network(const struct call_host *h, const struct leg *l);
/* What its party is told for that. */
const struct addr *flow_address(const struct call_host *h, const struct leg *l);
/* Not one that is being closed. */
struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line);
struct call_flow *flow_by_id(const struct call *c, struct flow_id id);
/* Allocates flows of both legs for each active line without one. REFUSED_PORTS_FULL, _QUOTA_PORTS
 * (the caller's: *h->quota_refusal says why), _MEMORY: nothing was allocated. */
enum refusal flows_open_ports(struct call_host *h, struct call *c, uint8_t a, uint8_t b,
			      const struct media_plan *lines) NODISCARD;
/* Another pair for a flow that the engine has not. 0 or -EAGAIN: it is as it was. */
int flow_retake(struct call_host *h, struct call_flow *f) NODISCARD;
/* After a restart: claims the very ports of the record, or others if the call may move. Returns 0,
 * -EBUSY, -ERANGE; nothing is claimed on error. */
int flows_claim(struct call_host *h, struct call *c) NODISCARD;
/* Gives its ports back and forgets it: those behind it in the list move. */
void flow_drop(struct call_host *h, struct call *c, struct call_flow *f);
void flows_drop_all(struct call_host *h, struct call *c);

/* The state of a WebRTC leg's flow in addition to its ports: our ICE credentials, the party's
 * certificate, and the keys from the handshake (RFC 8839, 5763); in single-port mode also the port
 * that it shares. All of it is in the call's record, so a successor continues without another
 * handshake. */

struct flow_dtls {
	struct media_ice ice;
	/* media_side.ice_name of the party that ours were made for; 0: none yet */
	uint64_t ice_name;
	uint8_t role;        /* enum media_dtls_role, and */
	uint8_t association; /* of the association with */
	struct media_fingerprint peer;
	struct media_key key_in, key_out; /* of that association; suite NONE: not yet */
	/* the party may not have received it yet; "": it has, or no flight was sent */
	struct text flight;
	uint64_t flight_until_utc_ms;
	/* of the call's worker; 0: the flow has its own port. Chosen before the engine opens it,
	 * for life */
	uint16_t shared_port;
};

/* The RTP port that the party is told. */
uint16_t flow_port(const struct call_flow *f);

/* Completes the lines' flows of both legs: as needed by a received offer, or by the terms of the
 * leg that gets one. An offerer with new ICE credentials gets new ones of ours (RFC 8839
 * 4.4.1.1.1). Flows that the engine does not have yet share a port if there is one and the party
 * surely uses ICE: it offers that, or is a browser. Returns 0 or -ENOMEM. */
int flows_dtls_prepare(struct call_host *h, struct call *c, uint8_t offerer, uint8_t to,
		       const struct media_plan *lines) NODISCARD;
/* It moved to this call. If that is on another worker than its shared port, it gets one of that
 * worker, with other credentials (RFC 8839 4.4.1.1.1), and its party has to be told. */
void flow_dtls_follow(struct call_host *h, const struct call *c, struct call_flow *f);
/* No handshake is under way: one ends on the worker where it began. */
bool flows_dtls_may_move(const struct call *c, uint8_t leg);
/* What was agreed with the flow's party: another certificate or role is another association (RFC
 * 8842 4). */
void flow_dtls_agree(struct call_host *h, struct call_flow *f, const struct media_side *party);
/* Into the spec: as agreed with the party; NULL: nothing was yet. */
void flow_dtls_spec(struct flow_spec *s, const struct call *c, const struct call_flow *f,
		    const struct media_side *party);
/* There are keys: the party may finish when they are saved. Or the handshake failed. Returns true
 * if the engine needs other limits. */
bool flow_dtls_keyed(struct call_host *h, struct call *c, struct call_flow *f,
		     const struct media_event *ev);
/* They are saved, or the store is not awaited. */
void flow_dtls_saved(struct call_host *h, const struct call *c, const struct outbox_item *item);
/* After a restart: the party may not have received it. */
void flows_dtls_resume(struct call_host *h, const struct call *c);
/* Drops expired keys. */
void flow_dtls_age(const struct call_host *h, const struct call_flow *f);
/* Wiped. */
void flow_dtls_free(struct call_flow *f);

/* If our addresses of a call are gone, the call continues at others: of the node that took it over,
 * or of this one with new settings. Its parties get a re-INVITE, since they know the old ones
 * (sig/pbx/join.h). */

/* After a restart: it is between invitations, and so may go on elsewhere. */
bool flows_may_move(const struct call *c);
/* The flow gets other ports, of the network that its leg has now. 0 or -errno. */
int flow_move(struct call_host *h, const struct call *c, struct call_flow *f) NODISCARD;
/* The party knows an address or port that is not its flow's: its media is lost until it gets a
 * re-INVITE. */
bool flows_moved(const struct call_host *h, const struct call *c, uint8_t leg);
/* ... which was another node's, or this one's with older settings: a predecessor has moved the
 * call. */
bool flows_are_remote(const struct call_host *h, const struct call *c, uint8_t leg);

/* Keys of a flow that may be SRTP, and its indexes: a keystream must never be used twice, also not
 * by a successor (RFC 3711 9.1). So the record has the limit of usable indexes before the engine is
 * told, and a successor begins there. */

/* Octets of key and salt of the longest suite supported (RFC 7714 14.2), and of older records (RFC
 * 4568 6.2); ends of the indexes (RFC 3711 3.3.1, 3.4). */
enum { SECRET_LEN = 44, SECRET_LEN_BEFORE = 30 };
/* With SRTP_RESERVE below half a roll-over, so the receiver's index estimate survives the jump (RFC
 * 3711 3.3.1). */
enum { SECRET_SHARES = 64, SECRET_SHARE = 256, SECRET_SHARE_RTCP = 16 };
#define SRTP_INDEX_END  (UINT64_C(1) << 48)
#define SRTCP_INDEX_END (UINT64_C(1) << 31)

/* Wiped. */
void secret_free(struct call_flow *f);

#endif
