/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription at its notifier (RFC 6665): a plain value, written into a record of its own and
 * continued by another process. SUBSCRIBE -> saved -> 200, NOTIFY -> active -- refresh, change:
 * NOTIFY --> ... -- timeout, rejected, ...: last NOTIFY --> gone. The CSeq of its NOTIFYs counts
 * them, and the version of its document is one less: nothing else is ever sent in its dialog. A
 * record holds a limit ahead of that number, as it does of SRTP: a successor continues above it,
 * with full state, as it does not know what was sent. */
#ifndef SIG_SUBSCRIPTION_SUBSCRIPTION_H
#define SIG_SUBSCRIPTION_SUBSCRIPTION_H

#include "base/schema.h"
#include "sig/host/effect.h"
#include "sig/subscription/package.h"

struct subscription;
struct subscription_link {
	struct subscription *next;
	struct subscription **back; /* what points at this one; NULL: not listed */
	uint32_t hash;
};

/* Where the users of a list come from (list.h). */
enum list_kind {
	LIST_NOT,    /* it tells of one resource */
	LIST_INLINE, /* its SUBSCRIBE named them (RFC 5367) */
	LIST_BLF,    /* the document of its watcher does */
	LIST_KINDS,
};

/* The order in which due subscriptions are notified. */
enum due_order {
	DUE_CHANGE,
	DUE_REST, /* states that its watcher knows already, as a document had no room for them */
	DUE_ORDERS,
};

struct subscription_list;

struct subscription {
	uint64_t id; /* one of the shard's, as calls have; in its tag and branches */
	pool_handle self;
	uint16_t tenant;
	const struct event_package *package;
	enum subscription_ending ending;
	struct text watcher, resource; /* users */
	struct text trunk;             /* the trunk that subscribed; "": none */
	struct text event_id;
	uint8_t list_kind; /* enum list_kind */
	struct text
		users; /* of LIST_INLINE, joined by ' ', until the list has them, and in records */
	struct subscription_list *list; /* NULL: LIST_NOT */
	struct dialog dialog;
	uint64_t expires_ns;
	uint64_t pace_ns;       /* nothing that only changed is told before; 0: off */
	uint64_t retry_ns;      /* its watcher wants to be left alone until then; 0: off */
	struct text unknown;    /* of its record: what a later program wrote */
	uint64_t version;       /* of the record; 0: it has none */
	uint64_t acked, saving; /* 0: none */
	uint32_t limit;         /* up to which NOTIFYs are numbered by the record */
	uint32_t acked_limit;   /* ... that the store has */
	uint64_t save_ns;       /* a save failed, or its answer is overdue; 0: off */
	pool_handle asked;      /* the SUBSCRIBE with a 200 that waits for a save; 0: none */
	bool waits;             /* nothing is told before that 200 */
	pool_handle notify;     /* the NOTIFY that is not answered yet; 0: none */
	bool changed, whole;    /* something is to be told; all of it */
	bool out_of_reach;      /* its way is a connection that is gone: until its phone is back */
	bool counting;          /* nothing is told until messages are counted, or retry_ns */
	uint8_t misses;         /* consecutive NOTIFYs without a response */
	bool published;         /* an event has announced it */
	uint64_t page;          /* of user_package: the connection that shows it */
	uint64_t setting; /* what its phone sets waits for the store (features.h); 0: nothing */
	enum due_order due_order;
	/* among those that are told next; due_back: what points at this one, NULL: not listed */
	struct subscription *due_next, **due_back;
	struct subscription_link of_watcher, of_resource;
	struct dialog_notified told[DIALOG_STATES_MAX];
	uint32_t told_count;
	struct conference_notified conference; /* the same of a conference */
	struct message_counts messages;        /* likewise, of a mailbox */
	struct wheel_timer timer;              /* its expiry, or one of these */
};

/* Record (protobuf sig/subscription/subscription.proto). */
/* Older programs do not know lists, and leave those as they are. */
enum { SUBSCRIPTION_FORMAT = 2, SUBSCRIPTION_FORMAT_ONE = 1 };
extern const struct schema subscription_rows[];
int subscription_encode(const struct call_host *h, const struct subscription *sub,
			struct text *out) NODISCARD;
/* Decodes into *sub (zeroed, except self). Returns 0; -EBADMSG or -EPROTONOSUPPORT (of a later
 * program) with a reason, and nothing to clear. */
int subscription_decode(const struct call_host *h, struct subscription *sub, struct bytes record,
			const char **reason) NODISCARD;
void subscription_clear(struct subscription *sub);

#endif
