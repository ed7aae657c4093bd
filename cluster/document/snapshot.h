/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents as a file beside the node, for the day when Redis has lost them. Texts are as Redis has them.
 * Network order. What is read was perhaps damaged, or written by a later program.
 *
 *    0        4        6      8            16      20       24
 *   +--------+--------+------+------------+-------+--------+- - - - - -+--------+
 *   | "TDDS" | format | 0    | generation | count | length | documents | CRC32C |
 *   +--------+--------+------+------------+-------+--------+- - - - - -+--------+
 *
 *   a document: | tenant length (1) | tenant | kind length (1) | kind | name length (1) | name |
 *               | version (8) | text length (4) | text |
 *
 * Format 1 has no tenants: all is of SNAPSHOT_TENANT, and so is the generation. It is written where there is no other. In format 2 that is
 * 0, and the generation of each tenant is the version of a document of the kind SNAPSHOT_GENERATION, with the tenant's name.
 * length is that of the documents; the CRC is over all before it.
 */
#ifndef CLUSTER_DOCUMENT_SNAPSHOT_H
#define CLUSTER_DOCUMENT_SNAPSHOT_H

#include "base/bytes.h"

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

/* 0; -EPROTONOSUPPORT: of a later program; -EBADMSG: damaged, with a constant sentence in *reason. Checks all documents. */
int snapshot_open(struct snapshot *out, struct bytes file, const char **reason) NODISCARD;
/* Takes the next document; false: there is none. */
bool snapshot_next(struct snapshot *s, struct snapshot_document *out);

#endif
