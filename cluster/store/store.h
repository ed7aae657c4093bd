/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a successor needs, kept in Redis. A store_shard has what is one shard's: its lease, records
 * of calls, CDRs and events. The store_shared has what all shards of a node have together:
 * registrations, documents (extensions), security events. Control thread only; every call returns
 * at once and answers through done(), also when Redis is away. A store moves opaque bytes: it knows
 * no call and no flow. Keys and their types: docs/keys.md; records that were set aside are at
 * td:broken:KEY.
 */
#ifndef CLUSTER_STORE_STORE_H
#define CLUSTER_STORE_STORE_H

#include "cluster/identity.h"
#include "cluster/lease.h"
#include "cluster/redis/redis.h"
#include "cluster/roster.h"

struct store_shared;
struct store_shard;
struct validity;

enum { STORE_KINDS_MAX = 48 };

enum store_result {
	STORE_OK,
	STORE_FENCED,   /* another owner holds a higher epoch: the shard must stop speaking */
	STORE_CONFLICT, /* shared entry or document: the version is not the expected one */
	/* No answer within the deadline, or the link broke: it may or may not have happened. */
	STORE_UNKNOWN,
	STORE_REFUSED, /* Redis answered with an error; logged */
};

typedef void store_done_fn(enum store_result result, uint64_t key, uint64_t version, void *arg);

/* Of what all shards of a node share. */
struct store_shared_settings {
	char node[64];        /* name of this node, unique in the cluster */
	uint64_t deadline_ns; /* per command; default 50 ms: after this done(STORE_UNKNOWN) */
	/* Tenants with documents, events and commands: the names one by one, each valid until the
	 * next is asked for; NULL: no more. No function: no tenants. */
	const char *(*tenant)(uint32_t i, void *arg);
	void *tenant_arg;
	const char *kinds[STORE_KINDS_MAX]; /* of documents; NULL: no more */
	/* Number of servers that may replace the primary: Redis may forget a lease that is not on
	 * all of them. They are asked on the link `leases`, since commands behind a WAIT wait as
	 * long as it does; its opener drives it and closes it after the store. NULL: nobody is
	 * asked, and with replicas no lease is kept. */
	uint32_t replicas;
	struct redis *leases;
	/* Saves and first ends of calls are acknowledged when so many replicas have them, or after
	 * half the deadline. */
	uint32_t save_replicas;
};

/* What the owner tells the named claimants of its shard: that it lives. Their acks go to
 * store_lease_on_ack. */
struct store_claim_report {
	uint16_t shard;
	uint64_t told_ns; /* which they bring back */
	struct lease_epoch epoch;
	struct members named;  /* from now on */
	struct members before; /* told as well, while that is a change */
	struct members others; /* told as well, while nobody can be named */
	uint64_t renewal;      /* the newest, of these names; 0: they change */
};
typedef void store_notice_fn(const struct store_claim_report *tell, void *arg);

/* Another node wants the shard, and repeats it: call store_lease_give once the shard is quiet. */
typedef void store_wanted_fn(uint64_t by, void *arg);

struct store_shard_settings {
	uint16_t shard; /* 1..65535 */
	struct identity identity;
	uint64_t incarnation; /* random, new with each start */
	uint64_t lease_ns;    /* lease length, renewed at a third of it */
	char spool_dir[256];  /* CDRs wait here, fsynced, while Redis is away; made if not there */
	struct members named; /* other claimants of this shard; none: it never falls silent */
	bool keeps_names;     /* ... or those that the lease of the process before has named */
	struct validity *validity; /* told until when it may, under this place; NULL: nobody asks */
	uint8_t place;
	store_notice_fn *tell;   /* with the arg of health; NULL: nobody is named, ever */
	store_wanted_fn *wanted; /* the same; NULL: it is given to nobody */
	/* A claimed or handed over shard: ours from the start, without asking. The opener is not
	 * told that it is healthy. NULL: store_acquire. */
	const struct lease_grant *grant;
};

/* One field of a CDR or event: names and values are text. */
struct store_field {
	const char *name;
	struct bytes value;
};

/* Called when the link changes: 1: connected, lease held and up to date; 0: degraded (sends must
 * not wait). On 1 the owner saves everything it has again, some 100 records in flight at a time:
 * Redis may have lost what it acknowledged, and a burst of all at once would be late again. On 0
 * ask store_is_fenced. */
typedef void store_health_fn(bool healthy, void *arg);
/* Within store_health_fn(true): Redis was only late and has all: no need to save again. */
bool store_was_late(const struct store_shard *s);

int store_shared_open(struct store_shared **out, struct redis *redis,
		      const struct store_shared_settings *settings) NODISCARD;
/* After its shards, before redis_close. What is in flight is answered with STORE_UNKNOWN. */
void store_shared_close(struct store_shared *s);
/* Some shard is healthy: what is written now has no reason to fail. */
bool store_shared_is_healthy(const struct store_shared *s);

/* redis: the link of shared, or another one to the same Redis. All saves of a link in a round are
 * one transaction: with Redis Cluster, which cannot do that, each shard has its own link. */
int store_shard_open(struct store_shard **out, struct store_shared *shared, struct redis *redis,
		     const struct store_shard_settings *settings, store_health_fn *health,
		     void *arg) NODISCARD;
/* Before redis_close. Ops in flight are answered with STORE_UNKNOWN; CDRs go to the spool first. */
void store_shard_close(struct store_shard *s);
bool store_is_healthy(const struct store_shard *s);
/* The error text of a Redis that refuses writes, until it takes one; else "". Of the process. */
enum { STORE_REFUSAL_MAX = 192 };
const char *store_refusal(void);
/* Another owner was seen: nothing may be said for this shard any more. */
bool store_is_fenced(const struct store_shard *s);
uint64_t store_epoch(const struct store_shard *s);
struct lease_epoch store_lease_epoch(const struct store_shard *s);

/* Sets aside each key of a wrong type, other than records. Before the lease is taken; later the
 * store checks by itself when Redis refuses something. Done: version: their number. */
void store_shared_keys_check(struct store_shared *s, store_done_fn *done, void *arg);
/* The same of tenants alone, from that one on. */
void store_tenants_keys_check(struct store_shared *s, uint32_t from, store_done_fn *done,
			      void *arg);
void store_shard_keys_check(struct store_shard *s, store_done_fn *done, void *arg);
/* Records of calls, or all of them at once, that were set aside. */
uint32_t store_calls_aside(const struct store_shard *s);
/* The calls of records that store_load_calls has set aside; owned by the store. At most
 * STORE_UNREADABLE_MAX. */
enum { STORE_UNREADABLE_MAX = 65536 };
uint32_t store_calls_unreadable(const struct store_shard *s, const uint64_t **calls);
/* A record of a later program, which made a load fail: it stays in place. NULL: none. */
const char *store_shared_too_new(const struct store_shared *s);
const char *store_shard_too_new(const struct store_shard *s);

/* Takes the lease; done: STORE_OK, STORE_CONFLICT (another node holds it: see store_holder), or
 * STORE_REFUSED (asked for already, or lapsed: only a claim makes it ours again). A caller that
 * asks again on the same link gets it when it was unchanged for 1.1 lengths: its holder would have
 * renewed it. A lease of the same place is taken over at once: the caller holds the state
 * directory's lock, so the old process is gone. */
void store_acquire(struct store_shard *s, store_done_fn *done, void *arg);

/* Which Redis this is, see cluster/identity.h: whether it has that id, and one id that it has. The
 * caller says when the id is added. Nothing else needs to be open yet. */
#define STORE_KEY_IDS BYTES_LIT("td:{cluster}:ids")
enum store_know_when {
	STORE_KNOW_NEVER,
	STORE_KNOW_FIRST, /* where it has none */
	STORE_KNOW_ALWAYS,
};
struct store_know {
	enum store_result result; /* not STORE_OK: nothing is known */
	bool known;
	struct bytes id; /* one that it has, the same for all; empty: none. As long as the call */
};
typedef void store_know_fn(const struct store_know *said, void *arg);
void store_cluster_know(struct store_shared *s, struct bytes id, enum store_know_when when,
			store_know_fn *told, void *arg);

/* The holder of the lease when it was last refused to us. */
struct store_holder {
	char node[64];
	char where[IDENTITY_WHERE_MAX];
	bool copy;   /* its directory has the id of ours: one is a copy of the other */
	bool alive;  /* it was renewed since it was looked at before */
	bool leaves; /* it would give the shard to another node, */
	bool offers; /* ... and that is us */
};
const struct store_holder *store_holder(const struct store_shard *s);

/* ---- the shards of others ---- */

/* A lease as Redis shows it, to be looked at by lease.h. */
struct store_lease {
	enum store_result result; /* not STORE_OK: nothing is known */
	struct claim_lease lease;
	uint64_t length_ns; /* 0: its owner did not say, as older programs */
	char node[64];      /* for people */
	char where[IDENTITY_WHERE_MAX];
};
typedef void store_lease_fn(uint16_t shard, const struct store_lease *seen, void *arg);
/* note: a unique number, left where there is no lease. Looks of one round go together. */
void store_lease_look(struct store_shared *s, uint16_t shard, uint64_t note, store_lease_fn *seen,
		      void *arg);

struct store_claim {
	uint16_t shard;
	struct claim_lease seen; /* a look showed this, with its history */
	struct identity identity;
	struct lease_grant grant; /* of the claimant; sent_ns is not used */
	uint64_t length_ns;
};
/* Compare and set. Done: STORE_OK: it is ours, in this Redis; version 1: each server that may be
 * promoted has it. STORE_CONFLICT: it is not what was seen. Else unknown. key: the shard. */
void store_lease_claim(struct store_shared *s, const struct store_claim *claim, store_done_fn *done,
		       void *arg);

/* ---- from a node that lives to another one: lease.c ---- */

/* Tells the owner of a shard that this node wants it (store_shard_settings.wanted). Repeat it as
 * long as that is so, each time with a store_acquire. */
void store_lease_request(struct store_shard *s);
/* Gives the lease to that node: all is saved, and the shard is quiet. If the answer is not
 * STORE_OK, perhaps: store_acquire tells. REFUSED: it is still ours; not now. */
void store_lease_give(struct store_shard *s, uint64_t to, store_done_fn *done, void *arg);
/* The lease is known to be ours, no question is under way, and no end of a call is spooled (the
 * call would go on there). */
bool store_lease_may_be_given(const struct store_shard *s);
/* That node sees that it may want it (store_holder). 0: no longer. */
void store_lease_offer(struct store_shard *s, uint64_t to);

/* ---- the nodes of the cluster: roster.h ---- */

/* Writes the line of this process with each beat, beat 0 when it has stopped (cluster/identity.h).
 * look: writes nothing. */
struct store_own {
	const struct roster_node *node;
	const struct identity *identity;
	struct bytes seen; /* a line of another process that may be written over; empty: none */
	bool look;
};
struct store_own_answer {
	enum store_result result; /* CONFLICT: it is another process' */
	struct bytes line, place; /* as they were, until the call returns; empty: there was none */
};
typedef void store_own_fn(const struct store_own_answer *said, void *arg);
void store_node_own(struct store_shared *s, const struct store_own *own, store_own_fn *said,
		    void *arg);
/* That of another one: with beat 0 when it is removed. */
void store_node_put(struct store_shared *s, const struct roster_node *node, store_done_fn *done,
		    void *arg);
/* The line of one that had left is removed as well. */
void store_node_remove(struct store_shared *s, uint64_t id, store_done_fn *done, void *arg);
/* Yields each node, then done (version: their number). alive: its beat went on in the last 10 s. */
typedef void store_node_fn(const struct roster_node *node, bool alive, void *arg);
void store_nodes_read(struct store_shared *s, store_node_fn *each, store_done_fn *done, void *arg);

/* ---- our own, which others may claim ---- */

/* A claim of ours counts, of a shard with a lapsed lease. */
void store_lease_claimed(struct store_shard *s, const struct lease_grant *grant);
/* The lease is past: nothing is said until a claim counts. */
bool store_lease_is_past(const struct store_shard *s);
/* It is the lease under which store_load_calls began, valid since: nobody else had its calls. */
bool store_lease_lasts(const struct store_shard *s);
/* One of the named acks what it was told then. */
void store_lease_on_ack(struct store_shard *s, uint64_t from, uint64_t sent_ns);
/* Claimants to name from now on (members_next); not while another change is under way. */
void store_lease_name(struct store_shard *s, const struct members *named);
/* The current names, or the next ones while a change is under way. */
const struct members *store_lease_named(const struct store_shard *s);
/* As it is now, for people. Times are 0 where there was none. */
struct store_lease_view {
	struct members named;
	uint64_t granted_ns;     /* when it was last renewed, */
	uint64_t kept_ns;        /* and so that Redis cannot forget it */
	uint64_t valid_until_ns; /* UINT64_MAX: it never falls silent */
	bool kept;               /* the last renewal */
};
void store_lease_view(const struct store_shard *s, struct store_lease_view *out);
/* A node has told of that epoch: a higher one than ours fences the shard. */
void store_lease_on_epoch(struct store_shard *s, struct lease_epoch epoch);
/* An owner of that epoch lives: it owns a shard that lapsed here, even if Redis forgot ours. */
void store_lease_renewed(struct store_shard *s, struct lease_epoch epoch);
/* The newest known lease, and whether it has names: before store_acquire, as Redis may forget. */
void store_lease_known(struct store_shard *s, struct lease_epoch epoch, bool named);

/* Writes the record of a call and its index entry under the lease epoch, in one script. The newest
 * version wins: an older one that arrives late changes nothing. key = call id. */
void store_call_save(struct store_shard *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg);
/* The same of a subscription. The caller has one save of each in flight. record empty: over. */
void store_subscription_save(struct store_shard *s, uint64_t id, uint64_t version,
			     struct bytes record, store_done_fn *done, void *arg);
/* ... and of what else has an owner: by kind, in the order of sig/host/object.h. */
enum store_objects { STORE_ROOMS, STORE_OBJECT_KINDS };
void store_object_save(struct store_shard *s, enum store_objects kind, uint64_t id,
		       uint64_t version, struct bytes record, store_done_fn *done, void *arg);
/* Removes record and index entry and appends the CDR (id = call id; a second end of a call appends
 * nothing), in one script. While Redis is away the CDR goes to the spool, then done(STORE_OK); it
 * is sent later, exactly once. */
struct store_ended {
	/* A field "id" begins a further CDR, with that id: all of them, or none. */
	const struct store_field *cdr;
	size_t fields;
	uint64_t ended_ns; /* when its parties were told */
	bool again;        /* the former owner may have ended it, too */
};
void store_call_end(struct store_shard *s, uint64_t call, const struct store_ended *e,
		    store_done_fn *done, void *arg);

/* Costs of calls on a day, by name, of the shard. Ends of calls add to them by a field "toll"
 * (cluster/record.h). */
typedef void store_toll_fn(struct bytes name, int64_t ms, void *arg);
void store_toll_load(struct store_shard *s, uint64_t day, store_toll_fn *each, store_done_fn *done,
		     void *arg);
void store_toll_add(struct store_shard *s, uint64_t day, struct bytes name, int64_t ms,
		    store_done_fn *done, void *arg);

/* Answered while Redis is away: if this process is killed before the call is saved or has ended,
 * the next start writes this CDR. Returns at once; the disk follows in a moment. */
void store_call_open(struct store_shard *s, uint64_t call, const struct store_field *cdr, size_t n);
/* Yields each of these calls (at most STORE_CALLS_CHECKED) that Redis has no record of, though it
 * was saved: it was deleted by hand. ended: its CDR is there, too: a former owner has ended it. */
enum { STORE_CALLS_CHECKED = 64 };
typedef void store_missing_fn(uint64_t call, bool ended, void *arg);
void store_calls_check(struct store_shard *s, const uint64_t *calls, size_t n,
		       store_missing_fn *missing, void *arg);

/* Saves a registration by compare-and-set. expected 0: must not exist. ttl_ms 0: deletes it. */
void store_binding_save(struct store_shared *s, struct bytes tenant, struct bytes user,
			uint64_t expected, uint64_t version, struct bytes record, uint64_t ttl_ms,
			store_done_fn *done, void *arg);

/* What is there: its payload, which lives as long as the call; empty: nothing. */
typedef void store_binding_fn(enum store_result result, struct bytes record, void *arg);
void store_binding_get(struct store_shared *s, struct bytes tenant, struct bytes user,
		       store_binding_fn *done, void *arg);

/* Parking slots of a tenant: each has a call, and octets of its owner. */
enum { STORE_SLOT_MAX = 8, STORE_SLOTS_MAX = 1000, STORE_PARKED_MAX = 512 };
#define STORE_PARK_GROUP "default" /* of slots; there is no other one yet */
/* Numbers of conference rooms likewise, with the id of the open conference in place of a call's. */
enum { STORE_ROOM_MAX = 31, STORE_ROOMS_MAX = 4096 };
#define STORE_ROOM_GROUP "open"
struct store_slot {
	struct bytes tenant;
	struct bytes slot; /* 1 to STORE_SLOT_MAX digits */
	bool room;         /* it is the number of a room: 1 to STORE_ROOM_MAX printable octets */
};
struct store_parked {
	/* CONFLICT: it is another call's, unchanged. REFUSED: logged; also if it is unreadable. */
	enum store_result result;
	/* CONFLICT: the tenant already has STORE_SLOTS_MAX slots, or STORE_ROOMS_MAX rooms. */
	bool full;
	uint64_t call;       /* that is there; of a slot that is free now, or was free before, 0 */
	struct bytes beside; /* ... with it; they live as long as the answer's call */
};
typedef void store_parked_fn(const struct store_parked *parked, void *arg);
/* The call that has the slot may claim it again, with other octets. */
void store_park_claim(struct store_shared *s, const struct store_slot *slot, uint64_t call,
		      struct bytes beside, store_parked_fn *done, void *arg);
/* Frees it where that call is in it. OK: no call is in it any more. */
void store_park_free(struct store_shared *s, const struct store_slot *slot, uint64_t call,
		     store_parked_fn *done, void *arg);
void store_park_look(struct store_shared *s, const struct store_slot *slot, store_parked_fn *done,
		     void *arg);
/* All of a tenant, in no order; one that cannot be read is of call 0. Done: version: how many. */
typedef void store_slot_fn(struct bytes slot, uint64_t call, struct bytes beside, void *arg);
void store_park_list(struct store_shared *s, struct bytes tenant, store_slot_fn *each,
		     store_done_fn *done, void *arg);
/* The tenant is no more. */
void store_park_clear(struct store_shared *s, struct bytes tenant, store_done_fn *done, void *arg);

/* Small values of an extension, by name: each is octets of the caller, with an expiry. No version:
 * the last one counts. */
enum { STORE_KEPT_MAX = 256 };
struct store_kept {
	struct bytes tenant, user;
	const char *name;
};
/* OK: there is one, which was asked for and lives as long as the call, or none. */
typedef void store_kept_fn(enum store_result result, bool there, struct bytes value, void *arg);
void store_kept_put(struct store_shared *s, const struct store_kept *of, struct bytes value,
		    uint64_t ttl_ms, store_kept_fn *done, void *arg);
void store_kept_get(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		    void *arg);
/* Claims one of the places under that name for a holder, for ttl_ms; 0: releases it. there: the
 * holder has a place. */
struct store_place {
	struct bytes holder;
	uint64_t ttl_ms;
	uint32_t most; /* places; 0: unlimited */
};
void store_kept_claim(struct store_shared *s, const struct store_kept *of,
		      const struct store_place *place, store_kept_fn *done, void *arg);
/* The extension is no more. */
void store_kept_drop(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		     void *arg);

/* Octets of a tenant's documents by hash, td:{t:TENANT}:KIND:HASH. Equal ones are stored once. */
struct store_blob {
	struct bytes tenant;
	const char *kind, *hash;
};
/* OK: they are there, octets as long as the call where they were asked for, or not. */
typedef void store_blob_fn(enum store_result result, bool there, struct bytes octets, void *arg);
/* For ever, until store_blob_expire. */
void store_blob_put(struct store_shared *s, const struct store_blob *of, struct bytes octets,
		    store_blob_fn *done, void *arg);
void store_blob_get(struct store_shared *s, const struct store_blob *of, store_blob_fn *done,
		    void *arg);
/* A document names them: for ever again, where they are there. */
void store_blob_keep(struct store_shared *s, const struct store_blob *of, store_blob_fn *done,
		     void *arg);
/* No document names them: they go a day later. */
void store_blob_expire(struct store_shared *s, const struct store_blob *of);
/* Texts of flow programs, by their hash: octets of the caller. A text expires when it was not put,
 * got or touched for STORE_PROGRAM_S: no call lasts a week. once: it is of one call, and there may
 * be many: a day. */
enum { STORE_PROGRAM_S = 7 * 86400, STORE_PROGRAM_MAX = 65536 };
void store_program_put(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       struct bytes text, bool once, store_kept_fn *done, void *arg);
void store_program_get(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       store_kept_fn *done, void *arg);
/* Tells whether it is there. */
void store_program_touch(struct store_shared *s, struct bytes tenant, struct bytes hash,
			 store_kept_fn *done, void *arg);

/* Entry of a finished recording, on any node: the caller's text, JSON of one line
 * (app/record/entry.h). */
enum {
	STORE_RECORDING_MAX = 8192, /* octets of an entry */
	STORE_RECORDING_DAYS = 64,  /* of one answer */
	STORE_RECORDINGS_PAGE = 100,
	STORE_RECORDING_PARTIES = 3, /* two who spoke, and a mailbox */
};
enum store_recording_act {
	STORE_RECORDING_PUT,
	/* These leave the entry of another node as it is: */
	STORE_RECORDING_END,    /* a put: the file is here no longer */
	STORE_RECORDING_STATE,  /* the entry that is there gets that state; there may be none */
	STORE_RECORDING_REMOVE, /* it is another recording by now */
};
struct store_recording {
	enum store_recording_act act;
	struct bytes tenant, day, name; /* day: 2026-11-25; name: of the file, ASCII */
	struct bytes entry, state;
	struct bytes parties[STORE_RECORDING_PARTIES]; /* by which it is found; empty: by none */
	struct bytes mine;                             /* what an entry of this node has in it */
	uint64_t life_s;        /* so long the day is kept from now on, 1 at least */
	struct bytes first_day; /* of those that are kept */
};
/* Idempotent. Done: version: the number of keys of another type that were set aside. */
void store_recording_announce(struct store_shared *s, const struct store_recording *r,
			      store_done_fn *done, void *arg);
/* Of each name, or day, before done: version: how many. */
typedef void store_recording_fn(struct bytes name, struct bytes entry, void *arg);
struct store_recording_days {
	struct bytes tenant, since, until; /* since, until: days; empty: any */
	bool before;                       /* until: exclusive */
};
/* Days with recordings, newest first, at most STORE_RECORDING_DAYS; a listed day may have no
 * recording left. */
void store_recording_days(struct store_shared *s, const struct store_recording_days *of,
			  store_recording_fn *each, store_done_fn *done, void *arg);
enum store_recordings_by {
	STORE_RECORDINGS_BY_NAME,
	STORE_RECORDINGS_BY_PARTY,
	STORE_RECORDINGS_BY_STATE
};
struct store_recordings {
	struct bytes tenant, day;
	enum store_recordings_by by;
	struct bytes what;   /* the party, or the state; how names begin, or empty: all */
	struct bytes before; /* names before this one alone; or empty */
};
/* At most STORE_RECORDINGS_PAGE, the last name first. An entry that is too long is empty. */
void store_recordings_read(struct store_shared *s, const struct store_recordings *of,
			   store_recording_fn *each, store_done_fn *done, void *arg);
/* One recording: name has its entry; without one each is not called. */
void store_recording_get(struct store_shared *s, struct bytes tenant, struct bytes day,
			 struct bytes name, store_recording_fn *each, store_done_fn *done,
			 void *arg);

/* Messages of a mailbox (cluster/lua/box_change.lua, box_read.lua have the words). */
enum { STORE_BOX_COUNTS = 5, STORE_BOX_WORDS = 12 };
enum store_box_code {
	STORE_BOX_NONE,
	STORE_BOX_DONE,
	STORE_BOX_OTHER_VERSION,
	STORE_BOX_OVER,
	STORE_BOX_PRIVATE,
};
struct store_box {
	struct bytes tenant, box;
	bool change; /* else it is read */
	const struct bytes *words;
	size_t n;
};
struct store_box_row {
	struct bytes id, set, facts, marks; /* set: where it lies; the others: JSON of one line */
	uint64_t at_utc_ms; /* when it came to be in gone or draft; else when it began */
};
struct store_box_answer {
	enum store_result result; /* not OK: the rest says nothing */
	enum store_box_code code;
	uint64_t version;                  /* of the mailbox */
	uint32_t counts[STORE_BOX_COUNTS]; /* new, urgent, old, old and urgent, deleted */
};
/* Each message of the answer, before done. */
typedef void store_box_row_fn(const struct store_box_row *row, void *arg);
typedef void store_box_fn(const struct store_box_answer *said, void *arg);
void store_box_request(struct store_shared *s, const struct store_box *of, store_box_row_fn *each,
		       store_box_fn *done, void *arg);
/* Notes that the tenant has that mailbox: it is deleted with the tenant. */
void store_box_note(struct store_shared *s, struct bytes tenant, struct bytes box);
/* All keys of all mailboxes of a tenant. */
void store_boxes_clear(struct store_shared *s, struct bytes tenant);

/* Tasks about messages, done once and by one node: an event, a mail, a call
 * (cluster/lua/task.lua). */
enum { STORE_TASKS_MAX = 32, STORE_TASK_HELD_MS = 10000 };
enum store_task_act {
	STORE_TASK_ADD,  /* to be done then, or before */
	STORE_TASK_NOW,  /* likewise; the caller holds it, unless another node does */
	STORE_TASK_HOLD, /* again for so long; it is held no longer where it is not in the answer */
	STORE_TASK_CLAIM, /* what is due, STORE_TASKS_MAX at most: held by who */
	/* Due again then; due_utc_ms 0: never, unless it was added again meanwhile. */
	STORE_TASK_DONE,
};
struct store_task {
	enum store_task_act act;
	struct bytes who, what; /* who: unique to this holder */
	uint64_t due_utc_ms;
};
/* held: what is held by who from now on. NULL: nobody waits. */
typedef void store_task_fn(enum store_result result, const struct bytes *held, size_t count,
			   void *arg);
void store_task(struct store_shared *s, const struct store_task *of, store_task_fn *done,
		void *arg);

/* A document: JSON text by tenant, kind and name. version: the generation at that change. */
struct store_document {
	struct bytes tenant;
	const char *kind;
	struct bytes name;
	uint64_t version;
	struct bytes json;
};
/* Basis of a change: Redis must still have it, else done: STORE_CONFLICT, version: the generation
 * there. A generation below the known one is of a Redis that has lost documents. */
struct store_known {
	uint64_t version;    /* of the document; 0: there was none */
	uint64_t generation; /* of the tenant */
	bool exact;          /* nothing else of the tenant may have changed either */
};
/* Done: version: the new generation; 0: nothing to delete. The log tells all nodes
 * (cluster/document/log.h). */
void store_document_put(struct store_shared *s, const struct store_document *d,
			const struct store_known *known, store_done_fn *done, void *arg);
void store_document_delete(struct store_shared *s, const struct store_document *d,
			   const struct store_known *known, store_done_fn *done, void *arg);
/* Puts it unless Redis has this version or a later one; with an empty name only raises the
 * generation to that version. history: for a Redis that has none. Done: version 1: it was put. */
void store_document_restore(struct store_shared *s, const struct store_document *d,
			    struct bytes history, store_done_fn *done, void *arg);
/* Whether Redis has anything of a tenant of that name: its former documents, events, recordings. */
typedef void store_left_fn(enum store_result result, bool there, void *arg);
void store_tenant_left(struct store_shared *s, struct bytes tenant, store_left_fn *told, void *arg);

/* Documents that change together: a set of entries, in pieces under NAME:VERSION of the set. */
enum { STORE_SET_PIECE = 64, STORE_SET_TENANTS_MAX = 16, STORE_SET_STAGED_S = 3600 };
struct store_set {
	struct bytes tenant;
	const char *key;
};
/* Puts entries from the first one on, for STORE_SET_STAGED_S. */
void store_set_stage(struct store_shared *s, const struct store_set *of, uint32_t first,
		     const struct bytes *entries, size_t n, store_done_fn *done, void *arg);
/* Each that there is of so many, before done. */
typedef void store_set_fn(uint32_t i, struct bytes entry, void *arg);
void store_set_read(struct store_shared *s, const struct store_set *of, uint32_t first, size_t n,
		    store_set_fn *each, store_done_fn *done, void *arg);
/* A further tenant of the set: its known generation, and the number of changes of the set to it. */
struct store_set_tenant {
	struct bytes name;
	uint64_t generation, count;
};
struct store_set_start {
	struct store_set set;
	struct store_document document; /* of the set */
	struct store_known known;
	uint64_t count; /* changes of its tenant, which come behind the document */
	const struct store_set_tenant *others;
	size_t other_count;
};
/* Makes the set valid, if nothing of these tenants has changed and no other set is being moved.
 * Done as store_document_put; REFUSED: it is not staged any more. */
void store_set_start(struct store_shared *s, const struct store_set_start *b, store_done_fn *done,
		     void *arg);
/* All of it was moved: the former version's entries go. version 0: another node has done it. */
void store_set_end(struct store_shared *s, const struct store_document *d, uint64_t version,
		   const struct store_set *before, store_done_fn *done, void *arg);
/* Moves documents of one tenant and kind: entries of the set from `moved` on. Each text is put or,
 * if empty, deleted. Done: version: number of entries that were moved. */
struct store_set_move {
	struct store_set set;
	struct bytes tenant;
	const char *kind;
	uint32_t moved, n;
	struct store_set_moved {
		struct bytes name, text;
		uint64_t version;
	} documents[STORE_SET_PIECE];
};
void store_set_move(struct store_shared *s, const struct store_set_move *m, store_done_fn *done,
		    void *arg);

/* What Redis has of a document. */
struct store_found {
	enum store_result result;
	bool there;
	uint64_t version, generation;
	struct bytes json; /* empty: none, or longer than any document */
};
typedef void store_found_fn(const struct store_found *found, void *arg);
void store_document_read(struct store_shared *s, struct bytes tenant, const char *kind,
			 struct bytes name, store_found_fn *found, void *arg);
/* The versions of all documents of a kind, before done. */
typedef void store_version_fn(struct bytes name, uint64_t version, void *arg);
void store_document_versions(struct store_shared *s, struct bytes tenant, const char *kind,
			     store_version_fn *each, store_done_fn *done, void *arg);

/* What a document was before its last changes, the newest first (document_past.lua): of each text
 * its version, before done. */
typedef void store_past_fn(uint64_t version, struct bytes text, void *arg);
void store_document_past(struct store_shared *s, struct bytes tenant, const char *kind,
			 struct bytes name, store_past_fn *each, store_done_fn *done, void *arg);
/* Of all documents of the tenant it is forgotten. */
void store_document_past_clear(struct store_shared *s, struct bytes tenant);

/* What Redis says of all documents. */
enum { STORE_HISTORY_MAX = 33, STORE_LOOK_MAX = 128 };
struct store_look {
	enum store_result result;
	/* Made with the first document; another one: documents were lost; empty: Redis has none. */
	struct bytes history;
	struct bytes newest; /* id of an entry of the log; empty: none */
	const struct redisReply *reply;
};
/* Of the i-th tenant that was asked for; 0: Redis knows of no change. */
uint64_t store_look_generation(const struct store_look *look, size_t i);
typedef void store_look_fn(const struct store_look *look, void *arg);
/* n: at most STORE_LOOK_MAX tenants. history: written if Redis has none; empty: not written. */
void store_documents_look(struct store_shared *s, const struct bytes *tenants, size_t n,
			  struct bytes history, store_look_fn *looked, void *arg);

/* Appends an event to the stream (MAXLEN ~ 100000). text: a JSON object. application: one of the
 * tenant's, with a stream of its own (~ 10000); empty: none. It is sent before what is saved after
 * it, and again until Redis has it: at least once, and in order. 16 MiB wait while Redis is away;
 * for events beyond, an event of the type events.lost has their number. */
void store_event(struct store_shared *s, struct bytes tenant, struct bytes application,
		 struct bytes text);

/* The audit of a tenant, likewise (~ 10000); commands about calls have a stream of their own. */
void store_audit(struct store_shared *s, struct bytes tenant, bool of_calls, struct bytes text);
enum { STORE_AUDIT_KEY_MAX = 64 };
const char *store_audit_key(char out[STORE_AUDIT_KEY_MAX], struct bytes tenant, bool of_calls);

/* Streams of call records, of tenants' events and of audits keep so many entries, where that is
 * more than they do by themselves: their reader trims what he has saved. 0: as they do by
 * themselves. */
void store_streams_hold(struct store_shared *s, uint32_t entries);

/* Security events of all nodes, with this node's name: best effort (MAXLEN ~ 10000). */
void store_security(struct store_shared *s, const struct store_field *fields, size_t n);

/* Start-up: hands every record to a function (calls: key is the id's 13 characters; registrations:
 * TENANT:USER). The receiver returns 0, or -errno with a reason it logged: the record is then
 * renamed to td:broken:... and counted, and loading goes on. done() after the last one (STORE_OK;
 * version: number of records taken), or when Redis fails, or for a record of a later program
 * (receiver returned -EPROTONOSUPPORT; STORE_REFUSED, and the record stays). A record has its
 * version inside, if its owner needs one. */
typedef int store_record_fn(struct bytes key, struct bytes record, void *arg);
void store_load_calls(struct store_shard *s, store_record_fn *each, store_done_fn *done, void *arg);
/* Reads the calls of another node's shard: a record may come twice, and some not at all. Broken
 * ones are left out, and stay. done: version: number of records. */
typedef void store_peek_fn(struct bytes record, void *arg);
void store_peek_calls(struct store_shard *s, store_peek_fn *each, store_done_fn *done, void *arg);
void store_load_subscriptions(struct store_shard *s, store_record_fn *each, store_done_fn *done,
			      void *arg);
void store_load_objects(struct store_shard *s, enum store_objects kind, store_record_fn *each,
			store_done_fn *done, void *arg);
void store_load_bindings(struct store_shared *s, store_record_fn *each, store_done_fn *done,
			 void *arg);
typedef int store_document_fn(struct bytes name, uint64_t version, struct bytes json, void *arg);
void store_load_documents(struct store_shared *s, struct bytes tenant, const char *kind,
			  store_document_fn *each, store_done_fn *done, void *arg);

#endif
