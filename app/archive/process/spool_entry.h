/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of streams, as the archive's spool has them on disk (spool_entry_parse.c). */
#ifndef APP_ARCHIVE_PROCESS_SPOOL_ENTRY_H
#define APP_ARCHIVE_PROCESS_SPOOL_ENTRY_H

#include "app/archive/archive_entry.h"

enum { SPOOLED_FIELDS_MAX = 256 };

void spooled_entry_write(struct writer *w, const struct archive_entry *entry);
/* Points into rest, and at fields, of which there are SPOOLED_FIELDS_MAX: what an entry has more is
 * left out. False: not an entry of ours. */
bool spooled_entry_read(struct archive_entry *out, struct archive_field fields[SPOOLED_FIELDS_MAX],
			struct bytes rest);

#endif
