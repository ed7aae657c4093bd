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

/* Behind what is there already. Dialogs that do not fit any more are left out; w->overflow: not even the user fits, and nothing is written. */
void remote_news_add(struct writer *w, const struct remote_user *u);
/* each: for each user, in their order. 0 or -EBADMSG: then nobody was named. */
int remote_news_read(struct bytes news, void (*each)(const struct remote_user *u, void *arg),
		     void *arg) NODISCARD;

#endif
