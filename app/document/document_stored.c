/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of which commands need no more than what Redis has. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/command/command.h"
#include "app/document/document.h"
#include "app/node/node.h"

bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value)
{
	struct bytes text = shelf_text(&n->documents.keep.shelf, bytes_str(tenant),
				       bytes_str(kind->name), name);
	const char *reason;

	return text.n && !kind->read(n, value, text, &reason);
}

static bool stored_fails(struct command_run *run, const struct document_kind *kind)
{
	command_fail(run, COMMAND_NOT_FOUND, kind->argument, "there is no such %s", kind->name);
	return false;
}

bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX])
{
	struct bytes text = command_value(run, kind->argument)->text;

	if (shelf_version(&run->node->documents.keep.shelf, bytes_str(run->tenant),
			  bytes_str(kind->name), text))
		return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0;
	return stored_fails(run, kind);
}

static json_t *stored_show(const struct command_run *run, const struct document_kind *kind,
			   struct bytes name, void *value)
{
	return document_stored(run->node, run->tenant, kind, name, value)
		       ? kind->show(run->node, document_tenant(run), value)
		       : NULL;
}

void document_show(struct command_run *run, const struct document_kind *kind)
{
	void *value = calloc(1, kind->size);
	json_t *json =
		value ? stored_show(run, kind, command_value(run, kind->argument)->text, value)
		      : NULL;

	if (value)
		OPENSSL_cleanse(value, kind->size);
	free(value);
	if (json)
		command_answer(run, json);
	else
		(void)stored_fails(run, kind);
}

static int names_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Those of the tenant behind `after`, sorted. NULL: no memory. */
static char (*stored_names(const struct command_run *run, const struct document_kind *kind,
			   const char *after, size_t *count))[DOCUMENT_NAME_MAX]
{
	const struct shelf *shelf = &run->node->documents.keep.shelf;
	char(*list)[DOCUMENT_NAME_MAX] = calloc(shelf_count(shelf) + 1U, DOCUMENT_NAME_MAX);
	struct snapshot_document d;
	uint32_t cursor = 0;

	*count = 0;
	while (list && shelf_next(shelf, &cursor, &d)) {
		if (bytes_is(d.tenant, run->tenant) && bytes_is(d.kind, kind->name) &&
		    !bytes_cstr(d.name, list[*count], DOCUMENT_NAME_MAX) &&
		    strcmp(list[*count], after) > 0)
			(*count)++;
	}
	if (list)
		qsort(list, *count, DOCUMENT_NAME_MAX, names_order);
	return list;
}

void document_list(struct command_run *run, const struct document_kind *kind, const char *after,
		   size_t limit)
{
	size_t count;
	char(*names)[DOCUMENT_NAME_MAX] = stored_names(run, kind, after, &count);
	void *value = calloc(1, kind->size);
	json_t *list = json_array();

	for (size_t i = 0; names && value && i < count && i < limit; i++) {
		json_t *one = stored_show(run, kind, bytes_str(names[i]), value);

		if (one)
			(void)json_array_append_new(list, one);
	}
	if (value)
		OPENSSL_cleanse(value, kind->size);
	free(value);
	free(names);
	command_answer(run, list);
}
