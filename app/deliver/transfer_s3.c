/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of S3: signed by libcurl (AWS Signature 4), with a SHA-256 of what is sent, which the server checks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/deliver/transfer.h"

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
static size_t s3_hear(char *data, size_t size, size_t n, void *arg)
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
	case UPLOAD_BEGIN: /* with the type of the object */
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

/* What all PUTs have comes first: it chooses how to authenticate, and the signature is another way. */
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
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, s3_hear);
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	return s3_step(t);
}
