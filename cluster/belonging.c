/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/belonging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static bool place_is_text(struct bytes place)
{
	for (size_t i = 0; i < place.n; i++) {
		if (place.p[i] <= ' ' || place.p[i] == 0x7f)
			return false;
	}
	return place.n > 0;
}

int belonging_parse(struct belonging *out, struct bytes text)
{
	struct bytes rest = bytes_trim(text), id;
	struct belonging b;

	if (!bytes_cut(&rest, ' ', &id) || identity_parse(b.id, id) || !place_is_text(rest) ||
	    bytes_cstr(rest, b.place, sizeof(b.place)))
		return -EBADMSG;
	*out = b;
	return 0;
}

struct bytes belonging_write(char out[BELONGING_TEXT_MAX], const struct belonging *b)
{
	struct writer w = writer_over(out, BELONGING_TEXT_MAX);

	writer_fmt(&w, "%s %s\n", b->id, b->place);
	return writer_done(&w);
}

static int belonging_path(char path[PATH_MAX], const char *dir)
{
	int n = snprintf(path, PATH_MAX, "%s/cluster", dir);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int belonging_read(struct belonging *out, const char *dir)
{
	char path[PATH_MAX], text[BELONGING_TEXT_MAX];
	int err = belonging_path(path, dir), fd;
	ssize_t n;

	*out = (struct belonging){ 0 };
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	err = n < 0 ? -errno : belonging_parse(out, bytes_mem(text, (size_t)n));
	(void)close(fd);
	return err;
}

int belonging_keep(const struct belonging *b, const char *dir)
{
	char path[PATH_MAX], text[BELONGING_TEXT_MAX];
	int err = belonging_path(path, dir);

	return err ? err : file_replace(path, 0600, belonging_write(text, b));
}
