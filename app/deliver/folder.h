/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of recordings: TENANT/YYYY-MM-DD/NAME, beside each NAME what says how far it is:
 *
 *     NAME.json   finished (app/deliver/sidecar.h)
 *     NAME.job    to be delivered (app/deliver/job.h)
 *     NAME.done   delivered everywhere
 *     NAME.dead   given up; delivery.retry makes a job of it again
 * NAME.box    a message of a mailbox: it has a copy elsewhere as long as it exists (adr/0123)
 * NAME.apart  a part of a recording, not joined with others (app/deliver/process_join.c)
 *
 * And what Redis knows of it (app/deliver/process_index.c):
 *
 *     NAME.listed    what it is by now
 * NAME.lost      the file is gone, though it was not deleted by this program
 *     NAME.deleted   Redis does not know yet that it was deleted: the former NAME.json
 *     NAME.replaced  Redis does not know yet that another file replaces it: the former NAME.json
 *
 * So the folders alone say which files need work. A path below is TENANT/YYYY-MM-DD/NAME.
 */
#ifndef APP_DELIVER_FOLDER_H
#define APP_DELIVER_FOLDER_H

#include "app/deliver/job.h"
#include "app/deliver/sidecar.h"

enum { FOLDER_PATH_MAX = 512, FOLDER_DATE_LEN = 10, FOLDER_DAY_S = 24 * 60 * 60 };

enum folder_state {
	FOLDER_NEW, /* finished, and nobody has looked at it */
	FOLDER_JOB,
	FOLDER_DONE,
	FOLDER_DEAD,
	FOLDER_STATES,
};
extern const char *const g_folder_states[]; /* by their number */

enum folder_gone {
	FOLDER_HERE,
	FOLDER_LOST,     /* the file alone is gone */
	FOLDER_DELETED,  /* NAME.deleted */
	FOLDER_REPLACED, /* NAME.replaced */
	FOLDER_VANISHED, /* NAME.listed alone is left */
	FOLDER_NOTHING,
};

struct folder_entry {
	char path[QUEUE_PATH_MAX];
	const char *tenant, *date; /* valid for the call */
	enum folder_state state;
	enum folder_gone gone;
	bool coded;  /* NAME.coded is there (app/deliver/process_work.c) */
	bool apart;  /* NAME.apart is there (app/deliver/process_join.c) */
	bool boxed;  /* NAME.box is there (app/deliver/process_index.c) */
	bool listed; /* Redis knows: NAME.listed, or NAME.lost of one that is lost */
};

/* False: that is enough. */
typedef bool folder_fn(const struct folder_entry *entry, void *arg);

/* Each finished file, in the order of tenants, dates and names. tenant, since: limits ("" or NULL:
 * all); since is a date. False: fn ended it. */
bool folder_walk(const char *folder, const char *tenant, const char *since, folder_fn *fn,
		 void *arg);

/* The same, in each tenant from the last date and name to the first. */
bool folder_walk_back(const char *folder, const char *tenant, const char *since, folder_fn *fn,
		      void *arg);

/* As folder_walk, with files that are gone if Redis does not know it. */
void folder_walk_all(const char *folder, const char *since, folder_fn *fn, void *arg);

/* The same for files that are still written: their facts are in NAME.json.new. No state. */
bool folder_walk_running(const char *folder, const char *since, folder_fn *fn, void *arg);

/* YYYY-MM-DD of a time; empty: there is no such date. */
void folder_day(char out[FOLDER_DATE_LEN + 1], uint64_t utc_s);
/* FOLDER/PATH.ending; ending "": the file itself. */
void folder_path(char out[FOLDER_PATH_MAX], const char *folder, const char *path,
		 const char *ending);
/* The folders of a path below base, and base. 0 or -errno. */
int folder_make(const char *base, const char *path) NODISCARD;
/* TENANT/YYYY-MM-DD/NAME, of names that lead nowhere else. */
bool folder_path_fits(struct bytes path);
void folder_tenant(const char *path, char out[SIDECAR_TENANT_MAX]);

/* 0 or -errno; -ENOENT: none. */
int folder_job_read(const char *folder, const char *path, enum folder_state state,
		    struct job *out) NODISCARD;
/* By a temporary name: a process that dies leaves the former one. 0 or -errno. */
int folder_job_write(const char *folder, const char *path, const struct job *j) NODISCARD;
int folder_state_change(const char *folder, const char *path, enum folder_state from,
			enum folder_state to) NODISCARD;
int folder_state_forget(const char *folder, const char *path, enum folder_state state) NODISCARD;
/* *text is malloc'ed, with a NUL behind it; trace: of one that is gone. 0 or -errno. */
int folder_sidecar_load(const char *folder, const char *path, char **text, size_t *n) NODISCARD;
int folder_trace_load(const char *folder, const char *path, enum folder_gone gone, char **text,
		      size_t *n) NODISCARD;
/* Removes the file first and the sidecar last: after a crash it is found again. how:
 * FOLDER_NOTHING: no trace stays; FOLDER_DELETED or FOLDER_REPLACED: that one. 0 or -errno. */
int folder_delete(const char *folder, const char *path, enum folder_gone how) NODISCARD;
#define FOLDER_BOX "box"
/* Makes NAME.ending. 0 or -errno. */
int folder_mark(const char *folder, const char *path, const char *ending) NODISCARD;
/* What there is of it. */
enum folder_gone folder_look(const char *folder, const char *path);
/* Redis knows that it is so. 0 or -errno. */
int folder_listed(const char *folder, const char *path, enum folder_gone gone) NODISCARD;
/* ... no longer. */
void folder_unlisted(const char *folder, const char *path);

#endif
