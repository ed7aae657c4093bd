/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that goes to S3 in parts: CreateMultipartUpload, UploadPart for each, CompleteMultipartUpload. What the server has is written down
 * behind each, in the folder .uploads: a failure, or a death, costs one part. What cannot be gone on with is set aside there, and ended at the
 * server (process_upload.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/transfer.h"
#include "base/clock.h"
#include "base/file.h"

enum { STEP_FAILURES_MAX = 3 }; /* before the delivery fails, and waits */

/* ---- its file ---- */

void upload_file(char out[FOLDER_PATH_MAX], const char *folder, const char *name)
{
	(void)snprintf(out, FOLDER_PATH_MAX, "%s/.uploads%s%s", folder, name[0] ? "/" : "", name);
}

static void upload_file_of(char out[FOLDER_PATH_MAX], const struct transfer *t)
{
	char name[UPLOAD_NAME_MAX];
	struct writer w = writer_over(name, sizeof(name));

	upload_name(&w, t->path, t->to.name);
	upload_file(out, t->folder, name);
}

static int upload_read_file(const char *path, struct upload *u)
{
	char *text = malloc(UPLOAD_TEXT_MAX);
	int fd = text ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	int err = fd >= 0 ? 0 : text ? -errno : -ENOMEM;
	ssize_t n = err ? 0 : read(fd, text, UPLOAD_TEXT_MAX);

	if (!err)
		err = n < 0 ? -errno : upload_parse(u, bytes_mem(text, (size_t)n));
	if (fd >= 0)
		(void)close(fd);
	free(text);
	return err;
}

int upload_load(const char *folder, const char *name, struct upload **out)
{
	char path[FOLDER_PATH_MAX];
	struct upload *u = calloc(1, sizeof(*u));
	int err = u ? 0 : -ENOMEM;

	upload_file(path, folder, name);
	if (!err)
		err = upload_read_file(path, u);
	if (!err && !folder_path_fits(bytes_str(u->path)))
		err = -EBADMSG;
	if (err) {
		free(u);
		return err;
	}
	*out = u;
	return 0;
}

static int upload_save(const struct transfer *t)
{
	char path[FOLDER_PATH_MAX], *text = malloc(UPLOAD_TEXT_MAX);
	struct writer w = writer_over(text, UPLOAD_TEXT_MAX);
	int err;

	if (!text)
		return -ENOMEM;
	upload_file(path, t->folder, "");
	err = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
	upload_write(&w, t->upload);
	upload_file_of(path, t);
	if (!err)
		err = w.overflow ? -EFBIG : file_replace(path, 0600, writer_done(&w));
	free(text);
	return err;
}

static void upload_forget(const struct transfer *t)
{
	char path[FOLDER_PATH_MAX];

	upload_file_of(path, t);
	(void)unlink(path);
}

/* To be ended at the server. */
static void upload_set_aside(const struct transfer *t)
{
	char from[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX];

	upload_file_of(from, t);
	if (snprintf(to, sizeof(to), "%s:%" PRIu64, from, clock_utc_ms()) < (int)sizeof(to))
		(void)rename(from, to);
}

/* ---- steps ---- */

/* The step that follows from what is known. */
static enum upload_step upload_next(const struct upload *u)
{
	if (!u->id[0])
		return UPLOAD_BEGIN;
	return u->done < u->count ? UPLOAD_PART : UPLOAD_COMPLETE;
}

static void upload_begin_anew(struct transfer *t)
{
	upload_set(t->upload, t->path, t->to.name, t->upload->octets, t->to.part);
	t->step = UPLOAD_BEGIN;
}

/* Goes on with what is written down, where that is of this file as it is. */
static int upload_take_up(struct transfer *t, uint64_t octets)
{
	char path[FOLDER_PATH_MAX];
	struct upload *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	upload_file_of(path, t);
	err = upload_read_file(path, u);
	if (err == -ENOMEM) {
		free(u);
		return err;
	}
	t->upload = u;
	if (!err && u->octets == octets) {
		t->step = upload_next(u);
		return 0;
	}
	if (err != -ENOENT)
		upload_set_aside(t);
	u->octets = octets;
	upload_begin_anew(t);
	return 0;
}

int transfer_upload_open(struct transfer *t, const char *from)
{
	struct stat st;

	if (t->upload || t->object || t->to.kind != DESTINATION_S3 || !t->to.part ||
	    stat(from, &st) < 0 || (uint64_t)st.st_size <= t->to.part)
		return 0;
	return upload_take_up(t, (uint64_t)st.st_size);
}

/* ---- answers ---- */

static struct bytes upload_said(const struct transfer *t, const char *element)
{
	return upload_element(bytes_mem(t->answer, t->answer_n), element);
}

static bool upload_header(const struct transfer *t, const char *name, char *out, size_t cap)
{
	struct curl_header *header;
	struct bytes value;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return false;
	value = bytes_str(header->value);
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = bytes_sub(value, 1, value.n - 2);
	return upload_word_fits(value, cap - 1) && !bytes_cstr(value, out, cap);
}

static void upload_fails(const struct transfer *t, struct outcome *o, const char *what)
{
	struct bytes code = upload_said(t, "Code");

	if (!upload_word_fits(code, 64))
		code = BYTES_LIT("nothing that we know");
	outcome_say(o, JOB_FAILED, "%s does not say %s: it says " BYTES_FMT, t->to.name, what,
		    BYTES_ARG(code));
}

static void upload_begun(struct transfer *t, struct outcome *o)
{
	struct bytes id = upload_said(t, "UploadId");

	if (upload_word_fits(id, UPLOAD_ID_MAX - 1))
		(void)bytes_cstr(id, t->upload->id, sizeof(t->upload->id));
	else
		upload_fails(t, o, "what the upload is called");
}

static void upload_part_sent(struct transfer *t, struct outcome *o)
{
	struct upload *u = t->upload;

	if (upload_header(t, "ETag", u->etags[u->done], UPLOAD_ETAG_MAX))
		u->done++;
	else
		upload_fails(t, o, "the ETag of a part");
}

/* S3 says 200 before it knows, and then what went wrong. */
static void upload_completed(struct transfer *t, struct outcome *o)
{
	if (!upload_said(t, "ETag").n || upload_said(t, "Code").n) {
		upload_fails(t, o, "that the parts are one object");
		return;
	}
	upload_forget(t);
	free(t->upload);
	t->upload = NULL;
}

static void upload_went_well(struct transfer *t, struct outcome *o)
{
	int err;

	switch (t->step) {
	case UPLOAD_BEGIN:
		upload_begun(t, o);
		break;
	case UPLOAD_PART:
		upload_part_sent(t, o);
		break;
	case UPLOAD_COMPLETE:
		upload_completed(t, o);
		return;
	case UPLOAD_ABORT:
	case UPLOAD_STEPS:
		return;
	}
	err = o->kind == JOB_DELIVERED ? upload_save(t) : 0;
	if (err)
		outcome_say(o, JOB_FAILED, "what is sent of it cannot be written down: %s",
			    strerror(-err));
}

void transfer_upload_answered(struct transfer *t, long status, struct outcome *o)
{
	if (t->step == UPLOAD_ABORT) {
		o->kind = status == 404 ? JOB_DELIVERED : o->kind; /* it is gone already */
		return;
	}
	if (o->kind == JOB_DELIVERED) {
		upload_went_well(t, o);
	} else if (t->step != UPLOAD_BEGIN && status == 404 &&
		   bytes_is(upload_said(t, "Code"), "NoSuchUpload")) {
		outcome_say(o, JOB_FAILED, "%s has forgotten the parts: they are sent again",
			    t->to.name);
		upload_forget(t);
		upload_begin_anew(t);
	} else if (t->step == UPLOAD_COMPLETE && status == 400) {
		upload_set_aside(t); /* it does not believe what it has */
		upload_begin_anew(t);
	}
}

bool transfer_upload_goes_on(struct transfer *t, const struct outcome *o)
{
	t->failures = o->kind == JOB_DELIVERED ? 0 : t->failures + 1;
	t->step = upload_next(t->upload);
	return o->kind == JOB_DELIVERED ||
	       (o->kind == JOB_FAILED && !o->unreachable && t->failures < STEP_FAILURES_MAX);
}
