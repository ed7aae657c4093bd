/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that are made here: digits, sounds and reports. They join the batch path after the stages that are about received
 * packets, so that what comes last (protect, out) treats them as it treats relayed ones.
 */
#ifndef ENGINE_WORKER_ORIGINATE_H
#define ENGINE_WORKER_ORIGINATE_H

#include "engine/worker/flow.h"

struct made_rtp {
	uint8_t payload_type, marker;
	bool unrecorded; /* for no recorder */
	uint32_t timestamp;
	uint32_t clock_hz; /* 0: of an event, in the clock of what was sent before */
	struct bytes payload;
};

/* Of a sink that nobody has fed yet: begins at random numbers (RFC 3550 5.1). */
void originate_start(struct worker *w, struct flow *to, uint32_t clock_hz);
/* One RTP packet to the party, with the next number of its sink, which must have begun: what its feeder sends gives way.
 * False, and nothing has changed: no address is known, or no buffer is free. */
bool originate_rtp(struct worker *w, struct flow *to, const struct made_rtp *rtp);
/* RTP of the peer's that was relayed, and waited: its head is as it leaves, and its number is taken. False as above. */
bool originate_relayed(struct worker *w, struct flow *to, struct bytes rtp, uint16_t payload);
/* One RTCP packet to the party. False as above. */
bool originate_rtcp(struct worker *w, struct flow *to, struct bytes rtcp);
/* One datagram that is neither, to that address, by the socket of the flow. False as above. */
bool originate_datagram(struct worker *w, struct flow *to, enum pkt_kind kind,
			const struct addr *party, struct bytes datagram);
/* RTP that left before, as it left: not protected, and not counted by the flow, again. Between others that are made and these lies a
 * flush of either kind. False as above. */
bool originate_again(struct worker *w, struct flow *to, struct bytes rtp);
void originate_again_flush(struct worker *w);
/* What was made since the last call goes through the last stages. Between two received batches only. */
void originate_flush(struct worker *w);

#endif
