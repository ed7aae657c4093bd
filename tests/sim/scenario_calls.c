/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls whom, and what phones do about it. */
#include "tests/sim/scenario.h"

#include <stdio.h>
#include <string.h>

#define LAST_NS (240 * NS_PER_S) /* nobody talks longer */
enum { CALLS_FROM_MS = 2000, CALLS_TO_MS = 60000, ANSWERED_MAX_MS = 40000 };

static uint16_t refusal(struct sim *s)
{
	static const uint16_t statuses[] = { 486, 603, 480, 404, 302, 503, 600 };

	return statuses[sim_between(s, 0, COUNT_OF(statuses) - 1)];
}

void scenario_manner(struct sim *s, const struct phone_call *c, struct phone_manner *out)
{
	uint64_t dice = sim_between(s, 0, 99);

	if (s->script) {
		story_manner(s, c, out);
		return;
	}
	out->kind = dice < 70   ? MANNER_ANSWER
		    : dice < 84 ? MANNER_REFUSE
		    : dice < 92 ? MANNER_RING
				: MANNER_IGNORE;
	out->status = refusal(s);
	out->ring_ns = sim_chance(s, 200) ? 0 : sim_between_ms(s, 1, 9000);
	out->rings = sim_chance(s, 850);
	out->early = sim_chance(s, 200);
	out->answers_cancel = sim_chance(s, 300);
	out->redirect = (uint32_t)sim_between(s, 0, s->phones.extension_count - 1);
}

static void on_hang_up(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive)
		phone_hang_up(s, p->calls[e->a]);
}

/* To any extension, or to one that is not there. */
static void give_away(struct sim *s, struct phone_call *c)
{
	bool silent = sim_chance(s, 150);

	phone_refer(s, c, (uint32_t)sim_between(s, 0, s->phones.extension_count), silent);
}

static void on_give_away(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive)
		give_away(s, p->calls[e->a]);
}

static void act(struct sim *s, struct phone_call *c, uint64_t dice)
{
	switch (dice) {
	case 0:
		c->sdp.hold = !c->sdp.hold;
		phone_reinvite(s, c, false);
		break;
	case 1:
		c->sdp.codecs++;
		phone_reinvite(s, c, false);
		break;
	case 2:
		c->sdp.port = (uint16_t)(c->sdp.port + 100);
		phone_reinvite(s, c, false);
		break;
	case 3:
		phone_reinvite(s, c, true);
		break;
	case 4:
		if (c->index % 2)
			phone_ask(s, c, "MESSAGE", "Content-Type: text/plain\r\n", "x");
		else
			phone_ask(s, c, "INFO", "Content-Type: application/dtmf-relay\r\n",
				  "Signal=5\r\nDuration=160\r\n");
		break;
	case 5:
		phone_ask(s, c, "OPTIONS", "", "");
		break;
	case 6:
		phone_ask(s, c, "UPDATE", "", "");
		break;
	case 7:
		give_away(s, c);
		break;
	case 8:
		c->sdp.hold = true;
		phone_reinvite(s, c, false);
		sim_after(s, sim_between_ms(s, 0, 1500), on_give_away, c->phone->index, c->index,
			  0);
		break;
	default:
		break;
	}
}

static void on_act(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive)
		act(s, p->calls[e->a], e->b);
}

void scenario_answered(struct sim *s, struct phone_call *c)
{
	uint32_t who = c->phone->index;
	uint64_t prompts = sim_chance(s, 500) ? sim_between(s, 1, 4) : 0;
	uint64_t talk = sim_chance(s, 600) ? sim_between_ms(s, 0, ANSWERED_MAX_MS) : LAST_NS;

	sim_after(s, talk, on_hang_up, who, c->index, 0);
	while (prompts--) {
		/* both sides at round times: glare */
		uint64_t ns = sim_chance(s, 300) ? sim_between(s, 1, 8) * NS_PER_S
						 : sim_between_ms(s, 50, 30000);
		uint64_t what = sim_between(s, 0, s->phones.refer ? 8 : 5);

		sim_after(s, ns, on_act, who, c->index, what);
	}
}

/* Some leave before anybody has answered. */
void scenario_referred(struct sim *s, struct phone_call *c)
{
	if (sim_chance(s, 250))
		sim_after(s, sim_between_ms(s, 0, 5000), on_hang_up, c->phone->index, c->index, 0);
}

/* Some wait for the node's BYE. */
void scenario_transferred(struct sim *s, struct phone_call *c)
{
	if (sim_chance(s, 500))
		sim_after(s, sim_between_ms(s, 0, 50), on_hang_up, c->phone->index, c->index, 0);
}

uint16_t scenario_notified(struct sim *s)
{
	uint64_t dice = sim_between(s, 0, 99);

	return dice < 88 ? 200 : dice < 92 ? 405 : dice < 96 ? 481 : 0;
}

/* Out of patience: nobody has answered. */
static void on_hang_up_early(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive && p->calls[e->a]->state == PC_CALLING)
		phone_hang_up(s, p->calls[e->a]);
}

/* Of what it would have dialled. */
static void dial_code(struct sim *s, char to[16])
{
	char number[16];

	memcpy(number, to, sizeof(number));
	if (sim_chance(s, 700))
		(void)snprintf(to, 16, "*90%.8s", number);
	else
		(void)snprintf(to, 16, "%s", sim_chance(s, 500) ? "*78" : "*79");
}

static void on_dial(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c;
	char to[16];

	if (!p->alive)
		return;
	(void)node_extension((uint32_t)e->a, to);
	if (s->harvest && sim_chance(s, 100))
		dial_code(s, to);
	c = phone_dial(s, p, to, e->b);
	if (!c)
		return;
	sim_after(s,
		  sim_chance(s, 250) ? sim_between_ms(s, 1, 12000)
				     : sim_between_ms(s, 60000, 70000),
		  on_hang_up_early, p->index, c->index, 0);
}

void scenario_dial(struct sim *s, uint64_t ns, uint32_t who, uint32_t to, bool late)
{
	sim_after(s, ns, on_dial, who, to, late);
}

void scenario_calls(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 6);

	while (count--) {
		uint32_t from = (uint32_t)sim_between(s, 0, s->phones.count - 1);
		uint64_t to = sim_between(s, 0, s->phones.extension_count - 1);
		uint64_t at = sim_between_ms(s, CALLS_FROM_MS, CALLS_TO_MS);
		bool late = sim_chance(s, 150);

		if (to == s->phones.list[from].extension && !sim_chance(s, 50))
			to = (to + 1) % s->phones.extension_count;
		if (sim_chance(s, 30))
			to = 90; /* nobody */
		sim_after(s, at, on_dial, from, to, late);
	}
}

static void on_originate(struct sim *s, const struct event *e)
{
	node_originate(&s->nodes[e->who], (uint32_t)e->a, (uint32_t)e->b);
}

void scenario_originate(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 3);

	while (count--) {
		uint64_t at = sim_between_ms(s, CALLS_FROM_MS, CALLS_TO_MS);
		uint64_t from = sim_between(s, 0, s->phones.extension_count - 1);
		uint64_t to = sim_between(s, 0, s->phones.extension_count - 1);

		sim_after(s, at, on_originate, 0, from, to);
	}
}
