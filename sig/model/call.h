/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: dialogs joined by a value (RFC 7092: a signalling and media B2BUA). Leg 0 asked us; each further leg is a party we asked, a
 * branch of the fork (RFC 3261 16.7 as seen from a B2BUA). Everything here is written into the call's record and continued by another
 * process; what waits for a save waits in the outbox.
 *
 *   CALL_SETUP -> CALL_RINGING -> CALL_ANSWERING -> CALL_ESTABLISHED -> CALL_ENDING -> gone
 *   a branch: 18x ---^  first 2xx --^   A: ACK ---------^     BYE, CANCEL, failure from any state
 */
#ifndef SIG_MODEL_CALL_H
#define SIG_MODEL_CALL_H

#include "media/offer.h"
#include "sig/dialog/dialog.h"
#include "sig/host/cause.h"
#include "sig/host/host.h"
#include "sig/model/call_order.h"
#include "sig/model/leg_sdp.h"
#include "sig/model/leg_users.h"
#include "sig/model/orders.h"
#include "sig/model/outbox.h"
#include "sig/model/plan.h"

/* A leg's index stands in our tags and branches, and stays what it is. */
enum { LEGS_MAX = 16, LEG_NONE = UINT8_MAX };

enum leg_state {
	LEG_EARLY,     /* its first INVITE has no final response yet */
	LEG_ANSWERED,  /* its INVITE: our 2xx left, ACK awaited. Ours: 2xx came, our ACK waits */
	LEG_CONFIRMED, /* ACK came or left */
	LEG_LEAVING,   /* CANCEL or BYE is under way */
	LEG_CLOSED,
};

/* Our INVITE to a leg, the first one or a re-INVITE. It is there until the exchange that it began is over. */
enum uac_state {
	UAC_QUEUED,     /* waits for a save */
	UAC_CALLING,    /* sent, no response yet */
	UAC_PROCEEDING, /* 1xx came: may be cancelled */
	UAC_ANSWERED,   /* 2xx came */
};

/* Our PRACK to the last reliable provisional response (RFC 3262 4). */
enum prack_state {
	PRACK_NONE,  /* there was none */
	PRACK_WAITS, /* for a save, or for the asker's answer */
	PRACK_SENT,
	PRACK_DONE, /* answered */
};
struct prack {
	enum prack_state state;
	bool answers; /* the response had an offer, the PRACK has the answer */
	uint32_t rseq, cseq;
	uint64_t branch;
	pool_handle txn; /* perhaps gone */
};
/* What another fork behind the leg's address said last; not part of a record. */
struct prack_fork {
	uint32_t tag, rseq; /* tag: a hash, never 0; 0: unused */
	pool_handle txn;
};

struct invite_uac {
	enum uac_state state;
	pool_handle client; /* transaction, perhaps gone */
	uint64_t branch;    /* its random part */
	uint8_t from; /* leg for which we ask: what it offers is offered; its own INVITE, where one is open, gets the answer */
	bool late;    /* without an offer: the party is to make it */
	bool joins; /* so that its party may be joined with one of another call (sig/feature/meet.h) */
	bool pracks;          /* the party was told that we have 100rel */
	uint8_t ports_tries;  /* pairs that were replaced because something else held them */
	uint64_t deadline_ns; /* a re-INVITE is given up; 0: off */
	struct prack prack;
	struct prack_fork forks[4];
};

/* A party's INVITE to us, the first one or a re-INVITE (RFC 3261 13.3, 14.2, RFC 6026). */
enum uas_state {
	UAS_PROCEEDING, /* others are asked */
	UAS_ANSWERED,   /* our 2xx waits for a save */
	UAS_ACCEPTED,   /* it left, and is repeated until its ACK */
};

/* Whether its party acknowledges provisional responses (RFC 3262). */
enum uas_reliable { RELIABLE_NOT, RELIABLE_MAY, RELIABLE_MUST };

struct invite_uas {
	enum uas_state state;
	enum uas_reliable reliable;
	bool turned; /* an offer before our 2xx changed who hears whom: the other leg is still to be told */
	bool answer_waits;          /* our 2xx is saved, and waits for a PRACK */
	uint8_t next;               /* leg whose provisional response waits for one, */
	bool next_sdp;              /* with SDP, */
	uint16_t next_status;       /* 0: none does */
	uint32_t rseq;              /* of our last reliable one; 0: none yet */
	uint32_t prack_cseq;        /* of the last PRACK that fitted; 0: none */
	struct text unacknowledged; /* that response; empty: it was acknowledged */
	bool late;                  /* without an offer: our 2xx has it */
	bool wakes;                 /* the party was held by order, and offers to go on */
	bool held_before;           /* leg.holds, should it be refused */
	uint8_t early;              /* leg whose early answer the party has; 0: none */
	uint16_t provisional;       /* last one passed on; 0: none */
	int32_t max_forwards;       /* -1: none */
	uint32_t cseq;              /* the ACK has it too */
	pool_handle server;         /* transaction, perhaps gone */
	struct text answer;         /* our 2xx */
	uint32_t interval_ms; /* retransmission of the 2xx (RFC 3261 13.3.1.4), or of the other */
	uint64_t retransmit_ns, deadline_ns; /* 0: off */
};

/* RFC 4028: how long the session lasts with this party. */
struct session_timer {
	uint32_t interval_s;             /* 0: off, or nothing was said yet */
	uint32_t min_s;                  /* the highest Min-SE that was heard; 0: none */
	bool agreed;                     /* the party keeps the time, too */
	bool ours;                       /* we refresh */
	uint64_t refresh_ns, expires_ns; /* 0: off */
};

struct call_join;
struct call_meeting;
struct call_split;
struct call_replacing;
struct leg_digits;
struct acts;
struct act_terms;
struct transfer;

struct leg {
	enum leg_state state;
	bool called; /* its dialog began with an INVITE of ours */
	bool leave;  /* its INVITE: BYE follows the ACK. Ours: CANCEL follows the first response */
	bool behind_nat;   /* requests go where the party's came from */
	bool held;         /* by order: its party holds the other one */
	bool holds;        /* by its own re-INVITE: its phone takes nothing of the other one */
	bool muted;        /* by order: the other one does not hear its party */
	bool takes_talk;   /* its phone ends a hold of its own when it is told to (Event: talk) */
	struct text user;  /* of ours, whose phone it is; "": nobody's */
	bool takes_update; /* RFC 3311 */
	struct session_timer timer;
	struct leg_link same_user;
	struct dialog dialog;
	uint64_t session_id, session_version; /* of our last SDP to the party */
	struct leg_sdp sdp;                   /* in force */
	struct leg_sdp
		open; /* of the INVITE that is open; it takes the place of sdp when that is acknowledged */
	struct {
		uint32_t rseq, cseq;
	} unacknowledged; /* when the ACK came: its PRACK may be on its way; not part of a record */
	pool_handle message;  /* the last MESSAGE to it, perhaps over; not part of a record */
	uint8_t forks_ended;  /* 2xx of forks we did not want; not part of a record */
	bool invite_late;     /* our last INVITE on this leg had no offer: its ACK has the answer */
	uint32_t invite_cseq; /* of that one, and */
	uint64_t ack_branch;  /* of the ACK to its 2xx */
	uint64_t leave_ns;    /* a cancelled INVITE is given up (RFC 3261 9.1); 0: off */
	struct invite_uac *uac;    /* NULL: no INVITE of ours is open there */
	struct invite_uas *uas;    /* NULL: none of the party is */
	struct leg_digits *digits; /* NULL: none is on its way by INFO */
	struct offer_terms *terms; /* as they were when the leg was made; NULL: none */
};

/* Of all branches that failed the one A hears of (RFC 3261 16.7 step 6). */
struct refusal_kept {
	uint16_t status; /* as A will hear it; 0: none failed yet */
	uint8_t leg;
	enum call_cause cause;
	struct text extra; /* lines for the response */
};

/* What a flow needs to be SRTP (RFC 4568): our key, and the indexes it may use (media/flow.h). */
struct flow_secret {
	struct media_key key; /* its suite is agreed, and not kept here */
	bool used;            /* the engine has it */
	struct {
		uint64_t first; /* index to begin with: nothing below it is used by this process */
		uint64_t limit; /* as in the record */
		uint64_t granted; /* as the engine knows: that record is saved */
	} rtp, rtcp;
};

/* One port of ours, facing one party. */
enum { FLOW_BEEN_AUDIO = 128 };

struct call_flow {
	struct flow_id id;
	uint16_t port; /* RTP */
	uint8_t leg, line, network;
	enum media_kind kind; /* as agreed last: a line may become another one (RFC 3264 8.3.3) */
	uint8_t been; /* what was agreed for it so far: enum offer_lines, and FLOW_BEEN_AUDIO */
	uint8_t event_pt; /* under which the party takes digits; PAYLOAD_NONE: by INFO; follows from the texts */
	bool silent; /* the party was not heard for long while that was no reason to end the call */
	bool open;   /* the engine was told */
	bool closing; /* ... and told to close it: only its last counters are awaited */
	bool echoes;  /* the engine was told that its party hears itself */
	bool moves;   /* it came from another call, and the engine is to be told */
	uint32_t ssrc_out;
	struct addr remote;        /* RTP address the party signalled; follows from the texts */
	struct flow_source source; /* what the engine was told last that the party hears */
	struct flow_resume resume;
	struct flow_secret *secret; /* NULL: it is never SRTP */
	struct flow_dtls *dtls;     /* NULL: its party is no WebRTC endpoint (flow_dtls.h) */
};

enum { CALL_FLOWS_MAX = LEGS_MAX * MEDIA_LINES_MAX };

enum { UNTOLD_CALLER = 1, UNTOLD_CALLEE = 2 };

/* The two that hear each other, in the roles that the CDR has them in. */
struct bridge {
	uint8_t caller;
	uint8_t callee; /* LEG_NONE: nobody is asked yet. While several ring: the last one with early media, or the first */
	uint8_t offerer; /* whose SDP the other one was offered last */
};

struct segment;

/* The leg of another call whose place the party takes (replace.h). */
struct call_replaces {
	uint64_t call; /* 0: none */
	uint8_t leg;
	bool asked;      /* that call knows; not part of a record */
	uint64_t due_ns; /* it is asked then; 0: off */
};

struct call {
	uint64_t id;
	pool_handle self;
	enum call_state state;
	struct leg **legs; /* NULL where one is gone; those of the bridge never are */
	uint8_t leg_count;
	struct bridge bridge;
	struct plan plan;
	struct transfer *transfer; /* NULL: none is under way (transfer.h) */
	struct call_replaces replaces;
	uint8_t untold; /* legs of the bridge that may have to be asked again (sig/feature/meet.h), */
	uint64_t
		meet_ns; /* but not before this: one of them is to be joined with a leg of another call; 0: off */
	struct refusal_kept best;
	struct call_flow *flows;
	uint32_t flow_count;
	struct text from, to; /* users */
	bool early_media;     /* of the caller: 183 with SDP is passed on */
	bool video;           /* node-wide policy when the call began: it stays */
	bool auto_answer; /* the caller is called first, and its phone was asked to answer by itself (REG-18) */
	struct text display; /* the caller's name, where it is called */
	bool restored;
	bool noted; /* answered while the store is away: its CDR so far is asked to be kept */
	struct text unknown;  /* of its record: what a later program wrote (call_unknown.h) */
	const char *obstacle; /* why it cannot go on in this process (give_up.h); NULL: it can */
	uint16_t lost;        /* legs that no address of ours reaches, a bit each */
	bool emergency;       /* no quota refuses what it needs */
	struct quota_party payer;
	uint64_t setup_utc_ms, ringing_utc_ms, answer_utc_ms, end_utc_ms;
	enum call_cause cause;
	enum call_ended_by ended_by;
	uint16_t status; /* final one towards A */
	struct segment *
		segments; /* the pairs before this one (segment.h): the times above are of this one */
	uint8_t segment_count;
	struct outbox out;
	struct acts *acts;     /* NULL: nothing is played or collected (act.h) */
	struct orders *orders; /* NULL: none was carried out */
	struct cdr *cdr;       /* while ENDING */
	uint8_t end_tries;     /* CALL_END asked for so often; 0: not yet */
	bool end_done;         /* nothing more to wait for: to be freed */
	bool end_saved;        /* ... and the store has its end */
	uint64_t ring_ns;      /* all deadlines: 0 is off */
	uint64_t
		parting_ns; /* the caller is left then (parting.h); cause, ended_by and status say why */
	uint64_t flows_ns; /* last counters are not waited for any longer */
	uint64_t order_ns; /* an order that met another INVITE is tried again */
	uint8_t order_leg; /* ... for this leg */
	uint64_t save_ns;  /* the answer to a save is overdue, or it failed and is tried again */
	struct wheel_timer timer;
};

/* ---- what can happen to a call ---- */
enum call_event_kind {
	CALL_EV_REQUEST,     /* in a dialog: message, slot (NULL for ACK) */
	CALL_EV_REFER,       /* outside of a dialog, about that of the leg: message, slot */
	CALL_EV_CANCEL,      /* of the INVITE of that leg; already answered */
	CALL_EV_PROVISIONAL, /* to a request of ours: message, user, txn */
	CALL_EV_SUCCESS,
	CALL_EV_FAILURE,
	CALL_EV_TIMEOUT, /* of a request of ours: user, txn; failed: it could not be sent */
	CALL_EV_STRAY, /* a 2xx to an INVITE whose transaction is gone: message. So far each is of a leg */
	CALL_EV_TIMER,
	CALL_EV_SAVED,        /* version, ok */
	CALL_EV_ENDED,        /* ok */
	CALL_EV_MEDIA,        /* media */
	CALL_EV_MEDIA_FAILED, /* flow */
	CALL_EV_HANGUP,       /* by the operator: order, or NULL */
	CALL_EV_PLAY,         /* play */
	CALL_EV_SET,          /* set */
	CALL_EV_ORDER,        /* order */
	CALL_EV_RELEASE,      /* the store is away: nothing waits any longer */
	CALL_EV_ASSERT,       /* the store is back: save again */
	CALL_EV_RESUME,       /* after a restart */
	CALL_EV_JOIN,         /* leg, join: it goes to another call */
	CALL_EV_REPLACE,      /* leg, replacing: another call has who takes its place */
	CALL_EV_MEET, /* leg, meeting: it is to be joined with a leg of another call; meeting NULL: it is not any more */
};

struct call_event {
	enum call_event_kind kind;
	uint8_t leg;
	bool ok, failed;
	bool transferred; /* HANGUP: not by the operator; whom it rings is rung for another of its calls */
	enum txn_user user;
	pool_handle txn;
	struct txn_slot *slot;
	const struct sip_message *message;
	uint64_t version;
	const struct media_event *media;
	struct flow_id flow;
	int error;
	struct call_order *order;
	struct call_join *join;
	struct call_replacing *replacing;
	struct call_meeting *meeting;
	const struct act_news *play;
	const struct set_news *set;
};

/* Where a party is reached. */
struct call_target {
	struct bytes uri;
	struct bytes user; /* whom of ours */
	struct sip_hop hop;
	bool behind_nat;
	struct offer_terms terms;
};
/* A feature code. */
struct call_set {
	enum feature feature;
	struct bytes number;
};
/* What the route named. */
struct call_start {
	const struct sip_message *invite;
	struct txn_slot *slot;      /* its server transaction */
	struct bytes from, display; /* who calls: user part and name */
	bool early_media;
	bool emergency;
	struct quota_party payer;   /* has it as one of its calls; the call gives that back */
	struct offer_terms terms;   /* of the caller */
	struct bytes to;            /* user of ours, or what was dialled */
	const struct call_set *set; /* ... which means this; NULL: a user */
	struct call_replaces replaces;
};
/* By command: A is rung first. */
struct call_originate {
	struct bytes from, display, to;
	struct call_target target; /* of from */
	const struct shard_order *by;
	bool auto_answer;
};
/* Why a call could not be started: nothing is left behind then. */
struct call_refusal {
	uint16_t status;
	enum sig_refused reason;
	const char *text;       /* constant sentence for Warning, or NULL */
	uint32_t retry_after_s; /* 0: the usual */
};
/* Is err, for who refuses to return. */
static inline int call_refuse(struct call_refusal *r, int err, uint16_t status,
			      enum sig_refused reason)
{
	*r = (struct call_refusal){ .status = status, .reason = reason };
	return err;
}

/* What is agreed with its party, also before that is acknowledged. */
static inline const struct leg_sdp *leg_sdp_newest(const struct leg *l)
{
	return leg_sdp_is_agreed(&l->open) ? &l->open : &l->sdp;
}

/* NULL: there is none, or it is gone. */
static inline struct leg *call_leg(const struct call *c, uint8_t leg)
{
	return leg < c->leg_count ? c->legs[leg] : NULL;
}

/* Whose phone a leg is unless it says otherwise: a redirection leads elsewhere. */
static inline struct bytes call_leg_user(const struct call *c, uint8_t leg)
{
	return text_bytes(leg == c->bridge.caller ? &c->from : &c->to);
}

/* Legs of the bridge; the callee's is NULL where nobody is there yet. */
static inline struct leg *call_caller(const struct call *c)
{
	return c->legs[c->bridge.caller];
}
static inline struct leg *call_callee(const struct call *c)
{
	return call_leg(c, c->bridge.callee);
}
static inline bool bridge_has(const struct call *c, uint8_t leg)
{
	return leg == c->bridge.caller || leg == c->bridge.callee;
}
/* Whom the leg hears, or is asked for; LEG_NONE: nobody. */
static inline uint8_t bridge_peer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	if (leg == c->bridge.caller)
		return c->bridge.callee;
	if (leg == c->bridge.callee)
		return c->bridge.caller;
	return l && l->uac ? l->uac->from : LEG_NONE;
}
/* `leg` takes the other place beside `from`. */
static inline void bridge_join(struct call *c, uint8_t from, uint8_t leg)
{
	if (from == leg)
		return;
	if (from == c->bridge.caller)
		c->bridge.callee = leg;
	else if (from == c->bridge.callee)
		c->bridge.caller = leg;
}

#endif
