/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of the file system. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/compiler.h"

/* Whether this process could make a file there; of a folder that is not there, in the one where it would be made. It asks the disk, and leaves
 * nothing. 0, or -errno: -ENOSPC where it is full. */
int folder_try(const char *path) NODISCARD;

#endif
