/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder is told: SDP (RFC 7866 7.1.1) and metadata (RFC 7865 9) in one body of two parts;
 * and how its answer is read. Pure: texts of others are escaped so that they can stand there. */
#ifndef SIG_PBX_RECORDING_SIPREC_BODY_H
#define SIG_PBX_RECORDING_SIPREC_BODY_H

#include "media/fork.h"
#include "media/sdp/sdp.h"
#include "sig/model/call.h"
#include "sig/model/recording.h"

/* A party that is the source of a stream. */
struct siprec_party {
	bool there;         /* else its stream is inactive, without a party */
	bool speaks;        /* what it says may be recorded now */
	uint8_t id;         /* among those of the call */
	struct bytes user;  /* number, or whatever it is */
	struct bytes host;  /* of its address of record; IPv6 without brackets */
	struct bytes name;  /* as shown; empty: none */
	struct bytes local; /* SDP that it has of us: what it sends has these payload types */
	uint8_t line;       /* its m-line of sound there */
	uint64_t since_utc_ms;
};

struct siprec_talk {
	uint64_t call;
	uint8_t number; /* of the recording */
	uint64_t begun_utc_ms;
	const struct addr *address; /* where media of ours is, without a port */
	uint16_t port[FORK_STREAMS];
	bool held[FORK_STREAMS];      /* the recorder takes nothing now */
	const struct media_key *keys; /* FORK_STREAMS; NULL: plain */
	uint64_t session_id;
	uint32_t version;
	struct siprec_party party[FORK_STREAMS]; /* in the order of labels and m-lines */
};

/* Content-Type of the body, with its boundary. */
void siprec_write_type(struct writer *w, const struct siprec_talk *t);
/* w->overflow: it is too long. */
void siprec_write_body(struct writer *w, const struct siprec_talk *t);
/* The same of one part. */
void siprec_write_sdp(struct writer *w, const struct siprec_talk *t);
void siprec_write_metadata(struct writer *w, const struct siprec_talk *t);

/* Where the recorder accepts the streams: address, port and payload types of each that is on.
 * Returns 0; -EBADMSG: not an answer to our offer; -ENOTSUP: no usable stream, or no SRTP though
 * offered; -ENOENT: it accepts neither stream. *reason says so in words. */
int siprec_read_answer(struct media_fork *out, struct bytes sdp, bool secure,
		       const char **reason) NODISCARD;

/* ---- what a recorder is to know of a call, read from it as it is ---- */

enum { SIPREC_NAME_MAX = 128 };

/* Names without the escapes of their headers. */
struct siprec_words {
	char name[FORK_STREAMS][SIPREC_NAME_MAX];
};

/* Slices of the call and of *words. The recording has its session, with ports. */
void siprec_talk_read(struct siprec_talk *out, struct siprec_words *words,
		      const struct call_host *h, const struct call *c, const struct recording *r);
/* Covers all that the recorder is told except times and the version: a changed hash means a
 * re-INVITE. Never 0. */
uint64_t siprec_talk_hash(struct call_host *h, const struct call *c, const struct recording *r);

#endif
