/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of documents that are put together: its own document, and the entries of one version. An
 * entry is one line of octets: the change, its number among its tenant's changes, kind, tenant,
 * name, text, separated by tabulators.
 */
#ifndef APP_SCHEMA_SET_FIELD_H
#define APP_SCHEMA_SET_FIELD_H

#include <jansson.h>

#include "app/schema/command.h"

enum {
	SET_NAME_MAX = 32,
	SET_BY_MAX = 96,
	SET_TENANTS_MAX = 16,
	SET_VERSIONS_MAX = 9, /* the oldest one goes when the newest has been moved */
	SET_KEY_MAX = SET_NAME_MAX + 32,
	SET_DOCUMENTS_MAX = 10000,
};

struct set_version {
	uint32_t version, of; /* of: rolled back to that version; 0: not */
	uint32_t entries, created, changed, deleted;
	/* key: random, so that concurrent stagings of a version have separate keys. */
	uint64_t utc_ms, key;
	char by[SET_BY_MAX];
};

/* Changes of a tenant's documents: they have the versions behind base. */
struct set_tenant {
	char name[COMMAND_TENANT_MAX];
	uint64_t base;
	uint32_t count;
};

struct set_value {
	char name[SET_NAME_MAX];
	bool moving;    /* the newest version counts, and is being moved to the documents: */
	uint32_t moves; /* its first entries */
	struct set_version versions[SET_VERSIONS_MAX]; /* newest first */
	uint32_t version_count;
	struct set_tenant tenants[SET_TENANTS_MAX];
	uint32_t tenant_count;
	uint64_t changed_utc_ms;
};

/* New references, NULL: out of memory. */
json_t *set_document(const struct set_value *v);
json_t *set_view(const struct set_value *v);
/* 0, -EBADMSG or -EPROTONOSUPPORT with a reason. */
int set_document_read(struct set_value *v, struct bytes json, const char **reason) NODISCARD;

/* Key of its entries. */
void set_key(char out[SET_KEY_MAX], const char *name, const struct set_version *v);

enum set_change { SET_PUT = '+', SET_DELETE = '-', SET_SAME = '=' };

/* Slices of what was read. */
struct set_entry {
	enum set_change change;
	uint64_t number; /* from 1; of SET_SAME 0 */
	struct bytes kind, tenant, name, text;
};

void set_entry_write(struct writer *w, const struct set_entry *e);
/* 0 or -EBADMSG */
int set_entry_read(struct set_entry *out, struct bytes text) NODISCARD;

#endif
