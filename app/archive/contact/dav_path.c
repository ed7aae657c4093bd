/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of CardDAV (dav.h): from a request or an href, and to one. What is not the user's own is
 * nothing, so that no answer tells who else is there. A name becomes an id and comes back as it
 * was.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/archive/contact/dav.h"

#define VCF ".vcf"

enum { HREF_MAX = 512 };

static bool dav_octet_is_plain(uint8_t c)
{
	return isalnum(c) || (c && strchr("-._", c));
}

static const char *const g_dav_books[DAV_BOOKS] = {
	[DAV_OWN] = "contacts", [DAV_SHARED] = "shared", [DAV_COLLEAGUES] = "colleagues"
};

bool dav_id_read(char out[CONTACT_ID_MAX], struct bytes name)
{
	struct writer w = writer_over(out, CONTACT_ID_MAX - 1);

	for (size_t i = 0; i < name.n; i++) {
		if (dav_octet_is_plain(name.p[i]))
			writer_u8(&w, name.p[i]);
		else
			writer_fmt(&w, "__%02X", name.p[i]);
	}
	if (!w.n || w.overflow)
		return false;
	out[w.n] = '\0';
	return true;
}

static int upper_hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As a URI has it. */
static void id_to_name(struct writer *w, const char *id)
{
	for (; *id; id++) {
		int high = id[0] == '_' && id[1] == '_' ? upper_hex(id[2]) : -1;
		int low = high >= 0 ? upper_hex(id[3]) : -1;

		if (low < 0 || dav_octet_is_plain((uint8_t)(high << 4 | low))) {
			writer_u8(w, (uint8_t)*id);
			continue;
		}
		writer_fmt(w, "%%%c%c", id[2], id[3]);
		id += 3;
	}
}

void dav_path_parse(struct dav_path *out, struct bytes path, struct bytes user)
{
	struct bytes owner = { 0 }, part = { 0 };
	bool books;

	*out = (struct dav_path){ .kind = path.n ? DAV_NOTHING : DAV_ROOT };
	(void)bytes_cut(&path, '/', &part);
	books = bytes_is(part, "books");
	if (!books && !bytes_is(part, "principals"))
		return;
	if (!bytes_cut(&path, '/', &owner) || !user.n || !bytes_eq(owner, user))
		return;
	if (!path.n) {
		out->kind = books ? DAV_HOME : DAV_PRINCIPAL;
		return;
	}
	(void)bytes_cut(&path, '/', &part);
	while (out->book < DAV_BOOKS && !bytes_is(part, g_dav_books[out->book]))
		out->book++;
	if (!books || out->book == DAV_BOOKS)
		return;
	if (!path.n) {
		out->kind = DAV_BOOK;
		return;
	}
	if (path.n <= strlen(VCF) || !bytes_is(bytes_from(path, path.n - strlen(VCF)), VCF))
		return;
	path.n -= strlen(VCF);
	if (!memchr(path.p, '/', path.n) && dav_id_read(out->id, path))
		out->kind = DAV_CARD;
}

void dav_path_write(struct writer *w, const struct dav_path *p, const char *user)
{
	writer_str(w, DAV_HEAD);
	if (p->kind == DAV_ROOT || p->kind == DAV_NOTHING)
		return;
	writer_str(w, p->kind == DAV_PRINCIPAL ? "principals/" : "books/");
	for (; *user; user++) {
		if (dav_octet_is_plain((uint8_t)*user))
			writer_u8(w, (uint8_t)*user);
		else
			writer_fmt(w, "%%%02X", (uint8_t)*user);
	}
	writer_u8(w, '/');
	if (p->kind != DAV_BOOK && p->kind != DAV_CARD)
		return;
	WRITER_TEXTS(w, g_dav_books[p->book], "/");
	if (p->kind != DAV_CARD)
		return;
	id_to_name(w, p->id);
	writer_str(w, VCF);
}

static int any_hex(uint8_t c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

void dav_href_parse(struct dav_path *out, struct bytes href, struct bytes user)
{
	uint8_t room[HREF_MAX];
	struct writer w = writer_over(room, sizeof(room));
	struct bytes path;

	*out = (struct dav_path){ .kind = DAV_NOTHING };
	href = bytes_trim(href);
	if (bytes_starts(href, "http://") || bytes_starts(href, "https://")) {
		href = bytes_from(href, bytes_find(href, '/') + 2);
		href = bytes_from(href, bytes_find(href, '/'));
	}
	for (size_t i = 0; i < href.n; i++) {
		int high = href.p[i] == '%' && i + 2 < href.n ? any_hex(href.p[i + 1]) : -1;
		int low = high >= 0 ? any_hex(href.p[i + 2]) : -1;

		writer_u8(&w, low >= 0 ? (uint8_t)(high << 4 | low) : href.p[i]);
		i += low >= 0 ? 2 : 0;
	}
	path = writer_done(&w);
	if (!w.overflow && bytes_starts(path, DAV_HEAD))
		dav_path_parse(out, bytes_from(path, strlen(DAV_HEAD)), user);
}
