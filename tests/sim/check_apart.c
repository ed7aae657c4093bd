/* SPDX-License-Identifier: Apache-2.0 */
/* What two nodes do not do for each other (docs/adr/0006, 0009, 0013). Where a story meets it, nobody can say what comes of it. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

void check_across(struct sim *s, uint32_t node, uint32_t other)
{
	s->loose |= node != other && !s->links.on;
}

bool check_calls_are_elsewhere(const struct sim *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->state != PC_OVER && p->calls[k]->node != node)
				return true;
		}
	}
	return false;
}

void check_roams(struct sim *s, const struct phone *p)
{
	for (uint32_t i = 0; i < p->call_count && !s->links.on; i++) {
		struct phone_call *c = p->calls[i];

		c->apart |= c->state != PC_OVER && c->node != p->node;
		s->loose |= c->apart;
	}
}

/* ---- shards that go to other nodes ---- */

/* There is no way to a phone whose connection ends at another node than its call is, where nodes have no links. */
static bool is_out_of_reach(struct sim *s, const struct phone_call *c)
{
	return !s->links.on && c->phone->transport != SIP_UDP && c->state != PC_OVER &&
	       node_of_place(s, c->phone->node) != node_of_call(s, c->node_call);
}

void check_parted(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			p->calls[k]->parted |= is_out_of_reach(s, p->calls[k]);
			s->loose |= p->calls[k]->parted;
		}
	}
}

bool check_is_parted(const struct sim *s, uint64_t call)
{
	for (uint32_t i = 0; s->floats && i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->node_call == call && p->calls[k]->parted)
				return true;
		}
	}
	return false;
}

static bool is_smart(const struct story *t)
{
	for (uint32_t i = 0; i < STORY_STEPS_MAX; i++) {
		if (t->steps[i].what == STORY_CODE && t->steps[i].to == CODE_SMART_ON)
			return true;
	}
	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		if (t->forward[i].smart_do_not_disturb || t->forward[i].call_waiting)
			return true;
	}
	return false;
}

bool check_is_uncounted(const struct sim *s)
{
	bool with[NODES_MAX] = { false };

	if (!is_smart(s->script))
		return false;
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++)
			with[p->calls[k]->node] = true;
	}
	return with[0] && with[1];
}

/* ---- what it says ---- */

static bool sends_on(const struct story *t)
{
	static const struct shard_forward nobody;

	for (uint32_t i = 0; i < STORY_STEPS_MAX; i++) {
		switch ((int)t->steps[i].what) {
		case STORY_CODE:
		case STORY_REFER:
		case STORY_REFER_SILENT:
		case STORY_REFER_OUTSIDE:
		case STORY_REFER_OUTSIDE_SILENT:
		case STORY_REFER_OF_B:
		case STORY_TRANSFER:
		case STORY_DEFLECT:
			return true;
		default:
			break;
		}
	}
	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		if (memcmp(&t->forward[i], &nobody, sizeof(nobody)) != 0 ||
		    t->manner[i].status / 100 == 3)
			return true;
	}
	return t->chain.length;
}

/* It has not read where one of the phones is: those whom a call is sent on to are not looked up, and nobody is without the store. */
static bool is_unread(const struct node *n)
{
	const struct sim *s = n->sim;

	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];
		const struct aor *a = locations_find(n->locations, n->tenant, bytes_str(p->user));

		if (p->registered && (!a || !a->count))
			return sends_on(s->script) || n->degraded;
	}
	return false;
}

/* Others have no connection, and any node reaches them. */
static bool is_connected_elsewhere(const struct node *n)
{
	for (uint32_t i = 0; i < n->sim->phones.count; i++) {
		const struct phone *p = &n->sim->phones.list[i];

		if (p->transport != SIP_UDP && node_of_place(n->sim, p->node) != n)
			return true;
	}
	return false;
}

/* Who joins two calls has one of its parties called. Nor does it look up the name of a phone that it does not know. */
static bool joins(const struct story *t)
{
	for (uint32_t i = 0; i < STORY_STEPS_MAX; i++) {
		if (t->steps[i].what == STORY_REFER_JOIN)
			return true;
	}
	return false;
}

void check_taken_unread(struct node *n)
{
	const struct story *t = n->sim->script;

	n->sim->loose |= t && (is_unread(n) || joins(t) || t->named);
}

static bool has(struct bytes text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* Itself, or of who was referred to. */
static bool says(struct bytes text, bool refers, const char *status)
{
	char told[32];

	(void)snprintf(told, sizeof(told), "\r\n\r\n%s", status);
	return bytes_starts(text, status) || (refers && has(text, told));
}

void check_apart(struct node *n, struct bytes text)
{
	bool refers = bytes_starts(text, "NOTIFY ");

	if (n->sim->node_count == 1 || !n->sim->script)
		return;
	if (bytes_starts(text, "SIP/2.0 480") && has(text, "another node\""))
		n->sim->loose |= is_connected_elsewhere(n);
	if (bytes_starts(text, "SIP/2.0 501"))
		n->sim->loose |= has(text, "another node\"");
	if (says(text, refers, n->degraded ? "SIP/2.0 503" : "SIP/2.0 480"))
		n->sim->loose |= is_unread(n);
}
