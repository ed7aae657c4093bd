/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/place.h"

#include <stdio.h>
#include <string.h>

static struct bytes place_base(const struct destination *d)
{
	struct bytes url = bytes_str(d->url);

	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

/* Behind "scheme://". */
static size_t place_host(struct bytes url)
{
	for (size_t i = 0; i + 3 <= url.n; i++) {
		if (!memcmp(url.p + i, "://", 3))
			return i + 3;
	}
	return 0;
}

static void place_s3(struct writer *w, const struct destination *d)
{
	struct bytes url = place_base(d);
	size_t host = place_host(url);

	if (d->path_style) {
		writer_bytes(w, url);
		writer_fmt(w, "/%s", d->bucket);
	} else {
		writer_bytes(w, bytes_sub(url, 0, host));
		writer_fmt(w, "%s.", d->bucket);
		writer_bytes(w, bytes_from(url, host));
	}
}

static bool place_renames(const struct destination *d)
{
	return d->kind == DESTINATION_SFTP || d->kind == DESTINATION_FTP;
}

static void place_name(struct writer *w, const struct destination *d, const char *path)
{
	if (d->kind == DESTINATION_S3)
		place_s3(w, d);
	else
		writer_bytes(w, place_base(d));
	if (d->kind != DESTINATION_MAIL)
		writer_fmt(w, "/%s", path);
}

void place_url(struct writer *w, const struct destination *d, const char *path, const char *ending)
{
	place_name(w, d, path);
	if (d->kind != DESTINATION_MAIL)
		writer_fmt(w, "%s%s", ending, place_renames(d) ? PLACE_PART : "");
	writer_u8(w, '\0');
}

void place_stored(struct writer *w, const struct destination *d, const char *path)
{
	if (d->kind != DESTINATION_MAIL)
		place_name(w, d, path);
	writer_u8(w, '\0');
}

struct bytes place_path(struct bytes url)
{
	size_t from = place_host(url);

	while (from < url.n && url.p[from] != '/')
		from++;
	return bytes_from(url, from);
}

/* As the server's commands take it: "/~/x" of a URL is x of the home. */
static void place_sftp_name(struct writer *w, const struct destination *d, const char *path,
			    const char *ending)
{
	struct bytes base = place_path(place_base(d));
	bool home = bytes_starts(base, "/~");

	if (home)
		base = bytes_from(base, base.n > 3 ? 3 : base.n);
	writer_str(w, "\"");
	writer_bytes(w, base);
	writer_fmt(w, "%s%s%s\"", home && !base.n ? "" : "/", path, ending);
}

/* The old one is deleted first: OpenSSH's rename replaces nothing. A line with '*' may fail. */
static void place_finish_sftp(struct writer *w, const struct destination *d, const char *path,
			      const char *ending)
{
	char part[16];

	(void)snprintf(part, sizeof(part), "%s" PLACE_PART, ending);
	writer_str(w, "*rm ");
	place_sftp_name(w, d, path, ending);
	writer_str(w, "\nrename ");
	place_sftp_name(w, d, path, part);
	writer_str(w, " ");
	place_sftp_name(w, d, path, ending);
	writer_str(w, "\n");
}

/* Of FTP the name alone: the folder is the one where it was put. */
static void place_finish_ftp(struct writer *w, const char *path, const char *ending)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	writer_fmt(w, "*DELE %s%s\nRNFR %s%s" PLACE_PART "\nRNTO %s%s\n", name, ending, name,
		   ending, name, ending);
}

void place_finish(struct writer *w, const struct destination *d, const char *path,
		  const char *ending)
{
	switch (d->kind) {
	case DESTINATION_SFTP:
		place_finish_sftp(w, d, path, ending);
		return;
	case DESTINATION_FTP:
		place_finish_ftp(w, path, ending);
		return;
	case DESTINATION_DIRECTORY:
	case DESTINATION_S3:
	case DESTINATION_HTTP:
	case DESTINATION_MAIL:
	case DESTINATION_KINDS:
		return;
	}
}
