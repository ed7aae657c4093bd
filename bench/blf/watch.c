/* SPDX-License-Identifier: Apache-2.0 */
/* The lamps of a phone: of those that follow it in number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/blf/blf.h"

enum { WINDOW = 64, AGAIN_S = 2, SWITCH_S = 300 };

static uint32_t watched_by(const struct blf_load *l, uint32_t blf_key)
{
	return (blf_key / l->each + 1 + blf_key % l->each) % l->phone_count;
}

/* Lamps of a list are one subscription: that of the phone's first lamp. */
static uint32_t subscription_step(const struct blf_load *l)
{
	return l->lists ? l->each : 1;
}

static void list_write(const struct blf_load *l, uint32_t i, struct writer *w)
{
	writer_str(w, "<resource-lists><list>");
	for (uint32_t k = 0; k < l->each; k++) {
		writer_number(w, "<entry uri=\"sip:", l->first + watched_by(l, i + k), "@");
		WRITER_TEXTS(w, l->ip, "\"/>");
	}
	writer_str(w, "</list></resource-lists>");
}

static void blf_watch_ask(struct blf_load *l, uint32_t i, uint64_t now)
{
	struct blf_watch *blf_key = &l->watches[i];
	uint32_t phone = i / l->each, watches = l->first + watched_by(l, i);
	bool begins = !blf_key->to_tag[0];
	char text[BLF_TEXT_MAX], uri[BLF_URI_MAX], body[3 * BLF_TEXT_MAX / 4] = "";
	struct writer list = writer_over(body, sizeof(body) - 1);

	if (l->lists && begins)
		list_write(l, i, &list);
	body[list.n] = '\0';
	(void)snprintf(uri, sizeof(uri), "sip:%u@%s", watches, l->ip);
	blf_key->again_ns = now + AGAIN_S * NS_PER_S;
	blf_say(l, phone, text,
		snprintf(text, sizeof(text),
			 "SUBSCRIBE %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKL%u.%u.%u;rport\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:%u@%s>;tag=l%u\r\n"
			 "To: <sip:%u@%s>%s%s\r\nCall-ID: L%u.%u@lamps\r\n"
			 "CSeq: %u SUBSCRIBE\r\nContact: <sip:%u@%s:%u>\r\n"
			 "Event: dialog\r\nSupported: eventlist\r\n"
			 "Expires: %u\r\n%sContent-Length: %zu\r\n\r\n%s",
			 begins ? uri : blf_key->target, l->ip, blf_port(l, phone), i,
			 blf_key->dialogs, blf_key->cseq, l->first + phone, l->ip, i, watches,
			 l->ip, begins ? "" : ";tag=", blf_key->to_tag, i, blf_key->dialogs,
			 blf_key->cseq, l->first + phone, l->ip, blf_port(l, phone),
			 blf_key->state == BLF_WATCH_LEAVES ? 0U : 3600U,
			 list.n ? "Content-Type: application/resource-lists+xml\r\n" : "", list.n,
			 body));
}

static void blf_watch_begin(struct blf_load *l, uint32_t i, bool on, uint64_t now)
{
	struct blf_watch *blf_key = &l->watches[i];

	blf_key->state = on ? BLF_WATCH_ASKED : BLF_WATCH_LEAVES;
	blf_key->cseq++;
	if (on) {
		blf_key->dialogs++;
		blf_key->heard = 0;
		blf_key->to_tag[0] = '\0';
		for (uint32_t k = 0; k < subscription_step(l); k++) {
			l->watches[i + k].shows = PHASE_TERMINATED;
			l->watches[i + k].whole = true;
		}
		blf_key->named = true;
	}
	l->asked++;
	blf_watch_ask(l, i, now);
}

/* What is not answered is said again. */
static void blf_repeat(struct blf_load *l, uint32_t until, uint64_t now)
{
	for (uint32_t i = 0; i < until; i++) {
		struct blf_watch *blf_key = &l->watches[i];

		if ((blf_key->state == BLF_WATCH_ASKED || blf_key->state == BLF_WATCH_LEAVES) &&
		    now > blf_key->again_ns)
			blf_watch_ask(l, i, now);
	}
}

bool blf_switch(struct blf_load *l, bool on, uint32_t phones)
{
	uint32_t count = phones * l->each, next = 0;
	uint64_t began = clock_now_ns(), looked = began;

	l->lit = false;
	while (next < count || l->asked) {
		uint64_t now = clock_now_ns();

		for (; next < count && l->asked < WINDOW; next += subscription_step(l)) {
			if (on != (l->watches[next].state == BLF_WATCH_ON))
				blf_watch_begin(l, next, on, now);
		}
		blf_hear(l);
		if (now - looked > NS_PER_S) {
			blf_repeat(l, next, now);
			looked = now;
		}
		if (now - began > SWITCH_S * NS_PER_S)
			return false;
	}
	l->lit = on && phones == l->phone_count;
	return true;
}

/* ---- what is told ---- */

void blf_change(struct blf_load *l, uint32_t phone, enum blf_watch_phase phase, uint64_t now)
{
	struct phone *p = &l->phones[phone];

	p->at_ns[phase] = now;
	p->phase = (uint8_t)phase;
	if (!l->lit)
		return;
	p->owed += l->each;
	l->figures.changes += l->each;
}

/* A phone has one call, or none any more. */
static enum blf_watch_phase phase_told(struct bytes body)
{
	static const char *const names[PHASES] = { "trying", "early", "confirmed", "terminated" };
	const uint8_t *at = memmem(body.p, body.n, "<state>", 7);

	for (unsigned i = 0; at && i < PHASES; i++) {
		struct bytes rest = bytes_from(body, (size_t)(at - body.p) + 7);

		if (bytes_starts(rest, names[i]))
			return (enum blf_watch_phase)i;
	}
	return PHASES;
}

static void blf_watch_told(struct blf_load *l, uint32_t i, enum blf_watch_phase phase, uint64_t now)
{
	struct blf_watch *blf_key = &l->watches[i];
	struct phone *p = &l->phones[watched_by(l, i)];

	if (blf_key->turn != p->turn)
		blf_key->told = 0;
	blf_key->turn = p->turn;
	for (unsigned k = 0; k <= phase && k < PHASES; k++) {
		if (!p->at_ns[k] || (blf_key->told & 1U << k))
			continue;
		blf_key->told |= (uint8_t)(1U << k);
		load_latency_note(&l->figures.late, now - p->at_ns[k]);
		l->figures.told++;
		p->owed -= p->owed > 0;
	}
}

static void blf_shows(struct blf_load *l, uint32_t i, enum blf_watch_phase phase)
{
	l->watches[i].shows = (uint8_t)(phase == PHASES ? PHASE_TERMINATED : phase);
	l->left -= !l->watches[i].whole;
	l->watches[i].whole = true;
}

/* The state behind "sip:USER@" of each document: an empty one is dark. */
static void list_told(struct blf_load *l, struct bytes body, uint32_t i)
{
	const uint8_t *at = body.p, *end = body.p + body.n;

	while ((at = memmem(at, (size_t)(end - at), " entity=\"sip:", 13)) != NULL) {
		struct bytes rest = bytes_mem(at + 13, (size_t)(end - at - 13));
		const uint8_t *next = memmem(rest.p, rest.n, "</dialog-info>", 14);
		uint32_t user = 0, k;

		if (!next || bytes_u32(bytes_sub(rest, 0, bytes_find(rest, '@')), &user))
			blf_fail("a document of a list");
		k = (user - l->first + 2 * l->phone_count - 1 - i / l->each) % l->phone_count;
		rest.n = (size_t)(next - rest.p);
		at = next;
		if (k >= l->each)
			blf_fail("a resource that is in no list");
		blf_shows(l, i + k, phase_told(rest));
	}
}

static void list_heard(struct blf_load *l, const struct sip_message *m, uint32_t i, bool counts,
		       uint64_t now)
{
	const uint8_t *at = memmem(m->body.p, m->body.n, " version=\"", 10);
	struct blf_watch *blf_key = &l->watches[i];
	uint8_t before[BLF_LAMPS_MAX];
	struct bytes version;
	bool whole;

	/* the first one is of the XML itself */
	at = at ? memmem(at + 10, (size_t)(m->body.p + m->body.n - at - 10), " version=\"", 10)
		: at;
	if (!at) {
		l->figures.disordered += m->body.n != 0;
		return;
	}
	whole = memmem(m->body.p, m->body.n, "fullState=\"true\"", 16) != NULL;
	version = bytes_mem(at + 10, (size_t)(m->body.p + m->body.n - at - 10));
	if (bytes_u32(bytes_sub(version, 0, bytes_find(version, '"')), &blf_key->version) ||
	    blf_key->version + 1 != m->cseq)
		l->figures.disordered++;
	if (m->cseq != blf_key->heard + 1 && !whole)
		l->figures.disordered++;
	for (uint32_t k = 0; k < l->each; k++) {
		before[k] = l->watches[i + k].shows;
		if (whole) /* RFC 4662 5.6.1: what was known before is forgotten */
			l->watches[i + k].shows = PHASE_TERMINATED;
	}
	list_told(l, m->body, i);
	for (uint32_t k = 0; k < l->each; k++) {
		if (counts && l->watches[i + k].shows != before[k])
			blf_watch_told(l, i + k, l->watches[i + k].shows, now);
	}
	l->unnamed -= whole && !blf_key->named;
	blf_key->named |= whole;
}

/* Of a lamp that is watched alone. */
static void alone_heard(struct blf_load *l, const struct sip_message *m, uint32_t i, bool counts,
			uint64_t now)
{
	enum blf_watch_phase phase = phase_told(m->body);
	bool whole = memmem(m->body.p, m->body.n, "state=\"full\"", 12) != NULL;

	l->figures.disordered += m->body.n && !whole && m->cseq != l->watches[i].heard + 1;
	if (whole || phase < PHASES)
		blf_shows(l, i, phase);
	if (counts && phase < PHASES)
		blf_watch_told(l, i, phase, now);
}

static void notify_heard(struct blf_load *l, const struct sip_message *m, uint32_t i, uint64_t now)
{
	struct blf_watch *blf_key = &l->watches[i];
	struct bytes state = { 0 };

	blf_answer(l, i / l->each, m, 200, "", "");
	/* the last one may come twice */
	l->figures.disordered += blf_key->state == BLF_WATCH_ON && m->cseq < blf_key->heard;
	if (m->cseq <= blf_key->heard || blf_key->state == BLF_WATCH_DARK)
		return;
	if (l->lists)
		list_heard(l, m, i, blf_key->state == BLF_WATCH_ON, now);
	else
		alone_heard(l, m, i, blf_key->state == BLF_WATCH_ON, now);
	blf_key->heard = m->cseq;
	l->figures.notifies++;
	(void)message_header(m, "Subscription-State", 0, &state);
	if (bytes_istarts(state, "terminated")) {
		l->asked -= blf_key->state != BLF_WATCH_ON;
		blf_key->state = BLF_WATCH_DARK;
	} else if (blf_key->state == BLF_WATCH_ACCEPTED) {
		blf_key->state = BLF_WATCH_ON;
		l->asked--;
	}
}

void blf_watch_heard(struct blf_load *l, const struct sip_message *m, uint32_t i, uint64_t now)
{
	struct blf_watch *blf_key = &l->watches[i];

	if (m->request) {
		if (m->method == SIP_NOTIFY)
			notify_heard(l, m, i, now);
		return;
	}
	if (m->cseq != blf_key->cseq || m->status < 200 || blf_key->state != BLF_WATCH_ASKED)
		return;
	if (m->status != 200) { /* too fast for it: again */
		blf_key->cseq++;
		return;
	}
	if (bytes_cstr(m->to.tag, blf_key->to_tag, sizeof(blf_key->to_tag)) ||
	    bytes_cstr(m->contact.uri.all, blf_key->target, sizeof(blf_key->target)))
		blf_fail("a tag or contact is too long");
	blf_key->state = BLF_WATCH_ACCEPTED;
}

static bool lamp_is_right(const struct blf_load *l, uint32_t i)
{
	return l->watches[i].shows == l->phones[watched_by(l, i)].phase;
}

uint32_t blf_wrong(const struct blf_load *l)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; l->lit && i < l->phone_count * l->each; i++)
		wrong += !lamp_is_right(l, i);
	return wrong;
}

void blf_await_all(struct blf_load *l, uint64_t began)
{
	double right_s = -1;
	uint32_t right = 0, count = l->phone_count * l->each;

	l->left = count;
	for (uint32_t i = 0; i < count; i++)
		l->watches[i].whole = l->watches[i].named = false;
	l->unnamed = l->lists ? l->phone_count : 0;
	while ((l->left || right_s < 0) && clock_now_ns() - began < SWITCH_S * NS_PER_S) {
		blf_hear(l);
		/* lamps alone have no document that names them all */
		if (right_s >= 0 || l->unnamed || (!l->lists && l->left))
			continue;
		while (right < count && lamp_is_right(l, right))
			right++;
		if (right == count && !blf_wrong(l))
			right_s = (double)(clock_now_ns() - began) / 1e9;
	}
	(void)printf("{\"seconds\": %.3f, \"right_s\": %.3f, \"left\": %u, \"unnamed\": %u, "
		     "\"wrong\": %u}\n",
		     (double)(clock_now_ns() - began) / 1e9, right_s, l->left, l->unnamed,
		     blf_wrong(l));
	(void)fflush(stdout);
}
