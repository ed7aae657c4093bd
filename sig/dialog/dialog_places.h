/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a dialog's requests go whose first route, or else remote target, is a name (RFC 3261 12.2.1.1, RFC 3263). The place in use stays as
 * long as the name leads there and it has not failed. What is known of the name is used at once. Else the request is held, and so are all
 * behind it, until the name was looked up, for DIALOG_LOOKUP_MS at most. Where the name leads nowhere, or nobody says where, requests go to
 * the place in use. Nothing of this is in a record: a successor has the request to say again, and looks up again.
 */
#ifndef SIG_DIALOG_DIALOG_PLACES_H
#define SIG_DIALOG_DIALOG_PLACES_H

#include "base/pool.h"
#include "sig/host/asked.h"
#include "sig/host/settings.h"

enum {
	DIALOG_LOOKUP_MS = 5000,
	DIALOG_LOOKUPS_MAX = 256, /* of a shard at once; more requests go to the place in use */
	DIALOG_PLACES_MAX = 7,    /* beside the one in use */
};

struct call_host;
struct dialog;
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

/* A URI's host is a name that somebody may be asked for: *out, but for the seed. */
bool places_want(const struct shard_settings *settings, const struct sip_uri *uri,
		 struct lookup_want *out);

/* Before a request is written: hop of the dialog is where it goes. True: a name is looked up first. */
bool dialog_resolves(struct dialog *d, struct call_host *h);
/* ... and that request waits for it. */
void dialog_hold(struct dialog *d, struct txn_slot *slot);
/* ... or an ACK does. */
void dialog_hold_ack(struct dialog *d);
/* What the name leads to; news NULL: nobody has said. False: it is of another look-up. What was held goes, but for the ACK: true says that
 * it has to go first, in *ack; dialog_held_go lets the others go. */
bool dialog_told(struct dialog *d, struct call_host *h, const struct lookup_news *news, bool *ack);
void dialog_held_go(struct dialog *d, struct call_host *h);
/* When nobody has said; 0: nothing waits. */
uint64_t dialog_lookup_due_ns(const struct dialog *d);

/* What is new of a request that is said again elsewhere. */
struct dialog_moved {
	uint64_t branch;
	uint32_t
		cseq; /* one of a higher number may be there already (RFC 3261 12.2.2); 0: it has its own */
};
/* The request was not taken where it went: no answer, no way there, or 503 (for_s: Retry-After; 0: nobody said). It is said at the next
 * place, as a new transaction. False: there is none, or it is not a request of the dialog. */
bool dialog_elsewhere(struct dialog *d, struct call_host *h, struct txn_slot *slot, uint32_t for_s,
		      struct dialog_moved *out) NODISCARD;
bool dialog_has_place(const struct dialog *d);
/* Nothing waits any more: what was held goes the way that it was written for. */
void dialog_places_clear(struct dialog *d);

#endif
