/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents: what is put and deleted by commands – extensions, codec profiles, ranges of addresses. Each is a JSON text in Redis and a value in the
 * node. A change is saved first and applied when Redis has it. Changes happen one at a time, in the order in which they came, since
 * each is made of what was there before. Control thread.
 */
#ifndef APP_DOCUMENT_DOCUMENT_H
#define APP_DOCUMENT_DOCUMENT_H

#include <jansson.h>

#include "app/document/directory.h"
#include "app/document/references.h"
#include "app/schema/field.h"
#include "base/bytes.h"
#include "cluster/document/shelf.h"
#include "sig/host/tenant.h"

struct command_run;
struct form;
struct node;
struct rand_source;
struct seal_key;

/* What is NULL follows from the form. */
struct document_kind {
	const char *name;     /* td:{t:TENANT}:doc:NAME */
	const char *argument; /* of the commands, and member of the document: which one is meant */
	const char *several;  /* how many of them are called */
	uint32_t places;      /* of all tenants on a node; 0: limits.registrations */
	uint32_t share;       /* of one tenant without a quota of its own; 0: tenants_share alone */
	const char *quota;    /* member of the tenant's document that says otherwise; NULL: none */
	enum tenant_item item; /* by which the core knows that quota */
	size_t size;           /* of a value; it is wiped after use: it may hold secrets */
	const struct form *form;
	const struct command_arg
		*fields; /* of one without a form that names others (field.refers) */
	bool program;    /* it is a flow, which names others in its steps */
	bool passing;    /* it ends by itself: what it names may go */
	/* The value as the command's arguments make it of the one before, zeroed at first. False: the run has failed. */
	bool (*make)(struct command_run *run, void *value);
	/* The one the command means, if it may go. False: the run has failed. */
	bool (*aim)(struct command_run *run, char name[DOCUMENT_NAME_MAX]);
	/* Whether what was made may be put. False: the run has failed. NULL: it may. */
	bool (*check)(struct command_run *run, const void *value);
	/* Whether who asks may make, restore, change or delete one that is so. False: the run has failed. NULL: whoever may give the command. */
	bool (*may)(struct command_run *run, const void *value);
	void (*name_of)(const void *value, char name[DOCUMENT_NAME_MAX]);
	size_t name_at; /* else, without a form: where the name stands in a value */
	const char *
		seal; /* label of the key that its secrets are sealed by; NULL: that of extensions */
	json_t *(*write)(const void *value, const struct seal_key *key, struct rand_source *rand);
	json_t *(*show)(const struct node *node, uint16_t tenant,
			const void *value); /* without secrets */
	/* 0 or -EBADMSG */
	int (*read)(void *value, struct bytes json, const struct seal_key *key,
		    const char **reason);
	/* From now on it counts: adds or replaces. The tenant is there. 0, -ENOSPC or -ENOMEM. */
	int (*apply)(struct node *node, uint16_t tenant, const void *value);
	void (*forget)(struct node *node, uint16_t tenant, const char *name);
	/* Here, by command: what else belongs to it in Redis goes. NULL: nothing does. */
	void (*deleted)(struct node *node, const char *name);
	/* Here, by command: it counts, and run->changes says what is new; view: what is shown. NULL: nobody hears of it. */
	void (*saved)(struct command_run *run, const void *value, json_t *view);
	/* A quota of those alone that have this member, and not as "off"; NULL: there is no such quota. Who makes one looks at it, but for sets. */
	const char *seat, *seat_quota;
	enum tenant_item seat_item;
	bool of_operators; /* it belongs to no tenant: it is DIRECTORY_OPERATORS' */
	bool exact;        /* what may be put depends on the tenant's other documents */
	/* Adds a sentence for each thing that is hardly meant so, beside what it names and what is not there. NULL: there is none. */
	void (*warn)(const struct node *node, uint16_t tenant, const void *value, json_t *out);
};

/* Of one that has a form: what is given of its fields, if all go together. False: the run has failed. */
bool document_read_args(struct command_run *run, const struct document_kind *kind, void *value);

/* The value that the command puts, by `make` or the form. False: the run has failed. */
bool document_make(struct command_run *run, const struct document_kind *kind, void *value);
/* Likewise, by the form, of what there is of that name. */
bool document_form_make(struct command_run *run, const struct document_kind *kind, void *value);
/* There is one of that name, or the tenant may have one more. False: the run has failed. */
bool document_fits(struct command_run *run, const struct document_kind *kind, struct bytes name);
/* How many a node has room for, of all tenants. */
uint32_t document_places(const struct node *node, const struct document_kind *kind);
/* How many of them the tenant may have, while others have what they have (tenants_share): the same on all nodes that know the same. */
uint32_t document_most(const struct node *node, const char *tenant,
		       const struct document_kind *kind);
/* Who has so many, and wants one more, is told what to do. */
enum { DOCUMENT_FULL_MAX = 256 };
void document_full_words(char out[DOCUMENT_FULL_MAX], const struct node *node, const char *tenant,
			 const struct document_kind *kind);
/* Its own tenant's name, or DIRECTORY_OPERATORS. */
struct bytes document_owner(const char *tenant, const struct document_kind *kind);
/* There is one of that name, or will be: what a set is to put counts as put, and what it is to delete as gone, while that is checked. */
bool document_named(const struct node *node, struct bytes tenant, const char *kind,
		    struct bytes name);
/* The name by which documents.naming knows one, in out. */
enum { DOCUMENT_NAMING_MAX = COMMAND_TENANT_MAX + 2 * DOCUMENT_NAME_MAX };
const char *document_naming(char out[DOCUMENT_NAMING_MAX], struct bytes tenant, struct bytes kind,
			    struct bytes name);

/* What a command would put, which is not put. */
struct document_proposal {
	char name[DOCUMENT_NAME_MAX];
	bool is_new, same;
	char *text;       /* malloc'ed, may hold secrets; NULL: it is the same */
	json_t *differs;  /* {field: [before, after]}; NULL: it is new, or the same */
	json_t *warnings; /* of a reference to what is not there, and others: never NULL */
};
/* False: the run has failed. Else the run goes on. */
bool document_propose(struct command_run *run, const struct document_kind *kind,
		      struct document_proposal *out);
/* Whether the one of that name, as it is, and what it was once (that text) may be put by the run's command again. False: the run has failed. */
bool document_restores(struct command_run *run, const struct document_kind *kind, struct bytes name,
		       struct bytes text);
/* The name of the one that the command deletes, if it may go. False: the run has failed. */
bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX]);
/* NULL: there is none of that name. */
const struct document_kind *document_kind_find(struct bytes name);
/* Ends the run: there is none of the name that the command has. False. */
bool document_missing(struct command_run *run, const struct document_kind *kind);

struct document_change;

/* The documents beside Redis: document_keep.c. */
struct document_keep {
	struct shelf shelf;
	bool loaded; /* what Redis had at the start */
	bool restoring, failed;
	bool broken; /* the snapshot that was wanted could not be read */
	json_t *unplaced; /* {tenant/kind/name: true} of those that Redis has, and this node has no place for */
	uint32_t cursor, gone_cursor, in_flight, restored;
	uint32_t generation;            /* tenants whose documents are back */
	uint64_t written;               /* shelf.changes of the file on disk */
	uint64_t write_ns;              /* not before; 0: when something has changed */
	struct snapshot_write *writing; /* NULL: no file is being written */
};

/* The texts of programs of flows in Redis, of which one after the other is touched (command_flows_beat). */
struct document_programs {
	uint32_t cursor;
	uint64_t next_ns; /* the next round; 0: at once */
	bool asked;       /* of this one: */
	char tenant[SNAPSHOT_NAME_MAX + 1], name[DOCUMENT_NAME_MAX];
};

/* A prompt that somebody says at a phone: his call, and what its recording becomes. */
struct document_said {
	uint64_t call; /* 0: none */
	char tenant[COMMAND_TENANT_MAX], name[DOCUMENT_NAME_MAX], language[LANGUAGE_MAX];
};
enum { DOCUMENT_SAID_MAX = 16 };

/* Changes that wait for Redis, or for those before them. */
struct documents {
	struct document_change *first, *last;
	bool parked; /* the first one was made of what is not there any more: it is made again when */
	uint64_t parked_for;                 /* that generation is known */
	uint64_t parked_ns;                  /* and is given up then */
	const struct document_kind *loading; /* at start, */
	const char *loading_of;              /* of that tenant */
	struct document_keep keep;
	struct document_programs programs;
	struct references references;
	json_t *naming; /* {tenant/kind/name: it is put, or deleted} of the set that is checked; NULL: none is */
	struct document_said said[DOCUMENT_SAID_MAX]; /* the oldest one makes room */
	uint32_t said_next;
	struct directory directory;
};

/* The number of the tenant that the run is about. */
uint16_t document_tenant(const struct command_run *run);
/* Ends the run: Redis has not written what it was about. */
void document_fail_store(struct command_run *run, enum store_result result);
/* Commands of the kind that run->command names. Puts it: ends the run with what is shown of it. */
void document_put(struct command_run *run);
/* Ends the run with {argument: name}. */
void document_delete(struct command_run *run);
/* A document as another Redis had it, sealed secrets and all: whether this node can read it, and its name. False: the run has failed. */
bool document_check_stored(struct command_run *run, const struct document_kind *kind,
			   const json_t *document, char name[DOCUMENT_NAME_MAX]);
/* Puts the one that the argument `document` has, for run->tenant; ends the run. */
void document_put_stored(struct command_run *run, const struct document_kind *kind,
			 const char name[DOCUMENT_NAME_MAX]);
/* At start: 0, or -EBADMSG for a document that cannot be read, -EPROTONOSUPPORT for one of a later program. */
int document_load(struct node *node, const struct snapshot_document *d);
/* Redis has it, whoever put it there; an empty text: it is deleted. From now on that counts. 0; or what stands in its way, logged:
 * -EBADMSG, -EPROTONOSUPPORT (what was known goes on), -ENOSPC, -ENOMEM. */
int document_accept(struct node *node, const struct snapshot_document *d);
/* Perhaps a parked change may be made again. */
void document_resume(struct node *node);
/* Time passes: or is given up. */
void document_beat(struct node *node, uint64_t now_ns);
/* For kinds of a tenant of which commands need no more than the texts. As Redis has it, of that name. False: there is
 * none that can be read. */
bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value);
/* What is shown of one of the kind that run->command names. NULL: there is none. */
json_t *document_view_stored(const struct command_run *run, struct bytes name);
/* Of the document that a command of its kind is about, but for those that change it; 0: it is about none. */
uint64_t document_version(const struct command_run *run);
/* Command as document_put: what is shown of one. */
void document_show(struct command_run *run);
/* All kinds in the order in which a start loads them. NULL-terminated. */
extern const struct document_kind *const g_document_kinds[];

#endif
