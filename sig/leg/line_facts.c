/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about one m-line of a leg, read from its SDP texts (line_facts.h): codecs, directions,
 * suites and addresses for views and the doctor; and where the media of a party may be sent, by the
 * rules of sig/host/destination.h, NAT detection, ICE and SRTP. Nothing of it is stored; the
 * engine's parameters follow from it. */

#include <string.h>

#include "media/offer/plan.h"
#include "media/payload.h"
#include "sig/host/destination.h"
#include "sig/leg/leg.h"
#include "sig/leg/line_facts.h"
#include "sig/model/call.h"

static bool list_of(const struct text *sdp, uint8_t line, struct payload_list *out)
{
	struct sdp_error error;
	struct sdp s;

	if (sdp_parse(&s, text_bytes(sdp), &error) || line >= s.media_count ||
	    s.sections[line + 1U].port == 0)
		return false;
	payload_list_read(out, &s, line + 1U);
	return true;
}

static bool has_same(const struct payload_list *list, const struct payload *p)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_same_codec(&list->at[i], p))
			return true;
	}
	return false;
}

uint8_t line_codecs(const struct leg *l, uint8_t line, struct media_accepted out[PAYLOAD_RULES_MAX])
{
	const struct leg_sdp *sdp = leg_sdp_newest(l);
	struct payload_list heard, said;
	uint8_t n = 0;

	if (!list_of(&sdp->remote, line, &heard) || !list_of(&sdp->local, line, &said))
		return 0;
	for (uint8_t i = 0; i < heard.count; i++) {
		enum media_codec codec = media_codec_of(&heard.at[i]);

		if (codec < MEDIA_CODECS_KNOWN && has_same(&said, &heard.at[i]))
			out[n++] = (struct media_accepted){ .payload_type = heard.at[i].number,
							    .codec = (uint8_t)codec };
	}
	return n;
}

static bool may_name_others(const struct call_host *h, const struct leg *l)
{
	return (l->terms && l->terms->media_by_sdp) || l->dialog.trunk ||
	       h->services->identity->trusts(h->owner, &l->dialog.hop);
}

/* A party with SRTP keys proves its address by them, unless no host can have that. */
static bool is_shown_by_keys(const struct call_host *h, const struct leg *l,
			     const struct media_side *own)
{
	struct destination d = { .to = &own->rtp, .party = &l->dialog.hop, .elsewhere = true };

	return (own->key_in.suite != MEDIA_SUITE_NONE || own->dtls != DTLS_NONE) &&
	       destination_check(h->settings, h->ports, &d) == DESTINATION_OK;
}

/* The same port of another host. 0.0.0.0 was hold in RFC 2543. */
static void move_to(struct addr *a, const struct addr *host)
{
	uint16_t port = a->port;

	if (addr_is_any(a))
		return;
	*a = *host;
	a->port = port;
}

/* A party is behind a NAT if its SDP has the address of its Contact, and its signalling comes from
 * elsewhere without a proxy in between: its media is expected from its signalling address. */
static bool is_behind_nat(const struct dialog *d, const struct addr *named)
{
	const struct addr *outer = &d->hop.remote;
	struct addr inner;
	struct sip_uri target;

	return d->routes.n == 0 && !sip_uri_parse(&target, text_bytes(&d->target)) &&
	       !addr_parse(&inner, target.host) && !addr_ip_eq(&inner, outer) &&
	       addr_ip_eq(&inner, named) && inner.family == outer->family;
}

static void resolve(const struct call_host *h, const struct leg *l, const struct media_side *own,
		    struct addr *rtp, struct addr *rtcp)
{
	const struct addr *host = &l->dialog.hop.remote;
	bool phone = !may_name_others(h, l) && !is_shown_by_keys(h, l, own);

	if (!phone && !is_behind_nat(&l->dialog, rtp))
		return;
	if (phone || addr_ip_eq(rtp, rtcp))
		move_to(rtcp, host);
	move_to(rtp, host);
}

static void drop_bad(const struct call_host *h, const struct leg *l, struct addr *a)
{
	if (a->family != ADDR_NONE && !addr_is_any(a) &&
	    place_check(h, &l->dialog.hop, a, true) != DESTINATION_OK)
		*a = (struct addr){ 0 };
}

void place_spec(const struct call_host *h, const struct leg *l, const struct media_side *own,
		struct flow_spec *s)
{
	if (own->ice)
		return;
	resolve(h, l, own, &s->remote_rtp, &s->remote_rtcp);
	drop_bad(h, l, &s->remote_rtp);
	drop_bad(h, l, &s->remote_rtcp);
	s->own = l->dialog.hop.transport == SIP_INTER_SHARD;
	s->unproven = !s->own && !addr_ip_eq(&s->remote_rtp, &l->dialog.hop.remote);
}

static const char *place_reason_of(enum destination_verdict verdict)
{
	return verdict == DESTINATION_OWN_PORT ? "a media address of this node"
					       : "a media address that is not allowed";
}

/* A phone that names another host gets and sends media at its own: that is no reason to refuse. */
static const char *side_refusal(const struct call_host *h, const struct leg *l,
				const struct media_side *side)
{
	const struct sip_hop *party = &l->dialog.hop;
	struct addr rtp = side->rtp, rtcp = side->rtcp;
	enum destination_verdict verdict = DESTINATION_OK;

	if (side->ice || addr_is_any(&rtp))
		return NULL;
	if (party->transport != SIP_INTER_SHARD &&
	    destination_is_own_port(h->settings, h->ports, &side->rtp)) {
		place_misused(h, party, DESTINATION_OWN_PORT);
		return place_reason_of(DESTINATION_OWN_PORT);
	}
	resolve(h, l, side, &rtp, &rtcp);
	verdict = place_check(h, party, &rtp, true);
	return verdict == DESTINATION_OK ? NULL : place_reason_of(verdict);
}

const char *place_refusal(const struct call_host *h, const struct leg *l,
			  const struct media_plan *plan, bool first)
{
	const char *why = NULL;

	for (uint8_t i = 0; i < plan->line_count && !why; i++) {
		const struct media_line *line = &plan->line[i];

		if (line->active)
			why = side_refusal(h, l, first ? &line->a : &line->b);
	}
	return why;
}

/* The remote or local SDP of a leg. */
static struct bytes facts_text_of(const struct call *c, uint8_t leg, bool remote)
{
	const struct leg_sdp *sdp = &c->legs[leg]->sdp;

	return text_bytes(remote ? &sdp->remote : &sdp->local);
}

/* "- 1 1 IN IP4 198.51.100.1" */
static void read_origin(const struct sdp *s, struct line_facts *out)
{
	const struct sdp_section *session = &s->sections[SDP_SESSION];

	for (uint16_t i = session->first; i < session->end; i++) {
		struct bytes rest = sdp_slice(s, s->lines[i].value), word = { 0 };

		if (s->lines[i].type != 'o')
			continue;
		for (int n = 0; n < 6 && bytes_cut(&rest, ' ', &word); n++)
			;
		if (addr_parse(&out->origin, word))
			out->origin = (struct addr){ 0 };
		return;
	}
}

static void facts_read_remote(const struct sdp *s, unsigned section, struct line_facts *out)
{
	struct sdp_direction direction = sdp_direction(s, section);
	struct sdp_connection c;

	out->sends = direction.sends;
	out->receives = direction.receives;
	if (!sdp_connection(s, section, &c)) {
		out->address = c.address;
		out->address.port = s->sections[section].port;
		out->receives &= !addr_is_any(&c.address);
	}
	read_origin(s, out);
}

static uint16_t packet_ms(const struct sdp *s, unsigned section)
{
	struct bytes value;
	uint64_t ms;

	if (!sdp_attribute(s, section, "ptime", &value) || bytes_u64(bytes_trim(value), &ms) ||
	    ms > UINT16_MAX)
		return 0;
	return (uint16_t)ms;
}

static void facts_read_suite(const struct sdp *s, unsigned section, struct line_facts *out)
{
	struct bytes rest, word;

	if (sdp_attribute(s, section, "crypto", &rest) && bytes_cut(&rest, ' ', &word) &&
	    bytes_cut(&rest, ' ', &word))
		(void)bytes_cstr(bytes_sub(word, 0, LINE_SUITE_MAX - 1), out->suite,
				 sizeof(out->suite));
}

static void facts_read_local(const struct sdp *s, unsigned section, struct line_facts *out)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);
	struct payload_list list;

	payload_list_read(&list, s, section);
	for (uint8_t i = 0; i < list.count; i++) {
		struct line_codec *to = &out->codecs[out->codec_count++];

		to->number = list.at[i].number;
		to->clock_hz = list.at[i].clock_hz;
		(void)bytes_cstr(bytes_sub(list.at[i].name, 0, LINE_CODEC_MAX - 1), to->name,
				 sizeof(to->name));
	}
	(void)bytes_cstr(bytes_sub(proto, 0, LINE_PROTO_MAX - 1), out->proto, sizeof(out->proto));
	out->packet_ms = packet_ms(s, section);
	out->secure = proto.n && memmem(proto.p, proto.n, "SAVP", 4);
	facts_read_suite(s, section, out);
}

static bool line_parse(struct sdp *s, struct bytes text, uint8_t line)
{
	struct sdp_error error;

	return text.n && !sdp_parse(s, text, &error) && line < s->media_count &&
	       s->sections[line + 1].port;
}

bool line_facts_read(const struct call *c, uint8_t leg, uint8_t line, struct line_facts *out)
{
	unsigned section = line + 1U;
	struct sdp sdp;

	*out = (struct line_facts){ 0 };
	if (!line_parse(&sdp, facts_text_of(c, leg, true), line))
		return false;
	facts_read_remote(&sdp, section, out);
	if (!line_parse(&sdp, facts_text_of(c, leg, false), line))
		return false;
	facts_read_local(&sdp, section, out);
	return true;
}

const struct line_codec *line_codec_find(const struct line_facts *f, uint8_t payload_type)
{
	for (uint8_t i = 0; i < f->codec_count; i++) {
		if (f->codecs[i].number == payload_type)
			return &f->codecs[i];
	}
	return NULL;
}
