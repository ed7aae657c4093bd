/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/leg_digits.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/leg/leg.h"
#include "sig/leg/request_wait.h"
#include "sig/model/event.h"

enum {
	WAITING_MAX = 64,
	TRIES_MAX = 8, /* in about 2 s: later a digit would be a surprise */
	AGAIN_MIN_MS = 100,
	AGAIN_SPREAD_MS = 300,
};

struct leg_digits {
	struct dtmf list[WAITING_MAX];
	uint8_t count;
	uint8_t tries;      /* of the first one */
	pool_handle client; /* its INFO; 0: none is open */
	uint64_t again_ns;  /* 0: off */
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
	return leg->digits ? WAITING_MAX - leg->digits->count : WAITING_MAX;
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

void leg_digits_put(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	struct leg *l = c->legs[leg];

	if (!l->digits)
		l->digits = calloc(1, sizeof(*l->digits));
	if (!l->digits || l->digits->count == WAITING_MAX) {
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

uint64_t leg_digits_due_ns(const struct leg *leg)
{
	return leg->digits ? leg->digits->again_ns : 0;
}

void leg_digits_again(struct call_host *h, struct call *c, uint8_t leg)
{
	if (!c->legs[leg]->digits)
		return;
	c->legs[leg]->digits->again_ns = 0;
	digits_go_on(h, c, leg);
}
