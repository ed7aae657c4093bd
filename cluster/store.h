/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a successor needs, kept in Redis: owned records (calls) of one shard under its lease, shared entries
 * (registrations), documents (extensions), the CDR and event streams. Control thread only; every call returns at once
 * and answers through done(), also when Redis is away. The store moves opaque bytes: it knows no call and no flow.
 *
 * Keys (docs/keys.md): td:{s17}:lease  td:{s17}:calls (set)  td:{s17}:call:ID  td:{s17}:cdr (stream)
 * td:{aor:TENANT:USER}:reg  td:aors (set)  td:{t:TENANT}:doc:KIND (hash)  td:{ev:TENANT} (stream)
 * td:security (stream)
 * td:broken:<key> (records set aside)
 */
#ifndef CLUSTER_STORE_H
#define CLUSTER_STORE_H

#include "cluster/identity.h"
#include "cluster/redis.h"

struct store;

enum { STORE_KINDS_MAX = 8 };

enum store_result {
	STORE_OK,
	STORE_FENCED,   /* another owner holds a higher epoch: the shard must stop speaking */
	STORE_CONFLICT, /* shared entry or document: the version is not the expected one */
	STORE_UNKNOWN, /* no answer within the deadline or the link broke: it may or may not have happened */
	STORE_REFUSED, /* Redis answered with an error; logged */
};

typedef void store_done_fn(enum store_result result, uint64_t key, uint64_t version, void *arg);

struct store_settings {
	uint16_t shard; /* 1..65535 */
	char node[64];  /* name of this node, unique in the cluster */
	struct identity identity;
	uint64_t incarnation; /* random, new with each start */
	uint64_t deadline_ns; /* per command; default 50 ms: after this done(STORE_UNKNOWN) */
	uint64_t lease_ns;    /* lease length, renewed at a third of it */
	char spool_dir[256];  /* CDRs wait here, fsynced, while Redis is away; made if not there */
	const char *tenant;   /* whose documents, events and commands there are; NULL: nobody's */
	const char *kinds[STORE_KINDS_MAX]; /* of documents; NULL: no more */
	bool peers; /* other nodes may claim this shard: it may speak only while the lease is valid */
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
bool store_was_late(const struct store *s);

int store_open(struct store **out, struct redis *redis, const struct store_settings *settings,
	       store_health_fn *health, void *arg) NODISCARD;
/* Before redis_close. What is in flight is answered with STORE_UNKNOWN, CDRs go to the spool first. */
void store_close(struct store *s);
bool store_is_healthy(const struct store *s);
/* Another owner was seen: nothing may be said for this shard any more. */
bool store_is_fenced(const struct store *s);
uint64_t store_epoch(const struct store *s);

/* Sets aside what has another type than we need, under any key that is not a record of its own. Before the lease is taken; later
 * the store looks by itself when Redis refuses something. Done: version: how many. */
void store_keys_check(struct store *s, store_done_fn *done, void *arg);
/* Records of calls, or all of them at once, that were set aside. */
uint32_t store_calls_aside(const struct store *s);
/* The calls of records that store_load_calls has set aside; they are the store's. How many: STORE_UNREADABLE_MAX at most. */
enum { STORE_UNREADABLE_MAX = 65536 };
uint32_t store_calls_unreadable(const struct store *s, const uint64_t **calls);
/* A record that a later program wrote, which is why a load was refused: it stays where it is. NULL: none. */
const char *store_too_new(const struct store *s);

/* Takes the lease; done: STORE_OK, STORE_CONFLICT (held elsewhere and not expired: store_holder says by whom). A lease of the
 * same place is taken over at once: the caller holds the state directory's lock, so the old process is gone. */
void store_acquire(struct store *s, store_done_fn *done, void *arg);

/* Who held the lease when it was last refused to us. */
struct store_holder {
	char node[64];
	char where[IDENTITY_WHERE_MAX];
	bool copy;        /* its directory has the id of ours: one is a copy of the other */
	uint64_t left_ms; /* until it expires; more than before: its holder is alive */
};
const struct store_holder *store_holder(const struct store *s);

/* Writes the record of a call and its index entry under the lease epoch, in one script. The newest version of a call wins:
 * an older one that arrives late changes nothing. key = call id. */
void store_call_save(struct store *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg);
/* Removes record and index entry and appends the CDR (id = call id; a second end of the same call appends nothing), in one
 * script. A field "id" among them begins a further CDR, with that id: all of them, or none. While Redis is away the CDR goes to the spool, then done(STORE_OK); it is sent later, exactly once. */
void store_call_end(struct store *s, uint64_t call, const struct store_field *cdr, size_t fields,
		    store_done_fn *done, void *arg);

/* Answered while Redis is away: should this process be killed before the call is saved or has ended, the next start makes this its
 * CDR. At once; the disk follows within the moment. */
void store_call_open(struct store *s, uint64_t call, const struct store_field *cdr, size_t n);
/* Tells each of these calls (at most STORE_CALLS_CHECKED) that Redis has no record of, though it was saved: somebody deleted it. */
enum { STORE_CALLS_CHECKED = 64 };
typedef void store_missing_fn(uint64_t call, void *arg);
void store_calls_check(struct store *s, const uint64_t *calls, size_t n, store_missing_fn *missing,
		       void *arg);

/* Registrations: version compare-and-set per address of record. expected 0: must not exist. ttl_ms 0: delete. */
void store_binding_save(struct store *s, struct bytes tenant, struct bytes user, uint64_t expected,
			uint64_t version, struct bytes record, uint64_t ttl_ms, store_done_fn *done,
			void *arg);

/* Documents: JSON text by kind and name; versioned. */
void store_document_put(struct store *s, struct bytes tenant, const char *kind, struct bytes name,
			struct bytes json, store_done_fn *done, void *arg);
void store_document_delete(struct store *s, struct bytes tenant, const char *kind,
			   struct bytes name, store_done_fn *done, void *arg);

/* Puts one where there is none of this version or a later one; by an empty name the generation alone, which is that version at least
 * from then on. Done: version 1: it was put. */
void store_document_restore(struct store *s, struct bytes tenant, const char *kind,
			    struct bytes name, uint64_t version, struct bytes json,
			    store_done_fn *done, void *arg);
/* Done: version: that of the newest change; 0: Redis knows of none. */
void store_document_generation(struct store *s, struct bytes tenant, store_done_fn *done,
			       void *arg);

/* Events: best effort within the stream's trimmed length (MAXLEN ~ 100000). application: one of the tenant's, which has a stream of its own (~ 10000);
 * empty: none. */
void store_event(struct store *s, struct bytes tenant, struct bytes application,
		 const struct store_field *fields, size_t n);

/* Security events of all nodes, with this one's name: best effort within the stream's trimmed length (MAXLEN ~ 10000). */
void store_security(struct store *s, const struct store_field *fields, size_t n);

/* Start-up: hands every record to a function (calls: key is the id's 13 characters; registrations: TENANT:USER). The receiver returns 0, or -errno with a reason it logged: the record is then
 * renamed to td:broken:... and counted, and loading goes on. done() after the last one (STORE_OK; version: how many were
 * taken) or when Redis fails, or a record is of a later program (each returned -EPROTONOSUPPORT; STORE_REFUSED, and
 * nothing happens to it). A record carries its own version inside, where its owner needs it. */
typedef int store_record_fn(struct bytes key, struct bytes record, void *arg);
void store_load_calls(struct store *s, store_record_fn *each, store_done_fn *done, void *arg);
void store_load_bindings(struct store *s, store_record_fn *each, store_done_fn *done, void *arg);
/* key: the document's name; record: its JSON. */
void store_load_documents(struct store *s, struct bytes tenant, const char *kind,
			  store_record_fn *each, store_done_fn *done, void *arg);

#endif
