/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of members of a tar archive (POSIX.1-1988, ustar): plain files alone, with relative names,
 * so that `tar tf` and `sha256sum` can read a backup, too. Pure.
 */
#ifndef APP_CTL_CTL_TAR_H
#define APP_CTL_CTL_TAR_H

#include "base/bytes.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 256 };

struct tar_head {
	char name[TAR_NAME_MAX];
	uint64_t size, utc_s;
};

/* False: the name or the size does not fit. */
bool tar_head_write(uint8_t out[TAR_BLOCK], const struct tar_head *h);
/* NULL: fine, an empty name ends the archive; else a constant sentence, and out is unchanged. */
const char *tar_head_parse(struct tar_head *out, const uint8_t block[TAR_BLOCK]);
/* A name that stays below the folder it is unpacked in. */
bool tar_name_fits(struct bytes name);
/* Octets behind the content, up to the next block. */
size_t tar_padding(uint64_t size);

#endif
