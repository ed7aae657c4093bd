/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster's secret key in its file (0600): "cluster ID BASE64" on a line, '#' begins a comment.
 * Everything that nodes sign or seal uses a key derived from it by purpose, so that a leaked
 * derived key reveals no other.
 */
#ifndef APP_SETTINGS_KEYS_H
#define APP_SETTINGS_KEYS_H

#include "base/bytes.h"

enum { KEYS_LEN = 32, KEYS_FILE_MAX = 4096 };

struct keys {
	uint8_t id; /* 1..255 */
	uint8_t cluster[KEYS_LEN];
};

/* 0; -EPERM: readable by other users; -EBADMSG: malformed; or -errno; logged with what to do. */
int keys_load(struct keys *out, const char *path) NODISCARD;
/* The text of the file. 0 or -EBADMSG. */
int keys_parse(struct keys *out, struct bytes text) NODISCARD;
/* Makes the file with a fresh key. 0, -EEXIST or -errno. */
int keys_create(const char *path) NODISCARD;
/* The key of a purpose: HMAC-SHA-256(cluster key, label). */
void keys_derive(const struct keys *k, const char *label, uint8_t out[KEYS_LEN]);
/* Overwrites them. */
void keys_wipe(struct keys *k);

#endif
