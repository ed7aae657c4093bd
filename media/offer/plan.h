/* SPDX-License-Identifier: Apache-2.0 */
/* What both parties of an offer and its answer have agreed on, line by line. */
#ifndef MEDIA_OFFER_PLAN_H
#define MEDIA_OFFER_PLAN_H

#include "media/flow.h"

/* One party of one m-line after the answer. */
struct media_side {
	struct addr rtp, rtcp; /* the party's signalled addresses; ADDR_NONE where it gave none */
	uint8_t sends,
		receives; /* what the party said: a=sendrecv is 1,1; sendonly 1,0; c=0.0.0.0: receives 0 */
	uint8_t mux;      /* rtcp-mux agreed with this party, or the line has no RTCP */
	uint8_t event_pt; /* under which this party takes telephone-events; PAYLOAD_NONE: it does not */
	uint32_t event_clock_hz;
	struct media_key key_in;  /* with what this party sends; suite NONE: plain */
	struct media_key key_out; /* with what we send to it */
	uint8_t dtls; /* enum media_dtls_role: ours with this party. Not NONE: both keys are NONE here and come by the handshake. Another
		       * one than before is another association (RFC 8842 5.1) */
	uint8_t ice; /* 1: rtp and rtcp of the party are not to be believed, its checks are. A party that is lite itself has 0 */
	uint8_t bundle; /* index of the line whose transport carries this one (RFC 9143), and whose addresses, role, certificate and ICE
			 * this one repeats; its own: none else's. Of offer_inspect always its own */
	uint8_t mid_extension; /* id that the party uses for urn:ietf:params:rtp-hdrext:sdes:mid. 0: none, and payload types of lines that share a
				* transport are distinct, unless the party brought equal ones and no id */
	uint8_t cc_extension; /* id under which the party numbers its packets, all lines of its transport together (media/rtp/transport_cc.h); 0: it does
			       * not, or wants to hear nothing of it */
	uint8_t level_extension; /* id under which the party says how loud its sound is (RFC 6464); 0: it does not, or nobody agreed to it */
	struct media_layers
		layers; /* of video: that this party sends, and we said we take; `count` 0: none */
	uint32_t kbps;  /* of video: most that this party would have (b=); 0: it does not say */
	uint8_t nack;   /* 1: generic NACK of video is agreed with this party (RFC 4585 6.2.1) */
	uint8_t fir;    /* 1: so is FIR, and no PLI (RFC 5104 4.3.1) */
	struct media_fingerprint fingerprint; /* of the party's certificate */
	uint64_t
		ice_name; /* a hash of the party's ufrag and password: another one is an ICE restart (RFC 8839 4.4.1.1.1) */
	uint8_t mid_length;
	char mid[16]; /* of this line with this party, in what the party said; length 0: none, or a longer one */
	uint8_t accepted_count;
	struct media_accepted accepted
		[MEDIA_ACCEPTED_MAX]; /* audio that this party takes, in its order: what the node speaks, then what it codes. Video: formats of media/rtp/video.h */
	uint8_t rule_count;
	struct payload_rule rules
		[PAYLOAD_RULES_MAX]; /* types this party may send, and as what the other receives them; none of an opaque line */
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];         /* of each rule, as of struct flow_spec */
	struct media_coding codings[MEDIA_CODINGS_MAX]; /* that rules name; those behind are zero */
};

struct media_line {
	enum media_kind kind;
	uint8_t active; /* 0: refused by one side (port 0) */
	uint8_t lines;  /* enum offer_lines: the word that it needs; NONE: audio or video */
	struct media_side a, b;
};

struct media_plan {
	uint8_t line_count; /* m-lines of the SDP that line[] tells about: the first MEDIA_LINES_MAX */
	struct media_line line[MEDIA_LINES_MAX];
};

#endif
