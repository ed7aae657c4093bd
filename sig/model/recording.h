/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is recorded of a call: values of its record, so that whoever goes on with the call goes on with its recordings. A recording is of
 * one leg: what its party says, and what it hears. Its name is CALL-NUMBER. Each process that has the call writes a segment of its own.
 */
#ifndef SIG_MODEL_RECORDING_H
#define SIG_MODEL_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "media/offer/offer.h"
#include "sig/host/cdr.h"
#include "sig/host/effect.h"
#include "sig/model/siprec.h"

enum {
	RECORDINGS_LIVE_MAX = 2,   /* of a call: one of each party */
	RECORDING_NUMBER_MAX = 63, /* a bit each in a CDR */
	RECORDING_FACTS_MAX = 1024,
	RECORDING_ACCOUNT_MAX = 64, /* of the account code behind them */
};

enum recording_cause {
	RECORDING_BY_POLICY, /* of the extension, or of the trunk */
	RECORDING_BY_COMMAND,
	RECORDING_MESSAGE, /* what an application asked a party to say (sig/call/act.h) */
	RECORDING_BY_CODE, /* of its party (sig/call/keys.h) */
	RECORDING_BY_PAGE, /* of its party's extension (sig/shard/shard_page.c) */
	RECORDING_CAUSES,
};

struct recording {
	uint8_t number; /* 1 to RECORDING_NUMBER_MAX, each once in a call */
	uint8_t leg;
	uint8_t cause; /* enum recording_cause */
	uint8_t to;    /* enum record_to */
	bool paused;
	uint16_t segment;      /* of files: that the process which saved this wrote; 0: none yet */
	uint64_t begun_utc_ms; /* as the record's other times */
	uint64_t tone_utc_ms;  /* likewise: when its first tone was due, since it was paused last */
	struct text
		facts; /* of when it began, as members of a JSON object; each segment has them */
	/* What the recorder of this process was told; not part of a record. */
	bool told, told_paused;
	char told_account[CALL_ACCOUNT_MAX]; /* the call's account code, among the facts */
	uint64_t tone_ns;      /* the engine: a tone of these was due then; 0: not yet */
	struct siprec *siprec; /* of an external recorder; NULL: it was not asked yet */
};

struct recordings {
	uint8_t last; /* number of the newest one */
	uint8_t count;
	struct recording list[RECORDINGS_LIVE_MAX]; /* in the order of their numbers */
	uint64_t of_pair;                           /* 1 << number: those of the pair's CDR */
};

/* NULL: none. Each takes recordings NULL for none at all. */
struct recording *recording_of_leg(struct recordings *r, uint8_t leg);
struct recording *recording_by_number(struct recordings *r, uint8_t number);
/* The number that the flows of the leg are copied for, into a file; 0: none, or it is paused. */
uint8_t recording_tap(const struct recordings *r, uint8_t leg);
/* A tone may say so: something is written of it, and it is no message, which its party knows of. */
bool recording_is_open(const struct recording *r);
/* One of them does (enum record_to). */
bool recordings_go_to(const struct recordings *r, uint8_t to);
/* One of them was begun so. */
bool recordings_by(const struct recordings *r, enum recording_cause cause);
/* Nothing that is said or pressed now may be kept. */
bool recordings_pause(const struct recordings *r);
/* What parties are told of their sound (RFC 7866 7.1.2): files are written, or an external recorder has taken it. Of messages, which
 * their party knows of, nothing. */
enum offer_record recordings_say(const struct recordings *r);
/* The next one. NULL: there are as many as there may be, or no memory; *r is made when it is NULL. */
struct recording *recording_add(struct recordings **r, uint8_t leg, enum recording_cause cause);
void recording_remove(struct recordings *r, struct recording *which);
void recordings_clear(struct recordings **r);
/* "policy", "command", "message", "code", "page". */
const char *recording_cause_name(enum recording_cause cause);
/* "files", "siprec". */
const char *recording_place_name(uint8_t to);

#endif
