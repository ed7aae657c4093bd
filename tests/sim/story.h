/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories with a name: what phones, operators and the store do is written down, nothing is left to chance, and the node is killed once
 * behind each effect in turn, and once loses its shard there to another owner. All invariants hold, and where the story says who talks in
 * the end and what the CDRs say, neither changes anything of it. Behind some effects a phone moves to another network or to another node, or the shard goes to another node (story_harm.c). `sim --stories` tells them all, `sim --stories NAME` one.
 */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include "tests/sim/names.h"
#include "tests/sim/phone.h"

enum { STORY_STEPS_MAX = 12, STORY_PHONES = 5 };

/* Phones: one of each of four extensions, and a second one of B's. */
enum story_phone { A, B, C, D, B2 };
/* Extensions; NOBODY does not exist. */
enum story_extension {
	EXT_A,
	EXT_B,
	EXT_C,
	EXT_D,
	NOBODY,
	EXT_FACTORY = 899, /* none: whoever calls it has a conference of his own (PHONE_FACTORY) */
	OUTSIDE = 8199,    /* 9200: the number 200 outside */
	OUTSIDE_BY_CODE = 7199, /* 8200: the same, by the last one of the trunks */
};

/* What is dialled for it. */
enum story_code {
	CODE_FORWARD_TO_C,
	CODE_FORWARD_OFF,
	CODE_DISTURB_OFF,
	CODE_DISTURB_ON,
	CODE_SMART_ON,
	CODE_TO_NOBODY,
	CODE_TO_ITSELF,
	CODE_OPERATOR, /* by the dial plan (decoys.c): C */
	CODE_B,        /* by a rule of it */
	CODE_BARRED,
	CODE_ACCESS,
	CODE_SLOT,   /* who waits there */
	CODE_PICK_B, /* who rings at B */
	CODE_PICK,   /* ... at anybody of its group: all are of one */
	CODE_ROOM,   /* a room (room_put) */
	CODE_LAST_CALLER,
	CODE_FLOW, /* it leads to the flow of the story */
};

enum story_what {
	STORY_END, /* of the steps */
	STORY_DIAL,
	STORY_DIAL_LATE,      /* without an offer */
	STORY_DIAL_PUBLIC,    /* to: a phone, which is called by its GRUU (RFC 5627) */
	STORY_DIAL_TEMPORARY, /* the same, by the last one that it heard */
	STORY_PAGE,           /* to: extension, outside of calls (RFC 3428) */
	STORY_CODE,           /* to: enum story_code */
	STORY_REPLACE,  /* to: another phone of its extension, whose call it takes (RFC 3891) */
	STORY_HANG_UP,  /* in the way that fits: CANCEL, BYE */
	STORY_HOLD,     /* or off hold again */
	STORY_MOVE,     /* its media to another port */
	STORY_ASK_LATE, /* re-INVITE without an offer */
	STORY_INFO,
	STORY_KEY, /* by INFO; to: which one, as a character */
	STORY_MESSAGE,
	STORY_OPTIONS,
	STORY_UPDATE,
	STORY_UPDATE_MOVE, /* its media to another port, by an offer in UPDATE */
	STORY_REFRESH,     /* of the session, by UPDATE (RFC 4028) */
	STORY_REFER,
	STORY_REFER_SILENT,  /* Refer-Sub: false */
	STORY_PARK,          /* REFER to the slot of CODE_SLOT */
	STORY_REFER_JOIN,    /* its older call becomes one with its newer one (RFC 5589 7) */
	STORY_REFER_OUTSIDE, /* outside of the dialog, which is named (RFC 4538) */
	STORY_REFER_OUTSIDE_SILENT,
	STORY_REFER_OF_B, /* the same, and it names B's */
	STORY_ORIGINATE,  /* who: extension */
	STORY_COMMAND,    /* to the first call; to: which (node_command) */
	STORY_OTHER,      /* ... to the last one */
	STORY_TRANSFER,   /* by command; who: enum shard_leg; to: extension */
	STORY_DEFLECT,    /* by command; to: extension */
	STORY_REJECT,     /* by command; to: status */
	STORY_JOIN, /* by command, the call of A with the other one; who, to: enum shard_leg of each */
	STORY_CONFER,       /* by command, the call of A with the other one */
	STORY_CONFER_INTO,  /* ... the other one comes into the conference of A's */
	STORY_CONFER_RINGS, /* ... with whom it rings; to: extension */
	STORY_AGAIN,        /* the last command: its client heard nothing */
	STORY_OPERATOR,     /* ends all calls */
	STORY_VANISH,
	STORY_RETURN,
	STORY_DROP, /* the connection */
	STORY_ROAM, /* to another network; to: enum sip_transport there */
	STORY_STORE_DOWN,
	STORY_STORE_UP,
	STORY_ICE_RESTART,     /* a browser's: other credentials (RFC 8445 2.4) */
	STORY_NEW_CERTIFICATE, /* the same, and another handshake (RFC 8842) */
	STORY_DOCUMENTS,       /* to: how they are kept from now on (document.h) */
	/* lamps (lamp.h); to: extension */
	STORY_LAMP,      /* kept on */
	STORY_LAMP_RUNS, /* for a minute */
	STORY_LAMP_FETCH,
	STORY_LAMP_REFRESH, /* the newest of the phone */
	STORY_LAMP_OFF,
	STORY_LAMP_FORGET,
	STORY_DOCUMENT, /* who: extension, to: enum document_what */
	STORY_CALLBACK, /* who: extension, which the queue is to call back */
};

struct story_step {
	uint16_t at_s;
	enum story_what what;
	uint8_t who;
	uint16_t to;
};

/* Extensions behind D, without phones: calls to each go to some numbers that are not there, then to the next one; from the last to C. */
struct story_chain {
	uint8_t length, unknown;
};

/* What may go wrong behind an effect. */
enum story_harm {
	HARM_KILL,
	HARM_FENCE, /* another owner takes the shard */
	HARM_MOVE,  /* a phone is in another network from then on */
	HARM_GO,    /* ... or its registrar is another node, of two */
	HARM_TAKE, /* the shard goes to another node, of two: with its own one dead, without a lease, or by plan */
	HARM_DOCUMENT, /* an operator changes what is said of an extension, or of a route */
	HARM_TWICE, /* its node dies, and then the one that has taken the shard, soon after or amid that */
	HARM_LINK, /* the links between two nodes break, or nothing comes through them for a while */
	HARMS
};

struct story {
	const char *name;
	struct story_step steps[STORY_STEPS_MAX];
	struct phone_manner manner[STORY_PHONES]; /* all zero: answers after a second */
	struct shard_forward forward[STORY_PHONES];
	struct story_chain chain;
	uint8_t web;                    /* phones that are browsers; bits */
	bool wss;                       /* ... over WebSockets */
	const char *only[STORY_PHONES]; /* formats that the phone has; NULL: all */
	uint8_t absent;                 /* phones that are not there; bits */
	uint8_t named;                  /* phones that registered at a name; bits */
	uint8_t trunks;                 /* phones that are servers of trunks for OUTSIDE; bits */
	bool pbx;                       /* ... of one, which speaks for all of them */
	uint8_t recorded, on_demand;    /* extensions: always, and by command; bits */
	bool external;                  /* ... with an external recorder (srs.h) */
	bool codes;          /* their parties may do the same: *1 begins, *2 pauses, *3 ends */
	bool calls_back;     /* last callers are kept, and called back by a code */
	uint8_t records;     /* recordings that are on then, and not paused, at look_s */
	const char *message; /* why the one that is left is over, "": whyever; NULL: none is left */
	uint8_t messages;    /* new ones in mailboxes at its end; 0: not looked at */
	uint8_t recordings;  /* that its CDRs name: 1 << number each; 0: not looked at */
	uint8_t located; /* phones that stand at a location, and make emergency calls by OUTSIDE; bits */
	uint8_t outside_calls, outside_minutes; /* limits of each extension; 0: none */
	uint8_t asks;                           /* phones that want credentials; bits */
	uint16_t nonce_s;                       /* ... and others after so long; 0: never */
	enum names_way names;                   /* what becomes of it */
	bool dead;                              /* ... and the first place where it leads is dead */
	uint8_t instances, flows; /* phones that say +sip.instance, and reg-id with it; bits */
	bool tls, music, video;
	bool spoken;     /* who parks hears the slot */
	bool transcodes; /* audio may be transcoded */
	bool tenant; /* the phones are of one of their own, beside which others have the same numbers */
	uint8_t shards;        /* of the node; 0: one */
	uint8_t elsewhere;     /* phones that are with a second node, which has a link; bits */
	uint8_t answer_s;      /* the application answers then; 0: after 2 */
	uint16_t session_s;    /* RFC 4028; 0: off */
	uint8_t returns_s;     /* who is parked comes back then; 0: never */
	bool caller_refreshes; /* ... its phone says so; else the node refreshes */
	uint16_t look_s;       /* then these talk with each other, and nobody else */
	uint8_t talk;          /* bits */
	bool loose; /* a kill may change that: the command or the call had not been acknowledged */
	uint16_t status;  /* first CDR; 0: not looked at */
	uint8_t pairs;    /* CDRs; 0: not looked at */
	uint8_t waits;    /* slots that are taken at look_s */
	bool room;        /* there is one that is called (PHONE_ROOM) */
	bool says_names;  /* ... and asks for names */
	const char *flow; /* the program that PHONE_FLOW leads to; NULL: none */
	bool callbacks;   /* ... and the queue calls back */
	bool account;     /* ... which asks for the account code that calls of OUTSIDE need */
	/* phones do what a REFER asks for, and say that whoever they have called says this; 0: 405 to a REFER */
	uint16_t referred;
	uint8_t paged; /* pages that a phone took; 0: not looked at */
	enum {
		LAMPS_ANY,
		LAMPS_DARK,
		LAMPS_LIT,
		LAMPS_OVER,
	} blf_keys;       /* all of them, at look_s */
	const char *over; /* why; NULL: nobody says */
};

extern const struct story story_list[], story_lamps[], story_parks[], story_picks[], story_rooms[],
	story_records[], story_links[], story_flows[];
extern const uint32_t story_count, story_lamp_count, story_park_count, story_pick_count,
	story_room_count, story_record_count, story_link_count, story_flow_count;

/* ---- story_harm.c ---- */
const char *story_harm_name(enum story_harm harm);
/* A phone that moves is known by its instance (RFC 5626 4.1). */
bool story_names_phone(const struct sim *s, uint32_t phone);
/* The effect is carried out, but where the node dies. */
void story_harm(struct sim *s);
bool story_harm_kills(const struct sim *s);
/* A node has taken the shard: it may be the next one. */
void story_harm_taken(struct node *n);
/* A shard is taken in stories of one shard and one node; links break where there are any. */
bool story_harm_fits(enum story_harm harm, const struct story *t);

/* ---- story_lamps.c ---- */
void story_lamp(struct sim *s, const struct story_step *step);
void story_look_at_lamps(struct sim *s);

/* The scenario of sim.script. */
void story_begin(struct sim *s);
void story_manner(const struct sim *s, const struct phone_call *c, struct phone_manner *out);
/* Everything is over: what was written. */
void story_end(struct sim *s);
struct story_way {
	const char *name; /* NULL: all */
	bool whole;       /* behind each effect, and not behind some alone */
	bool plain;       /* ... and behind none */
	bool all;         /* goes on after a failure, and only names each */
	bool hashes;      /* a line for each story and harm (effect_line.h) */
};
/* False: an invariant or an expectation is broken, and the story was told. */
bool story_run(const struct story_way *run);
/* The same once each, without a kill: their records go to that folder (golden.h). */
bool story_harvest(const char *name, const char *folder);
/* What goes wrong behind which effect; 0: nothing does. */
struct story_mishap {
	enum story_harm harm;
	uint32_t behind;
	const char *harvest; /* NULL: not now */
	bool named;          /* where it is broken, and not told */
	bool hashes;         /* effects are told, and hashed */
};
/* That one, aloud. */
bool story_tell(const char *name, const struct story_mishap *mishap);

#endif
