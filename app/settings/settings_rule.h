/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of settings_check: what a rule sees, and how it says what is wrong. */
#ifndef APP_SETTINGS_SETTINGS_RULE_H
#define APP_SETTINGS_SETTINGS_RULE_H

#include <inttypes.h>
#include <stdio.h>

#include "app/settings/settings.h"

enum { PATH_MAX_BYTES = 96 };

struct check {
	struct settings *s;
	struct bytes yaml;
	struct conf_errors *errors;
};

/* Line and column of the value at path or, where the file does not have it, of what contains it. */
void rule_where(const struct check *c, const char *path, uint32_t *line, uint32_t *column);

#define REPORT(c, path, ...)                                              \
	do {                                                              \
		uint32_t line_, column_;                                  \
		rule_where((c), (path), &line_, &column_);                \
		conf_error_add((c)->errors, line_, column_, __VA_ARGS__); \
	} while (0)

/* capitals: they are allowed as well. */
bool rule_is_name(const char *name, bool capitals);
/* Whether an interface may be named so; an empty name is none. */
void rule_interface(const struct check *c, const char *path, const char *name);
/* Addresses and ports (settings_check_networks.c). */
void rule_networks(const struct check *c);

/* Messages between nodes (settings_check_cluster.c). */
void rule_cluster(const struct check *c);
/* What becomes of recordings (settings_check_recordings.c). */
void rule_recordings(const struct check *c);
/* Where the external recorder is. */
void rule_siprec(const struct check *c);

#endif
