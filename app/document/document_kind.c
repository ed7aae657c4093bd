/* SPDX-License-Identifier: Apache-2.0 */
/* What kinds of documents say of themselves, and what follows from their forms. */
#include <string.h>

#include "app/command/command.h"
#include "app/document/document.h"
#include "app/document/form.h"
#include "app/node/node.h"
#include "base/clock.h"

json_t *document_write(struct node *node, const struct document_kind *kind, const void *value)
{
	return kind->write ? kind->write(node, value) : form_document(kind->form, value);
}

json_t *document_view(const struct node *node, const struct document_kind *kind, uint16_t tenant,
		      const void *value)
{
	return kind->show ? kind->show(node, tenant, value) : form_view(kind->form, value);
}

int document_value(const struct node *node, const struct document_kind *kind, void *value,
		   struct bytes json, const char **reason)
{
	return kind->read ? kind->read(node, value, json, reason)
			  : form_read(kind->form, value, json, reason);
}

bool document_take(struct command_run *run, const struct document_kind *kind, void *value)
{
	const struct form *f = kind->form;
	const char *wrong, *member = NULL;

	*form_changed(f, value) = clock_utc_ms();
	if (!field_take(run, f->fields, value))
		return false;
	wrong = f->wrong ? f->wrong(value, &member) : NULL;
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, member, "%s", wrong);
	return !wrong;
}

static bool form_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	struct bytes name = command_value(run, kind->argument)->text;

	form_begin(kind->form, value, name);
	(void)document_stored(run->node, run->tenant, kind, name, value);
	return document_take(run, kind, value);
}

bool document_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	return kind->make ? kind->make(run, value) : form_make(run, kind, value);
}

bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX])
{
	struct bytes text;

	if (kind->aim)
		return kind->aim(run, name);
	text = command_value(run, kind->argument)->text;
	if (!shelf_version(&run->node->api.documents->keep.shelf, bytes_str(run->tenant),
			   bytes_str(kind->name), text))
		return document_missing(run, kind);
	return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0;
}

/* The first field of a form names it, a text. */
void document_name(const struct document_kind *kind, const void *value,
		   char name[DOCUMENT_NAME_MAX])
{
	if (kind->name_of)
		kind->name_of(value, name);
	else
		(void)bytes_cstr(bytes_str((const char *)value + kind->form->fields[0].field.at),
				 name, DOCUMENT_NAME_MAX);
}
