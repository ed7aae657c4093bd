/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong behind an effect of a story, beside kills and shards that are lost. */
#include "tests/sim/sim.h"

/* Neighbours among effects are not alike. */
static uint32_t harm_hash(const struct sim *s)
{
	return (s->behind * UINT32_C(2654435761)) >> 8;
}

/* ---- a phone moves ---- */

/* Servers, and phones that say where they are by name or location, stay where they are. */
bool story_names_phone(const struct sim *s, uint32_t phone)
{
	const struct story *t = s->script;

	return s->behind && s->harm == HARM_MOVE &&
	       !((t->trunks | t->named | t->located) >> phone & 1);
}

static bool may_move(const struct sim *s, uint32_t phone)
{
	return s->phones.list[phone].alive && story_names_phone(s, phone);
}

/* Something is under way: what it is answered where it was, it does not hear where it is. */
static bool is_amid(const struct phone *p)
{
	for (const struct phone_txn *t = p->txns; t; t = t->next) {
		if (!t->dead && t->method != SIP_REGISTER &&
		    (t->state == PT_CALLING || t->state == PT_PROCEEDING))
			return true;
	}
	for (uint32_t i = 0; i < p->call_count; i++) {
		if (p->calls[i]->state != PC_OVER && p->calls[i]->ok.n)
			return true;
	}
	return false;
}

static void on_move(struct sim *s, const struct event *e)
{
	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		struct phone *p = &s->phones.list[(e->who + i) % STORY_PHONES];

		if (!may_move(s, p->index))
			continue;
		s->totals.moves++;
		s->loose = is_amid(p);
		phone_roam(s, p, p->transport);
		return;
	}
}

/* ---- all ---- */

const char *story_harm_name(enum story_harm harm)
{
	switch (harm) {
	case HARM_KILL:
		return "killed";
	case HARM_FENCE:
		return "fenced";
	case HARM_MOVE:
		return "a phone moved";
	case HARMS:
		break;
	}
	return "?";
}

void story_harm(struct sim *s)
{
	switch (s->harm) {
	case HARM_MOVE:
		sim_after(s, 0, on_move, (harm_hash(s) >> 1) % STORY_PHONES, 0, 0);
		break;
	case HARM_KILL:
	case HARM_FENCE:
	case HARMS:
		break;
	}
}
