/* SPDX-License-Identifier: Apache-2.0 */
/* A port of ours that faces one party. */
#ifndef SIG_MODEL_FLOW_H
#define SIG_MODEL_FLOW_H

#include "media/flow.h"
#include "sig/host/host.h"

/* What a flow needs to be SRTP (RFC 4568): our key, and the indexes it may use (media/flow.h). */
struct flow_secret {
	struct media_key key; /* its suite is agreed, and not kept here */
	bool used;            /* the engine has it */
	struct {
		uint64_t first; /* index to begin with: nothing below it is used by this process */
		uint64_t limit; /* as in the record */
		uint64_t granted; /* as the engine knows: that record is saved */
	} rtp, rtcp;
};

/* One port of ours, facing one party. */
enum { FLOW_BEEN_AUDIO = 128 };

struct call_flow {
	struct flow_id id;
	uint16_t port; /* RTP */
	uint8_t leg, line, network;
	enum media_kind kind; /* as agreed last: a line may become another one (RFC 3264 8.3.3) */
	uint8_t been; /* what was agreed for it so far: enum offer_lines, and FLOW_BEEN_AUDIO */
	uint8_t event_pt; /* under which the party takes digits; PAYLOAD_NONE: by INFO, or as tones; follows from the texts */
	bool silent; /* the party was not heard for long while that was no reason to end the call */
	bool open;   /* the engine was told */
	bool closing;          /* ... and told to close it: only its last counters are awaited */
	bool counted_as_video; /* it is video, and agreed; of this process */
	uint8_t transcoded_to; /* what its party says the other one hears in that codec: enum media_codec and 1; 0: as it is; follows from the texts */
	struct media_overlay overlay; /* the tone that it was told of last */
	uint8_t tap;                  /* the recording that the engine copies it for; 0: none */
	bool tap_fork;                /* ... for an external recorder */
	uint8_t tap_live;             /* ... the application that hears it; 0: none */
	bool echoes;                  /* the engine was told that its party hears itself */
	bool waits;        /* ... that its party hears nothing until the music is there */
	bool hushed;       /* ... that nobody hears its party: an announcement is made */
	bool keys;         /* ... that keys of its party are not relayed: they may be a code */
	bool detects_dtmf; /* ... that DTMF digits of its party are tones, and are to be detected */
	bool moves;        /* it came from another call, and the engine is to be told */
	uint32_t ssrc_out;
	struct addr remote;        /* RTP address the party signalled; follows from the texts */
	struct flow_source source; /* what the engine was told last that the party hears */
	struct flow_member member; /* ... and of it, where that is a room, */
	uint64_t home;             /* by whose worker it goes; 0: that of the call */
	struct flow_resume resume;
	struct flow_secret *secret; /* NULL: it is never SRTP */
	struct flow_dtls *dtls;     /* NULL: its party is no WebRTC endpoint (flow_dtls.h) */
};

#endif
