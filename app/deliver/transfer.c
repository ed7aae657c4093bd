/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out one delivery: HTTP PUT, S3, SFTP, FTP and mail by libcurl, shared folders by a child.
 * process_job.c begins it and reads its outcome. An outcome tells failures that may pass from
 * refusals, and says in words what to do. A destination never shows a partial file: it gets its
 * name last, and a repeated delivery replaces it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/transfer.h"
#include "app/deliver/upload.h"
#include "base/clock.h"
#include "base/file.h"

enum {
	CONNECT_LIMIT_S = 10,
	READ_LIMIT_S = 10,
	READ_SLOW = 1000, /* octets a second: less cannot be played */
	SLOW_LIMIT_S = 60,
};

void outcome_add(struct outcome *o, enum job_event_kind kind, const char *fmt, ...)
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
	int fd = file_read_open(from);

	if (fd < 0)
		return fd;
	t->file = fdopen(fd, "rb");
	if (!t->file)
		(void)close(fd);
	if (!t->file || fstat(fd, &st) < 0)
		return -errno;
	(void)curl_easy_setopt(t->easy, CURLOPT_READDATA, t->file);
	(void)curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	(void)curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
	return 0;
}

/* Other output of a server is ignored. */
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
	(void)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L); /* settings may change */
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
		return t->facts.aes128gcm ? "Content-Type: application/octet-stream"
					  : "Content-Type: application/cms"; /* RFC 7193 */
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

static const char *mail_type(const struct transfer *t)
{
	if (t->facts.sealed)
		return t->facts.aes128gcm ? "application/octet-stream"
					  : "application/cms"; /* RFC 7193 */
	switch (t->facts.format) {
	case SIDECAR_WAV:
		return "audio/wav";
	case SIDECAR_OPUS:
		return "audio/ogg";
	case SIDECAR_PCAPNG:
	case SIDECAR_FORMATS:
		break;
	}
	return "application/octet-stream";
}

/* Nothing of a party's name may begin a line of its own. */
static void mail_write_plain(struct writer *w, const char *text, uint8_t last)
{
	for (; *text; text++)
		writer_u8(w, (uint8_t)*text < ' ' || (uint8_t)*text > last ? '?' : (uint8_t)*text);
}

/* parts end with NULL. */
static int mail_header(struct transfer *t, const char *const *parts)
{
	char line[TERMS_TEXT_MAX * 3];
	struct writer w = writer_over(line, sizeof(line));
	struct curl_slist *more;

	for (; *parts; parts++)
		mail_write_plain(&w, *parts, '~');
	writer_u8(&w, '\0');
	more = w.overflow ? NULL : curl_slist_append(t->headers, line);
	if (!more)
		return -ENOMEM;
	t->headers = more;
	return 0;
}

static int mail_date(struct transfer *t)
{
	time_t now_s = (time_t)(clock_utc_ms() / 1000);
	char text[64];
	struct tm tm;

	if (!gmtime_r(&now_s, &tm) ||
	    !strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm))
		return -EINVAL;
	return mail_header(t, (const char *const[]){ "Date: ", text, NULL });
}

/* Message-ID is made of the recording's name alone: a mail that is sent again after a crash is the
 * same one for receivers that drop duplicates. */
static int mail_headers(struct transfer *t)
{
	const char *name = strrchr(t->path, '/') + 1;
	int err = mail_header(t, (const char *const[]){ "From: <", t->to.from, ">", NULL });

	for (uint32_t i = 0; !err && i < t->to.to_count; i++)
		err = mail_header(t, (const char *const[]){ "To: <", t->to.to[i], ">", NULL });
	if (!err)
		err = mail_header(
			t, (const char *const[]){ "Subject: Recording of a call: ", t->facts.from,
						  " to ", t->facts.to, NULL });
	if (!err)
		err = mail_header(t, (const char *const[]){ "Message-ID: <", name, "@tandem.",
							    t->node, ">", NULL });
	if (!err)
		err = mail_date(t);
	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return err;
}

static int mail_recipients(struct transfer *t)
{
	for (uint32_t i = 0; i < t->to.to_count; i++) {
		struct curl_slist *more = curl_slist_append(t->recipients, t->to.to[i]);

		if (!more)
			return -ENOMEM;
		t->recipients = more;
	}
	(void)curl_easy_setopt(t->easy, CURLOPT_MAIL_FROM, t->to.from);
	(void)curl_easy_setopt(t->easy, CURLOPT_MAIL_RCPT, t->recipients);
	return 0;
}

static bool mail_text(struct transfer *t)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text) - 1);
	curl_mimepart *part = curl_mime_addpart(t->mime);

	writer_str(&w, "From: ");
	mail_write_plain(&w, t->facts.from, 255);
	writer_str(&w, "\r\nTo: ");
	mail_write_plain(&w, t->facts.to, 255);
	writer_fmt(&w, "\r\nBegun: %s\r\nSeconds: %u\r\nCall: %s\r\n", t->facts.begun,
		   (unsigned)(t->facts.duration_ms / 1000), t->facts.call);
	return part && curl_mime_data(part, text, w.n) == CURLE_OK &&
	       curl_mime_type(part, "text/plain; charset=utf-8") == CURLE_OK &&
	       curl_mime_encoder(part, "quoted-printable") == CURLE_OK;
}

static bool mail_attach(struct transfer *t, const char *file, const char *name, const char *type)
{
	curl_mimepart *part = curl_mime_addpart(t->mime);

	return part && curl_mime_filedata(part, file) == CURLE_OK &&
	       curl_mime_filename(part, name) == CURLE_OK &&
	       curl_mime_type(part, type) == CURLE_OK &&
	       curl_mime_encoder(part, "base64") == CURLE_OK;
}

static bool mail_parts(struct transfer *t, const char *from)
{
	const char *name = strrchr(t->path, '/') + 1;
	char sidecar[FOLDER_PATH_MAX], sidecar_name[SIDECAR_FILE_MAX + 8];

	folder_path(sidecar, t->folder, t->path, "json");
	(void)snprintf(sidecar_name, sizeof(sidecar_name), "%s.json", name);
	t->mime = curl_mime_init(t->easy);
	return t->mime && mail_text(t) && mail_attach(t, from, name, mail_type(t)) &&
	       (!t->to.metadata || mail_attach(t, sidecar, sidecar_name, "application/json"));
}

static int transfer_mail(struct transfer *t, const char *from)
{
	int err = mail_headers(t);

	if (!err)
		err = mail_recipients(t);
	if (!err && !mail_parts(t, from))
		err = -ENOMEM;
	if (t->to.starttls && !strncmp(t->to.url, "smtp:", 5))
		(void)curl_easy_setopt(t->easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	(void)curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 0L);
	(void)curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
	(void)curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->mime);
	return err;
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

int transfer_read(const struct destination *from, const char *path, curl_write_callback write,
		  void *arg)
{
	static struct transfer t;
	static CURL *easy; /* of this process: the next file comes over the same connection */
	long status = 0;
	int err;

	easy = easy ? easy : curl_easy_init();
	t = (struct transfer){ .to = *from, .easy = easy };
	if (!t.easy)
		return -ENOMEM;
	curl_easy_reset(t.easy);
	(void)bytes_cstr(bytes_str(path), t.path, sizeof(t.path));
	transfer_usual(&t);
	err = transfer_url(&t);
	if (!err)
		err = transfer_s3_get(&t);
	(void)curl_easy_setopt(t.easy, CURLOPT_FAILONERROR, 1L);
	(void)curl_easy_setopt(t.easy, CURLOPT_LOW_SPEED_LIMIT, (long)READ_SLOW);
	(void)curl_easy_setopt(t.easy, CURLOPT_LOW_SPEED_TIME, (long)READ_LIMIT_S);
	(void)curl_easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, write);
	(void)curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, arg);
	if (!err && curl_easy_perform(t.easy) != CURLE_OK)
		err = -EIO;
	(void)curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_reset(t.easy); /* its secrets */
	curl_slist_free_all(t.headers);
	explicit_bzero(&t, sizeof(t));
	if (status == 404 || status == 403)
		return status == 404 ? -ENOENT : -EACCES;
	return err || status == 200 ? err : -EIO; /* it may be elsewhere */
}

static bool transfer_is_too_large(const struct transfer *t, const char *from,
				  struct outcome *outcome)
{
	struct stat st;

	if (!t->to.most || stat(from, &st) < 0 || (uint64_t)st.st_size <= t->to.most)
		return false;
	outcome_add(outcome, JOB_REFUSED,
		    "it has %llu octets, and max_mib of the destination allows %llu: raise it, or "
		    "fetch it by recording.get",
		    (unsigned long long)st.st_size, (unsigned long long)t->to.most);
	return true;
}

enum { COPY_PIECE = 1 << 20 };

/* base itself must be there. */
static int copy_folders(const char *base, const char *path)
{
	struct stat st;

	return stat(base, &st) < 0 ? -errno : folder_make(base, path);
}

static int copy_octets(int from, int to)
{
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, COPY_PIECE);
	} while (n > 0);
	return n < 0 || fsync(to) < 0 ? -errno : 0;
}

static int copy_file(const char *from, const char *to)
{
	int in = file_read_open(from), out, err;

	if (in < 0)
		return in == -ENOENT ? -ESTALE : in;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = out < 0 ? -errno : copy_octets(in, out);
	if (out >= 0 && close(out) < 0 && !err)
		err = -errno;
	(void)close(in);
	return err;
}

/* A rename counts when its folder is on the disk. */
static int copy_folder_sync(const char *file)
{
	char folder[FOLDER_PATH_MAX];
	int fd, err;

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

static int copy_run(const struct transfer *t, const char *from, const char *ending)
{
	char to[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err = copy_folders(t->to.url, t->path);

	folder_path(to, t->to.url, t->path, ending);
	if (snprintf(part, sizeof(part), "%s" PLACE_PART, to) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	if (!err)
		err = copy_file(from, part);
	if (!err && rename(part, to) < 0)
		err = -errno;
	return err ? err : copy_folder_sync(to);
}

/* Copies into a shared folder by a child, which may hang. */
static int transfer_copy(struct transfer *t, const char *from, const char *ending)
{
	pid_t parent = getpid();

	t->child = fork();
	if (t->child < 0) {
		t->child = 0;
		return -errno;
	}
	if (!t->child) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? -copy_run(t, from, ending) : EINTR);
	}
	t->child_end = (int)syscall(SYS_pidfd_open, t->child, 0);
	return t->child_end < 0 ? -errno : 0;
}

int curl_transfer_start(struct transfer *t, CURLM *multi, struct outcome *outcome)
{
	char from[FOLDER_PATH_MAX];
	int err;

	folder_path(from, t->folder, t->path, transfer_ending(t));
	if (t->to.fault[0]) {
		outcome_add(outcome, JOB_FAILED, "%s", t->to.fault);
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
		outcome_add(outcome, JOB_FAILED, "the delivery cannot begin: %s", strerror(-err));
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

/* Explains a failure, with what to do. */
static void outcome_http(const struct transfer *t, long status, struct outcome *o)
{
	const char *name = t->to.name;

	if (status == 401 || status == 403)
		outcome_add(o, JOB_REFUSED,
			    "%s answers %ld: look at user and password_file of this destination, "
			    "and at what that user may write",
			    name, status);
	else if (status == 404 || status == 405 || status == 409)
		outcome_add(o, JOB_REFUSED,
			    "%s answers %ld: look at its url and bucket; the server must take PUT "
			    "and make folders",
			    name, status);
	else if (status == 413)
		outcome_add(o, JOB_REFUSED, "%s answers 413: the file is too large for it", name);
	else if (status >= 300 && status < 400)
		outcome_add(o, JOB_REFUSED, "%s answers %ld, it is elsewhere: give its new url",
			    name, status);
	else if (status >= 400 && status < 500 && status != 408 && status != 429)
		outcome_add(o, JOB_REFUSED, "%s answers %ld: look into its log", name, status);
	else
		outcome_add(o, JOB_FAILED, "%s answers %ld", name, status);
}

/* 5xx of SMTP and FTP is for good. */
static bool outcome_is_final(const struct transfer *t, long status)
{
	return (t->to.kind == DESTINATION_MAIL || t->to.kind == DESTINATION_FTP) && status >= 500;
}

static void outcome_login(const struct transfer *t, struct outcome *o)
{
	outcome_add(o, JOB_REFUSED,
		    "%s does not let us in: look at user, password_file and key_file of this "
		    "destination",
		    t->to.name);
}

static void outcome_trust(const struct transfer *t, struct outcome *o)
{
	if (t->to.kind == DESTINATION_SFTP)
		outcome_add(o, JOB_REFUSED,
			    "the key of %s is not in known_hosts: make sure that it is the right "
			    "server, then add what ssh-keyscan prints",
			    t->to.name);
	else
		outcome_add(o, JOB_REFUSED,
			    "the certificate of %s is not trusted: look at ca of this destination, "
			    "and at the host in its url (%s)",
			    t->to.name, t->error);
}

/* Other deliveries to that destination would fail now, too. */
static bool outcome_is_of_all(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_OPERATION_TIMEDOUT || code == CURLE_SSL_CONNECT_ERROR;
}

static void outcome_other(const struct transfer *t, CURLcode code, long status, struct outcome *o)
{
	const char *text = t->error[0] ? t->error : curl_easy_strerror(code);
	enum job_event_kind kind = outcome_is_final(t, status) ? JOB_REFUSED : JOB_FAILED;

	o->unreachable = kind == JOB_FAILED && outcome_is_of_all(code);
	if (o->unreachable)
		outcome_add(o, kind, "%s cannot be reached: %s", t->to.name, text);
	else
		outcome_add(o, kind, "%s: %s", t->to.name, text);
}

void transfer_outcome(struct transfer *t, CURLcode code, struct outcome *o)
{
	long status = 0;

	*o = (struct outcome){ .kind = JOB_DELIVERED };
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_LOGIN_DENIED || code == CURLE_AUTH_ERROR)
		outcome_login(t, o);
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		outcome_trust(t, o);
	else if (code == CURLE_USE_SSL_FAILED)
		outcome_add(o, JOB_REFUSED,
			    "%s speaks no TLS: starttls: false would send the password in plain",
			    t->to.name);
	else if (code == CURLE_REMOTE_ACCESS_DENIED)
		outcome_add(o, JOB_REFUSED, "%s forbids the folder: look at its url (%s)",
			    t->to.name, t->error);
	else if (code != CURLE_OK)
		outcome_other(t, code, status, o);
	else if ((t->to.kind == DESTINATION_S3 || t->to.kind == DESTINATION_HTTP) &&
		 (status < 200 || status >= 300))
		outcome_http(t, status, o);
	if (t->upload)
		transfer_upload_answered(t, status, o);
}

void transfer_child_outcome(struct transfer *t, int status, struct outcome *o)
{
	int err = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;

	*o = (struct outcome){ .kind = JOB_DELIVERED };
	if (err == ENOENT)
		outcome_add(o, JOB_FAILED, "%s is not there: is it mounted?", t->to.url);
	else if (err == EACCES || err == EPERM || err == EROFS)
		outcome_add(o, JOB_REFUSED, "%s: %s: let the node's user write there", t->to.url,
			    strerror(err));
	else if (err)
		outcome_add(o, JOB_FAILED, "%s: %s", t->to.url, strerror(err));
	o->unreachable = o->kind == JOB_FAILED;
}
