/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the identity of a node, the Redis that its state directory belongs to, and its
 * place beside its line of the roster. app/daemon/start.c and app/node/node_wait.c call it at
 * start, so that a copied directory or another Redis is found out before anything is written. The
 * decisions about twins are pure; the files are "identity" and "cluster" below DIR.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cluster/identity.h"

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

/* A process that has died may still have one write on its way. */
enum { RETURNS_MAX = 2 };

static const struct bytes ANY_ID = BYTES_LIT("0000000000000001");

struct bytes twin_place_write(char out[TWIN_PLACE_MAX], uint64_t incarnation,
			      const struct identity *own)
{
	struct writer w = writer_over(out, TWIN_PLACE_MAX);

	writer_fmt(&w, "%016" PRIx64 " ", incarnation);
	WRITER_TEXTS(&w, own->place, " ", own->where);
	assert(!w.overflow);
	return writer_done(&w);
}

/* Incarnation of the process that wrote the line; 0: it has stopped, or the line is malformed. */
static uint64_t line_owner(struct bytes line)
{
	struct roster_node node;

	if (!line.n || roster_read(&node, ANY_ID, line) || roster_has_left(&node))
		return 0;
	return node.incarnation;
}

/* Reads the place of that process; false: it is not known. */
static bool place_read(struct bytes text, uint64_t incarnation, struct bytes *place,
		       struct bytes *where)
{
	char id[17];
	struct writer w = writer_over(id, sizeof(id));
	struct bytes word;

	writer_fmt(&w, "%016" PRIx64, incarnation);
	if (!bytes_cut(&text, ' ', &word) || !bytes_eq(word, bytes_mem(id, 16)))
		return false;
	*where = text;
	return bytes_cut(where, ' ', place);
}

static bool was_here(struct twin *t, const struct identity *own, struct bytes text,
		     uint64_t incarnation)
{
	struct bytes place = { 0 }, where = { 0 };

	t->where[0] = '\0';
	if (!place_read(text, incarnation, &place, &where))
		return false;
	if (bytes_cstr(where, t->where, sizeof(t->where)))
		t->where[0] = '\0';
	return bytes_is(place, own->place);
}

/* A line that is longer was written by no program that is known. */
static void line_note(struct twin *t, struct bytes line)
{
	if (bytes_cstr(line, t->seen, sizeof(t->seen)))
		t->seen[0] = '\0';
}

enum twin_verdict twin_look(struct twin *t, const struct identity *own, struct bytes line,
			    struct bytes place, uint64_t now_ns)
{
	uint64_t owner = line_owner(line);
	bool changed = !bytes_is(line, t->seen);

	if (!owner || was_here(t, own, place, owner)) {
		line_note(t, line);
		return TWIN_NOBODY;
	}
	if (t->since_ns && changed)
		return TWIN_LIVES;
	if (!t->since_ns)
		t->since_ns = now_ns;
	line_note(t, line);
	return now_ns - t->since_ns > TWIN_WATCH_NS ? TWIN_NOBODY : TWIN_WAIT;
}

void twin_taken(struct twin *t, uint64_t own_incarnation)
{
	uint64_t owner = line_owner(bytes_str(t->seen));

	if (!t->before && owner != own_incarnation && owner != t->later)
		t->before = owner;
	t->seen[0] = '\0';
}

enum twin_verdict twin_found(struct twin *t, const struct identity *own, struct bytes line,
			     struct bytes place)
{
	uint64_t owner = line_owner(line);
	bool here = was_here(t, own, place, owner);

	line_note(t, line);
	if (!owner || here)
		return TWIN_NOBODY;
	if (owner == t->before)
		return ++t->returned < RETURNS_MAX ? TWIN_NOBODY : TWIN_LIVES;
	t->later = owner;
	return TWIN_LATER;
}

enum { IDENTITY_OCTETS = IDENTITY_LEN / 2, FILE_MAX = 128, BOOT_ID_LEN = 36 };

int identity_parse(char out[IDENTITY_LEN + 1], struct bytes text)
{
	struct bytes id = bytes_trim(text);
	uint8_t octets[IDENTITY_OCTETS];
	size_t n = 0;

	if (id.n != IDENTITY_LEN || hex_decode(id, octets, sizeof(octets), &n) ||
	    n != IDENTITY_OCTETS)
		return -EBADMSG;
	return bytes_cstr(id, out, IDENTITY_LEN + 1);
}

/* Bytes read, or -errno. */
static ssize_t identity_file_read(const char *path, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, cap);
	if (n < 0)
		n = -errno;
	(void)close(fd);
	return n;
}

static int identity_make(struct identity *out, const char *path, struct rand_source *rand)
{
	uint8_t octets[IDENTITY_OCTETS];
	char text[IDENTITY_LEN + 1];
	struct writer w = writer_over(text, sizeof(text));
	int err;

	rand_fill(rand, octets, sizeof(octets));
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	writer_str(&w, "\n");
	err = file_create(path, 0600, writer_done(&w));
	return err ? err : identity_parse(out->id, writer_done(&w));
}

static int id_read(struct identity *out, const char *dir, struct rand_source *rand)
{
	char path[PATH_MAX], text[FILE_MAX];
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "%s/identity", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	n = identity_file_read(path, text, sizeof(text));
	if (n == -ENOENT)
		return identity_make(out, path, rand);
	return n < 0 ? (int)n : identity_parse(out->id, bytes_mem(text, (size_t)n));
}

/* Another boot of the machine, or another machine, is another place. */
static int identity_place_read(struct identity *out, int lock_fd)
{
	char boot[FILE_MAX];
	ssize_t n = identity_file_read("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	struct stat st;
	int len;

	if (fstat(lock_fd, &st) < 0)
		return -errno;
	len = snprintf(out->place, sizeof(out->place), "%.*s.%llx.%llx",
		       n >= BOOT_ID_LEN ? BOOT_ID_LEN : 0, boot, (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	return len > 0 && (size_t)len < sizeof(out->place) ? 0 : -ENAMETOOLONG;
}

static void where_write(struct identity *out, const char *dir)
{
	char host[HOST_NAME_MAX + 1] = "";
	char path[PATH_MAX];

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(out->where, sizeof(out->where), "%s:%.255s", host,
		       realpath(dir, path) ? path : dir);
}

int identity_open(struct identity *out, const char *dir, int lock_fd, struct rand_source *rand)
{
	int err;

	*out = (struct identity){ 0 };
	err = id_read(out, dir, rand);
	if (!err)
		err = identity_place_read(out, lock_fd);
	if (!err)
		where_write(out, dir);
	return err;
}

uint64_t identity_node(const struct identity *own)
{
	uint64_t id = 0;

	for (size_t i = 0; i < 16 && own->id[i]; i++) {
		const char *at = memchr("0123456789abcdef", own->id[i], 16);

		if (!at)
			break;
		id = id << 4 | (uint64_t)(at - "0123456789abcdef");
	}
	return id ? id : 1;
}
