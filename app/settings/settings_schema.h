/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the schema, and those of features that have a section: what rows are written
 * with, and how a rule says what is wrong. */
#ifndef APP_SETTINGS_SETTINGS_SCHEMA_H
#define APP_SETTINGS_SETTINGS_SCHEMA_H

#include <inttypes.h>
#include <stdio.h>

#include "app/settings/settings.h"

#define FIELD(level, member)       .offset = offsetof(struct level, member)
#define FLAG(level, member)        .type = CONF_BOOL, FIELD(level, member)
#define WORD(level, member, words) .type = CONF_ENUM, FIELD(level, member), .names = (words)
#define ADDRESS(level, member)     .type = CONF_ADDR, FIELD(level, member)
#define TEXT(level, member) \
	.type = CONF_STRING, FIELD(level, member), .size = sizeof(((struct level *)0)->member)
#define U32(level, member, low, high) \
	.type = CONF_U32, FIELD(level, member), .min = (low), .max = (high)
#define DURATION(level, member, low, high) \
	.type = CONF_DURATION, FIELD(level, member), .min = (low), .max = (high)
#define MAP(level, member, children) .type = CONF_MAP, FIELD(level, member), .fields = (children)

/* An array, as many of it as fit, and how many there are. */
#define ARRAY(level, member, count)                                          \
	FIELD(level, member), .count_offset = offsetof(struct level, count), \
			      .max_items = COUNT_OF(((struct level *)0)->member)
#define ITEM_SIZE(level, member) .size = sizeof(((struct level *)0)->member[0])
#define U32S(level, member, count, low, high) \
	.type = CONF_U32_LIST, ARRAY(level, member, count), .min = (low), .max = (high)
#define TEXTS(level, member, count) \
	.type = CONF_STRING_LIST, ARRAY(level, member, count), ITEM_SIZE(level, member)
#define MAPS(level, member, count, children)                                      \
	.type = CONF_LIST, ARRAY(level, member, count), ITEM_SIZE(level, member), \
	.fields = (children)

/* A row. first: its preset, or NULL. Behind its help: its place, and further members. */
#define SETTING(what, first, text, ...)                                       \
	{                                                                     \
		.key = (what), .preset = (first), .help = (text), __VA_ARGS__ \
	}

#define SECONDS(n) ((n)*NS_PER_S)

/* In the order of the file; each ends with key NULL. */
extern const struct conf_field g_node_fields[], g_network_fields[], g_sip_fields[],
	g_codes_fields[], g_call_codes_fields[], g_tls_fields[], g_media_fields[], g_dns_fields[],
	g_redis_fields[], g_cluster_fields[], g_http_fields[], g_login_fields[], g_mail_fields[],
	g_archive_fields[], g_transcription_fields[], g_log_fields[], g_limits_fields[],
	g_quotas_fields[], g_trace_fields[], g_hep_fields[], g_recordings_fields[],
	g_siprec_fields[], g_live_fields[], g_conferences_fields[], g_ivr_fields[];

/* Between the files of settings_check: what a rule sees, and how it says what is wrong. */

enum { PATH_MAX_BYTES = 96, SETTINGS_SECTIONS_MAX = 48 };

struct check {
	struct settings *s;
	struct bytes yaml;
	struct conf_errors *errors;
};

/* Line and column of the value at path or, if the file lacks it, of its container. */
void rule_where(const struct check *c, const char *path, uint32_t *line, uint32_t *column);

#define REPORT(c, path, ...)                                              \
	do {                                                              \
		uint32_t line_, column_;                                  \
		rule_where((c), (path), &line_, &column_);                \
		conf_error_add((c)->errors, line_, column_, __VA_ARGS__); \
	} while (0)

/* Rules of the sections that features have. */
void sections_check(const struct check *c);
/* capitals: also allowed. */
bool rule_is_name(const char *name, bool capitals);
/* Checks the name of an interface; it must not be empty. */
void rule_interface(const struct check *c, const char *path, const char *name);
/* Whether a URL leads to this machine: plain text to it crosses no network. */
bool rule_is_here(const char *url);
/* Addresses and ports (settings_networks.c). */
void rule_networks(const struct check *c);

/* Messages between nodes (settings_networks.c). */
void rule_cluster(const struct check *c);
/* Delivery of recordings (settings_recordings.c). */
void rule_recordings(const struct check *c);
/* The external recorder. */
void rule_siprec(const struct check *c);

/* Pages that are written from tables (docs/config.md, docs/api.md). */
enum { REFERENCE_COLUMNS = 100 };

/* Breaks lines of prose at a space: it becomes a newline, so nothing grows. Rows of tables,
 * headings and fenced blocks stay. */
void reference_wrap(struct writer *w);

#endif
