/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of both stores, that of a shard and the one that shards share: for the files of this
 * folder.
 *
 * Everything that waits for an answer is an op. Answers come through Redis callbacks; failures that
 * are known at once are answered in the next round, so no caller is called back before its call
 * returned. Callbacks run between store_enter and store_leave: a store closed meanwhile goes when
 * the outermost one leaves.
 */
#ifndef CLUSTER_STORE_STATE_H
#define CLUSTER_STORE_STATE_H

#include <stdint.h>

#include "base/metric.h"
#include "base/table.h"
#include "cluster/lease.h"
#include "cluster/redis/buffer.h"
#include "cluster/redis/script.h"
#include "cluster/spool/spool.h"
#include "cluster/store/store.h"

/* Saves and first ends of calls, many in one transaction of Redis: a batch. One of a shard is in
 * flight; what is asked for meanwhile goes into the next. So the busier a node is, the fewer round
 * trips a call costs. The link sends them: see below. */

struct store_shard;
struct store_op;
struct store_answer;
struct batch_answers;
struct spool_entry;
struct redisReply;

enum store_batch_state {
	BATCH_UNWATCHED, /* nothing is known of the fence */
	BATCH_WATCHING,  /* WATCH and MGET are on their way, perhaps behind a batch */
	BATCH_READY,
	BATCH_ASKING, /* the fence was not ours: the lease is asked */
};

/* Records besides those of calls: each kind in a hash of its own. */
enum batch_kind {
	BATCH_SUBSCRIPTIONS,
	BATCH_OBJECTS, /* the first kind of them */
	BATCH_KINDS = BATCH_OBJECTS + STORE_OBJECT_KINDS
};
/* The hash of each. */
extern const char *const store_extra[BATCH_KINDS];

struct batch_extra {
	struct redis_buffer saves; /* arguments of HSET, and */
	struct redis_buffer over;  /* of HDEL: those that are over */
	uint32_t save_count, over_count;
};

/* What goes together. */
struct batch_part {
	struct redis_buffer saves; /* arguments of HSET */
	struct batch_extra beside[BATCH_KINDS];
	uint32_t save_count, end_count, cdr_count;
	size_t end_octets;             /* of the CDRs */
	struct store_op *first, **end; /* waiting ops, in order */
	uint64_t since_ns;             /* when the first was asked for */
};

struct store_batch {
	enum store_batch_state state;
	struct batch_part next;     /* waits */
	struct batch_part flying;   /* is on its way */
	struct store_op *answering; /* the rest of the answered ops */
	struct redis_buffer spare;  /* memory for the next part's saves */
	uint64_t length_ns;         /* the stream's length is asked for then, at the earliest */
};

void store_batch_open(struct store_shard *s);
/* Ops that wait are answered by the caller that closes the store. */
void store_batch_close(struct store_shard *s);
/* The op waits until the record of this call is in Redis. */
void store_batch_save(struct store_op *op, uint64_t call, uint64_t version, struct bytes record);
/* ... of this one of that kind; empty: until it is gone. */
void store_batch_extra(struct store_op *op, enum batch_kind kind, uint64_t id, uint64_t version,
		       struct bytes record);
/* ... until the CDR is in the stream, and the record gone. entry stays until then. */
void store_batch_end(struct store_op *op, const struct spool_entry *entry);
/* The link is gone: what waits is answered with STORE_UNKNOWN. */
void store_batch_lost(struct store_shard *s);
void store_batch_expire(struct store_shard *s, uint64_t now_ns);
/* When store_batch_expire wants to be called; UINT64_MAX: never. */
uint64_t store_batch_next_ns(const struct store_shard *s);

/* ---- for its link, which has entered the store ---- */

/* What waits is on its way. */
void store_batch_load(struct store_shard *s);
/* ... and was not sent. */
void store_batch_dropped(struct store_shard *s);
/* ... and was carried out: its answers are in EXEC's, from at on, for store_batch_answer. */
void store_batch_took(struct store_shard *s, struct batch_answers *out,
		      const struct redisReply *reply, size_t at);
void store_batch_answer(struct store_shard *s, const struct batch_answers *answers);
/* ... and nothing is known of it, or it was refused. */
void store_batch_failed(struct store_shard *s, const struct store_answer *a);
/* ... and nothing of it happened: it goes before all that waits. */
void store_batch_again(struct store_shard *s);
/* What the fence is that is watched now. broken: what Redis refused, if anything. */
void store_batch_fence(struct store_shard *s, struct bytes fence,
		       const struct store_answer *broken);
/* As commands. 0, or -1: to is full, and has what fitted. */
int store_batch_write(struct redis_buffer *to, struct store_shard *s,
		      const struct batch_part *p) NODISCARD;
/* So many commands are that, and about so many octets. */
uint32_t store_batch_commands(const struct batch_part *p);
size_t store_batch_octets(const struct batch_part *p);

/*
 * The shards that send their batches on one link. They leave together, in one transaction that
 * watches all their fences: EXEC forgets everything its link watches, so they cannot have one each.
 *
 * WATCH, MGET fences  ->  MULTI, a batch of each shard, EXEC, WATCH, MGET fences  ->  ...
 *
 * With save_replicas a WAIT follows EXEC, and the callers of a batch are answered behind that. It
 * covers what its own connection has sent, which is all of the batch. Where replicas are slow or
 * away it times out: the calls go on as without replicas, and so do all batches of the next second.
 * Each of these batches is counted.
 *
 * A shard that lost its fence has no part in the next one. Should another node own a shard by then,
 * EXEC answers nil and nothing happened to any of them: the answer to MGET says which shard is
 * lost, and the batches of all others leave again.
 */

struct redis;
struct store_flight;

struct store_link {
	struct store_link *next; /* of the store that is shared */
	struct redis *redis;
	struct store_shard *shards; /* by link_next: who has a seat first */
	uint32_t count;
	struct store_flight *flight; /* NULL: none is on its way */
	struct redis_buffer text;    /* one is written here */
	uint64_t ready_ns;           /* the next one leaves then, at the earliest */
	uint64_t alone_ns;           /* replicas were behind: until then nobody waits for them */
};

/* 0 or -ENOMEM. */
int store_link_join(struct store_shard *s, struct redis *redis) NODISCARD;
/* Ops in its batch are answered by the caller that closes the store. */
void store_link_leave(struct store_shard *s);
/* It is down: nothing is on its way any more. */
void store_link_lost(struct store_link *l);
/* The end of a round. */
void store_link_flush(struct store_link *l);

/* Which ends of calls Redis may forget: those with numbers that were given out a minute ago or
 * longer. (Ends that may still be sent again hold the limit down further: end.c.) Pure. */
enum { SETTLED_SAMPLES = 64 };

/* What the next number was, at most once a second. Zero-initialised. */
struct settled {
	struct {
		uint64_t at_ns, next;
	} samples[SETTLED_SAMPLES];
	uint32_t taken; /* ever */
};

/* next: the number that is given out next. */
void settled_note(struct settled *s, uint64_t next, uint64_t now_ns);
/* All numbers below it are a minute old; 0: none is. */
uint64_t settled_below(const struct settled *s, uint64_t now_ns);

enum { STORE_KEY_MAX = 512, RUN_ID_MAX = 64 };

/* What became of an op. */
struct store_answer {
	enum store_result result;
	uint64_t version;
	const struct redisReply *reply; /* NULL: none came */
	struct lease_event lease;       /* what it means for the lease, */
	bool lease_announced;           /* if anything */
	bool wrong_type;                /* of some key */
};

/* To a batch: to its saves, and to the ends of calls in it. */
struct batch_answers {
	struct store_answer saves, ends;
};

/* Redis has taken a write. */
void store_is_taken(void);

struct store_op;
typedef void store_finish_fn(struct store_op *op, const struct store_answer *answer);

struct store_op {
	struct store_op *next, **at; /* in store_base.ops */
	struct store_op *failed_next;
	struct store_op *batch_next;     /* in a batch */
	const struct spool_entry *entry; /* ... the end of a call; NULL: a save */
	struct store_base *base;         /* its store */
	store_finish_fn *finish;         /* called exactly once */
	store_done_fn *done;             /* for finish; may be NULL */
	void *arg;
	uint64_t key;
	uint64_t version;
	enum store_result failed; /* what a failed op is to be answered with */
	bool question;            /* its answer is one to the lease's question */
	bool script;              /* its answer begins with a word */
	bool call_save;           /* key is the call */
	bool fenced;              /* carried out under the lease, or not at all */
	bool sent;                /* Redis will call back: not freed before */
};

struct store_metrics {
	metric_id saves, batches, behind, unknown, conflicts, refused, fenced, broken, forgotten,
		events_dropped;
	metric_id cdr_open, cdr_sent, cdr_again, cdr_spooled, cdr_lost, cdr_waiting, cdr_stream,
		spool_broken;
};

struct store_base;
struct store_load;
struct keys_check;

/* What the two stores do in their own way. */
struct store_kind {
	/* An answer says this of the lease: of the store's own, or of each shard's. */
	void (*lease_event)(struct store_base *base, const struct lease_event *event);
	/* All keys of this store that may be of the wrong type. */
	void (*keys_check)(struct keys_check *check);
	/* Keys were set aside: what was in them is to be saved again. */
	void (*keys_aside)(struct store_base *base);
	uint64_t (*next_ns)(const struct store_base *base);
	void (*destroy)(struct store_base *base);
};

/* What each store is: the ops that wait on its link. First in it. */
struct store_base {
	const struct store_kind *kind;
	struct redis_guest guest;
	const struct scripts *scripts;
	const struct lease *lease; /* NULL: not under a lease */
	uint64_t deadline_ns;
	struct store_metrics metrics;
	struct store_op *ops;
	struct store_op *failed, **failed_end;
	struct store_op *answering; /* failed ops to be answered now */
	struct store_load *loads;
	uint32_t depth;
	uint64_t keys_ns; /* when all keys are looked at; UINT64_MAX: no reason to */
	bool keys_checking, keys_checked;
	bool closing;
	bool cluster; /* the keys of one script have one tag */
	char too_new[STORE_KEY_MAX];
};

/* The end of a call; its CDR may have to be sent once more (end.c). */
struct store_end;

struct store_ends {
	struct store_end *first, **end; /* by number, but for those out of the spool */
	struct table by_call;
	uint32_t count;
	char run_id[RUN_ID_MAX]; /* of the Redis that all were last sent to */
	uint64_t next;           /* number of the next end */
	uint64_t taken_low;      /* the lowest number that was taken out of the spool */
	uint64_t taken_ns;       /* lately: the last one then */
	struct settled settled;
};

enum store_replay_state {
	STORE_REPLAY_IDLE,
	STORE_REPLAY_BUSY, /* the spool reads or removes */
	STORE_REPLAY_SENDING,
};

/* The spool's way back into Redis: end.c. */
struct store_replay {
	enum store_replay_state state;
	uint8_t *segment;
	struct bytes rest; /* of it, not sent yet */
	uint64_t number;
	uint64_t retry_ns;
	uint32_t in_flight;
	bool left;    /* another node has the shard */
	bool failed;  /* Redis did not take all */
	bool damaged; /* part of the segment is unreadable */
};

enum store_opens_state {
	STORE_OPENS_UNREAD,    /* what another process left was not looked at */
	STORE_OPENS_REPLAYING, /* it is being read, sent or removed */
	STORE_OPENS_DONE,      /* what is there is of this process */
	STORE_OPENS_BUSY,      /* that is being removed */
};

/* Calls that were answered while Redis was away: call.c. */
struct store_opens {
	struct spool *spool;
	enum store_opens_state state;
	uint64_t *pending; /* calls of this process that Redis may not know */
	uint32_t count, capacity;
	bool stored; /* there may be files */
	/* the replay */
	uint8_t *segment;
	struct bytes rest;
	uint64_t number;
	uint32_t in_flight;
	bool failed;
};

/* A lease that another has, as it was when this shard was last asked for. */
struct store_watch {
	struct lease_epoch epoch;
	uint64_t renewal;
	uint64_t since_ns; /* seen so for the first time; 0: not seen on this link */
	uint64_t length_ns;
	bool named; /* it names who may claim it */
	struct lease_epoch heard;
	bool newer_named; /* likewise, of the newest lease that other nodes know of */
};

struct store_fence_text {
	struct lease_epoch epoch;
	uint32_t link;
	size_t n; /* 0: it was not written yet */
	char text[LEASE_FENCE_TEXT];
};

/* What Redis said to the lease's question, while the replicas are asked for it: keep.c. */
enum store_keep_state {
	STORE_KEEP_NONE,
	STORE_KEEP_WAITS, /* for the link, which asks for others */
	STORE_KEEP_ASKED,
};

struct store_keep {
	enum store_keep_state state;
	struct lease_event event;
	enum store_result result;
	bool acquire;
	uint64_t wanted_by;   /* with the answer to a renewal; 0: nobody */
	struct members named; /* the lease of the process before; none: not an acquisition */
};

/* One shard's. */
/* The fence as it was written last: each transaction asks for those of all shards. */
struct store_shard {
	struct store_base base;
	struct store_shared *shared;
	struct store_shard *next; /* of that one's */
	struct store_link *link;  /* which it leaves when it is closed */
	struct store_shard *link_next;
	struct store_shard_settings settings;
	struct lease lease;
	struct store_fence_text fence;
	struct spool *spool;
	struct store_ends ends;
	struct store_batch batch;
	struct store_replay replay;
	struct store_opens opens;
	store_health_fn *health_fn;
	void *arg;
	struct store_op *acquire; /* waits for the link or for Redis' word */
	uint64_t acquire_until_ns;
	struct store_holder holder;
	struct store_watch watch;
	struct lease_grant grant; /* waits until Redis has answered the lease's question */
	bool grant_waits;
	struct lease_epoch loads; /* when its calls were asked for last */
	uint32_t calls_aside;
	uint64_t *unreadable; /* calls with records that were set aside */
	uint32_t unreadable_count;
	char run_id[RUN_ID_MAX]; /* of the Redis that last granted the lease; "": it is not known */
	bool late;               /* all that went wrong until it was healthy again */
	struct store_keep keep;
};

struct store_events {
	struct store_event *first, **end;
	struct store_event *note; /* the first one that says how many had no room; NULL: none */
	size_t octets;
	uint32_t waiting;  /* that are not on their way */
	uint64_t again_ns; /* when they are sent */
};

/* What the shards of a node share. */
/* Those that Redis does not have yet, oldest first: event.c. */
struct store_shared {
	struct store_base base;
	struct store_events events;
	struct store_shared_settings settings;
	struct scripts scripts;
	struct store_shard *shards;
	struct store_link *links;
	struct roster roster;
	uint32_t nodes_unreadable; /* when they were last read */
	uint32_t hold;             /* entries that streams keep for their reader; 0: none more */
	char hold_text[12];
	struct redis_guest keeper; /* of the link for leases */
	struct keep_flight *keeps; /* replicas are being asked; NULL: they are not */
};

/* ---- events: event.c ---- */

/* For MAXLEN: what a stream keeps by itself, or for its reader. */
const char *store_stream_kept(const struct store_shared *s, const char *kept);
void store_events_open(struct store_events *q);
void store_events_send(struct store_shared *s);
void store_events_close(struct store_events *q);

/* ---- both: op.c ---- */

void store_base_open(struct store_base *base, const struct store_kind *kind,
		     const struct scripts *scripts, uint64_t deadline_ns);
void store_enter(struct store_base *base);
void store_leave(struct store_base *base);

/* ---- ops: op.c ---- */

/* size: of the struct that begins with the op. NULL: no memory. */
struct store_op *store_op_new(struct store_base *base, size_t size, store_finish_fn *finish);
/* The usual one: done gets the answer. NULL after done was called: no memory. */
struct store_op *store_op_user(struct store_base *base, store_done_fn *done, void *arg,
			       uint64_t key, uint64_t version);
/* Hands it to Redis. What fails at once is answered in the next round. */
void store_op_run(struct store_op *op, const struct script_call *call);
void store_op_command(struct store_op *op, const struct bytes *args, size_t n,
		      uint64_t deadline_ns);
/* A command of no shard. STORE_REFUSED: its key or last argument did not fit. done may be NULL. */
void store_shared_write(struct store_shared *s, const struct bytes *args, size_t n,
			store_done_fn *done, void *arg);
/* What an answer means that no script gave. */
struct store_answer store_answer_read(const struct store_base *base, int err,
				      const struct redisReply *reply);
/* The answer to an op that was handed to nobody. */
void store_op_answer(struct store_op *op, struct store_answer *answer);
/* Answers it in the next round. */
void store_op_fail(struct store_op *op, enum store_result result);
void store_failed_answer(struct store_base *base);
/* For store_close: answers all with STORE_UNKNOWN. */
void store_ops_end(struct store_base *base);
/* The shard of its store. */
struct store_shard *store_shard_of(const struct store_op *op);

/* ---- what scripts of leases are told, and tell: lease.c ---- */

/* What is written when a lease changes its owner or is said again. */
struct lease_write {
	uint16_t shard;
	const struct identity *identity;
	struct lease_epoch epoch;
	uint32_t link;
	uint64_t renewal;
	uint64_t length_ns;
	const struct members *named;
};

enum {
	LEASE_SEEN_WORDS = 13, /* keys and words of lua/lease_write.lua; then what was seen */
	LEASE_WORDS = LEASE_SEEN_WORDS + 5,
	LEASE_NUMBERS = 10,
	NAMES_TEXT = 17 * MEMBERS_MAX,
};

/* The words of one call, and what they point to. */
struct lease_words {
	struct bytes args[LEASE_WORDS];
	char key[STORE_KEY_MAX], fence_key[STORE_KEY_MAX];
	char numbers[LEASE_NUMBERS][24];
	char names[NAMES_TEXT];
};
/* 16 digits; 0: none. */
struct bytes store_number_write(struct lease_words *words, size_t i, uint64_t value);

/* ---- lease: lease.c ---- */

void store_lease_event(struct store_shard *s, const struct lease_event *event);
/* When its timer is due. */
uint64_t store_lease_next_ns(const struct store_shard *s);
/* Redis lacks something: the owner saves all that it has. */
void store_shard_anew(struct store_shard *s);
void store_lease_expire(struct store_shard *s, uint64_t now_ns);
/* s->keep is settled: kept says whether Redis can forget it. */
void store_lease_answered(struct store_shard *s, bool kept);
/* Fence text for a command sent now. */
struct bytes store_fence(struct store_shard *s, char buf[LEASE_FENCE_TEXT]);

/* ---- replicas: keep.c ---- */

void store_keep_open(struct store_shared *s);
void store_keep_close(struct store_shared *s);
/* Calls store_lease_answered for s->keep once: now, or when the replicas have it or are late. */
void store_keep_wait(struct store_shard *s);
/* A claim was granted: done gets STORE_OK, with version 1 if the replicas have it. */
void store_keep_claim(struct store_shared *s, const struct store_claim *claim, store_done_fn *done,
		      void *arg);
/* The shard is closed: nobody waits any more. */
void store_keep_leave(struct store_shard *s);

/* ---- keys of the wrong type: key.c ---- */

/* Not now: soon, and not too often. */
void store_keys_doubt(struct store_base *base);
void store_keys_expire(struct store_base *base, uint64_t now_ns);
/* For store_kind.keys_check. */
void store_shard_keys(struct keys_check *check);
void store_shared_keys(struct keys_check *check);

/* ---- ends of calls: end.c ---- */

/* Redis has our newest link: what it may lack is sent again. */
void store_ends_resend(struct store_shard *s);
/* Sends one end, from the spool or not; the op gets the answer. */
void store_end_send(struct store_op *op, enum script_id script, const struct spool_entry *entry,
		    uint64_t deadline_ns);
/* Below it no end is sent again. */
uint64_t store_ends_settled(struct store_shard *s);
/* A new one, for a call that ended then. */
uint64_t store_end_number(struct store_shard *s, uint64_t at_ns);
int store_ends_open(struct store_shard *s) NODISCARD;
/* For store_close: all that Redis has not acknowledged goes to the spool. */
void store_ends_close(struct store_shard *s);
void store_ends_free(struct store_shard *s);

/* ---- calls answered while Redis was away: call.c ---- */

int store_opens_open(struct store_shard *s) NODISCARD;
void store_opens_close(struct store_shard *s);
/* Sends what another process left; false: not yet, store_loads_resume is called then. */
bool store_opens_replay(struct store_shard *s);
/* It was saved, or has ended. */
void store_open_settled(struct store_shard *s, uint64_t call);

/* ---- replay: end.c ---- */

void store_replay_start(struct store_shard *s);

/* ---- records of older programs: call.c ---- */

void store_calls_move(struct store_shard *s, store_done_fn *done, void *arg);

/* ---- loads: load.c ---- */

/* The spool is empty, or could not be emptied: calls may be loaded, or not. */
void store_loads_resume(struct store_shard *s, bool spooled);
void store_loads_free(struct store_base *base);

/* ---- keys: key.c; docs/keys.md; empty when it does not fit ---- */

struct bytes store_key_shard(char buf[STORE_KEY_MAX], const struct store_shard *s,
			     const char *name); /* td:{s17}:NAME */
struct bytes store_key_shard_of(char buf[STORE_KEY_MAX], uint16_t shard, const char *name);
struct bytes store_key_toll(char buf[STORE_KEY_MAX], const struct store_shard *s, struct bytes day);
struct bytes store_key_call(char buf[STORE_KEY_MAX], const struct store_shard *s, uint64_t call);
struct bytes store_key_call_named(char buf[STORE_KEY_MAX], const struct store_shard *s,
				  struct bytes id);
/* tag: of its bucket, with Redis Cluster (store_tag_of_aor); STORE_TAG_NONE: of the address */
struct bytes store_key_binding(char buf[STORE_KEY_MAX], uint32_t tag, struct bytes tenant,
			       struct bytes user);
/* The set of those of a tag, or of all. */
struct bytes store_key_aors(char buf[STORE_KEY_MAX], uint32_t tag);
enum { STORE_TAGS = 256, STORE_TAG_NONE = STORE_TAGS };
uint32_t store_tag_of_aor(const struct store_base *base, struct bytes tenant, struct bytes user);
/* Of the documents of all tenants. */
#define STORE_KEY_NODES   BYTES_LIT("td:{nodes}")
#define STORE_KEY_PLACES  BYTES_LIT("td:{nodes}:places")
#define STORE_KEY_LOG     BYTES_LIT("td:{docs}:log")
#define STORE_KEY_HISTORY BYTES_LIT("td:{docs}:history")
#define STORE_KEY_SET     BYTES_LIT("td:{docs}:set")
/* td:{t:TENANT}:WHAT:KIND, without ":KIND" when it is NULL */
struct bytes store_key_tenant(char buf[STORE_KEY_MAX], struct bytes tenant, const char *what,
			      const char *kind);
/* The same; with Redis Cluster under the tag of the log, as one script changes both. */
struct bytes store_key_document(char buf[STORE_KEY_MAX], const struct store_base *base,
				struct bytes tenant, const char *what, const char *kind);
struct bytes store_key_broken(char buf[STORE_KEY_MAX], struct bytes key);

#endif
