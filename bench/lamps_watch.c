/* SPDX-License-Identifier: Apache-2.0 */
/* The lamps of a phone: of those that follow it in number. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/lamps.h"

enum { WINDOW = 64, AGAIN_S = 2, SWITCH_S = 300 };

static uint32_t watched_by(const struct lamps_load *l, uint32_t lamp)
{
	return (lamp / l->each + 1 + lamp % l->each) % l->phone_count;
}

static void lamp_ask(struct lamps_load *l, uint32_t i, uint64_t now)
{
	struct lamp *lamp = &l->lamps[i];
	uint32_t phone = i / l->each, watches = l->first + watched_by(l, i);
	bool begins = !lamp->to_tag[0];
	char text[LAMPS_TEXT_MAX], uri[LAMPS_URI_MAX];

	(void)snprintf(uri, sizeof(uri), "sip:%u@%s", watches, l->ip);
	lamp->again_ns = now + AGAIN_S * NS_PER_S;
	lamps_say(l, phone, text,
		  snprintf(text, sizeof(text),
			   "SUBSCRIBE %s SIP/2.0\r\n"
			   "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKL%u.%u.%u;rport\r\n"
			   "Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=l%u\r\n"
			   "To: <sip:%u@%s>%s%s\r\nCall-ID: L%u.%u@lamps\r\n"
			   "CSeq: %u SUBSCRIBE\r\nContact: <sip:%u@%s:%u>\r\n"
			   "Event: dialog\r\nAccept: application/dialog-info+xml\r\n"
			   "Expires: %u\r\nContent-Length: 0\r\n\r\n",
			   begins ? uri : lamp->target, l->ip, lamps_port(l, phone), i,
			   lamp->dialogs, lamp->cseq, l->first + phone, l->ip, i, watches, l->ip,
			   begins ? "" : ";tag=", lamp->to_tag, i, lamp->dialogs, lamp->cseq,
			   l->first + phone, l->ip, lamps_port(l, phone),
			   lamp->state == LAMP_LEAVES ? 0U : 3600U));
}

static void lamp_begin(struct lamps_load *l, uint32_t i, bool on, uint64_t now)
{
	struct lamp *lamp = &l->lamps[i];

	lamp->state = on ? LAMP_ASKED : LAMP_LEAVES;
	lamp->cseq++;
	if (on) {
		lamp->dialogs++;
		lamp->heard = 0;
		lamp->to_tag[0] = '\0';
	}
	l->asked++;
	lamp_ask(l, i, now);
}

/* What is not answered is said again. */
static void lamps_repeat(struct lamps_load *l, uint32_t until, uint64_t now)
{
	for (uint32_t i = 0; i < until; i++) {
		struct lamp *lamp = &l->lamps[i];

		if ((lamp->state == LAMP_ASKED || lamp->state == LAMP_LEAVES) &&
		    now > lamp->again_ns)
			lamp_ask(l, i, now);
	}
}

bool lamps_switch(struct lamps_load *l, bool on)
{
	uint32_t count = l->phone_count * l->each, next = 0;
	uint64_t began = clock_now_ns(), looked = began;

	l->lit = false;
	while (next < count || l->asked) {
		uint64_t now = clock_now_ns();

		for (; next < count && l->asked < WINDOW; next++) {
			if (on || l->lamps[next].state == LAMP_ON)
				lamp_begin(l, next, on, now);
		}
		lamps_hear(l);
		if (now - looked > NS_PER_S) {
			lamps_repeat(l, next, now);
			looked = now;
		}
		if (now - began > SWITCH_S * NS_PER_S)
			return false;
	}
	l->lit = on;
	return true;
}

/* ---- what is told ---- */

void lamps_change(struct lamps_load *l, uint32_t phone, enum lamp_phase phase, uint64_t now)
{
	struct phone *p = &l->phones[phone];

	p->at_ns[phase] = now;
	if (!l->lit)
		return;
	p->owed += l->each;
	l->figures.changes += l->each;
}

/* A phone has one call, or none any more. */
static enum lamp_phase phase_told(struct bytes body)
{
	static const char *const names[PHASES] = { "trying", "early", "confirmed", "terminated" };
	const uint8_t *at = memmem(body.p, body.n, "<state>", 7);

	for (unsigned i = 0; at && i < PHASES; i++) {
		struct bytes rest = bytes_from(body, (size_t)(at - body.p) + 7);

		if (bytes_starts(rest, names[i]))
			return (enum lamp_phase)i;
	}
	return PHASES;
}

static void lamp_told(struct lamps_load *l, uint32_t i, enum lamp_phase phase, uint64_t now)
{
	struct lamp *lamp = &l->lamps[i];
	struct phone *p = &l->phones[watched_by(l, i)];

	if (lamp->turn != p->turn)
		lamp->told = 0;
	lamp->turn = p->turn;
	for (unsigned k = 0; k <= phase && k < PHASES; k++) {
		if (!p->at_ns[k] || (lamp->told & 1U << k))
			continue;
		lamp->told |= (uint8_t)(1U << k);
		load_latency_note(&l->figures.late, now - p->at_ns[k]);
		l->figures.told++;
		p->owed -= p->owed > 0;
	}
}

static void notify_heard(struct lamps_load *l, const struct sip_message *m, uint32_t i,
			 uint64_t now)
{
	struct lamp *lamp = &l->lamps[i];
	enum lamp_phase phase = phase_told(m->body);
	struct bytes state = { 0 };

	lamps_answer(l, i / l->each, m, 200, "", "");
	if (m->cseq <= lamp->heard || lamp->state == LAMP_DARK)
		return;
	lamp->heard = m->cseq;
	l->figures.notifies++;
	(void)message_header(m, "Subscription-State", 0, &state);
	if (bytes_istarts(state, "terminated")) {
		l->asked -= lamp->state != LAMP_ON;
		lamp->state = LAMP_DARK;
	} else if (lamp->state == LAMP_ACCEPTED) {
		lamp->state = LAMP_ON;
		l->asked--;
	} else if (lamp->state == LAMP_ON && phase < PHASES) {
		lamp_told(l, i, phase, now);
	}
}

void lamps_watch_heard(struct lamps_load *l, const struct sip_message *m, uint32_t i, uint64_t now)
{
	struct lamp *lamp = &l->lamps[i];

	if (m->request) {
		if (m->method == SIP_NOTIFY)
			notify_heard(l, m, i, now);
		return;
	}
	if (m->cseq != lamp->cseq || m->status < 200 || lamp->state != LAMP_ASKED)
		return;
	if (m->status != 200) { /* too fast for it: again */
		lamp->cseq++;
		return;
	}
	if (bytes_cstr(m->to.tag, lamp->to_tag, sizeof(lamp->to_tag)) ||
	    bytes_cstr(m->contact.uri.all, lamp->target, sizeof(lamp->target)))
		lamps_fail("a tag or contact is too long");
	lamp->state = LAMP_ACCEPTED;
}
