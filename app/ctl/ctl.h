/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl: the command line of a node. Exit status: see enum. */
#ifndef APP_CTL_CTL_H
#define APP_CTL_CTL_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/settings/settings.h"

enum {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* by the node: it cannot be done */
	CTL_USAGE = 2,
	CTL_NO_ANSWER = 3, /* of a node, or of Redis */
	CTL_NOT_FOUND = 4,
	CTL_TRY_AGAIN = 5, /* the same may be done later: busy, unavailable, uncertain */
};
enum { CTL_PATH_MAX = 108, CTL_NODE_MAX = 64 };
/* Of an answer of the API. */
int ctl_status(const json_t *answer);

/* Where a node and its Redis are. May hold a password. */
struct ctl_target {
	struct redis_place place;
	char local[CTL_PATH_MAX];  /* the node's own socket; empty: none is known */
	char node[CTL_NODE_MAX];   /* its name, as its settings say; empty: by its host */
	const char *tenant, *role; /* who speaks; NULL: operators */
	/* Its folders; empty: no settings say so. */
	char state_dir[SETTINGS_STATE_DIR_MAX], recordings[SETTINGS_PATH_MAX];
};

/* From --redis URL, else from --config FILE or a usual place; other errors there do not matter.
 * False: complained. */
bool ctl_target_find(struct ctl_target *out, const char *config, const char *redis);

/* "tandemctl: " and the message, on standard error. */
void ctl_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* tandemctl [--config FILE] init OPTIONS: makes missing files. config: before the word, or NULL. */
int ctl_init(const char *config, int argc, char **argv);
/* tandemctl trace CALL OPTIONS: the words behind "trace". */
int ctl_trace(const struct ctl_target *target, int argc, char **argv);
/* Documents as files: apply, diff, get, explain, edit, export, import, history, rollback. */
bool ctl_set_is_verb(const char *word);
int ctl_set(const struct ctl_target *target, const char *verb, int argc, char **argv);
/* tandemctl backup FILE, restore FILE; the words behind. */
int ctl_backup(const struct ctl_target *target, const char *verb, int argc, char **argv);
/* Of the program, which main() tells. */
extern const char *g_ctl_version;
/* tandemctl flow WORD [FILE [...]]: the words behind "flow". */
int ctl_flow(int argc, char **argv);
/* tandemctl listen and trigger: events to the terminal or to a URL; the words behind. */
int ctl_listen(const char *verb, int argc, char **argv);
/* The result of flow.try for people: one line for each thing that happens. */
void ctl_flow_way_print(const json_t *way);
/* Takes format=dot and format=svg out of the words behind flow graph and flow.graph.
 * Returns the number of words left. */
int ctl_graph_format(int argc, char **argv, bool *svg);
/* The picture of a flow, which graphviz draws where SVG is wanted. An exit status. */
int ctl_graph_print(struct bytes dot, bool svg);
/* tandemctl help [WORD] */
int ctl_help(const char *word);
/* No command is called so: complains, with what was meant or where to look. */
void ctl_command_unknown(const char *word);

/* key=value words as an object, by the table's types; secrets "-" are read from stdin.
 * NULL: complained. */
json_t *ctl_args(const struct command *command, int argc, char **argv);
/* The realm besides a user and its password; NULL: none. */
const char *ctl_realm(const json_t *args);
/* Whether there is a password to be hashed: over that realm, or that of the node. */
bool ctl_has_password(const json_t *args);
/* In place of a password its hashes: see extension.put. False: out of memory. */
bool ctl_hash_password(json_t *args, const char *realm);

/* The result of call.doctor for people, on standard output. */
void ctl_doctor_print(const json_t *result);

/* The same as a ladder, in time's order. */
void ctl_ladder_print(const json_t *result);

/* The same of sip.recent. */
void ctl_recent_print(const json_t *result);

/* Sends a command by the local socket, or through Redis; returns the answer (new reference).
 * NULL: complained. */
json_t *ctl_send(const struct ctl_target *target, const char *command, const json_t *args);
/* One command, whichever door it goes by: the node does what has the same id once. */
struct ctl_request {
	const char *id, *command;
	const json_t *args;
	int file; /* goes along by the node's own socket; -1: none */
};

#endif
