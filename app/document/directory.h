/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's view of all documents, the same on all nodes of one Redis. Changes of other nodes come
 * by the log, within a moment. What the log cannot tell is found by comparing: every 10 s, and with
 * each new link. Redis is right, unless it has lost documents: those are put back. Every change
 * takes effect by document_accept. Control thread.
 */
#ifndef APP_DOCUMENT_DIRECTORY_H
#define APP_DOCUMENT_DIRECTORY_H

#include <stdint.h>

#include "app/document/extensions.h"
#include "cluster/document/log.h"
#include "cluster/document/mirror.h"
#include "cluster/store/store.h"

struct node;
struct directory_sync;

/* In place of a tenant: what belongs to none. */
#define DIRECTORY_OPERATORS "_operator"

struct directory_tenant {
	char name[SNAPSHOT_NAME_MAX + 1];
	struct seen seen;
	uint64_t expected; /* a generation that Redis has: the log will tell */
	bool lost;         /* Redis lacks documents of it */
	bool differs;      /* what Redis has is to be compared with what is known */
};

struct directory {
	struct document_log *log;
	char history[STORE_HISTORY_MAX]; /* of the Redis that all is known from */
	struct directory_tenant *tenants;
	uint32_t tenant_count;
	bool looking;
	uint32_t looked;    /* tenants that were asked for, of a look */
	char newest[48];    /* entry of the log, before all was loaded */
	uint64_t look_ns;   /* the next look */
	uint64_t expect_ns; /* how long the log has time to tell; UINT64_MAX: nothing is expected */
	uint64_t sync_ns;   /* nothing is compared before: the last time failed */
	struct directory_sync *sync; /* under way; NULL: none is */
};

void directory_setup(void); /* registers the metrics; main thread, once */
/* The tenant of that name, or NULL. Valid until one is added. */
struct directory_tenant *directory_tenant(const struct directory *d, struct bytes name);
/* Finds or adds. NULL: out of memory. */
struct directory_tenant *directory_tenant_add(struct directory *d, struct bytes name);

/* At start: asks Redis for its history, and for each tenant's generation, which all that is loaded
 * later reaches. Exit status. */
int directory_look_at_start(struct node *n, uint32_t from); /* from: those before are known */
/* store_shared_settings.tenant; arg is the node. */
const char *directory_name(uint32_t i, void *arg);
/* All is loaded: follows the log from where it was then. Exit status. */
int directory_follow(struct node *n);
/* Hears nothing more. */
void directory_stop(struct node *n);
void directory_close(struct node *n);

/* A tenant is there: its documents are read, and followed. */
void directory_add(struct node *n, const char *tenant);
/* A change in Redis, of any node: takes effect if it is newer. Returns as document_accept. */
int directory_change(struct node *n, const struct snapshot_document *d);
/* One of ours is in Redis. */
void directory_made(struct node *n, struct bytes tenant, uint64_t version);
/* Redis refused one of our changes: its base has changed. known: the generation of its base;
 * generation: the present one. It is made again when directory_is_current. */
void directory_refused(struct node *n, struct bytes tenant, uint64_t known, uint64_t generation);
/* All up to that generation is known, and nothing is being compared or put back. */
bool directory_is_current(const struct node *n, struct bytes tenant, uint64_t generation);

/* Looks at Redis, which is back. */
void directory_look(struct node *n);
/* Twice a second. */
void directory_beat(struct node *n, uint64_t now_ns);
void directory_flush(struct node *n);
void directory_expire(struct node *n, uint64_t now_ns);
uint64_t directory_next_ns(const struct node *n);

/* What was lost was put back, or could not be. */
void directory_restored(struct node *n, bool ok);

/* What a node has for a tenant besides documents: realm, profiles and ranges. Control thread. */

struct node;

/* By number; NULL: a tenant has the profile default alone, as it is without a document. */
struct tenancy {
	struct profiles *profiles[TENANTS_MAX];
	struct profiles none;
};

/* 0 or -ENOMEM. */
int tenancy_open(struct node *n) NODISCARD;
void tenancy_close(struct node *n);
/* Of an existing tenant; "": it has no realm. */
const char *document_realm(const struct node *n, uint16_t tenant);
/* Never NULL. */
const struct profiles *document_profiles(const struct node *n, uint16_t tenant);
/* To be changed. NULL: there is no such tenant, or no memory. */
struct profiles *document_profiles_own(struct node *n, uint16_t tenant);
/* The tenant is gone: the next tenant with its number does not inherit them. */
void document_profiles_delete(struct node *n, uint16_t tenant);

#endif
