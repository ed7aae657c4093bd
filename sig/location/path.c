/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/location/path.h"

#include <errno.h>

#include "sig/sip/lex.h"

static bool path_uri_ok(const struct sip_uri *uri)
{
	return (bytes_iis(uri->scheme, "sip") || bytes_iis(uri->scheme, "sips")) && uri->host.n;
}

static bool keeps_flow(const struct sip_uri *uri)
{
	struct bytes value;

	return sip_param(uri->params, "ob", &value);
}

/* RFC 5626 6 names the first URI. That of the proxy next to the phone is the last one, as each is put before those that are there. */
int path_read(const struct sip_message *m, struct writer *w, bool *flow)
{
	struct sip_name_addr a;
	unsigned cursor = 0, n = 0;
	bool first = false, last = false;
	int got;

	while ((got = message_name_addr_next(m, "Path", &cursor, &a)) == 1) {
		if (!path_uri_ok(&a.uri))
			return -EBADMSG;
		if (n++ == PATH_HOPS_MAX)
			return -EMSGSIZE;
		last = keeps_flow(&a.uri);
		first |= n == 1 && last;
		writer_str(w, n > 1 ? ", <" : "<");
		writer_bytes(w, a.uri.all);
		writer_str(w, ">");
	}
	*flow = first || last;
	if (got < 0)
		return -EBADMSG;
	return w->overflow || w->n > PATH_TEXT_MAX ? -EMSGSIZE : 0;
}

bool path_is_route(struct bytes text)
{
	struct sip_name_addr a;
	struct bytes element;
	unsigned n = 0;

	if (text.n > PATH_TEXT_MAX)
		return false;
	while (lex_element(&text, &element)) {
		if (n++ == PATH_HOPS_MAX || sip_name_addr_parse(&a, element) ||
		    !path_uri_ok(&a.uri))
			return false;
	}
	return n != 0;
}
