/* SPDX-License-Identifier: Apache-2.0 */
/* One side of a call as a dialog of RFC 3261 12: a plain value, written into the call's record. Our
 * tag names shard, call and leg. */
#ifndef SIG_DIALOG_DIALOG_H
#define SIG_DIALOG_DIALOG_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/table.h"
#include "sig/host/effect.h"
#include "sig/host/sig_metric.h"
#include "sig/sip/digest_client.h"
#include "sig/sip/id.h"

struct shard_settings;

struct call_host;
struct dialog;

/* ---- the next hop of a dialog's requests (RFC 3261 12.2.1.1, with the party's real address behind
 * NAT) ---- */

/* The topmost Via says another address than the message came from. */
bool dialog_is_behind_nat(const struct sip_message *request);
/* The first route or remote target if that is a numeric address at which the party may be reached,
 * else d->hop unchanged. A trusted party is followed to other hosts; a phone stays on its
 * signalling host and transport, so its Contact changes at most the port. */
void dialog_choose_hop(struct dialog *d, const struct call_host *h, bool behind_nat);
/* Whether a host name there is looked up: for a trusted party, unless its requests must go back
 * through NAT or by the connection of a browser or a shard. */
void dialog_choose_names(struct dialog *d, const struct call_host *h, bool behind_nat);
/* The first route, or else the target. False: it cannot be read. */
bool dialog_next_uri(struct bytes routes, struct bytes target, struct sip_uri *out);
/* Whether it may be sent to, from one of our addresses, instead of the source of the party's
 * signalling. An existing connection stays in use towards the same machine (RFC 5626), whatever its
 * port. trusted: the party may name other hosts. */
bool dialog_hop_leads(struct sip_hop *to, const struct sip_hop *party, const struct call_host *h,
		      bool trusted);
/* One of our own listening addresses. */
bool dialog_is_self(const struct addr *remote, const struct shard_settings *settings);

/* Sets a listening address of the hop's transport and family: its own, one of its network, or any.
 * Returns false without one. */
bool hop_local_for(struct sip_hop *hop, const struct shard_settings *settings);

/* The hop of a dialog if its first route or remote target is a host name (RFC 3261 12.2.1.1, RFC
 * 3263). The place in use stays as long as the name resolves to it and it has not failed. Known
 * results are used at once. Else the request is held, and later ones behind it, until the look-up
 * is done, DIALOG_LOOKUP_MS at most. If the name resolves to nothing, or the look-up fails,
 * requests go to the place in use. Nothing of this is in a record: a successor repeats the request,
 * and looks up again. */

enum {
	DIALOG_LOOKUP_MS = 5000,
	DIALOG_LOOKUPS_MAX = 256, /* of a shard at once; more requests go to the place in use */
	DIALOG_PLACES_MAX = 7,    /* in addition to the one in use */
};

struct txn_slot;

struct dialog_places {
	struct call_host *host;
	uint64_t call, serial; /* of the look-up; serial 0: none is under way */
	uint64_t due_ns;
	bool ack; /* the last one waits, too: it goes before the others */
	uint8_t rest_count;
	struct lookup_target rest[DIALOG_PLACES_MAX]; /* where else the name leads */
	uint32_t held_count;
	pool_handle *held; /* client transactions, perhaps gone, in the order of their CSeq */
};

/* A URI's host is a name that can be looked up: *out, except the seed. */
bool places_want(const struct shard_settings *settings, const struct sip_uri *uri,
		 struct lookup_want *out);

/* Before a request is written: sets the hop of the dialog. Returns true if a name is looked up
 * first. */
bool dialog_resolves(struct dialog *d, struct call_host *h);
/* ... and that request waits for it. */
void dialog_hold(struct dialog *d, struct txn_slot *slot);
/* ... or an ACK does. */
void dialog_hold_ack(struct dialog *d);
/* The result of the look-up; NULL: timeout. Returns false if it is of another look-up. Sends
 * what was held except the ACK: *ack true means that it has to go first; dialog_held_go sends the
 * others then. */
bool dialog_on_lookup(struct dialog *d, struct call_host *h, const struct lookup_reply *outcome,
		      bool *ack);
void dialog_held_go(struct dialog *d, struct call_host *h);
/* The time limit of the look-up; 0: nothing waits. */
uint64_t dialog_lookup_due_ns(const struct dialog *d);

/* The changed fields of a request that is sent to another place. */
struct dialog_moved {
	uint64_t branch;
	/* one of a higher number may be there already (RFC 3261 12.2.2); 0: it has its own */
	uint32_t cseq;
};
/* The request failed at its place: no response, unreachable, or 503 (for_s: Retry-After; 0: none).
 * It is sent to the next place as a new transaction. Returns false without one, or if it is not a
 * request of the dialog. */
bool dialog_forward(struct dialog *d, struct call_host *h, struct txn_slot *slot, uint32_t for_s,
		    struct dialog_moved *out) NODISCARD;
bool dialog_has_place(const struct dialog *d);
/* Nothing waits any more: what was held goes the way that it was written for. */
void dialog_places_clear(struct dialog *d);

/* Our credentials towards a party that challenges (RFC 3261 22). The challenge is kept with the
 * dialog, so each further request answers it at once, with the next count. The account is asked of
 * the host each time: no secret is in a dialog or its record. */

/* After a restart requests that no save waited for may have used these counts. */
enum { RESUME_NONCE_GAP = 64 };

struct dialog_challenge {
	struct text nonce, opaque; /* no nonce: it did not ask */
	enum digest_algorithm algorithm;
	enum digest_qop qop;
	bool session;
	uint32_t count; /* answered so often */
	uint64_t cnonce;
};

struct dialog_challenges {
	struct dialog_challenge of[2]; /* by 401, and by 407: of a proxy on the way */
	struct text invite; /* the credentials of the last INVITE, which its ACK repeats (22.1) */
};

static inline bool challenge_is(const struct sip_message *m)
{
	return m->status == 401 || m->status == 407;
}
/* Of one request: how often it was repeated for a challenge. Zero at first. */
typedef uint8_t challenge_tries;

/* The response is 401 or 407 to a request of ours with the credentials `said`, perhaps among other
 * lines. CHALLENGE_ANSWERED: the request is to be sent again, with credentials; else the reason
 * against it. */
enum sig_challenge dialog_challenged(struct dialog *d, struct call_host *h,
				     const struct sip_message *m, struct bytes said,
				     challenge_tries *tries);
/* Adds credentials to a whole request in *w if its party has challenged. body: octets behind its
 * blank line. */
void dialog_prove(struct dialog *d, struct call_host *h, struct writer *w, enum sip_method method,
		  size_t body);
/* Lines for the ACK to the 2xx of the last INVITE. */
struct bytes dialog_proof(const struct dialog *d);
/* Another process goes on. */
void dialog_challenges_resume(struct dialog *d);

/* Dialogs that are in another call than their tags say: a dialog keeps its original tags when its
 * leg moves to another call. All other dialogs are found by their tags alone, and cost nothing
 * here. Of a shard; its thread. */

struct elsewhere {
	struct id_tag born;
	uint64_t call; /* where it is now */
	uint8_t leg;
	struct elsewhere *next, **back; /* back: what points at this one; NULL: not listed */
};

enum { FORWARD_BUCKETS = 1024 };

struct forward_list {
	struct elsewhere *buckets[FORWARD_BUCKETS];
	struct hash_key key;
};

/* key: of the shard. */
void forward_list_open(struct forward_list *list, const struct hash_key *key);
/* The dialog's leg is this one from now on. list NULL: listed later (forward_put). Returns 0 or
 * -ENOMEM: nothing has changed. */
int forward_set(struct forward_list *list, struct dialog *d, uint64_t call, uint8_t leg) NODISCARD;
/* One that is not listed yet, as a record has it; nothing where it is where its tags say. */
void forward_put(struct forward_list *list, struct dialog *d);
/* Call and leg of a tag of ours become those where its dialog is. */
void forward_follow(const struct forward_list *list, struct id_tag *tag);

enum {
	DIALOG_TEXT_MAX = 1024, /* longest Call-ID, tag, URI or name-addr stored */
	DIALOG_ROUTES_MAX = 4096,
};

/* After a restart, unsaved requests may have used these numbers, and as many again by each further
 * process since the record was written; a gap is allowed (RFC 3261 12.2.2), going back is not. */
enum { RESUME_CSEQ_GAP = 64, RESUME_PROCESSES_MAX = 256 };

/* For a BYE in a dialog that is not stored: its call may have used numbers after the INVITE's, also
 * after restarts. */
enum { STRAY_CSEQ_GAP = 1 << 16 };

/* The state of a REFER that went to a conference on a remote shard, which sends the NOTIFYs
 * (sig/pbx/focus.h). */
enum dialog_refer {
	DIALOG_REFER_NONE,  /* or its last NOTIFY has come */
	DIALOG_REFER_ASKED, /* no NOTIFY yet */
	DIALOG_REFER_TAKEN, /* a NOTIFY came, and the last one did not */
	DIALOG_REFER_OVER,  /* the party has left, and was told so by our last NOTIFY */
};

struct dialog {
	struct id_tag tag; /* ours, with the call and leg that it was born in */
	/* for a conference on a remote shard: the dialog that sent the last REFER there
	 * (sig/pbx/focus.h); call 0: unknown. Not part of a record */
	struct id_tag referrer;
	struct elsewhere *elsewhere; /* NULL: it is there still */
	struct text call_id;
	struct text remote_tag; /* empty: none yet */
	struct text local;      /* "name" <uri> of us, without tag */
	struct text remote;     /* of the party */
	struct text target;     /* remote target URI */
	struct text routes;     /* "<sip:p1;lr>, <sip:p2;lr>" in the order of Route headers */
	/* the conference of its party (RFC 4579), the user part of its URI; empty: none. Not part
	 * of a record */
	struct text focus;
	struct sip_hop hop; /* where our requests go */
	bool trunk;         /* the party may name other users and hosts, at any address */
	bool named;         /* names that it says count */
	/* the party is a conference on a remote shard: its Contact has isfocus, and names it */
	bool confers;
	uint8_t refer_is;     /* enum dialog_refer. Not part of a record, nor is refer */
	uint32_t local_cseq;  /* last one we used */
	uint32_t remote_cseq; /* last one they used; 0 before the first */
	uint32_t refer;       /* which one of the party's that is about */
	struct dialog_challenges *challenges; /* NULL: not challenged */
	struct dialog_places *places;         /* NULL: it is at no name, or at one place of it */
};

void dialog_clear(struct dialog *d);
/* Copies texts and hop of a dialog that has moved, without its tag, so it is not found here.
 * Returns 0 or -ENOMEM. */
int dialog_copy(struct dialog *to, const struct dialog *from) NODISCARD;

/* Its present call. */
static inline uint64_t dialog_call(const struct dialog *d)
{
	return d->elsewhere ? d->elsewhere->call : d->tag.call;
}
static inline uint8_t dialog_leg(const struct dialog *d)
{
	return d->elsewhere ? d->elsewhere->leg : d->tag.leg;
}

/* For the callee's side: from an INVITE with a Contact; only d->trunk is set already. Returns 0,
 * -EINVAL (too long or not repeatable), -ENOMEM. */
int dialog_from_request(struct dialog *d, const struct id_tag *tag,
			const struct sip_message *invite, const struct call_host *h) NODISCARD;

/* The party to invite. */
struct dialog_party {
	struct bytes local_display, local_user, remote_user;
	struct bytes local_host;     /* of local_user; empty: ours */
	struct bytes target, routes; /* routes: preloaded, as Route has them */
	struct sip_hop hop;
};
int dialog_to_party(struct dialog *d, const struct id_tag *tag, const struct dialog_party *party,
		    const struct shard_settings *settings) NODISCARD;
/* The response to our INVITE: remote tag, target and route set. behind_nat: requests keep going to
 * the hop. Returns 0, -EINVAL, -ENOMEM. */
int dialog_confirm(struct dialog *d, const struct sip_message *response, bool behind_nat,
		   const struct call_host *h) NODISCARD;
/* Another dialog created by the same INVITE (RFC 3261 12.1.2), from a response of its party: *d
 * (zeroed) is to be cleared, also after an error. Returns 0, -EINVAL, -ENOMEM. */
int dialog_fork(struct dialog *d, const struct dialog *of, const struct sip_message *response,
		const struct call_host *h) NODISCARD;
/* Its Contact can be stored: checked before a session changes, with the target refresh behind
 * it. */
bool dialog_may_refresh(const struct sip_message *m);
/* Target refresh by a re-INVITE or UPDATE that is accepted, or by its response (RFC 3261 12.2,
 * 14.1). judged: the request's source was verified (shard_hop_judge); else only a trusted party
 * moves to another host. Returns 0, -EINVAL, -ENOMEM. */
int dialog_refresh(struct dialog *d, const struct sip_message *m, bool judged,
		   const struct call_host *h) NODISCARD;

/* Call-ID and both tags are those of the dialog. local, remote: the tags in the message, as seen
 * from us. */
bool dialog_is(const struct dialog *d, struct bytes call_id, struct bytes local,
	       struct bytes remote);

/* A request within the dialog, or the INVITE that opens it. */
struct dialog_request {
	enum sip_method method;
	uint32_t cseq;
	uint64_t branch; /* random part */
	int32_t max_forwards;
	bool contact;        /* say where we are: INVITE */
	struct bytes target; /* in the place of the dialog's; empty: that */
	struct bytes extra;  /* whole lines */
	struct bytes content_type, body;
};
void dialog_write_request(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			  const struct shard_settings *settings);
/* The head of a request that we wrote, to be sent again (RFC 3261 8.1.3.5): with another CSeq and
 * branch, without credentials and the blank line. */
void dialog_write_again(struct writer *w, const struct dialog *d, struct bytes request,
			const struct dialog_request *r, const struct shard_settings *settings);
/* A request that we wrote, for the dialog's present hop: with this branch and CSeq (0: its own),
 * else unchanged. */
void dialog_write_moved(struct writer *w, const struct dialog *d, struct bytes request,
			const char branch[ID_BRANCH_LEN], uint32_t cseq,
			const struct shard_settings *settings);
/* Those of such a request. */
bool dialog_read_branch(struct bytes request, char out[ID_BRANCH_LEN]);
uint32_t dialog_read_cseq(struct bytes request);
/* "Contact: <...>" line of a leg; of a focus it is the conference, */
void dialog_write_contact(struct writer *w, const struct dialog *d,
			  const struct shard_settings *settings);
/* ... and who reads it may watch that (RFC 4579 3.1); of another one nothing. */
void dialog_write_focus(struct writer *w, const struct dialog *d);
/* "name" and a blank; nothing without a name. */
void dialog_write_display(struct writer *w, struct bytes display);
/* "name" <sip:user@host>; without a name: <sip:user@host>. */
void dialog_write_name(struct writer *w, struct bytes display, struct bytes user,
		       const struct addr *host);
/* The tag as it stands in headers. */
struct dialog_tag {
	char text[ID_TAG_LEN];
};
struct dialog_tag dialog_tag(const struct dialog *d);

/* Our ACK to a non-2xx (RFC 3261 17.1.1.3) and our CANCEL (9.1): both repeat lines of the INVITE we
 * wrote. to: value of the response's To header; empty: that of the INVITE. */
void dialog_write_derived(struct writer *w, struct bytes invite, enum sip_method method,
			  struct bytes to, struct bytes extra);

#endif
