/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a path that is believed begins with the link that is made for whom it names, and names an act with a call, or neither. The input is
 * a path, and a number whose link is made and read again, with what is behind it. */
#include <assert.h>
#include <string.h>

#include "app/web/web_page.h"
#include "base/bytes.h"

enum { PATH_MAX_HERE = WEB_PAGE_PATH_MAX + 64 };

static const uint8_t g_key[WEB_PAGE_KEY_LEN] = { 1, 2, 3 };

static bool path_look(struct bytes path)
{
	struct record_link_request ask;
	char again[WEB_PAGE_PATH_MAX];
	struct writer w = writer_over(again, sizeof(again));
	struct bytes link;

	if (web_page_parse(g_key, path, &ask, &link))
		return false;
	web_page_link(&w, g_key, &ask.of);
	assert(!w.overflow && bytes_eq(writer_done(&w), link));
	assert(link.p == path.p && link.n <= path.n && path.n <= WEB_PAGE_PATH_MAX);
	assert(ask.of.tenant[0] && ask.of.number[0] && ask.act < RECORD_PAGE_ACTS);
	assert(!ask.act == !ask.call && !ask.act == (link.n == path.n));
	return true;
}

/* The first octet says how much of the rest is the number; behind it is what stands behind the link. */
static void link_look(struct bytes in)
{
	struct web_page_of of = { .tenant = "acme", .page = 1 };
	char path[PATH_MAX_HERE];
	struct writer w = writer_over(path, sizeof(path));
	struct bytes number = bytes_sub(bytes_from(in, 1), 0, in.p[0] % WEB_PAGE_NUMBER_MAX);

	if (bytes_cstr(number, of.number, sizeof(of.number)) || strlen(of.number) != number.n ||
	    !number.n)
		return;
	web_page_link(&w, g_key, &of);
	assert(!w.overflow);
	assert(path_look(writer_done(&w)));
	writer_bytes(&w, bytes_from(in, 1 + number.n));
	if (!w.overflow)
		(void)path_look(writer_done(&w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes in = { data, size };

	(void)path_look(in);
	if (size)
		link_look(in);
	return 0;
}
