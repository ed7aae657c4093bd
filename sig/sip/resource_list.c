/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the URIs of a resource list in a request body (RFC 4826, RFC 5363, RFC 5367) with the XML
 * reader of xml.h. Nested lists are flattened; references and external lists are ignored, since no
 * node fetches them. Pure and bounded; used for SUBSCRIBE to a list. */

#include "sig/sip/resource_list.h"

#include <errno.h>

#include "sig/sip/xml.h"

/* What no URI has. */
static bool uri_is_plain(struct bytes uri)
{
	for (size_t i = 0; i < uri.n; i++) {
		if (uri.p[i] <= ' ' || uri.p[i] == 0x7f)
			return false;
	}
	return uri.n != 0;
}

static int list_entry_read(const struct xml_tag *tag, struct writer *w)
{
	struct bytes uri;
	size_t from = w->n;

	if (xml_attribute(tag, "uri", &uri) != 1)
		return -EBADMSG;
	if (!xml_unescape(w, uri))
		return w->overflow ? -E2BIG : -EBADMSG;
	if (!uri_is_plain(bytes_mem(w->p + from, w->n - from)))
		return -EBADMSG;
	writer_u8(w, '\n');
	return w->overflow ? -E2BIG : 0;
}

int resource_list_read(struct bytes document, uint32_t most, struct writer *w)
{
	struct xml_tag tag;
	uint32_t count = 0;
	struct xml x;
	int err;

	xml_open(&x, document);
	if (xml_next(&x, &tag) != 1 || !tag.begins || !bytes_is(tag.name, "resource-lists"))
		return -EBADMSG;
	while ((err = xml_next(&x, &tag)) == 1) {
		if (!tag.begins || !bytes_is(tag.name, "entry"))
			continue;
		if (count++ == most)
			return -E2BIG;
		err = list_entry_read(&tag, w);
		if (err)
			return err;
	}
	return err;
}
