/* SPDX-License-Identifier: Apache-2.0 */
/* A name for authentication. Oracle: its two parts written again are the name; else it says no location and is whole. */
#include <stdio.h>
#include <stdlib.h>

#include "sig/sip/uri.h"

enum { NAME_MAX_LEN = 512 };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_mem(data, size < NAME_MAX_LEN ? size : NAME_MAX_LEN), extension;
	uint8_t space[NAME_MAX_LEN + 32];
	struct writer w = writer_over(space, sizeof(space));
	uint16_t location;

	if (located_user_split(in, &extension, &location)) {
		check(extension.n && location, "nobody, or nowhere");
		located_user_write(&w, extension, location);
		check(bytes_eq(writer_done(&w), in), "it is another name");
	} else {
		check(bytes_eq(extension, in) && !location, "not whole");
		located_user_write(&w, in, 7);
		check(in.n == 0 || (located_user_split(writer_done(&w), &extension, &location) &&
				    bytes_eq(extension, in) && location == 7),
		      "what is written is not read");
	}
	return 0;
}
