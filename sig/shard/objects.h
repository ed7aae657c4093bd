/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a shard (sig/host/object.h), by id and by name; private to sig/shard/. Common to all
 * kinds: one save is pending at a time, and an order is answered when it is saved; phones are not
 * told what a record says, so nothing else waits for saves. A name is claimed in the store before
 * the object is open. If a remote shard has it, all members move there: the object follows that
 * one. While the store is away, the object is open apart from others. A node that takes over the
 * shard restores the object, claims its name anew and continues with the same id. */
#ifndef SIG_SHARD_OBJECTS_H
#define SIG_SHARD_OBJECTS_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/table.h"
#include "sig/host/effect.h"
#include "sig/host/object.h"
#include "sig/host/tenant.h"

struct call_host;
struct shard;

/* What a kind of objects has of its own. Functions that may be NULL say so. */
struct object_type {
	const char *noun; /* in its log lines, and what they say where */
	/* log sentences: it is on a remote shard, unknown, or its members cannot move there */
	const char *elsewhere, *apart, *stays;
	enum object_kind kind;
	size_t size;
	enum tenant_item item;
	enum park_act claim, release;
	int (*encode)(const struct call_host *h, const struct object *o, struct text *out);
	/* A zeroed one. 0 or -errno: *reason, and it has nothing to clear. */
	int (*decode)(const struct call_host *h, struct object *o, struct bytes record,
		      const char **reason);
	/* The name by which it is found in addition to its id; "": id only. */
	const char *(*name)(const struct object *o);
	/* Its name is claimed, where there are other nodes. */
	bool (*is_claimed)(const struct object *o);
	bool (*is_empty)(const struct object *o);
	/* Waiters for the claim are answered (OK), sent to the owner of the name (TAKEN), or
	 * refused (FULL). */
	void (*told)(struct shard *s, struct object *o, enum park_result told, uint64_t owner);
	/* Some members move to the object that it follows. Returns true if there are more, for the
	 * next slice of this round. */
	bool (*send)(struct shard *s, struct object *o);
	uint64_t (*next_ns)(
		const struct object *o); /* its own deadlines: the first one; UINT64_MAX */
	/* False: it has come to its end, and is not there any more. */
	bool (*turn)(struct shard *s, struct object *o);
	void (*replied)(struct shard *s, struct object *o, const struct reply *reply);
	/* Another process has it from now on. */
	void (*leave)(struct shard *s, struct object *o);
	void (*clear)(struct object *o); /* what it owns */
};

/* Those of a shard, of all kinds. */
struct objects {
	struct pool pool;
	struct table by_id, by_name;
	uint32_t asserted;
};

/* ---- all of them ---- */
int objects_open(struct shard *s) NODISCARD;
void objects_close(struct shard *s);
/* Returns NULL if no object has that id. */
struct object *objects_find(const struct shard *s, uint64_t id);
struct object *objects_named(const struct shard *s, const struct object_type *type, uint16_t tenant,
			     struct bytes name);
/* The other shard of this node where one of that name is open; 0: none. */
uint16_t objects_shard(const struct shard *s, const struct object_type *type, uint16_t tenant,
		       struct bytes name);
void objects_timer(struct shard *s, const struct wheel_timer *t);
/* So many of them have a record that the store has not. */
uint64_t objects_unsaved(const struct shard *s);
void objects_save(struct shard *s);
/* Some are saved again. False: that was all. */
bool objects_assert(struct shard *s, uint32_t most);
/* Another node has the shard: all are forgotten. */
void objects_silence(struct shard *s);

/* ---- one ---- */
/* Zeroed but for these. It is filled in and listed, or dropped. NULL: full. */
struct object *object_allocate(struct shard *s, const struct object_type *type, uint64_t id,
			       uint16_t tenant);
void object_drop(struct shard *s, struct object *o);
/* By its id, and its name. False: no memory. */
bool object_list(struct shard *s, struct object *o) NODISCARD;
/* ... by a name that it was given later. */
bool object_list_name(struct shard *s, struct object *o) NODISCARD;
/* Forgotten without a word. */
void object_remove(struct shard *s, struct object *o);
/* Before that: it is over, so its name is free, and its record goes. */
void object_end(struct shard *s, struct object *o);
/* It was restored, and goes on. used: it has members. */
void object_resume(struct shard *s, struct object *o, bool used);

/* Its turn comes at once. */
void object_hurry(struct shard *s, struct object *o);
void object_aim(struct shard *s, struct object *o);
/* Its turn: claims its name or answers those who wait for that, then everything else, then saves
 * changes. */
void object_turn(struct shard *s, struct object *o);
/* What its record says is another. */
void object_touch(struct object *o);
/* The order is answered when the present state is saved. Returns false if too many wait. */
bool object_wait(struct shard *s, struct object *o, const struct shard_order *by);

/* The store is asked where that is due. */
void object_claim(struct shard *s, struct object *o);
void object_on_claim(struct shard *s, struct object *o, const struct park_reply *outcome);
/* All who are in it go to that one, of another shard. */
void object_follow(struct shard *s, struct object *o, uint64_t other);
/* In its turn: some go. ready: all are here who are to go. */
void object_send(struct shard *s, struct object *o, bool ready);

#endif
