/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTMF digits of a party that are tones in its audio (flow_spec.detects_dtmf). Copies of its
 * packets wait here, a few at most, until their turn (worker.h): then they are decoded and
 * examined. A digit is reported when it ends. The audio passes meanwhile, unchanged.
 *
 * The worker's thread. Memory is allocated by commands only. Without detectors nothing is looked
 * at: they are fed where taps are (copy.h).
 */
#ifndef ENGINE_WORKER_DETECTOR_H
#define ENGINE_WORKER_DETECTOR_H

#include "base/wheel.h"
#include "dsp/codec/codec.h"
#include "dsp/dtmf.h"
#include "dsp/resample.h"
#include "engine/worker/job.h"
#include "media/flow.h"

struct decoder;
struct flow;
struct pkt;
struct worker;

enum {
	DETECTOR_PACKETS_MAX = 64,   /* that wait; further ones are skipped: all that a stall of */
	DETECTOR_OCTETS_MAX = 10240, /* the network held back may come at once */
	DETECTOR_SLICE_NS = 150000,  /* as TRANSCODER_SLICE_NS */
	DETECTOR_GAP_MS = 60, /* what is lost of a tone is made by the decoder; more is a pause */
	DETECTOR_QUIET_MS = 200, /* without a packet a digit is reported, once */
};

/* One that waits. */
struct detector_packet {
	uint32_t ssrc, timestamp;
	uint16_t sequence, length, at; /* in the octets */
	uint8_t codec;                 /* enum media_codec */
};

struct detector {
	struct job_place place;
	uint32_t slot;                    /* of the flow */
	uint8_t named[PAYLOAD_RULES_MAX]; /* codecs of the party, as flow_spec.rule_codecs */
	/* Of codecs it may send; NULL: not decodable. */
	struct decoder *decoders[MEDIA_CODECS_KNOWN];
	struct half_band band;
	struct dtmf_detector ear;
	struct wheel_timer timer; /* runs while a digit sounds */
	uint32_t heard;           /* samples since the present digit began */
	bool reported;            /* the digit that sounds, in a pause of its packets */
	bool known;               /* a packet was decoded: the next four are valid */
	uint8_t codec;
	uint16_t sequence;
	uint32_t ssrc, timestamp;    /* of what comes next, if nothing is missing */
	uint32_t first, count, used; /* used: of the octets, since none waited */
	struct detector_packet packets[DETECTOR_PACKETS_MAX];
	uint8_t octets[DETECTOR_OCTETS_MAX];
};

/* Of one worker. */
struct detector_line {
	struct detector **of; /* by slot of the flow; valid where flow.has_detector */
	struct job_line line;
	uint32_t open;
	int16_t pcm[CODEC_SAMPLES_MAX], narrow[CODEC_SAMPLES_MAX];
};

/* Slots of flows. 0 or -ENOMEM. */
int detector_line_open(struct detector_line *l, uint32_t capacity) NODISCARD;
void detector_line_close(struct detector_line *l);
/* By the spec; an unchanged one continues. Returns 0, or -ENOMEM without a detector. */
int detector_set(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* The flow closes: reports a digit in progress. */
void detector_leave(struct worker *w, struct flow *f);
/* Of its timer: nothing came for a while. */
void detector_expire(struct worker *w, struct flow *f);
/* RTP of the flow's party, in plain text. */
void detector_receive(struct worker *w, const struct flow *f, const struct pkt *p);
/* A slice of the work of those in line. */
void detector_turn(struct worker *w);

/* A detector is in line: the worker does not sleep. */
static inline bool detector_is_queued(const struct detector_line *l)
{
	return l->line.first != NULL;
}

#endif
