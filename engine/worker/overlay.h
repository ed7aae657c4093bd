/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tone within what a party hears (flow_spec.overlay): each 15 seconds, to tell that it is
 * recorded. From shortly before it until shortly after, packets for the party are decoded, the tone
 * is added, and they are encoded again in the same codec, under the same number and timestamp. So
 * the stream has no seam that a record or a receiver would have to know of. Between two tones
 * packets are ordinary ones.
 *
 * Some time before the tone packets pass, and are also coded without effect: encoder and decoder
 * then match those of the parties. Coding continues for a while after it, so that the party's
 * decoder settles. Codecs are opened by command, all that the party takes: nothing is allocated for
 * a packet.
 *
 * The worker's thread. Work is done in slices as for transcoders (worker.h).
 */
#ifndef ENGINE_WORKER_OVERLAY_H
#define ENGINE_WORKER_OVERLAY_H

#include "base/wheel.h"
#include "dsp/codec/codec.h"
#include "dsp/limiter.h"
#include "engine/net/packet.h"
#include "engine/worker/job.h"
#include "media/flow.h"

struct decoder;
struct encoder;
struct flow;
struct made_rtp;
struct pkt;
struct worker;

enum {
	OVERLAY_PACKETS_MAX = 8, /* that wait; one more passes without the tone */
	OVERLAY_OCTETS_MAX = 1500,
	OVERLAY_LEAD_MS = 100,     /* before a tone, and behind it */
	OVERLAY_LATE_MS = 1000,    /* a tone that should have begun before is left out */
	OVERLAY_PACKET_MS = 20,    /* of what is made */
	OVERLAY_SLICE_NS = 150000, /* as TRANSCODER_SLICE_NS */
	OVERLAY_HZ_MAX = 4000,
	OVERLAY_QUIET_MS = 90, /* without a packet for the party: some come 60 ms apart */
};

enum overlay_phase {
	OVERLAY_RESTS,
	OVERLAY_LEADS,
	OVERLAY_SOUNDS,
	OVERLAY_TRAILS,
};

/* RTP that waits, as it would leave. */
struct overlay_packet {
	uint16_t length, payload_at;
	uint8_t silent;    /* it has left, before the tone */
	uint8_t numbering; /* of the flow, as it was */
	uint8_t octets[OVERLAY_OCTETS_MAX];
};

/* One codec of an overlay. */
struct overlay_voice {
	uint8_t codec;
	struct decoder *decoder;
	struct encoder *encoder;
	uint32_t rate, clock_hz;
	uint32_t frame; /* samples that the encoder takes at a time; 0: as many as the packet has */
	uint32_t cost_ns; /* of 20 ms, about */
};

struct overlay {
	struct job_place place;
	uint32_t slot; /* of the listening flow */
	struct media_overlay spec;
	uint8_t accepted_count;
	struct media_accepted accepted[MEDIA_ACCEPTED_MAX];
	struct wheel_timer timer;
	enum overlay_phase phase;
	uint64_t due_ns;      /* by the spec: of this tone, or the next one */
	uint64_t begun_ns;    /* it sounds since */
	uint64_t received_ns; /* a packet for the party came, or one is waited for since */
	bool based;           /* the next two are valid */
	uint32_t base;        /* timestamp of the tone's first sample */
	uint32_t base_hz;
	uint16_t made_sequence; /* of the last packet that was made, valid with makes */
	bool makes;
	uint16_t made_ms; /* of the tone, at the next tick */
	struct limiter limiter;
	/* NULL: the party does not take the codec, or it is not available. */
	struct overlay_voice *voices[MEDIA_CODECS];
	struct overlay_voice *voice; /* of this tone; NULL: nothing came yet */
	uint32_t first, count;       /* packets that wait for the voice */
	struct overlay_packet packets[OVERLAY_PACKETS_MAX];
};

/* Of one worker. */
struct overlay_line {
	struct overlay **of; /* by slot of the flow; valid where flow.has_overlay */
	struct job_line line;
	uint32_t open;
	uint32_t sounding; /* not at rest */
	int16_t pcm[CODEC_SAMPLES_MAX];
	uint8_t octets[OVERLAY_OCTETS_MAX];
};

/* Slots of flows. 0 or -ENOMEM. */
int overlay_line_open(struct overlay_line *l, uint32_t capacity) NODISCARD;
void overlay_line_close(struct overlay_line *l);
/* NULL: no overlay. */
struct overlay *overlay_of(const struct worker *w, const struct flow *f);
/* By the spec; an unchanged one continues. Returns 0, or -EINVAL or -ENOMEM without an overlay. */
int overlay_set(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* What waits leaves at once. Between two received batches only. */
void overlay_drain(struct worker *w, struct flow *f);
/* The flow closes: what waits is lost. */
void overlay_leave(struct worker *w, struct flow *f);
/* Of its timer. */
void overlay_expire(struct worker *w, struct flow *f);

/* Audio relayed to the party of p->peer while a tone is due: it waits for its turn, or passes. */
enum verdict overlay_receive(struct worker *w, struct pkt *p);
/* What is made for the party is to have the tone in it: the payload changes. */
void overlay_mix_made(struct worker *w, struct flow *f, struct made_rtp *rtp);
/* Samples sent to the party under that timestamp of that clock, before they are encoded. */
struct overlay_samples {
	int16_t *pcm;
	uint32_t n, rate, clock_hz;
};
void overlay_add(struct worker *w, struct flow *f, uint32_t timestamp, struct overlay_samples s);
/* A slice of the work of those in line. */
void overlay_turn(struct worker *w);

/* An overlay is in line: the worker does not sleep. */
static inline bool overlay_is_queued(const struct overlay_line *l)
{
	return l->line.first != NULL;
}

#endif
