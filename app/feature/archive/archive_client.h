/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's side of tandem-archive (app/archive/process/archive_process.h): starts it, tells it
 * where its database and streams are, and asks it. Without archive.url each node has a database of
 * its own, and the one of the live node with the lowest name counts: others ask that node. Control
 * thread.
 */
#ifndef APP_FEATURE_ARCHIVE_ARCHIVE_CLIENT_H
#define APP_FEATURE_ARCHIVE_ARCHIVE_CLIENT_H

#include <jansson.h>

#include "app/child/child_link.h"
#include "app/schema/command.h"
#include "app/schema/feature.h"

struct list_rank;
struct node;

/*
 * Asks for a request of app/archive/archive_request.h. done is called once, after ms or somewhat
 * later at the latest; before this returns if the process has just died. Its result is {"result":
 * ...}, or {"error": code of a command, "why": ...}; NULL and why: no answer. args: stolen.
 * False: it is not called: the archive is off, does not run, or has too much to do.
 */
bool archive_query_send(struct node *n, const char *name, json_t *args, uint16_t tenant,
			uint32_t ms, child_answer_fn *done, void *arg) NODISCARD;

/* 0: the archive is off, another node's reads, or ours does not run. Else a number that changes
 * when it starts, or begins to read: what was told to it before may be lost. */
uint32_t archive_reader_epoch(void);

/* result: borrowed. */
typedef void archive_run_fn(struct command_run *run, const json_t *result);
/* The same of a command: done has the result, or the run has failed. NULL: its answer is that. */
void archive_run(struct command_run *run, const char *name, json_t *args, archive_run_fn *done);

/* ---- columns of the feature's row (app/schema/feature.h) ---- */

extern const struct child_kind g_archive_child, g_archive_finder;
extern const struct metric_def g_archive_metric_rows[];
void archive_second(struct node *n, uint64_t now_ns);
void archive_tenants(struct node *n);
void archive_reload(struct node *n);
bool archive_audit(struct command_run *run, const char *tenant, const struct list_rank *last);
command_fn command_archive_query, command_history_list, command_history_get, command_history_hide,
	command_history_clear, command_history_note, command_history_log, command_history_unlogged,
	command_history_erase, command_history_export, command_history_report, command_archive_list;

#endif
