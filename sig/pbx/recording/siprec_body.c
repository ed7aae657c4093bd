/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a recorder is told, SDP (RFC 7866 7.1.1) and metadata (RFC 7865 9) in a multipart
 * body, and reads its answer. Pure: it depends on the call, its legs and the recording alone. All
 * ids are derived from the id of the call, so each session about it names the same communication
 * session, participants and streams. Text of parties is escaped or left out, so it cannot end a
 * part or an element. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "media/crypto.h"
#include "sig/call/cdr.h"
#include "sig/call/prompts.h"
#include "sig/host/settings.h"
#include "sig/pbx/recording/siprec_body.h"
#include "sig/sip/body.h"
#include "sig/sip/id.h"

static uint8_t audio_line(const struct call *c, uint8_t leg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].kind == MEDIA_AUDIO &&
		    !c->flows[i].closing)
			return c->flows[i].line;
	}
	return UINT8_MAX;
}

/* A party that is held, muted or replaced by an announcement is heard by no peer, and is not
 * recorded either. */
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
		out->name = sip_display_unescape(remote.display, name, SIPREC_NAME_MAX);
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

/* The kind of object that an id in the metadata is for. Ids derive from the call's id, so all
 * sessions about the call share them. */
enum siprec_id { SIPREC_ID_SESSION, SIPREC_ID_PARTY, SIPREC_ID_STREAM };

/* ---- SDP ---- */

enum { PAYLOAD_TYPE_MAX = 127 };

static void siprec_write_address(struct writer *w, const struct addr *a)
{
	struct addr host = *a;

	host.scope = 0; /* an interface index means nothing to others */
	writer_str(w, a->family == ADDR_V6 ? "IN IP6 " : "IN IP4 ");
	addr_write_ip(w, &host);
	writer_str(w, "\r\n");
}

static bool attribute_is_of_format(struct bytes value)
{
	struct bytes rest;

	return sdp_attribute_is(value, "rtpmap", &rest) || sdp_attribute_is(value, "fmtp", &rest) ||
	       sdp_attribute_is(value, "ptime", &rest);
}

/* As a line of RTP has them. */
static bool formats_are_numbers(struct bytes formats)
{
	struct bytes one;
	uint32_t number;

	while (bytes_cut(&formats, ' ', &one)) {
		if (bytes_u32(one, &number) || number > PAYLOAD_TYPE_MAX)
			return false;
	}
	return true;
}

/* What its party was told that it may send. False: nothing that can be repeated. */
static bool formats_read(struct sdp *out, const struct siprec_party *p)
{
	const struct sdp_section *m;
	struct sdp_error error;

	if (!p->there || sdp_parse(out, p->local, &error) || p->line >= out->media_count)
		return false;
	m = &out->sections[p->line + 1];
	return bytes_is(sdp_slice(out, m->kind), "audio") && m->port &&
	       formats_are_numbers(sdp_slice(out, m->formats));
}

static void stream_write_key(struct writer *w, const struct media_key *key)
{
	struct crypto c = { .tag = 1, .key = *key };

	writer_str(w, "a=crypto:");
	crypto_write(w, &c);
	writer_str(w, "\r\n");
	crypto_wipe(&c);
}

static void siprec_stream_write(struct writer *w, const struct siprec_talk *t, unsigned i)
{
	const struct siprec_party *p = &t->party[i];
	struct sdp local;
	bool known = formats_read(&local, p);
	const struct sdp_section *m = known ? &local.sections[p->line + 1] : NULL;

	writer_number(w, "m=audio ", t->port[i], t->keys ? " RTP/SAVP " : " RTP/AVP ");
	writer_bytes(w, known ? sdp_slice(&local, m->formats) : BYTES_LIT("0"));
	writer_str(w, "\r\n");
	for (uint16_t l = known ? m->first : 0; known && l < m->end; l++) {
		struct bytes value = sdp_slice(&local, local.lines[l].value);

		if (local.lines[l].type == 'a' && attribute_is_of_format(value))
			sdp_write_line(w, 'a', value);
	}
	if (t->keys)
		stream_write_key(w, &t->keys[i]);
	writer_number(w, "a=label:", i + 1, "\r\n");
	writer_str(w, known && p->speaks && !t->held[i] ? "a=sendonly\r\n" : "a=inactive\r\n");
}

void siprec_write_sdp(struct writer *w, const struct siprec_talk *t)
{
	writer_str(w, "v=0\r\n");
	writer_number(w, "o=- ", t->session_id, " ");
	writer_number(w, "", t->version, " ");
	siprec_write_address(w, t->address);
	writer_str(w, "s=-\r\nc=");
	siprec_write_address(w, t->address);
	writer_str(w, "t=0 0\r\n");
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		siprec_stream_write(w, t, i);
}

/* ---- metadata ---- */

/* RFC 7865 6.10: 16 octets in base64. */
static void id_write(struct writer *w, const struct siprec_talk *t, enum siprec_id of, unsigned i)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t octets[18] = { 0 };
	struct writer to = writer_over(octets, sizeof(octets));

	writer_be64(&to, t->call);
	writer_be32(&to, of == SIPREC_ID_PARTY ? 0 : t->number);
	writer_be16(&to, (uint16_t)of);
	writer_be16(&to, (uint16_t)i);
	for (unsigned at = 0; at < 16; at += 3) {
		uint32_t bits =
			(uint32_t)octets[at] << 16 | (uint32_t)octets[at + 1] << 8 | octets[at + 2];

		writer_u8(w, (uint8_t)digits[bits >> 18]);
		writer_u8(w, (uint8_t)digits[bits >> 12 & 63]);
		writer_u8(w, (uint8_t)(at == 15 ? '=' : digits[bits >> 6 & 63]));
		writer_u8(w, (uint8_t)(at == 15 ? '=' : digits[bits & 63]));
	}
}

static void attribute_write(struct writer *w, const char *name, const struct siprec_talk *t,
			    enum siprec_id of, unsigned i)
{
	WRITER_TEXTS(w, " ", name, "=\"");
	id_write(w, t, of, i);
	writer_str(w, "\"");
}

static void siprec_time_write(struct writer *w, const char *element, uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm = { 0 };

	(void)gmtime_r(&seconds, &tm);
	WRITER_TEXTS(w, "<", element, ">");
	writer_fmt(w, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(utc_ms % 1000));
	WRITER_TEXTS(w, "</", element, ">");
}

/* RFC 3261 25.1: user. What is left needs no escape in XML but '&' and ''', which are escaped
 * here. */
static void user_write(struct writer *w, struct bytes user)
{
	for (size_t i = 0; i < user.n; i++) {
		uint8_t c = user.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || (c && strchr("-_.!~*()=+$,", c));

		if (plain)
			writer_u8(w, c);
		else
			writer_fmt(w, "%%%02X", c);
	}
}

static void aor_write(struct writer *w, const struct siprec_party *p)
{
	bool v6 = bytes_find(p->host, ':') < p->host.n;

	writer_str(w, "sip:");
	user_write(w, p->user);
	WRITER_TEXTS(w, p->user.n ? "@" : "", v6 ? "[" : "");
	xml_write(w, p->host);
	writer_str(w, v6 ? "]" : "");
}

static void party_write(struct writer *w, const struct siprec_talk *t, const struct siprec_party *p)
{
	writer_str(w, "<participant");
	attribute_write(w, "participant_id", t, SIPREC_ID_PARTY, p->id);
	writer_str(w, "><nameID aor=\"");
	aor_write(w, p);
	writer_str(w, "\">");
	if (p->name.n) {
		writer_str(w, "<name>");
		xml_write(w, p->name);
		writer_str(w, "</name>");
	}
	writer_str(w, "</nameID></participant>\r\n");
}

/* RFC 7865 6.2: the conversation. Of the recording, as a call may have two. */
static void session_write(struct writer *w, const struct siprec_talk *t)
{
	char id[ID_TEXT_LEN];

	writer_str(w, "<session");
	attribute_write(w, "session_id", t, SIPREC_ID_SESSION, 0);
	writer_str(w, ">");
	siprec_time_write(w, "start-time", t->begun_utc_ms);
	id_call_put(id, t->call);
	writer_str(w, "<name xmlns=\"urn:tandem:recording:1\">");
	writer_mem(w, id, sizeof(id));
	writer_number(w, "-", t->number, "</name></session>\r\n");
}

static void stream_note(struct writer *w, const struct siprec_talk *t, unsigned i)
{
	writer_str(w, "<stream");
	attribute_write(w, "stream_id", t, SIPREC_ID_STREAM, i);
	attribute_write(w, "session_id", t, SIPREC_ID_SESSION, 0);
	writer_number(w, "><label>", i + 1, "</label></stream>\r\n");
}

static void direction_write(struct writer *w, const struct siprec_talk *t, const char *element,
			    unsigned i)
{
	WRITER_TEXTS(w, "<", element, ">");
	id_write(w, t, SIPREC_ID_STREAM, i);
	WRITER_TEXTS(w, "</", element, ">");
}

/* RFC 7865 6.9: what a party sends, and what it hears of its peer. A party that may not be heard
 * sends nothing. */
static void streams_of_party(struct writer *w, const struct siprec_talk *t, unsigned i)
{
	const struct siprec_party *p = &t->party[i], *other = &t->party[1 - i];

	writer_str(w, "<participantstreamassoc");
	attribute_write(w, "participant_id", t, SIPREC_ID_PARTY, p->id);
	writer_str(w, ">");
	if (p->speaks)
		direction_write(w, t, "send", i);
	if (other->there && other->speaks)
		direction_write(w, t, "recv", 1 - i);
	writer_str(w, "</participantstreamassoc>\r\n");
}

static void associations_write(struct writer *w, const struct siprec_talk *t)
{
	writer_str(w, "<sessionrecordingassoc");
	attribute_write(w, "session_id", t, SIPREC_ID_SESSION, 0);
	writer_str(w, ">");
	siprec_time_write(w, "associate-time", t->begun_utc_ms);
	writer_str(w, "</sessionrecordingassoc>\r\n");
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		if (!t->party[i].there)
			continue;
		writer_str(w, "<participantsessionassoc");
		attribute_write(w, "participant_id", t, SIPREC_ID_PARTY, t->party[i].id);
		attribute_write(w, "session_id", t, SIPREC_ID_SESSION, 0);
		writer_str(w, ">");
		siprec_time_write(w, "associate-time", t->party[i].since_utc_ms);
		writer_str(w, "</participantsessionassoc>\r\n");
	}
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		if (t->party[i].there)
			streams_of_party(w, t, i);
	}
}

/* The order of the elements is that of the schema (RFC 7865 9). */
void siprec_write_metadata(struct writer *w, const struct siprec_talk *t)
{
	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		      "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\r\n"
		      "<datamode>complete</datamode>\r\n");
	session_write(w, t);
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		if (t->party[i].there)
			party_write(w, t, &t->party[i]);
	}
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		if (t->party[i].there)
			stream_note(w, t, i);
	}
	associations_write(w, t);
	writer_str(w, "</recording>\r\n");
}

/* ---- the body ---- */

/* Each line of the parts begins with a letter and '=', or with '<': no text of a party can look
 * like a delimiter. */
static void boundary_write(struct writer *w, const struct siprec_talk *t)
{
	writer_number(w, "tandem-", t->session_id, "");
}

void siprec_write_type(struct writer *w, const struct siprec_talk *t)
{
	writer_str(w, "multipart/mixed;boundary=");
	boundary_write(w, t);
}

static void part_write_head(struct writer *w, const struct siprec_talk *t, const char *head)
{
	writer_str(w, "--");
	boundary_write(w, t);
	WRITER_TEXTS(w, "\r\n", head, "\r\n");
}

void siprec_write_body(struct writer *w, const struct siprec_talk *t)
{
	part_write_head(w, t, "Content-Type: application/sdp\r\n");
	siprec_write_sdp(w, t);
	writer_str(w, "\r\n");
	part_write_head(w, t,
			"Content-Type: application/rs-metadata+xml\r\n"
			"Content-Disposition: recording-session\r\n");
	siprec_write_metadata(w, t);
	writer_str(w, "\r\n--");
	boundary_write(w, t);
	writer_str(w, "--\r\n");
}

/* ---- the answer ---- */

static void payloads_read(struct fork_stream *out, struct bytes formats)
{
	struct bytes one;
	uint32_t number;

	while (bytes_cut(&formats, ' ', &one)) {
		if (!bytes_u32(one, &number) && number < 128)
			out->payloads[number >> 6] |= UINT64_C(1) << (number & 63);
	}
}

/* Of its reports, by the tag of ours (RFC 4568 5.1.2). Without one they are not read. */
static void stream_read_key(struct media_key *out, const struct sdp *s, unsigned section)
{
	struct crypto c;
	uint16_t line = 0;

	while (crypto_next(s, section, &line, &c)) {
		if (c.tag == 1 && out->suite == MEDIA_SUITE_NONE)
			*out = c.key;
		crypto_wipe(&c);
	}
}

/* True: the stream is taken. */
static bool stream_read(struct fork_stream *out, const struct sdp *s, unsigned section, bool secure,
			const char **reason)
{
	const struct sdp_section *m = &s->sections[section];
	struct sdp_connection at;

	*out = (struct fork_stream){ 0 };
	if (!m->port || !bytes_is(sdp_slice(s, m->kind), "audio") ||
	    !sdp_direction(s, section).receives)
		return false;
	if (sdp_connection(s, section, &at)) {
		*reason = "its answer has no address";
		return false;
	}
	if (!bytes_is(sdp_slice(s, m->proto), secure ? "RTP/SAVP" : "RTP/AVP")) {
		*reason = secure ? "it takes no SRTP" : "its answer has another profile";
		return false;
	}
	out->on = 1;
	out->remote = at.address;
	out->remote.port = m->port;
	if (sdp_rtcp(s, section, &at.address, &out->rtcp_remote)) {
		out->rtcp_remote = out->remote;
		out->rtcp_remote.port++;
	}
	if (secure)
		stream_read_key(&out->key_in, s, section);
	payloads_read(out, sdp_slice(s, m->formats));
	return true;
}

int siprec_read_answer(struct media_fork *out, struct bytes sdp, bool secure, const char **reason)
{
	struct media_fork fork = { 0 };
	struct sdp_error error;
	struct sdp s;

	*reason = "its answer is no session description";
	if (sdp_parse(&s, sdp, &error))
		return -EBADMSG;
	*reason = "its answer has not the two streams of the offer";
	if (s.media_count != FORK_STREAMS)
		return -EBADMSG;
	*reason = "it takes neither stream";
	if (!s.sections[1].port && !s.sections[2].port)
		return -ENOENT;
	*reason = NULL;
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		(void)stream_read(&fork.stream[i], &s, i + 1, secure, reason);
	if (*reason)
		return -ENOTSUP;
	*out = fork;
	return 0;
}
