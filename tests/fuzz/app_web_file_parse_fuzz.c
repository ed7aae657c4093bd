/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a link that is believed is the one that is made for its name; a range lies within the file. */
#include <assert.h>
#include <string.h>

#include "app/web/web_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct web_files files = { .key = { 1, 2, 3 } };
	const struct bytes in = { data, size };
	struct web_range range;
	struct bytes name;

	if (!web_file_parse(&files, in, 0, &name)) {
		char text[WEB_FILE_PATH_MAX + 64];
		struct writer w = writer_over(text, sizeof(text));
		struct bytes token = bytes_from(in, sizeof("/recordings/") - 1), expires;
		uint64_t expires_utc_ms = 0;

		assert(bytes_cut(&token, '-', &expires) && !bytes_u64(expires, &expires_utc_ms));
		web_file_link(&w, &files, name, expires_utc_ms);
		assert(name.n < in.n && !memmem(name.p, name.n, "..", 2));
	}
	for (uint64_t octets = 0; octets < 3; octets++) {
		int err = web_range_parse(in, octets * 50, &range);

		assert(err || (range.from <= octets * 50 && range.n <= octets * 50 - range.from));
		assert(range.part || (range.from == 0 && range.n == octets * 50));
	}
	return 0;
}
