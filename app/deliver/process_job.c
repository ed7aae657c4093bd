/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries: from the queue to the network, and their results into the job's file, so that a
 * process that died goes on with them. A destination that cannot be reached is left alone for a
 * while, for all its jobs. Multipart uploads that nothing continues are aborted at the server. */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/clock.h"
#include "base/log.h"

/* Multipart uploads that nothing continues: the recording is deleted, delivered or a dead letter,
 * or its destination lost its part. Their parts would stay at the server, and be paid for, for
 * ever: they are aborted there (AbortMultipartUpload). */

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

static void process_abort_ended(struct process *p, const struct outcome *o, uint64_t now_ms)
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

static void abort_start(struct process *p, struct abort_look *l)
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
	if (curl_transfer_start(t, p->multi, &o))
		process_abort_ended(p, &o, l->now_ms);
}

void process_abort(struct process *p, uint64_t now_ms)
{
	struct abort_look l = { .p = p, .now_ms = now_ms };

	if (p->abort.used || (now_ms < p->abort_ms && p->abort_ms - now_ms <= ABORT_DAY_MS))
		return;
	p->abort_ms = now_ms + p->terms.scan_ms * ABORT_SCANS;
	if (upload_find(&l))
		abort_start(p, &l);
}

enum { JOB_AGAIN_MS = 200, PART_AGAIN_MS = 30000, REST_DOUBLINGS = 6 };

/* ---- what is known of destinations ---- */

/* By name: settings may have another order now. */
struct process_destination *process_destination(struct process *p, const char *name)
{
	for (uint32_t i = 0; i < p->terms.destination_count; i++) {
		if (!strcmp(p->terms.destinations[i].name, name))
			return &p->of[i];
	}
	return NULL;
}

static bool process_is_busy(struct process *p, const char *name, uint64_t now_ms)
{
	const struct process_destination *d = process_destination(p, name);

	return d && (d->running >= PROCESS_TRANSFERS_OF_ONE ||
		     (d->rest_ms > now_ms && d->rest_ms - now_ms <= p->terms.job.most_ms));
}

/* An unreachable destination is left alone for a while, for all its jobs. */
static void process_rest(struct process *p, struct process_destination *d, bool unreachable,
			 uint64_t now_ms)
{
	uint64_t rest =
		p->terms.job.first_ms
		<< (d->failures_in_turn < REST_DOUBLINGS ? d->failures_in_turn : REST_DOUBLINGS);

	if (!unreachable) {
		d->failures_in_turn = 0;
		d->rest_ms = 0;
		return;
	}
	d->failures_in_turn++;
	d->rest_ms = now_ms + (rest < p->terms.job.most_ms ? rest : p->terms.job.most_ms) / 2;
}

/* ---- the queue ---- */

bool process_queue_put(struct process *p, const char *path, uint64_t next_ms)
{
	int err = queue_put(&p->queue, bytes_str(path), next_ms);

	assert(err != -ENAMETOOLONG); /* the walk has seen to it */
	return !err;
}

static void process_later(struct process *p, const char *path, uint64_t next_ms)
{
	struct queue_job *q = queue_find(&p->queue, bytes_str(path));

	if (!q)
		return;
	q->busy = false;
	q->next_ms = next_ms;
}

static void process_drop(struct process *p, const char *path)
{
	struct queue_job *q = queue_find(&p->queue, bytes_str(path));

	if (q)
		queue_drop(&p->queue, q);
}

/* ---- a job's file ---- */

static int transfer_facts(const struct process *p, const char *path, struct sidecar *out)
{
	char *text;
	size_t n;
	int err = folder_sidecar_load(p->terms.folder, path, &text, &n);

	if (err)
		return err;
	err = sidecar_parse(out, bytes_mem(text, n));
	free(text);
	return err;
}

/* Its mark (NAME.box) may not be there yet. */
static bool process_stays(const struct process *p, const char *path)
{
	struct sidecar facts;

	return !p->terms.voicemail && !transfer_facts(p, path, &facts) && facts.mailbox;
}

/* With the destinations that its tenant has now. */
static int process_job_load(struct process *p, const char *path, struct job *j)
{
	char name[SIDECAR_TENANT_MAX];
	char file[FOLDER_PATH_MAX];
	const struct terms_tenant *tenant;
	int err;

	folder_path(file, p->terms.folder, path, "");
	if (access(file, F_OK) < 0)
		return -errno; /* deleted by hand */
	err = folder_job_read(p->terms.folder, path, FOLDER_JOB, j);
	folder_tenant(path, name);
	tenant = terms_tenant(&p->terms, name);
	if (err == -ENOENT || err == -EBADMSG) {
		*j = (struct job){ 0 };
		err = 0;
	}
	if (!err && job_name(j, tenant->deliver, process_stays(p, path) ? 0 : tenant->count) &&
	    j->count)
		err = folder_job_write(p->terms.folder, path, j);
	return err;
}

/* Between two sweeps, which count. */
static void process_counts(struct process *p, bool dead)
{
	p->found.dead += dead;
	if (p->found.backlog && !--p->found.backlog)
		p->found.oldest_ms = 0;
}

static void process_finish(struct process *p, const char *path)
{
	int err = folder_state_change(p->terms.folder, path, FOLDER_JOB, FOLDER_DONE);

	if (err && err != -ENOENT)
		LOG_ERROR("recordings", 0,
			  "a recording is delivered, and that cannot be written down",
			  LOG_STR("file", path), LOG_STR("error", strerror(-err)));
	process_index_changed(p, path);
	process_drop(p, path);
	process_counts(p, false);
	if (!err && p->terms.delete_delivered)
		process_delete(p, path, "it is delivered");
}

static void process_bury(struct process *p, const char *path)
{
	int err = folder_state_change(p->terms.folder, path, FOLDER_JOB, FOLDER_DEAD);

	if (err)
		LOG_ERROR("recordings", 0, "a dead letter cannot be written down",
			  LOG_STR("file", path), LOG_STR("error", strerror(-err)));
	process_index_changed(p, path);
	process_drop(p, path);
	process_counts(p, true);
}

/* It goes nowhere any more: settings changed before it was delivered anywhere. */
static void process_keep(struct process *p, const char *path)
{
	int err = folder_state_forget(p->terms.folder, path, FOLDER_JOB);

	if (err)
		LOG_ERROR("recordings", 0, "a job cannot be deleted", LOG_STR("file", path),
			  LOG_STR("error", strerror(-err)));
	process_index_changed(p, path);
	process_drop(p, path);
	process_counts(p, false);
}

/* What the job is now decides where it goes. */
static void process_job_keep(struct process *p, const char *path, const struct job *j,
			     uint64_t now_ms)
{
	int err = folder_job_write(p->terms.folder, path, j);

	if (err) {
		LOG_ERROR("recordings", 0,
			  "the state of a delivery cannot be written: it is tried again",
			  LOG_STR("file", path), LOG_STR("error", strerror(-err)));
		process_later(p, path, now_ms + p->terms.job.most_ms);
		return;
	}
	switch (job_state(j)) {
	case DELIVERY_WAITS:
		process_later(p, path, job_next_ms(j));
		return;
	case DELIVERY_DONE:
		process_finish(p, path);
		return;
	case DELIVERY_DEAD:
		process_bury(p, path);
		return;
	case DELIVERY_STATES:
		break;
	}
	assert(false);
}

/* ---- how it went ---- */

static void process_log_outcome(const char *path, const struct delivery *d, const struct outcome *o,
				enum job_action action)
{
	if (o->kind == JOB_DELIVERED)
		LOG_INFO("recordings", 0, "a recording is delivered", LOG_STR("file", path),
			 LOG_STR("to", d->to), LOG_U64("tries", d->tries));
	else if (action == JOB_DEAD)
		LOG_ERROR("recordings", 0,
			  "a recording is not delivered: when the cause is gone, delivery.retry "
			  "brings it",
			  LOG_STR("file", path), LOG_STR("to", d->to), LOG_STR("why", o->reason),
			  LOG_U64("tries", d->tries));
	else
		LOG_WARN("recordings", 0, "a delivery failed, and is tried again",
			 LOG_STR("file", path), LOG_STR("to", d->to), LOG_STR("why", o->reason),
			 LOG_U64("tries", d->tries));
}

static void process_count(struct process *p, const char *to, const struct outcome *o,
			  enum job_action action, uint64_t octets, uint64_t now_ms)
{
	struct process_destination *d = process_destination(p, to);

	if (!d)
		return;
	d->delivered += o->kind == JOB_DELIVERED;
	d->failed += o->kind != JOB_DELIVERED;
	d->dead += action == JOB_DEAD;
	d->octets += o->kind == JOB_DELIVERED ? octets : 0;
	process_rest(p, d, o->unreachable, now_ms);
}

static void process_outcome(struct process *p, const char *path, const char *to,
			    const struct outcome *o, uint64_t octets, uint64_t now_ms)
{
	struct job_event e = { .kind = o->kind, .reason = o->reason };
	enum job_action action = JOB_NOTHING;
	struct job j;
	int err = process_job_load(p, path, &j);

	while (!err && e.delivery < j.count && strcmp(j.of[e.delivery].to, to) != 0)
		e.delivery++;
	if (err || e.delivery == j.count) { /* nobody wants it there any more */
		process_later(p, path, now_ms);
		return;
	}
	action = job_step(&j, &e, &p->terms.job, now_ms, &p->rand);
	process_count(p, to, o, action, octets, now_ms);
	process_log_outcome(path, &j.of[e.delivery], o, action);
	process_job_keep(p, path, &j, now_ms);
}

/* ---- transfers ---- */

static void transfer_close(struct process *p, struct transfer *t)
{
	struct process_destination *d = process_destination(p, t->to.name);

	transfer_clear(t, p->multi);
	free(t->upload);
	if (d && d->running)
		d->running--;
	explicit_bzero(t, sizeof(*t)); /* a secret was in it */
}

static void transfer_end(struct process *p, struct transfer *t, const struct outcome *o,
			 uint64_t now_ms)
{
	char path[QUEUE_PATH_MAX], to[JOB_NAME_MAX];
	uint64_t octets = t->facts.octets;

	memcpy(path, t->path, sizeof(path));
	memcpy(to, t->to.name, sizeof(to));
	transfer_close(p, t);
	process_outcome(p, path, to, o, octets, now_ms);
}

static void transfer_next(struct process *p, struct transfer *t, const struct outcome *o,
			  uint64_t now_ms)
{
	struct outcome begun = { 0 };

	if (!transfer_goes_on(t, o)) {
		transfer_end(p, t, o, now_ms);
		return;
	}
	transfer_clear(t, p->multi);
	if (curl_transfer_start(t, p->multi, &begun))
		transfer_end(p, t, &begun, now_ms);
}

static void process_collect_children(struct process *p, uint64_t now_ms)
{
	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		struct transfer *t = &p->transfers[i];
		struct outcome o;
		int status;

		if (!t->used || !t->child || waitpid(t->child, &status, WNOHANG) != t->child)
			continue;
		transfer_child_outcome(t, status, &o);
		transfer_next(p, t, &o, now_ms);
	}
}

void process_collect(struct process *p, uint64_t now_ms)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(p->multi, &left))) {
		struct transfer *t = NULL;
		struct outcome o;

		if (message->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK || !t)
			continue;
		transfer_outcome(t, message->data.result, &o);
		if (t == &p->abort)
			process_abort_ended(p, &o, now_ms);
		else
			transfer_next(p, t, &o, now_ms);
	}
	process_collect_children(p, now_ms);
}

static struct transfer *transfer_free(struct process *p)
{
	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		if (!p->transfers[i].used)
			return &p->transfers[i];
	}
	return NULL;
}

static void transfer_start(struct process *p, struct transfer *t, const char *path,
			   const struct destination *to, uint64_t now_ms)
{
	struct process_destination *of = process_destination(p, to->name);
	struct outcome o = { 0 };

	memset(t, 0, sizeof(*t));
	t->used = true;
	t->child_end = -1;
	t->to = *to;
	(void)bytes_cstr(bytes_str(path), t->path, sizeof(t->path));
	memcpy(t->folder, p->terms.folder, sizeof(t->folder));
	memcpy(t->node, p->terms.node, sizeof(t->node));
	if (of) /* it is, as to is of the same terms */
		of->running++;
	if (transfer_facts(p, path, &t->facts)) {
		outcome_add(&o, JOB_REFUSED,
			    "the file %s.json beside it is not what a recorder writes: fetch the "
			    "recording by hand, and delete it by recording.delete",
			    strrchr(path, '/') + 1);
		transfer_end(p, t, &o, now_ms);
	} else if (curl_transfer_start(t, p->multi, &o)) {
		transfer_end(p, t, &o, now_ms);
	}
}

static uint32_t process_blocked(struct process *p, const struct job *j, uint64_t now_ms)
{
	uint32_t blocked = 0;

	for (uint32_t i = 0; i < j->count; i++)
		blocked |= process_is_busy(p, j->of[i].to, now_ms) ? 1u << i : 0;
	return blocked;
}

static void process_job_start(struct process *p, struct queue_job *q, struct transfer *t,
			      uint64_t now_ms)
{
	char path[QUEUE_PATH_MAX];
	const struct destination *to;
	struct job j;
	int err = process_job_load(p, q->path, &j);
	uint32_t which =
		err ? 0 : job_due(&j, &p->terms.job, now_ms, process_blocked(p, &j, now_ms));

	memcpy(path, q->path, sizeof(path));
	if (err == -ENOENT) {
		queue_drop(&p->queue, q); /* it was deleted */
	} else if (!err && !j.count) {
		process_keep(p, path);
	} else if (err) {
		q->next_ms = now_ms + p->terms.job.most_ms;
	} else if (job_state(&j) != DELIVERY_WAITS) {
		process_job_keep(p, path, &j, now_ms);
	} else if (which == j.count) {
		uint64_t next_ms = job_next_ms(&j);

		q->next_ms = next_ms > now_ms + JOB_AGAIN_MS ? next_ms : now_ms + JOB_AGAIN_MS;
	} else if (!(to = terms_destination(&p->terms, j.of[which].to))) {
		struct outcome o;

		outcome_add(&o, JOB_REFUSED,
			    "recordings.store of the settings has no %s: add it, "
			    "or take it out of the tenant's recording_store",
			    j.of[which].to);
		o.unreachable = false;
		process_outcome(p, path, j.of[which].to, &o, 0, now_ms);
	} else {
		q->busy = true;
		transfer_start(p, t, path, to, now_ms);
	}
}

/* Whether it may be a part of a recording. False: it is not, or is delivered alone. */
static bool process_part(struct process *p, struct queue_job *q, const struct sidecar *facts,
			 uint64_t now_ms)
{
	if (facts->sealed || facts->format == SIDECAR_OPUS)
		return false;
	switch (process_join(p, q->path, facts, now_ms)) {
	case JOIN_GO:
		return false;
	case JOIN_LATER:
		q->next_ms = now_ms + (p->terms.join_wait_ms < PART_AGAIN_MS ? p->terms.join_wait_ms
									     : PART_AGAIN_MS);
		return true;
	case JOIN_DONE:
		return true;
	}
	assert(false);
	return false;
}

/* What comes before a delivery. False: nothing does. */
static bool process_prepare(struct process *p, struct queue_job *q, uint64_t now_ms)
{
	struct sidecar facts;

	return !transfer_facts(p, q->path, &facts) &&
	       (process_part(p, q, &facts, now_ms) || process_work(p, q, &facts, now_ms));
}

void process_deliver(struct process *p, uint64_t now_ms)
{
	struct transfer *t;
	struct queue_job *q;

	while ((t = transfer_free(p)) && (q = queue_due(&p->queue, now_ms, process_work_kinds(p))))
		if (!process_prepare(p, q, now_ms))
			process_job_start(p, q, t, now_ms);
}
