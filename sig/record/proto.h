/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of protobuf-c, in so far as no schema has their fields by now (base/schema.h): as octets, and what is unknown in them.
 */
#ifndef SIG_RECORD_PROTO_H
#define SIG_RECORD_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "base/schema.h"

/* Fields of a message that a schema has: they are not in the struct. Of several the next one is of messages within that of the one before. */
struct proto_part {
	const ProtobufCMessageDescriptor *of; /* NULL: behind the last one */
	const struct schema *const
		*rows; /* groups of rows, by their tags; NULL: behind the last one */
	/* What the rows are of, and the path of its message. */
	const void *(*object)(const struct schema_writer *w, const ProtobufCMessage *m,
			      uint64_t *path);
};

/* Before what was written, with what the schemas have (NULL: nothing). False: it has a field of a kind that our records have none of (proto2,
 * oneof, packed, floating point), and *w is of no use. The octets are those that protobuf_c_message_pack() writes. */
bool proto_write(struct schema_writer *w, const ProtobufCMessage *m,
		 const struct proto_part *parts) NODISCARD;

/*
 * What a later program wrote into a record and this one does not know, kept so that the next save has it, too: fields of protobuf
 * messages, at any depth, each under the path of its message. A path names the elements of lists by what they are, not by where they
 * stand: an element that is gone takes its fields along.
 */

/* Of an element of a list: what it is called among its siblings. position: where it stands. */
typedef uint64_t unknown_name_fn(const ProtobufCMessage *element, size_t position);

/* Adds those of m and of all within it to *kept, but for what a schema has. root tells several messages of one record apart. 0 or -ENOMEM. */
int unknown_keep(struct text *kept, const ProtobufCMessage *m, uint64_t root, unknown_name_fn *name,
		 const struct proto_part *parts) NODISCARD;
/* Hangs them into m before it is packed; what is packed points into *kept and *list, which is for the caller to free. 0 or -ENOMEM. */
int unknown_restore(const struct text *kept, ProtobufCMessage *m, uint64_t root,
		    unknown_name_fn *name, ProtobufCMessageUnknownField **list) NODISCARD;

#endif
