/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on a finished file before it is delivered: a WAV file is coded as Opus if settings say so,
 * and then each file is enveloped if its tenant has a certificate. Children do it, one of each
 * kind, as it takes long and reads foreign data; after a crash all of it is done again. A file that
 * cannot be coded, or waited too long, goes as it is: the backlog is bounded. A file that cannot be
 * enveloped waits: it is never delivered in the clear.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/aes128gcm.h"
#include "app/record/envelope.h"
#include "app/record/record_facts.h"
#include "app/record/record_opus.h"
#include "base/file.h"
#include "base/log.h"

typedef void work_facts_fn(json_t *facts);

/* Codes a WAV file as Opus (app/record/record_opus.h): NAME.wav becomes NAME.opus, or both stay.
 * In a child. */

static void opus_tag(struct record_opus_tags *tags, const char *name, const char *text)
{
	if (text[0])
		(void)snprintf(tags->of[tags->count++], RECORD_OPUS_TAG_MAX, "%s=%s", name, text);
}

static void opus_tags(struct record_opus_tags *tags, const struct sidecar *facts)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", facts->number);
	opus_tag(tags, "CALL", facts->call);
	opus_tag(tags, "RECORDING", number);
	opus_tag(tags, "TENANT", facts->tenant);
	opus_tag(tags, "FROM", facts->from);
	opus_tag(tags, "TO", facts->to);
	opus_tag(tags, "DATE", facts->begun);
	opus_tag(tags, "CHANNELS", "left is what was said, right what was heard");
}

static void opus_facts(json_t *facts)
{
	(void)json_object_set_new(facts, "format", json_string("opus"));
	(void)json_object_set_new(facts, "codec", json_string("OPUS"));
}

static int opus_octets(const struct process *p, const char *path, const char *part,
		       const struct sidecar *facts)
{
	struct record_opus_tags tags = { 0 };
	char name[FOLDER_PATH_MAX];
	uint64_t call = 0;
	int from, to, err;

	folder_path(name, p->terms.folder, path, "");
	from = file_read_open(name);
	if (from < 0)
		return from;
	opus_tags(&tags, facts);
	(void)base32_u64_get(bytes_str(facts->call), &call);
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = to < 0 ? -errno : record_opus_write(from, to, (uint32_t)call + facts->number, &tags);
	if (!err && fsync(to) < 0)
		err = -errno;
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err;
}

static int opus_file(const struct process *p, const char *path, const char *coded,
		     const struct sidecar *facts)
{
	char name[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, coded, "");
	folder_path(part, p->terms.folder, path, "coding");
	err = opus_octets(p, path, part, facts);
	if (!err && rename(part, name) < 0)
		err = -errno;
	if (err)
		(void)unlink(part);
	return err;
}

static int work_opus_mark(const struct process *p, const char *path)
{
	char name[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, path, WORK_CODED);
	err = file_create(name, 0600, bytes_str(""));
	return err == -EEXIST ? 0 : err;
}

static int sidecar_of(const struct process *p, const char *made, json_t *facts)
{
	char name[FOLDER_PATH_MAX], *text;
	struct stat st;
	int err;

	folder_path(name, p->terms.folder, made, "");
	if (stat(name, &st) < 0)
		return -errno;
	(void)json_object_set_new(facts, "octets", json_integer((json_int_t)st.st_size));
	(void)json_object_set_new(facts, "file", json_string(strrchr(made, '/') + 1));
	text = json_dumps(facts, JSON_COMPACT);
	folder_path(name, p->terms.folder, made, "json");
	err = text ? file_replace(name, 0600, bytes_str(text)) : -ENOMEM;
	free(text);
	return err;
}

/* Writes the sidecar of a product: as before, but for name, length and fn's changes. -errno. */
static int work_sidecar(const struct process *p, const char *path, const char *made,
			work_facts_fn *fn)
{
	json_t *facts;
	char *text;
	size_t n;
	int err = folder_sidecar_load(p->terms.folder, path, &text, &n);

	if (err)
		return err;
	facts = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	err = json_is_object(facts) ? 0 : -EBADMSG;
	if (!err) {
		fn(facts);
		err = sidecar_of(p, made, facts);
	}
	json_decref(facts);
	return err;
}

#define SEALED_ENDING ".cms"

#define WAV_ENDING ".wav"

#define OPUS_ENDING ".opus"

static bool work_ends(const char *path, const char *ending)
{
	size_t n = strlen(path), tail = strlen(ending);

	return n > tail && !strcmp(path + n - tail, ending);
}

static bool work_place(char out[QUEUE_PATH_MAX], const char *path, enum work_kind kind)
{
	static const char *const endings[] = { [WORK_OPUS] = OPUS_ENDING,
					       [WORK_SEAL] = SEALED_ENDING,
					       [WORK_SEAL_BOX] = AES128GCM_ENDING };
	size_t n = strlen(path);

	if (kind == WORK_OPUS)
		n -= work_ends(path, WAV_ENDING) ? sizeof(WAV_ENDING) - 1 : 0;
	return snprintf(out, QUEUE_PATH_MAX, "%.*s%s", (int)n, path, endings[kind]) <
		       QUEUE_PATH_MAX &&
	       folder_path_fits(bytes_str(out));
}

/* The sidecar comes when all is there, and then what it was made of goes, or has its mark. */
static int work_opus(const struct process *p, const char *path)
{
	char coded[QUEUE_PATH_MAX], *text;
	struct sidecar facts;
	size_t n;
	int err = work_place(coded, path, WORK_OPUS) ? 0 : -ENAMETOOLONG;

	if (!err && !work_is_there(p, coded, "json")) {
		err = folder_sidecar_load(p->terms.folder, path, &text, &n);
		if (err)
			return err;
		err = sidecar_parse(&facts, bytes_mem(text, n));
		free(text);
		if (!err)
			err = opus_file(p, path, coded, &facts);
		if (!err)
			err = work_sidecar(p, path, coded, opus_facts);
	}
	if (err)
		return err;
	return p->terms.opus == TERMS_OPUS_REPLACE
		       ? folder_delete(p->terms.folder, path,
				       process_index_trace(p, FOLDER_REPLACED))
		       : work_opus_mark(p, path);
}

/* Envelopes a file (app/record/envelope.h): NAME becomes NAME.cms with its own sidecar, and NAME
 * goes. A file of a mailbox, which nodes play, becomes NAME.aes128gcm (app/record/aes128gcm.h). In
 * a child. */

static const struct terms_certificate *work_certificate(const struct process *p, const char *path)
{
	char tenant[SIDECAR_TENANT_MAX];

	folder_tenant(path, tenant);
	return terms_certificate(&p->terms, tenant);
}

static int seal_write(const struct process *p, const char *path, enum work_kind kind, int from,
		      int to)
{
	uint8_t key[TERMS_KEY_LEN];
	int err;

	if (kind == WORK_SEAL)
		return envelope_write(bytes_str(work_certificate(p, path)->pem), from, to);
	terms_message_key(&p->terms, path, key);
	err = aes128gcm_write(bytes_mem(key, sizeof(key)), from, to);
	explicit_bzero(key, sizeof(key));
	return err;
}

static int seal_octets(const struct process *p, const char *path, enum work_kind kind,
		       const char *part)
{
	char name[FOLDER_PATH_MAX];
	int from, to, err;

	folder_path(name, p->terms.folder, path, "");
	from = file_read_open(name);
	if (from < 0)
		return from;
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = to < 0 ? -errno : seal_write(p, path, kind, from, to);
	if (!err && fsync(to) < 0)
		err = -errno;
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err;
}

static int seal_file(const struct process *p, const char *path, enum work_kind kind,
		     const char *sealed)
{
	char name[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, sealed, "");
	folder_path(part, p->terms.folder, path, "sealing");
	err = seal_octets(p, path, kind, part);
	if (!err && rename(part, name) < 0)
		err = -errno;
	if (err)
		(void)unlink(part);
	return err;
}

static void seal_facts(json_t *facts)
{
	(void)json_object_set(facts, "plain_octets", json_object_get(facts, "octets"));
	(void)json_object_set_new(facts, "encrypted", json_string("cms"));
}

static void seal_facts_box(json_t *facts)
{
	seal_facts(facts);
	(void)json_object_set_new(facts, "encrypted", json_string(AES128GCM_KIND));
}

/* The sidecar comes when all is there, and then what was plain goes. */
static int work_seal(const struct process *p, const char *path, enum work_kind kind)
{
	char sealed[QUEUE_PATH_MAX];
	int err = work_place(sealed, path, kind) ? 0 : -ENAMETOOLONG;

	if (!err && !work_is_there(p, sealed, "json")) {
		err = seal_file(p, path, kind, sealed);
		if (!err && kind == WORK_SEAL_BOX) /* its copy comes before the plain one goes */
			err = folder_mark(p->terms.folder, sealed, FOLDER_BOX);
		if (!err)
			err = work_sidecar(p, path, sealed,
					   kind == WORK_SEAL ? seal_facts : seal_facts_box);
	}
	return err ? err
		   : folder_delete(p->terms.folder, path, process_index_trace(p, FOLDER_REPLACED));
}

enum { WORK_DOUBLINGS = 10, OPUS_TRIES = 3, LOG_MS = 600000, LOG_AGAIN_MS = 30000 };

/* ---- names ---- */

bool work_is_there(const struct process *p, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, p->terms.folder, path, ending);
	return access(name, F_OK) == 0;
}

/* ---- children ---- */

static int work_start(struct process *p, const char *path, enum work_kind kind)
{
	struct process_work *w = &p->work[kind];
	pid_t parent = getpid();

	w->child = fork();
	if (w->child < 0) {
		w->child = 0;
		return -errno;
	}
	if (!w->child) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EINTR);
		_exit(kind == WORK_OPUS ? -work_opus(p, path) : -work_seal(p, path, kind));
	}
	(void)bytes_cstr(bytes_str(path), w->path, sizeof(w->path));
	w->child_end = (int)syscall(SYS_pidfd_open, w->child, 0);
	return 0;
}

static void work_later(struct process *p, struct queue_job *q, uint64_t now_ms)
{
	uint64_t pause_ms = p->terms.job.first_ms << q->failures;

	if (q->failures < WORK_DOUBLINGS)
		q->failures++;
	q->busy = false;
	q->next_ms = now_ms + (pause_ms < p->terms.job.most_ms ? pause_ms : p->terms.job.most_ms);
}

/* ---- what is sealed ---- */

/* A certificate that cannot be used is said once, and not of each file. */
static void seal_failed(struct process *p, struct queue_job *q, enum work_kind kind,
			const char *why, bool of_all, uint64_t now_ms)
{
	bool said = of_all && p->seal_fails & 1u << kind;

	p->seal_failures++;
	p->seal_fails |= 1u << kind;
	if (!said)
		LOG_ERROR("recordings", 0,
			  "a recording cannot be encrypted: it waits, and goes nowhere",
			  LOG_STR("file", q->path), LOG_STR("why", why),
			  LOG_STR("next",
				  "look at recordings.certificate, at the room on the disk, "
				  "and at the permissions of the folder"));
	work_later(p, q, now_ms);
}

/* ---- what is coded ---- */

/* It goes as it is. The mark says so to each later walk. */
static void opus_skip(struct process *p, struct queue_job *q, uint64_t now_ms)
{
	int err = work_opus_mark(p, q->path);

	if (err)
		LOG_ERROR("recordings", 0, "the state of a recording cannot be written",
			  LOG_STR("file", q->path), LOG_STR("error", strerror(-err)));
	if (err)
		work_later(p, q, now_ms);
	else
		p->found.uncoded -= p->found.uncoded > 0;
}

static void opus_failed(struct process *p, struct queue_job *q, const char *why, uint64_t now_ms)
{
	p->opus_failures++;
	work_later(p, q, now_ms);
	LOG_WARN("recordings", 0, "a recording is not coded as Opus", LOG_STR("file", q->path),
		 LOG_STR("why", why), LOG_U64("tries", q->failures),
		 LOG_STR("next", q->failures < OPUS_TRIES ? "it is tried again"
							  : "it is delivered as WAV"));
	if (q->failures < OPUS_TRIES)
		return;
	q->failures = 0;
	q->next_ms = now_ms;
	opus_skip(p, q, now_ms);
}

static bool work_is_older(const struct process *p, const char *path, uint64_t age_ms,
			  uint64_t now_ms)
{
	char name[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(name, p->terms.folder, path, "json");
	return stat(name, &st) == 0 && (uint64_t)st.st_mtime * 1000 + age_ms < now_ms;
}

/* ---- how it went ---- */

static void work_done(struct process *p, const char *path, enum work_kind kind)
{
	struct queue_job *q = queue_find(&p->queue, bytes_str(path));
	bool stays = kind == WORK_OPUS && p->terms.opus == TERMS_OPUS_KEEP;
	char made[QUEUE_PATH_MAX];

	if (q && stays)
		q->busy = false;
	else if (q)
		queue_drop(&p->queue, q);
	if (work_place(made, path, kind) && process_queue_put(p, made, 0) && stays)
		p->found.backlog++;
	if (kind == WORK_OPUS) {
		p->coded++;
		p->found.uncoded -= p->found.uncoded > 0;
	} else {
		p->sealed++;
		p->seal_fails &= ~(1u << kind);
	}
	LOG_INFO("recordings", 0,
		 kind == WORK_OPUS ? "a recording is coded as Opus" : "a recording is encrypted",
		 LOG_STR("file", path));
}

static void work_ended(struct process *p, const char *path, enum work_kind kind, int status,
		       uint64_t now_ms)
{
	struct queue_job *q = queue_find(&p->queue, bytes_str(path));
	const char *why = WIFEXITED(status) ? strerror(WEXITSTATUS(status))
					    : "the process that did it was killed";

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		work_done(p, path, kind);
	else if (q && kind == WORK_OPUS)
		opus_failed(p, q, why, now_ms);
	else if (q)
		seal_failed(p, q, kind, why, false, now_ms);
}

void process_work_collect(struct process *p, uint64_t now_ms)
{
	for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
		struct process_work *w = &p->work[kind];
		char path[QUEUE_PATH_MAX];
		int status;

		if (!w->child || waitpid(w->child, &status, WNOHANG) != w->child)
			continue;
		memcpy(path, w->path, sizeof(path));
		if (w->child_end >= 0)
			(void)close(w->child_end);
		*w = (struct process_work){ .child_end = -1 };
		work_ended(p, path, (enum work_kind)kind, status, now_ms);
	}
}

uint32_t process_work_kinds(const struct process *p)
{
	uint32_t kinds = 0;

	for (unsigned kind = 0; kind < WORK_KINDS; kind++)
		kinds |= p->work[kind].child ? 1u << kind : 0;
	return kinds;
}

/* ---- what is to be done ---- */

bool process_work_is_coded(const struct process *p, const struct folder_entry *entry)
{
	return entry->state == FOLDER_NEW && p->terms.opus != TERMS_OPUS_OFF && !entry->coded &&
	       work_ends(entry->path, WAV_ENDING);
}

bool process_work_is_open(const struct process *p, const struct folder_entry *entry)
{
	return process_work_is_coded(p, entry) || (terms_certificate(&p->terms, entry->tenant) &&
						   !work_ends(entry->path, SEALED_ENDING) &&
						   !work_ends(entry->path, AES128GCM_ENDING));
}

/* A message has one side, and the node plays files of mailboxes from WAV. */
static bool opus_fits(const struct sidecar *facts)
{
	return !facts->mailbox && facts->channels == WAV_SIDES && facts->octets > WAV_HEAD_LEN;
}

/* A file with a job was begun in the clear, before these settings.
 * One without sound has nothing to hide. */
static enum work_kind work_due(const struct process *p, const char *path,
			       const struct sidecar *facts)
{
	if (facts->sealed || work_is_there(p, path, g_folder_states[FOLDER_JOB]))
		return WORK_KINDS;
	if (p->terms.opus != TERMS_OPUS_OFF && facts->format == SIDECAR_WAV &&
	    work_ends(path, WAV_ENDING) && !work_is_there(p, path, WORK_CODED))
		return WORK_OPUS;
	if (!work_certificate(p, path) || !facts->octets)
		return WORK_KINDS;
	return facts->mailbox ? WORK_SEAL_BOX : WORK_SEAL;
}

static void work_fails(struct process *p, struct queue_job *q, enum work_kind kind, const char *why,
		       uint64_t now_ms)
{
	if (kind == WORK_OPUS)
		opus_failed(p, q, why, now_ms);
	else
		seal_failed(p, q, kind, why, false, now_ms);
}

bool process_work(struct process *p, struct queue_job *q, const struct sidecar *facts,
		  uint64_t now_ms)
{
	const struct terms_certificate *c = work_certificate(p, q->path);
	enum work_kind kind = work_due(p, q->path, facts);
	int err;

	q->waits = 0;
	if (kind == WORK_KINDS)
		return false;
	if (kind == WORK_OPUS && !opus_fits(facts)) {
		opus_skip(p, q, now_ms);
	} else if (kind == WORK_OPUS && work_is_older(p, q->path, p->terms.opus_wait_ms, now_ms)) {
		p->opus_skipped++;
		opus_skip(p, q, now_ms);
	} else if (kind == WORK_SEAL && facts->message &&
		   !work_is_older(p, q->path, LOG_MS, now_ms)) {
		q->next_ms = now_ms +
			     LOG_AGAIN_MS; /* who said it may hear it, and keep it as a prompt */
	} else if (kind == WORK_SEAL && c->fault[0]) {
		seal_failed(p, q, kind, c->fault, true, now_ms);
	} else if (p->work[kind].child) {
		q->waits = (uint8_t)(1u << kind);
	} else {
		err = work_start(p, q->path, kind);
		q->busy = !err;
		if (err)
			work_fails(p, q, kind, strerror(-err), now_ms);
	}
	return true;
}
