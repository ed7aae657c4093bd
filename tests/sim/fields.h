/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of a record that is set, by what protobuf-c knows of messages: a field that is new is there without a word here. */
#ifndef TESTS_SIM_FIELDS_H
#define TESTS_SIM_FIELDS_H

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

enum { FIELDS_PATH_MAX = 128 };

/* path: "legs.dialog.call_id"; tags: the same by numbers, which never change: "17.3.2". value: of a number its digits; else as it is. */
struct field {
	char path[FIELDS_PATH_MAX], tags[FIELDS_PATH_MAX];
	bool is_enum, unknown; /* unknown: there are some that this program does not know */
	struct bytes value;
};
typedef void fields_fn(void *arg, const struct field *f);
void fields_walk(const ProtobufCMessage *m, fields_fn *fn, void *arg);

#endif
