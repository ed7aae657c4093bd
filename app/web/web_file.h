/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that somebody has a link to. Who may have one is asked where it is made: it names one file and a time, and whoever has it may fetch
 * that file until then. Other links are answered 403, whether there is a file or not.
 *
 *     /recordings/EXPIRES_UTC_MS-MAC/TENANT/DATE/FILE
 */
#ifndef APP_WEB_WEB_FILE_H
#define APP_WEB_WEB_FILE_H

#include "base/bytes.h"

enum { WEB_FILE_KEY_LEN = 32, WEB_FILE_FOLDER_MAX = 256, WEB_FILE_PATH_MAX = 320 };

struct web_files {
	char folder[WEB_FILE_FOLDER_MAX];
	uint8_t key[WEB_FILE_KEY_LEN];
};

/* Which octets of a file are wanted: from on, n of them. */
struct web_range {
	bool part;
	uint64_t from, n;
};

/* The link's path. Overflow of w: the name is too long. */
void web_file_link(struct writer *w, const struct web_files *f, struct bytes name,
		   uint64_t expires_utc_ms);
/* The name in a link. 0, -ENOENT: it is none; -EACCES: it is not ours, or too old. */
int web_file_parse(const struct web_files *f, struct bytes path, uint64_t now_utc_ms,
		   struct bytes *name) NODISCARD;
/*
 * A header Range (RFC 9110 14.2). One that is not understood, or has several parts, is as if it were not there. 0, or -ERANGE: nothing of
 * the file is in it.
 */
int web_range_parse(struct bytes header, uint64_t size, struct web_range *out) NODISCARD;
/* A descriptor of a file in the folder, through no symbolic link; or -errno. */
int web_file_open(const struct web_files *f, struct bytes name, uint64_t *size);
const char *web_file_type(struct bytes name);

#endif
