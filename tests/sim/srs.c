/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/srs.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

enum { TEXT_MAX_N = 4096, OK_AGAIN_MS = 500, OK_TIMES = 10, PORT = 40000 };
#define PLACE "192.0.2.77:5060"
#define SDP   "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"

/* Its words are written as a phone's are. */
static const struct phone g_speaker = { .user = "srs", .address = PLACE, .transport = SIP_UDP };

struct addr srs_place(void)
{
	struct addr a;
	int err = addr_parse(&a, BYTES_LIT(PLACE));

	assert(!err);
	(void)err;
	return a;
}

bool srs_is_there(const struct sim *s, const struct addr *to)
{
	struct addr place = srs_place();

	return s->script && s->script->external && addr_eq(&place, to);
}

static struct srs_session *session_of(struct sim *s, const struct sip_message *m)
{
	for (uint32_t i = 0; i < s->srs.count; i++) {
		if (bytes_is(m->call_id, s->srs.list[i].call_id))
			return &s->srs.list[i];
	}
	return NULL;
}

static void say(struct sim *s, const struct addr *to, struct bytes message)
{
	struct addr place = srs_place();

	trace_message(s, "srs", "node", message);
	net_datagram(s, &place, to, message);
}

static void respond(struct sim *s, const struct addr *to, const struct sip_message *m,
		    uint16_t status)
{
	char text[TEXT_MAX_N];

	say(s, to, phone_write_response(&g_speaker, m, status, "srs", "", "", text, sizeof(text)));
}

/* ---- INVITE ---- */

/* A line of SDP for each of the node's; false: it says less than a recorder must know. */
static bool answer_write(struct srs_session *session, const struct sip_message *m, struct writer *w)
{
	struct bytes rest = m->body, line;
	uint32_t streams = 0, ways = 0;

	writer_str(w, SDP);
	while (bytes_cut(&rest, '\n', &line)) {
		bool sends = bytes_starts(line, "a=sendonly");

		streams += bytes_starts(line, "m=audio ");
		if ((!sends && !bytes_starts(line, "a=inactive")) || ways == SRS_STREAMS)
			continue;
		session->sends[ways] = sends;
		writer_fmt(w, "m=audio %u RTP/AVP 0 8 101\r\na=%s\r\n", PORT + 2 * ways,
			   sends ? "recvonly" : "inactive");
		ways++;
	}
	return streams == SRS_STREAMS && ways == SRS_STREAMS &&
	       memmem(m->body.p, m->body.n, "<recording ", sizeof("<recording ") - 1);
}

/* e->a: session; b: CSeq << 8 | how often it was said */
static void on_ok_again(struct sim *s, const struct event *e)
{
	const struct srs_session *session = &s->srs.list[e->a];
	uint64_t times = e->b & 0xff;

	if (session->acked || session->over || session->cseq != e->b >> 8)
		return;
	say(s, &session->node, text_bytes(&session->ok));
	if (times < OK_TIMES)
		sim_after(s, OK_AGAIN_MS * NS_PER_MS, on_ok_again, 0, e->a, e->b + 1);
}

static void take(struct sim *s, struct srs_session *session, const struct sip_message *m)
{
	char text[TEXT_MAX_N], sdp[TEXT_MAX_N / 4] = "";
	struct writer w = writer_over(sdp, sizeof(sdp) - 1);

	if (!answer_write(session, m, &w))
		check_fail(s, "a recorder is told less than it must know");
	assert(!w.overflow);
	sdp[w.n] = '\0';
	session->cseq = m->cseq;
	session->acked = false;
	if (text_set(&session->ok,
		     phone_write_response(&g_speaker, m, 200, "srs", "", sdp, text, sizeof(text))))
		assert(false && "out of memory");
	say(s, &session->node, text_bytes(&session->ok));
	sim_after(s, OK_AGAIN_MS * NS_PER_MS, on_ok_again, 0, (uint64_t)(session - s->srs.list),
		  (uint64_t)m->cseq << 8);
}

static struct srs_session *session_add(struct sim *s, const struct sip_message *m)
{
	struct srs_session *session;
	struct bytes required = { 0 };
	struct id_tag id;

	if (!message_header(m, "Require", 0, &required) || !bytes_is(required, "siprec") ||
	    id_tag_get(m->from.tag, &id) || s->srs.count == SRS_SESSIONS_MAX) {
		check_fail(s, "a recorder is asked by what is no session");
		return NULL;
	}
	session = &s->srs.list[s->srs.count++];
	session->call = id.call;
	if (bytes_cstr(m->call_id, session->call_id, sizeof(session->call_id)))
		assert(false && "a long Call-ID");
	return session;
}

static void on_invite(struct sim *s, const struct addr *from, const struct sip_message *m)
{
	struct srs_session *session = session_of(s, m);

	if (!session && !m->to.tag.n)
		session = session_add(s, m);
	if (!session || session->over) {
		respond(s, from, m, 481);
		return;
	}
	session->node = *from;
	if (m->cseq > session->cseq)
		take(s, session, m);
	else if (m->cseq == session->cseq)
		say(s, from, text_bytes(&session->ok));
	else
		respond(s, from, m, 500);
}

/* ---- all else ---- */

static void on_bye(struct sim *s, const struct addr *from, const struct sip_message *m)
{
	struct srs_session *session = session_of(s, m);

	respond(s, from, m, session && !session->over ? 200 : 481);
	if (session)
		session->over = true;
}

static void on_ack(struct sim *s, const struct sip_message *m)
{
	struct srs_session *session = session_of(s, m);

	if (session && session->cseq == m->cseq)
		session->acked = true;
}

static void request(struct sim *s, const struct addr *from, const struct sip_message *m)
{
	if (m->method == SIP_INVITE)
		on_invite(s, from, m);
	else if (m->method == SIP_BYE)
		on_bye(s, from, m);
	else if (m->method == SIP_ACK)
		on_ack(s, m);
	else
		respond(s, from, m, m->method == SIP_CANCEL ? 481 : 501); /* it has answered */
}

void srs_receive(struct sim *s, const struct addr *from, struct bytes message)
{
	struct message_error error;
	struct sip_message m;

	if (!message_parse(&m, message, &error) && m.request)
		request(s, from, &m);
	message_close(&m);
}

/* ---- what must hold ---- */

/* A kill took the one before: what it had said was not saved yet, and the recorder hears no end of it (docs/adr/0045). */
static bool is_followed(const struct sim *s, uint32_t i)
{
	for (uint32_t k = i + 1; k < s->srs.count; k++) {
		if (s->srs.list[k].call == s->srs.list[i].call)
			return true;
	}
	return false;
}

uint32_t srs_count(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->srs.count; i++) {
		const struct srs_session *session = &s->srs.list[i];

		n += !session->over && !is_followed(s, i) && session->acked && session->sends[0] &&
		     session->sends[1];
	}
	return n;
}

/* What befell the node may have taken what it knew of one: it was asked for, and not saved yet. */
void srs_check_end(struct sim *s)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < s->srs.count; i++)
		left += !s->srs.list[i].over;
	if (left > s->totals.crashes + s->totals.taken + s->totals.fences)
		check_fail(s, "%u sessions of the recorder have no end", left);
}

void srs_close(struct sim *s)
{
	for (uint32_t i = 0; i < s->srs.count; i++)
		text_clear(&s->srs.list[i].ok);
}
