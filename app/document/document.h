/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents: objects that commands put and delete, such as extensions, codec profiles, ranges of
 * addresses. Each is a JSON text in Redis and a value in the node. A change is saved first and
 * applied when Redis has it. Changes are made one at a time, in order, since each is based on the
 * one before. Control thread.
 */
#ifndef APP_DOCUMENT_DOCUMENT_H
#define APP_DOCUMENT_DOCUMENT_H

#include <jansson.h>

#include "app/document/directory.h"
#include "app/document/references.h"
#include "app/schema/field.h"
#include "base/bytes.h"
#include "cluster/document/mirror.h"
#include "sig/host/tenant.h"

struct command_run;
struct form;
struct node;
struct rand_source;
struct seal_key;

/* A quota for values with this member. word NULL: where it is neither "off" nor "default"; else
 * where it has that word. member NULL: others count them. */
struct document_seat {
	const char *member, *word, *quota;
	enum tenant_item item;
};

/* What is NULL follows from the form. */
struct document_kind {
	const char *name;     /* td:{t:TENANT}:doc:NAME */
	const char *argument; /* of commands, and member of the document: its name */
	const char *several;  /* their plural in texts */
	/* Carried out by flows that are made of them: in front of its name in the name of that, and
	 * where a number leads to it ("group:"). NULL: no flow is. */
	const char *word;
	struct flow_program *(*flow)(const void *value); /* with word; NULL: no memory */
	uint32_t places;   /* of all tenants on a node; 0: limits.registrations */
	uint32_t share;    /* of one tenant without a quota of its own; 0: tenants_share alone */
	const char *quota; /* member of the tenant's document that says otherwise; NULL: none */
	enum tenant_item item; /* by which the core knows that quota */
	size_t size;           /* of a value; it is wiped after use: it may hold secrets */
	const struct form *form;
	const struct command_arg
		*fields; /* of one without a form that names others (field.refers) */
	bool program;    /* it is a flow, which names others in its steps */
	bool passing;    /* it ends by itself: what it names may go */
	/* Makes the value from the command's arguments and the former value, zeroed at first.
	 * False: the run failed. */
	bool (*make)(struct command_run *run, void *value);
	/* Name of the command's document, if it may be deleted. False: the run has failed. */
	bool (*aim)(struct command_run *run, char name[DOCUMENT_NAME_MAX]);
	/* Whether what was made, or is put again as it was, may be put. False: the run has failed.
	 * NULL: it may. */
	bool (*check)(struct command_run *run, const void *value);
	/* Whether the principal may make, restore, change or delete such a value. False: the run
	 * has failed. NULL: every one that may give the command. */
	bool (*may)(struct command_run *run, const void *value);
	/* The member that is the number of the user who may see and change it, too; NULL: none. */
	const char *owner;
	void (*name_of)(const void *value, char name[DOCUMENT_NAME_MAX]);
	size_t name_at; /* else, without a form: where the name stands in a value */
	/* Label of the key that seals its secrets; NULL: that of extensions. */
	const char *seal;
	json_t *(*write)(const void *value, const struct seal_key *key, struct rand_source *rand);
	json_t *(*show)(const struct node *node, uint16_t tenant,
			const void *value); /* without secrets */
	/* 0 or -EBADMSG */
	int (*read)(void *value, struct bytes json, const struct seal_key *key,
		    const char **reason);
	/* Puts it into effect: adds or replaces. The tenant exists. 0, -ENOSPC or -ENOMEM. */
	int (*apply)(struct node *node, uint16_t tenant, const void *value);
	void (*forget)(struct node *node, uint16_t tenant, const char *name);
	/* On the node of the command: deletes what else of it is in Redis. run: the command, or
	 * NULL: a set has. NULL: nothing. */
	void (*deleted)(struct node *node, const char *name, const struct command_run *run);
	/* On the node of the command: it is in effect, and run->changes has the differences; view:
	 * its public form. NULL: no event. */
	void (*saved)(struct command_run *run, const void *value, json_t *view);
	/* Seats that its values take, ends with quota NULL; NULL: none. Checked by `make` or
	 * `check`, except in sets (document_seat_is_left). */
	const struct document_seat *seats;
	bool of_operators; /* it belongs to no tenant: it is DIRECTORY_OPERATORS' */
	uint8_t rank; /* those of a lower one are loaded first; of one, in the order of features */
	/* In a set it is put before those, which name it, and deleted behind them, although it is
	 * loaded later. NULL: in the order of loading. */
	const struct document_kind *before;
	bool exact; /* what may be put depends on the tenant's other documents */
	/* Adds a sentence for each thing that is hardly meant so, besides missing references.
	 * NULL: none. */
	void (*warn)(const struct node *node, uint16_t tenant, const void *value, json_t *out);
};

/* Reads the given fields of a form, if all go together. False: the run has failed. */
bool document_read_args(struct command_run *run, const struct document_kind *kind, void *value);

/* The value that the command puts, by `make` or the form. False: the run has failed. */
bool document_make(struct command_run *run, const struct document_kind *kind, void *value);
/* Likewise, by the form, from the present document of that name. */
bool document_form_make(struct command_run *run, const struct document_kind *kind, void *value);
/* It exists, or the tenant may have one more. False: the run has failed. */
bool document_fits(struct command_run *run, const struct document_kind *kind, struct bytes name);
/* It needs no seat, had one before, or the tenant has one left; in a set all are counted together
 * (set_job_fit). False: the run has failed. */
bool document_seat_is_left(struct command_run *run, const struct document_seat *seat, bool had,
			   bool needs);
/* The member of a document takes it; NULL: absent. */
bool document_seat_is_on(const struct document_seat *seat, const json_t *value);
/* A value is put into effect: its seat is taken or given back. */
void document_seat_hold(const struct node *node, uint16_t tenant, enum tenant_item item, bool had,
			bool has);
/* Places of a node for all tenants. */
uint32_t document_places(const struct node *node, const struct document_kind *kind);
/* The tenant's limit, while others keep what they have (tenants_share):
 * the same on all nodes with the same documents. */
uint32_t document_most(const struct node *node, const char *tenant,
		       const struct document_kind *kind);
/* Text for a tenant at its limit: what to do. */
enum { DOCUMENT_FULL_MAX = 256 };
void document_full_words(char out[DOCUMENT_FULL_MAX], const struct node *node, const char *tenant,
			 const struct document_kind *kind);
/* Its own tenant's name, or DIRECTORY_OPERATORS. */
struct bytes document_owner(const char *tenant, const struct document_kind *kind);
/* One of that name exists, or will: a set that is checked counts as done. */
bool document_named(const struct node *node, struct bytes tenant, const char *kind,
		    struct bytes name);
/* The name by which documents.naming knows one, in out. */
enum { DOCUMENT_NAMING_MAX = COMMAND_TENANT_MAX + 2 * DOCUMENT_NAME_MAX };
const char *document_naming(char out[DOCUMENT_NAMING_MAX], struct bytes tenant, struct bytes kind,
			    struct bytes name);

/* What a command would put, without putting it. */
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
/* Whether the run's command may put the present one of that name, and its former text, again.
 * False: the run failed. */
bool document_restores(struct command_run *run, const struct document_kind *kind, struct bytes name,
		       struct bytes text);
/* Name of the document that the command deletes, if it may. False: the run has failed. */
bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX]);
/* NULL: no such kind. */
const struct document_kind *document_kind_find(struct bytes name);
/* Ends the run: no document has the command's name. Returns false. */
bool document_missing(struct command_run *run, const struct document_kind *kind);

/* Its public form by a text of Redis; NULL: this program cannot read it. */
json_t *document_view_text(const struct command_run *run, const struct document_kind *kind,
			   struct bytes text);

struct document_change;

/* The documents beside Redis: document_keep.c. */
struct document_keep {
	struct mirror mirror;
	bool loaded; /* what Redis had at the start */
	bool restoring, failed;
	bool broken; /* the snapshot that was wanted could not be read */
	/* {tenant/kind/name: true} of documents in Redis without a place on this node. */
	json_t *unplaced;
	uint32_t cursor, gone_cursor, in_flight, restored;
	uint32_t generation;            /* tenants with all documents back */
	uint64_t written;               /* mirror.changes of the file on disk */
	uint64_t write_ns;              /* not before; 0: when something has changed */
	struct snapshot_write *writing; /* NULL: no file is being written */
};

/* Program texts of flows in Redis, touched one after the other (command_flows_beat). */
struct document_programs {
	uint32_t cursor;
	uint64_t next_ns; /* the next round; 0: at once */
	bool asked;       /* of this one: */
	char tenant[SNAPSHOT_NAME_MAX + 1], name[DOCUMENT_NAME_MAX];
};

/* Changes that wait for Redis, or for those before them. */
struct documents {
	struct document_change *first, *last;
	/* The base of the first one has changed: it is made again when */
	bool parked;
	uint64_t parked_for;                 /* that generation is known */
	uint64_t parked_ns;                  /* and is given up then */
	const struct document_kind *loading; /* at start, */
	const char *loading_of;              /* of that tenant */
	struct document_keep keep;
	struct document_programs programs;
	struct references references;
	/* {tenant/kind/name: put or deleted} of the set that is checked; NULL: none is. */
	json_t *naming;
	struct directory directory;
};

/* The number of the tenant that the run is about. */
uint16_t document_tenant(const struct command_run *run);
/* Ends the run: Redis has not written its change. */
void document_fail_store(struct command_run *run, enum store_result result);
/* Commands of the kind that run->command names. Puts it: ends the run with what is shown of it. */
void document_put(struct command_run *run);
/* Ends the run with {argument: name}. */
void document_delete(struct command_run *run);
/* A document from another Redis, with sealed secrets: whether this node can read it, and its name.
 * False: the run has failed. */
bool document_check_stored(struct command_run *run, const struct document_kind *kind,
			   const json_t *document, char name[DOCUMENT_NAME_MAX]);
/* Puts the one that the argument `document` has, for run->tenant; ends the run. */
void document_put_stored(struct command_run *run, const struct document_kind *kind,
			 const char name[DOCUMENT_NAME_MAX]);
/* The value of a document's text. 0, or a negative value as document_load has it; *reason: the
 * member that is wrong. */
int document_value(const struct node *node, const struct document_kind *kind, void *value,
		   struct bytes json, const char **reason);
/* Puts the document given, as document_put does: its seats must be left, and the kind's `check`
 * must accept it. The reference to document is stolen. */
void document_put_text(struct command_run *run, const struct document_kind *kind,
		       const char name[DOCUMENT_NAME_MAX], json_t *document);
/* At start: 0, -EBADMSG for an unreadable document, -EPROTONOSUPPORT for one of a later program. */
int document_load(struct node *node, const struct snapshot_document *d);
/* Redis has it, from any node; an empty text: deleted. Puts it into effect. 0; or a logged error:
 * -EBADMSG, -EPROTONOSUPPORT (the former one stays in effect), -ENOSPC, -ENOMEM. */
int document_accept(struct node *node, const struct snapshot_document *d);
/* Perhaps a parked change may be made again. */
void document_resume(struct node *node);
/* Time passes: a parked change may be given up. */
void document_beat(struct node *node, uint64_t now_ns);
/* Reads a document that commands use only as text, as in Redis. False: none, or unreadable. */
bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value);
/* View of one of the kind that run->command names. NULL: none. */
json_t *document_view_stored(const struct command_run *run, struct bytes name);
/* Version of the command's document, unless it changes it; 0: none. */
uint64_t document_version(const struct command_run *run);
/* Command as document_put: what is shown of one. */
void document_show(struct command_run *run);
/* Those of all features, in the order in which a start loads them. NULL-terminated. */
extern const struct document_kind *g_document_kinds[];
void document_setup(void); /* puts them there; main thread, once */

#endif
