/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links to files of recordings, and ranges of files. recording.link makes a link; web_request.c
 * checks it for each download. A link is an HMAC-SHA-256 over name and expiry by a derived key of
 * the node, compared in constant time, so it cannot be forged or extended. Input is any client's:
 * names cannot leave the folder. Pure, and fuzzed.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "app/web/web_page.h"

#define HEAD "/recordings/"

enum { FILE_MAC_LEN = 16, FILE_MAC_TEXT_LEN = FILE_MAC_LEN * 2 };

/* Half of the HMAC-SHA-256 of "EXPIRES NAME". */
static void file_mac(struct writer *w, const struct web_files *f, struct bytes name,
		     uint64_t expires_utc_ms)
{
	uint8_t said[WEB_FILE_PATH_MAX + 32], mac[EVP_MAX_MD_SIZE] = { 0 };
	struct writer of = writer_over(said, sizeof(said));
	unsigned n = 0;

	writer_u64(&of, expires_utc_ms);
	writer_u8(&of, ' ');
	writer_bytes(&of, name);
	if (of.overflow || !HMAC(EVP_sha256(), f->key, sizeof(f->key), said, of.n, mac, &n))
		w->overflow = true;
	else
		writer_hex(w, bytes_mem(mac, FILE_MAC_LEN));
}

void web_file_link(struct writer *w, const struct web_files *f, struct bytes name,
		   uint64_t expires_utc_ms)
{
	writer_str(w, HEAD);
	writer_u64(w, expires_utc_ms);
	writer_u8(w, '-');
	file_mac(w, f, name, expires_utc_ms);
	writer_u8(w, '/');
	writer_bytes(w, name);
}

/* Letters, digits, '.', '_', '-' between slashes, and no part begins with '.'. */
static bool file_name_fits(struct bytes name)
{
	bool first = true;

	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (c == '/' ? first
			     : !isascii(c) ||
				       (!isalnum(c) && c != '_' && c != '-' && (c != '.' || first)))
			return false;
		first = c == '/';
	}
	return name.n && !first;
}

int web_file_parse(const struct web_files *f, struct bytes path, uint64_t now_utc_ms,
		   struct bytes *name)
{
	char wanted[FILE_MAC_TEXT_LEN];
	struct writer w = writer_over(wanted, sizeof(wanted));
	struct bytes token, expires;
	uint64_t expires_utc_ms;

	if (!bytes_starts(path, HEAD) || path.n > WEB_FILE_PATH_MAX)
		return -ENOENT;
	path = bytes_from(path, sizeof(HEAD) - 1);
	if (!bytes_cut(&path, '/', &token) || !bytes_cut(&token, '-', &expires) ||
	    bytes_u64(expires, &expires_utc_ms) || !file_name_fits(path))
		return -EACCES;
	file_mac(&w, f, path, expires_utc_ms);
	if (w.overflow || !bytes_eq_secret(writer_done(&w), token) || expires_utc_ms < now_utc_ms)
		return -EACCES;
	*name = path;
	return 0;
}

/* "FIRST-LAST", "FIRST-" or "-LENGTH" of a file that is not empty. */
static bool range_text_read(struct bytes text, uint64_t size, struct web_range *out)
{
	struct bytes last = text, first;
	uint64_t a = 0, b = 0;

	if (bytes_find(text, '-') == text.n || !bytes_cut(&last, '-', &first))
		return false;
	if ((first.n && bytes_u64(first, &a)) || (last.n && bytes_u64(last, &b)) ||
	    (!first.n && !last.n) || (first.n && last.n && b < a))
		return false;
	out->part = true;
	if (!first.n) {
		out->n = b < size ? b : size;
		out->from = size - out->n;
	} else {
		out->from = a;
		out->n = a >= size ? 0 : (last.n && b < size - 1 ? b + 1 : size) - a;
	}
	return true;
}

int web_range_parse(struct bytes header, uint64_t size, struct web_range *out)
{
	static const char unit[] = "bytes=";

	*out = (struct web_range){ .n = size };
	if (!bytes_istarts(header, unit) ||
	    !range_text_read(bytes_trim(bytes_from(header, sizeof(unit) - 1)), size, out))
		return 0;
	return out->n ? 0 : -ERANGE;
}
