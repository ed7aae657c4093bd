/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs and names of deliveries, and the state of multipart uploads as text: queries, the list of
 * parts, the file in .uploads. transfer.c and transfer_s3.c call it. Answers of a server are
 * foreign data: ids and ETags that would need escaping are refused. Pure.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/deliver/upload.h"
#include "base/json_member.h"

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

/* The part of that URL that is the path on the server. */
static struct bytes place_path(struct bytes url)
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

enum { PART_UNIT = 1 << 20 };

/* ---- parts ---- */

void upload_set(struct upload *u, const char *path, const char *to, uint64_t octets, uint64_t part)
{
	uint64_t least = (octets + UPLOAD_PARTS_MAX - 1) / UPLOAD_PARTS_MAX;

	memset(u, 0, sizeof(*u));
	(void)bytes_cstr(bytes_str(path), u->path, sizeof(u->path));
	(void)bytes_cstr(bytes_str(to), u->to, sizeof(u->to));
	if (least > part)
		part = (least + PART_UNIT - 1) / PART_UNIT * PART_UNIT;
	u->octets = octets;
	u->part = part;
	u->count = (uint32_t)((octets + part - 1) / part);
}

uint64_t upload_part(const struct upload *u, uint64_t *from)
{
	*from = u->done * u->part;
	return u->octets - *from < u->part ? u->octets - *from : u->part;
}

/* ---- its file ---- */

void upload_name(struct writer *w, const char *path, const char *to)
{
	for (; *path; path++)
		writer_u8(w, *path == '/' ? ':' : (uint8_t)*path);
	writer_fmt(w, ":%s", to);
	writer_u8(w, '\0');
}

bool upload_word_fits(struct bytes word, size_t most)
{
	for (size_t i = 0; i < word.n; i++) {
		if (!isgraph(word.p[i]) || strchr("<>&\"'\\", word.p[i]))
			return false;
	}
	return word.n && word.n <= most;
}

static int upload_text(const json_t *object, const char *key, char *out, size_t cap)
{
	const json_t *value = json_object_get(object, key);
	struct bytes text = bytes_mem(json_string_value(value), json_string_length(value));

	return upload_word_fits(text, cap - 1) ? bytes_cstr(text, out, cap) : -EBADMSG;
}

static int upload_etags(const json_t *list, struct upload *u)
{
	size_t count = json_array_size(list);
	int err = json_is_array(list) && count <= u->count ? 0 : -EBADMSG;

	for (; !err && u->done < count; u->done++) {
		const json_t *item = json_array_get(list, u->done);
		struct bytes etag = bytes_mem(json_string_value(item), json_string_length(item));

		err = upload_word_fits(etag, UPLOAD_ETAG_MAX - 1)
			      ? bytes_cstr(etag, u->etags[u->done], UPLOAD_ETAG_MAX)
			      : -EBADMSG;
	}
	return err;
}

static int upload_read(const json_t *object, struct upload *u)
{
	char path[QUEUE_PATH_MAX], to[JOB_NAME_MAX], id[UPLOAD_ID_MAX];
	uint64_t octets = json_count(object, "octets"), part = json_count(object, "part");

	if (upload_text(object, "path", path, sizeof(path)) ||
	    upload_text(object, "to", to, sizeof(to)) ||
	    upload_text(object, "id", id, sizeof(id)) || !part || octets <= part)
		return -EBADMSG;
	upload_set(u, path, to, octets, part);
	if (u->part != part)
		return -EBADMSG; /* we never make so many parts */
	(void)bytes_cstr(bytes_str(id), u->id, sizeof(u->id));
	return upload_etags(json_object_get(object, "etags"), u);
}

int upload_parse(struct upload *out, struct bytes json)
{
	struct upload *found = malloc(sizeof(*found));
	json_t *object = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	int err = found ? -EBADMSG : -ENOMEM;

	if (found && json_is_object(object))
		err = upload_read(object, found);
	if (!err)
		*out = *found;
	json_decref(object);
	free(found);
	return err;
}

void upload_write(struct writer *w, const struct upload *u)
{
	writer_fmt(w,
		   "{\"path\":\"%s\",\"to\":\"%s\",\"id\":\"%s\",\"octets\":%" PRIu64
		   ",\"part\":%" PRIu64 ",\"etags\":[",
		   u->path, u->to, u->id, u->octets, u->part);
	for (uint32_t i = 0; i < u->done; i++)
		writer_fmt(w, "%s\"%s\"", i ? "," : "", u->etags[i]);
	writer_str(w, "]}\n");
}

/* ---- requests ---- */

/* RFC 3986 2.3, as a signature wants it. */
static void upload_escape(struct writer *w, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			writer_u8(w, (uint8_t)*text);
		else
			writer_fmt(w, "%%%02X", (unsigned char)*text);
	}
}

void upload_query(struct writer *w, const struct upload *u, enum upload_step step)
{
	if (step == UPLOAD_START) {
		writer_str(w, "?uploads=");
		return;
	}
	writer_str(w, "?");
	if (step == UPLOAD_PART)
		writer_fmt(w, "partNumber=%" PRIu32 "&", u->done + 1);
	writer_str(w, "uploadId=");
	upload_escape(w, u->id);
}

void upload_list(struct writer *w, const struct upload *u)
{
	writer_str(w, "<CompleteMultipartUpload "
		      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (uint32_t i = 0; i < u->done; i++)
		writer_fmt(w,
			   "<Part><PartNumber>%" PRIu32
			   "</PartNumber><ETag>&quot;%s&quot;</ETag></Part>",
			   i + 1, u->etags[i]);
	writer_str(w, "</CompleteMultipartUpload>");
}

struct bytes upload_element(struct bytes xml, const char *name)
{
	char before[64], behind[64];
	const uint8_t *from, *to;

	(void)snprintf(before, sizeof(before), "<%s>", name);
	(void)snprintf(behind, sizeof(behind), "</%s>", name);
	from = xml.n ? memmem(xml.p, xml.n, before, strlen(before)) : NULL;
	if (!from)
		return bytes_mem(NULL, 0);
	from += strlen(before);
	to = memmem(from, (size_t)(xml.p + xml.n - from), behind, strlen(behind));
	return to ? bytes_mem(from, (size_t)(to - from)) : bytes_mem(NULL, 0);
}
