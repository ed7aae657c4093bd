/* SPDX-License-Identifier: Apache-2.0 */
/* Where a party of a call is, if it does not simply speak with the other one: what the doctor and call.why tell of it. A value. */
#ifndef SIG_SHARD_PARTY_PLACE_H
#define SIG_SHARD_PARTY_PLACE_H

#include <stdbool.h>
#include <stdint.h>

enum party_place_kind {
	PARTY_TALKS,
	PARTY_WAITS, /* an application is asked for it, and has not answered */
	PARTY_ALONE, /* answered by tandem; no other party, and nothing is played */
	PARTY_PLAYED, /* a command plays to it, awaits DTMF digits of it, or records a message of it */
	PARTY_STREAMED, /* it is with an application by live audio */
	PARTY_ECHOED,   /* it hears itself */
	PARTY_PARKED,
	PARTY_CONFERS,
	PARTY_PARTS, /* nobody takes the call: it hears a tone until it hangs up */
};

enum { PARTY_NAME_MAX = 80 };

struct party_place {
	enum party_place_kind kind;
	bool sounds; /* there is something of the node that it is to hear, in a codec that it takes */
	bool collects, records, paused;     /* played */
	bool muted, deaf, held, waits_host; /* confers */
	uint8_t file, file_count;           /* played: which one of how many, from 1 on */
	uint16_t others;                    /* confers: in the conference beside it */
	uint64_t room;                      /* confers */
	char application[PARTY_NAME_MAX];   /* that has the call; "": none */
	char name[PARTY_NAME_MAX];          /* of the file, endpoint, slot or number; "": none */
};

#endif
