/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "app/live/live.h"
#include "base/addr.h"

/* Octets of a path or a host: nothing that would end a line, or a header. */
static bool url_is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '"' || text.p[i] == '@')
			return false;
	}
	return true;
}

static bool url_scheme_read(struct live_url *out, struct bytes *rest)
{
	static const char *const schemes[] = { "ws://", "wss://" };

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (!bytes_starts(*rest, schemes[i]))
			continue;
		*rest = bytes_sub(*rest, strlen(schemes[i]), rest->n);
		out->tls = i == 1;
		out->port = out->tls ? 443 : 80;
		return true;
	}
	return false;
}

/* "[2001:db8::1]" has its colons inside. */
static size_t host_length(struct bytes place)
{
	size_t n = 0;

	if (place.n && place.p[0] == '[') {
		while (n < place.n && place.p[n] != ']')
			n++;
		return n < place.n ? n + 1 : 0;
	}
	while (n < place.n && place.p[n] != ':')
		n++;
	return n;
}

static bool url_place_read(struct live_url *out, struct bytes place)
{
	size_t n = host_length(place);
	struct bytes host = bytes_sub(place, 0, n), port = bytes_sub(place, n, place.n);
	uint32_t number = out->port;

	if (n > 2 && host.p[0] == '[')
		host = bytes_sub(host, 1, n - 2);
	if (port.n && (port.p[0] != ':' || bytes_u32(bytes_sub(port, 1, port.n), &number) ||
		       number == 0 || number > UINT16_MAX))
		return false;
	out->port = (uint16_t)number;
	return host.n && host.n < sizeof(out->host) &&
	       bytes_cstr(host, out->host, sizeof(out->host)) == 0;
}

bool live_url_read(struct live_url *out, const char *text)
{
	struct bytes rest = bytes_str(text);
	size_t n = 0;

	*out = (struct live_url){ 0 };
	if (!url_is_plain(rest) || !url_scheme_read(out, &rest))
		return false;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	if (n < rest.n && rest.p[n] != '/')
		return false;
	if (!url_place_read(out, bytes_sub(rest, 0, n)))
		return false;
	rest = bytes_sub(rest, n, rest.n);
	return bytes_cstr(rest.n ? rest : bytes_str("/"), out->path, sizeof(out->path)) == 0;
}
