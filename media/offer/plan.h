/* SPDX-License-Identifier: Apache-2.0 */
/* What both parties of an offer and its answer have agreed on, line by line. */
#ifndef MEDIA_OFFER_PLAN_H
#define MEDIA_OFFER_PLAN_H

#include "media/flow.h"

/* One party of one m-line after the answer. */
struct media_side {
	struct addr rtp, rtcp; /* the party's signalled addresses; ADDR_NONE: not signalled */
	/* By the party's SDP: a=sendrecv is 1,1; sendonly 1,0; with c=0.0.0.0 receives is 0. */
	uint8_t sends, receives;
	uint8_t mux;      /* rtcp-mux agreed with this party, or the line has no RTCP */
	uint8_t event_pt; /* its type for telephone-events; PAYLOAD_NONE: it takes no events */
	uint32_t event_clock_hz;
	struct media_key key_in;  /* of what this party sends; suite NONE: plain */
	struct media_key key_out; /* with what we send to it */
	/* enum media_dtls_role: ours with this party. If not NONE, both keys are NONE here and come
	 * by the handshake. A changed role is another association (RFC 8842 5.1). */
	uint8_t dtls;
	/* 1: ICE checks tell the party's address, not rtp and rtcp. 0: also if it is lite
	 * itself. */
	uint8_t ice;
	/* Index of the line with the transport of this one (RFC 9143); address, role, certificate
	 * and ICE are copies of that line's. Its own index: not shared, and so always after
	 * offer_inspect. */
	uint8_t bundle;
	/* The party's id of urn:ietf:params:rtp-hdrext:sdes:mid. 0: not used, and payload types of
	 * lines with one transport are distinct, unless the party brought equal ones and no id. */
	uint8_t mid_extension;
	/* The id of the party's packet numbers, one count for all lines of its transport
	 * (media/rtp/transport_cc.h); 0: not used, or it wants no feedback. */
	uint8_t cc_extension;
	/* The id of the party's audio level extension (RFC 6464); 0: not used, or not agreed. */
	uint8_t level_extension;
	/* Of video: layers that this party sends and we accepted; `count` 0: no layers. */
	struct media_layers layers;
	uint32_t kbps; /* of video: most that this party takes (b=); 0: not given */
	uint8_t nack;  /* 1: generic NACK of video is agreed with this party (RFC 4585 6.2.1) */
	uint8_t fir;   /* 1: so is FIR, and no PLI (RFC 5104 4.3.1) */
	struct media_fingerprint fingerprint; /* of the party's certificate */
	/* Hash of the party's ufrag and password; changes by an ICE restart (RFC 8839
	 * 4.4.1.1.1). */
	uint64_t ice_name;
	uint8_t mid_length;
	char mid[16]; /* of this line in the party's SDP; length 0: absent, or too long */
	uint8_t accepted_count;
	/* Audio that this party takes, in its order: codecs the node speaks, then those it codes.
	 * Video: formats of media/rtp/video.h. */
	struct media_accepted accepted[MEDIA_ACCEPTED_MAX];
	uint8_t rule_count;
	/* Types this party may send, and how the other receives them; empty for an opaque line. */
	struct payload_rule rules[PAYLOAD_RULES_MAX];
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];         /* of each rule, as of struct flow_spec */
	struct media_coding codings[MEDIA_CODINGS_MAX]; /* that rules name; those behind are zero */
};

struct media_line {
	enum media_kind kind;
	uint8_t active; /* 0: refused by one side (port 0) */
	uint8_t lines;  /* enum offer_lines: the word it needs; NONE: audio or video */
	struct media_side a, b;
};

struct media_plan {
	uint8_t line_count; /* m-lines of the SDP in line[]: the first MEDIA_LINES_MAX */
	struct media_line line[MEDIA_LINES_MAX];
};

#endif
