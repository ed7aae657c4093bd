/* SPDX-License-Identifier: Apache-2.0 */
/* What a feature does in a shard beside its hooks of calls (sig/call/module.h). The row of a
 * feature (sig/host/feature.h) names one of these. Dispatch, objects, trust and limits call hooks,
 * and name no feature. All run on the thread of the shard. */
#ifndef SIG_SHARD_HOOKS_H
#define SIG_SHARD_HOOKS_H

#include "base/pool.h"
#include "base/wheel.h"
#include "sig/host/feature.h"
#include "sig/host/txns.h"
#include "sig/remote/remote_state.h"
#include "sig/sip/message.h"

struct call;
struct call_event;
struct shard;
struct shard_extension_slot;
struct shard_shared_tables;

/* Requests of a method outside of dialogs. */
struct shard_method {
	enum sip_method method;
	void (*receive)(struct shard *s, const struct sip_message *m);
	/* What is known of its target is read (shard_invite_hold). from: the sender, authenticated
	 * (phone) or trusted. NULL: it never waits for that. */
	void (*resume)(struct shard *s, const struct sip_message *m, const char *from, bool phone);
	/* A client transaction of that user has a response, or has failed; peer: its server
	 * transaction, perhaps gone. NULL: the user has none. */
	enum txn_user user;
	void (*answered)(struct shard *s, pool_handle peer, const struct call_event *ev);
};

/* What another node asks or tells. */
struct shard_remote_hook {
	enum remote_kind kind;
	const char *feature; /* of REMOTE_FEATURE: what it tells itself */
	/* True: it is a question, and *answer is written. */
	bool (*heard)(struct shard_shared_tables *c, const struct remote_item *item,
		      struct remote_item *answer);
};

/* The answer to what it has asked the world for, of no call. */
struct shard_reply_hook {
	enum ask ask;
	void (*on)(struct shard *s, const struct reply *reply);
};

struct shard_timer_hook {
	uint32_t kind; /* enum shard_timer */
	void (*on)(struct shard *s, const struct wheel_timer *t);
};

/* What a BLF key shows that watches a name that is no extension. */
struct shard_lamp {
	bool lit, flashes; /* neither: it is dark */
	struct bytes of;   /* the extension of which it tells; empty: it is the tenant's own */
};

/* NULL: it does not care. */
struct shard_hooks {
	const struct shard_method *methods;      /* the last has no function */
	const struct shard_remote_hook *remotes; /* likewise, as those below */
	const struct shard_reply_hook *replied;
	const struct shard_timer_hook *timers;
	/* Once a second, for all shards of the node. */
	void (*second)(struct shard_shared_tables *c);
	/* The node opens, before its shards: 0 or -errno; node_closed is called then, too. */
	int (*node_opened)(struct shard_shared_tables *c);
	/* All shards of the node are closed. */
	void (*node_closed)(struct shard_shared_tables *c);
	/* The shard opens: 0 or -errno. */
	int (*opened)(struct shard *s);
	/* It is closed: its calls and objects are there still. */
	void (*closing)(struct shard *s);
	/* Another node has it: its calls and objects are forgotten. */
	void (*silenced)(struct shard *s);
	/* The store may have lost what it had: saves some again, at most so many. False: all is
	 * saved. */
	bool (*assert_some)(struct shard *s, uint32_t most);
	/* It goes on with what another process had: before its calls do, and behind that. */
	void (*resuming)(struct shard *s);
	void (*resumed)(struct shard *s);
	/* A step of the call is over. */
	void (*call_settled)(struct shard *s, const struct call *c);
	/* It was saved, or could not be. */
	void (*call_saved)(struct shard *s, uint64_t call);
	/* It is forgotten. */
	void (*call_gone)(struct shard *s, struct call *c);
	/* A REFER outside of dialogs that names none, and a request within a dialog of no call.
	 * False: it is not this feature's. */
	bool (*referred)(struct shard *s, const struct sip_message *m);
	bool (*inside)(struct shard *s, const struct sip_message *m);
	/* The document of an extension is another, or it is gone. */
	void (*extension_changed)(struct shard *s, uint16_t tenant, struct bytes number);
	/* ... or what its phones and pages watch. */
	void (*keys_changed)(struct shard *s, uint16_t tenant, struct bytes number);
	/* It is about to go. */
	void (*extension_gone)(struct shard *s, struct shard_extension_slot *slot);
	/* True: the name is a lamp of this feature. */
	bool (*lamp)(const struct shard *s, uint16_t tenant, struct bytes name,
		     struct shard_lamp *out);
	/* It tells phones of the tenant when they have registered. */
	bool (*tells_unasked)(const struct shard *s, uint16_t tenant);
	/* ... and one has, and was answered. */
	void (*registered)(struct shard *s, uint16_t tenant, struct bytes user,
			   const struct sip_hop *from);
};

enum { SHARD_HOOKS_MAX = 16 };

/* Calls a hook of each feature that has it, in the order of the features. */
#define SHARD_HOOKS_CALL(tables, hook, ...)                                                       \
	do {                                                                                      \
		for (const struct shard_hooks *const *each_ = (tables)->hooks; *each_; each_++) { \
			if ((*each_)->hook)                                                       \
				(*each_)->hook(__VA_ARGS__);                                      \
		}                                                                                 \
	} while (0)

/* Returns NULL if no feature has that method. */
const struct shard_method *shard_method_find(const struct shard *s, enum sip_method method);
/* Returns NULL if no feature has client transactions of that user. */
const struct shard_method *shard_method_of_user(const struct shard *s, enum txn_user user);

#endif
