/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of mailboxes that leave the node: as a mail (SMTP), and for transcription (POST of
 * multipart/form-data, as OpenAI's audio/transcriptions and Whisper servers take it). Both have
 * files, which are read here. The operator names the server: no network is barred, and certificates
 * are verified.
 *
 * args: url, ca, user, secret, starttls, files (a list of name, path and fetched: it is at one of
 * them); of a mail: from, to, subject, id, text; of the other: model, language.
 * result: of a mail: {}; of the other: text. Or reason, and refused: waiting changes nothing;
 * absent: a file has to be fetched first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/helper/helper.h"
#include "app/helper/mail_words.h"
#include "base/file.h"
#include "base/json_member.h"

enum { MAIL_ANSWER_MAX = 65536, MAIL_LINE_MAX = 1024, MAIL_CONNECT_MS = 10000 };

struct mail {
	json_t *args; /* a reference */
	struct http_own own;
	curl_mime *mime;
	struct curl_slist *headers, *recipients;
};

static const char *mail_arg(const struct mail *m, const char *name)
{
	return json_text(m->args, name);
}

static bool mail_line(struct mail *m, const char *line)
{
	struct curl_slist *more = curl_slist_append(m->headers, line);

	if (more)
		m->headers = more;
	return more != NULL;
}

/* A value that would begin another line is left out. */
static bool mail_head(struct mail *m, const char *name, const char *value, const char *end)
{
	char line[MAIL_LINE_MAX];

	(void)snprintf(line, sizeof(line), "%s%s%s", name, value, end);
	for (char *p = line; *p; p++)
		*p = *p < ' ' || *p > '~' ? '?' : *p;
	return mail_line(m, line);
}

static bool mail_subject(struct mail *m)
{
	char line[MAIL_LINE_MAX];
	struct writer w = writer_over(line, sizeof(line));

	writer_str(&w, "Subject: ");
	mail_words_write(&w, bytes_str(mail_arg(m, "subject")));
	writer_u8(&w, 0);
	return !w.overflow && mail_line(m, line);
}

static bool mail_part(struct mail *m, const char *name, const char *value)
{
	curl_mimepart *part = value[0] ? curl_mime_addpart(m->mime) : NULL;

	return !value[0] || (part && curl_mime_name(part, name) == CURLE_OK &&
			     curl_mime_data(part, value, CURL_ZERO_TERMINATED) == CURLE_OK);
}

/* Path of the file, own or fetched. NULL: neither.
 * A FIFO would block libcurl, and a link is not followed. */
static const char *mail_path(const json_t *file)
{
	static const char *const keys[] = { "path", "fetched" };

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *path = json_string_value(json_object_get(file, keys[i]));
		int fd = path ? file_read_open(path) : -ENOENT;

		if (fd < 0)
			continue;
		(void)close(fd);
		return path;
	}
	return NULL;
}

/* Whether all are here; else that is the answer. */
static bool mail_has_files(struct helper *h, struct helper_request *r, const json_t *args)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(args, "files"), i, one)
	{
		if (!mail_path(one)) {
			helper_answer(h, r,
				      json_pack("{s:s, s:b}", "reason", "its audio is not here yet",
						"absent", 1));
			return false;
		}
	}
	return true;
}

/* name: of the field; NULL: an attachment. */
static bool mail_files(struct mail *m, const char *name)
{
	const json_t *files = json_object_get(m->args, "files"), *one;
	size_t i;

	json_array_foreach(files, i, one)
	{
		const char *file = json_string_value(json_object_get(one, "name"));
		const char *path = mail_path(one);
		curl_mimepart *part = curl_mime_addpart(m->mime);

		if (!file || !path || !part || curl_mime_filedata(part, path) != CURLE_OK ||
		    curl_mime_filename(part, file) != CURLE_OK ||
		    curl_mime_type(part, "audio/wav") != CURLE_OK ||
		    (name ? curl_mime_name(part, name) : curl_mime_encoder(part, "base64")) !=
			    CURLE_OK)
			return false;
	}
	return true;
}

static bool mail_usual(struct mail *m, struct helper_request *r, const char *protocols)
{
	if (!http_own_open(&m->own, r, mail_arg(m, "url"), protocols, mail_arg(m, "ca"),
			   MAIL_ANSWER_MAX))
		return false;
	(void)curl_easy_setopt(m->own.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MAIL_CONNECT_MS);
	m->mime = curl_mime_init(m->own.easy);
	return m->mime;
}

/* NULL: it is answered. */
static struct mail *mail_make(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct mail *m;

	if (!mail_has_files(h, r, args))
		return NULL;
	m = calloc(1, sizeof(*m));
	r->work = m;
	if (m)
		m->args = json_incref((json_t *)(uintptr_t)args);
	else
		helper_fail(h, r, "out of memory");
	return m;
}

static void mail_go(struct helper *h, struct helper_request *r, bool ok)
{
	struct mail *m = r->work;

	if (!ok || curl_easy_setopt(m->own.easy, CURLOPT_HTTPHEADER, m->headers) != CURLE_OK ||
	    curl_easy_setopt(m->own.easy, CURLOPT_MIMEPOST, m->mime) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, m->own.easy) != CURLM_OK)
		helper_fail(h, r, "out of memory, or a file cannot be read");
}

/* ---- a mail ---- */

static bool mail_heads(struct mail *m)
{
	time_t now_s = (time_t)(clock_utc_ms() / 1000);
	char date[64];
	struct tm tm;

	return gmtime_r(&now_s, &tm) &&
	       strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm) &&
	       mail_head(m, "Date: ", date, "") &&
	       mail_head(m, "From: <", mail_arg(m, "from"), ">") &&
	       mail_head(m, "To: <", mail_arg(m, "to"), ">") && mail_subject(m) &&
	       mail_head(m, "Message-ID: <", mail_arg(m, "id"), ">") &&
	       mail_head(m, "Auto-Submitted: ", "auto-generated", ""); /* RFC 3834 5 */
}

static bool mail_body(struct mail *m)
{
	curl_mimepart *part = curl_mime_addpart(m->mime);

	return part &&
	       curl_mime_data(part, mail_arg(m, "text"), CURL_ZERO_TERMINATED) == CURLE_OK &&
	       curl_mime_type(part, "text/plain; charset=utf-8") == CURLE_OK &&
	       curl_mime_encoder(part, "quoted-printable") == CURLE_OK;
}

/* STARTTLS is required, unless mail.starttls turns it off. */
static bool mail_login(struct mail *m)
{
	if (json_flag(m->args, "starttls") && !strncmp(mail_arg(m, "url"), "smtp:", 5))
		(void)curl_easy_setopt(m->own.easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (!mail_arg(m, "user")[0])
		return true;
	return curl_easy_setopt(m->own.easy, CURLOPT_USERNAME, mail_arg(m, "user")) == CURLE_OK &&
	       curl_easy_setopt(m->own.easy, CURLOPT_PASSWORD, mail_arg(m, "secret")) == CURLE_OK;
}

static void mail_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct mail *m = mail_make(h, r, args);
	bool ok = m && mail_usual(m, r, "smtp,smtps");

	if (!m)
		return;
	m->recipients = curl_slist_append(NULL, mail_arg(m, "to"));
	mail_go(h, r,
		ok && m->recipients && mail_heads(m) && mail_body(m) && mail_files(m, NULL) &&
			mail_login(m) &&
			curl_easy_setopt(m->own.easy, CURLOPT_MAIL_FROM, mail_arg(m, "from")) ==
				CURLE_OK &&
			curl_easy_setopt(m->own.easy, CURLOPT_MAIL_RCPT, m->recipients) ==
				CURLE_OK);
}

static void mail_failed(struct helper *h, struct helper_request *r, const char *text, long status,
			bool refused)
{
	char reason[CURL_ERROR_SIZE + 32];

	(void)snprintf(reason, sizeof(reason), status ? "%s (%ld)" : "%s", text, status);
	helper_answer(h, r, json_pack("{s:s, s:b}", "reason", reason, "refused", refused));
}

static void mail_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	const struct mail *m = r->work;
	long status = 0;

	(void)curl_easy_getinfo(m->own.easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK)
		helper_answer(h, r, json_object());
	else
		mail_failed(h, r, m->own.error[0] ? m->own.error : curl_easy_strerror(code), status,
			    status >= 500 || code == CURLE_LOGIN_DENIED ||
				    code == CURLE_PEER_FAILED_VERIFICATION);
}

static void mail_end(struct helper *h, struct helper_request *r)
{
	struct mail *m = r->work;

	if (!m)
		return;
	http_own_close(h, &m->own);
	curl_mime_free(m->mime);
	curl_slist_free_all(m->headers);
	curl_slist_free_all(m->recipients);
	json_decref(m->args);
	free(m);
	r->work = NULL;
}

const struct helper_kind g_helper_mail = {
	.name = "mail",
	.begin = mail_start,
	.fetched = mail_fetched,
	.end = mail_end,
};

/* ---- transcription ---- */

static void transcribe_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct mail *m = mail_make(h, r, args);
	bool ok = m && mail_usual(m, r, "http,https");

	if (!m)
		return;
	if (ok && mail_arg(m, "secret")[0])
		ok = mail_head(m, "Authorization: Bearer ", mail_arg(m, "secret"), "");
	mail_go(h, r,
		ok && mail_head(m, "Accept: ", "application/json", "") &&
			mail_part(m, "model", mail_arg(m, "model")) &&
			mail_part(m, "language", mail_arg(m, "language")) &&
			mail_part(m, "response_format", "json") && mail_files(m, "file"));
}

static void transcribe_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	const struct mail *m = r->work;
	json_t *answer = NULL;
	const char *text;
	long status = 0;

	(void)curl_easy_getinfo(m->own.easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && status >= 200 && status < 300)
		answer = json_loadb(m->own.answer ? m->own.answer : "", m->own.answer_n, 0, NULL);
	text = json_string_value(json_object_get(answer, "text"));
	if (text)
		helper_answer(h, r, json_pack("{s:s}", "text", text));
	else if (code != CURLE_OK)
		mail_failed(h, r, m->own.error[0] ? m->own.error : curl_easy_strerror(code), 0,
			    code == CURLE_PEER_FAILED_VERIFICATION);
	else
		mail_failed(h, r, "it answers without a text", status,
			    status >= 400 && status < 500 && status != 408 && status != 429);
	json_decref(answer);
}

const struct helper_kind g_helper_transcribe = {
	.name = "transcribe",
	.begin = transcribe_start,
	.fetched = transcribe_fetched,
	.end = mail_end,
};
