/* SPDX-License-Identifier: Apache-2.0 */
/* Offer and answer of a phone (RFC 3264). */
#ifndef TESTS_SIM_PHONE_SDP_H
#define TESTS_SIM_PHONE_SDP_H

#include "base/bytes.h"
#include "tests/sim/phone_web.h"

struct sim;
struct sip_message;
struct phone_call;

enum { PHONE_SDP_MAX = 1536 };

struct phone_sdp {
	uint32_t id, version;
	uint16_t port;
	uint8_t codecs; /* which list it offers */
	bool hold;      /* we want to hear nothing */
	bool held;      /* ... and offered that once: what came of it is not followed */
	bool secret;    /* what we said last is SRTP */
	bool video;     /* what we said last has a line of it */
	bool video_secret;
	uint16_t video_port; /* 0: refused */
	char key[41];        /* base64 of key and salt */
	char crypto[64];     /* tag and suite */
	bool offered;        /* ours is open */
	bool agreed;
	bool sends, receives;
	/* of the node towards this phone */
	uint64_t node_id, node_version;
	uint32_t node_hash;
	struct phone_web web;
};

/* Our offer, a new version. */
const char *phone_sdp_offer(struct phone_call *c, char out[PHONE_SDP_MAX]);
const char *phone_sdp_answer(struct phone_call *c, struct bytes offer, char out[PHONE_SDP_MAX]);
/* It has one of the codecs that it is offered. */
bool phone_sdp_takes(const struct phone_call *c, struct bytes offer);
/* It understands what the node says of recording (RFC 7866). */
bool phone_sdp_is_aware(const struct sim *s, const struct phone_call *c);
/* What the node sent us: it must make sense after what was there before. */
void phone_sdp_hear(struct sim *s, struct phone_call *c, struct bytes sdp);
/* The session of a message, beside whatever else its body has. */
struct bytes phone_sdp_of(const struct sip_message *m);

#endif
