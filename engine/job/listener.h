/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow whose party hears a job in place of its peer. What it gets goes on in the one stream that we send to the party, as a digit of
 * ours does: its SSRC, its next sequence number, a timestamp as far on as time is. When it hears its peer again that one's packets
 * begin a new run behind it (engine/flow/source.h).
 */
#ifndef ENGINE_JOB_LISTENER_H
#define ENGINE_JOB_LISTENER_H

#include "base/bytes.h"
#include "media/job.h"

struct worker;
struct flow;
struct flow_spec;

/* What a job says to who hears it. */
struct job_frame {
	struct bytes payload;
	uint32_t clock_hz, units; /* of RTP; from this packet to the next, mostly */
	uint32_t timestamp;       /* of the job's own time */
	uint8_t payload_type;     /* PAYLOAD_NONE: that of the listener */
	uint8_t marker;
};

/* Part of a flow; zero-initialised is "hears its peer". */
struct listener {
	uint32_t job;              /* slot + 1; 0: none. It is open: or it would have let go */
	uint32_t next, before;     /* of the same job: slot + 1; 0: none */
	uint32_t member;           /* of a room: its index + 1; 0: none */
	uint32_t timestamp_offset; /* out = of the job + offset; valid with begun */
	uint8_t payload_type;
	uint8_t video; /* 1: the member is video, as what it joined: the flow may be of another kind by now */
	uint8_t begun;  /* 1: its stream goes on from the last frame to the next */
	uint8_t marked; /* 1: the first packet has left, with a marker (RFC 3551 4.1) */
};

/* As the spec says; a job that is not there is none. 0, or why it is no member of the room that it names. */
int listener_set(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* It hears its peer again, or closes. */
void listener_leave(struct worker *w, struct flow *f);
/* Its packet of the job's present frame, unless its party is to get nothing now. True: one was made. */
bool listener_hear(struct worker *w, struct flow *f, const struct job_frame *frame);

#endif
