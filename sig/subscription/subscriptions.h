/* SPDX-License-Identifier: Apache-2.0 */
/* The subscriptions of a shard: found by id, by resource and by watcher; notified in turn, a
 * limited number each millisecond. */
#ifndef SIG_SUBSCRIPTION_SUBSCRIPTIONS_H
#define SIG_SUBSCRIPTION_SUBSCRIPTIONS_H

#include "base/table.h"
#include "sig/model/event.h"
#include "sig/subscription/subscription.h"

enum {
	SUBSCRIPTION_EXPIRES_S = 3600, /* at most, and where none is asked for */
	SUBSCRIPTION_EXPIRES_MIN_S = 60,
	SUBSCRIPTIONS_OF_WATCHER = 200,
	SUBSCRIPTIONS_OF_RESOURCE = 500,
	/* octets of a document about a conference where a datagram is to hold it */
	CONFERENCE_DATAGRAM_MAX = 3072,
	/* likewise of a list: with 800 octets of headers three fragments of 1,500 hold it */
	LIST_DATAGRAM_MAX = 3584,
	/* in a millisecond, where few wait and where many do: calls have their turn in between */
	SUBSCRIPTIONS_TOLD_LEAST = 8,
	SUBSCRIPTIONS_NOTIFIED = 32,
};

/* What is asked of the shard. */
struct subscription_view {
	void *owner;
	enum watch_verdict (*may)(void *owner, const struct subscription *sub);
	/* Dialogs over all shards of the node for that package; returns how many of
	 * DIALOG_STATES_MAX were filled. None is over. */
	uint32_t (*dialogs)(void *owner, const struct event_package *package, uint16_t tenant,
			    struct bytes user, struct dialog_state *out);
	const struct aor *(*entry)(void *owner, uint16_t tenant,
				   struct bytes user); /* NULL: none */
	/* The conference of this number or name. Returns false if not found. */
	bool (*conference)(void *owner, uint16_t tenant, struct bytes user,
			   struct conference_view *out);
	/* The counts of a mailbox. Returns false if not counted yet. */
	bool (*messages)(void *owner, uint16_t tenant, struct bytes user,
			 struct message_counts *out);
	/* What a resource of a list is called there; empty: nothing. NULL: none has a name. */
	struct bytes (*name)(void *owner, const struct subscription *sub, uint32_t resource);
};

struct subscription_metrics {
	metric_id notified, failed, ended[ENDINGS];
};

/* The pace of repeated SUBSCRIBEs of a watcher: a phone that does not understand a NOTIFY may
 * subscribe anew each time. A burst is allowed, then one each interval. Two places for a hash: the
 * one idle for longest is replaced, so nothing grows, and no loop hides behind quiet watchers. */
enum { SUBSCRIBE_PACES = 1024, SUBSCRIBE_BURST = 32, SUBSCRIBE_PACE_MS = 2000 };
struct subscribe_pace {
	uint64_t hash;
	uint64_t due_ns; /* all that it asked for is paid by then */
};

struct subscriptions {
	struct call_host *host;
	struct subscription_view view;
	struct pool pool;
	struct table by_id;
	struct subscription **watchers, **resources; /* buckets */
	struct watched **watched;                    /* of users of lists (list.h); likewise */
	uint32_t mask;
	struct hash_key key;
	struct {
		struct subscription *first, **end;
	} due[DUE_ORDERS];
	uint32_t due_count; /* of all */
	struct wheel_timer turn;
	uint32_t timer_kind; /* of a subscription's timer */
	uint32_t saving;     /* so many have a save that is not answered */
	uint32_t asserted;   /* a cursor: those before it were told to the store again */
	struct subscribe_pace paces[SUBSCRIBE_PACES];
	struct subscription_metrics metrics;
};

/* turn_kind: of the timer at which subscriptions_turn is called. 0 or -ENOMEM. */
int subscriptions_open(struct subscriptions *s, uint32_t capacity, struct call_host *host,
		       uint32_t timer_kind, uint32_t turn_kind) NODISCARD;
void subscriptions_close(struct subscriptions *s);
struct subscription *subscription_find(const struct subscriptions *s, uint64_t id);
/* Of a conference it is its focus who tells (RFC 4579 5.1). 0 or -ENOMEM. */
int subscription_focus(struct subscription *sub) NODISCARD;
/* Zeroed but for these, and found by them. NULL: full, or no memory. */
struct subscription *subscription_add(struct subscriptions *s, uint64_t id, uint16_t tenant,
				      struct bytes watcher, struct bytes resource);
/* Found by its users from now on, which are from a record. Returns 0 or -ENOSPC. */
int subscription_list(struct subscriptions *s, struct subscription *sub) NODISCARD;
/* It is not told next. */
void subscription_due_drop(struct subscriptions *s, struct subscription *sub);
/* Removed without a NOTIFY. */
void subscription_remove(struct subscriptions *s, struct subscription *sub);
/* All of a watcher, or of a resource: after NULL the first one, NULL at the end. */
struct subscription *subscription_of_watcher(const struct subscriptions *s, uint16_t tenant,
					     struct bytes user, const struct subscription *after);
struct subscription *subscription_of_resource(const struct subscriptions *s, uint16_t tenant,
					      struct bytes user, const struct subscription *after);

/* ---- what is told: notify.c ---- */
/* Something of it has changed: it is told in its turn, once for all changes until then. */
void subscription_change(struct subscriptions *s, struct subscription *sub);
/* The same, and all is told. */
void subscription_renew(struct subscriptions *s, struct subscription *sub);
/* Its last NOTIFY says why; it is gone when that is answered. */
void subscription_end(struct subscriptions *s, struct subscription *sub,
		      enum subscription_ending ending);
/* Of a user, or of a conference. */
void subscriptions_changed(struct subscriptions *s, uint16_t tenant, struct bytes user,
			   enum watch_change what);
/* The state of its resource, and a hash of it: as long as that is unchanged no NOTIFY is due. */
uint32_t subscription_write(struct subscriptions *s, struct subscription *sub, bool hidden,
			    struct writer *w);
/* Notifies those that have their turn. */
void subscriptions_turn(struct subscriptions *s);
/* What became of its NOTIFY. */
void subscription_notified(struct subscriptions *s, struct subscription *sub,
			   const struct call_event *ev);
/* What the name of its watcher leads to. */
void subscription_on_lookup(struct subscriptions *s, struct subscription *sub,
			    const struct lookup_reply *outcome);
/* Its NOTIFY failed at its place, or got 503: it is sent to the next place of its watcher's name.
 * Returns false if it has failed. */
bool subscription_forward(struct subscriptions *s, struct subscription *sub, struct txn_slot *slot,
			  uint32_t for_s) NODISCARD;
void subscription_timer(struct subscriptions *s, struct subscription *sub);
void subscription_aim(struct subscriptions *s, struct subscription *sub);
/* Its phone is reached another way. */
void subscription_moved(struct subscriptions *s, struct subscription *sub,
			const struct sip_hop *to);
/* Events: once it is answered, unless it only asks once; and when it is over. */
void subscription_publish_new(struct subscriptions *s, struct subscription *sub);
void subscription_publish_gone(struct subscriptions *s, const struct subscription *sub);
const char *subscription_ending_name(enum subscription_ending ending);

/* ---- what is saved: subscription_record.c ---- */
/* version: of the save that is not answered yet; 0: none. */
void subscription_saving(struct subscriptions *s, struct subscription *sub, uint64_t version);
/* With the next number; its 200 waits for it. */
void subscription_save(struct subscriptions *s, struct subscription *sub);
void subscription_saved(struct subscriptions *s, struct subscription *sub, uint64_t version,
			bool saved);
/* The store is back: all: it may have lost what it had acknowledged. */
void subscription_assert(struct subscriptions *s, struct subscription *sub, bool all);
/* The store has an older record of it, or none; never true for one that is not stored. */
bool subscription_is_behind(const struct subscription *sub);
/* The SUBSCRIBE that waits has its 200, and what is to be told goes. */
void subscription_answer(struct subscriptions *s, struct subscription *sub);
/* The store has dropped it; a record that stays there all the same runs into a 481. */
void subscription_forget(struct subscriptions *s, const struct subscription *sub);

#endif
