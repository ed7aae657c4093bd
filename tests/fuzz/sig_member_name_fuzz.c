/* SPDX-License-Identifier: Apache-2.0 */
/* Names of parties that go to a conference of another shard: what is one is written, and read again the same. */
#include <stdio.h>
#include <stdlib.h>

#include "sig/pbx/conference.h"
#include "sig/room/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct member_name name, again;
	char text[MEMBER_NAME_MAX];

	if (!member_name_get((struct bytes){ data, n }, &name))
		return 0;
	check(name.gain_db >= -MEMBER_GAIN_DB_MAX && name.gain_db <= MEMBER_GAIN_DB_MAX,
	      "louder than a member may be");
	member_name_put(text, &name);
	check(text[0] && member_name_get(bytes_str(text), &again), "what is written is no name");
	check(again.room == name.room && again.host == name.host && again.muted == name.muted &&
		      again.deaf == name.deaf && again.held == name.held &&
		      again.gain_db == name.gain_db,
	      "another name is read");
	return 0;
}
