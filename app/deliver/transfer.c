/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/transfer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/place.h"

enum { CONNECT_LIMIT_S = 10, SLOW_LIMIT_S = 60 };

void outcome_say(struct outcome *o, enum job_event_kind kind, const char *fmt, ...)
{
	va_list args;

	o->kind = kind;
	va_start(args, fmt);
	(void)vsnprintf(o->reason, sizeof(o->reason), fmt, args);
	va_end(args);
}

static const char *transfer_ending(const struct transfer *t)
{
	return t->object ? "json" : "";
}

bool transfer_goes_on(struct transfer *t, const struct outcome *outcome)
{
	if (t->upload)
		return transfer_upload_goes_on(t, outcome);
	if (outcome->kind != JOB_DELIVERED || t->object || !t->to.metadata ||
	    t->to.kind == DESTINATION_MAIL)
		return false;
	t->object++;
	return true;
}

/* ---- of all ---- */

static int transfer_file(struct transfer *t, const char *from)
{
	struct stat st;

	t->file = fopen(from, "rbe");
	if (!t->file || fstat(fileno(t->file), &st) < 0)
		return -errno;
	(void)curl_easy_setopt(t->easy, CURLOPT_READDATA, t->file);
	(void)curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	(void)curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
	return 0;
}

/* What a server says beside its status interests nobody. */
static size_t transfer_discard(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static void transfer_usual(struct transfer *t)
{
	CURL *e = t->easy;

	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, transfer_discard);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L); /* settings may be others by then */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");        /* nothing of the environment */
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_LIMIT_S);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)SLOW_LIMIT_S);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)TRANSFER_LIMIT_S);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https,sftp,ftp,ftps,smtp,smtps");
	if (t->to.ca[0])
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, t->to.ca);
	if (t->to.user[0])
		(void)curl_easy_setopt(e, CURLOPT_USERNAME, t->to.user);
	if (t->to.secret[0] && !t->to.key_file[0])
		(void)curl_easy_setopt(e, CURLOPT_PASSWORD, t->to.secret);
}

int transfer_list_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* ---- of each ---- */

static const char *transfer_type(const struct transfer *t)
{
	if (t->upload && t->step == UPLOAD_COMPLETE)
		return "Content-Type: application/xml";
	if (t->object)
		return "Content-Type: application/json";
	if (t->facts.sealed)
		return "Content-Type: application/cms"; /* RFC 7193 */
	switch (t->facts.format) {
	case SIDECAR_WAV:
		return "Content-Type: audio/wav";
	case SIDECAR_OPUS:
		return "Content-Type: audio/ogg";
	case SIDECAR_PCAPNG:
	case SIDECAR_FORMATS:
		break;
	}
	return "Content-Type: application/octet-stream";
}

int transfer_put(struct transfer *t)
{
	int err = transfer_list_add(&t->headers, transfer_type(t));

	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return err;
}

static int transfer_finish(struct transfer *t)
{
	char text[TRANSFER_URL_MAX * 2], line[TRANSFER_URL_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes rest, one;
	int err = 0;

	place_finish(&w, &t->to, t->path, t->object ? ".json" : "");
	rest = writer_done(&w);
	while (!err && bytes_cut(&rest, '\n', &one)) {
		if (one.n)
			err = bytes_cstr(one, line, sizeof(line))
				      ? -ENAMETOOLONG
				      : transfer_list_add(&t->finish, line);
	}
	(void)curl_easy_setopt(t->easy, CURLOPT_POSTQUOTE, t->finish);
	(void)curl_easy_setopt(t->easy, CURLOPT_FTP_CREATE_MISSING_DIRS,
			       (long)CURLFTP_CREATE_DIR_RETRY);
	return err;
}

static int transfer_sftp(struct transfer *t)
{
	(void)curl_easy_setopt(t->easy, CURLOPT_SSH_KNOWNHOSTS, t->to.known_hosts);
	(void)curl_easy_setopt(t->easy, CURLOPT_SSH_AUTH_TYPES,
			       t->to.key_file[0] ? (long)CURLSSH_AUTH_PUBLICKEY
						 : (long)CURLSSH_AUTH_PASSWORD);
	if (t->to.key_file[0]) {
		(void)curl_easy_setopt(t->easy, CURLOPT_SSH_PRIVATE_KEYFILE, t->to.key_file);
		(void)curl_easy_setopt(t->easy, CURLOPT_KEYPASSWD, t->to.secret);
	}
	(void)curl_easy_setopt(t->easy, CURLOPT_NEW_DIRECTORY_PERMS, 0700L);
	(void)curl_easy_setopt(t->easy, CURLOPT_NEW_FILE_PERMS, 0600L);
	return transfer_finish(t);
}

static int transfer_ftp(struct transfer *t)
{
	if (t->to.starttls)
		(void)curl_easy_setopt(t->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	(void)curl_easy_setopt(t->easy, CURLOPT_FTP_SKIP_PASV_IP, 1L);
	return transfer_finish(t);
}

static int transfer_prepare(struct transfer *t, const char *from)
{
	switch (t->to.kind) {
	case DESTINATION_S3:
		return transfer_s3(t);
	case DESTINATION_HTTP:
		return transfer_put(t);
	case DESTINATION_SFTP:
		return transfer_sftp(t);
	case DESTINATION_FTP:
		return transfer_ftp(t);
	case DESTINATION_MAIL:
		return transfer_mail(t, from);
	case DESTINATION_DIRECTORY:
	case DESTINATION_KINDS:
		break;
	}
	return -EINVAL;
}

static int transfer_url(struct transfer *t)
{
	char url[TRANSFER_URL_MAX + 3 * UPLOAD_ID_MAX];
	struct writer w = writer_over(url, sizeof(url));

	place_url(&w, &t->to, t->path, t->object ? ".json" : "");
	if (t->upload && w.n) {
		w.n--; /* the NUL */
		upload_query(&w, t->upload, t->step);
		writer_u8(&w, '\0');
	}
	if (w.overflow)
		return -ENAMETOOLONG;
	(void)curl_easy_setopt(t->easy, CURLOPT_URL, url);
	return 0;
}

static int transfer_curl(struct transfer *t, CURLM *multi, const char *from)
{
	int err;

	t->easy = curl_easy_init();
	if (!t->easy)
		return -ENOMEM;
	transfer_usual(t);
	err = transfer_url(t);
	if (!err && t->step != UPLOAD_ABORT)
		err = transfer_file(t, from);
	if (!err)
		err = transfer_prepare(t, from);
	if (!err && curl_multi_add_handle(multi, t->easy) != CURLM_OK)
		err = -ENOMEM;
	return err;
}

static bool transfer_is_too_large(const struct transfer *t, const char *from,
				  struct outcome *outcome)
{
	struct stat st;

	if (!t->to.most || stat(from, &st) < 0 || (uint64_t)st.st_size <= t->to.most)
		return false;
	outcome_say(outcome, JOB_REFUSED,
		    "it has %llu octets, and max_mib of the destination allows %llu: raise it, or "
		    "fetch it by recording.get",
		    (unsigned long long)st.st_size, (unsigned long long)t->to.most);
	return true;
}

int transfer_begin(struct transfer *t, CURLM *multi, struct outcome *outcome)
{
	char from[FOLDER_PATH_MAX];
	int err;

	folder_path(from, t->folder, t->path, transfer_ending(t));
	if (t->to.fault[0]) {
		outcome_say(outcome, JOB_FAILED, "%s", t->to.fault);
		return -EINVAL;
	}
	if (transfer_is_too_large(t, from, outcome))
		return -EFBIG;
	err = transfer_upload_open(t, from);
	if (!err)
		err = t->to.kind == DESTINATION_DIRECTORY
			      ? transfer_copy(t, from, transfer_ending(t))
			      : transfer_curl(t, multi, from);
	if (err)
		outcome_say(outcome, JOB_FAILED, "the delivery cannot begin: %s", strerror(-err));
	return err;
}

void transfer_clear(struct transfer *t, CURLM *multi)
{
	if (t->easy) {
		(void)curl_multi_remove_handle(multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->finish);
	curl_slist_free_all(t->recipients);
	free(t->said);
	free(t->answer);
	curl_mime_free(t->mime);
	if (t->file)
		(void)fclose(t->file);
	if (t->child_end >= 0)
		(void)close(t->child_end);
	t->easy = NULL;
	t->headers = t->finish = t->recipients = NULL;
	t->mime = NULL;
	t->said = t->answer = NULL;
	t->answer_n = 0;
	t->file = NULL;
	t->child = 0;
	t->child_end = -1;
	t->error[0] = '\0';
}
