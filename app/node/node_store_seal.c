/* SPDX-License-Identifier: Apache-2.0 */
/* For whom recordings are encrypted: the certificates, from their files. The process that does it gets their text. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/node/node.h"
#include "app/node/node_store.h"
#include "app/record/envelope.h"
#include "base/clock.h"
#include "base/log.h"

static const char *seal_read(const char *path, char out[ENVELOPE_PEM_MAX])
{
	struct stat st;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = fd < 0 ? errno : 0;

	out[0] = '\0';
	if (err)
		return strerror(err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err = EINVAL;
	else if ((n = read(fd, out, ENVELOPE_PEM_MAX)) < 0)
		err = errno;
	(void)close(fd);
	if (!err && n < ENVELOPE_PEM_MAX) {
		out[n] = '\0';
		return NULL;
	}
	out[0] = '\0';
	return err ? strerror(err) : "it is too long: at most 32 KiB";
}

bool node_store_certificate(const char *path, char pem[ENVELOPE_PEM_MAX],
			    char reason[ENVELOPE_REASON_MAX], uint64_t *expires_utc_s)
{
	const char *why = seal_read(path, pem);

	*expires_utc_s = UINT64_MAX;
	if (!why)
		return envelope_fits(bytes_str(pem), expires_utc_s, reason);
	(void)snprintf(reason, ENVELOPE_REASON_MAX, "%s", why);
	return false;
}

/* tenant "": of all. What cannot be used is told as well: those recordings wait then. */
static json_t *seal_json(const char *tenant, const char *path)
{
	static char pem[ENVELOPE_PEM_MAX]; /* control alone */
	char reason[ENVELOPE_REASON_MAX], fault[256] = "";
	uint64_t expires;

	if (!node_store_certificate(path, pem, reason, &expires)) {
		LOG_ERROR("recordings", 0,
			  "a certificate of recordings cannot be used: they are not encrypted, and "
			  "go nowhere",
			  LOG_STR("file", path), LOG_STR("why", reason));
		(void)snprintf(fault, sizeof(fault), "%s: %.160s", path, reason);
		pem[0] = '\0';
	} else if (expires < clock_utc_ms() / 1000) {
		LOG_WARN("recordings", 0,
			 "a certificate of recordings has expired: it is used all the same; give a "
			 "new one",
			 LOG_STR("file", path));
	}
	return json_pack("{s:s, s:s, s:s}", "tenant", tenant, "pem", pem, "fault", fault);
}

json_t *node_store_certificates(const struct node *n)
{
	const struct settings_recordings *r = &n->settings.recordings;
	json_t *list = json_array();

	if (r->certificate[0])
		(void)json_array_append_new(list, seal_json("", r->certificate));
	for (uint32_t i = 0; i < r->tenant_certificate_count; i++)
		(void)json_array_append_new(list, seal_json(r->tenant_certificates[i].tenant,
							    r->tenant_certificates[i].file));
	return list;
}
