/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command.h"
#include "app/document/document.h"

struct form_filling {
	const struct form *form;
	void *value;
};

void form_begin(const struct form *f, void *value, struct bytes name)
{
	memset(value, 0, f->size); /* between its members, too: values are compared */
	if (f->begin)
		f->begin(value, name);
}

uint64_t *form_changed(const struct form *f, void *value)
{
	return (uint64_t *)(void *)((uint8_t *)value + f->changed);
}

json_t *form_view(const struct form *f, const void *value)
{
	uint64_t changed;

	memcpy(&changed, (const uint8_t *)value + f->changed, sizeof(changed));
	return document_shown(field_json(f->fields, value), changed);
}

json_t *form_document(const struct form *f, const void *value)
{
	return document_versioned(form_view(f, value));
}

static void form_fill(struct document_reader *r, void *arg)
{
	const struct form_filling *filling = arg;
	const struct form *f = filling->form;
	struct given name = document_member(r, f->fields[0].name);
	const char *member = NULL;

	form_begin(f, filling->value, name.text);
	field_fill(r, f->fields, filling->value);
	if (f->wrong && f->wrong(filling->value, &member))
		document_refuse(r, member);
	*form_changed(f, filling->value) = document_changed(r);
}

int form_read(const struct form *f, void *value, struct bytes json, const char **reason)
{
	struct form_filling filling = { .form = f, .value = malloc(f->size) };
	int err = -ENOMEM;

	*reason = "out of memory";
	if (filling.value)
		err = document_read(json, form_fill, &filling, reason);
	if (!err)
		memcpy(value, filling.value, f->size);
	free(filling.value);
	return err;
}
