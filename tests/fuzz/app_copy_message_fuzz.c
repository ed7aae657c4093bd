/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is taken is written again octet for octet, and its path leads nowhere else. */
#include <assert.h>
#include <string.h>

#include "app/deliver/copy.h"
#include "app/deliver/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t text[COPY_MESSAGE_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct copy_message m;

	if (copy_message_read(&m, (struct bytes){ data, size }))
		return 0;
	assert(!m.path[0] || folder_path_fits(bytes_str(m.path)));
	copy_message_write(&w, &m);
	assert(!w.overflow && w.n == size && !memcmp(text, data, size));
	return 0;
}
