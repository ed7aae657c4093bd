/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from phone to phone: INVITE 180 200 ACK BYE. What the node adds to the way to the callee and back is their set-up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/blf/blf.h"

enum { RING_MS = 200, TALK_MS = 1000, CALL_S = 5 };

static void sdp_write(const struct blf_load *l, const struct blf_call *c, bool called,
		      char text[512])
{
	(void)snprintf(text, 512,
		       "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		       "m=audio %u RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
		       "a=rtpmap:101 telephone-event/8000\r\n",
		       l->ip, l->ip, 40000 + 4 * (c->number % 4000) + (called ? 2 : 0));
}

/* In the dialog of the caller; with sdp: its first request. */
static void caller_say(struct blf_load *l, const struct blf_call *c, const char *method,
		       uint32_t cseq, const char *sdp)
{
	uint32_t from = l->first + c->caller, to = l->first + c->callee;
	char text[BLF_TEXT_MAX], uri[BLF_URI_MAX];

	(void)snprintf(uri, sizeof(uri), "sip:%u@%s", to, l->ip);
	blf_say(l, c->caller, text,
		snprintf(text, sizeof(text),
			 "%s %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKC%u.%s;rport\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=c%u\r\n"
			 "To: <sip:%u@%s>%s%s\r\nCall-ID: C%u.0@lamps\r\nCSeq: %u %s\r\n"
			 "Contact: <sip:%u@%s:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
			 method, c->target[0] ? c->target : uri, l->ip, blf_port(l, c->caller),
			 c->number, method, from, l->ip, c->number, to, l->ip,
			 c->to_tag[0] ? ";tag=" : "", c->to_tag, c->number, cseq, method, from,
			 l->ip, blf_port(l, c->caller),
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp));
}

static void both_change(struct blf_load *l, const struct blf_call *c, enum blf_watch_phase phase,
			uint64_t now)
{
	blf_change(l, c->caller, phase, now);
	blf_change(l, c->callee, phase, now);
}

/* NULL: nobody is free. */
static struct phone *phone_take(struct blf_load *l, uint32_t *out)
{
	for (uint32_t i = 0; i < l->phone_count; i++) {
		struct phone *p = &l->phones[ *out = l->next_phone++ % l->phone_count];

		if (p->talks || p->owed)
			continue;
		p->talks = true;
		p->turn++;
		memset(p->at_ns, 0, sizeof(p->at_ns));
		return p;
	}
	return NULL;
}

static void call_begin(struct blf_load *l, uint64_t now)
{
	struct blf_call *c = &l->calls[l->call_count % BLF_CALLS_MAX];
	char sdp[512];

	l->figures.calls++;
	if (c->state != CALL_NONE || !phone_take(l, &c->caller)) {
		l->figures.failed++;
		return;
	}
	if (!phone_take(l, &c->callee)) {
		l->phones[c->caller].talks = false;
		l->figures.failed++;
		return;
	}
	c->state = CALL_ASKED;
	c->number = l->call_count++;
	c->asked_ns = now;
	c->to_tag[0] = c->target[0] = '\0';
	c->next_ns = now + CALL_S * NS_PER_S;
	l->open++;
	sdp_write(l, c, false, sdp);
	both_change(l, c, PHASE_TRYING, now);
	caller_say(l, c, "INVITE", 1, sdp);
}

static void call_end(struct blf_load *l, struct blf_call *c, bool failed)
{
	l->phones[c->caller].talks = l->phones[c->callee].talks = false;
	c->state = CALL_NONE;
	l->figures.failed += failed;
	l->open--;
}

/* ---- what comes ---- */

static struct blf_call *call_of_callee(struct blf_load *l, uint32_t phone)
{
	for (uint32_t i = 0; i < BLF_CALLS_MAX; i++) {
		if (l->calls[i].state != CALL_NONE && l->calls[i].callee == phone)
			return &l->calls[i];
	}
	return NULL;
}

static void callee_rings(struct blf_load *l, struct blf_call *c, const struct sip_message *m,
			 uint64_t now)
{
	struct bytes text = message_text(m);

	if (c->state != CALL_ASKED || text.n > sizeof(c->invite))
		return;
	memcpy(c->invite, text.p, text.n);
	c->invite_n = text.n;
	c->came_ns = now;
	c->state = CALL_RINGS;
	c->next_ns = now + RING_MS * NS_PER_MS;
	both_change(l, c, PHASE_EARLY, now);
	blf_answer(l, c->callee, m, 180, "", "");
}

static void callee_answers(struct blf_load *l, struct blf_call *c, uint64_t now)
{
	struct message_error error;
	struct sip_message m;
	char sdp[512], contact[BLF_URI_MAX];

	if (message_parse(&m, bytes_mem(c->invite, c->invite_n), &error))
		blf_fail("an INVITE that was parsed before");
	m.hop = (struct sip_hop){ .remote = l->to };
	sdp_write(l, c, true, sdp);
	(void)snprintf(contact, sizeof(contact), "Contact: <sip:%u@%s:%u>\r\n",
		       l->first + c->callee, l->ip, blf_port(l, c->callee));
	c->said_ns = now;
	c->state = CALL_ANSWERED;
	c->next_ns = now + CALL_S * NS_PER_S;
	both_change(l, c, PHASE_CONFIRMED, now);
	blf_answer(l, c->callee, &m, 200, contact, sdp);
	message_close(&m);
}

void blf_call_asked(struct blf_load *l, const struct sip_message *m, uint32_t phone, uint64_t now)
{
	struct blf_call *c = call_of_callee(l, phone);

	if (m->method == SIP_BYE)
		blf_answer(l, phone, m, 200, "", "");
	else if (m->method == SIP_INVITE && c)
		callee_rings(l, c, m, now);
}

void blf_call_answered(struct blf_load *l, const struct sip_message *m, uint32_t number,
		       uint64_t now)
{
	struct blf_call *c = &l->calls[number % BLF_CALLS_MAX];

	if (c->state == CALL_NONE || c->number != number || m->status < 200)
		return;
	if (m->status >= 300) {
		(void)fprintf(stderr, "lamps: a call was answered %u\n", m->status);
		call_end(l, c, true);
	} else if (m->method == SIP_BYE) {
		call_end(l, c, false);
	} else if (m->method == SIP_INVITE && c->state == CALL_ANSWERED) {
		if (bytes_cstr(m->to.tag, c->to_tag, sizeof(c->to_tag)) ||
		    bytes_cstr(m->contact.uri.all, c->target, sizeof(c->target)))
			blf_fail("a tag or contact is too long");
		load_latency_note(&l->figures.setup, c->came_ns - c->asked_ns + now - c->said_ns);
		caller_say(l, c, "ACK", 1, "");
		c->state = CALL_TALKS;
		c->next_ns = now + TALK_MS * NS_PER_MS;
	}
}

/* ---- time ---- */

static void call_timer(struct blf_load *l, struct blf_call *c, uint64_t now)
{
	switch (c->state) {
	case CALL_RINGS:
		callee_answers(l, c, now);
		break;
	case CALL_TALKS:
		c->state = CALL_LEAVES;
		c->next_ns = now + CALL_S * NS_PER_S;
		both_change(l, c, PHASE_TERMINATED, now);
		caller_say(l, c, "BYE", 2, "");
		break;
	case CALL_ASKED:
	case CALL_ANSWERED:
	case CALL_LEAVES:
		call_end(l, c, true);
		break;
	case CALL_NONE:
		break;
	}
}

static void calls_turn(struct blf_load *l)
{
	uint64_t now;

	blf_hear(l);
	now = clock_now_ns();
	for (uint32_t i = 0; i < BLF_CALLS_MAX; i++) {
		if (l->calls[i].state != CALL_NONE && now >= l->calls[i].next_ns)
			call_timer(l, &l->calls[i], now);
	}
}

static void figures_say(const struct blf_load *l, double seconds)
{
	const struct blf_figures *f = &l->figures;

	(void)printf("{\"seconds\": %.3f, \"calls\": %" PRIu64 ", \"failed\": %" PRIu64
		     ", \"setup_p50_ms\": %.3f, \"setup_p99_ms\": %.3f, \"changes\": %" PRIu64
		     ", \"told\": %" PRIu64
		     ", \"told_p50_ms\": %.3f, \"told_p99_ms\": %.3f, \"told_max_ms\": %.3f"
		     ", \"notifies\": %" PRIu64 ", \"disordered\": %" PRIu64 ", \"wrong\": %u}\n",
		     seconds, f->calls, f->failed, load_latency_us(&f->setup, 0.5) / 1e3,
		     load_latency_us(&f->setup, 0.99) / 1e3, f->changes, f->told,
		     load_latency_us(&f->late, 0.5) / 1e3, load_latency_us(&f->late, 0.99) / 1e3,
		     (double)f->late.max_ns / 1e6, f->notifies, f->disordered, blf_wrong(l));
	(void)fflush(stdout);
}

/* At an even rate; those under way end, and what they changed is told, or not within some seconds. */
void blf_calls(struct blf_load *l, uint32_t rate, uint32_t seconds)
{
	uint64_t began = clock_now_ns(), count = (uint64_t)rate * seconds, placed = 0, ended;

	memset(&l->figures, 0, sizeof(l->figures));
	for (uint32_t i = 0; i < l->phone_count; i++)
		l->phones[i].owed = 0;
	while (placed < count || l->open) {
		uint64_t due = (clock_now_ns() - began) * rate / NS_PER_S;

		for (; placed < count && placed <= due; placed++)
			call_begin(l, clock_now_ns());
		calls_turn(l);
	}
	ended = clock_now_ns();
	while (l->figures.told < l->figures.changes && clock_now_ns() < ended + CALL_S * NS_PER_S)
		calls_turn(l);
	figures_say(l, (double)(ended - began) / 1e9);
}
