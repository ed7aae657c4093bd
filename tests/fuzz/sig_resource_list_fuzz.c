/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of resources that a SUBSCRIBE brings along. What is read has no blank and no control character in it, and is read the same when it
 * is written anew; one entry less of room is too little; with an element that is not closed it is no document.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/body.h"
#include "sig/sip/resource_list.h"

enum { MOST = 32, TEXT_MAX = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static struct bytes written(struct bytes uris, uint8_t *space, uint32_t *count)
{
	struct writer w = writer_over(space, 6 * TEXT_MAX);
	struct bytes one;

	*count = 0;
	writer_str(&w, "<?xml version='1.0'?>\r\n<r:resource-lists xmlns:r=\"urn:x\"><r:list>");
	while (bytes_cut(&uris, '\n', &one)) {
		for (size_t i = 0; i < one.n; i++)
			check(one.p[i] > ' ' && one.p[i] != 0x7f, "no URI has that");
		writer_str(&w, (*count)++ % 2 ? "<!-- > --><r:entry name='>' uri = \""
					      : "<r:entry uri=\"");
		xml_write(&w, one);
		writer_str(&w, "\"/>");
	}
	writer_str(&w, "</r:list></r:resource-lists>\n");
	check(!w.overflow, "no room");
	return writer_done(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[TEXT_MAX], second[TEXT_MAX], text[6 * TEXT_MAX];
	struct writer a = writer_over(first, sizeof(first)),
		      b = writer_over(second, sizeof(second));
	struct bytes document;
	uint32_t count;

	if (size > TEXT_MAX / 2 || resource_list_read(bytes_mem(data, size), MOST, &a))
		return 0;
	document = written(writer_done(&a), text, &count);
	check(count <= MOST, "too many");
	for (size_t i = 0; i < a.n; i++) {
		if (a.p[i] >= 0x80)
			return 0; /* what is no UTF-8 is not written as it was */
	}
	check(!resource_list_read(document, MOST, &b), "not read again");
	check(bytes_eq(writer_done(&a), writer_done(&b)), "read as another one");
	b.n = 0;
	check(!count || resource_list_read(document, count - 1, &b) == -E2BIG, "one too many");
	b = writer_over(second, sizeof(second));
	document.n -= sizeof("</r:resource-lists>");
	check(resource_list_read(document, MOST, &b) == -EBADMSG, "it has no end");
	return 0;
}
