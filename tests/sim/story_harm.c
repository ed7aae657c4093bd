/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong behind an effect of a story, beside kills and shards that are lost. */
#include "tests/sim/sim.h"

#define AWAY_NS (4 * NS_PER_S)

enum { TWICE_EFFECTS = 12 }; /* most of what a take-over says itself is among them */

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
		s->loose = is_amid(p) || phone_is_paging(s) ||
			   s->script->tenant; /* which may not let it register there */
		phone_roam(s, p, p->transport);
		return;
	}
}

/* ---- a phone goes to the other node ---- */

static void on_back(struct sim *s, const struct event *e)
{
	phone_go(s, &s->phones.list[e->who], 0);
}

/* Calls of two nodes become no conference (docs/adr/0052). */
static bool confers_two_calls(const struct story *t)
{
	for (uint32_t i = 0; i < STORY_STEPS_MAX; i++) {
		if (t->steps[i].what == STORY_CONFER)
			return true;
	}
	return false;
}

/* Every other one comes back while the story goes on. */
static void on_go(struct sim *s, const struct event *e)
{
	for (uint32_t i = 0; i < STORY_PHONES; i++) {
		struct phone *p = &s->phones.list[(e->who + i) % STORY_PHONES];

		if (s->script->trunks >> p->index & 1)
			continue;
		phone_go(s, p, 1);
		if (p->node == 0)
			continue;
		/* its connection is there, and the nodes of a story have none between them: who is sent on to it is refused */
		s->loose |= sip_transport_is_stream(p->transport) || confers_two_calls(s->script);
		if (e->a)
			sim_after(s, AWAY_NS, on_back, p->index, 0, 0);
		return;
	}
}

/* ---- a document changes ---- */

static const enum document_what changes[] = {
	DOCUMENT_DISABLED, DOCUMENT_DELETED, DOCUMENT_FORWARDED, DOCUMENT_NOT_DISTURBED,
	DOCUMENT_PASSWORD, DOCUMENT_ROUTE,   DOCUMENT_PROFILE,
};

/* No step follows, and who is to talk does: what is said of extensions now ends no call. */
static bool is_settled(const struct sim *s)
{
	const struct story *t = s->script;
	struct node_calls at = { 0 };
	struct call_view call;
	uint8_t talk = 0;

	for (uint32_t i = 0; i < STORY_STEPS_MAX && t->steps[i].what; i++) {
		if (t->steps[i].at_s * NS_PER_S >= s->now_ns)
			return false;
	}
	while (node_call_next(s, &at, &call)) { /* one that no phone knows yet, too */
		if (call.state < CALL_ESTABLISHED)
			return false;
	}
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (p->calls[k]->state == PC_TALKING)
				talk |= (uint8_t)(1 << i);
			else if (p->calls[k]->state != PC_OVER)
				return false;
		}
	}
	return talk == t->talk && t->blf_keys == LAMPS_ANY;
}

/* e->who: extension; e->a: what */
static void on_document(struct sim *s, const struct event *e)
{
	s->loose = !is_settled(s);
	document_change(s, e->who, changes[e->a]);
}

/* ---- its shard goes to the other node ---- */

enum { TAKES_DEAD, TAKES_LAPSED, TAKES_HANDED, TAKES };

static uint32_t take_kind(const struct sim *s)
{
	return (harm_hash(s) >> 3) % TAKES;
}

static void on_take(struct sim *s, const struct event *e)
{
	(void)e;
	if (take_kind(s) == TAKES_LAPSED)
		node_lapse_at(s, 0);
	else
		node_hand_over(s, 0, 1);
}

/* ---- links break ---- */

enum { CUT_WAYS = 4 };
#define CUT_NS (5 * NS_PER_S) /* longer than TCP waits for an acknowledgement */

static void on_mended(struct sim *s, const struct event *e)
{
	(void)e;
	links_calm(s);
}

/* What rings elsewhere is asked for once, and not waited for (docs/adr/0027). */
static bool asks_what_rings(const struct story *t)
{
	for (uint32_t i = 0; i < STORY_STEPS_MAX; i++) {
		if (t->steps[i].what == STORY_CODE &&
		    (t->steps[i].to == CODE_PICK_B || t->steps[i].to == CODE_PICK))
			return true;
	}
	return false;
}

/* Somebody ends both connections, or nothing comes through one way, the other way, or both. */
static void on_link(struct sim *s, const struct event *e)
{
	uint32_t way = e->who % CUT_WAYS;

	s->loose |= asks_what_rings(s->script);
	if (!way) {
		link_break(s, 0, 1);
		link_break(s, 1, 0);
		return;
	}
	trace_line(s, "link: nothing comes through, way %u", way);
	link_cut(s, 0, 1, way & 1);
	link_cut(s, 1, 0, way >> 1);
	sim_after(s, CUT_NS, on_mended, 0, 0, 0);
}

/* ---- all ---- */

bool story_harm_kills(const struct sim *s)
{
	return s->harm == HARM_KILL || s->harm == HARM_TWICE ||
	       (s->harm == HARM_TAKE && take_kind(s) == TAKES_DEAD);
}

bool story_harm_fits(enum story_harm harm, const struct story *t)
{
	if (t->elsewhere)
		return harm == HARM_KILL || harm == HARM_LINK;
	if (t->callbacks && harm == HARM_GO)
		return false; /* nodes without a way to each other do not know whose agents talk */
	if (t->room && (harm == HARM_GO || harm == HARM_TAKE || harm == HARM_TWICE))
		return false; /* nodes without a way to each other have a conference each */
	return harm != HARM_LINK && ((harm != HARM_TAKE && harm != HARM_TWICE) || t->shards <= 1);
}

const char *story_harm_name(enum story_harm harm)
{
	switch (harm) {
	case HARM_KILL:
		return "killed";
	case HARM_FENCE:
		return "fenced";
	case HARM_MOVE:
		return "a phone moved";
	case HARM_GO:
		return "a phone went to another node";
	case HARM_TAKE:
		return "taken";
	case HARM_DOCUMENT:
		return "a document changed";
	case HARM_TWICE:
		return "taken twice";
	case HARM_LINK:
		return "a link broken";
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
	case HARM_GO:
		sim_after(s, 0, on_go, (harm_hash(s) >> 1) % STORY_PHONES, harm_hash(s) >> 8 & 1,
			  0);
		break;
	case HARM_DOCUMENT:
		sim_after(s, 0, on_document, harm_hash(s) % (STORY_PHONES - 1),
			  (harm_hash(s) >> 4) % COUNT_OF(changes), 0);
		break;
	case HARM_TAKE:
		sim_after(s, 0, on_take, 0, 0, 0);
		break;
	case HARM_LINK:
		sim_after(s, 0, on_link, harm_hash(s) >> 1, 0, 0);
		break;
	case HARM_KILL:
	case HARM_FENCE:
	case HARM_TWICE:
	case HARMS:
		break;
	}
}

void story_harm_taken(struct node *n)
{
	struct sim *s = n->sim;

	if (!s->behind || s->harm != HARM_TWICE || s->twice)
		return;
	s->twice = true;
	n->crash_in = 1 + harm_hash(s) % TWICE_EFFECTS;
}
