/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of S3: signed by libcurl (AWS Signature 4), with a SHA-256 of the body, which the server
 * checks. Large files go in parts; the upload's state is written to disk after each part, so that a
 * failure costs one part. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/transfer.h"
#include "base/clock.h"
#include "base/file.h"

/*
 * A file that goes to S3 in parts: CreateMultipartUpload, UploadPart for each,
 * CompleteMultipartUpload. After each part the upload's state is written to the folder .uploads: a
 * failure or a crash costs one part. An upload that cannot continue is set aside there, and aborted
 * at the server (process_job.c).
 */

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
	int fd = text ? file_read_open(path) : -ENOMEM, err = fd < 0 ? fd : 0;
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
		return UPLOAD_START;
	return u->done < u->count ? UPLOAD_PART : UPLOAD_COMPLETE;
}

static void upload_begin_anew(struct transfer *t)
{
	upload_set(t->upload, t->path, t->to.name, t->upload->octets, t->to.part);
	t->step = UPLOAD_START;
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

static struct bytes upload_element_of(const struct transfer *t, const char *element)
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
	struct bytes code = upload_element_of(t, "Code");

	if (!upload_word_fits(code, 64))
		code = BYTES_LIT("nothing that we know");
	outcome_add(o, JOB_FAILED, "%s does not say %s: it says " BYTES_FMT, t->to.name, what,
		    BYTES_ARG(code));
}

static void upload_begun(struct transfer *t, struct outcome *o)
{
	struct bytes id = upload_element_of(t, "UploadId");

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
	if (!upload_element_of(t, "ETag").n || upload_element_of(t, "Code").n) {
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
	case UPLOAD_START:
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
		outcome_add(o, JOB_FAILED, "what is sent of it cannot be written down: %s",
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
	} else if (t->step != UPLOAD_START && status == 404 &&
		   bytes_is(upload_element_of(t, "Code"), "NoSuchUpload")) {
		outcome_add(o, JOB_FAILED, "%s has forgotten the parts: they are sent again",
			    t->to.name);
		upload_forget(t);
		upload_begin_anew(t);
	} else if (t->step == UPLOAD_COMPLETE && status == 400) {
		upload_set_aside(t); /* the server refuses the stored parts */
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

enum { LIST_MAX = UPLOAD_PARTS_MAX * (UPLOAD_ETAG_MAX + 80) + 256, ANSWER_MAX = 8192 };

static int s3_sign(struct transfer *t, struct bytes hash)
{
	char line[128], provider[TERMS_TEXT_MAX + 16];
	struct writer w = writer_over(line, sizeof(line));

	writer_str(&w, "x-amz-content-sha256: ");
	writer_hex(&w, hash);
	writer_u8(&w, '\0');
	(void)snprintf(provider, sizeof(provider), "aws:amz:%s:s3", t->to.region);
	(void)curl_easy_setopt(t->easy, CURLOPT_AWS_SIGV4, provider);
	return transfer_list_add(&t->headers, line);
}

/* Of a file's octets; -ENODATA: it is shorter. */
static int s3_hash(FILE *file, uint64_t octets, EVP_MD_CTX *md)
{
	uint8_t piece[4096];

	while (octets) {
		size_t want = octets < sizeof(piece) ? (size_t)octets : sizeof(piece);

		if (fread(piece, 1, want, file) != want)
			return ferror(file) ? -EIO : -ENODATA;
		if (!EVP_DigestUpdate(md, piece, want))
			return -ENOMEM;
		octets -= want;
	}
	return 0;
}

static int s3_sign_file(struct transfer *t, uint64_t from, uint64_t octets)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	int err = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) ? 0 : -ENOMEM;

	if (!err && fseeko(t->file, (off_t)from, SEEK_SET) < 0)
		err = -errno;
	if (!err)
		err = s3_hash(t->file, octets, md);
	if (!err && !EVP_DigestFinal_ex(md, hash, &length))
		err = -ENOMEM;
	EVP_MD_CTX_free(md);
	if (!err && fseeko(t->file, (off_t)from, SEEK_SET) < 0)
		err = -errno;
	return err ? err : s3_sign(t, bytes_mem(hash, length));
}

static int s3_sign_text(struct transfer *t, struct bytes text)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!EVP_Digest(text.n ? text.p : hash, text.n, hash, &length, EVP_sha256(), NULL))
		return -ENOMEM;
	return s3_sign(t, bytes_mem(hash, length));
}

int transfer_s3_get(struct transfer *t)
{
	int err = s3_sign_text(t, bytes_mem(NULL, 0));

	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return err;
}

static int s3_put(struct transfer *t)
{
	int err = fseeko(t->file, 0, SEEK_END) < 0 ? -errno : 0;
	off_t octets = err ? 0 : ftello(t->file);

	if (!err)
		err = octets < 0 ? -EIO : s3_sign_file(t, 0, (uint64_t)octets);
	return err;
}

/* ---- parts ---- */

static size_t s3_read(char *out, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t want = size * n;

	if (want > t->left)
		want = (size_t)t->left;
	want = fread(out, 1, want, t->file);
	t->left -= want;
	return want;
}

static int s3_rewind(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;
	uint64_t from, octets = upload_part(t->upload, &from);

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > octets ||
	    fseeko(t->file, (off_t)from + offset, SEEK_SET) < 0)
		return CURL_SEEKFUNC_FAIL;
	t->left = octets - (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int s3_part(struct transfer *t)
{
	uint64_t from;

	t->left = upload_part(t->upload, &from);
	(void)curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, s3_read);
	(void)curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
	(void)curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, s3_rewind);
	(void)curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
	(void)curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->left);
	return s3_sign_file(t, from, t->left);
}

/* The beginning of it: all that is needed stands there. */
static size_t s3_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t room = ANSWER_MAX - t->answer_n, take = size * n < room ? size * n : room;

	memcpy(t->answer + t->answer_n, data, take);
	t->answer_n += take;
	return size * n;
}

static int s3_post(struct transfer *t, struct bytes text)
{
	(void)curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 0L);
	(void)curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)text.n);
	(void)curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, text.n ? (const char *)text.p : "");
	return s3_sign_text(t, text);
}

static int s3_complete(struct transfer *t)
{
	struct writer w;

	t->said = malloc(LIST_MAX);
	if (!t->said)
		return -ENOMEM;
	w = writer_over(t->said, LIST_MAX);
	upload_list(&w, t->upload);
	return w.overflow ? -EFBIG : s3_post(t, writer_done(&w));
}

static int s3_step(struct transfer *t)
{
	switch (t->step) {
	case UPLOAD_START: /* with the type of the object */
		return s3_post(t, bytes_mem(NULL, 0));
	case UPLOAD_PART:
		return s3_part(t);
	case UPLOAD_COMPLETE:
		return s3_complete(t);
	case UPLOAD_ABORT:
		(void)curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
		return s3_sign_text(t, bytes_mem(NULL, 0));
	case UPLOAD_STEPS:
		break;
	}
	return -EINVAL;
}

/* PUT options come first: they choose an authentication, which the signature replaces. */
int transfer_s3(struct transfer *t)
{
	int err = transfer_put(t);

	if (err)
		return err;
	if (!t->upload)
		return s3_put(t);
	t->answer = malloc(ANSWER_MAX);
	if (!t->answer)
		return -ENOMEM;
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, s3_on_body);
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	return s3_step(t);
}
