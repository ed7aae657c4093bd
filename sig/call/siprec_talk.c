/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/siprec_talk.h"

#include <string.h>

#include "sig/call/act.h"
#include "sig/call/cdr_fill.h"
#include "sig/call/segment.h"

/* RFC 3261 25.1: quoted-pair. What does not fit is cut between characters of UTF-8. */
static struct bytes name_unescape(char out[SIPREC_NAME_MAX], struct bytes display)
{
	size_t n = 0;

	for (size_t i = 0; i < display.n && n < SIPREC_NAME_MAX; i++) {
		if (display.p[i] == '\\' && i + 1 < display.n)
			i++;
		out[n++] = (char)display.p[i];
	}
	while (n == SIPREC_NAME_MAX && n && ((uint8_t)out[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && (uint8_t)out[n - 1] >= 0xc0)
		n--;
	return bytes_mem(out, n);
}

static uint8_t audio_line(const struct call *c, uint8_t leg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].kind == MEDIA_AUDIO &&
		    !c->flows[i].closing)
			return c->flows[i].line;
	}
	return UINT8_MAX;
}

/* Whom nobody hears is not recorded either: it is held, or muted, or something is announced. */
static bool party_speaks(const struct call *c, const struct recording *r, const struct leg *l,
			 const struct leg *other)
{
	return !r->paused && !l->muted && !l->held && !prompts_are_announcing(c) &&
	       !(other && (other->held || other->holds));
}

static void party_read(struct siprec_party *out, char name[SIPREC_NAME_MAX],
		       const struct call_host *h, const struct call *c, const struct recording *r,
		       uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);
	struct sip_name_addr remote = { 0 };

	*out = (struct siprec_party){ .id = leg };
	if (!l || l->state >= LEG_LEAVING || !bridge_has(c, leg))
		return;
	out->there = true;
	out->speaks = party_speaks(c, r, l, call_leg(c, bridge_peer(c, leg)));
	out->user = l->user.n ? text_bytes(&l->user) : cdr_number(h, c, call_leg_user(c, leg));
	out->host = bytes_str(h->settings->digest.realm);
	if (!sip_name_addr_parse(&remote, text_bytes(&l->dialog.remote))) {
		out->name = name_unescape(name, remote.display);
		if (remote.uri.host.n)
			out->host = remote.uri.host;
	}
	out->local = text_bytes(&l->sdp.local);
	out->line = audio_line(c, leg);
	out->since_utc_ms =
		steady_add(c->answer_utc_ms > r->begun_utc_ms ? c->answer_utc_ms : r->begun_utc_ms,
			   h->wall_ms);
}

void siprec_talk_read(struct siprec_talk *out, struct siprec_words *words,
		      const struct call_host *h, const struct call *c, const struct recording *r)
{
	const struct siprec *s = r->siprec;
	const struct ports *ports = &h->ports[s->network];

	*out = (struct siprec_talk){
		.call = c->id,
		.number = r->number,
		.begun_utc_ms = steady_add(r->begun_utc_ms, h->wall_ms),
		.address = &h->settings->networks[s->network].media_advertise,
		.keys = s->keys[0].suite == MEDIA_SUITE_NONE ? NULL : s->keys,
		.session_id = s->session_id,
		.version = s->version,
	};
	for (unsigned i = 0; i < FORK_STREAMS && s->has_ports; i++)
		out->port[i] = ports_rtp_port(ports, s->ports[i]);
	party_read(&out->party[0], words->name[0], h, c, r, r->leg);
	party_read(&out->party[1], words->name[1], h, c, r, bridge_peer(c, r->leg));
}

uint64_t siprec_talk_hash(struct call_host *h, const struct call *c, const struct recording *r)
{
	static const struct hash_key key = { 0 };
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct siprec_words words;
	struct siprec_talk t;
	uint64_t hash;

	siprec_talk_read(&t, &words, h, c, r);
	t.version = 0;
	t.begun_utc_ms = t.party[0].since_utc_ms = t.party[1].since_utc_ms = 0;
	t.port[0] = t.port[1] = 0;
	t.keys = NULL; /* as the ports: those of the session, and told with its first INVITE */
	t.session_id = 0;
	siprec_write_body(&w, &t);
	hash = hash_sip(&key, writer_done(&w));
	return hash ? hash : 1;
}
