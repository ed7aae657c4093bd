/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: documents of a text are the same when they are written as YAML and read again; each field, and each error, has a place in the text. A
 * row of CSV is the same when its cells are written and read again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_documents.h"
#include "base/csv.h"

enum { FILES_TEXT_MAX = 512, FILES_WRITTEN_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* tandemctl's own has it on standard error. */
void ctl_complain(const char *fmt, ...)
{
	(void)fmt;
}

static void check_places(const struct ctl_documents *d, struct bytes text)
{
	const json_t *where, *at;
	size_t i;

	assert(json_array_size(d->list) == json_array_size(d->where) &&
	       json_array_size(d->list) == json_array_size(d->files));
	json_array_foreach(d->where, i, where)
	{
		const char *name;

		assert(json_object_get(where, ""));
		json_object_foreach((json_t *)(uintptr_t)where, name, at)
		{
			json_int_t line = json_integer_value(json_array_get(at, 0));
			json_int_t column = json_integer_value(json_array_get(at, 1));

			assert(line >= 1 && (size_t)line <= text.n + 1 && column >= 1 &&
			       (size_t)column <= text.n + 1);
		}
	}
}

static void check_yaml(struct bytes text)
{
	struct ctl_documents d, again;
	char *written = malloc(FILES_WRITTEN_MAX);
	const json_t *one;
	size_t i;

	assert(written && ctl_documents_open(&d));
	d.say = NULL;
	ctl_documents_yaml(&d, "fuzz", text);
	check_places(&d, text);
	json_array_foreach(d.list, i, one)
	{
		struct writer w = writer_over(written, FILES_WRITTEN_MAX);

		ctl_yaml_write(&w, one);
		assert(!w.overflow && ctl_documents_open(&again));
		again.say = NULL;
		ctl_documents_yaml(&again, "fuzz", writer_done(&w));
		assert(!json_object_size(one) ||
		       (!again.errors && json_equal(json_array_get(again.list, 0), one)));
		ctl_documents_close(&again);
	}
	ctl_documents_close(&d);
	free(written);
}

static void check_csv(struct bytes rest)
{
	char written[4 * FILES_TEXT_MAX];
	const char *wrong;
	json_t *row, *again;

	while ((row = ctl_csv_row(&rest, &wrong)) != NULL) {
		struct writer w = writer_over(written, sizeof(written));
		struct bytes text;
		const json_t *cell;
		bool whole = true;
		size_t i;

		json_array_foreach(row, i, cell)
		{
			const char *value = json_string_value(cell);

			whole &= strlen(value) == json_string_length(cell); /* no NUL within */
			writer_str(&w, i ? "," : "");
			csv_cell_write(&w, bytes_str(value), false);
		}
		writer_str(&w, "\n");
		assert(!w.overflow);
		text = writer_done(&w);
		again = ctl_csv_row(&text, &wrong);
		assert(!whole || (json_equal(row, again) && !text.n));
		json_decref(again);
		json_decref(row);
	}
}

/* Secrets are not looked for in files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };

	if (!size || size > FILES_TEXT_MAX || memmem(data, size, "_file", 5))
		return 0;
	check_yaml(text);
	check_csv(text);
	return 0;
}
