/* SPDX-License-Identifier: Apache-2.0 */
/* DTMF digits between the legs of a call (dtmf.h): chooses for each party telephone-events, INFO or
 * tones by its SDP, Allow, document and profile; sends INFOs one at a time and in order, and falls
 * back to tones when they are refused; and decides whether detected tones of a party count as its
 * digits. A digit that came by INFO and as a tone is counted once. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/line_facts.h"
#include "sig/model/event.h"
#include "sig/model/leg.h"

enum {
	TRIES_MAX = 8, /* in about 2 s: later a digit would be a surprise */
	AGAIN_MIN_MS = 100,
	AGAIN_SPREAD_MS = 300,
};

void leg_digits_clear(struct leg *leg)
{
	free(leg->digits);
	leg->digits = NULL;
}

static void digits_done(struct leg *leg)
{
	struct leg_digits *d = leg->digits;

	d->count--;
	memmove(d->list, d->list + 1, d->count * sizeof(d->list[0]));
	d->tries = 0;
	d->client = 0;
	if (d->count == 0)
		leg_digits_clear(leg);
}

static enum trunk_dtmf dtmf_of_trunk(const struct leg *l)
{
	const struct trunk_settings *set = trunks_settings(l->trunks, l->channel);

	return set ? (enum trunk_dtmf)set->dtmf : TRUNK_DTMF_PROFILE;
}

/* INFOs to the leg's trunk have the digit alone as body; else, and to phones,
 * application/dtmf-relay. */
static bool dtmf_is_plain(const struct leg *l)
{
	return dtmf_of_trunk(l) == TRUNK_DTMF_INFO_PLAIN;
}

static struct txn_slot *info(struct call_host *h, struct leg *leg, const struct dtmf *dtmf)
{
	uint8_t body[64];
	struct writer w = writer_over(body, sizeof(body));
	char digit = dtmf->digit == 'F' ? '!' : dtmf->digit;
	struct dialog_request r = {
		.method = SIP_INFO,
		.max_forwards = -1,
		.content_type = BYTES_LIT("application/dtmf-relay"),
	};

	if (dtmf_is_plain(leg)) {
		r.content_type = BYTES_LIT("application/dtmf");
		writer_fmt(&w, "%c", digit);
	} else {
		writer_fmt(&w, "Signal=%c\r\nDuration=%u\r\n", digit, dtmf->duration_ms);
	}
	r.body = writer_done(&w);
	return leg_request(h, &leg->dialog, &r, TXN_USER_DIGIT);
}

uint32_t leg_digits_room(const struct leg *leg)
{
	return leg->digits ? LEG_DIGITS_MAX - leg->digits->count : LEG_DIGITS_MAX;
}

/* The first one, unless it is under way. */
static void digits_go_on(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	while (l->digits && !l->digits->client && !l->digits->again_ns) {
		struct txn_slot *slot =
			l->state == LEG_CONFIRMED ? info(h, l, &l->digits->list[0]) : NULL;

		if (!slot) {
			LOG_WARN("call", c->id, "a digit is lost", LOG_U64("leg", leg));
			l->digits_lost = "unreachable";
			digits_done(l);
			continue;
		}
		l->digits->client = slot->self;
		l->digits->tries++;
		relay_start(h, c, leg, slot->self);
	}
}

/* Sent now, or when those before it have been answered. What is lost says so in leg.digits_lost. */
static void leg_digits_put(struct call_host *h, struct call *c, uint8_t leg,
			   const struct dtmf *dtmf)
{
	struct leg *l = c->legs[leg];

	if (!l->digits)
		l->digits = calloc(1, sizeof(*l->digits));
	if (!l->digits || l->digits->count == LEG_DIGITS_MAX) {
		LOG_WARN("call", c->id, "a digit is lost", LOG_U64("leg", leg));
		l->digits_lost = "busy";
		return;
	}
	l->digits->list[l->digits->count++] = *dtmf;
	digits_go_on(h, c, leg);
}

/* RFC 3261 14.1 says it of re-INVITEs; a digit has less time. */
static bool is_put_off(struct call_host *h, struct leg_digits *d, const struct call_event *ev)
{
	if (ev->kind != CALL_EV_FAILURE || ev->message->status != 491 || d->tries == TRIES_MAX)
		return false;
	d->client = 0;
	d->again_ns = h->now.ns + (AGAIN_MIN_MS + rand_below(h->rand, AGAIN_SPREAD_MS)) * NS_PER_MS;
	return true;
}

/* This one, and those behind it. */
static void digits_as_tones(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg_digits *d = c->legs[leg]->digits;

	c->legs[leg]->digits = NULL;
	for (uint8_t i = 0; i < d->count; i++)
		dtmf_send(h, c, leg, &d->list[i]);
	free(d);
}

/* As its document or profile says; EVENTS if it has none of both. */
static enum offer_digits dtmf_terms(const struct leg *l)
{
	switch (dtmf_of_trunk(l)) {
	case TRUNK_DTMF_INFO:
	case TRUNK_DTMF_INFO_PLAIN:
		return OFFER_DIGITS_INFO;
	case TRUNK_DTMF_TONES:
		return OFFER_DIGITS_TONES;
	case TRUNK_DTMF_EVENTS:
		return OFFER_DIGITS_EVENTS;
	case TRUNK_DTMF_PROFILE:
		break;
	}
	return l->terms ? (enum offer_digits)l->terms->digits : OFFER_DIGITS_EVENTS;
}

/* RFC 3261 21.4.6, 21.4.13, 21.5.2, RFC 6086 4.2.2. */
static bool dtmf_refused(struct call *c, uint8_t leg, uint16_t status)
{
	struct leg *l = c->legs[leg];

	if ((status != 405 && status != 415 && status != 469 && status != 501) ||
	    dtmf_terms(l) == OFFER_DIGITS_INFO || l->info_digits)
		return false;
	l->no_info = true;
	outbox_touch_later(&c->out);
	return true;
}

void leg_digits_answered(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (!l->digits || l->digits->client != ev->txn || ev->kind == CALL_EV_PROVISIONAL ||
	    is_put_off(h, l->digits, ev))
		return;
	if (ev->kind == CALL_EV_TIMEOUT) { /* the others would come half a minute late */
		LOG_WARN("call", c->id, "digits are lost", LOG_U64("leg", ev->leg),
			 LOG_U64("count", l->digits->count));
		l->digits_lost = "no_answer";
		leg_digits_clear(l);
		return;
	}
	if (ev->kind == CALL_EV_FAILURE &&
	    dtmf_refused(c, ev->leg, (uint16_t)ev->message->status)) {
		digits_as_tones(h, c, ev->leg);
		return;
	}
	if (ev->kind == CALL_EV_FAILURE && ev->message->status == 491) {
		LOG_WARN("call", c->id, "a digit is lost: its party put it off too often",
			 LOG_U64("leg", ev->leg));
		l->digits_lost = "busy";
	}
	digits_done(l);
	digits_go_on(h, c, ev->leg);
}

void leg_digits_again(struct call_host *h, struct call *c, uint8_t leg)
{
	digits_go_on(h, c, leg);
}

enum { TONE_AND_INFO_MS = 1000 }; /* of one key, apart at most */

static const struct call_flow *audio_flow(const struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		const struct call_flow *f = call_flow_find(c, leg, i);

		if (f && f->kind == MEDIA_AUDIO && f->remote.family != ADDR_NONE)
			return f;
	}
	return NULL;
}

bool dtmf_is_foreign(const struct leg *l, struct bytes content_type)
{
	struct bytes type = bytes_trim(bytes_sub(content_type, 0, bytes_find(content_type, ';')));

	switch (dtmf_of_trunk(l)) {
	case TRUNK_DTMF_INFO:
		return !bytes_iis(type, "application/dtmf-relay");
	case TRUNK_DTMF_INFO_PLAIN:
		return !bytes_iis(type, "application/dtmf");
	case TRUNK_DTMF_PROFILE:
	case TRUNK_DTMF_EVENTS:
	case TRUNK_DTMF_TONES:
		break;
	}
	return false;
}

/* It has a codec that can carry tones. */
static bool dtmf_can_be_sent(const struct leg *l, uint8_t line)
{
	struct media_accepted list[PAYLOAD_RULES_MAX];
	uint8_t count = line_codecs(l, line, list);

	for (uint8_t i = 0; i < count; i++) {
		if (media_codec_is_transcodable((enum media_codec)list[i].codec))
			return true;
	}
	return false;
}

static enum offer_digits dtmf_way(const struct call *c, uint8_t leg)
{
	const struct call_flow *f = audio_flow(c, leg);
	const struct leg *l = c->legs[leg];
	enum offer_digits terms = dtmf_terms(l);

	if (f && f->event_pt != PAYLOAD_NONE)
		return OFFER_DIGITS_EVENTS;
	if (!f || terms == OFFER_DIGITS_INFO)
		return terms == OFFER_DIGITS_EVENTS ? OFFER_DIGITS_INFO : terms;
	if (terms == OFFER_DIGITS_EVENTS && (!l->no_info || l->info_digits))
		return OFFER_DIGITS_INFO;
	return dtmf_can_be_sent(l, f->line) ? OFFER_DIGITS_TONES : OFFER_DIGITS_INFO;
}

bool dtmf_is_by_info(const struct call *c, uint8_t leg)
{
	return dtmf_way(c, leg) == OFFER_DIGITS_INFO;
}

/* ---- tones ---- */

bool dtmf_may_be_tones(const struct call *c, const struct call_flow *f)
{
	const struct leg *l = c->legs[f->leg];

	return f->kind == MEDIA_AUDIO && f->remote.family != ADDR_NONE &&
	       f->event_pt == PAYLOAD_NONE && !l->info_digits && dtmf_terms(l) != OFFER_DIGITS_INFO;
}

bool dtmf_are_detected(const struct call *c, uint8_t leg)
{
	const struct call_flow *f = audio_flow(c, leg);

	return f && f->detects_dtmf && !c->legs[leg]->info_digits;
}

bool dtmf_came_by_info(struct call_host *h, struct call *c, uint8_t leg, char digit)
{
	struct leg *l = c->legs[leg];
	bool twice =
		l->tone_digit == digit && h->now.ns - l->tone_ns < TONE_AND_INFO_MS * NS_PER_MS;

	l->tone_digit = 0;
	if (!l->info_digits)
		outbox_touch_later(&c->out);
	l->info_digits = true;
	return twice;
}

bool dtmf_came_as_tone(const struct call_host *h, struct call *c, uint8_t leg, char digit)
{
	struct leg *l = c->legs[leg];

	if (l->info_digits)
		return false;
	l->tone_digit = digit;
	l->tone_ns = h->now.ns;
	return true;
}

/* An event, or a tone. */
static void send_event(struct call_host *h, const struct call *c, const struct call_flow *f,
		       const struct dtmf *dtmf)
{
	struct media_command *command =
		effects_media(h->effects, c->id, MEDIA_FLOW_DIGIT_SEND, f->id);

	if (!command)
		return;
	command->digit = dtmf->digit;
	command->duration_ms = dtmf->duration_ms;
}

void dtmf_send(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	const struct call_flow *f = audio_flow(c, leg);

	if (c->legs[leg]->state != LEG_CONFIRMED)
		return;
	if (dtmf_is_by_info(c, leg))
		leg_digits_put(h, c, leg, dtmf);
	else if (f)
		send_event(h, c, f, dtmf);
}
