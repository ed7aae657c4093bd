/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure means, and what to do about it, in words. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "app/deliver/transfer.h"

static void outcome_http(const struct transfer *t, long status, struct outcome *o)
{
	const char *name = t->to.name;

	if (status == 401 || status == 403)
		outcome_say(o, JOB_REFUSED,
			    "%s answers %ld: look at user and password_file of this destination, "
			    "and at what that user may write",
			    name, status);
	else if (status == 404 || status == 405 || status == 409)
		outcome_say(o, JOB_REFUSED,
			    "%s answers %ld: look at its url and bucket; the server must take PUT "
			    "and make folders",
			    name, status);
	else if (status == 413)
		outcome_say(o, JOB_REFUSED, "%s answers 413: the file is too large for it", name);
	else if (status >= 300 && status < 400)
		outcome_say(o, JOB_REFUSED, "%s answers %ld, it is elsewhere: give its new url",
			    name, status);
	else if (status >= 400 && status < 500 && status != 408 && status != 429)
		outcome_say(o, JOB_REFUSED, "%s answers %ld: look into its log", name, status);
	else
		outcome_say(o, JOB_FAILED, "%s answers %ld", name, status);
}

/* 5xx of SMTP and FTP is for good. */
static bool outcome_is_final(const struct transfer *t, long status)
{
	return (t->to.kind == DESTINATION_MAIL || t->to.kind == DESTINATION_FTP) && status >= 500;
}

static void outcome_login(const struct transfer *t, struct outcome *o)
{
	outcome_say(o, JOB_REFUSED,
		    "%s does not let us in: look at user, password_file and key_file of this "
		    "destination",
		    t->to.name);
}

static void outcome_trust(const struct transfer *t, struct outcome *o)
{
	if (t->to.kind == DESTINATION_SFTP)
		outcome_say(o, JOB_REFUSED,
			    "the key of %s is not in known_hosts: make sure that it is the right "
			    "server, then add what ssh-keyscan prints",
			    t->to.name);
	else
		outcome_say(o, JOB_REFUSED,
			    "the certificate of %s is not believed: look at ca of this "
			    "destination, and at the host in its url (%s)",
			    t->to.name, t->error);
}

/* No one else's delivery to that destination will go better now. */
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
		outcome_say(o, kind, "%s cannot be reached: %s", t->to.name, text);
	else
		outcome_say(o, kind, "%s: %s", t->to.name, text);
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
		outcome_say(o, JOB_REFUSED,
			    "%s speaks no TLS: starttls: false would send the password in plain",
			    t->to.name);
	else if (code == CURLE_REMOTE_ACCESS_DENIED)
		outcome_say(o, JOB_REFUSED, "%s forbids the folder: look at its url (%s)",
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
		outcome_say(o, JOB_FAILED, "%s is not there: is it mounted?", t->to.url);
	else if (err == EACCES || err == EPERM || err == EROFS)
		outcome_say(o, JOB_REFUSED, "%s: %s: let the node's user write there", t->to.url,
			    strerror(err));
	else if (err)
		outcome_say(o, JOB_FAILED, "%s: %s", t->to.url, strerror(err));
	o->unreachable = o->kind == JOB_FAILED;
}
