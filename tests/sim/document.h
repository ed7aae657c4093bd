/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of extensions in small: what a feature code sets there outlives the node, and is told when the store has it. */
#ifndef TESTS_SIM_DOCUMENT_H
#define TESTS_SIM_DOCUMENT_H

#include "tests/sim/node.h"

struct sim;
struct node;
struct phone_call;

enum { DOCUMENT_CHANGES_MAX = 64 };

/* What an operator does with an extension. */
enum document_what {
	DOCUMENT_FORWARDED,     /* always, or no more */
	DOCUMENT_NOT_DISTURBED, /* or it is again */
	DOCUMENT_DISABLED,
	DOCUMENT_DELETED,
	DOCUMENT_BACK, /* neither of the last two */
	DOCUMENT_WATCHES_NOT,
	DOCUMENT_PASSWORD, /* another one, which its phones do not know */
	DOCUMENT_ROUTE,    /* of its tenant, to outside: there is none any more */
	DOCUMENT_TENANT,   /* is disabled, or is not any more */
	DOCUMENT_PROFILE,  /* of its tenant: one codec is left, or all are there again */
	DOCUMENT_WHATS
};

struct document_change {
	uint64_t call, serial;
	enum feature_action feature;
	uint32_t extension, incarnation; /* of the node that asked */
	char number[FEATURE_VALUE_MAX];
};

struct document_changes {
	uint64_t generation, version[NODE_EXTENSIONS]; /* version: of an extension, its last one */
	uint64_t changed_ns[NODE_EXTENSIONS];
	bool absent[NODE_EXTENSIONS], disabled[NODE_EXTENSIONS], watches_not[NODE_EXTENSIONS];
	bool secret[NODE_EXTENSIONS]; /* its phones do not know the password any more */
	uint64_t closed_ns;           /* since then no route leads outside; 0: it does */
	uint64_t shut_ns;             /* since then the tenant is disabled; 0: it is not */
	uint64_t opened_ns;           /* ... until then */
	uint64_t narrow_ns;           /* since then its profile has one codec; 0: it has all */
	struct document_change list[DOCUMENT_CHANGES_MAX]; /* the newest ones */
	uint32_t count;
	enum {
		DOCUMENTS_KEPT,
		DOCUMENTS_FAIL,
		DOCUMENTS_SILENT
	} way; /* SILENT: nobody hears of it */
};

/* EFFECT_SET. */
void document_set(struct node *n, const struct effect *e);
/* ---- document_log.c ---- */
void document_change(struct sim *s, uint32_t extension, enum document_what what);
/* It has changed: all hear of it, but who did it. by: NULL: an operator */
void document_changed(struct sim *s, uint32_t extension, const struct node *by);
/* It is deleted, or some node may not know yet that it is no more. */
bool document_is_unknown(const struct sim *s, uint32_t extension);
/* Its phones cannot register. */
bool document_shuts_out(const struct sim *s, uint32_t extension);
/* A call that the phone began then is to be refused: its extension is none, may not call, or cannot say who it is. */
bool document_refuses(const struct sim *s, const struct phone_call *c);
/* A node that was away compares. */
void document_catch_up(struct node *n);

/* ---- document_tenant.c: those of the phones' tenant ---- */
void document_tenant_switch(struct sim *s);
void document_profile_switch(struct sim *s);
/* A shard that starts reads it. */
void document_profile_put(struct shard *core, const struct node *n);
/* The tenant was disabled when the phone began that call, and is. */
bool document_shuts(const struct sim *s, const struct phone_call *c);
/* It was the phone's, who began that call: it may have the one codec alone. */
bool document_narrows(const struct sim *s, const struct phone_call *c);

/* A node that starts reads that of an extension. */
void document_begin(struct node *n);
/* What it says counts for a shard from now on: one that is there, or that comes back to its process, where it is the same core once more. */
void document_put_first(struct shard *core, const struct node *n, uint32_t extension);
/* What has changed in it counts for the node from now on. */
void document_tell(struct node *n, uint32_t extension);

#endif
