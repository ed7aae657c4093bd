/* SPDX-License-Identifier: Apache-2.0 */
/* A leg: one dialog with one party, its offer and answer, and an INVITE in each direction while it
 * is open. */
#ifndef SIG_MODEL_LEG_H
#define SIG_MODEL_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "base/table.h"
#include "media/flow.h"
#include "media/offer/terms.h"
#include "sig/dialog/dialog.h"
#include "sig/host/toll.h"
#include "sig/host/trunk.h"
#include "sig/host/txns.h"
#include "sig/sip/feature_code.h"

/* RFC 4028: how long the session lasts with one party. A value (sig/leg/session_timer.h). */

struct session_timer {
	uint32_t interval_s;             /* 0: off, or not negotiated yet */
	uint32_t min_s;                  /* the highest Min-SE received; 0: none */
	bool agreed;                     /* the party keeps the time, too */
	bool ours;                       /* we refresh */
	uint64_t refresh_ns, expires_ns; /* 0: off */
};

/* One offer and its answer between us and one party (RFC 3264), whole texts. The media parameters
 * are not stored: they follow from the texts of the bridged legs, also in another process. */

struct leg_sdp {
	struct text remote; /* the party's; empty: none yet */
	struct text local;  /* ours to it; empty: none yet */
	bool theirs;        /* the offer is the party's, and ours the answer */
	/* agreed by a reliable provisional response (RFC 3262 5): neither 2xx nor ACK has it */
	bool by_18x;
};
void leg_sdp_clear(struct leg_sdp *sdp);
/* *to takes over what *from holds; *from is empty afterwards. */
void leg_sdp_move(struct leg_sdp *to, struct leg_sdp *from);
/* There is an answer. */
static inline bool leg_sdp_is_agreed(const struct leg_sdp *sdp)
{
	return sdp->remote.n && sdp->local.n;
}
/* The offer, or the answer; empty: none yet. */
static inline struct bytes leg_sdp_offer(const struct leg_sdp *sdp)
{
	return text_bytes(sdp->theirs ? &sdp->remote : &sdp->local);
}
static inline struct bytes leg_sdp_answer(const struct leg_sdp *sdp)
{
	return text_bytes(sdp->theirs ? &sdp->local : &sdp->remote);
}

/* The legs of all calls of a shard by the tenant's user of their phone, so a returning phone finds
 * its calls among thousands. Legs link each other: no capacity limit, and no memory but the
 * buckets. */

struct leg;

struct leg_users {
	struct leg **buckets;
	uint32_t mask;
	struct hash_key key;
};

/* In a leg. */
struct leg_link {
	struct leg *next;
	struct leg **back; /* what points at this one; NULL: not listed */
	uint32_t hash;
	uint16_t tenant;
};

/* So many legs are found without long walks. 0 or -ENOMEM. */
int leg_users_open(struct leg_users *u, uint32_t legs, struct rand_source *rand) NODISCARD;
/* No leg is listed any more. */
void leg_users_close(struct leg_users *u);
/* Under leg->user; without one, or listed already: nothing happens. */
void leg_users_put(struct leg_users *u, uint16_t tenant, struct leg *leg);
void leg_users_remove(struct leg *leg);
/* All of a tenant's user, the newest first: after NULL the first one, NULL at the end. `after` must
 * not be removed meanwhile. */
struct leg *leg_users_next(const struct leg_users *u, uint16_t tenant, struct bytes user,
			   const struct leg *after);

/* A leg's index stands in our tags and branches, and stays what it is. */
enum {
	LEGS_MAX = 16,
	LEG_NONE = UINT8_MAX,
	/* in tags and branches of a module's dialog, which is outside the legs */
	LEG_OF_MODULE = ID_LEG_MAX,
};
enum { INVITE_EXPIRES_MAX_S = 24 * 3600 };

enum leg_state {
	LEG_EARLY,     /* its first INVITE has no final response yet */
	LEG_ANSWERED,  /* its INVITE: our 2xx left, ACK awaited. Ours: 2xx came, our ACK waits */
	LEG_CONFIRMED, /* ACK came or left */
	LEG_LEAVING,   /* CANCEL or BYE is under way */
	LEG_CLOSED,
};

/* Our INVITE to a leg, the first one or a re-INVITE. It exists until its exchange is over. */
enum uac_state {
	UAC_QUEUED,     /* waits for a save */
	UAC_CALLING,    /* sent, no response yet */
	UAC_PROCEEDING, /* 1xx came: may be cancelled */
	UAC_ANSWERED,   /* 2xx came */
};

/* Our PRACK to the last reliable provisional response (RFC 3262 4). */
enum prack_state {
	PRACK_NONE,  /* there was none */
	PRACK_WAITS, /* for a save, or for the caller's answer */
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
enum { EARLY_MAX = 8 }; /* early dialogs of a branch that are stored */

/* One of several early dialogs of our INVITE (RFC 3261 12.1.2) that is not current
 * (sig/leg/early.h). */
struct early {
	bool used;
	struct early_party { /* what is with its party */
		struct text tag, target, routes;
		struct sip_hop hop;
		bool named, confers;
		uint32_t local_cseq, remote_cseq;
		struct prack prack;
		struct leg_sdp open;
	} party;
	struct early_asker { /* what the caller was told, in a dialog of its own */
		bool told;
		bool turned, told_otherwise;
		uint64_t tag;
		uint32_t remote_cseq, rseq, prack_cseq;
		uint64_t version;
		struct leg_sdp open;
	} asker;
};

struct invite_uac {
	enum uac_state state;
	pool_handle client; /* transaction, perhaps gone */
	uint64_t branch;    /* its random part */
	/* leg that we invite for: its offer is relayed; its own INVITE, if open, gets the answer */
	uint8_t from;
	bool late;   /* without an offer: the party is to make it */
	bool joins;  /* to join its party with one of another call (sig/pbx/join.h) */
	bool tells;  /* only the recording state is new; not part of a record */
	bool pracks; /* we signalled 100rel to the party */
	/* by command: its phone is asked to answer automatically (sig/pbx/auto_answer.c); not part
	 * of a record */
	bool auto_answer;
	challenge_tries challenged;
	uint8_t ports_tries;  /* pairs that were replaced because something else held them */
	uint64_t deadline_ns; /* a re-INVITE is given up; 0: off */
	struct prack prack;
	uint8_t early_at;           /* the early dialog in use */
	struct early *early;        /* EARLY_MAX; NULL: there is one, or none yet */
	struct text target, routes; /* where it was sent, once an early dialog may lead elsewhere */
	/* that of the INVITE, if its party has offered anew in one early dialog; empty: open.local
	 * is it */
	struct text offer;
	bool named; /* hop was found by a name; not part of a record where rest is empty */
	uint8_t rest_count;
	struct sip_hop *rest; /* where else the name leads, best first; NULL: nowhere */
	/* its 2xx is acknowledged, and its party has until then to confirm the call by a digit: the
	 * caller does not get the 2xx before; 0: not so */
	uint64_t screen_ns;
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
	/* an offer before our 2xx changed the media: the other leg is to be re-offered */
	bool turned;
	/* ... of the callee: its earlier offer differed, so this leg is to be re-offered */
	bool told_otherwise;
	bool answer_waits;          /* our 2xx is saved, and waits for a PRACK */
	uint8_t next;               /* leg that has a response waiting for a PRACK, */
	uint8_t next_at;            /* of this early dialog, */
	bool next_sdp;              /* with SDP, */
	uint16_t next_status;       /* 0: none does */
	uint32_t rseq;              /* of our last reliable one; 0: none yet */
	uint32_t prack_cseq;        /* of the last PRACK that fitted; 0: none */
	struct text unacknowledged; /* that response; empty: it was acknowledged */
	bool late;                  /* without an offer: our 2xx has it */
	bool wakes;                 /* the party was held by order, and offers to resume */
	bool held_before;           /* leg.holds, should it be refused */
	uint8_t early;              /* leg that gave the party its early answer; 0: none */
	uint8_t early_at;           /* ... in this early dialog of that leg */
	/* that of the INVITE, if the party has offered anew in one early dialog; empty: open.remote
	 * is it */
	struct text offer;
	uint16_t provisional; /* last one passed on; 0: none */
	int32_t max_forwards; /* -1: none */
	uint32_t cseq;        /* the ACK has it too */
	pool_handle server;   /* transaction, perhaps gone */
	struct text answer;   /* our 2xx */
	uint32_t interval_ms; /* retransmission of the 2xx (RFC 3261 13.3.1.4), or of the other */
	uint64_t retransmit_ns, deadline_ns; /* 0: off */
	uint64_t expires_ns;                 /* Expires of the INVITE (RFC 3261 13.3.1); 0: none */
};

/* Our final refusal of its party's first INVITE, until that has acknowledged it
 * (sig/leg/respond.h). */
struct leg_refusal {
	struct text response;
	uint16_t status;
	const char *why;    /* a constant; NULL: not known. Of this process */
	pool_handle server; /* transaction, perhaps gone */
	uint64_t until_ns;  /* the ACK is awaited until then; 0: it was not sent yet */
};

/* The account charged for a leg outside (sig/pbx/charge.h). */
struct leg_toll {
	bool counted;
	struct text user;          /* extension; "": its tenant alone */
	uint64_t answer_utc_ms;    /* 0: it is not answered */
	struct toll_charge charge; /* of this process */
};
static inline void leg_toll_clear(struct leg_toll *t)
{
	toll_drop(&t->charge);
	text_clear(&t->user);
	*t = (struct leg_toll){ 0 };
}

enum { LEG_ACKS_MAX = 4, LEG_FORKS_MAX = 16 };

/* Our answers to offers in 2xx: each ACK repeats the same answer, whatever was agreed since (RFC
 * 3261 13.2.2.4). */
struct leg_acks {
	uint8_t count;
	struct leg_acked {
		uint32_t cseq;
		uint64_t until_ns; /* the 2xx does not come again */
		struct text answer;
	} list[LEG_ACKS_MAX]; /* the oldest first */
};

/* Further forks behind its address that answered with 2xx and get a BYE (sig/leg/early.h). Recorded
 * until the BYE is answered. */
struct leg_forks {
	uint8_t count;
	struct leg_fork {
		uint32_t tag;       /* hash */
		struct text ack;    /* waits for the save; empty: it left */
		struct text bye;    /* empty: it was answered, or given up */
		struct sip_hop hop; /* of both */
		pool_handle client; /* transaction of the BYE, perhaps gone; 0: it has not left */
	} list[LEG_FORKS_MAX];
};

struct leg_digits;
struct leg_code_digits;
struct leg_entry;
struct trunks;

struct leg {
	enum leg_state state;
	bool outbound; /* its dialog began with an INVITE of ours */
	bool leave; /* its INVITE: BYE follows the ACK. Ours: CANCEL follows the first response */
	bool behind_nat;   /* requests go where the party's came from */
	bool held;         /* by order: its party holds its peer */
	bool holds;        /* by its own re-INVITE: its phone holds its peer */
	bool muted;        /* by order: its audio does not reach its peer */
	bool takes_talk;   /* its phone can end a hold of its own on request (Event: talk) */
	struct text user;  /* the local user of the phone; "": none */
	uint64_t device;   /* by which a caller has proven himself (sig/host/devices.h); 0: none */
	uint64_t bare;     /* ... its nonce, where no document names it; 0: one does */
	struct text trunk; /* its name; "": it is a phone's */
	struct trunks *trunks; /* of that one it has a channel, */
	uint16_t channel;      /* of this number; TRUNK_NONE: none, or not any more */
	/* the call, perhaps gone, that is to replace it (RFC 3891); 0: none; not part of a
	 * record */
	uint64_t replaced_by;
	struct leg_toll toll;
	bool takes_update;         /* RFC 3311 */
	bool record_aware;         /* RFC 7866 6.3: it understands a=record */
	uint8_t record_preference; /* enum offer_record_preference: the last one that was noted */
	/* what it was asked to take note of last; 0: it knows. Not part of a record */
	uint16_t record_asked;
	/* digits do not go to its party by INFO: its Allow lacks it, or it refused one */
	bool no_info;
	bool info_digits; /* digits came from it by INFO: tones in its audio are ignored */
	char tone_digit;  /* the last one that was a tone, and */
	uint64_t tone_ns; /* when that was let go; neither is part of a record */
	/* the state that watchers of its user were notified of; not part of a record */
	uint8_t watched;
	struct session_timer timer;
	struct leg_link same_user;
	struct dialog dialog;
	uint64_t session_id, session_version; /* of our last SDP to the party */
	struct leg_sdp sdp;                   /* in force */
	/* of the INVITE that is open; it takes the place of sdp when that is acknowledged */
	struct leg_sdp open;
	struct {
		uint32_t rseq, cseq;
	} unacknowledged; /* when the ACK came: its PRACK may be on its way; not part of a record */
	pool_handle message;  /* the last MESSAGE to it, perhaps over; not part of a record */
	bool invite_late;     /* our last INVITE on this leg had no offer: its ACK has the answer */
	uint32_t invite_cseq; /* of that one, and */
	uint64_t ack_branch;  /* of the ACK to its 2xx */
	struct leg_acks *acks;       /* NULL: none had an answer */
	struct leg_forks *forks;     /* NULL: no other fork has answered */
	uint64_t leave_ns;           /* a cancelled INVITE is given up (RFC 3261 9.1); 0: off */
	struct invite_uac *uac;      /* NULL: no INVITE of ours is open there */
	struct invite_uas *uas;      /* NULL: none of the party is */
	struct leg_refusal *refusal; /* NULL: none, or it was acknowledged */
	struct leg_digits *digits;   /* NULL: none is on its way by INFO */
	const char *digits_lost;     /* why some were, a constant; NULL: none, or it was told */
	struct leg_code_digits *code_digits; /* withheld digits of its party; NULL: none */
	struct leg_entry *entry;             /* being entered by its party; NULL: none */
	/* the caller's identity as signalled by its party (sig/identity/carried.h) */
	struct text carried;
	struct text pidf; /* where it is (sig/identity/pidf.h); empty: not known */
	/* callback number that trunks get with an emergency call; "": the usual number */
	struct text callback;
	struct offer_terms *terms; /* as they were when the leg was made; NULL: none */
};

static inline bool leg_is_screened(const struct leg *l)
{
	return l && l->uac && l->uac->screen_ns;
}

/* What is agreed with its party, also before that is acknowledged. */
static inline const struct leg_sdp *leg_sdp_newest(const struct leg *l)
{
	return leg_sdp_is_agreed(&l->open) ? &l->open : &l->sdp;
}

/* Legs of trunks (sig/host/trunk.h). A leg occupies a channel of its trunk from its beginning until
 * it is closed, or released before it sent anything. */

/* The way of its channel. */
enum trunk_direction leg_trunk_direction(const struct leg *l);
/* The leg is of that trunk from now on; leg.outbound is known. TRUNK_NONE: it stays a phone's.
 * Returns 0 or -ENOMEM. */
int leg_set_trunk(struct trunks *all, struct leg *l, uint16_t trunk) NODISCARD;
/* Its name stays. */
void leg_leave_channel(struct leg *l);

static inline bool leg_is_trunk(const struct leg *l)
{
	return l->trunk.n != 0;
}

/* Digits of a party that may become an in-call feature code (sig/sip/feature_code.h): the peer gets
 * them if they do not. They are always the beginning of a configured code, so they are not secret,
 * and are in the call's record. */

struct leg_code_digits {
	char list[CALL_CODE_LEN - 1];
	uint16_t duration_ms[CALL_CODE_LEN - 1];
	uint8_t count;     /* of a leg that has these: 1 at least */
	uint8_t peer;      /* leg that they are for, should they be none of a code */
	uint64_t until_ns; /* so long the next one is waited for */
};

/* Digits that a party is entering behind an in-call code (sig/call/call_digits.h). */

enum { LEG_ENTRY_MAX = 16 };

struct leg_entry {
	uint8_t code; /* enum call_code that they are behind */
	char list[LEG_ENTRY_MAX];
	uint8_t count;
	uint64_t until_ns; /* so long the next one is waited for */
};

#endif
