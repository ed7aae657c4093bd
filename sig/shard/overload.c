/* SPDX-License-Identifier: Apache-2.0 */
/* Overload control of a shard: refuses new calls with 503 and Retry-After by how long the node has
 * been behind (overload.h). A refusal must cost less than the call, so a request is only glanced
 * at: Via, From, To, Call-ID and CSeq of a datagram in a plain form, without the parser and without
 * memory. Copies of admitted requests, requests in dialogs, REGISTER and emergency calls are never
 * refused. */

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sig/shard/overload.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/lex.h"
#include "sig/sip/message.h"

#define INTERVAL_NS (OVERLOAD_INTERVAL_MS * NS_PER_MS)
#define END_NS      (OVERLOAD_END_S * NS_PER_S)

bool overload_is(const struct overload *o, uint64_t now_ns)
{
	return o->until_ns > now_ns;
}

bool overload_note(struct overload *o, uint64_t behind_ns, uint64_t target_ns, uint64_t now_ns)
{
	bool was = overload_is(o, now_ns);

	if (target_ns == 0 || behind_ns <= target_ns) {
		o->since_ns = 0;
		if (target_ns == 0)
			o->until_ns = 0;
		return false;
	}
	if (o->since_ns == 0)
		o->since_ns = now_ns;
	if (!was && now_ns - o->since_ns < INTERVAL_NS)
		return false;
	o->until_ns = now_ns + END_NS;
	return !was;
}

bool overload_refuses(const struct overload *o, uint64_t behind_ns, uint64_t target_ns,
		      uint64_t now_ns)
{
	return overload_is(o, now_ns) && behind_ns > target_ns;
}

/* The cheapest answer: a few hundred octets scanned once, without memory; unusual forms are left to
 * the parser. */

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

static bool glance_via_read(struct overload_glance *g, struct bytes value)
{
	if (g->via_count == OVERLOAD_VIAS_MAX || lex_find(value, ',') < value.n)
		return false;
	g->vias[g->via_count++] = value;
	return true;
}

/* False: it is twice there, or a Via that has more to say. */
static bool glance_header_read(struct overload_glance *g, struct bytes name, struct bytes value)
{
	if (method_is_named(name, "Via", 'v'))
		return glance_via_read(g, value);
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

/* Only CRLF ends a line; a folded line (beginning with a blank) is left to the parser. */
static bool glance_line_read(struct overload_glance *g, struct bytes line)
{
	size_t colon;

	if (line.n < 2 || line.p[line.n - 1] != '\r' || lex_is_blank(line.p[0]))
		return false;
	line.n--;
	if (bytes_find(line, '\r') < line.n)
		return false;
	colon = bytes_find(line, ':');
	return colon < line.n && glance_header_read(g, bytes_trim(bytes_sub(line, 0, colon)),
						    bytes_trim(bytes_from(line, colon + 1)));
}

static bool glance_start_read(struct overload_glance *g, struct bytes line)
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
	    !glance_start_read(&g, line))
		return false;
	while (bytes_cut(&datagram, '\n', &line) && !bytes_is(line, "\r")) {
		if (!glance_line_read(&g, line))
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

/* RFC 3581 4: our received and rport; the sender's own stand before them, without a value. */
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

/* Refuses new calls cheaply while the node has more to do than it can (sig/shard/overload.h). */

enum { ANSWER_MAX = 4096 };

void shard_behind(struct shard *s, uint64_t behind_ns)
{
	s->behind_ns = behind_ns;
}

/* Each at a time of its own, or all would come again together. */
uint32_t shard_overload_retry_s(const struct shard *s)
{
	return OVERLOAD_RETRY_MIN_S +
	       rand_below(s->host.rand, OVERLOAD_RETRY_MAX_S - OVERLOAD_RETRY_MIN_S + 1);
}

static void overload_look(struct shard *s)
{
	uint64_t target_ns = s->settings.overload_delay_ns, now_ns = s->host.now.ns;

	if (overload_note(&s->overload, s->behind_ns, target_ns, now_ns))
		LOG_WARN("sip", 0, "overloaded: new calls are refused as long as it lasts",
			 LOG_U64("behind_ms", s->behind_ns / NS_PER_MS),
			 LOG_STR("next",
				 "see the load of the machine, security.list type=flood, and "
				 "add a node"));
	s->is_overloaded = overload_refuses(&s->overload, s->behind_ns, target_ns, now_ns);
	s->behind_ns = 0;
}

/* It was admitted before, and its transaction answers the copy. A branch of before RFC 3261 is left
 * to the parser. */
static bool is_copy(const struct shard *s, const struct overload_glance *g)
{
	struct sip_message m = { .method = SIP_INVITE, .method_name = BYTES_LIT("INVITE") };

	return sip_via_parse(&m.via, g->vias[0]) || !bytes_istarts(m.via.branch, "z9hG4bK") ||
	       txns_find_server(&s->txns, &m, SIP_INVITE);
}

static bool overload_is_emergency(const struct shard *s, const struct overload_glance *g)
{
	struct sip_uri uri;

	return sip_uri_parse(&uri, g->uri) || shard_may_be_emergency(s, &uri);
}

/* The same To tag for each copy (RFC 3261 8.2.7). */
static void glance_refuse(struct shard *s, const struct sip_hop *from,
			  const struct overload_glance *g)
{
	uint8_t space[ANSWER_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint64_t parts[2] = { hash_sip(&s->key, g->vias[0]), hash_sip(&s->key, g->call_id) };

	overload_write(&w, g, &from->remote, shard_overload_retry_s(s),
		       (uint32_t)hash_sip(&s->key, bytes_mem(parts, sizeof(parts))));
	metric_add(s->metrics.requests[SIP_INVITE], 1);
	txns_refuse_for(&s->txns, REFUSED_OVERLOADED);
	if (w.overflow) /* it comes again */
		return;
	sig_count_out(&s->metrics, 503);
	txns_send(&s->txns, from, writer_done(&w));
}

bool shard_overload(struct shard *s, const struct sip_hop *from, struct bytes datagram)
{
	struct overload_glance g;

	overload_look(s);
	if (!overload_is(&s->overload, s->host.now.ns))
		return false;
	if (overload_is_ack(datagram)) {
		sig_count_dropped(&s->metrics, DROPPED_ACK);
		return true;
	}
	if (!s->is_overloaded || !overload_glance(&g, datagram) || is_copy(s, &g) ||
	    overload_is_emergency(s, &g))
		return false;
	glance_refuse(s, from, &g);
	return true;
}
