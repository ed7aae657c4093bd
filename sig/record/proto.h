/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of protobuf-c, which have no rows (base/schema.h): what is unknown in them. */
#ifndef SIG_RECORD_PROTO_H
#define SIG_RECORD_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "base/schema.h"

/*
 * What a later program wrote into a record and this one does not know, kept so that the next save has it, too: fields of protobuf
 * messages, at any depth, each under the path of its message. A path names the elements of lists by what they are, not by where they
 * stand: an element that is gone takes its fields along.
 */

/* Of an element of a list: what it is called among its siblings. position: where it stands. */
typedef uint64_t unknown_name_fn(const ProtobufCMessage *element, size_t position);

/* Adds those of m and of all within it to *kept. root tells several messages of one record apart. 0 or -ENOMEM. */
int unknown_keep(struct text *kept, const ProtobufCMessage *m, uint64_t root,
		 unknown_name_fn *name) NODISCARD;
/* Hangs them into m before it is packed; what is packed points into *kept and *list, which is for the caller to free. 0 or -ENOMEM. */
int unknown_restore(const struct text *kept, ProtobufCMessage *m, uint64_t root,
		    unknown_name_fn *name, ProtobufCMessageUnknownField **list) NODISCARD;

#endif
