/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole, and on the disk, or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"
#include "base/compiler.h"

/* Creates a file and syncs it and its folder. Returns 0, -EEXIST (nothing changed) or -errno
 * (nothing left behind). */
int file_create(const char *path, unsigned mode, struct bytes text) NODISCARD;
/* Likewise, but replaces an existing file, by way of PATH.new: a crash leaves the old file as it
 * was. Returns 0 or -errno. */
int file_replace(const char *path, unsigned mode, struct bytes text) NODISCARD;
/* Opens a regular file for reading: no link, and no FIFO, which would block until a writer opens
 * it. Returns a descriptor, or -errno; -EBADMSG if it is not a regular file. */
int file_read_open(const char *path) NODISCARD;

/* Folders of the file system. */

/* Whether this process can create a file in the folder, or in the nearest existing parent. Tries it
 * on disk and leaves nothing behind. Returns 0 or -errno: -ENOSPC for a full disk. */
int folder_try(const char *path) NODISCARD;

#endif
