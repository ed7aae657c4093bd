/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording session with an external recorder (RFC 7866): a dialog beside the legs of a call. It is part of a recording, and in the record as
 * far as a successor needs it.
 */
#ifndef SIG_MODEL_SIPREC_H
#define SIG_MODEL_SIPREC_H

#include "media/fork.h"
#include "sig/dialog/dialog.h"
#include "sig/host/txns.h"
#include "sig/model/session_timer.h"

/* In the place of a leg's index in its tags and branches: no leg has it. */
enum { SIPREC_LEG = ID_LEG_MAX };

enum { SIPREC_PLACES_MAX = 16 };

/* Where a recorder is; of: which one of the settings. */
struct siprec_place {
	struct addr to;
	uint8_t of;
};

enum siprec_state {
	SIPREC_AWAY,  /* there is none: it is asked for at retry_ns */
	SIPREC_ASKED, /* INVITE is under way */
	SIPREC_UP,    /* the recorder has it; a re-INVITE may be under way */
};

struct siprec {
	enum siprec_state state;
	struct dialog dialog;
	bool provisional; /* to its INVITE: CANCEL may be said */
	bool lost;        /* the event has said that the recorder does not take it */
	uint8_t tries;    /* in turn without success */
	uint8_t place;    /* which of these places, none of which is part of a record: */
	uint8_t place_count;
	struct siprec_place places[SIPREC_PLACES_MAX];
	uint8_t resolve; /* one more than the recorder whose place is looked for; 0: none is */
	uint64_t lookup; /* serial of what is looked up, until retry_ns at most; 0: nothing is */
	uint8_t failed;  /* so many did not take it in this round */
	uint64_t
		answer_by_ns; /* of its INVITE, where there is another recorder; 0: as long as it takes */
	uint64_t retry_ns;    /* nothing is asked for before; 0: at any time */
	pool_handle invite;   /* transaction of the open INVITE; 0: none is */
	uint32_t invite_cseq; /* of the last one, and */
	uint64_t ack_branch;  /* of its ACK */
	uint64_t session_id;  /* of its SDP, and */
	uint32_t version;
	uint64_t said; /* a hash of what the last INVITE said without its version; 0: nothing yet */
	challenge_tries challenged; /* of what is asked now */
	struct session_timer timer; /* of this process alone: a successor begins with a re-INVITE */
	uint64_t alive_ns;          /* when it is asked whether it is there; 0: not now */
	pool_handle alive;          /* transaction of that question; 0: none is under way */
	struct text unacked;        /* our 2xx to its INVITE, until ACK comes: */
	struct sip_hop unacked_hop;
	uint32_t unacked_cseq, interval_ms;
	uint64_t again_ns, unacked_until_ns;
	bool offered;   /* it has an offer of ours: its ACK has the answer */
	uint8_t held;   /* streams that our last answer had as inactive or not at all */
	bool has_ports; /* these, of this network */
	uint8_t network;
	struct flow_id ports[FORK_STREAMS];
	struct media_key keys[FORK_STREAMS]; /* of this process alone */
	struct {
		uint8_t leg, line;
	} asked[FORK_STREAMS];    /* whom the last INVITE was about, stream by stream */
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

#endif
