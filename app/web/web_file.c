/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each folder on the way is opened by itself. */
int web_file_open(const struct web_files *f, struct bytes name, uint64_t *size)
{
	int at = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	struct bytes one;
	struct stat st;

	while (at >= 0 && bytes_cut(&name, '/', &one)) {
		char text[WEB_FILE_PATH_MAX];
		int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

		next = bytes_cstr(one, text, sizeof(text)) ? -1 : openat(at, text, flags);
		(void)close(at);
		at = next;
	}
	if (at < 0)
		return -ENOENT;
	if (fstat(at, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(at);
		return -ENOENT;
	}
	*size = (uint64_t)st.st_size;
	return at;
}

const char *web_file_type(struct bytes name)
{
	static const char *const types[][2] = { { ".wav", "audio/wav" },
						{ ".opus", "audio/ogg" },
						{ ".cms", "application/cms" } };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t n = strlen(types[i][0]);

		if (name.n > n && bytes_is(bytes_from(name, name.n - n), types[i][0]))
			return types[i][1];
	}
	return "application/octet-stream";
}
