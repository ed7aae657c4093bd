/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of which commands need no more than what Redis has. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/command/command_handlers.h"
#include "app/document/document.h"
#include "app/node/node.h"

bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value)
{
	struct bytes text = shelf_text(&n->api.documents->keep.shelf, bytes_str(tenant),
				       bytes_str(kind->name), name);
	const char *reason;

	return text.n && !document_value(n, kind, value, text, &reason);
}

bool document_missing(struct command_run *run, const struct document_kind *kind)
{
	struct bytes name = bytes_str(run->command->name);
	char list[64];

	while (name.n && name.p[name.n - 1] != '.')
		name.n--;
	(void)snprintf(list, sizeof(list), BYTES_FMT "list", BYTES_ARG(name));
	if (command_find(bytes_str(list)))
		command_fail(run, COMMAND_NOT_FOUND, kind->argument,
			     "there is no such %s: %s shows those that there are", kind->name,
			     list);
	else
		command_fail(run, COMMAND_NOT_FOUND, kind->argument, "there is no such %s",
			     kind->name);
	return false;
}

static json_t *stored_show(const struct command_run *run, const struct document_kind *kind,
			   struct bytes name, void *value)
{
	return document_stored(run->node, run->tenant, kind, name, value)
		       ? document_view(run->node, kind, document_tenant(run), value)
		       : NULL;
}

void document_show(struct command_run *run)
{
	const struct document_kind *kind = run->command->documents;
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
		(void)document_missing(run, kind);
}

static int names_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool command_takes(const struct command_run *run, const char *arg)
{
	return command_arg_find(run->command, bytes_str(arg)) != NULL;
}

static size_t list_limit(const struct command_run *run)
{
	return command_takes(run, "limit") ? command_limit(run) : SIZE_MAX;
}

static void list_after(const struct command_run *run, char after[DOCUMENT_NAME_MAX])
{
	after[0] = '\0';
	if (command_takes(run, "after"))
		(void)bytes_cstr(command_value(run, "after")->text, after, DOCUMENT_NAME_MAX);
}

/* Those of the tenant behind `after`, sorted. NULL: no memory. */
static char (*stored_names(const struct command_run *run, const struct document_kind *kind,
			   const char *after, size_t *count))[DOCUMENT_NAME_MAX]
{
	const struct shelf *shelf = &run->node->api.documents->keep.shelf;
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

void document_list(struct command_run *run)
{
	const struct document_kind *kind = run->command->documents;
	size_t count, limit = list_limit(run);
	char after[DOCUMENT_NAME_MAX];
	char(*names)[DOCUMENT_NAME_MAX];
	void *value = calloc(1, kind->size);
	json_t *list = json_array();

	list_after(run, after);
	names = stored_names(run, kind, after, &count);
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
