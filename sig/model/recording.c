/* SPDX-License-Identifier: Apache-2.0 */
/* The recordings of a call as values (recording.h) with their record rows: which leg, cause, place
 * and state, sessions with an external recorder, and the state told to parties by a=record (RFC
 * 7866). A session that is only requested is not saved: a successor requests it anew. The behaviour
 * is in sig/pbx/recording. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/offer/own.h"
#include "sig/host/settings.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"

/* ---- what is saved ---- */

/* A session that is only requested is requested anew by a successor. */
static bool siprec_is_up(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct siprec *)object)->state == SIPREC_UP;
}

/* By an address of this node: that of before may be another's. */
static bool siprec_is_reached(const struct shard_settings *settings, const struct siprec *s)
{
	const struct sip_hop *hop = &s->dialog.hop;

	return hop->local < settings->local_count && shard_local_is_own(settings, hop->local) &&
	       settings->locals[hop->local].transport == hop->transport &&
	       settings->locals[hop->local].bind.family == hop->remote.family;
}

static bool recording_session_check(struct schema_reader *r, struct recording *x)
{
	struct siprec *s = x->siprec;
	bool has = s && s->dialog.hop.remote.family != ADDR_NONE;

	if (x->to != RECORD_TO_SIPREC) {
		siprec_free(s);
		x->siprec = NULL;
		return !has || schema_wrong(r, "recording: session");
	}
	if (!s)
		x->siprec = siprec_make();
	if (!has)
		return x->siprec || schema_wrong(r, "out of memory");
	s->dialog.tag.call = loader_of(r)->c->id;
	s->dialog.tag.leg = LEG_OF_MODULE;
	s->dialog.trunk = true;
	s->dialog.named = s->dialog.confers = false;
	if (siprec_is_reached(loader_of(r)->h->settings, s))
		s->state = SIPREC_UP;
	else
		siprec_forget_dialog(s);
	return true;
}

/* Of a leg that is there, by a number that was given; each leg has one at most. */
static bool recording_check(struct schema_reader *r, void *object)
{
	const struct call *c = loader_of(r)->c;
	struct recordings *all = c->recordings;
	struct recording *x = object;
	bool first = x == all->list;

	if (x->number <= (first ? 0 : x[-1].number) || !call_leg(c, x->leg) ||
	    (!first && x[-1].leg == x->leg))
		return false;
	if (x->segment == UINT16_MAX)
		x->segment--;
	if (!x->tone_utc_ms)
		x->tone_utc_ms = x->begun_utc_ms;
	return recording_session_check(r, x);
}

static bool recordings_check(struct schema_reader *r, void *object)
{
	struct recordings *all = object;

	(void)r;
	all->of_pair &= ~UINT64_C(1);
	return !all->count || all->list[all->count - 1].number <= all->last;
}

static void recording_tone_write(struct schema_writer *w, const struct schema *row,
				 const void *object)
{
	const struct recording *x = object;

	if (x->tone_utc_ms != x->begun_utc_ms)
		schema_put_number(w, row->tag, x->tone_utc_ms);
}

static bool recording_tone_read(struct schema_reader *r, const struct schema *row, void *object,
				const struct schema_wire *in)
{
	(void)row;
	((struct recording *)object)->tone_utc_ms = steady_add(in->number, r->shift_ms);
	return in->kind == SCHEMA_WIRE_VARINT;
}

static const struct schema session_rows[] = {
	{ "session", 10, SCHEMA_MESSAGE, SCHEMA_AT(struct siprec, dialog),
	  .of = saved_dialog_rows },
	{ "session_id", 11, SCHEMA_UINT, SCHEMA_AT(struct siprec, session_id) },
	{ "session_version", 12, SCHEMA_UINT, SCHEMA_AT(struct siprec, version) },
	{ 0 },
};

static const struct schema siprec_rows[] = {
	{ "session", 10, SCHEMA_GROUP, .of = session_rows, .is = siprec_is_up },
	{ "lost", 13, SCHEMA_BOOL, SCHEMA_AT(struct siprec, lost) },
	{ 0 },
};

static const struct schema recording_rows[] = {
	{ "number", 1, SCHEMA_UINT, SCHEMA_AT(struct recording, number) },
	{ "leg", 2, SCHEMA_UINT, SCHEMA_AT(struct recording, leg) },
	{ "cause", 3, SCHEMA_UINT, SCHEMA_AT(struct recording, cause),
	  .max = RECORDING_CAUSES - 1 },
	{ "paused", 4, SCHEMA_BOOL, SCHEMA_AT(struct recording, paused) },
	{ "segment", 5, SCHEMA_UINT, SCHEMA_AT(struct recording, segment) },
	{ "begun_utc_ms", 6, SCHEMA_TIME, SCHEMA_AT(struct recording, begun_utc_ms) },
	{ "facts", 7, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct recording, facts),
	  .max = RECORDING_FACTS_MAX },
	{ "tone_utc_ms", 8, SCHEMA_HAND, .write = recording_tone_write,
	  .read = recording_tone_read },
	{ "to", 9, SCHEMA_UINT, SCHEMA_AT(struct recording, to), .max = RECORD_PLACES - 1 },
	{ "session", 10, SCHEMA_GROUP, SCHEMA_POINTER,
	  SCHEMA_OF(struct recording, siprec, struct siprec), .of = siprec_rows },
	{ "draft", 14, SCHEMA_BOOL, SCHEMA_AT(struct recording, draft) },
	{ 0 },
};

static const struct schema recordings_rows[] = {
	{ "live", 1, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct recordings, list, struct recording), .of = recording_rows,
	  .count = offsetof(struct recordings, count), .most = RECORDINGS_LIVE_MAX,
	  .check = recording_check, .wrong = "call: recording" },
	{ "last", 2, SCHEMA_UINT, SCHEMA_AT(struct recordings, last), .max = RECORDING_NUMBER_MAX,
	  .wrong = "call: recordings" },
	{ "of_pair", 3, SCHEMA_FIXED64, SCHEMA_AT(struct recordings, of_pair) },
	{ 0 },
};

const struct schema recordings_saved[] = {
	{ "recordings", 55, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, recordings, struct recordings), .of = recordings_rows,
	  .check = recordings_check, .wrong = "call: recording" },
	{ 0 },
};

/* ---- what is recorded ---- */

struct siprec *siprec_make(void)
{
	return calloc(1, sizeof(struct siprec));
}

void siprec_forget_dialog(struct siprec *s)
{
	dialog_clear(&s->dialog);
	s->state = SIPREC_AWAY;
	s->provisional = false;
	s->invite = 0;
	s->said = 0;
	s->challenged = 0;
	s->answer_by_ns = 0;
	s->timer = (struct session_timer){ 0 };
	s->alive = 0;
	s->alive_ns = 0;
	s->held = 0;
	s->offered = false;
	text_wipe(&s->unacked);
	s->again_ns = s->unacked_until_ns = 0;
}

void siprec_free(struct siprec *s)
{
	if (!s)
		return;
	dialog_clear(&s->dialog);
	text_wipe(&s->unacked);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

struct recording *recording_of_leg(struct recordings *r, uint8_t leg)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].leg == leg)
			return &r->list[i];
	}
	return NULL;
}

struct recording *recording_by_number(struct recordings *r, uint8_t number)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].number == number)
			return &r->list[i];
	}
	return NULL;
}

uint8_t recording_tap(const struct recordings *r, uint8_t leg)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].leg == leg && !r->list[i].paused && r->list[i].to == RECORD_TO_FILES)
			return r->list[i].number;
	}
	return 0;
}

bool recording_is_open(const struct recording *r)
{
	return r->tone_ns && !r->paused && r->cause != RECORDING_MESSAGE;
}

bool recordings_go_to(const struct recordings *r, uint8_t to)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].to == to)
			return true;
	}
	return false;
}

bool recordings_by(const struct recordings *r, enum recording_cause cause)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].cause == cause)
			return true;
	}
	return false;
}

bool recordings_pause(const struct recordings *r)
{
	for (uint8_t i = 0; r && i < r->count; i++) {
		if (r->list[i].paused)
			return true;
	}
	return false;
}

static bool recording_is_taken(const struct recording *r)
{
	if (r->cause == RECORDING_MESSAGE)
		return false;
	return r->to != RECORD_TO_SIPREC || (r->siprec && r->siprec->state == SIPREC_UP);
}

enum offer_record recordings_say(const struct recordings *r)
{
	enum offer_record most = OFFER_RECORD_OFF;

	for (uint8_t i = 0; r && i < r->count; i++) {
		enum offer_record one = r->list[i].paused ? OFFER_RECORD_PAUSED : OFFER_RECORD_ON;

		if (recording_is_taken(&r->list[i]) && one > most)
			most = one;
	}
	return most;
}

struct recording *recording_add(struct recordings **r, uint8_t leg, enum recording_cause cause)
{
	struct recordings *all = *r;
	struct recording *new;

	if (!all)
		all = *r = calloc(1, sizeof(*all));
	if (!all || all->count == RECORDINGS_LIVE_MAX || all->last == RECORDING_NUMBER_MAX)
		return NULL;
	new = &all->list[all->count++];
	*new = (struct recording){ .number = ++all->last, .leg = leg, .cause = (uint8_t)cause };
	all->of_pair |= UINT64_C(1) << new->number;
	return new;
}

void recording_remove(struct recordings *r, struct recording *which)
{
	size_t at = (size_t)(which - r->list);

	assert(at < r->count);
	text_clear(&which->facts);
	siprec_free(which->siprec);
	r->count--;
	memmove(which, which + 1, (r->count - at) * sizeof(*which));
}

void recordings_clear(struct recordings **r)
{
	for (uint8_t i = 0; *r && i < (*r)->count; i++) {
		text_clear(&(*r)->list[i].facts);
		siprec_free((*r)->list[i].siprec);
	}
	free(*r);
	*r = NULL;
}

uint64_t recordings_pair(const struct call *c)
{
	return c->recordings ? c->recordings->of_pair : 0;
}

uint64_t recordings_detach_pair(struct call *c)
{
	uint64_t all = recordings_pair(c);

	if (c->recordings)
		c->recordings->of_pair = 0;
	return all;
}

struct offer_record_state aware_record_state(const struct call *c, uint8_t leg, struct bytes other)
{
	struct offer_record_state told = { .tells = c->legs[leg]->record_aware };

	if (!told.tells)
		return told;
	told.sound = (uint8_t)recordings_say(c->recordings);
	offer_record_read(other, told.line);
	return told;
}

struct offer_record_state aware_record_state_now(const struct call *c, uint8_t leg)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, leg));

	return aware_record_state(
		c, leg, peer ? text_bytes(&leg_sdp_newest(peer)->remote) : (struct bytes){ 0 });
}

const char *recording_place_name(uint8_t to)
{
	return to == RECORD_TO_SIPREC ? "siprec" : "files";
}

const char *recording_cause_name(enum recording_cause cause)
{
	switch (cause) {
	case RECORDING_BY_POLICY:
		return "policy";
	case RECORDING_BY_COMMAND:
		return "command";
	case RECORDING_MESSAGE:
		return "message";
	case RECORDING_BY_CODE:
		return "code";
	case RECORDING_BY_PAGE:
		return "page";
	case RECORDING_CAUSES:
		break;
	}
	return "policy";
}
