/* SPDX-License-Identifier: Apache-2.0 */
/* The file that says of which Redis a directory is, as anybody may have written it. What is read says the same when it is written and read again. */
#include <assert.h>

#include "cluster/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct belonging b, again;
	static char out[BELONGING_TEXT_MAX];
	struct bytes text;

	if (belonging_parse(&b, bytes_mem(data, size)))
		return 0;
	text = belonging_write(out, &b);
	assert(text.n && b.place[0]);
	assert(!belonging_parse(&again, text));
	assert(!strcmp(again.id, b.id) && !strcmp(again.place, b.place));
	return 0;
}
