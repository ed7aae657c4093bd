/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forwarded message (docs/adr/0126): its fetched parts get another id in another mailbox, each
 * with its own sidecar there. No octets are copied: a file has two names. Idempotent.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/record/record_facts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_member.h"
#include "base/log.h"

struct forward {
	const struct process *p;
	const char *tenant, *from;
	const json_t *parts; /* in their order */
	const char *id, *box;
	uint64_t now_ms;
};

/* TENANT/DATE/ID.SEGMENT.FORMAT; segment 0: that of all of it. */
static bool forward_path(const struct forward *f, size_t segment, const char *format,
			 char out[QUEUE_PATH_MAX])
{
	char day[FOLDER_DATE_LEN + 1], number[24] = "";

	folder_day(day, f->now_ms / 1000);
	if (segment)
		(void)snprintf(number, sizeof(number), ".%zu", segment);
	return snprintf(out, QUEUE_PATH_MAX, "%s/%s/%s%s.%s", f->tenant, day, f->id, number,
			format) < QUEUE_PATH_MAX &&
	       folder_path_fits(bytes_str(out));
}

static json_t *forward_sidecar(const struct forward *f, size_t i, const char *path,
			       const char *format)
{
	const json_t *part = json_array_get(f->parts, i);
	char at[WAV_TIME_LEN + 1];

	wav_time_put(at, f->now_ms);
	at[WAV_TIME_LEN] = '\0';
	return json_pack("{s:s, s:s#, s:i, s:I, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
			 "s:s, s:O, s:O}",
			 "recording", f->id, "call", f->id, SIDECAR_CALL_LEN, "number", 1,
			 "segment", (json_int_t)i + 1, "last", i + 1 == json_array_size(f->parts),
			 "interrupted", 0, "tenant", f->tenant, "file", strrchr(path, '/') + 1,
			 "format", format, "begun", at, "ended", at, "from", f->from, "to", f->box,
			 "mailbox", f->box, "cause", "message", "duration_ms",
			 json_object_get(part, "ms"), "octets", json_object_get(part, "octets"));
}

/* Also when it is encrypted by now. */
static bool forward_has(const struct forward *f, const char *path)
{
	return work_is_there(f->p, path, "json") ||
	       work_is_there(f->p, path, AES128GCM_KIND ".json");
}

/* The sidecar comes last: a crash before leaves no message. 0 or -errno. */
static int forward_part(const struct forward *f, size_t i)
{
	const char *name = json_text(json_array_get(f->parts, i), "name");
	const char *dot = strrchr(name, '.'), *format = dot ? dot + 1 : "";
	char path[QUEUE_PATH_MAX], from[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX],
		sidecar[FOLDER_PATH_MAX];
	json_t *json;
	char *text;
	int err;

	if (!folder_path_fits(bytes_str(name)) || !forward_path(f, i + 1, format, path))
		return -EINVAL;
	folder_path(to, f->p->terms.folder, path, "");
	folder_path(sidecar, f->p->terms.folder, path, "json");
	if (forward_has(f, path))
		return 0;
	err = copy_fetched(&f->p->terms, name, "", from);
	if (!err)
		err = folder_make(f->p->terms.folder, path);
	if (!err && link(from, to) < 0 && errno != EEXIST)
		err = -errno;
	json = forward_sidecar(f, i, path, format);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!err)
		err = text ? file_replace(sidecar, 0600, bytes_str(text)) : -ENOMEM;
	if (err) /* without a sidecar it would be a recording that was cut off */
		(void)unlink(to);
	free(text);
	json_decref(json);
	return err;
}

/* Its parts have become one meanwhile. */
static bool forward_is_whole(const struct forward *f)
{
	char path[QUEUE_PATH_MAX];

	return forward_path(f, 0, g_sidecar_formats[SIDECAR_WAV], path) && forward_has(f, path);
}

int process_forward(struct process *p, const char *tenant, const json_t *args)
{
	struct forward f = { .p = p,
			     .tenant = tenant,
			     .from = json_text(args, "from"),
			     .parts = json_object_get(args, "parts"),
			     .now_ms = clock_utc_ms() };
	json_t *copy;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(args, "copies"), i, copy)
	{
		f.id = json_text(copy, "message");
		f.box = json_text(copy, "mailbox");
		if (strlen(f.id) <= SIDECAR_CALL_LEN)
			return -EINVAL;
		for (size_t k = 0; !err && !forward_is_whole(&f) && k < json_array_size(f.parts);
		     k++)
			err = forward_part(&f, k);
	}
	if (err)
		LOG_WARN("recordings", 0, "a message is not forwarded",
			 LOG_STR("error", strerror(-err)));
	p->scan_ms = p->look_ms < p->scan_ms ? p->look_ms : p->scan_ms;
	return err;
}
