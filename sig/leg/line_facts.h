/* SPDX-License-Identifier: Apache-2.0 */
/* What one party of a call states in an m-line of the session in force, and what it was told. Read
 * from the SDP; no keys. */
#ifndef SIG_LEG_LINE_FACTS_H
#define SIG_LEG_LINE_FACTS_H

#include "media/codec.h"
#include "media/flow.h"
#include "sig/host/destination.h"
#include "sig/model/call.h"

struct call;

enum { LINE_CODEC_MAX = 16, LINE_SUITE_MAX = 40, LINE_PROTO_MAX = 24 };

struct line_codec {
	uint8_t number;
	char name[LINE_CODEC_MAX]; /* encoding name */
	uint32_t clock_hz;
};

struct line_facts {
	/* of c= and m=, as the party wrote them; ADDR_NONE: none that can be sent to */
	struct addr address;
	struct addr origin;         /* of o=, port 0; ADDR_NONE: a name */
	uint8_t sends, receives;    /* as in its SDP, RFC 8866 6.7 */
	char proto[LINE_PROTO_MAX]; /* the third field of m=: RTP/AVP, udptl */
	bool secure;                /* its RTP shall be SRTP */
	char suite[LINE_SUITE_MAX]; /* crypto-suite of SDES (RFC 4568); "": none */
	/* a=ptime sent to it: the packet length requested; 0: absent */
	uint16_t packet_ms;
	uint8_t codec_count;
	struct line_codec codecs[PAYLOAD_RULES_MAX]; /* the types that it may send with */
};

/* False: nothing is agreed, or the line is not in it. */
bool line_facts_read(const struct call *c, uint8_t leg, uint8_t line, struct line_facts *out);
/* NULL: it may not send this type. */
const struct line_codec *line_codec_find(const struct line_facts *f, uint8_t payload_type);

/* Codecs of an m-line that we know, and may say to the party. Read from the texts. */

struct leg;
struct media_plan;
struct media_side;

/* In the party's own order; what we did not say to it, it need not take. How many. */
uint8_t line_codecs(const struct leg *l, uint8_t line,
		    struct media_accepted out[PAYLOAD_RULES_MAX]);

/* The media address of a party: as sig/host/destination.h permits of the addresses that it named,
 * in SIP and in SDP. A phone's media goes to its signalling host. Other hosts may be named by a
 * trusted party, by an extension with that permission (media_address: sdp), and by a party that
 * proves with its keys afterwards that it is there (SRTP, DTLS). ICE is proof by itself. */

/* The destination and source of its media: fills remote_rtp, remote_rtcp and unproven of the
 * spec. */
void place_spec(const struct call_host *h, const struct leg *l, const struct media_side *own,
		struct flow_spec *s);
/* What the leg's SDP says of its lines (first: side a, else side b). NULL, or why it is refused. */
const char *place_refusal(const struct call_host *h, const struct leg *l,
			  const struct media_plan *plan, bool first);

#endif
