/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages that are written from tables have in common (docs/config.md, docs/api.md). */
#ifndef APP_SETTINGS_REFERENCE_H
#define APP_SETTINGS_REFERENCE_H

#include "base/bytes.h"

enum { REFERENCE_COLUMNS = 100 };

/* Lines of prose end there at the latest, where there is a space: it becomes the end of a line, so nothing grows. Rows of tables, headings
 * and fenced blocks stay. */
void reference_wrap(struct writer *w);

#endif
