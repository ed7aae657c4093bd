/* SPDX-License-Identifier: Apache-2.0 */
/* The verb message: requests to a mailbox (docs/adr/0123). A successor asks again: each request may
 * be done twice. */
#include "base/json.h"
#include "base/log.h"
#include "sig/host/calendars.h"
#include "sig/host/settings.h"
#include "sig/pbx/flow/flow.h"

enum { MESSAGE_ASK_MS = 3000, MESSAGE_VALUE_MAX = 512, MESSAGE_FORWARD_MS = 15000 };

/* Words of `do`, and their requests. own: only for a user logged in to the mailbox. */
static const struct message_do {
	const char *word;
	bool own, first; /* first: behind no other one */
	struct box_order order;
} g_does[] = {
	{ "count", .order = { .act = BOX_LOOK } },
	{ "send", .order = { .act = BOX_SEND, .wait_ms = BOX_DEPOSIT_MS } },
	{ "drop", .order = { .act = BOX_DROP, .wait_ms = BOX_DEPOSIT_MS } },
	{ "urgent", .order = { .act = BOX_SET,
			       .what = BOX_URGENT,
			       .urgent = true,
			       .wait_ms = BOX_DEPOSIT_MS } },
	{ "normal", .order = { .act = BOX_SET, .what = BOX_URGENT, .wait_ms = BOX_DEPOSIT_MS } },
	{ "private", .order = { .act = BOX_SET,
				.what = BOX_PRIVATE,
				.is_private = true,
				.wait_ms = BOX_DEPOSIT_MS } },
	{ "first", .own = true, .first = true, .order = { .act = BOX_LIST, .ranked = true } },
	{ "next", .own = true, .order = { .act = BOX_LIST, .ranked = true } },
	{ "previous", .own = true,
	  .order = { .act = BOX_LIST, .ranked = true, .newest_first = true } },
	{ "save", .own = true,
	  .order = { .act = BOX_SET, .what = BOX_STATE, .state = MESSAGE_OLD } },
	{ "delete", .own = true,
	  .order = { .act = BOX_SET, .what = BOX_STATE, .state = MESSAGE_DELETED } },
	{ "undelete", .own = true, .order = { .act = BOX_RESTORE } },
};

/* NULL: forward. */
static const struct message_do *message_do_of(const struct flow_verb *v)
{
	const char *word = verb_arg_find(v->verb, "do")->words[verb_number(v, "do")];

	for (size_t i = 0; i < COUNT_OF(g_does); i++) {
		if (!strcmp(g_does[i].word, word))
			return &g_does[i];
	}
	return NULL;
}

static void message_id(const struct call *c, uint8_t number, char id[MESSAGE_ID_MAX + 1])
{
	struct writer w = writer_over(id, MESSAGE_ID_MAX);

	memset(id, 0, MESSAGE_ID_MAX + 1);
	id_call_put(id, c->id);
	w.n = ID_TEXT_LEN;
	writer_number(&w, "-", number, "");
}

/* Who made a change: the extension that calls and has logged in, or the owner calling from
 * elsewhere. */
static struct bytes message_by(const struct call *c, struct bytes box)
{
	const struct leg *l = call_caller(c);

	if (!login_has(c, box))
		return (struct bytes){ 0 };
	return l && !leg_is_trunk(l) && l->user.n ? text_bytes(&l->user) : box;
}

/* Answered within some seconds. VERB_ASKS, or OUTCOME_FAILED. */
static int verb_ask_box(struct flow_turn_of *t, struct bytes box, const struct box_order *order)
{
	struct request_box *request = verb_asks(t, EFFECT_BOX, order->wait_ms + MESSAGE_ASK_MS,
						EFFECT_TEXTS(bytes_str(call_tenant(t->h, t->c)),
							     box, message_by(t->c, box)));

	if (!request)
		return OUTCOME_FAILED;
	request->order = *order;
	return VERB_ASKS;
}

/* The node looks at both, copies them, and waits for each mailbox. last: then it drops the
 * draft. */
static int message_forward(struct flow_turn_of *t, bool last)
{
	struct bytes introduction = verb_text(t->v, "introduction");
	const struct verb_member members[] = {
		{ "mailbox", verb_text(t->v, "box") },
		{ "message", verb_text(t->v, "message") },
		{ "to", verb_text(t->v, "to") },
		{ introduction.n ? "introduction" : NULL, introduction },
		{ last ? "drop" : NULL, BYTES_LIT("true"), .is_number = true },
		{ 0 },
	};

	return login_has(t->c, verb_text(t->v, "box"))
		       ? verb_command(t, "message.forward", members, MESSAGE_FORWARD_MS)
		       : OUTCOME_FAILED;
}

void message_forward_last(struct flow_turn_of *t)
{
	struct flow_run *r = t->c->run;
	char draft[MESSAGE_ID_MAX + 1];

	message_id(t->c, r->draft, draft);
	if (strcmp(t->v->verb->name, "message") != 0 || message_do_of(t->v) ||
	    !bytes_is(verb_text(t->v, "introduction"), draft))
		return;
	if (message_forward(t, true) == VERB_ASKS) /* given twice it is there once */
		r->draft = 0;
}

static enum message_state message_list(struct bytes name)
{
	enum message_state state = MESSAGE_NEW;

	while (state < MESSAGE_DELETED && !bytes_is(name, g_message_states[state]))
		state++;
	return state;
}

int verb_message(struct flow_turn_of *t)
{
	const struct message_do *d = message_do_of(t->v);
	char draft[MESSAGE_ID_MAX + 1];
	struct box_order order;

	if (!d) /* the only one that is no order to a mailbox */
		return message_forward(t, false);
	order = d->order;
	if ((d->own && !login_has(t->c, verb_text(t->v, "box"))) ||
	    bytes_cstr(verb_text(t->v, "message"), order.id, sizeof(order.id)) ||
	    (order.act != BOX_LOOK && !d->first && !order.id[0]))
		return OUTCOME_FAILED;
	if (d->first)
		order.id[0] = '\0';
	if (order.act == BOX_LIST)
		order.state = message_list(verb_text(t->v, "of"));
	message_id(t->c, t->c->run->draft, draft);
	if (t->c->run->draft && !strcmp(draft, order.id))
		order.segment = t->c->run->draft_segment;
	return verb_ask_box(t, verb_text(t->v, "box"), &order);
}

/* When it was left, as the wall of the tenant shows it. */
static void message_time_write(struct writer *w, const struct call_host *h, const struct call *c,
			       uint64_t utc_ms)
{
	const char *own = tenants_terms(h->settings->tenants, c->tenant)->zone;
	int64_t utc_s = (int64_t)(utc_ms / 1000),
		local = utc_s + calendars_offset_s(h->calendars, own, utc_s);

	writer_str(w, ",\"date\":\"");
	calendar_time_write(w, BYTES_LIT("time.date"), local);
	writer_str(w, "\",\"time\":\"");
	calendar_time_write(w, BYTES_LIT("time.hour"), local);
	writer_u8(w, ':');
	calendar_time_write(w, BYTES_LIT("time.minute"), local);
	writer_u8(w, '"');
}

static void message_flag_write(struct writer *w, const char *name, bool is)
{
	WRITER_TEXTS(w, ",\"", name, is ? "\":true" : "\":false");
}

static void message_known_write(struct writer *w, const struct call_host *h, const struct call *c,
				const struct box_message *m)
{
	bool inside = h->services->directory->extension(h->owner, c->tenant, bytes_str(m->from));

	WRITER_TEXTS(w, ",\"message\":\"", m->id, "\",\"from\":");
	json_write_text(w, bytes_str(m->from));
	message_time_write(w, h, c, m->begun_utc_ms);
	message_flag_write(w, "inside", inside);
	message_flag_write(w, "is_urgent", m->urgent);
	message_flag_write(w, "is_private", m->is_private);
}

/* ---- drafts ---- */

void message_leave(const struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct box_order order = { .act = r->draft_is_dropped ? BOX_DROP : BOX_SEND,
				   .lasting = true };
	struct request_box *request;

	if (!r->draft)
		return;
	message_id(c, r->draft, order.id);
	request = effects_request(h->effects, EFFECT_BOX, c->id, 0,
				  EFFECT_TEXTS(bytes_str(call_tenant(h, c)),
					       text_bytes(&r->draft_box)));
	if (request)
		request->order = order;
	else
		LOG_WARN("flow", c->id, "no memory: a message stays a draft for a while");
	if (!r->draft_is_dropped)
		memcpy(r->left, order.id, sizeof(r->left));
	r->draft = 0;
}

void message_goes_along(struct flow_run *r, struct flow_run *former)
{
	r->diverted = former->diverted;
	r->diverted_by = former->diverted_by;
	r->missed = former->missed;
	r->draft = former->draft;
	r->draft_is_dropped = former->draft_is_dropped;
	r->draft_segment = former->draft_segment;
	r->draft_box = former->draft_box;
	memcpy(r->left, former->left, sizeof(r->left));
	former->draft_box = former->diverted_by = former->missed = (struct text){ 0 };
	former->draft = 0;
}

/* It is no draft any more: the call need not see to it. */
static void message_settle(const struct call *c, const struct box_message *m)
{
	struct flow_run *r = c->run;
	char id[MESSAGE_ID_MAX + 1];

	message_id(c, r->draft, id);
	if (!r->draft || strcmp(m->id, id) != 0 || m->state == MESSAGE_DRAFT)
		return;
	r->draft = 0;
	if (m->state != MESSAGE_DELETED)
		memcpy(r->left, id, sizeof(r->left));
}

/* JSON members become variables; only those of the counts if no message was looked for, so a user
 * who replies still has the message that he replies to. */
static struct bytes message_value(struct writer *w, const struct call_host *h, const struct call *c,
				  const struct box_reply *new_state)
{
	writer_number(w, "{\"new\":", new_state->counts.fresh, "");
	writer_number(w, ",\"old\":", new_state->counts.old, "");
	writer_number(w, ",\"urgent\":", new_state->counts.urgent_fresh, "");
	if (new_state->found && new_state->listed)
		message_known_write(w, h, c, &new_state->message);
	writer_u8(w, '}');
	return writer_done(w);
}

static enum flow_outcome message_outcome(const struct box_reply *new_state)
{
	switch (new_state->result) {
	case BOX_OK:
		return new_state->full ? OUTCOME_FULL : OUTCOME_NEXT;
	case BOX_NONE:
		return OUTCOME_NONE;
	case BOX_CONFLICT:
	case BOX_UNKNOWN:
		break;
	}
	return OUTCOME_FAILED;
}

void message_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	char space[MESSAGE_VALUE_MAX];
	struct writer w = writer_over(space, sizeof(space));
	enum flow_outcome outcome = message_outcome(&reply->box);

	if (!flow_has_caller(c) || !c->run->help || c->run->help != reply->box.serial ||
	    c->state == CALL_ENDING)
		return;
	if (reply->box.found)
		message_settle(c, &reply->box.message);
	if ((outcome == OUTCOME_NEXT || outcome == OUTCOME_FULL) &&
	    text_set(&c->run->value, message_value(&w, h, c, &reply->box)))
		outcome = OUTCOME_FAILED;
	flow_ended(c, outcome);
}
