/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets made here: digits, sounds and reports. They join the batch path after the stages for
 * received packets, so that the last ones (protect, out) treat them like relayed ones.
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

/* For a sink without a feeder so far: begins at random numbers (RFC 3550 5.1). */
void originate_start(struct worker *w, struct flow *to, uint32_t clock_hz);
/* One RTP packet to the party, with the next number of its sink, which must have begun: its
 * feeder's packets give way. False, with nothing changed: the address is unknown, or no buffer is
 * free. */
bool originate_rtp(struct worker *w, struct flow *to, const struct made_rtp *rtp);
/* The peer's RTP, relayed and delayed: its head is final, and its number taken. False as above. */
bool originate_relayed(struct worker *w, struct flow *to, struct bytes rtp, uint16_t payload);
/* One RTCP packet to the party. False as above. */
bool originate_rtcp(struct worker *w, struct flow *to, struct bytes rtcp);
/* One datagram that is neither, to that address, by the socket of the flow. False as above. */
bool originate_datagram(struct worker *w, struct flow *to, enum pkt_kind kind,
			const struct addr *party, struct bytes datagram);
/* RTP that left before, unchanged: not protected again, and not counted again by the flow. A flush
 * of the one kind must come before the other kind. False as above. */
bool originate_again(struct worker *w, struct flow *to, struct bytes rtp);
void originate_again_flush(struct worker *w);
/* Runs what was made since the last call through the last stages. Only between received batches. */
void originate_flush(struct worker *w);

#endif
