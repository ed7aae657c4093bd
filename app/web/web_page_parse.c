/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links of record pages: made from tenant, number and the page number of an extension's document,
 * and parsed back. web_request.c checks each visit; commands make the links. The MAC is half of an
 * HMAC-SHA-256 by a derived key of the node, and a path is accepted only if it equals the one we
 * would make, so no other spelling passes. Pure, and fuzzed.
 */

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "app/web/web_page.h"
#include "sig/sip/id.h"

enum { TOKEN_MAC_LEN = 16 };

static const char *const g_acts[RECORD_PAGE_ACTS] = {
	[RECORD_PAGE_ON] = "on",
	[RECORD_PAGE_PAUSE] = "pause",
	[RECORD_PAGE_RESUME] = "resume",
	[RECORD_PAGE_OFF] = "off",
};

/* Numbers may have '*', '#' and '+', which mean something else in a path: "~2a". */
static void page_name_write(struct writer *w, const char *name)
{
	for (; *name; name++) {
		uint8_t c = (uint8_t)*name;

		writer_u8(w, octet_is_plain(c) ? c : '~');
		if (!octet_is_plain(c))
			writer_hex(w, bytes_mem(&c, 1));
	}
}

static int page_name_read(struct bytes in, char *out, size_t size)
{
	size_t n = 0, one;

	while (in.n && n + 1 < size) {
		uint8_t c = in.p[0];

		if (c == '~' && hex_decode(bytes_sub(in, 1, 2), &c, 1, &one))
			return -ENOENT;
		in = bytes_from(in, in.p[0] == '~' ? 3 : 1);
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return in.n || !n ? -ENOENT : 0;
}

/* "PAGE TENANT NUMBER" */
static void page_text(struct writer *w, const struct web_page_of *of)
{
	char page[BASE32_U64_LEN];

	base32_u64_put(page, of->page);
	writer_bytes(w, bytes_mem(page, sizeof(page)));
	WRITER_TEXTS(w, " ", of->tenant, " ", of->number);
}

/* Half of its HMAC-SHA-256. */
static void page_mac(struct writer *w, const uint8_t key[WEB_PAGE_KEY_LEN],
		     const struct web_page_of *of)
{
	uint8_t said[WEB_PAGE_PATH_MAX], mac[EVP_MAX_MD_SIZE] = { 0 };
	struct writer text = writer_over(said, sizeof(said));
	unsigned n = 0;

	page_text(&text, of);
	if (text.overflow || !HMAC(EVP_sha256(), key, WEB_PAGE_KEY_LEN, said, text.n, mac, &n))
		w->overflow = true;
	else
		writer_hex(w, bytes_mem(mac, TOKEN_MAC_LEN));
}

void web_page_link(struct writer *w, const uint8_t key[WEB_PAGE_KEY_LEN],
		   const struct web_page_of *of)
{
	char page[BASE32_U64_LEN];

	base32_u64_put(page, of->page);
	writer_str(w, WEB_PAGE_HEAD);
	writer_bytes(w, bytes_mem(page, sizeof(page)));
	writer_u8(w, '-');
	page_mac(w, key, of);
	writer_u8(w, '/');
	page_name_write(w, of->tenant);
	writer_u8(w, '/');
	page_name_write(w, of->number);
}

static int page_act_read(struct bytes path, struct record_link_request *out)
{
	struct bytes word;

	if (!bytes_cut(&path, '/', &word))
		return -ENOENT;
	for (enum record_page_act act = RECORD_PAGE_ON; act < RECORD_PAGE_ACTS; act++) {
		if (bytes_is(word, g_acts[act]))
			out->act = act;
	}
	return !out->act || id_call_get(path, &out->call) || !out->call ? -ENOENT : 0;
}

static int page_of_read(struct bytes path, struct web_page_of *out)
{
	struct bytes token, page, name;

	if (!bytes_cut(&path, '/', &token) || !bytes_cut(&token, '-', &page) ||
	    base32_u64_get(page, &out->page) || !bytes_cut(&path, '/', &name) ||
	    page_name_read(name, out->tenant, sizeof(out->tenant)) || !bytes_cut(&path, '/', &name))
		return -ENOENT;
	return page_name_read(name, out->number, sizeof(out->number));
}

/* It must equal the path that we make, octet by octet. */
int web_page_parse(const uint8_t key[WEB_PAGE_KEY_LEN], struct bytes path,
		   struct record_link_request *out, struct bytes *link)
{
	char ours[WEB_PAGE_PATH_MAX];
	struct writer w = writer_over(ours, sizeof(ours));

	*out = (struct record_link_request){ 0 };
	if (!bytes_starts(path, WEB_PAGE_HEAD) || path.n > WEB_PAGE_PATH_MAX ||
	    memchr(path.p, '\0', path.n) ||
	    page_of_read(bytes_from(path, sizeof(WEB_PAGE_HEAD) - 1), &out->of))
		return -ENOENT;
	web_page_link(&w, key, &out->of);
	*link = bytes_sub(path, 0, w.n);
	if (w.overflow || !bytes_eq_secret(writer_done(&w), *link))
		return -ENOENT;
	if (path.n == w.n)
		return 0;
	return path.p[w.n] == '/' ? page_act_read(bytes_from(path, w.n + 1), out) : -ENOENT;
}
