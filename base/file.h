/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole, and on the disk, or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"
#include "base/compiler.h"

/* Makes a new file and syncs it and its folder. 0, -EEXIST (nothing is touched) or -errno (nothing is left). */
int file_create(const char *path, unsigned mode, struct bytes text) NODISCARD;
/* The same in place of one that may be there. By way of PATH.new: whoever dies meanwhile leaves the file as it was. 0 or -errno. */
int file_replace(const char *path, unsigned mode, struct bytes text) NODISCARD;
/* Opens a file to read it: no link, and nothing else that has a name, as who opens a FIFO waits for who writes into it. A descriptor, or -errno;
 * -EBADMSG: it is no file. */
int file_read_open(const char *path) NODISCARD;

/* Folders of the file system. */

/* Whether this process could make a file there; of a folder that is not there, in the one where it would be made. It asks the disk, and leaves
 * nothing. 0, or -errno: -ENOSPC where it is full. */
int folder_try(const char *path) NODISCARD;

#endif
