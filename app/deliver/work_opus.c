/* SPDX-License-Identifier: Apache-2.0 */
/* A WAV file is coded as Opus (app/record/record_opus.h): NAME.wav becomes NAME.opus, or has it beside itself. In a child. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/record_opus.h"
#include "base/file.h"

static void opus_tag(struct record_opus_tags *tags, const char *name, const char *text)
{
	if (text[0])
		(void)snprintf(tags->of[tags->count++], RECORD_OPUS_TAG_MAX, "%s=%s", name, text);
}

static void opus_tags(struct record_opus_tags *tags, const struct sidecar *facts)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", facts->number);
	opus_tag(tags, "CALL", facts->call);
	opus_tag(tags, "RECORDING", number);
	opus_tag(tags, "TENANT", facts->tenant);
	opus_tag(tags, "FROM", facts->from);
	opus_tag(tags, "TO", facts->to);
	opus_tag(tags, "DATE", facts->begun);
	opus_tag(tags, "CHANNELS", "left is what was said, right what was heard");
}

static void opus_facts(json_t *facts)
{
	(void)json_object_set_new(facts, "format", json_string("opus"));
	(void)json_object_set_new(facts, "codec", json_string("OPUS"));
}

static int opus_octets(const struct process *p, const char *path, const char *part,
		       const struct sidecar *facts)
{
	struct record_opus_tags tags = { 0 };
	char name[FOLDER_PATH_MAX];
	uint64_t call = 0;
	int from, to, err;

	folder_path(name, p->terms.folder, path, "");
	from = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return -errno;
	opus_tags(&tags, facts);
	(void)base32_u64_get(bytes_str(facts->call), &call);
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = to < 0 ? -errno : record_opus_write(from, to, (uint32_t)call + facts->number, &tags);
	if (!err && fsync(to) < 0)
		err = -errno;
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err;
}

static int opus_file(const struct process *p, const char *path, const char *coded,
		     const struct sidecar *facts)
{
	char name[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, coded, "");
	folder_path(part, p->terms.folder, path, "coding");
	err = opus_octets(p, path, part, facts);
	if (!err && rename(part, name) < 0)
		err = -errno;
	if (err)
		(void)unlink(part);
	return err;
}

int work_opus_mark(const struct process *p, const char *path)
{
	char name[FOLDER_PATH_MAX];
	int err;

	folder_path(name, p->terms.folder, path, WORK_CODED);
	err = file_create(name, 0600, bytes_str(""));
	return err == -EEXIST ? 0 : err;
}

/* The sidecar comes when all is there, and then what it was made of goes, or has its mark. */
int work_opus(const struct process *p, const char *path)
{
	char coded[QUEUE_PATH_MAX], *text;
	struct sidecar facts;
	size_t n;
	int err = work_place(coded, path, WORK_OPUS) ? 0 : -ENAMETOOLONG;

	if (!err && !work_is_there(p, coded, "json")) {
		err = folder_sidecar_load(p->terms.folder, path, &text, &n);
		if (err)
			return err;
		err = sidecar_parse(&facts, bytes_mem(text, n));
		free(text);
		if (!err)
			err = opus_file(p, path, coded, &facts);
		if (!err)
			err = work_sidecar(p, path, coded, opus_facts);
	}
	if (err)
		return err;
	return p->terms.opus == TERMS_OPUS_REPLACE
		       ? folder_delete(p->terms.folder, path,
				       process_index_trace(p, FOLDER_REPLACED))
		       : work_opus_mark(p, path);
}
