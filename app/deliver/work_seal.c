/* SPDX-License-Identifier: Apache-2.0 */
/* A file is enveloped (app/record/envelope.h): NAME becomes NAME.cms, which has a sidecar of its own, and NAME goes. In a child. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/envelope.h"
#include "base/file.h"

static int seal_octets(const struct process *p, const char *path, const char *part)
{
	const struct terms_certificate *c = work_certificate(p, path);
	char name[FOLDER_PATH_MAX];
	int from, to, err;

	folder_path(name, p->terms.folder, path, "");
	from = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return -errno;
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = to < 0 ? -errno : envelope_write(bytes_str(c->pem), from, to);
	if (!err && fsync(to) < 0)
		err = -errno;
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err;
}

static int seal_file(const struct process *p, const char *path, const char *sealed)
{
	char name[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, sealed, "");
	folder_path(part, p->terms.folder, path, "sealing");
	err = seal_octets(p, path, part);
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

/* The sidecar comes when all is there, and then what was plain goes. */
int work_seal(const struct process *p, const char *path)
{
	char sealed[QUEUE_PATH_MAX];
	int err = work_place(sealed, path, WORK_SEAL) ? 0 : -ENAMETOOLONG;

	if (!err && !work_is_there(p, sealed, "json")) {
		err = seal_file(p, path, sealed);
		if (!err)
			err = work_sidecar(p, path, sealed, seal_facts);
	}
	return err ? err
		   : folder_delete(p->terms.folder, path, process_index_trace(p, FOLDER_REPLACED));
}
