/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the media path that an operator sees. Registered by the main thread before the workers start. */
#ifndef ENGINE_WORKER_METRICS_H
#define ENGINE_WORKER_METRICS_H

#include "base/metric.h"
#include "engine/net/packet.h"
#include "media/tap.h"

/* Why a digit is not sent. */
enum digit_refusal {
	DIGIT_UNKNOWN, /* no telephone event */
	DIGIT_NO_PAYLOAD_TYPE,
	DIGIT_NOT_SENDING,
	DIGIT_NO_DESTINATION,
	DIGIT_QUEUE_FULL,
	DIGIT_FLOW_CHANGED, /* closed, held or no event type any more, before its turn came */
	DIGIT_REFUSALS,
};

/* What became of an ICE check. */
enum check_result {
	CHECK_ANSWERED,
	CHECK_UNAUTHENTICATED, /* 400, 401, or no answer */
	CHECK_UNKNOWN_ATTRIBUTE,
	CHECK_ROLE_CONFLICT,
	CHECK_RESULTS,
};

/* Parts of RTCP of a bundle (bundle.h). */
enum bundled_rtcp {
	BUNDLED_RTCP_MOVED,   /* to another flow than the rest of their packet */
	BUNDLED_RTCP_STRAY,   /* about no m-line: with the rest */
	BUNDLED_RTCP_NO_ROOM, /* of another flow, and lost */
	BUNDLED_RTCP_RESULTS,
};

/* What became of a number that a party misses (feedback.h). */
enum nack_result {
	NACK_ANSWERED,
	NACK_REPEATED, /* it has left again within the time to the party and back */
	NACK_LIMITED,
	NACK_NOT_FOUND, /* relayed */
	NACK_RESULTS,
};

/* What becomes of a packet of a picture that a room misses (picture_losses.h). */
enum video_missed {
	VIDEO_REPEAT_ASKED, /* each time */
	VIDEO_GIVEN_UP,
	VIDEO_MISSED_RESULTS,
};

struct media_metrics {
	metric_id packets_in, packets_out; /* RTP and RTCP; in + made = out + dropped */
	metric_id octets_in, octets_out;   /* UDP payload */
	metric_id dropped[VERDICT_COUNT];  /* of VERDICT_NONE and VERDICT_RELAY: not registered */
	metric_id send_errors, icmp_errors, events_lost, stale_commands;
	metric_id made, handed;
	metric_id withheld; /* of those out */
	metric_id checks[CHECK_RESULTS];
	metric_id bundled_rtcp[BUNDLED_RTCP_RESULTS];
	metric_id nacked[NACK_RESULTS], resend_refused;
	metric_id capture_lost, capture_refused;
	metric_id tap_lost[TAP_READERS];
	metric_id transcode_sent, transcode_failed;
	metric_id tones_mixed, tones_made, tones_missed;
	metric_id frames_encoded, frames_failed, frames_late, frames_played;
	metric_id video_shown, keyframes_requested, video_layers;
	metric_id video_missed_packets[VIDEO_MISSED_RESULTS];
	metric_id digits_sent, digits_detected, digits_refused[DIGIT_REFUSALS], digits_untold;
	/* of one worker */
	metric_id flows;
	metric_id jobs, transcoders, complexity;
	metric_id cpu_us;
	metric_id wait_us, busy;
	metric_id relayed;   /* packets sent, ours among them */
	metric_id forwarded; /* of these, in the kernel */
	metric_id rerouted;  /* flows to which it did by a next hop that is another one now */
};

enum { MEDIA_WORKERS_MAX = 16 };

/* worker: below MEDIA_WORKERS_MAX. */
void media_metrics_register_of(struct media_metrics *m, uint32_t worker);

#endif
