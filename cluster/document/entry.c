/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/entry.h"

#include <assert.h>
#include <errno.h>

#include "cluster/document/snapshot.h"

static const char *const g_events[] = {
	[DOCUMENT_PUT] = "put",
	[DOCUMENT_DELETE] = "delete",
	[DOCUMENT_RESTORE] = "restore",
};

const char *document_event_name(enum document_event event)
{
	assert((size_t)event < COUNT_OF(g_events));
	return g_events[event];
}

void document_entry_begin(struct document_entry *e)
{
	*e = (struct document_entry){ 0 };
}

static void entry_event(struct document_entry *e, struct bytes name, struct bytes value)
{
	for (size_t i = 0; i < COUNT_OF(g_events); i++) {
		if (bytes_is(name, g_events[i])) {
			e->event = (enum document_event)i;
			e->json = value;
			e->events++;
		}
	}
}

void document_entry_field(struct document_entry *e, struct bytes name, struct bytes value)
{
	if (bytes_is(name, "history")) {
		e->history = value;
	} else if (bytes_is(name, "tenant")) {
		e->tenant = value;
	} else if (bytes_is(name, "kind")) {
		e->kind = value;
	} else if (bytes_is(name, "name")) {
		e->name = value;
	} else if (bytes_is(name, "version")) {
		e->versioned = true;
		e->bad_version = bytes_u64(value, &e->version) != 0;
	} else {
		entry_event(e, name, value);
	}
}

static bool entry_name_fits(struct bytes text)
{
	return text.n > 0 && text.n <= SNAPSHOT_NAME_MAX && bytes_find(text, 0) == text.n;
}

const char *document_entry_check(const struct document_entry *e)
{
	if (!entry_name_fits(e->tenant) || bytes_find(e->tenant, ':') < e->tenant.n)
		return "tenant is no name";
	if (!entry_name_fits(e->kind) || !entry_name_fits(e->name))
		return "kind or name is none";
	if (!e->versioned || e->bad_version)
		return "version is no number";
	if (e->events != 1)
		return "not one change";
	if ((e->event == DOCUMENT_DELETE) != (e->json.n == 0))
		return "a document without a text, or a deletion with one";
	return e->json.n > SNAPSHOT_TEXT_MAX ? "longer than any document" : NULL;
}

int stream_id_read(struct stream_id *out, struct bytes text)
{
	size_t dash = bytes_find(text, '-');
	struct stream_id id;

	if (dash == text.n || bytes_u64(bytes_sub(text, 0, dash), &id.ms) ||
	    bytes_u64(bytes_from(text, dash + 1), &id.number))
		return -EINVAL;
	*out = id;
	return 0;
}

bool stream_id_is_below(struct stream_id a, struct stream_id b)
{
	return a.ms < b.ms || (a.ms == b.ms && a.number < b.number);
}
