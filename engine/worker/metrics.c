/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/metrics.h"

#include <assert.h>
#include <stddef.h>

static metric_id walk_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

#define WORKER(n) "worker=\"" #n "\""

static const char *const WORKER_LABELS[MEDIA_WORKERS_MAX] = {
	WORKER(0),  WORKER(1),  WORKER(2),  WORKER(3),  WORKER(4),  WORKER(5),
	WORKER(6),  WORKER(7),  WORKER(8),  WORKER(9),  WORKER(10), WORKER(11),
	WORKER(12), WORKER(13), WORKER(14), WORKER(15),
};

void media_metrics_register_of(struct media_metrics *m, uint32_t worker)
{
	static const char TAP_LOST[] =
		"Packets of tapped calls that were not copied for their reader for lack of room";
	static const char *const DIGIT_LABELS[DIGIT_REFUSALS] = {
		[DIGIT_UNKNOWN] = "reason=\"unknown_digit\"",
		[DIGIT_NO_PAYLOAD_TYPE] = "reason=\"no_payload_type\"",
		[DIGIT_NOT_SENDING] = "reason=\"not_sending\"",
		[DIGIT_NO_DESTINATION] = "reason=\"no_destination\"",
		[DIGIT_QUEUE_FULL] = "reason=\"queue_full\"",
		[DIGIT_FLOW_CHANGED] = "reason=\"flow_changed\"",
	};
	static const char *const CHECK_LABELS[CHECK_RESULTS] = {
		[CHECK_ANSWERED] = "result=\"answered\"",
		[CHECK_UNAUTHENTICATED] = "result=\"unauthenticated\"",
		[CHECK_UNKNOWN_ATTRIBUTE] = "result=\"unknown_attribute\"",
		[CHECK_ROLE_CONFLICT] = "result=\"role_conflict\"",
	};
	static const char *const PART_LABELS[BUNDLED_RTCP_RESULTS] = {
		[BUNDLED_RTCP_MOVED] = "result=\"moved\"",
		[BUNDLED_RTCP_STRAY] = "result=\"stray\"",
		[BUNDLED_RTCP_NO_ROOM] = "result=\"no_room\"",
	};
	static const char *const NACK_LABELS[NACK_RESULTS] = {
		[NACK_ANSWERED] = "result=\"answered\"",
		[NACK_REPEATED] = "result=\"repeated\"",
		[NACK_LIMITED] = "result=\"limited\"",
		[NACK_NOT_FOUND] = "result=\"not_found\"",
	};
	static const char *const MISSED_LABELS[VIDEO_MISSED_RESULTS] = {
		[VIDEO_REPEAT_ASKED] = "result=\"asked\"",
		[VIDEO_GIVEN_UP] = "result=\"given_up\"",
	};
	static const char PACKETS[] = "RTP and RTCP packets on the media ports";
	static const char FRAMES[] = "Frames of sounds that are played by what became of them";
	static const char CODED[] = "RTP packets between parties without a common codec: sent "
				    "anew, or not to be decoded, encoded or sent";
	static const char TONES[] = "RTP packets of tones within a conversation: mixed into what "
				    "came, made where nothing came, or without the tone";
	static const char OCTETS[] = "UDP payload on the media ports";

	assert(worker < MEDIA_WORKERS_MAX);
	m->packets_in = walk_counter("tandem_media_packets_total", "direction=\"in\"", PACKETS);
	m->packets_out = walk_counter("tandem_media_packets_total", "direction=\"out\"", PACKETS);
	m->octets_in = walk_counter("tandem_media_bytes_total", "direction=\"in\"", OCTETS);
	m->octets_out = walk_counter("tandem_media_bytes_total", "direction=\"out\"", OCTETS);
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		m->dropped[v] = walk_counter("tandem_media_dropped_packets_total", verdict_label(v),
					     "Packets received on the media ports and not relayed");
	m->handed = walk_counter(
		"tandem_media_handed_packets_total", NULL,
		"RTP and RTCP packets from one flow of a worker to another, of a conversation "
		"over two shards: handed over and not sent, and counted as sent and received");
	m->withheld = walk_counter(
		"tandem_media_withheld_packets_total", NULL,
		"Packets counted as sent that were not after all: before the call of the kernel "
		"the lease of a shard was past");
	m->made = walk_counter(
		"tandem_media_made_packets_total", NULL,
		"RTP and RTCP packets made here: digits, sounds, reports, parts of RTCP of "
		"bundles, video sent again");
	m->tap_lost[TAP_RECORD] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"record\"", TAP_LOST);
	m->tap_lost[TAP_LIVE] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"live\"", TAP_LOST);
	m->tap_lost[TAP_FORK] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"fork\"", TAP_LOST);
	m->capture_lost =
		walk_counter("tandem_media_capture_lost_packets_total", NULL,
			     "Packets of watched flows that were not copied for lack of room");
	m->capture_refused = walk_counter("tandem_media_capture_refused_total", NULL,
					  "Calls that were not watched because too many are");
	m->digits_sent = walk_counter("tandem_media_digits_sent_total", NULL,
				      "Digits sent as telephone events, or as tones");
	m->digits_detected = walk_counter("tandem_media_digits_heard_total", NULL,
					  "Digits of parties that were heard as tones");
	m->digits_untold =
		walk_counter("tandem_media_digits_untold_total", NULL,
			     "Digits of parties beyond 20 a second: relayed, and told to nobody");
	for (enum digit_refusal why = 0; why < DIGIT_REFUSALS; why++)
		m->digits_refused[why] = walk_counter(
			"tandem_media_digits_refused_total", DIGIT_LABELS[why],
			"Digits that were to be sent as telephone events, or tones, and were not");
	for (enum check_result r = 0; r < CHECK_RESULTS; r++)
		m->checks[r] = walk_counter("tandem_media_ice_checks_total", CHECK_LABELS[r],
					    "ICE checks of parties");
	for (enum bundled_rtcp r = 0; r < BUNDLED_RTCP_RESULTS; r++)
		m->bundled_rtcp[r] =
			walk_counter("tandem_media_bundled_rtcp_parts_total", PART_LABELS[r],
				     "Parts of RTCP of bundles by what became of them");
	for (enum nack_result r = 0; r < NACK_RESULTS; r++)
		m->nacked[r] =
			walk_counter("tandem_media_nacked_packets_total", NACK_LABELS[r],
				     "Video packets that parties missed by what became of that");
	m->resend_refused = walk_counter("tandem_media_resend_refused_total", NULL,
					 "Video flows whose packets are not kept for lack of room");
	m->frames_encoded =
		walk_counter("tandem_media_job_frames_total", "result=\"encoded\"", FRAMES);
	m->frames_failed =
		walk_counter("tandem_media_job_frames_total", "result=\"failed\"", FRAMES);
	m->frames_late = walk_counter("tandem_media_job_frames_total", "result=\"late\"", FRAMES);
	m->frames_played = walk_counter("tandem_media_job_packets_total", NULL,
					"RTP packets of sounds that were played to parties");
	m->video_shown = walk_counter("tandem_media_picture_packets_total", NULL,
				      "Video packets that members of conferences were sent");
	m->keyframes_requested =
		walk_counter("tandem_media_picture_requests_total", NULL,
			     "New pictures that members of conferences were asked for");
	m->video_layers = walk_counter(
		"tandem_media_picture_layer_changes_total", NULL,
		"Times that members of conferences got another size of a picture that comes in "
		"several (simulcast, RFC 8853)");
	for (enum video_missed r = 0; r < VIDEO_MISSED_RESULTS; r++)
		m->video_missed_packets[r] = walk_counter(
			"tandem_media_picture_losses_total", MISSED_LABELS[r],
			"Video packets of members that conferences missed, by what became of that");
	m->transcode_sent =
		walk_counter("tandem_media_coded_packets_total", "result=\"sent\"", CODED);
	m->transcode_failed =
		walk_counter("tandem_media_coded_packets_total", "result=\"failed\"", CODED);
	m->tones_mixed = walk_counter("tandem_media_tone_packets_total", "result=\"mixed\"", TONES);
	m->tones_made = walk_counter("tandem_media_tone_packets_total", "result=\"made\"", TONES);
	m->tones_missed =
		walk_counter("tandem_media_tone_packets_total", "result=\"missed\"", TONES);
	m->send_errors = walk_counter("tandem_media_send_errors_total", NULL,
				      "Relayed packets that the kernel refused to send");
	m->icmp_errors = walk_counter("tandem_media_icmp_errors_total", NULL,
				      "ICMP errors that came back for packets sent to parties");
	m->events_lost = walk_counter("tandem_media_events_lost_total", NULL,
				      "Digits not reported because control did not keep up");
	m->stale_commands = walk_counter("tandem_media_stale_commands_total", NULL,
					 "Commands for flows that are gone");
	m->flows = metric_register(METRIC_GAUGE, "tandem_media_flows", WORKER_LABELS[worker],
				   "Open flows");
	m->jobs = metric_register(METRIC_GAUGE, "tandem_media_jobs", WORKER_LABELS[worker],
				  "Open jobs: sounds that are played, and late echoes");
	m->transcoders =
		metric_register(METRIC_GAUGE, "tandem_media_coders", WORKER_LABELS[worker],
				"Flows whose party's audio is transcoded for the other one");
	m->complexity = metric_register(
		METRIC_GAUGE, "tandem_media_coder_complexity", WORKER_LABELS[worker],
		"Complexity of Opus, 0 to 10, with which audio is transcoded now: less under load");
	m->cpu_us = metric_register_per(METRIC_COUNTER, "tandem_media_worker_cpu_seconds_total",
					WORKER_LABELS[worker], "CPU time of the media workers",
					1000000);
	m->wait_us = metric_register_per(
		METRIC_GAUGE, "tandem_media_worker_wait_seconds", WORKER_LABELS[worker],
		"How long the worker lets packets gather; 0: it sleeps until one comes", 1000000);
	m->busy = metric_register_per(METRIC_GAUGE, "tandem_media_worker_busy_ratio",
				      WORKER_LABELS[worker],
				      "Work of the worker in the last second, of one core", 1000);
	m->relayed = walk_counter("tandem_media_worker_packets_total", WORKER_LABELS[worker],
				  "RTP and RTCP packets sent by each worker");
	m->forwarded = walk_counter("tandem_media_forwarded_packets_total", WORKER_LABELS[worker],
				    "RTP packets of these that the kernel forwarded itself");
	m->rerouted = walk_counter("tandem_media_rerouted_total", WORKER_LABELS[worker],
				   "Parties whose next hop changed, or was lost, while the kernel "
				   "forwarded to them");
}
