/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from phone to phone: INVITE 180 200 ACK BYE. What the node adds to the way to the callee and back is their set-up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/blf/blf.h"

enum {
	RING_MS = 200,
	TALK_MS = 1000,
	CALL_S = 5,
	/* of a race: */
	SHORT_MS = 100, /* at most, in place of RING_MS and TALK_MS */
	AGAIN_MS = 500, /* T1 */
	RACE_CALL_S = 30,
	QUIET_S = 70, /* a NOTIFY that nobody answers is given up in 32 s, and said again */
	CANCELLED_ONE_IN = 4,
	HOLD_RATE = 100,
	HOLD_STEP = 7919, /* phones apart, so that each list has some of them */
};

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
	bool of_invite = strcmp(method, "CANCEL") == 0 || c->state == CALL_CANCELLED;
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
			 c->number, of_invite ? "INVITE" : method, from, l->ip, c->number, to,
			 l->ip, c->to_tag[0] ? ";tag=" : "", c->to_tag, c->number, cseq, method,
			 from, l->ip, blf_port(l, c->caller),
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp));
}

static void both_change(struct blf_load *l, const struct blf_call *c, enum blf_watch_phase phase,
			uint64_t now)
{
	blf_change(l, c->caller, phase, now);
	blf_change(l, c->callee, phase, now);
}

static uint32_t chance(struct blf_load *l)
{
	l->chance = l->chance * 1664525 + 1013904223;
	return l->chance >> 16;
}

static void call_goes(struct blf_call *c, int state, uint64_t now, uint64_t for_ms)
{
	c->state = state;
	c->next_ns = now + for_ms * NS_PER_MS;
	c->again_ns = now + AGAIN_MS * NS_PER_MS;
}

static uint64_t call_ms(const struct blf_load *l)
{
	return (l->races ? RACE_CALL_S : CALL_S) * UINT64_C(1000);
}

/* NULL: nobody is free. */
static struct phone *phone_take(struct blf_load *l, uint32_t *out)
{
	for (uint32_t i = 0; i < l->phone_count; i++) {
		uint64_t next = (uint64_t)l->next_phone++ * (l->holds ? HOLD_STEP : 1);
		struct phone *p = &l->phones[ *out = (uint32_t)(next % l->phone_count)];

		if (p->talks || (p->owed && !l->races))
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
	call_goes(c, CALL_ASKED, now, call_ms(l));
	c->number = l->call_count++;
	c->asked_ns = now;
	c->heard = false;
	c->to_tag[0] = c->target[0] = '\0';
	l->open++;
	sdp_write(l, c, false, sdp);
	both_change(l, c, PHASE_TRYING, now);
	caller_say(l, c, "INVITE", 1, sdp);
}

static void call_end(struct blf_load *l, struct blf_call *c, bool failed)
{
	struct phone *a = &l->phones[c->caller], *b = &l->phones[c->callee];

	a->talks = b->talks = false;
	a->phase = b->phase = PHASE_TERMINATED;
	c->state = CALL_NONE;
	l->figures.failed += failed && !l->races;
	l->figures.lost += failed && l->races;
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

static void callee_answers(struct blf_load *l, struct blf_call *c, uint16_t status)
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
	blf_answer(l, c->callee, &m, status, contact, status == 200 ? sdp : "");
	message_close(&m);
}

/* A node that was killed may ask again, by another INVITE. */
static void callee_rings(struct blf_load *l, struct blf_call *c, const struct sip_message *m,
			 uint64_t now)
{
	struct bytes text = message_text(m);

	if (c->state > CALL_ANSWERED || text.n > sizeof(c->invite))
		return;
	memcpy(c->invite, text.p, text.n);
	c->invite_n = text.n;
	if (c->state == CALL_ASKED) {
		c->came_ns = now;
		call_goes(c, CALL_RINGS, now, l->races ? chance(l) % SHORT_MS : RING_MS);
		both_change(l, c, PHASE_EARLY, now);
	}
	callee_answers(l, c, c->state == CALL_ANSWERED ? 200 : 180);
}

void blf_call_asked(struct blf_load *l, const struct sip_message *m, uint32_t phone, uint64_t now)
{
	struct blf_call *c = call_of_callee(l, phone);

	if (m->method == SIP_BYE || m->method == SIP_CANCEL)
		blf_answer(l, phone, m, 200, "", "");
	if (m->method == SIP_CANCEL && c &&
	    memmem(c->invite, c->invite_n, m->via.branch.p, m->via.branch.n))
		callee_answers(l, c, 487);
	else if (m->method == SIP_INVITE && c)
		callee_rings(l, c, m, now);
}

static void call_accepted(struct blf_load *l, struct blf_call *c, const struct sip_message *m,
			  uint64_t now)
{
	if (bytes_cstr(m->to.tag, c->to_tag, sizeof(c->to_tag)) ||
	    bytes_cstr(m->contact.uri.all, c->target, sizeof(c->target)))
		blf_fail("a tag or contact is too long");
	load_latency_note(&l->figures.setup, c->came_ns - c->asked_ns + now - c->said_ns);
	caller_say(l, c, "ACK", 1, "");
	call_goes(c, CALL_TALKS, now, l->races ? chance(l) % SHORT_MS : TALK_MS);
	if (l->holds)
		c->next_ns = UINT64_MAX;
}

static void call_refused(struct blf_load *l, struct blf_call *c, const struct sip_message *m)
{
	bool cancelled = c->state == CALL_CANCELLED && m->method == SIP_INVITE;

	if (!l->races)
		(void)fprintf(stderr, "lamps: a call was answered %u\n", m->status);
	if (m->method == SIP_INVITE && c->state <= CALL_RINGS)
		c->state = CALL_CANCELLED; /* the ACK is of its transaction */
	if (m->method == SIP_INVITE && !bytes_cstr(m->to.tag, c->to_tag, sizeof(c->to_tag)))
		caller_say(l, c, "ACK", 1, "");
	l->figures.refused += l->races && m->status == 503;
	call_end(l, c, !cancelled && (!l->races || m->status != 503));
}

void blf_call_answered(struct blf_load *l, const struct sip_message *m, uint32_t number,
		       uint64_t now)
{
	struct blf_call *c = &l->calls[number % BLF_CALLS_MAX];

	if (c->state == CALL_NONE || c->number != number)
		return;
	c->heard |= m->method == SIP_INVITE;
	if (m->status >= 300)
		call_refused(l, c, m);
	else if (m->method == SIP_BYE && m->status >= 200)
		call_end(l, c, false);
	else if (m->method == SIP_INVITE && m->status >= 200 && c->state == CALL_ANSWERED)
		call_accepted(l, c, m, now);
	else if (m->method == SIP_INVITE && m->status >= 200 && c->state > CALL_ANSWERED)
		caller_say(l, c, "ACK", 1, ""); /* said again: the ACK was lost */
}

/* ---- time ---- */

static void call_leaves(struct blf_load *l, struct blf_call *c, bool cancelled, uint64_t now)
{
	call_goes(c, cancelled ? CALL_CANCELLED : CALL_LEAVES, now, call_ms(l));
	both_change(l, c, PHASE_TERMINATED, now);
	caller_say(l, c, cancelled ? "CANCEL" : "BYE", cancelled ? 1 : 2, "");
}

static void call_timer(struct blf_load *l, struct blf_call *c, uint64_t now)
{
	switch (c->state) {
	case CALL_RINGS:
		if (l->races && c->heard && chance(l) % CANCELLED_ONE_IN == 0) {
			call_leaves(l, c, true, now);
			break;
		}
		c->said_ns = now;
		call_goes(c, CALL_ANSWERED, now, call_ms(l));
		both_change(l, c, PHASE_CONFIRMED, now);
		callee_answers(l, c, 200);
		break;
	case CALL_TALKS:
		call_leaves(l, c, false, now);
		break;
	case CALL_ASKED:
	case CALL_ANSWERED:
	case CALL_LEAVES:
	case CALL_CANCELLED:
		call_end(l, c, true);
		break;
	case CALL_NONE:
		break;
	}
}

/* Of a race: the node may have been killed before it heard it, or before it said so. */
static void call_again(struct blf_load *l, struct blf_call *c, uint64_t now)
{
	char sdp[512];

	c->again_ns = now + AGAIN_MS * NS_PER_MS;
	if (c->state <= CALL_RINGS && !c->heard) {
		sdp_write(l, c, false, sdp);
		caller_say(l, c, "INVITE", 1, sdp);
	} else if (c->state == CALL_ANSWERED) {
		callee_answers(l, c, 200);
	} else if (c->state == CALL_LEAVES) {
		caller_say(l, c, "BYE", 2, "");
	} else if (c->state == CALL_CANCELLED) {
		caller_say(l, c, "CANCEL", 1, "");
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
		else if (l->races && l->calls[i].state != CALL_NONE && now >= l->calls[i].again_ns)
			call_again(l, &l->calls[i], now);
	}
}

static void figures_say(const struct blf_load *l, double seconds)
{
	const struct blf_figures *f = &l->figures;

	(void)printf("{\"seconds\": %.3f, \"calls\": %" PRIu64 ", \"failed\": %" PRIu64
		     ", \"setup_p50_ms\": %.3f, \"setup_p99_ms\": %.3f, \"changes\": %" PRIu64
		     ", \"told\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"refused\": %" PRIu64
		     ", \"told_p50_ms\": %.3f, \"told_p99_ms\": %.3f, \"told_max_ms\": %.3f"
		     ", \"notifies\": %" PRIu64 ", \"disordered\": %" PRIu64 ", \"wrong\": %u}\n",
		     seconds, f->calls, f->failed, load_latency_us(&f->setup, 0.5) / 1e3,
		     load_latency_us(&f->setup, 0.99) / 1e3, f->changes, f->told, f->lost,
		     f->refused, load_latency_us(&f->late, 0.5) / 1e3,
		     load_latency_us(&f->late, 0.99) / 1e3, (double)f->late.max_ns / 1e6,
		     f->notifies, f->disordered, blf_wrong(l));
	(void)fflush(stdout);
}

/* At an even rate. */
static void calls_place(struct blf_load *l, uint32_t rate, uint64_t count)
{
	uint64_t began = clock_now_ns(), placed = 0;

	memset(&l->figures, 0, sizeof(l->figures));
	for (uint32_t i = 0; i < l->phone_count; i++)
		l->phones[i].owed = 0;
	while (placed < count || (l->open && !l->holds)) {
		uint64_t due = (clock_now_ns() - began) * rate / NS_PER_S;

		for (; placed < count && placed <= due; placed++)
			call_begin(l, clock_now_ns());
		calls_turn(l);
	}
}

/* Those under way end, and what they changed is told, or not within some seconds. */
void blf_calls(struct blf_load *l, uint32_t rate, uint32_t seconds)
{
	uint64_t began = clock_now_ns(), ended;

	calls_place(l, rate, (uint64_t)rate * seconds);
	ended = clock_now_ns();
	while (l->figures.told < l->figures.changes && clock_now_ns() < ended + CALL_S * NS_PER_S)
		calls_turn(l);
	figures_say(l, (double)(ended - began) / 1e9);
}

void blf_race(struct blf_load *l, uint32_t count, uint32_t rate)
{
	uint64_t began = clock_now_ns(), ended;

	l->races = true;
	calls_place(l, rate, count);
	l->races = false;
	ended = clock_now_ns();
	while (blf_wrong(l) && clock_now_ns() < ended + QUIET_S * NS_PER_S)
		calls_turn(l);
	figures_say(l, (double)(ended - began) / 1e9);
}

void blf_hold(struct blf_load *l, uint32_t count)
{
	uint64_t ends = clock_now_ns() + CALL_S * NS_PER_S;

	l->holds = count != 0;
	for (uint32_t i = 0; i < BLF_CALLS_MAX; i++) {
		if (!l->holds && l->calls[i].state == CALL_TALKS)
			l->calls[i].next_ns = 0;
	}
	calls_place(l, HOLD_RATE, count);
	while (blf_wrong(l) && clock_now_ns() < ends)
		calls_turn(l);
	figures_say(l, 1);
}
