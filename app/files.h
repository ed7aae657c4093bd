/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole, and on the disk, or not at all. */
#ifndef APP_FILES_H
#define APP_FILES_H

#include "base/bytes.h"

/* Makes a new file and syncs it and its folder. 0, -EEXIST (nothing is touched) or -errno (nothing is left). */
int file_create(const char *path, unsigned mode, struct bytes text) NODISCARD;

#endif
