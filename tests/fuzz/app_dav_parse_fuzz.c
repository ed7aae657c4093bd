/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of CardDAV, and the paths in them. Oracle: what is read is within its bounds, has no control character of XML, and holds of a card that has
 * exactly what a filter asks for; a path that means something is written and read again as the same.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/dav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void path_again(const struct dav_path *p)
{
	char text[512];
	struct writer w = writer_over(text, sizeof(text));
	struct dav_path same;

	if (p->kind == DAV_NOTHING)
		return;
	assert(strlen(p->id) < CONTACT_ID_MAX && (p->kind == DAV_CARD) == (p->id[0] != '\0'));
	dav_path_write(&w, p, "10*1");
	assert(!w.overflow);
	dav_href_parse(&same, writer_done(&w), BYTES_LIT("10*1"));
	assert(same.kind == p->kind && !strcmp(same.id, p->id));
	assert(same.book == p->book || (p->kind != DAV_BOOK && p->kind != DAV_CARD));
	dav_href_parse(&same, writer_done(&w), BYTES_LIT("1002")); /* another one's */
	assert(same.kind == DAV_NOTHING || same.kind == DAV_ROOT);
}

static void filters_hold(const struct dav_request *r)
{
	static const char card[] =
		"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nTEL:1\r\nEND:VCARD\r\n";
	bool any = false, all = true;

	for (uint32_t i = 0; i < r->filter_count; i++) {
		struct dav_request one = { .filter_count = 1 };
		bool is;

		one.filters[0] = r->filters[i];
		is = dav_filters_match(&one, bytes_mem(card, sizeof(card) - 1));
		any |= is;
		all &= is;
		assert(r->filters[i].property[0] && r->filters[i].count <= DAV_MATCHES_MAX);
	}
	assert(dav_filters_match(r, bytes_mem(card, sizeof(card) - 1)) ==
	       (!r->filter_count || (r->filters_all ? all : any)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool report = size && data[0] & 1;
	struct bytes body = bytes_mem(data + (size != 0), size - (size != 0));
	struct dav_request *r = malloc(sizeof(*r));
	struct dav_path p;
	int err;

	assert(r);
	err = dav_request_parse(r, report, body);
	assert(!err || err == -EBADMSG || err == -E2BIG || err == -ENOTSUP);
	assert(r->href_count <= DAV_HREFS_MAX && r->unknown_count <= DAV_UNKNOWN_MAX);
	if (!err) {
		assert((r->ask == DAV_PROPFIND) == !report && (r->version == 3 || r->version == 4));
		filters_hold(r);
	}
	for (uint32_t i = 0; i < r->href_count; i++) {
		dav_href_parse(&p, bytes_str(r->hrefs[i]), BYTES_LIT("10*1"));
		path_again(&p);
	}
	dav_path_parse(&p, body, BYTES_LIT("10*1"));
	path_again(&p);
	dav_request_free(r);
	free(r);
	return 0;
}
