/* SPDX-License-Identifier: Apache-2.0 */
/* What a call begins with. */
#ifndef SIG_MODEL_START_H
#define SIG_MODEL_START_H

#include "media/offer/offer.h"
#include "sig/identity/carried.h"
#include "sig/model/call.h"
#include "sig/sip/feature_code.h"

/* Where a party is reached. */
struct call_target {
	struct bytes uri;
	struct bytes user;   /* whom of ours; "": nobody */
	uint16_t trunk;      /* whose it is; TRUNK_NONE: a phone's */
	struct bytes routes; /* by whom it is reached, as Route has them; empty: nobody */
	struct sip_hop hop;
	bool behind_nat;
	bool by_name; /* its name says where it is (RFC 3263); hop: where it is reached without one */
	uint8_t rest_count;
	const struct sip_hop
		*rest; /* where it is asked when it is not reached at hop, best first */
	struct offer_terms terms;
};
/* A feature code, or the number of a room. */
struct call_set {
	enum feature feature; /* FEATURES: none */
	bool room;
	struct bytes number;
	uint64_t conference; /* with room: the one that is there; 0: */
	uint16_t away;       /* ... which that shard has, by the name that is called; 0: this one */
	struct bytes named;  /* ... that name: others are not shown it */
	uint64_t
		joins; /* ... one begins with the parties of this call, or it is that of the number */
	uint8_t join_leg; /* ... whose party is host */
	struct call_replaces
		stead; /* with conference: whose place in it is taken; call 0: nobody's */
	struct bytes
		member; /* of room: a name in a conference that is there already; empty: none */
};
/* What the route named. */
struct call_start {
	const struct sip_message *invite;
	struct txn_slot *slot;      /* its server transaction */
	struct bytes from, display; /* who calls: user part and name */
	struct carried_self self;   /* what it may be called; empty: a peer speaks for it */
	bool anonymous;             /* its From names nobody */
	bool early_media;
	bool emergency;
	uint16_t
		location; /* where it makes an emergency call from (sig/host/sites.h); 0: it is not said */
	uint16_t trunk;             /* it comes from that one; TRUNK_NONE: from a phone */
	struct quota_party payer;   /* has it as one of its calls; the call gives that back */
	struct offer_terms terms;   /* of the caller */
	struct bytes to;            /* user of ours, or what was dialled */
	struct bytes gruu;          /* which of his phones (gruu_name); empty: all */
	const struct call_set *set; /* ... which means this; NULL: a user */
	struct call_replaces replaces;
};
/* By command: A is rung first. */
struct call_originate {
	struct bytes from, display, to;
	struct call_target target; /* of from */
	struct bytes payer;        /* of a number outside: the extension whose call it is */
	const struct shard_order *by;
	bool auto_answer;
	uint32_t ring_s; /* of call.ring_s */
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

#endif
