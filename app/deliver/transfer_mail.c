/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As an attachment. Its Message-ID is made of the recording's name alone: a mail that is sent a second time, after a death at the very
 * moment, is the same one for whoever drops doubles.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "app/deliver/transfer.h"
#include "base/clock.h"

static const char *mail_type(const struct transfer *t)
{
	if (t->facts.sealed)
		return "application/cms"; /* RFC 7193 */
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

int transfer_mail(struct transfer *t, const char *from)
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
