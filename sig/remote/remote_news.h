/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes ask and tell each other, as octets (remote.proto). Pure. */
#ifndef SIG_SUBSCRIPTION_REMOTE_NEWS_H
#define SIG_SUBSCRIPTION_REMOTE_NEWS_H

#include "sig/host/security.h"
#include "sig/host/share.h"
#include "sig/model/call_order.h"
#include "sig/model/park.h"
#include "sig/model/record_page.h"
#include "sig/subscription/package.h"

enum {
	REMOTE_NEWS_MAX = 65535, /* octets that go at once */
	REMOTE_USER_MAX = 256,
	REMOTE_SHARDS_MAX = 64, /* of one node */
};

/* A user, as one node asks for it or tells of it. Slices live as long as what they were read from. */
struct remote_user {
	struct bytes tenant, user;
	bool asks;  /* else all of the user's dialogs on the sender's node follow */
	bool holds; /* with asks: that there are none is an answer, too */
	uint32_t count;
	struct dialog_state dialogs[DIALOG_STATES_MAX];
};

/* Which call that rings a user may take. */
struct remote_pick {
	uint64_t serial; /* of the question, never 0 */
	struct bytes tenant, by;
	struct bytes of; /* at whom it rings; empty: at any whose calls he may take */
};

/* The one that rings for longest. */
struct remote_picked {
	uint64_t serial;
	uint64_t call; /* 0: none */
	uint64_t utc_ms;
	bool promised; /* there is one that another one takes */
};

/* With whom a call is to be joined. */
struct remote_join {
	uint64_t serial, call;
	struct bytes tenant;
	enum shard_leg leg;
	char slot[PARK_SLOT_LEN + 1]; /* its party must wait there; "": anywhere */
	/* Its parties are to come into that conference, and the user, who is there already, leaves the call; 0: it is asked about only. */
	uint64_t room;
	struct bytes leaves;
	uint8_t dialog; /* leg and 1 of a tag of the call, which must be his; 0: he may not be in it */
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
	uint64_t serial;
	enum remote_verdict verdict;
	struct call_remote remote; /* OK; but for its shard, which the call's id says */
};

/* What an extension's record page shows, and does. */
struct remote_page {
	uint64_t serial;
	struct record_page_ask ask;
};

struct remote_paged {
	uint64_t serial;
	struct record_page page;
};

/* What was given for a secret. */
struct remote_guess {
	struct secret_guess guess;
	bool right;
};

struct remote_news_readers {
	/* First of all: of these the sender tells all dialogs; each is a shard and 1. NULL: it does not say, as older ones. */
	void (*shards)(const uint32_t *shards, size_t count, void *arg);
	void (*user)(const struct remote_user *u, void *arg);
	void (*pick)(const struct remote_pick *p, void *arg);
	void (*picked)(const struct remote_picked *p, void *arg);
	void (*join)(const struct remote_join *j, void *arg);
	void (*joined)(const struct remote_joined *j, void *arg);
	void (*page)(const struct remote_page *p, void *arg);
	void (*paged)(const struct remote_paged *p, void *arg);
	void (*guess)(const struct remote_guess *g, void *arg);
	void (*share)(const struct share_word *word, void *arg);
	void *arg;
};

/* Behind what is there already. Dialogs that do not fit any more are left out; w->overflow: not even the user fits, and nothing is written. */
void remote_news_add(struct writer *w, const struct remote_user *u);
void remote_news_add_shards(struct writer *w, const uint32_t *shards, size_t count);
void remote_news_add_pick(struct writer *w, const struct remote_pick *p);
void remote_news_add_picked(struct writer *w, const struct remote_picked *p);
void remote_news_add_join(struct writer *w, const struct remote_join *j);
void remote_news_add_joined(struct writer *w, const struct remote_joined *j);
void remote_news_add_page(struct writer *w, const struct remote_page *p);
void remote_news_add_share(struct writer *w, const struct share_word *word);
void remote_news_add_paged(struct writer *w, const struct remote_paged *p);
void remote_news_add_guess(struct writer *w, const struct remote_guess *g);
/* For each user, question and answer, in their order. 0 or -EBADMSG: then nothing was read. */
int remote_news_read(struct bytes news, const struct remote_news_readers *readers) NODISCARD;

#endif
