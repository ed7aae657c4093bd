/* SPDX-License-Identifier: Apache-2.0 */
/* The recordings of a call: values of its record, so a successor of the call continues them. A
 * recording is of one leg: what its party sends, and what it hears. Its name is CALL-NUMBER. Each
 * process that has the call writes a segment of its own. */
#ifndef SIG_MODEL_RECORDING_H
#define SIG_MODEL_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "media/flow.h"
#include "media/fork.h"
#include "media/offer/terms.h"
#include "sig/dialog/dialog.h"
#include "sig/host/cdr.h"
#include "sig/host/effect.h"
#include "sig/host/txns.h"
#include "sig/model/leg.h"

struct call;
struct offer_record_state;

/* A recording session with an external recorder (RFC 7866): a dialog outside the legs of a call. It
 * is part of a recording, and recorded as far as a successor needs it. */

enum { SIPREC_PLACES_MAX = 16 };

/* Where a recorder is; of: which one of the settings. */
struct siprec_place {
	struct addr to;
	uint8_t of;
};

enum siprec_state {
	SIPREC_AWAY,  /* none: it is requested at retry_ns */
	SIPREC_ASKED, /* INVITE is under way */
	SIPREC_UP,    /* the recorder has it; a re-INVITE may be under way */
};

struct siprec {
	enum siprec_state state;
	struct dialog dialog;
	bool provisional; /* to its INVITE: CANCEL may be sent */
	bool lost;        /* the event of the recorder's refusal was sent */
	uint8_t tries;    /* in turn without success */
	uint8_t place;    /* which of these places, none of which is part of a record: */
	uint8_t place_count;
	struct siprec_place places[SIPREC_PLACES_MAX];
	uint8_t resolve; /* one more than the recorder being looked up; 0: none */
	uint64_t lookup; /* serial of what is looked up, until retry_ns at most; 0: nothing is */
	uint8_t failed;  /* so many did not take it in this round */
	/* of its INVITE, where there is another recorder; 0: as long as it takes */
	uint64_t answer_by_ns;
	uint64_t retry_ns;    /* nothing is asked for before; 0: at any time */
	pool_handle invite;   /* transaction of the open INVITE; 0: none is */
	uint32_t invite_cseq; /* of the last one, and */
	uint64_t ack_branch;  /* of its ACK */
	uint64_t session_id;  /* of its SDP, and */
	uint32_t version;
	uint64_t said; /* a hash of the last INVITE's body without its version; 0: none yet */
	challenge_tries challenged; /* of what is asked now */
	struct session_timer timer; /* of this process alone: a successor begins with a re-INVITE */
	uint64_t alive_ns;          /* when it is asked whether it is there; 0: not now */
	pool_handle alive;          /* transaction of that question; 0: none is under way */
	struct text unacked;        /* our 2xx to its INVITE, until ACK comes: */
	struct sip_hop unacked_hop;
	uint32_t unacked_cseq, interval_ms;
	uint64_t again_ns, unacked_until_ns; /* it is repeated, or given up */
	bool offered;                        /* it has an offer of ours: its ACK has the answer */
	uint8_t held;   /* streams that our last answer had as inactive or not at all */
	bool has_ports; /* these, of this network */
	uint8_t network;
	struct flow_id ports[FORK_STREAMS];
	struct media_key keys[FORK_STREAMS]; /* of this process alone */
	struct {
		uint8_t leg, line;
	} asked[FORK_STREAMS];    /* the parties of the last INVITE, stream by stream */
	struct media_fork answer; /* where the recorder takes them */
	struct media_fork fork;   /* what the node was told to send; forks: it was */
	bool forks;
	struct siprec_why {
		const char *reason; /* static text; NULL: nothing has failed */
		uint16_t status;    /* that the recorder refused with; 0: it gave none */
		uint8_t outcome;    /* enum siprec_outcome */
	} why;                      /* it has no session; of this process alone */
};

/* NULL: no memory. */
struct siprec *siprec_make(void);
/* Ports are given back before. NULL is fine. */
void siprec_free(struct siprec *s);
/* Nothing of the dialog is left; what was lost stays lost. */
void siprec_forget_dialog(struct siprec *s);

enum {
	RECORDINGS_LIVE_MAX = 2,   /* of a call: one of each party */
	RECORDING_NUMBER_MAX = 63, /* a bit each in a CDR */
	RECORDING_FACTS_MAX = 1024,
	RECORDING_ACCOUNT_MAX = 64, /* of the account code behind them */
};

enum recording_cause {
	RECORDING_BY_POLICY, /* of the extension, or of the trunk */
	RECORDING_BY_COMMAND,
	RECORDING_MESSAGE, /* what an application asked a party to say (sig/call/prompts.h) */
	RECORDING_BY_CODE, /* of its party (sig/call/call_digits.h) */
	RECORDING_BY_PAGE, /* of its party's extension (sig/feature/recording/control_page.c) */
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
	/* of when it began, as members of a JSON object; each segment has them */
	struct text facts;
	bool draft; /* of a message: its caller may still say what becomes of it */
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
/* Neither speech nor digits may be stored now. */
bool recordings_pause(const struct recordings *r);
/* What parties are told about recording of their audio (RFC 7866 7.1.2): files are written, or an
 * external recorder has accepted it. Not for messages, which their party knows of. */
enum offer_record recordings_say(const struct recordings *r);
/* The next one. Returns NULL at the limit, or without memory; *r is created if it is NULL. */
struct recording *recording_add(struct recordings **r, uint8_t leg, enum recording_cause cause);
void recording_remove(struct recordings *r, struct recording *which);
void recordings_clear(struct recordings **r);
/* For the CDR of the pair that parts: 1 << number. Those that go on are of the next pair, too. */
uint64_t recordings_detach_pair(struct call *c);
/* The same, of the pair that talks. */
uint64_t recordings_pair(const struct call *c);
/* What the party of the leg is told; other: the SDP of its peer, which may be recording, too
 * (7.3.1). */
struct offer_record_state aware_record_state(const struct call *c, uint8_t leg, struct bytes other);
/* The same by the last SDP of that party. */
struct offer_record_state aware_record_state_now(const struct call *c, uint8_t leg);
/* "policy", "command", "message", "code", "page". */
const char *recording_cause_name(enum recording_cause cause);
/* "files", "siprec". */
const char *recording_place_name(uint8_t to);

#endif
