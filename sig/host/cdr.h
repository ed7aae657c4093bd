/* SPDX-License-Identifier: Apache-2.0 */
/* Call detail record: one for each pair of parties that a call had. The first one has the call's
 * id. A value. */
#ifndef SIG_HOST_CDR_H
#define SIG_HOST_CDR_H

#include <stddef.h>
#include <stdint.h>

#include "media/flow.h"

enum call_ended_by { ENDED_BY_A, ENDED_BY_B, ENDED_BY_NODE, ENDED_BY_OPERATOR };

/* Audio quality (media/quality.h): the codec that the party sent, and MOS in hundredths, 0:
 * unknown. */
struct cdr_sound {
	char codec[16];
	uint16_t mos_in, mos_out; /* of the audio from the party; of that to it, by its RTCP */
};

/* Of one call. */
enum {
	CDR_PAIRS_MAX = 17,
	CALL_DATA_MAX = 256,
	CALL_NAME_MAX = 64,
	CALL_ACCOUNT_MAX = 33,
	CALL_FLOW_MAX = 65,
	CALL_PATH_MAX = 192,
	CALL_MISSED_MAX = 160,
};

/* Each ends with a NUL; "": none. */
struct call_facts {
#define CALL_FACT(member, size, from, name, help) char member[size];
#include "sig/host/call_facts.def"
#undef CALL_FACT
};
struct call_fact {
	const char *name; /* NULL: the last one */
	size_t at;        /* in struct call_facts */
};
extern const struct call_fact call_facts[];

struct cdr {
	uint64_t call;
	uint8_t pair, pairs; /* which one of how many; of a call with one both may be 0 */
	char tenant[32];
	char from[64], to[64];   /* user parts */
	char sip_call_id[128];   /* leg A's Call-ID, cut to fit: joins with captures */
	uint64_t setup_utc_ms;   /* INVITE came, or the pair before it parted */
	uint64_t ringing_utc_ms; /* 0: never */
	uint64_t answer_utc_ms;  /* 0: never answered */
	uint64_t end_utc_ms;
	uint16_t sip_status; /* final status of the INVITE towards the caller: 200, 486... */
	uint16_t q850;       /* RFC 3326 / Q.850 cause: 16 normal, 17 busy... */
	enum call_ended_by ended_by;
	char reason[64];                   /* constant sentence */
	char forwarded_to[64];             /* where the call went on to at last; "": nowhere else */
	char from_trunk[32], to_trunk[32]; /* of the parties; "": a phone */
	struct call_facts facts;
	uint8_t forwarded;   /* enum plan_why: for that reason */
	uint8_t lines;       /* enum offer_lines: lines other than audio and video */
	uint64_t room;       /* the conference that it was in; 0: none */
	uint64_t recordings; /* 1 << number: what was recorded of it (sig/model/recording.h) */
	uint8_t audio;       /* the sides with counters of audio: 1 a, 2 b */
	/* a: the audio line; b: another one except video; zero without media */
	struct flow_stats a, b;
	struct cdr_sound a_sound, b_sound;
};

/* Why a call ended: one table makes enum, sentence and cause code. Numbers are stored in records:
 * append only. */

/* id, Q.850 cause (0: follows from the SIP status), sentence */
#define CALL_CAUSES(X)                                          \
	X(NONE, 0, "")                                          \
	X(HANGUP, 16, "hung up")                                \
	X(CANCELLED, 16, "cancelled by the caller")             \
	X(REFUSED, 0, "refused by the callee")                  \
	X(NO_ANSWER, 19, "no answer")                           \
	X(NO_RESPONSE, 18, "no response from the callee")       \
	X(UNREACHABLE, 18, "callee cannot be reached")          \
	X(NO_ACK, 102, "answer was never acknowledged")         \
	X(SESSION, 88, "session descriptions do not agree")     \
	X(PROTOCOL, 111, "protocol error")                      \
	X(MEDIA, 47, "media could not be opened")               \
	X(RESOURCES, 47, "out of resources")                    \
	X(OPERATOR, 0, "ended by the operator")                 \
	X(LOST, 31, "dialog was lost by a party")               \
	X(MEDIA_TIMEOUT, 102, "media_timeout")                  \
	X(SESSION_EXPIRED, 102, "session was not refreshed")    \
	X(NOT_CONTINUED, 41, "could not go on after a restart") \
	X(TRANSFERRED, 16, "transferred")                       \
	X(SET, 16, "feature code: set")                         \
	X(NOT_SET, 29, "feature code: not set")                 \
	X(SPLIT, 16, "split")                                   \
	X(TOLL, 21, "minutes outside are used up for today")    \
	X(ACCOUNT, 16, "account code while it was recorded")

enum call_cause {
#define X(id, q850, text) CAUSE_##id,
	CALL_CAUSES(X)
#undef X
		CALL_CAUSE_COUNT
};

const char *call_cause_text(enum call_cause cause);
/* status: of the final response to the INVITE */
uint16_t call_cause_q850(enum call_cause cause, uint16_t status);

#endif
