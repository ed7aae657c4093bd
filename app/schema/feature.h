/* SPDX-License-Identifier: Apache-2.0 */
/* What a feature gives the doors of a node. app/feature/features.c lists all features; the lists of
 * commands, of kinds of documents, of who carries out requests of calls, of child processes, and of
 * sections of the node file follow from it. Control thread. tandemctl has the commands alone: all
 * else is NULL there (BY of table.h). */
#ifndef APP_SCHEMA_FEATURE_H
#define APP_SCHEMA_FEATURE_H

#include <stdint.h>

#include "app/schema/command.h"
#include "base/bytes.h"
#include "base/metric.h"
#include "sig/host/effect.h"
#include "sig/sip/feature_code.h"

struct child_kind;
struct command_run;
struct document_kind;
struct list_rank;
struct node;
struct page_run;
struct park_reply;
struct settings_section;
struct token_value;

/* Carries out one kind of request of calls. An ask is answered by a reply. All features that have
 * EFFECT_EVENT hear each event that the node publishes. */
struct carrier {
	void (*carry)(const struct effect *e, void *node); /* NULL ends a list */
	enum effect_kind kind;
};

/* A feature code that a phone dials becomes that command, as args has it made of the extension and
 * of the digits behind the code, for sig/pbx/set.c. */
struct code_command {
	const char *command; /* NULL ends a list */
	enum feature_action code;
	json_t *(*args)(enum feature_action code, const char *number, struct bytes behind);
};

/* One that registers: *id is set. */
struct metric_def {
	metric_id *id; /* NULL ends a list */
	enum metric_type type;
	const char *name, *help;
	const char *labels;
};

/* What a feature answers by HTTP itself (app/command/page.h): all below a path. */
struct app_page {
	const char *path;  /* NULL ends a list */
	const char *allow; /* methods */
	const char *reads; /* a limited token must allow this command; NULL: it has nothing here */
	const char *dav;   /* RFC 4918 10.1; NULL: none */
	const char *moved; /* all is there, for anybody; NULL: it is here */
	void (*answer)(struct page_run *run);
	/* A page of the web bundle (web/build.mjs), for anybody; NULL: none. */
	const char *bundle;
	/* rest: behind its path. Writes the origins of other hosts that may show it in a frame and
	 * serve it scripts, joined by ' ' (CSP frame-ancestors); none: nobody. False: no such path.
	 * Any thread. */
	bool (*frames)(struct bytes rest, struct writer *origins);
};

/* NULL: it has none. */
struct app_feature {
	const char *name;
	const struct command *commands;               /* ends with name NULL */
	const struct document_kind *const *documents; /* ends with NULL */
	const struct carrier *carriers;
	const struct code_command *codes;
	const struct app_page *pages;
	const struct child_kind *const *children; /* processes; ends with NULL */
	const struct metric_def *metrics;         /* ends with id NULL; setup has the others */
	struct settings_section *settings;        /* of the node file */
	void (*setup)(void);                      /* main thread, once */
	/* Opens its listeners, behind those of the node. 0 or -errno; logged. */
	int (*listen)(struct node *n);
	void (*round)(struct node *n, uint64_t now_ns);  /* at the end of each round of the loop */
	void (*second)(struct node *n, uint64_t now_ns); /* twice a second while the node runs */
	void (*doubt)(struct node *n);                   /* Redis may have lost data */
	void (*reload)(struct node *n);                  /* other settings count */
	void (*tenants)(struct node *n); /* the document of a tenant has changed, or is gone */
	/* The document of an extension has changed, or is gone. */
	void (*extension)(struct node *n, uint16_t tenant, const char *number);
	/* A command has ended a session of a user before its time; where it ran. */
	void (*session)(const struct command_run *run, const struct token_value *ended);
	/* Redis has no more of the audit of that tenant (or DIRECTORY_OPERATORS): goes on behind
	 * last, the entry that it had there; kind LIST_NOTHING: none. Ends the run of audit.list.
	 * False: it has nothing. */
	bool (*audit)(struct command_run *run, const char *tenant, const struct list_rank *last);
	/* What shard_picks_request asked of the other nodes; of others' serials, too. */
	void (*picked)(struct node *n, const struct park_reply *told);
	/* The file of a recorded message is complete, after so many ms. */
	void (*recorded)(struct node *n, uint64_t call, uint8_t number, uint64_t ms);
	/* The node stops, and its children are closed; its links to Redis are still open. */
	void (*close)(struct node *n);
};

/* In the order of the help; ends with NULL. */
extern const struct app_feature *const g_app_features[];
#define FEATURE_EACH(f) \
	for (const struct app_feature *const *at_ = g_app_features, *f; (f = *at_) != NULL; at_++)
#define CHILD_EACH(kind, f)                                                    \
	for (const struct child_kind *const *child_at_ = (f)->children, *kind; \
	     child_at_ && (kind = *child_at_) != NULL; child_at_++)
/* Before the node file is read: it has the sections of all features then. Main thread; a second
 * time it does nothing. */
void features_settings_add(void);
/* All commands, in the order of the help. A break ends the commands of a feature alone. */
#define COMMAND_EACH(c)    \
	FEATURE_EACH (of_) \
		for (const struct command *c = of_->commands; c && c->name; c++)

#endif
