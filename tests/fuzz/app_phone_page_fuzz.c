/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of micro-browsers: the arguments of a request, 0xff, and a name, which is a number, too. Oracle: what is written has the same markup, octet
 * by octet, as with plain values; what is searched comes back by the link to the next page as it was; no link has another scheme than those of a
 * phone.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/provision/phone_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 16, FUZZ_NAME_MAX = 2048 };

static struct phone_page page(uint8_t *space, const char *search, const char *name)
{
	struct phone_page p = { writer_over(space, ROOM), "/browser/x", search };

	phone_page_start(&p, name);
	phone_page_search(&p, "/directory");
	phone_page_text(&p, name);
	phone_page_dial(&p, "202", name, name);
	phone_page_link(&p, "", name);
	phone_page_link_out(&p, name, name);
	phone_page_end(&p);
	return p;
}

static size_t structure(const struct phone_page *p, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->w.n; i++) {
		if (memchr("<>\"'\n", p->w.p[i], 5))
			out[n++] = (char)p->w.p[i];
	}
	return n;
}

/* The values of a URL between quotes, decoded. */
static void same_search(const char *search)
{
	uint8_t space[1024];
	struct phone_page p = { writer_over(space, sizeof(space) - 1), "/browser/x", search };
	char found[PHONE_PAGE_SEARCH_MAX * 2] = "";
	const char *at;
	size_t n = 0;

	phone_page_turn(&p, "/directory", 0, true);
	assert(!p.w.overflow);
	space[p.w.n] = '\0';
	at = strstr((const char *)space, "search=");
	for (at = at ? at + 7 : ""; *at && *at != '"'; at++) {
		char digits[3] = { at[0] == '%' ? at[1] : '0', at[0] == '%' ? at[2] : '0', '\0' };

		found[n++] = at[0] == '%' ? (char)strtoul(digits, NULL, 16) : at[0];
		at += at[0] == '%' ? 2 : 0;
	}
	assert(!strcmp(found, search));
}

static void dials(const char *number)
{
	static uint8_t space[ROOM];
	struct phone_page p = { writer_over(space, ROOM - 1), "/browser/x", "" };
	const char *link;

	phone_page_dial(&p, number, "x", "");
	space[p.w.n] = '\0';
	link = strstr((const char *)space, "href=\"");
	assert(!link || !strncmp(link + 6, "tel:", 4) || !strncmp(link + 6, "sip:", 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t one[ROOM], other[ROOM];
	static char plain[ROOM], markup[ROOM];
	struct bytes rest = bytes_mem(data, size), arguments = { 0 };
	char search[PHONE_PAGE_SEARCH_MAX], name[FUZZ_NAME_MAX];
	struct phone_page p;
	uint32_t at;
	size_t n;

	(void)bytes_cut(&rest, 0xff, &arguments);
	if (!size || memchr(data, 0, size) || bytes_cstr(rest, name, sizeof(name)) || !name[0] ||
	    !phone_page_asked(arguments, search, &at))
		return 0;
	assert(at < PHONE_PAGE_COUNT && strlen(search) < sizeof(search));
	p = page(one, "x", "x");
	n = structure(&p, plain);
	p = page(other, search, name);
	assert(p.w.overflow || (structure(&p, markup) == n && !memcmp(plain, markup, n)));
	same_search(search);
	dials(name);
	return 0;
}
