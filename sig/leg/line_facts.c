/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/line_facts.h"

#include <string.h>

#include "media/payload.h"
#include "sig/model/call.h"

/* The texts between us and a party: what it said, and what it was told. */
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

static void read_told(const struct sdp *s, unsigned section, struct line_facts *out)
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
	read_told(&sdp, section, out);
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
