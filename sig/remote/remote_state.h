/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes ask and tell each other, as octets (remote.proto). Pure. */
#ifndef SIG_REMOTE_REMOTE_STATE_H
#define SIG_REMOTE_REMOTE_STATE_H

#include "sig/host/effect.h"
#include "sig/host/security.h"
#include "sig/host/share.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"
#include "sig/model/record_page.h"
#include "sig/subscription/package.h"

enum {
	REMOTE_STATE_MAX = 65535, /* octets that go at once */
	REMOTE_USER_MAX = 256,
	REMOTE_SHARDS_MAX = 64, /* of one node */
	REMOTE_FEATURE_MAX = 32768,
};

/* A user that a node asks about or reports. Slices live as long as their source. */
struct remote_user {
	struct bytes tenant, user;
	bool asks;       /* else all of the user's dialogs on the sender's node follow */
	bool holds;      /* with asks: an empty answer counts as an answer, too */
	bool registered; /* without asks: a phone of the user is, by that node */
	uint32_t count;
	struct dialog_state dialogs[DIALOG_STATES_MAX];
};

/* Which call that rings a user may take; or which one is his own: the newest one that is so. */
struct remote_pick {
	struct bytes tenant, by;
	/* the user at which it rings; empty: any user with calls that `by` may pick up */
	struct bytes of;
	enum user_call_want want;
};

/* The one that rings for longest, or his own. */
struct remote_picked {
	uint64_t call;   /* 0: none */
	uint64_t utc_ms; /* the smallest counts: of a user's own UINT64_MAX less its beginning */
	bool promised;   /* there is one that another one takes */
};

/* The party that another call is to be joined with. */
struct remote_join {
	uint64_t call;
	struct bytes tenant;
	enum shard_leg leg;
	char slot[PARK_SLOT_LEN + 1]; /* its party must wait there; "": anywhere */
	/* Its parties are to join that conference, and the user, a member already, leaves the call;
	 * 0: only a question, and the user, if there is one, must speak in it. */
	uint64_t room;
	struct bytes leaves;
	/* leg and 1 of a tag of the call, which must be the user's; 0: he may not be in it */
	uint8_t dialog;
};

/* What shard_call_remote says (shard_remote_refusal). */
enum remote_verdict {
	REMOTE_OK,
	REMOTE_NO_CALL,
	REMOTE_NOT_UP,
	REMOTE_BUSY,
	REMOTE_NO_PARTY,
	REMOTE_WHICH_PARTY,
	REMOTE_NOT_ALLOWED,
	REMOTE_VERDICTS,
};

struct remote_joined {
	enum remote_verdict verdict;
	struct call_remote remote; /* OK; but for its shard, which the call's id says */
};

/* What was given for a secret. */
struct remote_guess {
	struct secret_guess guess;
	bool right;
};

/* Something in it has changed. */
struct remote_box {
	struct bytes tenant, box;
};

/* What a feature tells the same one of other nodes: octets that it alone reads. */
struct feature_message {
	struct bytes feature, octets;
};

/* Questions, answers and notifications. The answer to a question is the kind behind it, with the
 * same serial. */
enum remote_kind {
	REMOTE_PICK,
	REMOTE_PICKED,
	REMOTE_SHARE,
	REMOTE_JOIN,
	REMOTE_JOINED,
	REMOTE_PAGE,
	REMOTE_PAGED,
	REMOTE_GUESS,
	REMOTE_BOX,
	REMOTE_FEATURE,
	REMOTE_KINDS,
};

struct remote_item {
	enum remote_kind kind;
	uint64_t serial;  /* of a question, never 0; of what is told 0 */
	uint64_t process; /* that has sent it; 0: this one */
	union {
		struct remote_pick pick;
		struct remote_picked picked;
		struct share_word share;
		struct remote_join join;
		struct remote_joined joined;
		struct record_page_request
			page; /* what an extension's record page shows, and does */
		struct record_page paged;
		struct remote_guess guess;
		struct remote_box box;
		struct feature_message message;
	};
};

struct remote_state_readers {
	/* First of all: the shards that the sender reports all dialogs of, each plus 1. NULL: not
	 * stated, as by older nodes. */
	void (*shards)(const uint32_t *shards, size_t count, void *arg);
	void (*user)(const struct remote_user *u, void *arg);
	void (*item)(const struct remote_item *item, void *arg);
	void *arg;
};

/* Appends it. Dialogs that do not fit are left out; w->overflow: not even the user fits, and
 * nothing is written. */
void remote_state_add(struct writer *w, const struct remote_user *u);
void remote_state_add_shards(struct writer *w, const uint32_t *shards, size_t count);
void remote_state_add_item(struct writer *w, const struct remote_item *item);
/* Calls the readers for each user, then for each item by kind. Returns 0 or -EBADMSG with no call
 * made. */
int remote_state_read(struct bytes outcome, const struct remote_state_readers *readers) NODISCARD;

#endif
