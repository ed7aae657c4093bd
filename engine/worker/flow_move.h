/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow goes to another worker, by the way of a restart: it closes here and opens there, with its sockets, and with what a successor
 * would know of it. What a record cannot know, because it changes with every packet, goes along in a parcel. So its stream goes on as if
 * it had stayed, and no SRTP index is used twice. The old worker's, then the new one's; in between it is control's (engine/worker/spread.h).
 */
#ifndef ENGINE_WORKER_FLOW_MOVE_H
#define ENGINE_WORKER_FLOW_MOVE_H

#include "engine/worker/flow.h"

struct flow_parcel {
	/* by control */
	struct flow_spec spec; /* as it is to be there; resume is what it had here */
	struct flow_parcel *next;
	uint64_t home_before; /* by whose worker it went: flow_spec_home */
	uint8_t from, to;     /* workers */
	uint8_t packed;       /* 1: it has left, and did not go on yet */
	/* by the worker that it leaves */
	int fd[CHANNELS]; /* -1: none */
	struct source source, source_before;
	struct sink sink;
	struct flow_received received;
	struct flow_sent sent;
	struct arrival_jitter jitter;
	struct seq_count count;
	uint32_t count_ssrc, lost_before;
	struct event_tracker events;
	uint32_t event_ssrc, event_clock_hz;
	uint8_t event_relayed;
	struct flow_stats stats;
	struct flow_detail detail;
	struct reports reports;
	struct trickle trickle;
	uint64_t digit_told_ns, noticed_ns;
	struct flow_last_sent sent_reported;
	uint32_t tap_lost[TAP_READERS];
	uint64_t consent_ns[CHANNELS]; /* of ICE; 0: none */
	struct transcoder *transcoder; /* NULL: none */
};

/* MEDIA_FLOW_YIELD: the flow packs and closes, or stays as it is and the answer says why. */
void flow_move_yield(struct worker *w, const struct media_command *c);
/* Of a flow that was opened by its parcel's spec. */
void flow_move_arrive(struct worker *w, struct flow *f, struct flow_parcel *parcel);

#endif
