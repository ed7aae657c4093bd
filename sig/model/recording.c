/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sig/host/settings.h"
#include "sig/model/recording.h"

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
