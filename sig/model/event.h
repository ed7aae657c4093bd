/* SPDX-License-Identifier: Apache-2.0 */
/* What can happen to a call: events, and orders to it. */
#ifndef SIG_MODEL_EVENT_H
#define SIG_MODEL_EVENT_H

#include "media/flow.h"
#include "media/offer/terms.h"
#include "sig/identity/carried.h"
#include "sig/model/call.h"
#include "sig/sip/feature_code.h"

struct call_order;
struct call_join;
struct call_split;
struct call_replacing;

enum call_event_kind {
	CALL_EV_REQUEST,     /* in a dialog: message, slot (NULL for ACK) */
	CALL_EV_REFER,       /* outside of a dialog, about that of the leg: message, slot */
	CALL_EV_CANCEL,      /* of the INVITE of that leg; already answered */
	CALL_EV_PROVISIONAL, /* to a request of ours: message, user, txn */
	CALL_EV_SUCCESS,
	CALL_EV_FAILURE,
	CALL_EV_TIMEOUT, /* of a request of ours: user, txn; failed: it could not be sent */
	/* a 2xx to an INVITE without transaction: message. All events up to here are of a leg */
	CALL_EV_STRAY,
	CALL_EV_TIMER,
	CALL_EV_SAVED,        /* version, ok */
	CALL_EV_ENDED,        /* ok */
	CALL_EV_MEDIA,        /* media */
	CALL_EV_MEDIA_FAILED, /* flow */
	CALL_EV_HANGUP,       /* by the operator: order, or NULL */
	CALL_EV_REPLY,        /* reply: to what it has asked */
	CALL_EV_ORDER,        /* order */
	CALL_EV_RELEASE,      /* the store is away: nothing waits any longer */
	CALL_EV_ASSERT,       /* the store is back: save again */
	CALL_EV_RESUME,       /* after a restart */
	CALL_EV_JOIN,         /* leg, join: it goes to another call */
	CALL_EV_REPLACE,      /* leg, replacing: another call has who takes its place */
	CALL_EV_PICK,         /* version: the id of another call, which is to take its party */
	CALL_EV_PICK_OVER,    /* the callee that it was to take has left */
	CALL_EV_YIELD,        /* its party is retrieved from its slot: ringing for it ends */
	/* the result of a request to the focus. version: CSeq of its REFER; error: SIP status */
	CALL_EV_FOCUS,
	/* leg, meeting: it is to be joined with a leg of another call; meeting NULL: no longer */
	CALL_EV_MEET,
};

struct call_event {
	enum call_event_kind kind;
	uint8_t leg;
	bool ok, failed;
	bool again; /* SUCCESS: its transaction has had one before */
	bool over;  /* HANGUP: the node that had the call before has ended it */
	/* HANGUP: not by the operator; the callee is rung for another of its calls */
	bool transferred;
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
	const struct reply *reply;
};

/* ---- what a call begins with ---- */

/* Where a party is reached. */
struct call_target {
	struct bytes uri;
	struct bytes user;   /* the user of ours; "": none */
	uint16_t trunk;      /* the trunk; TRUNK_NONE: a phone */
	struct bytes routes; /* proxies on the way, as in Route; empty: none */
	struct sip_hop hop;
	bool behind_nat;
	bool lost;        /* its connection is closed: it may come back */
	bool auto_answer; /* it is asked to answer by itself */
	bool by_name; /* addressed by its name (RFC 3263); hop: where it is reached without one */
	uint8_t rest_count;
	/* where it is asked when it is not reached at hop, best first */
	const struct sip_hop *rest;
	struct offer_terms terms;
};
/* A feature code, or the number of a room. */
struct call_set {
	enum feature_action feature; /* FEATURES: none */
	bool room;
	struct bytes number;
	uint64_t conference; /* with room: the one that is there; 0: */
	uint16_t away;       /* ... which that shard has, by the name that is called; 0: this one */
	struct bytes named;  /* ... that name: others are not shown it */
	/* ... one begins with the parties of this call, or it is that of the number */
	uint64_t joins;
	uint8_t join_leg; /* ... of it, with the host */
	/* with conference: the member that it replaces; call 0: none */
	struct call_replaces stead;
	/* of room: a name in a conference that is there already; empty: none */
	struct bytes member;
};
/* What the route named. */
struct call_start {
	const struct sip_message *invite;
	struct txn_slot *slot;      /* its server transaction */
	struct bytes from, display; /* the caller: user part and name */
	struct carried_self self;   /* identities that it may state; empty: a trusted peer does */
	bool anonymous;             /* its From is anonymous */
	bool early_media;
	bool emergency;
	/* the site of an emergency call (sig/host/tenant_tables.h); 0: unknown */
	uint16_t location;
	uint64_t device;            /* by which the caller has proven himself; 0: none */
	uint64_t bare;              /* ... its nonce, where no document names it */
	uint16_t trunk;             /* it comes from that one; TRUNK_NONE: from a phone */
	struct quota_party payer;   /* has it as one of its calls; the call gives that back */
	struct offer_terms terms;   /* of the caller */
	struct bytes to;            /* user of ours, or what was dialled */
	struct bytes gruu;          /* which of his phones (gruu_name); empty: all */
	struct bytes account;       /* dialled with it; empty: with none */
	const struct call_set *set; /* ... which means this; NULL: a user */
	struct call_replaces replaces;
};
/* By command: A is rung first. */
struct call_originate {
	struct bytes from, display, to;
	struct bytes caller_id;    /* shown outside; empty: the extension's */
	struct call_target target; /* of from */
	struct bytes payer;        /* for a number outside: the extension of the call */
	const struct shard_order *by;
	bool auto_answer;
	bool hides;      /* from, as by Privacy: id */
	uint32_t ring_s; /* of call.ring_s */
};
/* Why a call could not be started: nothing is left behind then. */
struct call_refusal {
	uint16_t status;
	enum refusal reason;
	const char *text;       /* constant sentence for Warning, or NULL */
	uint32_t retry_after_s; /* 0: the usual */
};
/* Returns reason, for a caller that returns the refusal. */
static inline enum refusal call_refuse_as(struct call_refusal *r, uint16_t status,
					  enum refusal reason)
{
	*r = (struct call_refusal){ .status = status, .reason = reason };
	return reason;
}
/* With the usual status. */
static inline enum refusal call_refuse(struct call_refusal *r, enum refusal reason)
{
	return call_refuse_as(r, refusals[reason].status, reason);
}

#endif
