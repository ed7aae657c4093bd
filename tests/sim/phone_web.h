/* SPDX-License-Identifier: Apache-2.0 */
/* A browser's media: SDP with ICE, DTLS and BUNDLE (RFC 8829), and what it knows of the handshake. */
#ifndef TESTS_SIM_PHONE_WEB_H
#define TESTS_SIM_PHONE_WEB_H

#include "media/flow.h"

struct sim;
struct phone_call;

struct phone_web {
	uint8_t restarts;                   /* of ICE: other credentials */
	uint8_t certificate;                /* another one: a new association */
	char node_ufrag[ICE_UFRAG_LEN + 1]; /* where its checks go to */
	bool begun; /* it has said its last flight of the handshake: no other end can go on with it */
	bool done;            /* it heard ours */
	struct media_key key; /* of what it hears */
};

/* video: the port that is said of it, 0 where it is refused. */
const char *phone_web_write(const struct phone_call *c, const char *types, const char *dir,
			    bool answers, char *out, size_t cap);
void phone_web_hear(struct sim *s, struct phone_call *c, struct bytes sdp);
/* Another address, or another page: with other credentials, and another certificate. */
void phone_web_restart(struct sim *s, struct phone_call *c, bool anew);

/* ---- what the engine meets there ---- */
/* Whose checks have that name; NULL: nobody's yet. */
struct phone_call *phone_web_find(struct sim *s, const char ufrag[ICE_UFRAG_LEN]);
/* A handshake; the flight with which it ends waits. False: it is in another one that cannot go on. */
bool phone_web_begin(struct phone_call *c, const struct media_key *key);
void phone_web_finish(struct sim *s, struct phone_call *c, const struct media_key *key);
/* A kill took the keys before they were saved: it waits in vain. */
bool phone_web_is_stuck(const struct phone_call *c);

#endif
