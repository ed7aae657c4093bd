/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load: its calls, two endpoints each, and what became of their packets. One thread. An endpoint's far one has its index with the
 * last bit changed. All times are of the monotonic clock.
 */
#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

#include "bench/load/latency.h"
#include "bench/load/options.h"
#include "bench/load/srtp.h"
#include "bench/load/webrtc.h"
#include "bench/load/wire.h"

enum {
	LOAD_MAGIC = 0x52544c44,
	LOAD_WINDOW = 1024, /* packets: later ones are told from duplicates within this many */
};

/* The first bytes of the payload, host order: only we read them. A pattern follows. */
struct load_stamp {
	uint32_t magic, stream, number, timestamp;
	uint64_t sent_ns;
};

struct load_endpoint {
	int fd;
	struct load_srtp *srtp;                               /* NULL: plain */
	struct load_webrtc *webrtc;                           /* NULL: another party */
	uint8_t packet[LOAD_PACKET_MAX];                      /* of the stream we send, in clear */
	uint8_t (*wire)[LOAD_PACKET_MAX + LOAD_SRTP_TRAILER]; /* a frame on its way */
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t sent, frames;
	/* of the stream we receive */
	bool heard;
	uint64_t received_ns; /* or when the load began */
	uint64_t
		gap_ns; /* the longest time between two packets, after the warm-up; see load_gap_ns */
	uint32_t ssrc;
	uint16_t sequence_delta; /* sequence - number: constant through a faithful relay */
	uint32_t timestamp_delta;
	uint32_t next; /* number after the highest received */
	uint64_t seen[LOAD_WINDOW / 64];
	int64_t transit_ns;
	double jitter_ns;
};

/* Packets. */
struct load_totals {
	uint64_t missed; /* of speech: numbers that did not come */
	uint64_t sent, received, duplicated, reordered, corrupted, misrouted;
	uint64_t srtp_refused, rtcp, rtcp_foreign;
	uint64_t ssrc_changes, sequence_jumps, timestamp_jumps;
	struct load_latency latency;
	uint64_t lag_max_ns; /* of the sender behind its schedule */
};

struct load {
	struct load_options options;
	struct load_wire *wire;
	struct load_endpoint *list;
	uint32_t count;
	uint32_t webrtc; /* parties */
	uint64_t start_ns, told_ns;
	uint64_t sent_ns; /* when the last frame was sent, no more follows; 0: not yet */
	uint64_t warm_ns; /* delays of packets sent before are not counted */
	struct load_totals t;
};

/* Fills the list from lines as rtpload.c describes them, with open sockets. The load fails where one is wrong. */
void load_calls_read(struct load *l, FILE *in);
/* The endpoint's next frame, by the wire; nothing before both of the call can hear. */
void load_frame_send(struct load *l, uint32_t index, uint64_t now_ns);
/* Judges a packet that came for the endpoint, and counts it. A load_receive: context is the load. */
void load_check(void *context, uint32_t index, uint8_t *p, size_t n, uint64_t now_ns);
/* The longest time, after the warm-up, for which the endpoint heard nothing: until now, if it does not. */
uint64_t load_gap_ns(const struct load *l, const struct load_endpoint *e, uint64_t now_ns);
/* One JSON object in one line on stdout. */
void load_report(const struct load *l, uint64_t now_ns);

#endif
