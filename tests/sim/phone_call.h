/* SPDX-License-Identifier: Apache-2.0 */
/* A call as one phone sees it: one dialog. Kept until the end of the run, so that the checks can compare what both ends believe. */
#ifndef TESTS_SIM_PHONE_CALL_H
#define TESTS_SIM_PHONE_CALL_H

#include "base/bytes.h"
#include "sig/sip/message.h"
#include "tests/sim/phone_sdp.h"

struct sim;
struct event;
struct phone;
struct phone_txn;
struct phone_manner;

enum phone_call_state {
	PC_CALLING, /* our INVITE has no final response */
	PC_RINGING, /* theirs has none */
	PC_TALKING, /* answered */
	PC_LEAVING, /* our BYE is under way */
	PC_OVER,
};
const char *phone_call_state_name(enum phone_call_state state);

/* What it asked by REFER (RFC 3515). */
struct phone_refer {
	uint32_t cseq;
	uint16_t status; /* the final response; 0: none yet */
	bool silent;     /* it wants no NOTIFY (RFC 4488) */
	bool told;       /* the last NOTIFY came */
	bool forgotten;  /* one was answered with 481: it wants to hear nothing more */
	uint32_t incarnation;
	const struct phone_call *with; /* whose party it is given to; NULL: an extension */
};

enum { PHONE_REFERS_MAX = 8 };

struct phone_call {
	struct phone *phone;
	uint32_t index; /* in phone.calls */
	uint32_t node;  /* with which it is */
	enum phone_call_state state;
	bool caller;
	char call_id[64], tag[48], remote_tag[64];
	char local[160], remote[160], target[160]; /* URIs, and where requests go */
	char to[16];                               /* the extension that was called */
	struct phone_call *about; /* no call: a REFER outside of that one's dialog (RFC 4538) */
	const struct phone_call *replaces; /* another phone's, whose place it takes (RFC 3891) */
	uint32_t cseq, invite_cseq;
	uint32_t remote_cseq;
	uint32_t
		ring_cseq; /* callee: of the INVITE that it rings for; behind 1: with credentials */
	uint64_t node_call;   /* from the node's tag; 0: not known yet */
	uint64_t invite;      /* transaction: serial */
	uint64_t again;       /* of an open re-INVITE of ours, or 0 */
	uint64_t asked_again; /* of theirs */
	bool updates;         /* an offer of ours in UPDATE is open */
	uint32_t auth_tries;
	bool late; /* our INVITE had no offer, or theirs */
	bool heard, wants_cancel, cancelled;
	bool answered; /* 2xx was sent or came */
	bool acked;    /* callee: the ACK came */
	bool unheard;  /* callee: no ACK came */
	bool outrun; /* callee: the CANCEL of its INVITE came before that, and was answered with 481 */
	bool crossed;    /* callee: it answered as the CANCEL came */
	bool forked;     /* callee: a further dialog of an INVITE */
	bool wants_bye;  /* as soon as the ACK came */
	bool told;       /* the other side ended it */
	bool apart;      /* it moved, and its registrar is another node */
	bool parted;     /* its shard has gone to another node than its connection */
	bool excused;    /* a kill took what nobody had been promised */
	bool unknown;    /* there was no document of its phone's extension as it began */
	uint16_t final;  /* of the first INVITE */
	uint32_t finals; /* different ones that came or left */
	uint64_t begin_ns, answer_ns, end_ns, bye_ns; /* 0: not yet */
	uint32_t rseq;       /* of the last reliable response that came, or left */
	uint32_t prack_cseq; /* of the last PRACK that left */
	char rseq_tag[64];   /* caller: in that early dialog */
	uint32_t rseq_other; /* the same, of the one before */
	char rseq_other_tag[64];
	bool settled;    /* SDP was exchanged by it */
	struct text rel; /* callee: it, until its PRACK */
	bool rel_sdp, picks_up;
	uint64_t rel_interval_ns, rel_until_ns, rel_serial;
	struct text ok, ack; /* 2xx without ACK; the last ACK */
	uint32_t ok_cseq, ack_cseq;
	bool ok_offers; /* our 2xx asks, the ACK answers */
	uint64_t ok_interval_ns, ok_until_ns, ok_serial;
	struct phone_sdp sdp;
	struct phone_manner *manner; /* callee */
	uint64_t ring_serial;
	struct phone_refer refers[PHONE_REFERS_MAX];
	uint32_t refer_count;
	uint32_t referred;  /* CSeq of the node's REFER; 0: none came */
	bool notifies_last; /* ... what is said of it is the last */
};

struct phone_call *phone_call_new(struct sim *s, struct phone *p);
struct phone_call *phone_call_find(struct phone *p, const struct sip_message *m);
void phone_call_close(struct phone_call *c);
/* It is over for this phone. */
void phone_call_over(struct sim *s, struct phone_call *c, const char *why);
/* Hangs up in the way its state wants: CANCEL, BYE, or BYE after the ACK. */
void phone_hang_up(struct sim *s, struct phone_call *c);
void phone_bye(struct sim *s, struct phone_call *c);
/* Everything that a scenario does with an answered call. */
void phone_call_answered(struct sim *s, struct phone_call *c);

/* ---- phone_uac.c: what we ask ---- */
struct phone_call *phone_dial(struct sim *s, struct phone *p, const char *to, bool late);
/* One phone of its user, by its GRUU. */
struct phone_call *phone_dial_one(struct sim *s, struct phone *p, const struct phone *of_party,
				  bool temporary);
/* It takes the place of another phone in its call. */
void phone_replace(struct sim *s, struct phone *p, const struct phone_call *of);
void phone_cancel(struct sim *s, struct phone_call *c);
void phone_reinvite(struct sim *s, struct phone_call *c, bool late);
void phone_ask(struct sim *s, struct phone_call *c, const char *method, const char *extra,
	       const char *body);
/* ... of any kind, with a CSeq and branch of its own. */
struct phone_request;
void phone_ask_as(struct sim *s, struct phone_call *c, struct phone_request *r);
/* The same with further header lines. */
void phone_ask_with(struct sim *s, struct phone_call *c, const char *method, const char *lines);
void phone_uac_response(struct sim *s, struct phone_txn *t, const struct sip_message *m);
void phone_uac_timeout(struct sim *s, struct phone_txn *t);
/* A response that fits no transaction: a 2xx said again. */
void phone_uac_stray(struct sim *s, struct phone *p, const struct sip_message *m);

/* ---- phone_uas.c: what we are asked ---- */
void phone_uas_request(struct sim *s, struct phone *p, const struct sip_message *m,
		       struct bytes datagram);
void phone_uas_ack(struct sim *s, struct phone *p, const struct sip_message *m);
/* The re-INVITE that waits for our answer gets one: the call ends. */
void phone_uas_refuse_open(struct sim *s, struct phone_call *c);
void phone_uas_no_ack(struct sim *s, struct phone_txn *t);

/* The first INVITE is refused. */
void phone_uas_decline(struct sim *s, struct phone_call *c, uint16_t status, const char *why);

/* ---- phone_prack.c ---- */
/* The line of an INVITE. */
const char *phone_prack_wish(const struct phone *p);
/* A provisional response came. True: go on with its SDP. */
bool phone_prack_hear(struct sim *s, struct phone_call *c, const struct sip_message *m);
void phone_prack_answered(struct sim *s, const struct phone_call *c, const struct sip_message *m);
/* Says a provisional response until PRACK comes. */
void phone_prack_ring(struct sim *s, struct phone_call *c, struct phone_txn *t,
		      const struct sip_message *m, uint16_t status, const char *sdp);
/* The 2xx has to wait. */
bool phone_prack_holds(const struct phone_call *c);
void phone_prack_stop(struct phone_call *c);
/* A PRACK came: what it gets. */
uint16_t phone_prack_asked(struct sim *s, struct phone_call *c, const struct sip_message *m);

/* ---- phone_refer.c ---- */
/* What is dialled for a call that rings. */
#define PHONE_PICK "**"
/* What is dialled for a slot. */
#define PHONE_SLOT    "%234171"
#define PHONE_ROOM    "700"
#define PHONE_FLOW    "730"
#define PHONE_FACTORY "1900" /* EXT_FACTORY */
/* Parks the other party there. */
void phone_park(struct sim *s, struct phone_call *c);
/* Gives the other party to that extension. */
void phone_refer(struct sim *s, struct phone_call *c, uint32_t to, bool silent);
/* The same to whom it speaks with in the other call: the two become one (RFC 5589 7). */
void phone_refer_joining(struct sim *s, struct phone_call *c, const struct phone_call *with);
/* The same outside of any dialog, in a new one: of a call of its own, or of a stranger's. */
void phone_refer_outside(struct sim *s, struct phone *p, struct phone_call *about, uint32_t to,
			 bool silent);
void phone_referred(struct sim *s, struct phone_txn *t, const struct sip_message *m);
/* The node asks it to call somebody: the status that it answers with. It says later what became of that. */
uint16_t phone_asked_to_call(struct sim *s, struct phone_call *c, const struct sip_message *m);
void phone_notify_answered(struct sim *s, struct phone_call *c, const struct sip_message *m);
/* NOTIFY; what to answer is decided elsewhere. */
/* forgot: it answers 481, and wants to hear nothing more. */
void phone_notified(struct sim *s, struct phone_call *c, const struct sip_message *m, bool forgot);

/* ---- phone_message.c ---- */
struct phone_request {
	const char *method, *branch, *extra, *body, *type;
	uint32_t cseq;
};
struct bytes phone_write_request(const struct phone_call *c, const struct phone_request *r,
				 char *out, size_t cap);
struct bytes phone_write_response(const struct phone *p, const struct sip_message *m,
				  uint16_t status, const char *tag, const char *extra,
				  const char *body, char *out, size_t cap);
const char *phone_transport(const struct phone *p); /* URI parameter */
const char *phone_branch(struct phone *p, char out[96]);

#endif
