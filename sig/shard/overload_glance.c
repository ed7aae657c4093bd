/* SPDX-License-Identifier: Apache-2.0 */
/* The cheapest answer: a few hundred octets looked at once, no memory taken, and what is unusual left to the parser. */
#include "sig/shard/overload.h"

#include <string.h>

#include "sig/sip/lex.h"
#include "sig/sip/message.h"

#define TAG "ovl."

/* A header that is read here: its long and its compact name. */
struct wanted {
	const char *name;
	char compact;
	size_t at; /* in struct overload_glance */
};

static const struct wanted g_wanted[] = {
	{ "From", 'f', offsetof(struct overload_glance, from) },
	{ "To", 't', offsetof(struct overload_glance, to) },
	{ "Call-ID", 'i', offsetof(struct overload_glance, call_id) },
	{ "CSeq", 0, offsetof(struct overload_glance, cseq) },
};

static bool method_is_named(struct bytes name, const char *full, char compact)
{
	return name.n == 1 ? compact && (name.p[0] | 0x20) == compact : bytes_iis(name, full);
}

static bool take_via(struct overload_glance *g, struct bytes value)
{
	if (g->via_count == OVERLOAD_VIAS_MAX || lex_find(value, ',') < value.n)
		return false;
	g->vias[g->via_count++] = value;
	return true;
}

/* False: it is twice there, or a Via that has more to say. */
static bool take_header(struct overload_glance *g, struct bytes name, struct bytes value)
{
	if (method_is_named(name, "Via", 'v'))
		return take_via(g, value);
	for (size_t i = 0; i < COUNT_OF(g_wanted); i++) {
		struct bytes *slot = (struct bytes *)(void *)((uint8_t *)g + g_wanted[i].at);

		if (!method_is_named(name, g_wanted[i].name, g_wanted[i].compact))
			continue;
		if (slot->n || value.n == 0)
			return false;
		*slot = value;
		return true;
	}
	return true;
}

/* CRLF alone ends a line, and a line that begins with a blank goes on with the one before: the parser's. */
static bool glance_take_line(struct overload_glance *g, struct bytes line)
{
	size_t colon;

	if (line.n < 2 || line.p[line.n - 1] != '\r' || lex_is_blank(line.p[0]))
		return false;
	line.n--;
	if (bytes_find(line, '\r') < line.n)
		return false;
	colon = bytes_find(line, ':');
	return colon < line.n && take_header(g, bytes_trim(bytes_sub(line, 0, colon)),
					     bytes_trim(bytes_from(line, colon + 1)));
}

static bool take_start(struct overload_glance *g, struct bytes line)
{
	line = bytes_from(bytes_trim(line), sizeof("INVITE ") - 1);
	g->uri = bytes_sub(line, 0, bytes_find(line, ' '));
	return bytes_is(bytes_from(line, g->uri.n), " SIP/2.0");
}

bool overload_glance(struct overload_glance *out, struct bytes datagram)
{
	struct overload_glance g = { .via_count = 0 };
	struct bytes line, tag;
	struct sip_name_addr to;

	if (!bytes_starts(datagram, "INVITE ") || !bytes_cut(&datagram, '\n', &line) ||
	    !take_start(&g, line))
		return false;
	while (bytes_cut(&datagram, '\n', &line) && !bytes_is(line, "\r")) {
		if (!glance_take_line(&g, line))
			return false;
	}
	if (!bytes_is(line, "\r") || !g.via_count || !g.from.n || !g.to.n || !g.call_id.n ||
	    !g.cseq.n || sip_name_addr_parse(&to, g.to) || sip_param(to.params, "tag", &tag))
		return false;
	*out = g;
	return true;
}

static void glance_write_line(struct writer *w, const char *name, struct bytes value)
{
	writer_str(w, name);
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

/* RFC 3581 4: the received and rport of ours; what the sender wrote of them stands before, without a value. */
static void glance_write_top_via(struct writer *w, struct bytes via, const struct addr *remote)
{
	struct bytes rest = bytes_from(via, bytes_find(via, ';'));
	struct lex_param param;

	writer_str(w, "Via: ");
	writer_bytes(w, bytes_sub(via, 0, bytes_find(via, ';')));
	while (lex_param(&rest, &param) == 1) {
		if (bytes_iis(param.name, "received") || bytes_iis(param.name, "rport"))
			continue;
		writer_u8(w, ';');
		writer_bytes(w, param.all);
	}
	writer_str(w, ";received=");
	addr_write_ip(w, remote);
	writer_number(w, ";rport=", remote->port, "\r\n");
}

void overload_write(struct writer *w, const struct overload_glance *g, const struct addr *remote,
		    uint32_t retry_after_s, uint32_t tag)
{
	uint8_t octets[4];

	writer_str(w, "SIP/2.0 503 Service Unavailable\r\n");
	glance_write_top_via(w, g->vias[0], remote);
	for (uint32_t i = 1; i < g->via_count; i++)
		glance_write_line(w, "Via: ", g->vias[i]);
	glance_write_line(w, "From: ", g->from);
	writer_str(w, "To: ");
	writer_bytes(w, g->to);
	writer_str(w, ";tag=" TAG);
	be32_put(octets, tag);
	writer_hex(w, bytes_mem(octets, sizeof(octets)));
	writer_str(w, "\r\n");
	glance_write_line(w, "Call-ID: ", g->call_id);
	glance_write_line(w, "CSeq: ", g->cseq);
	writer_number(w, "Retry-After: ", retry_after_s, "\r\nContent-Length: 0\r\n\r\n");
}

bool overload_is_ack(struct bytes datagram)
{
	return bytes_starts(datagram, "ACK ") &&
	       memmem(datagram.p, datagram.n, ";tag=" TAG, sizeof(";tag=" TAG) - 1) != NULL;
}
