/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a set's document, and an entry of one, that is read is the same when it was written and is read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/set_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_document(struct bytes text)
{
	struct set_value v, again;
	const char *reason = NULL;
	json_t *json;
	char *written;

	memset(&v, 0, sizeof(v));
	memset(&again, 0, sizeof(again));
	if (set_document_read(&v, text, &reason)) {
		assert(reason);
		return;
	}
	assert(v.version_count && v.version_count <= SET_VERSIONS_MAX &&
	       v.tenant_count <= SET_TENANTS_MAX && v.moves <= v.versions[0].entries);
	json = set_document(&v);
	written = json_dumps(json, JSON_COMPACT);
	assert(written && !set_document_read(&again, bytes_str(written), &reason));
	assert(!memcmp(&v, &again, sizeof(v)));
	free(written);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };
	struct set_entry e;
	struct writer w;
	uint8_t *buf;

	check_document(text);
	if (set_entry_read(&e, text))
		return 0;
	buf = malloc(size + 32);
	assert(buf);
	w = writer_over(buf, size + 32);
	set_entry_write(&w, &e);
	/* numbers may have zeros before them */
	assert(!w.overflow && w.n <= size && !set_entry_read(&e, writer_done(&w)));
	free(buf);
	return 0;
}
