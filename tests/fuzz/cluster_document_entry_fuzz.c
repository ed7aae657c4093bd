/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of an entry of the log, as anybody may have added it: two octets each (which name, how long the value is), then the value;
 * the last one takes what is left. What is read as a change lies within, keeps its bounds, and says the same when it is written and read again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/document/log.h"
#include "cluster/document/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const g_names[] = { "history", "tenant",  "kind",   "name", "version",
				       "put",     "restore", "delete", "later" };

static bool is_within(struct bytes part, struct bytes whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void fields_read(struct document_entry *e, struct bytes in)
{
	document_entry_start(e);
	while (in.n >= 2) {
		const char *name = g_names[in.p[0] % COUNT_OF(g_names)];
		size_t n = in.p[1];

		if (in.n - 2 < n || n == UINT8_MAX)
			n = in.n - 2;
		document_entry_field(e, bytes_str(name), bytes_sub(in, 2, n));
		in = bytes_from(in, 2 + n);
	}
}

static void entry_check(const struct document_entry *e, struct bytes in)
{
	assert(is_within(e->tenant, in) && is_within(e->kind, in) && is_within(e->name, in));
	assert(is_within(e->json, in) && is_within(e->history, in));
	assert(e->tenant.n > 0 && e->tenant.n <= SNAPSHOT_NAME_MAX);
	assert(e->kind.n > 0 && e->kind.n <= SNAPSHOT_NAME_MAX);
	assert(e->name.n > 0 && e->name.n <= SNAPSHOT_NAME_MAX);
	assert(!memchr(e->tenant.p, ':', e->tenant.n) && !memchr(e->name.p, 0, e->name.n));
	assert(e->json.n <= SNAPSHOT_TEXT_MAX);
	assert((e->json.n == 0) == (e->event == DOCUMENT_DELETE));
}

/* As the scripts write it. */
static void again_check(const struct document_entry *e)
{
	struct document_entry again;
	char version[24];
	struct writer w = writer_over(version, sizeof(version));

	writer_u64(&w, e->version);
	document_entry_start(&again);
	document_entry_field(&again, BYTES_LIT("history"), e->history);
	document_entry_field(&again, BYTES_LIT("tenant"), e->tenant);
	document_entry_field(&again, BYTES_LIT("kind"), e->kind);
	document_entry_field(&again, BYTES_LIT("name"), e->name);
	document_entry_field(&again, BYTES_LIT("version"), writer_done(&w));
	document_entry_field(&again, bytes_str(document_event_name(e->event)), e->json);
	assert(!document_entry_check(&again));
	assert(again.version == e->version && again.event == e->event);
	assert(bytes_eq(again.tenant, e->tenant) && bytes_eq(again.kind, e->kind));
	assert(bytes_eq(again.name, e->name) && bytes_eq(again.json, e->json));
}

static void id_check(struct bytes text)
{
	struct stream_id id, again;
	char buf[48];
	struct writer w = writer_over(buf, sizeof(buf));

	if (stream_id_read(&id, text))
		return;
	writer_u64(&w, id.ms);
	writer_u8(&w, '-');
	writer_u64(&w, id.number);
	assert(!w.overflow && !stream_id_read(&again, writer_done(&w)));
	assert(!stream_id_is_below(id, again) && !stream_id_is_below(again, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct document_entry e;
	struct bytes in;

	assert(copy);
	if (size)
		memcpy(copy, data, size);
	in = bytes_mem(copy, size);
	id_check(in);
	fields_read(&e, in);
	if (!document_entry_check(&e)) {
		entry_check(&e, in);
		again_check(&e);
	}
	free(copy);
	return 0;
}
