/* SPDX-License-Identifier: Apache-2.0 */
/* What a call's record (sig/record/call.proto) is about, in a few words that can be a file's name. */
#ifndef TESTS_SIM_SHAPE_H
#define TESTS_SIM_SHAPE_H

#include "base/bytes.h"
#include "sig/host/host.h"

enum { SHAPE_NAME_MAX = 128, SHAPES_MAX = 32 };

/*
 * names[0]: states of call, legs and INVITE. The others: one for each thing beside the states that this record has (keys, video,
 * a hold by command...) with the states of call and INVITE.
 */
struct shape {
	uint64_t call, version;
	char names[SHAPES_MAX][SHAPE_NAME_MAX];
	uint32_t count;
};
/* False: it is no record, or does not open with the host's key. */
bool shape_of(struct shape *out, const struct call_host *h, struct bytes record);
/* It has our refusal of an INVITE. */
bool shape_refuses(const struct call_host *h, struct bytes record);

#endif
