/* SPDX-License-Identifier: Apache-2.0 */
/* The list of errors of conf.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"

void conf_error_add(struct conf_errors *errors, uint32_t line, uint32_t column, const char *fmt,
		    ...)
{
	struct conf_error *error;
	va_list args;

	errors->total++;
	if (errors->count >= CONF_ERRORS_MAX)
		return;
	error = &errors->list[errors->count++];
	*error = (struct conf_error){ .line = line, .column = column };
	va_start(args, fmt);
	(void)vsnprintf(error->message, sizeof(error->message), fmt, args);
	va_end(args);
}

void conf_errors_write(struct writer *w, const char *file, const struct conf_errors *errors)
{
	for (uint32_t i = 0; i < errors->count; i++) {
		const struct conf_error *error = &errors->list[i];

		writer_fmt(w, "%s:%u:%u: %s\n", file, error->line, error->column, error->message);
	}
	if (errors->total > errors->count)
		writer_fmt(w, "%s: and %u more\n", file, errors->total - errors->count);
}
