/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold, whatever happens:
 *  - what leaves the node is SIP that we would accept, CSeq numbers of a dialog grow, tags stay;
 *  - saved before said: INVITE to the callee and every 2xx leave after the store has the record that explains them, unless the
 *    store was away or did not answer;
 *  - a call that both phones take for established is known to the node, also after a kill, and ends for both when one hangs up;
 *  - an order that was acknowledged is stored: repeated, also after a kill, it has the same answer and no further effect;
 *  - every INVITE has one final response, every leg one end;
 *  - an accepted REFER was saved before, and has one last NOTIFY, or its dialog ends; after a kill one at least;
 *  - one CDR for each pair of a call that was in the store, with the right outcome; together they are the call;
 *  - a shard that hears that it is another owner's says nothing more, saves nothing more, and its successor goes on with what is
 *    stored;
 *  - a REGISTER that was answered is stored, and a second later no node knows otherwise;
 *  - a shard saves its own calls alone, and one that is lost has no flow any more;
 *  - of two calls that two shards have joined neither goes on alone;
 *  - one conference of a room's number is open, whichever shards it is called in;
 *  - a browser finishes its handshake when the keys are saved, and not before;
 *  - no port is open twice, peers are mutual, no SRTP index is sent twice;
 *  - when everybody has hung up, nothing is left: calls, transactions, ports, flows, records, saves.
 */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "sig/host/effect.h"
#include "sig/sip/id.h"
#include "sig/sip/message.h"

struct sim;
struct phone;
struct phone_call;
struct phone_refer;
struct store_command;
struct node_order;
struct node;
struct node_shard;

enum { SEEN_MAX = 128, SEEN_LEGS = 32, CHECK_DIALOGS_MAX = 512, CHECK_FAR_MAX = 32 };

/* The BYE of a leg, or its REFER. */
struct seen_bye {
	uint32_t cseq;
	bool waits;    /* no save was asked for since */
	uint64_t need; /* version that knows it */
};

enum { SEEN_EARLY = 8 };

/* The last reliable response of an early dialog. */
struct seen_rseq {
	uint64_t tag;
	uint32_t rseq, hash;
};

/* A call as the node numbers it. */
struct seen {
	uint64_t call;
	char call_id[64];       /* of the caller's dialog */
	uint64_t asked, stored; /* newest version that went to the store, and is or was there */
	uint64_t forgiven;      /* saves up to this one got no answer: nothing waits for them */
	bool waiting;           /* a 2xx came, and no save was asked for since */
	uint64_t need;          /* version that knows it */
	uint64_t promised;      /* ... of the last one that left again: no kill may cost it */
	uint32_t answer_cseq[SEEN_LEGS],
		said_cseq[SEEN_LEGS]; /* of the last 2xx that came, and left */
	struct seen_bye
		refers[SEEN_LEGS +
		       1]; /* the last REFER of each leg, and the last outside of a dialog */
	/* where the last one in a dialog was noted, by the leg as it was born */
	struct id_tag refer_at[SEEN_LEGS];
	/* ... and CSeq of the last one that another shard answers */
	uint32_t refer_passed[SEEN_LEGS];
	bool given;                          /* one was accepted: who talks to whom changes */
	bool open;                           /* a 2xx came, ours did not leave yet */
	uint8_t open_leg;                    /* of which it was */
	struct seen_bye byes[2 * SEEN_LEGS]; /* ours first, then those of the phones */
	struct seen_bye given_up[SEEN_LEGS]; /* our CANCEL or BYE to each leg */
	struct seen_bye pracks[SEEN_LEGS];   /* numbers of reliable responses that came */
	struct seen_rseq rseqs[SEEN_EARLY];  /* of the last ones that left, by To tag */
	uint32_t rseq_next;                  /* the next of them to be used */
	struct seen_bye keyed[SEEN_LEGS];    /* keys of the handshake of each leg */
	bool fresh;                          /* nothing was stored since the last start */
	bool repeats;   /* two kills in a row: CSeq numbers of the first process are in no record */
	bool by_node;   /* the node answered it, for an application */
	bool has_slot;  /* its party waits, or waited, in a slot */
	bool is_code;   /* a feature code: nobody is rung */
	bool said;      /* INVITE to the callee left */
	bool excused;   /* the store was away or silent */
	bool weak;      /* a kill took part of it, and nobody had been promised more */
	bool stood;     /* its node stood still: what it told came late */
	bool stale;     /* ... but a record is there: silence would end what both sides have left */
	bool held;      /* or muted by command, once: nobody listens to a party */
	bool split;     /* into two: its dialogs are of either call */
	bool abandoned; /* a phone vanished: only silence would end it */
	uint32_t crashes;
	bool ended; /* its end went to the store */
	uint32_t cdrs;
	uint32_t pairs;                            /* in them */
	struct cdr cdr;                            /* of its first pair */
	uint64_t answered_ns, ended_ns, joined_ns; /* when events said so; 0: never */
};

struct check_dialog {
	char call_id[64], tag[48];
	uint32_t cseq;
	uint32_t bye, before_bye;            /* our last BYE, and what was said before it */
	uint32_t branches[32], branch_count; /* hashes of the last ones */
};

/* When an event said so. */
struct check_begun {
	uint64_t call, ns;
};

/* A call that was split off another. */
struct check_split {
	uint64_t call, born; /* born: the one whose id its dialogs have */
};

/* A dialog between two shards: its tags in the order asking, asked, and in which calls its legs are now. */
struct check_cell {
	struct id_tag ends[2];
	uint64_t calls[2];
};

struct check {
	char broken[256]; /* "": all is well */
	struct seen seen[SEEN_MAX];
	uint32_t seen_count;
	struct check_dialog dialogs[CHECK_DIALOGS_MAX];
	uint32_t dialog_count;
	struct check_begun begun[2 * SEEN_MAX]; /* the newest */
	uint32_t begun_count;
	struct check_split splits[SEEN_MAX];
	uint32_t split_count;
	struct check_cell cells[SEEN_MAX];
	uint32_t peer_shard_count;
	uint32_t effects_max;
	uint64_t apart_ns; /* since when two conferences of one number are open; 0: they are not */
};

void check_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct seen *check_seen(struct sim *s, uint64_t call); /* NULL: never heard of */
/* The store was away or silent, and a kill took what no save knew. */
bool check_took(struct sim *s, uint64_t call);

/* ---- check_sent.c: what the node says; false: it shall not leave (sabotage) ---- */
bool check_sent(struct sim *s, const struct node_shard *shard, const struct addr *to,
		struct bytes text);
void check_received(struct sim *s, struct bytes text);
/* The call and the leg where a dialog of ours is, whose tag that was when it was born. */
struct id_tag check_now(const struct sim *s, const struct id_tag *born);

/* ---- check_store.c ---- */
/* shard: NULL of the locations */
void check_save(struct sim *s, const struct node_shard *shard, const struct effect *e);
void check_stored(struct sim *s, uint64_t call, uint64_t version);
void check_forgotten(struct sim *s, uint64_t call, uint64_t version);
/* What the node believes to be saved is there; a good while after the last outage. */
void check_all_stored(struct sim *s);
void check_saved(struct sim *s, const struct store_command *c, bool ok);
/* The node answers the call: the next save knows it. */
void check_answers(struct sim *s, uint64_t call);
/* It sets a field of a document, and the node answers it. */
void check_sets(struct sim *s, uint64_t call);
/* A handshake of it has keys; what lets the browser finish leaves. */
void check_keyed(struct sim *s, uint64_t call, uint8_t leg);
void check_flight(struct sim *s, uint64_t call, uint8_t leg);
/* The call becomes two. */
void check_split(struct sim *s, uint64_t call, uint64_t other);
/* The call whose id the dialogs of a call have. */
uint64_t check_born(const struct sim *s, uint64_t call);
/* It was acknowledged. */
void check_stored_call(struct sim *s, uint64_t call);
/* The answer to an order, who may have had one before: what was acknowledged is stored, once. */
void check_ordered(struct sim *s, const struct node_order *o, uint32_t number);
/* All of one call. */
void check_cdrs(struct sim *s, const struct cdr *list, uint32_t n);
void check_degraded(const struct node *n);
void check_crashed(const struct node *n);
/* It goes on. */
void check_stood(struct sim *s, const struct node *n);
/* That one alone. */
void check_shard_lost(const struct node *n, const struct node_shard *shard);
/* It has said its last: no packet of its calls leaves. */
void check_shard_silent(const struct node *n, const struct node_shard *shard);
void check_restored(struct node *n);
/* The same of a shard that it has taken. */
void check_taken(struct node *n, const struct node_shard *shard);

/* ---- check_segment.c ---- */
void check_event(struct sim *s, const struct sig_event *e);
/* Who talks to whom in it changes, by command. */
void check_given(struct sim *s, uint64_t call);
/* Where the leg of that phone's dialog is now. */
uint64_t check_call_of(const struct sim *s, const struct phone_call *c);
/* Legs may have gone to another call. */
void check_follow(struct sim *s);
void check_segments(struct sim *s, const struct seen *seen, const struct cdr *list, uint32_t n);

/* ---- check_far.c: conversations over shards ---- */
/* Two shards agree on a dialog between two calls of theirs. */
void check_far(struct sim *s, const struct sip_message *m);
/* Legs may have gone to another call. */
void check_far_follow(struct sim *s);
/* The call of another shard that this one speaks with, if it is one alone, and that one with no other; NULL: none, or more. */
struct seen *check_far_of(struct sim *s, uint64_t call);
/* The call that asked it was killed while the store was silent, and its successor asked anew: nobody has that dialog any more. */
bool check_far_is_forgotten(struct sim *s, uint64_t call);
/* Somebody is left in a call that this one speaks with, over however many others. */
bool check_far_is_there(struct sim *s, uint64_t call);
/* They are one conversation, over however many others. */
bool check_far_is_one(struct sim *s, uint64_t call, uint64_t other);
/* The conference that it is in, or that a call is in with which it is one; 0: in none. */
uint64_t check_room_of(struct sim *s, uint64_t call);
/* After a step: of a number that is called one conference is open. */
void check_rooms(struct sim *s);
/* Nobody is left in any of them who hangs up, and each stands: a circle, or applications at both ends (docs/adr/0009). Counts them. */
bool check_far_is_circle(struct sim *s, uint64_t call);

/* ---- check_call.c: what phones believe ---- */
/* The next phone behind that one that talks in the call; after NULL: the first. */
struct phone_call *check_next_end(struct sim *s, uint64_t call, const struct phone_call *after);
void check_answered(struct sim *s, const struct phone_call *c);
void check_bye(struct sim *s, const struct phone_call *c);
void check_over(struct sim *s, const struct phone_call *c);
/* A new INVITE comes to a phone. */
void check_invited(struct sim *s, const struct phone_call *c);
/* A phone has rung for longer than any call waits. */
void check_rings_on(struct sim *s, const struct phone_call *c);
void check_effects(struct sim *s, uint32_t count);
/* After each step of the node. */
void check_step(struct sim *s);

/* Only its silence would end the call, and nobody listens; or the node does not know it. */
bool check_waits_for_ever(struct sim *s, const struct seen *seen);
void check_held(struct sim *s, uint64_t call);
void check_vanished(struct sim *s, const struct phone_call *c);

/* Nobody but that end is left for a good while. */
bool check_is_alone(struct sim *s, const struct phone_call *c);
/* The node has an end for it, and a phone talks on. */
void check_ended(struct sim *s, uint64_t call);

/* ---- check_refer.c ---- */
void check_refer_came(struct sim *s, const struct sip_message *m);
void check_refer_answered(struct sim *s, const struct sip_message *m);
void check_referred(struct sim *s, const struct phone_call *c, const struct phone_refer *r);
void check_notified(struct sim *s, const struct phone_call *c, const struct phone_refer *r,
		    bool last);
/* A NOTIFY of a REFER that another phone sent, in a process that was killed: the next one does not know who had asked, and lets the party
 * say that it was not it (docs/adr/0063). */
bool check_is_anothers_refer(const struct sim *s, const struct phone_call *own, uint32_t cseq);
/* A dialog that a phone names is one, and of another call than its own. */
bool check_is_there(struct sim *s, const struct phone_call *own, const struct phone_call *named);
/* 481 within a dialog. */
void check_forgot(struct sim *s, const struct phone_call *c, const char *method);

/* ---- check_register.c ---- */
/* It is up, reaches the store and has done so for a while. */
bool check_is_settled(const struct node *n);
/* A phone hears that it is registered. */
void check_registered(struct sim *s, const struct phone *p, uint32_t cseq);

/* ---- check_apart.c: what two nodes do not do for each other ---- */
/* One of these is asked about a dialog of the other. */
void check_across(struct sim *s, uint32_t node, uint32_t other);
/* Some call is with another node than that. */
bool check_calls_are_elsewhere(const struct sim *s, uint32_t node);
/* It is in another network, and nodes that have calls of it are not told. */
void check_roams(struct sim *s, const struct phone *p);
/* Somebody is not to be disturbed who is in a call, and of two nodes either counts its own ones alone. */
bool check_is_uncounted(const struct sim *s);
/* A shard has gone to another node. Connections to addresses of others are not with it. */
void check_parted(struct sim *s);
/* One of its parties cannot be told what becomes of it. */
bool check_is_parted(const struct sim *s, uint64_t call);
/* The node has a shard of another one: whom its calls are sent on to it has to know by itself. */
void check_taken_unread(struct node *n);
/* A message leaves. */
void check_apart(struct node *n, struct bytes text);

/* ---- check_end.c ---- */
void check_end(struct sim *s);

#endif
