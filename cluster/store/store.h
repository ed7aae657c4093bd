/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a successor needs, kept in Redis. A store_shard has what is one shard's: its lease, records of calls, CDRs and events. The
 * store_shared has what all shards of a node have together: registrations, documents (extensions), security events. Control
 * thread only; every call returns at once and answers through done(), also when Redis is away. A store moves opaque bytes: it knows no
 * call and no flow.
 *
 * Keys (docs/keys.md): td:{s17}:lease  td:{s17}:calls (set)  td:{s17}:call:ID  td:{s17}:sub (hash)  td:{s17}:room (hash)  td:{s17}:cdr (stream)
 * td:{aor:TENANT:USER}:reg  td:aors (set)  td:{t:TENANT}:doc:KIND (hash)  td:{docs}:log (stream)
 * td:{t:TENANT}:park:GROUP (hash)  td:{kept:TENANT:USER}:NAME (string)  td:{t:TENANT}:KIND:HASH (string)
 * td:{ev:TENANT} (stream)
 * td:security (stream)  td:{cluster}:ids (set)  td:{rec:TENANT}:days (sorted set)  td:{rec:TENANT}:of:DAY (hash)  td:{rec:TENANT}:by:DAY (sorted set)
 * td:{box:TENANT:BOX}:msg (hash), :new :urgent :old :oldurgent :draft :gone (sorted sets)
 * td:{task}:due (sorted set), :held (hash)
 * td:broken:<key> (records set aside)
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

enum { STORE_KINDS_MAX = 32 };

enum store_result {
	STORE_OK,
	STORE_FENCED,   /* another owner holds a higher epoch: the shard must stop speaking */
	STORE_CONFLICT, /* shared entry or document: the version is not the expected one */
	STORE_UNKNOWN, /* no answer within the deadline or the link broke: it may or may not have happened */
	STORE_REFUSED, /* Redis answered with an error; logged */
};

typedef void store_done_fn(enum store_result result, uint64_t key, uint64_t version, void *arg);

/* Of what all shards of a node share. */
struct store_shared_settings {
	char node[64];        /* name of this node, unique in the cluster */
	uint64_t deadline_ns; /* per command; default 50 ms: after this done(STORE_UNKNOWN) */
	/* Whose documents, events and commands there are: the names one by one, each kept until it asks for the next one; NULL: no more.
	 * NULL: nobody's. */
	const char *(*tenant)(uint32_t i, void *arg);
	void *tenant_arg;
	const char *kinds[STORE_KINDS_MAX]; /* of documents; NULL: no more */
	/* How many servers may take the place of the one that we speak to: a lease that is not on all of them Redis may forget. They are
	 * asked on a link of its own, which is driven and closed, after the store, by its opener: commands behind a WAIT wait as long as
	 * that does. NULL: nobody is asked, and with replicas no lease is kept. */
	uint32_t replicas;
	struct redis *leases;
	/* Saves and first ends of calls are acknowledged when so many replicas have them, or half the deadline is over. */
	uint32_t save_replicas;
};

/* The owner tells those who may claim its shard that it lives: their acks are store_lease_on_ack. */
struct store_notice {
	uint16_t shard;
	uint64_t told_ns; /* which they bring back */
	struct lease_epoch epoch;
	struct members named;  /* from now on */
	struct members before; /* told as well, while that is a change */
	struct members others; /* told as well, while nobody can be named */
	uint64_t renewal;      /* the newest, of these names; 0: they change */
};
typedef void store_notice_fn(const struct store_notice *tell, void *arg);

/* Another node wants the shard, and will say it again: store_lease_give once nothing is said for it any more. */
typedef void store_wanted_fn(uint64_t by, void *arg);

struct store_shard_settings {
	uint16_t shard; /* 1..65535 */
	struct identity identity;
	uint64_t incarnation; /* random, new with each start */
	uint64_t lease_ns;    /* lease length, renewed at a third of it */
	char spool_dir[256];  /* CDRs wait here, fsynced, while Redis is away; made if not there */
	struct members named; /* who else may claim this shard; none: it never falls silent */
	bool keeps_names;     /* ... or whom the lease of the process before has named */
	struct validity *validity; /* told until when it may, under this place; NULL: nobody asks */
	uint8_t place;
	store_notice_fn *tell;   /* with the arg of health; NULL: nobody is named, ever */
	store_wanted_fn *wanted; /* the same; NULL: it is given to nobody */
	/* It was claimed, or handed over: it is ours from the start, and is not asked for. Who opens it is not told that it is healthy.
	 * NULL: store_acquire. */
	const struct lease_grant *grant;
};

/* One field of a CDR or event: names and values are text. */
struct store_field {
	const char *name;
	struct bytes value;
};

/* Says how the link is: 1 connected, lease held and up to date; 0 degraded (sends must not wait). Called on change.
 * On 1 the owner saves everything it has again, some 100 records in flight at a time: Redis may have lost what it
 * acknowledged, and a burst of all at once would be late again. On 0 ask store_is_fenced. */
typedef void store_health_fn(bool healthy, void *arg);
/* Within store_health_fn(true): Redis was late only, and has all that it acknowledged: nothing else is to be saved again. */
bool store_was_late(const struct store_shard *s);

int store_shared_open(struct store_shared **out, struct redis *redis,
		      const struct store_shared_settings *settings) NODISCARD;
/* After its shards, before redis_close. What is in flight is answered with STORE_UNKNOWN. */
void store_shared_close(struct store_shared *s);
/* Some shard is healthy: what is written now has no reason to fail. */
bool store_shared_is_healthy(const struct store_shared *s);

/* redis: the link of shared, or another one to the same Redis. What shards of one link save in a round is one transaction: with Redis
 * Cluster, where that cannot be, each has a link of its own. */
int store_shard_open(struct store_shard **out, struct store_shared *shared, struct redis *redis,
		     const struct store_shard_settings *settings, store_health_fn *health,
		     void *arg) NODISCARD;
/* Before redis_close. What is in flight is answered with STORE_UNKNOWN, CDRs go to the spool first. */
void store_shard_close(struct store_shard *s);
bool store_is_healthy(const struct store_shard *s);
/* Redis's words, where it answers and takes no writes, until it has taken one; else "". Of all stores of the process. */
enum { STORE_REFUSAL_MAX = 192 };
const char *store_refusal(void);
/* Another owner was seen: nothing may be said for this shard any more. */
bool store_is_fenced(const struct store_shard *s);
uint64_t store_epoch(const struct store_shard *s);
struct lease_epoch store_lease_epoch(const struct store_shard *s);

/* Sets aside what has another type than we need, under any key that is not a record of its own. Before the lease is taken; later
 * the store looks by itself when Redis refuses something. Done: version: how many. */
void store_shared_keys_check(struct store_shared *s, store_done_fn *done, void *arg);
/* The same of tenants alone, from that one on. */
void store_tenants_keys_check(struct store_shared *s, uint32_t from, store_done_fn *done,
			      void *arg);
void store_shard_keys_check(struct store_shard *s, store_done_fn *done, void *arg);
/* Records of calls, or all of them at once, that were set aside. */
uint32_t store_calls_aside(const struct store_shard *s);
/* The calls of records that store_load_calls has set aside; they are the store's. How many: STORE_UNREADABLE_MAX at most. */
enum { STORE_UNREADABLE_MAX = 65536 };
uint32_t store_calls_unreadable(const struct store_shard *s, const uint64_t **calls);
/* A record that a later program wrote, which is why a load was refused: it stays where it is. NULL: none. */
const char *store_shared_too_new(const struct store_shared *s);
const char *store_shard_too_new(const struct store_shard *s);

/* Takes the lease; done: STORE_OK, STORE_CONFLICT (held elsewhere: store_holder says by whom), or
 * STORE_REFUSED (asked for already, or past: a claim alone makes it ours again). Whoever asks again, on the same link,
 * gets it when it was the same for 1.1 of its lengths: its holder would have renewed it. A lease of the same place is taken over at
 * once: the caller holds the state directory's lock, so the old process is gone. */
void store_acquire(struct store_shard *s, store_done_fn *done, void *arg);

/* Which Redis this is, see cluster/identity.h: has it that id, and which one has it? The id is added to those it has by the word of the
 * asker. Nothing else need be open yet. */
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

/* Who held the lease when it was last refused to us. */
struct store_holder {
	char node[64];
	char where[IDENTITY_WHERE_MAX];
	bool copy;   /* its directory has the id of ours: one is a copy of the other */
	bool alive;  /* it was renewed since it was looked at before */
	bool leaves; /* it would give the shard to somebody, */
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
/* note: a number that nobody else has, left where there is no lease. Looks of one round go together. */
void store_lease_look(struct store_shared *s, uint16_t shard, uint64_t note, store_lease_fn *seen,
		      void *arg);

struct store_claim {
	uint16_t shard;
	struct claim_lease seen; /* a look showed this, with its history */
	struct identity identity;
	struct lease_grant grant; /* of whoever claims; sent_ns is not looked at */
	uint64_t length_ns;
};
/* Compare and set: done: STORE_OK: it is ours, in this Redis; version: 1: each server that may be promoted has it. STORE_CONFLICT: it is
 * not what was seen. Else nobody knows. key: the shard. */
void store_lease_claim(struct store_shared *s, const struct store_claim *claim, store_done_fn *done,
		       void *arg);

/* ---- from a node that lives to another one: lease.c ---- */

/* Of a shard of another node: its owner is told that this one wants it (store_shard_settings.wanted). To be said again as long as that is
 * so, with a store_acquire each time. */
void store_lease_request(struct store_shard *s);
/* All of it is saved, and nothing is said any more. The lease is that of whoever wants it, or, where the answer is not STORE_OK,
 * perhaps: store_acquire tells. REFUSED: it is ours, as before; not now. */
void store_lease_give(struct store_shard *s, uint64_t to, store_done_fn *done, void *arg);
/* It is known to be ours, Redis is not being asked about it, and no end of a call waits on disk: there the call would go on. */
bool store_lease_may_be_given(const struct store_shard *s);
/* That node sees that it may want it (store_holder). 0: no longer. */
void store_lease_offer(struct store_shard *s, uint64_t to);

/* ---- the nodes of the cluster: roster.h ---- */

/* The line of this process, with each beat, and with beat 0 when it has stopped; see cluster/identity.h. look: nothing is written. */
struct store_own {
	const struct roster_node *node;
	const struct identity *identity;
	struct bytes seen; /* a line of another process that may be written over; empty: none */
	bool look;
};
struct store_own_said {
	enum store_result result; /* CONFLICT: it is another process' */
	struct bytes line, place; /* as they were, until the call returns; empty: there was none */
};
typedef void store_own_fn(const struct store_own_said *said, void *arg);
void store_node_own(struct store_shared *s, const struct store_own *own, store_own_fn *said,
		    void *arg);
/* That of another one: with beat 0 when it is removed. */
void store_node_put(struct store_shared *s, const struct roster_node *node, store_done_fn *done,
		    void *arg);
/* The line of one that had left is removed as well. */
void store_node_remove(struct store_shared *s, uint64_t id, store_done_fn *done, void *arg);
/* Each one, then done (version: how many). Alive: its beat went on in the last 10 s, as far as this process has read. */
typedef void store_node_fn(const struct roster_node *node, bool alive, void *arg);
void store_nodes_read(struct store_shared *s, store_node_fn *each, store_done_fn *done, void *arg);

/* ---- our own, which others may claim ---- */

/* A claim of ours counts, of a shard whose lease was past. */
void store_lease_claimed(struct store_shard *s, const struct lease_grant *grant);
/* The lease is past: nothing is said until a claim counts. */
bool store_lease_is_past(const struct store_shard *s);
/* It is the one under which store_load_calls began, and valid all the time since: nobody else has had the calls that were read. */
bool store_lease_lasts(const struct store_shard *s);
/* One of the named acks what it was told then. */
void store_lease_on_ack(struct store_shard *s, uint64_t from, uint64_t sent_ns);
/* Whom to name from now on (members_next); not while another change is under way. */
void store_lease_name(struct store_shard *s, const struct members *named);
/* Who is named by now, or will be when that counts. */
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
/* Somebody has told of that epoch: a higher one than ours fences the shard. */
void store_lease_on_epoch(struct store_shard *s, struct lease_epoch epoch);
/* An owner of that epoch lives: a shard whose lease is past is that one's, though Redis may have forgotten a newer one of ours. */
void store_lease_renewed(struct store_shard *s, struct lease_epoch epoch);
/* The newest lease that this node has heard of, and whether it names others: before store_acquire, for a Redis that has forgotten it. */
void store_lease_known(struct store_shard *s, struct lease_epoch epoch, bool named);

/* Writes the record of a call and its index entry under the lease epoch, in one script. The newest version of a call wins:
 * an older one that arrives late changes nothing. key = call id. */
void store_call_save(struct store_shard *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg);
/* The same of a subscription. Whoever asks has one save of each in flight. record empty: it is over. */
void store_subscription_save(struct store_shard *s, uint64_t id, uint64_t version,
			     struct bytes record, store_done_fn *done, void *arg);
/* ... and of what else has an owner: by kind, in the order of sig/host/object.h. */
enum store_objects { STORE_ROOMS, STORE_OBJECT_KINDS };
void store_object_save(struct store_shard *s, enum store_objects kind, uint64_t id,
		       uint64_t version, struct bytes record, store_done_fn *done, void *arg);
/* Removes record and index entry and appends the CDR (id = call id; a second end of the same call appends nothing), in one
 * script. While Redis is away the CDR goes to the spool, then done(STORE_OK); it is sent later, exactly once. */
struct store_ended {
	const struct store_field
		*cdr; /* a field "id" begins a further CDR, with that id: all of them, or none */
	size_t fields;
	uint64_t ended_ns; /* when its parties heard so */
	bool again;        /* the process that had it before may have ended it, too */
};
void store_call_end(struct store_shard *s, uint64_t call, const struct store_ended *e,
		    store_done_fn *done, void *arg);

/* What calls have cost a day, by name: of the shard alone. The end of a call adds to it with its CDRs by a field "toll" (cluster/record.h). */
typedef void store_toll_fn(struct bytes name, int64_t ms, void *arg);
void store_toll_load(struct store_shard *s, uint64_t day, store_toll_fn *each, store_done_fn *done,
		     void *arg);
void store_toll_add(struct store_shard *s, uint64_t day, struct bytes name, int64_t ms,
		    store_done_fn *done, void *arg);

/* Answered while Redis is away: should this process be killed before the call is saved or has ended, the next start makes this its
 * CDR. At once; the disk follows within the moment. */
void store_call_open(struct store_shard *s, uint64_t call, const struct store_field *cdr, size_t n);
/* Tells each of these calls (at most STORE_CALLS_CHECKED) that Redis has no record of, though it was saved: somebody deleted it.
 * ended: its CDR is there, too, as the node that had the shard before has ended it. */
enum { STORE_CALLS_CHECKED = 64 };
typedef void store_missing_fn(uint64_t call, bool ended, void *arg);
void store_calls_check(struct store_shard *s, const uint64_t *calls, size_t n,
		       store_missing_fn *missing, void *arg);

/* Registrations: version compare-and-set per address of record. expected 0: must not exist. ttl_ms 0: delete. */
void store_binding_save(struct store_shared *s, struct bytes tenant, struct bytes user,
			uint64_t expected, uint64_t version, struct bytes record, uint64_t ttl_ms,
			store_done_fn *done, void *arg);

/* What is there: its payload, which lives as long as the call; empty: nothing. */
typedef void store_binding_fn(enum store_result result, struct bytes record, void *arg);
void store_binding_get(struct store_shared *s, struct bytes tenant, struct bytes user,
		       store_binding_fn *done, void *arg);

/* Slots where calls are parked, of a tenant: each has a call, and beside it octets that are its owner's. */
enum { STORE_SLOT_MAX = 8, STORE_SLOTS_MAX = 1000, STORE_PARKED_MAX = 512 };
#define STORE_PARK_GROUP "default" /* of slots; there is no other one yet */
/* Numbers of conference rooms likewise: the id of the conference that goes on there is in place of a call's. */
enum { STORE_ROOM_MAX = 31, STORE_ROOMS_MAX = 4096 };
#define STORE_ROOM_GROUP "open"
struct store_slot {
	struct bytes tenant;
	struct bytes slot; /* 1 to STORE_SLOT_MAX digits */
	bool room;         /* it is the number of a room: 1 to STORE_ROOM_MAX printable octets */
};
struct store_parked {
	/* CONFLICT: it is another call's, and is as it was. REFUSED: logged; what is in the slot cannot be read, too. */
	enum store_result result;
	bool full; /* CONFLICT: the tenant has STORE_SLOTS_MAX slots, or STORE_ROOMS_MAX rooms, already */
	uint64_t call;       /* that is there; of a slot that is free now, or was free before, 0 */
	struct bytes beside; /* ... with it; they live as long as the answer's call */
};
typedef void store_parked_fn(const struct store_parked *parked, void *arg);
/* Whoever has the slot may claim it again, with other octets beside it. */
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

/* Small values of an extension, by name: each is octets of its owner, and forgotten when its time is over. No version: the last one
 * counts. */
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
/* The extension is no more. */
void store_kept_drop(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		     void *arg);

/* Octets of a tenant's documents, by their hash: td:{t:TENANT}:KIND:HASH. Equal ones are there once. */
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
/* Texts of programs of flows, by what each is called of its hash: octets of their owner. One is forgotten when nobody has put, got or touched
 * it for so long: no call goes on for a week. once: it is of one call, and there may be many such; a day. */
enum { STORE_PROGRAM_S = 7 * 86400, STORE_PROGRAM_MAX = 65536 };
void store_program_put(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       struct bytes text, bool once, store_kept_fn *done, void *arg);
void store_program_get(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       store_kept_fn *done, void *arg);
/* Tells whether it is there. */
void store_program_touch(struct store_shared *s, struct bytes tenant, struct bytes hash,
			 store_kept_fn *done, void *arg);

/* What is known of a finished recording, wherever its file is. An entry is text of the owner's: JSON of one line (app/record/entry.h). */
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
/* Said again it changes nothing. Done: version: how many keys were of another type, and are set aside. */
void store_recording_announce(struct store_shared *s, const struct store_recording *r,
			      store_done_fn *done, void *arg);
/* Of each name, or day, before done: version: how many. */
typedef void store_recording_fn(struct bytes name, struct bytes entry, void *arg);
struct store_recording_days {
	struct bytes tenant, since, until; /* since, until: days; empty: any */
	bool before;                       /* until: exclusive */
};
/* Days with recordings, newest first, at most STORE_RECORDING_DAYS. A listed day may have no recording left. */
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
/* One: name is its entry, and there is none where it is not called. */
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
struct store_box_said {
	enum store_result result; /* not OK: the rest says nothing */
	enum store_box_code code;
	uint64_t version;                  /* of the box */
	uint32_t counts[STORE_BOX_COUNTS]; /* new, urgent, old, old and urgent, deleted */
};
/* Each message of the answer, before done. */
typedef void store_box_row_fn(const struct store_box_row *row, void *arg);
typedef void store_box_fn(const struct store_box_said *said, void *arg);
void store_box_ask(struct store_shared *s, const struct store_box *of, store_box_row_fn *each,
		   store_box_fn *done, void *arg);
/* That the tenant has that box: it is among those that are deleted with it. */
void store_box_note(struct store_shared *s, struct bytes tenant, struct bytes box);
/* All keys of all boxes of a tenant. */
void store_boxes_clear(struct store_shared *s, struct bytes tenant);

/* What is to be done about messages, once and by one node: an event, a mail, a call (cluster/lua/task.lua). */
enum { STORE_TASKS_MAX = 32, STORE_TASK_HELD_MS = 10000 };
enum store_task_act {
	STORE_TASK_ADD,  /* to be done then, or before */
	STORE_TASK_NOW,  /* likewise; whoever adds it holds it, unless somebody does */
	STORE_TASK_HOLD, /* again for so long; it is held no longer where it is not in the answer */
	STORE_TASK_TAKE, /* what is due, STORE_TASKS_MAX at most: held by who */
	STORE_TASK_DONE, /* again then; due_utc_ms 0: never, unless somebody has added it meanwhile */
};
struct store_task {
	enum store_task_act act;
	struct bytes who, what; /* who: the same for nobody else */
	uint64_t due_utc_ms;
};
/* held: what is held by who from now on. NULL: nobody waits. */
typedef void store_task_fn(enum store_result result, const struct bytes *held, size_t count,
			   void *arg);
void store_task(struct store_shared *s, const struct store_task *of, store_task_fn *done,
		void *arg);

/* A document: JSON text by tenant, kind and name. Its version is the generation of the tenant that it came with. */
struct store_document {
	struct bytes tenant;
	const char *kind;
	struct bytes name;
	uint64_t version;
	struct bytes json;
};
/* What a change was made of: what Redis has must still be that, else done: STORE_CONFLICT, version: the generation there. One that is
 * lower than the known one is of a Redis that has lost documents. */
struct store_known {
	uint64_t version;    /* of the document; 0: there was none */
	uint64_t generation; /* of the tenant */
	bool exact;          /* nothing else of the tenant may have changed either */
};
/* Done: version: the generation from then on; 0: there was nothing to delete. The log tells all nodes (cluster/document/log.h). */
void store_document_put(struct store_shared *s, const struct store_document *d,
			const struct store_known *known, store_done_fn *done, void *arg);
void store_document_delete(struct store_shared *s, const struct store_document *d,
			   const struct store_known *known, store_done_fn *done, void *arg);
/* Puts one where there is none of this version or a later one; by an empty name the generation alone, which is that version at least
 * from then on. history: that of a Redis that has none. Done: version 1: it was put. */
void store_document_restore(struct store_shared *s, const struct store_document *d,
			    struct bytes history, store_done_fn *done, void *arg);
/* Whether there is anything of a tenant of that name: documents that it had, events of its calls, recordings. */
typedef void store_left_fn(enum store_result result, bool there, void *arg);
void store_tenant_left(struct store_shared *s, struct bytes tenant, store_left_fn *told, void *arg);

/* Documents that change together: entries of a set, which are written and read in pieces, under the key of a version of it (NAME:VERSION). */
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
/* A tenant beside that of the set: the generation that is known, and how many changes the set has of it. */
struct store_set_tenant {
	struct bytes name;
	uint64_t generation, count;
};
struct store_set_begin {
	struct store_set set;
	struct store_document document; /* of the set */
	struct store_known known;
	uint64_t count; /* changes of its tenant, which come behind the document */
	const struct store_set_tenant *others;
	size_t other_count;
};
/* The set counts from then on, if nothing of these tenants has changed and no other one is being moved. As store_document_put; REFUSED: it is
 * not staged any more. */
void store_set_begin(struct store_shared *s, const struct store_set_begin *b, store_done_fn *done,
		     void *arg);
/* All of it was moved. The entries of before go. version 0: another node has said so. */
void store_set_end(struct store_shared *s, const struct store_document *d, uint64_t version,
		   const struct store_set *before, store_done_fn *done, void *arg);
/* Documents of one tenant and kind: entries of the set from `moved` on. Each text is put or, empty, deleted. Done: version: entries that were
 * moved. */
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
	struct bytes json; /* empty: there is none, or it is longer than any document */
};
typedef void store_found_fn(const struct store_found *found, void *arg);
void store_document_read(struct store_shared *s, struct bytes tenant, const char *kind,
			 struct bytes name, store_found_fn *found, void *arg);
/* The versions of all documents of a kind, before done. */
typedef void store_version_fn(struct bytes name, uint64_t version, void *arg);
void store_document_versions(struct store_shared *s, struct bytes tenant, const char *kind,
			     store_version_fn *each, store_done_fn *done, void *arg);

/* What Redis says of all documents. */
enum { STORE_HISTORY_MAX = 33, STORE_LOOK_MAX = 128 };
struct store_look {
	enum store_result result;
	struct bytes
		history; /* made with the first document; another one: documents were lost in between; empty: there is none */
	struct bytes newest; /* id of an entry of the log; empty: there is none */
	const struct redisReply *reply;
};
/* Of the i-th tenant that was asked for; 0: Redis knows of no change. */
uint64_t store_look_generation(const struct store_look *look, size_t i);
typedef void store_look_fn(const struct store_look *look, void *arg);
/* n: at most STORE_LOOK_MAX tenants. history: begins where there is none; empty: none does. */
void store_documents_look(struct store_shared *s, const struct bytes *tenants, size_t n,
			  struct bytes history, store_look_fn *looked, void *arg);

/* Events: within the stream's trimmed length (MAXLEN ~ 100000). text: a JSON object. application: one of the tenant's, which has a stream of its
 * own (~ 10000); empty: none. It is sent before what is saved after it, and again until Redis has it: at least once, and in order. 16 MiB wait while
 * Redis is away; of what has no room then the stream says how many, as an event of the type events.lost. */
void store_event(struct store_shared *s, struct bytes tenant, struct bytes application,
		 struct bytes text);

/* The audit of a tenant, likewise (~ 10000); of commands about calls there is a stream of its own. */
void store_audit(struct store_shared *s, struct bytes tenant, bool of_calls, struct bytes text);
enum { STORE_AUDIT_KEY_MAX = 64 };
const char *store_audit_key(char out[STORE_AUDIT_KEY_MAX], struct bytes tenant, bool of_calls);

/* Security events of all nodes, with this one's name: best effort within the stream's trimmed length (MAXLEN ~ 10000). */
void store_security(struct store_shared *s, const struct store_field *fields, size_t n);

/* Start-up: hands every record to a function (calls: key is the id's 13 characters; registrations: TENANT:USER). The receiver returns 0, or -errno with a reason it logged: the record is then
 * renamed to td:broken:... and counted, and loading goes on. done() after the last one (STORE_OK; version: how many were
 * taken) or when Redis fails, or a record is of a later program (each returned -EPROTONOSUPPORT; STORE_REFUSED, and
 * nothing happens to it). A record carries its own version inside, where its owner needs it. */
typedef int store_record_fn(struct bytes key, struct bytes record, void *arg);
void store_load_calls(struct store_shard *s, store_record_fn *each, store_done_fn *done, void *arg);
/* What the calls of a shard are like that another node has: a record may come twice, and some not at all. Broken ones are left out, and
 * nothing happens to them. done: version: how many came. */
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
