/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a party is called that goes to a conference of another shard: the user part of the INVITE. It says which one that is, and what the
 * party is there. Who has that name was let in where it comes from, and says no PIN.
 */
#ifndef SIG_FEATURE_MEMBER_NAME_H
#define SIG_FEATURE_MEMBER_NAME_H

#include <stdbool.h>

#include "base/bytes.h"

enum { MEMBER_NAME_MAX = 32 };

struct member_name {
	uint64_t room; /* id */
	bool host, muted, deaf, held;
	int8_t gain_db; /* at most MEMBER_GAIN_DB_MAX, either way */
};

void member_name_put(char out[MEMBER_NAME_MAX], const struct member_name *name);
/* False: it is none. */
bool member_name_get(struct bytes user, struct member_name *out);

#endif
