/* SPDX-License-Identifier: Apache-2.0 */
/* The table of requests, and how the answer of one becomes that of the process. */

#include "app/archive/archive_request.h"

#include <errno.h>
#include <string.h>

#include "app/archive/archive_report.h"
#include "app/archive/contact/dav.h"
#include "base/clock.h"
#include "base/json_member.h"

static const struct archive_request g_requests[] = {
	{ "history.list", archive_history_list },
	{ "history.get", archive_history_get },
	{ "history.hide", archive_history_hide },
	{ "history.clear", archive_history_clear },
	{ "history.note", archive_history_note },
	{ "history.log", archive_history_log },
	{ "history.unlogged", archive_history_unlogged },
	{ "history.erase", archive_history_erase },
	{ "history.export", archive_history_export },
	{ "history.report", archive_history_report },
	{ "event.list", archive_event_list },
	{ "contact.put", contact_put },
	{ "contact.get", contact_get },
	{ "contact.delete", contact_delete },
	{ "contact.list", contact_list },
	{ "contact.find", contact_find },
	{ "contact.import", contact_import },
	{ "contact.export", contact_export },
	{ "contact.dav", contact_dav },
	{ "contact.backup", contact_backup },
	{ "contact.restore", contact_restore },
	{ "contact.mirror", contact_mirror },
	{ "contact.mirrored", contact_mirrored },
	{ "contact.sync.tell", contact_sync_notify },
	{ "contact.sync.claim", contact_sync_claim },
	{ "contact.sync.apply", contact_sync_apply },
	{ "contact.sync.end", contact_sync_end },
	{ "contact.sync.wish", contact_sync_wish },
	{ "contact.sync.state", contact_sync_state },
	{ "contact.sync.drop", contact_sync_drop },
	{ "contact.note.put", contact_note_put },
	{ "contact.note.list", contact_note_list },
	{ "contact.note.delete", contact_note_delete },
};

const struct archive_request *archive_request_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(g_requests); i++) {
		if (!strcmp(name, g_requests[i].name))
			return &g_requests[i];
	}
	return NULL;
}

/* Of commands; NULL: it has failed. */
static const char *request_error(int err)
{
	switch (err) {
	case -EINVAL:
		return "bad_argument";
	case -ENOENT:
		return "not_found";
	case -EEXIST:
		return "conflict";
	case -ENOBUFS:
		return "full";
	case -EPERM:
		return "not_allowed";
	default:
		return NULL;
	}
}

json_t *archive_request_answer(struct archive *a, const struct archive_request *r,
			       const json_t *args)
{
	char why[SQL_WHY_MAX] = "";
	json_t *result = NULL;
	int err = r->answer(a, args, &result, why);
	const char *code = err ? request_error(err) : NULL;

	if (!err)
		return json_pack("{s:o}", "result", result);
	json_decref(result);
	if (code)
		return json_pack("{s:s, s:s}", "error", code, "why", why[0] ? why : strerror(-err));
	return json_pack("{s:s}", "failed",
			 why[0]           ? why
			 : err == -EIO    ? "the archive cannot do it: its log says why"
			 : err == -ENOSPC ? "the disk of the archive is full"
					  : "the database of the archive does not answer");
}

struct bytes archive_arg(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

int64_t archive_arg_now(const json_t *args)
{
	json_int_t now_ms = json_integer_value(json_object_get(args, "now_ms"));

	return now_ms ? now_ms : (int64_t)clock_utc_ms();
}
