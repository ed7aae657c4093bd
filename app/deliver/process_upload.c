/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads in parts that nobody goes on with: the recording is deleted, or delivered, or a dead letter, or its destination forgot what it had.
 * Their parts would lie at the server, and be paid for, for ever: they are ended there (AbortMultipartUpload).
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/log.h"

enum { ABORT_SCANS = 30, ABORT_DAY_MS = 1000 * FOLDER_DAY_S };

struct abort_look {
	struct process *p;
	uint64_t now_ms;
	char name[UPLOAD_NAME_MAX]; /* of its file */
	struct upload *upload;
};

/* A delivery that is still to be made goes on with it. */
static bool upload_is_wanted(const struct process *p, const char *name, const struct upload *u)
{
	char own[UPLOAD_NAME_MAX];
	struct writer w = writer_over(own, sizeof(own));
	struct job j;

	upload_name(&w, u->path, u->to);
	if (strcmp(own, name) != 0 || !work_is_there(p, u->path, "") ||
	    folder_job_read(p->terms.folder, u->path, FOLDER_JOB, &j))
		return false;
	for (uint32_t i = 0; i < j.count; i++) {
		if (!strcmp(j.of[i].to, u->to))
			return j.of[i].state == DELIVERY_WAITS;
	}
	return false;
}

static void upload_drop(const struct process *p, const char *name, const char *why)
{
	char path[FOLDER_PATH_MAX];

	upload_file(path, p->terms.folder, name);
	if (unlink(path) < 0 && errno != ENOENT)
		return;
	if (why)
		LOG_ERROR("recordings", 0,
			  "parts of an upload may be left at a destination: let it delete those "
			  "that are days old",
			  LOG_STR("upload", name), LOG_STR("why", why));
}

static bool upload_is_old(const struct abort_look *l)
{
	char path[FOLDER_PATH_MAX];
	struct stat st;

	upload_file(path, l->p->terms.folder, l->name);
	return stat(path, &st) == 0 &&
	       (uint64_t)st.st_mtime * 1000 + l->p->terms.job.give_up_ms < l->now_ms;
}

/* True: that one is to be ended. */
static bool upload_look(struct abort_look *l)
{
	int err = upload_load(l->p->terms.folder, l->name, &l->upload);

	if (err == -EBADMSG)
		upload_drop(l->p, l->name, "its file cannot be read");
	if (err)
		return false;
	if (!upload_is_wanted(l->p, l->name, l->upload)) {
		if (!upload_is_old(l) && terms_destination(&l->p->terms, l->upload->to))
			return true;
		if (upload_is_old(l))
			upload_drop(l->p, l->name, "it could not be ended there");
	}
	free(l->upload);
	l->upload = NULL;
	return false;
}

static int upload_filter(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n < UPLOAD_NAME_MAX &&
	       (n < 4 || strcmp(entry->d_name + n - 4, ".new") != 0);
}

/* Those behind the last one first: one that cannot be ended keeps no other waiting. */
static bool upload_find(struct abort_look *l)
{
	char path[FOLDER_PATH_MAX];
	struct dirent **list = NULL;
	bool found = false;
	int n, first = 0;

	upload_file(path, l->p->terms.folder, "");
	n = scandir(path, &list, upload_filter, alphasort);
	while (first < n && strcmp(list[first]->d_name, l->p->abort_name) <= 0)
		first++;
	for (int i = 0; !found && i < n; i++) {
		(void)bytes_cstr(bytes_str(list[(first + i) % n]->d_name), l->name,
				 sizeof(l->name));
		found = upload_look(l);
	}
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return found;
}

static void abort_begin(struct process *p, struct abort_look *l)
{
	struct transfer *t = &p->abort;
	struct outcome o = { 0 };

	memset(t, 0, sizeof(*t));
	t->used = true;
	t->child_end = -1;
	t->to = *terms_destination(&p->terms, l->upload->to);
	t->upload = l->upload;
	t->step = UPLOAD_ABORT;
	memcpy(t->path, l->upload->path, sizeof(t->path));
	memcpy(t->folder, p->terms.folder, sizeof(t->folder));
	memcpy(p->abort_name, l->name, sizeof(p->abort_name));
	if (transfer_begin(t, p->multi, &o))
		process_abort_ended(p, &o, l->now_ms);
}

void process_abort(struct process *p, uint64_t now_ms)
{
	struct abort_look l = { .p = p, .now_ms = now_ms };

	if (p->abort.used || (now_ms < p->abort_ms && p->abort_ms - now_ms <= ABORT_DAY_MS))
		return;
	p->abort_ms = now_ms + p->terms.scan_ms * ABORT_SCANS;
	if (upload_find(&l))
		abort_begin(p, &l);
}

void process_abort_ended(struct process *p, const struct outcome *o, uint64_t now_ms)
{
	bool gone = o->kind == JOB_DELIVERED;

	if (gone) {
		upload_drop(p, p->abort_name, NULL);
		p->uploads_aborted++;
		p->abort_ms = now_ms; /* there may be more */
	}
	if (gone)
		LOG_INFO("recordings", 0, "an upload in parts is ended, nobody goes on with it",
			 LOG_STR("file", p->abort.path), LOG_STR("to", p->abort.to.name));
	else
		LOG_WARN("recordings", 0, "an upload in parts cannot be ended: it is tried again",
			 LOG_STR("file", p->abort.path), LOG_STR("to", p->abort.to.name),
			 LOG_STR("why", o->reason));
	transfer_clear(&p->abort, p->multi);
	free(p->abort.upload);
	explicit_bzero(&p->abort, sizeof(p->abort)); /* a secret was in it */
	p->abort.child_end = -1;
}
