/* SPDX-License-Identifier: Apache-2.0 */
/* What a record (sig/record/call.proto, room.proto) is about, in words that can be a file's name. */
#ifndef TESTS_SIM_SHAPE_H
#define TESTS_SIM_SHAPE_H

#include "base/bytes.h"
#include "sig/host/host.h"
#include "tests/sim/fields.h"

enum { SHAPE_NAME_MAX = 160, SHAPE_FIELDS_MAX = 512 };

struct shape {
	uint64_t call, version; /* or of a room */
	uint32_t format;
	char states[SHAPE_NAME_MAX]; /* of call, legs and INVITE; of a room: none */
	char fields[SHAPE_FIELDS_MAX]
		   [SHAPE_NAME_MAX]; /* that are set, each once; of an enum with its value */
	uint32_t field_count;
};
/* False: it is no record, or does not open with the host's key. */
bool shape_of(struct shape *out, const struct call_host *h, struct bytes record);
bool shape_of_room(struct shape *out, struct bytes record);
/* The same of all fields, in their order. */
bool shape_fields(const struct call_host *h, struct bytes record, fields_fn *fn, void *arg);
bool shape_room_fields(struct bytes record, fields_fn *fn, void *arg);
/* It has our refusal of an INVITE. */
bool shape_refuses(const struct call_host *h, struct bytes record);

#endif
