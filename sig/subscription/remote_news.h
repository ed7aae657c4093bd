/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes tell each other of users that are watched, as octets (remote.proto). Pure. */
#ifndef SIG_SUBSCRIPTION_REMOTE_NEWS_H
#define SIG_SUBSCRIPTION_REMOTE_NEWS_H

#include "sig/subscription/dialog_state.h"

enum {
	REMOTE_NEWS_MAX = 65535, /* octets that go at once */
	REMOTE_USER_MAX = 256,
};

/* A user, as one node asks for it or tells of it. Slices live as long as what they were read from. */
struct remote_user {
	struct bytes tenant, user;
	bool asks; /* else all of the user's dialogs on the sender's node follow */
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

struct remote_news_readers {
	void (*user)(const struct remote_user *u, void *arg);
	void (*pick)(const struct remote_pick *p, void *arg);
	void (*picked)(const struct remote_picked *p, void *arg);
	void *arg;
};

/* Behind what is there already. Dialogs that do not fit any more are left out; w->overflow: not even the user fits, and nothing is written. */
void remote_news_add(struct writer *w, const struct remote_user *u);
void remote_news_add_pick(struct writer *w, const struct remote_pick *p);
void remote_news_add_picked(struct writer *w, const struct remote_picked *p);
/* For each user, question and answer, in their order. 0 or -EBADMSG: then nothing was read. */
int remote_news_read(struct bytes news, const struct remote_news_readers *readers) NODISCARD;

#endif
