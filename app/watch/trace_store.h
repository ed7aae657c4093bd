/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of traces: files of the node's own names, readable by its user alone, found again after a restart. Control thread. */
#ifndef APP_WATCH_TRACE_STORE_H
#define APP_WATCH_TRACE_STORE_H

#include "base/bytes.h"

enum {
	TRACE_NAME_MAX = 40, /* "0123456789abc-1700000000000.pcapng" and NUL */
	TRACE_PATH_MAX = 128,
	TRACE_FILES_MAX = 1000,
};

struct trace_store {
	char folder[TRACE_PATH_MAX];
};

struct trace_entry {
	char name[TRACE_NAME_MAX];
	uint64_t call; /* 0: it waited for one */
	uint64_t started_utc_ms;
	uint64_t changed_utc_ms;
	uint64_t octets;
};

/* Makes the folder. 0 or -errno. */
int trace_store_open(struct trace_store *s, const char *state_dir) NODISCARD;
void trace_name_write(char out[TRACE_NAME_MAX], uint64_t call, uint64_t utc_ms);
/* 0, or -EINVAL: none that this node writes, so it can lead nowhere else. */
int trace_name_read(struct bytes name, uint64_t *call, uint64_t *utc_ms) NODISCARD;
/* A new file; a descriptor or -errno. */
int trace_store_create(const struct trace_store *s, const char *name) NODISCARD;
/* How many there are, oldest first; those above max are not told. */
uint32_t trace_store_list(const struct trace_store *s, struct trace_entry *out, uint32_t max);
/* 0 with *size of the file and *n octets at out, -EINVAL (name) or -errno. */
int trace_store_read(const struct trace_store *s, struct bytes name, uint64_t offset, uint8_t *out,
		     size_t *n, uint64_t *size) NODISCARD;
/* 0, -EINVAL (name) or -errno. */
int trace_store_delete(const struct trace_store *s, struct bytes name) NODISCARD;

#endif
