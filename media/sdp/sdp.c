/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries a parsed SDP (sdp_parse.c): attributes by name, connection address, RTCP port (RFC 3605)
 * and direction of a section, with the session level as the fallback (RFC 8866 5.7, 6.7). Every
 * module that needs SDP reads it here. Host names in c= are refused, because a look-up would let
 * the sender time and steer it.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/sdp/sdp.h"

void sdp_write_line(struct writer *w, char type, struct bytes value)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, '=');
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

/* Attributes and lines of a section. */

struct bytes sdp_slice(const struct sdp *s, struct sdp_span span)
{
	return bytes_sub(s->text, span.at, span.n);
}

bool sdp_attribute_is(struct bytes value, const char *name, struct bytes *rest)
{
	struct bytes behind;

	/* mostly it is another one, which the first letter shows */
	if (value.n == 0 || value.p[0] != (uint8_t)name[0] || !bytes_starts(value, name))
		return false;
	behind = bytes_from(value, strlen(name));
	if (behind.n && behind.p[0] != ':')
		return false;
	*rest = bytes_from(behind, 1);
	return true;
}

bool sdp_attribute_next(const struct sdp *s, unsigned section, const char *name, uint16_t *line,
			struct bytes *rest)
{
	assert(section <= s->media_count);

	const struct sdp_section *in = &s->sections[section];

	for (uint16_t i = *line > in->first ? *line : in->first; i < in->end; i++) {
		if (s->lines[i].type == 'a' &&
		    sdp_attribute_is(sdp_slice(s, s->lines[i].value), name, rest)) {
			*line = i + 1;
			return true;
		}
	}
	return false;
}

bool sdp_attribute(const struct sdp *s, unsigned section, const char *name, struct bytes *rest)
{
	uint16_t line = 0;

	return sdp_attribute_next(s, section, name, &line, rest);
}

static bool is_ip(struct bytes word, bool v6)
{
	for (size_t i = 0; i < word.n; i++) {
		uint8_t c = word.p[i], letter = c | 0x20;
		bool hex = c == ':' || (letter >= 'a' && letter <= 'f');

		if (!(c >= '0' && c <= '9') && c != '.' && !(v6 && hex))
			return false;
	}
	return true;
}

/* A host name would need a look-up that the other side can time and steer; "/ttl" is multicast. */
static int parse_address(struct bytes family, struct bytes word, struct addr *out)
{
	bool v6 = bytes_iis(family, "IP6");
	struct bytes after_colon = bytes_from(word, bytes_find(word, ':') + 1);

	if (!v6 && !bytes_iis(family, "IP4"))
		return -ENOTSUP;
	if (!is_ip(word, v6))
		return -ENOTSUP;
	if (v6 && bytes_find(after_colon, ':') == after_colon.n) /* else "192.0.2.1:0" were one */
		return -EBADMSG;
	if (addr_parse(out, word))
		return -EBADMSG;
	return addr_is_multicast(out) ? -ENOTSUP : 0;
}

/* "IN IP4 192.0.2.1" */
static int parse_connection(struct bytes value, struct addr *out)
{
	struct bytes rest = bytes_trim(value), network, family;

	if (!bytes_cut(&rest, ' ', &network) || !bytes_cut(&rest, ' ', &family) || rest.n == 0)
		return -EBADMSG;
	if (!bytes_iis(network, "IN"))
		return -ENOTSUP;
	return parse_address(family, rest, out);
}

static bool find_type(const struct sdp *s, unsigned section, char type, uint16_t *line)
{
	for (uint16_t i = s->sections[section].first; i < s->sections[section].end; i++) {
		if (s->lines[i].type == type) {
			*line = i;
			return true;
		}
	}
	return false;
}

int sdp_connection(const struct sdp *s, unsigned section, struct sdp_connection *out)
{
	uint16_t line;

	assert(section <= s->media_count);
	*out = (struct sdp_connection){ 0 };
	if (!find_type(s, section, 'c', &line) && !find_type(s, SDP_SESSION, 'c', &line))
		return -ENOENT;
	out->line = line + 1;
	return parse_connection(sdp_slice(s, s->lines[line].value), &out->address);
}

int sdp_rtcp(const struct sdp *s, unsigned section, const struct addr *connection, struct addr *out)
{
	struct bytes rest, port;
	struct addr a = *connection;
	uint32_t number;

	if (!sdp_attribute(s, section, "rtcp", &rest))
		return -ENOENT;
	if (!bytes_cut(&rest, ' ', &port) || bytes_u32(port, &number) || number == 0 ||
	    number > UINT16_MAX)
		return -EBADMSG;

	int err = rest.n ? parse_connection(rest, &a) : 0;

	a.port = (uint16_t)number;
	if (!err)
		*out = a;
	return err;
}

static const struct {
	const char *name;
	struct sdp_direction direction;
} g_directions[] = {
	{ "sendrecv", { 1, 1 } },
	{ "sendonly", { 1, 0 } },
	{ "recvonly", { 0, 1 } },
	{ "inactive", { 0, 0 } },
};

static bool find_direction(const struct sdp *s, unsigned section, struct sdp_direction *out)
{
	struct bytes rest;

	for (size_t i = 0; i < COUNT_OF(g_directions); i++) {
		if (sdp_attribute(s, section, g_directions[i].name, &rest)) {
			*out = g_directions[i].direction;
			return true;
		}
	}
	return false;
}

struct sdp_direction sdp_direction(const struct sdp *s, unsigned section)
{
	struct sdp_direction d = g_directions[0].direction;

	if (!find_direction(s, section, &d))
		(void)find_direction(s, SDP_SESSION, &d);
	return d;
}

const char *sdp_direction_name(struct sdp_direction d)
{
	assert(d.sends <= 1 && d.receives <= 1);
	return g_directions[(d.sends ? 0 : 2) + (d.receives ? 0 : 1)].name; /* in that order */
}
