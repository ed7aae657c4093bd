/* SPDX-License-Identifier: Apache-2.0 */
/* In-call feature codes by DTMF digits (call_digits.h), and INFO within calls (RFC 6086 and the
 * older use without packages). Digits arrive as telephone-events, tones or INFO, and are matched
 * against the codes of the tenant; the longest suffix that may still become a code is withheld, and
 * the rest goes on to the peer. INFO also carries trickled ICE candidates and picture requests;
 * anything else passes only if settings name it. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_digits.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/prompts.h"
#include "sig/call/relay.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/trickle.h"
#include "sig/model/leg.h"
#include "sig/model/saved.h"

/* Durations are not in a record. */
static bool code_digits_check(struct schema_reader *r, void *object)
{
	struct leg_code_digits *k = object;

	for (uint8_t i = 0; i < k->count; i++) {
		if (!k->list[i] || !strchr("0123456789*#", k->list[i]))
			return false;
		k->duration_ms[i] = DTMF_DURATION_MS;
	}
	saved_forget_old(r, &k->until_ns);
	return true;
}

static const struct schema code_digits_rows[] = {
	{ "list", 1, SCHEMA_CHARS, SCHEMA_AT(struct leg_code_digits, list),
	  .count = offsetof(struct leg_code_digits, count), .min = 1, .wrong = "leg: keys" },
	{ "peer", 2, SCHEMA_UINT, SCHEMA_AT(struct leg_code_digits, peer), .max = LEGS_MAX - 1,
	  .wrong = "leg: keys" },
	{ "until_utc_ms", 3, SCHEMA_HAND, SCHEMA_AT(struct leg_code_digits, until_ns),
	  .write = saved_until_write, .read = saved_until_read },
	{ 0 },
};

const struct schema code_digits_saved[] = {
	{ "digits", 31, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, code_digits, struct leg_code_digits), .of = code_digits_rows,
	  .check = code_digits_check, .wrong = "leg: keys" },
	{ 0 },
};

static bool entry_check(struct schema_reader *r, void *object)
{
	struct leg_entry *e = object;

	for (uint8_t i = 0; i < e->count; i++) {
		if (e->list[i] < '0' || e->list[i] > '9')
			return false;
	}
	if (!e->code) /* of a program that knew no other one */
		e->code = CALL_CODE_ACCOUNT;
	saved_forget_old(r, &e->until_ns);
	return true;
}

static const struct schema entry_rows[] = {
	{ "list", 1, SCHEMA_CHARS, SCHEMA_AT(struct leg_entry, list),
	  .count = offsetof(struct leg_entry, count), .max = LEG_ENTRY_MAX - 1,
	  .wrong = "leg: digits behind a code" },
	{ "until_utc_ms", 2, SCHEMA_HAND, SCHEMA_AT(struct leg_entry, until_ns),
	  .write = saved_until_write, .read = saved_until_read },
	{ "code", 3, SCHEMA_UINT, SCHEMA_AT(struct leg_entry, code), .max = CALL_CODE_COUNT - 1,
	  .wrong = "leg: code before digits" },
	{ 0 },
};

/* In call.proto they have the name of account codes, which had them alone. */
const struct schema entry_saved[] = {
	{ "account", 36, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct leg, entry, struct leg_entry), .of = entry_rows, .check = entry_check,
	  .wrong = "leg: digits behind a code" },
	{ 0 },
};

enum { NEXT_DIGIT_MS = 5000 };
#define PACKAGE "trickle-ice"
#define TYPE    "application/trickle-ice-sdpfrag"

/* Without its parameters. */
static struct bytes candidate_name(struct bytes value)
{
	return bytes_trim(bytes_sub(value, 0, bytes_find(value, ';')));
}

static bool is_typed(const struct sip_message *m)
{
	return bytes_iis(candidate_name(m->content_type), TYPE);
}

/* The INFO is of that package, or bears its body. */
static bool trickle_is(const struct sip_message *m)
{
	struct bytes package = { 0 };

	return (message_header(m, "Info-Package", 0, &package) &&
		bytes_iis(candidate_name(package), PACKAGE)) ||
	       is_typed(m);
}

static bool trickle_has_ice(const struct call *c, uint8_t leg)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].dtls)
			return true;
	}
	return false;
}

/* Answers it. */
static void trickle_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct sip_message *m = ev->message;
	struct response ok = { .status = 200 };
	struct bytes encoding;

	if (!trickle_has_ice(c, ev->leg)) /* RFC 6086 4.2.2 */
		respond_refuse(h, ev, 469, REFUSED_BODY, BYTES_LIT("Recv-Info:\r\n"));
	else if (!is_typed(m) || message_header(m, "Content-Encoding", 0, &encoding))
		respond_refuse(h, ev, 415, REFUSED_BODY, BYTES_LIT("Accept: " TYPE "\r\n"));
	else if (trickle_check(m->body))
		respond_refuse(h, ev, 400, REFUSED_BODY, (struct bytes){ 0 });
	else
		respond(h, ev->slot, m, &ok);
}

/* ---- who may ---- */

static bool leg_talks(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return l && l->state == LEG_CONFIRMED;
}

static void call_codes_drop(struct call_codes *out, uint32_t codes)
{
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		if (codes & UINT32_C(1) << i)
			out->code[i][0] = '\0';
	}
}

/* False: the tenant has none that the party of the leg may use. */
static bool call_codes_of(const struct call_host *h, const struct call *c, uint8_t leg,
			  struct call_codes *out)
{
	const struct dial_plan *plan = dial_plans_of(h->settings->dials, c->tenant);

	dial_plan_call_codes(plan, &h->settings->call_codes, out);
	if (!call_codes_any(out))
		return false;
	for (const struct module *const *m = h->modules->codes; *m; m++) {
		if (!(*m)->codes->may(h, c, leg))
			call_codes_drop(out, (*m)->codes->codes);
	}
	return call_codes_any(out);
}

static bool call_digits_codes(const struct call_host *h, const struct call *c, uint8_t leg,
			      struct call_codes *out)
{
	return bridge_has(c, leg) && !call_is_alone(c) && leg_talks(c, leg) &&
	       leg_talks(c, bridge_peer(c, leg)) && call_codes_of(h, c, leg, out);
}

bool call_digits_are_read(const struct call_host *h, const struct call *c, uint8_t leg)
{
	struct call_codes codes;

	return call_digits_codes(h, c, leg, &codes);
}

bool call_digits_are_tones(const struct call_host *h, const struct call *c,
			   const struct call_flow *f)
{
	return dtmf_may_be_tones(c, f) && (leg_is_screened(c->legs[f->leg]) ? true
					   : call_is_alone(c)               ? prompts_want_digits(c)
							      : call_digits_are_read(h, c, f->leg));
}

/* ---- digits behind a code ---- */

static void digits_entry_wait(const struct call_host *h, struct leg *l)
{
	l->entry->until_ns = h->now.ns + NEXT_DIGIT_MS * NS_PER_MS;
}

static void digits_entry_start(const struct call_host *h, struct call *c, uint8_t leg,
			       enum call_code code)
{
	struct leg *l = c->legs[leg];

	if (!l->entry)
		l->entry = calloc(1, sizeof(*l->entry));
	if (!l->entry) {
		LOG_ERROR("call", c->id, "no memory for the digits behind a code");
		return;
	}
	l->entry->code = (uint8_t)code;
	l->entry->count = 0;
	digits_entry_wait(h, l);
	outbox_touch_later(&c->out);
}

static void digits_entry_drop(struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (!l->entry)
		return;
	free(l->entry);
	l->entry = NULL;
	outbox_touch_later(&c->out);
}

/* The digits are complete. */
static void digits_entry_end(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg_entry e = *c->legs[leg]->entry;

	digits_entry_drop(c, leg);
	for (const struct module *const *m = h->modules->codes; *m; m++) {
		if ((*m)->codes->entered && (*m)->codes->codes >> e.code & 1)
			(*m)->codes->entered(h, c, leg, bytes_mem(e.list, e.count));
	}
}

/* Returns false if none is awaited: the digit is for others. */
static bool digits_entry_on_digit(struct call_host *h, struct call *c, uint8_t leg,
				  const struct dtmf *dtmf)
{
	struct leg_entry *e = c->legs[leg]->entry;

	if (!e)
		return false;
	if (dtmf->digit == '#') {
		digits_entry_end(h, c, leg);
	} else if (dtmf->digit < '0' || dtmf->digit > '9') {
		digits_entry_drop(c, leg);
	} else {
		e->list[e->count++] = dtmf->digit;
		digits_entry_wait(h, c->legs[leg]);
		outbox_touch_later(&c->out);
		if (e->count == sizeof(e->list))
			digits_entry_end(h, c, leg);
	}
	return true;
}

void call_digits_code_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	if (!c->legs[leg]->entry)
		return;
	if (c->legs[leg]->entry->count)
		digits_entry_end(h, c, leg);
	else
		digits_entry_drop(c, leg);
}

/* ---- what they mean ---- */

static void code_carry_out(struct call_host *h, struct call *c, uint8_t leg, uint32_t whole)
{
	for (const struct module *const *m = h->modules->codes; *m; m++) {
		uint32_t meant = (*m)->codes->codes & whole;

		if (!meant)
			continue;
		if ((*m)->codes->entered)
			digits_entry_start(h, c, leg, (enum call_code)__builtin_ctz(meant));
		else
			(*m)->codes->pressed(h, c, leg, whole);
		return;
	}
}

/* ---- withheld digits ---- */

static struct bytes call_digits_kept(const struct leg_code_digits *k)
{
	return bytes_mem(k->list, k->count);
}

static bool call_digits_have_peer(const struct call *c, uint8_t leg)
{
	return bridge_has(c, leg) && bridge_peer(c, leg) == c->legs[leg]->code_digits->peer;
}

static void call_digits_drop(struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (!l->code_digits)
		return;
	leg_code_digits_clear(l);
	outbox_touch_later(&c->out);
}

/* The first n are for the other party. */
static void call_digits_give(struct call_host *h, struct call *c, uint8_t leg, uint8_t n)
{
	struct leg_code_digits *k = c->legs[leg]->code_digits;

	assert(n <= k->count);
	for (uint8_t i = 0; i < n; i++) {
		const struct dtmf dtmf = { .digit = k->list[i], .duration_ms = k->duration_ms[i] };

		call_publish_digit(h, c, leg, dtmf.digit);
		if (!dtmf_are_detected(c, leg)) /* the peer has heard the tone itself */
			dtmf_send(h, c, k->peer, &dtmf);
	}
	k->count = (uint8_t)(k->count - n);
	memmove(k->list, k->list + n, k->count);
	memmove(k->duration_ms, k->duration_ms + n, k->count * sizeof(k->duration_ms[0]));
}

/* How many stand before the longest end of them that may become a code. */
static uint8_t call_digits_in_vain(const struct leg_code_digits *k, const struct call_codes *codes,
				   uint32_t *whole)
{
	uint8_t n = 0;

	while (n < k->count &&
	       call_code_fit(codes, bytes_from(call_digits_kept(k), n), whole) == CALL_CODE_NONE)
		n++;
	return n;
}

static void call_digits_put(struct leg_code_digits *k, const struct dtmf *dtmf)
{
	assert(k->count < sizeof(k->list));
	k->list[k->count] = dtmf->digit;
	k->duration_ms[k->count++] = dtmf->duration_ms;
}

/* False: no memory. */
static bool call_digits_make(struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (!l->code_digits)
		l->code_digits = calloc(1, sizeof(*l->code_digits));
	if (l->code_digits)
		l->code_digits->peer = bridge_peer(c, leg);
	return l->code_digits;
}

void call_digits_pass(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg_code_digits *k = c->legs[leg]->code_digits;

	if (!k)
		return;
	if (call_digits_have_peer(c, leg))
		call_digits_give(h, c, leg, k->count);
	call_digits_drop(c, leg);
}

bool call_digits_on_digit(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf)
{
	bool kept = c->legs[leg]->code_digits;
	struct call_codes codes;
	struct leg_code_digits *k;
	uint32_t whole;

	if (!dtmf_is_key(dtmf->digit))
		return false;
	if (!call_digits_codes(h, c, leg, &codes)) {
		digits_entry_drop(c, leg);
		call_digits_pass(h, c, leg);
		return false;
	}
	if (digits_entry_on_digit(h, c, leg, dtmf))
		return true;
	if (!call_digits_make(c, leg)) {
		call_digits_pass(h, c, leg);
		return false;
	}
	k = c->legs[leg]->code_digits;
	call_digits_put(k, dtmf);
	call_digits_give(h, c, leg, call_digits_in_vain(k, &codes, &whole));
	k->until_ns = h->now.ns + h->settings->call_code_wait_ms * NS_PER_MS;
	if (k->count == 0 || whole)
		leg_code_digits_clear(c->legs[leg]);
	if (kept || c->legs[leg]->code_digits)
		outbox_touch_later(&c->out);
	if (whole)
		code_carry_out(h, c, leg, whole);
	return true;
}

void call_digits_settle(struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->code_digits && !call_digits_have_peer(c, i))
			call_digits_drop(c, i);
	}
}

void call_digits_resume(const struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i])
			continue;
		if (c->legs[i]->code_digits)
			c->legs[i]->code_digits->until_ns =
				h->now.ns + h->settings->call_code_wait_ms * NS_PER_MS;
		if (c->legs[i]->entry)
			digits_entry_wait(h, c->legs[i]);
	}
}

bool call_digits_asked(struct call_host *h, struct call *c, uint8_t leg, char digit)
{
	bool screened = leg_is_screened(c->legs[leg]);

	if (!screened && !call_is_alone(c))
		return false;
	if (!dtmf_is_key(digit))
		return true;
	if (screened)
		screen_key(h, c, leg, digit);
	else
		prompts_on_digit(h, c, digit);
	return true;
}

#define INFO_ACCEPT \
	"Accept: application/dtmf-relay, application/dtmf, application/media_control+xml\r\n"

/* Between phones: nothing, digits, requests for a picture, and what the settings name. */
static bool info_passes(const struct shard_settings *settings, const struct sip_message *m)
{
	static const char *const known[] = { "application/dtmf-relay", "application/dtmf",
					     "application/media_control+xml" };
	struct bytes type =
		bytes_trim(bytes_sub(m->content_type, 0, bytes_find(m->content_type, ';')));

	if (m->body.n == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (bytes_iis(type, known[i]))
			return true;
	}
	for (uint32_t i = 0; i < settings->info_type_count; i++) {
		if (!strcmp(settings->info_types[i], "*") ||
		    bytes_iis(type, settings->info_types[i]))
			return true;
	}
	return false;
}

/* REG-15: a party with telephone-events or tones, or a trunk with another kind of INFO, gets the
 * digit so, and the INFO ends here. */
static bool info_digit_taken(struct call_host *h, struct call *c, const struct call_event *ev)
{
	uint8_t to = bridge_peer(c, ev->leg);
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (dtmf_parse(ev->message->content_type, ev->message->body, &dtmf))
		return false;
	if (dtmf_came_by_info(h, c, ev->leg, dtmf.digit) ||
	    call_digits_on_digit(h, c, ev->leg, &dtmf)) {
		respond(h, ev->slot, ev->message, &ok);
		return true;
	}
	call_publish_digit(h, c, ev->leg, dtmf.digit);
	if (dtmf_is_by_info(c, to) && !dtmf_is_foreign(c->legs[to], ev->message->content_type))
		return false;
	dtmf_send(h, c, to, &dtmf);
	respond(h, ev->slot, ev->message, &ok);
	return true;
}

/* A flow's digit is in the record before the INFO is answered. Returns false if nothing waits. */
static bool info_waits(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct outbox_item item = { .kind = OUTBOX_RESPONSE, .leg = ev->leg, .status = 200 };

	if (!c->run || !c->out.dirty || h->degraded || c->state == CALL_ENDING || !ev->slot ||
	    txns_keep_request(ev->slot, ev->message))
		return false;
	item.txn = ev->slot->self;
	outbox_touch(&c->out);
	return outbox_push(&c->out, &item);
}

/* No other party gets it. */
static void info_alone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct response ok = { .status = 200 };
	struct dtmf dtmf;

	if (!dtmf_parse(ev->message->content_type, ev->message->body, &dtmf) &&
	    !dtmf_came_by_info(h, c, ev->leg, dtmf.digit))
		(void)call_digits_asked(h, c, ev->leg, dtmf.digit);
	if (!info_waits(h, c, ev))
		respond(h, ev->slot, ev->message, &ok);
}

void info_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (trickle_is(ev->message))
		trickle_received(h, c, ev);
	else if (!info_passes(h->settings, ev->message))
		respond_refuse(h, ev, 415, REFUSED_BODY, BYTES_LIT(INFO_ACCEPT));
	else if (call_is_alone(c) || leg_is_screened(c->legs[ev->leg]))
		info_alone(h, c, ev);
	else if (!relay_may(h, c, ev) || info_digit_taken(h, c, ev))
		return;
	else
		(void)relay_request(h, c, ev);
}
