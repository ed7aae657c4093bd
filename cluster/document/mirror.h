/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Redis must have of documents, text by text, as it was put: to restore it after Redis was
 * emptied, and to write it to a snapshot. Control thread.
 */
#ifndef CLUSTER_DOCUMENT_MIRROR_H
#define CLUSTER_DOCUMENT_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/pool.h"
#include "base/table.h"

/*
 * Documents as a file beside the node, for the case that Redis loses them. Texts are as in Redis;
 * numbers in network order. A file may be damaged, or written by a later program.
 *
 *    0        4        6      8            16      20       24
 *   +--------+--------+------+------------+-------+--------+- - - - - -+--------+
 *   | "TDDS" | format | 0    | generation | count | length | documents | CRC32C |
 *   +--------+--------+------+------------+-------+--------+- - - - - -+--------+
 *
 *   a document: | tenant length (1) | tenant | kind length (1) | kind | name length (1) | name |
 *               | version (8) | text length (4) | text |
 *
 * Format 1 has no tenants: all documents, and the generation, are of SNAPSHOT_TENANT. It is written
 * when there is no other tenant. In format 2 that generation is 0, and a document of the kind
 * SNAPSHOT_GENERATION with a tenant's name has the tenant's generation as its version. length is
 * that of the documents; the CRC is over all before it.
 */

enum {
	SNAPSHOT_HEAD = 24,
	SNAPSHOT_TAIL = 4,
	SNAPSHOT_FORMAT = 2,
	SNAPSHOT_OF_ONE = 1, /* tenant */
	SNAPSHOT_NAME_MAX = 64,
	SNAPSHOT_TEXT_MAX = 1 << 16,
	SNAPSHOT_MAX = 1 << 30,
};

#define SNAPSHOT_TENANT     "default"
#define SNAPSHOT_GENERATION "="

struct snapshot_document {
	struct bytes tenant, kind, name; /* 1 to SNAPSHOT_NAME_MAX octets each */
	uint64_t version;
	struct bytes text; /* at most SNAPSHOT_TEXT_MAX octets */
};

struct snapshot {
	uint16_t format;
	uint64_t generation; /* of SNAPSHOT_OF_ONE */
	uint32_t count;
	struct bytes rest; /* documents not taken yet */
};

size_t snapshot_document_size(const struct snapshot_document *d, uint16_t format);
/* Head, then each document, then the tail. size: that of all documents. */
void snapshot_head_write(struct writer *w, const struct snapshot *head, size_t size);
void snapshot_document_write(struct writer *w, const struct snapshot_document *d, uint16_t format);
/* whole: all that was written before. */
void snapshot_tail_write(struct writer *w, struct bytes whole);

/* Checks all. 0; -EPROTONOSUPPORT: of a later program; -EBADMSG: *reason is a constant sentence. */
int snapshot_open(struct snapshot *out, struct bytes file, const char **reason) NODISCARD;
/* Takes the next document; false: no more. */
bool snapshot_next(struct snapshot *s, struct snapshot_document *out);

/* Number of deletions that are remembered, and of kinds that are counted (more than there are). */
enum { MIRROR_GONE_MAX = 4096, MIRROR_KINDS_MAX = 32 };

/* A tenant with known documents. */
struct mirror_tenant {
	char name[SNAPSHOT_NAME_MAX + 1];
	uint64_t generation;              /* the highest version there was */
	uint32_t count[MIRROR_KINDS_MAX]; /* of each kind */
};

struct mirror {
	struct hash_key key;
	struct pool pool; /* struct mirror_item */
	struct table by_name;
	struct mirror_tenant *tenants;
	uint32_t tenant_count;
	char kinds[MIRROR_KINDS_MAX][SNAPSHOT_NAME_MAX + 1]; /* that are counted */
	uint32_t kind_count, counts[MIRROR_KINDS_MAX];       /* counts: of each, of all tenants */
	struct mirror *gone; /* those that were deleted, without texts; NULL: none yet */
	uint32_t gone_order;
	uint64_t changes; /* one more with each */
};

/* 0 or -ENOMEM. */
int mirror_open(struct mirror *s, uint32_t capacity, const struct hash_key *key) NODISCARD;
void mirror_close(struct mirror *s);
/* Adds or replaces. 0, -ENOSPC, -ENOMEM, -EINVAL (a name or a text too long). */
int mirror_put(struct mirror *s, const struct snapshot_document *d) NODISCARD;
void mirror_delete(struct mirror *s,
		   const struct snapshot_document *d); /* its version is that of the deletion */
/* The version of one; 0: not there. */
uint64_t mirror_version(const struct mirror *s, struct bytes tenant, struct bytes kind,
			struct bytes name);
/* Version of its deletion, if that is remembered and it is not there again; 0: unknown. Lower
 * versions are older. */
uint64_t mirror_gone_version(const struct mirror *s, struct bytes tenant, struct bytes kind,
			     struct bytes name);
/* Walks deletions: *cursor 0 at first; false at the end. Their texts are empty. */
bool mirror_gone_next(const struct mirror *s, uint32_t *cursor, struct snapshot_document *out);
/* Another mirror remembers them from now on. */
void mirror_gone_move(struct mirror *to, struct mirror *from);
/* Its text, until something changes; empty: not there. */
struct bytes mirror_text(const struct mirror *s, struct bytes tenant, struct bytes kind,
			 struct bytes name);
/* The highest version of a tenant's documents that there was. */
uint64_t mirror_generation(const struct mirror *s, struct bytes tenant);
/* It is this at least. 0 or -ENOMEM. */
int mirror_generation_set(struct mirror *s, struct bytes tenant, uint64_t generation) NODISCARD;
/* Walks all: *cursor 0 at first; false at the end. */
bool mirror_next(const struct mirror *s, uint32_t *cursor, struct snapshot_document *out);
/* Marks one, if it is there; then walks those that have another mark. */
void mirror_mark(struct mirror *s, const struct snapshot_document *d, uint32_t mark);
bool mirror_next_unmarked(const struct mirror *s, uint32_t mark, uint32_t *cursor,
			  struct snapshot_document *out);
uint32_t mirror_count(const struct mirror *s);
/* Of one kind of a tenant; of all tenants. */
uint32_t mirror_count_of(const struct mirror *s, struct bytes tenant, struct bytes kind);
uint32_t mirror_count_of_kind(const struct mirror *s, struct bytes kind);
/* A snapshot of all, which the caller wipes and frees; n: length. NULL: no memory, too long. */
uint8_t *mirror_snapshot(const struct mirror *s, size_t *n) NODISCARD;
/* Takes the tenants of a snapshot with generations and deletions. *documents: number of documents
 * and deletions. 0 or -ENOMEM. */
int mirror_take_generations(struct mirror *s, struct snapshot from, uint32_t *documents) NODISCARD;
/* Puts all of a snapshot. 0, or the error of mirror_put for the first document without a place. */
int mirror_load(struct mirror *s, struct snapshot *from) NODISCARD;

/* Which changes of a tenant's documents a node knows. Each change has a number, the tenant's
 * generation, one more than the one before, and the log has them in order: a number that is missing
 * was missed. Pure. */

struct seen {
	uint64_t all;      /* all up to here are known */
	uint64_t from, to; /* and these, which came in a row */
};

enum seen_is {
	SEEN_NEXT, /* and all before it are known */
	SEEN_OLD,  /* it was known */
	SEEN_GAP,  /* one before it is missing */
};

/* All up to that one were read. */
void seen_start(struct seen *s, uint64_t generation);
/* A change came. */
enum seen_is seen_add(struct seen *s, uint64_t version);
/* One is missing before those that came last: all is to be read. */
bool seen_lacks(const struct seen *s);

#endif
