/* SPDX-License-Identifier: Apache-2.0 */
/* Users with dialogs on several nodes of a cluster, for their watchers (docs/adr/0030). A node asks
 * all others about a user that is watched there, and repeats that from time to time. Each of them
 * reports its state of the user then and with each change: all of its own dialogs, replacing what
 * it reported before. So losses are repaired by the next round, nothing is acknowledged, and
 * reports end when a node stops asking. A dialog ends by the report of the node that has its shard.
 * When a node is lost, or no longer has the shard, its dialogs are held until another one reports
 * on that shard: watchers see nothing of a takeover, however long it lasts. One for a node, on its
 * control thread. No socket and no clock of its own. */
#ifndef SIG_REMOTE_REMOTE_WATCH_H
#define SIG_REMOTE_REMOTE_WATCH_H

#include "base/table.h"
#include "sig/remote/remote_state.h"

/* So often a node asks for each user, and so long what was asked or told lasts. */
#define REMOTE_ASK_NS  (20 * NS_PER_S)
#define REMOTE_KEPT_NS (65 * NS_PER_S)
/* A node silent for so long is lost. Its reports are held for REMOTE_KEPT_NS at most. */
#define REMOTE_LOST_NS (5 * NS_PER_S)
enum { REMOTE_ENTRIES_MAX = 1 << 18 }; /* that others ask for; that others told */

struct remote_watch_host {
	void *owner, *with; /* with: of send and is_attached */
	/* To that process of another node; 0: to all of them. What is lost is lost. */
	void (*send)(void *with, uint64_t process, struct bytes outcome);
	/* What this node has of a user: how many of DIALOG_STATES_MAX were filled. */
	uint32_t (*dialogs)(void *owner, struct bytes tenant, struct bytes user,
			    struct dialog_state *out);
	/* A phone of his is registered here. */
	bool (*registered)(void *owner, struct bytes tenant, struct bytes user);
	/* Shards that live on this node, each and 1: how many of REMOTE_SHARDS_MAX were filled. */
	uint32_t (*shards)(void *owner, uint32_t *out);
	/* The user has watchers here. */
	bool (*is_watched)(void *owner, struct bytes tenant, struct bytes user);
	/* A process of another node asks, answers or reports. Returns true for a question: *answer
	 * is filled in except kind and serial. Slices live until the next event. */
	bool (*hear)(void *owner, uint64_t process, const struct remote_item *item,
		     struct remote_item *answer);
	/* Another node has told something else of him. */
	void (*changed)(void *owner, struct bytes tenant, struct bytes user);
	/* That process is reachable. */
	bool (*is_attached)(void *with, uint64_t process);
};

struct remote_watch_counts {
	/* users since the last question; refused: invalid messages, or too many */
	uint64_t asked, told, heard, refused;
	uint32_t asking, views, held; /* now: of others that ask; that others told; that are held */
};

struct remote_watch;

/* 0 or -ENOMEM. */
int remote_watch_open(struct remote_watch **out, const struct remote_watch_host *host,
		      const struct hash_key *key) NODISCARD;
void remote_watch_close(struct remote_watch *r); /* NULL is fine */
/* The user has watchers here: the others are asked with the next flush. */
void remote_watch_request(struct remote_watch *r, struct bytes tenant, struct bytes user);
/* Asks them for a user without watchers here, and keeps what they report for REMOTE_KEPT_NS. Too
 * many such users: counted as refused. */
void remote_watch_query(struct remote_watch *r, struct bytes tenant, struct bytes user);
/* His dialogs on this node have changed: nodes that asked are told with the next flush. */
void remote_watch_changed(struct remote_watch *r, struct bytes tenant, struct bytes user);
/* This node no longer has the shard of his dialog d: it is held. */
void remote_watch_hold(struct remote_watch *r, struct bytes tenant, struct bytes user,
		       const struct dialog_state *d);
/* That process is asked, or told, at once; 0: all others are. */
void remote_watch_send(struct remote_watch *r, uint64_t process, const struct remote_item *item);
/* Another node has asked or told. */
void remote_watch_on_state(struct remote_watch *r, uint64_t process, struct bytes outcome,
			   uint64_t now_ns);
/* Sends what there is. */
void remote_watch_flush(struct remote_watch *r);
/* Forgets what is too old: once a second. */
void remote_watch_expire(struct remote_watch *r, uint64_t now_ns);
/* Appends to out, from count on, what others reported; returns the new count. Slices live until the
 * next event. A dialog that is there already, as its call has just moved here, is not added
 * twice. */
uint32_t remote_watch_dialogs(const struct remote_watch *r, struct bytes tenant, struct bytes user,
			      struct dialog_state *out, uint32_t count);
/* Another node reported that a phone of his is registered there; of a lost node that holds until it
 * could have been reported anew. */
bool remote_watch_registered(const struct remote_watch *r, struct bytes tenant, struct bytes user);
/* Another node has told of a call that waits for him. */
bool remote_watch_waits(const struct remote_watch *r, struct bytes tenant, struct bytes user);
void remote_watch_counts(struct remote_watch *r, struct remote_watch_counts *out);

#endif
