/* SPDX-License-Identifier: Apache-2.0 */
/* The verb message: a mailbox is asked (docs/adr/0123). A successor asks again: each thing that is done may be done twice. */
#include "base/json.h"
#include "base/log.h"
#include "sig/pbx/flow/flow.h"

enum { MESSAGE_ASK_MS = 3000, MESSAGE_VALUE_MAX = 512 };

/* Words of `do`, and what each asks. */
static const struct message_do {
	const char *word;
	enum box_act act;
	unsigned what;
	bool urgent;
	uint32_t wait_ms;
} g_does[] = {
	{ "count", BOX_LOOK, 0, false, 0 },
	{ "send", BOX_SEND, 0, false, BOX_DEPOSIT_MS },
	{ "drop", BOX_DROP, 0, false, BOX_DEPOSIT_MS },
	{ "urgent", BOX_SET, BOX_URGENT, true, BOX_DEPOSIT_MS },
	{ "normal", BOX_SET, BOX_URGENT, false, BOX_DEPOSIT_MS },
	{ "private", BOX_SET, BOX_PRIVATE, false, BOX_DEPOSIT_MS },
};

static const struct message_do *message_do_of(const struct flow_verb *v)
{
	const char *word = verb_arg_find(v->verb, "do")->words[verb_number(v, "do")];

	for (size_t i = 0; i < COUNT_OF(g_does); i++) {
		if (!strcmp(g_does[i].word, word))
			return &g_does[i];
	}
	return NULL;
}

int verb_ask_box(struct flow_turn_of *t, struct bytes box, const struct box_order *order)
{
	const struct effect_ask ask = { .kind = EFFECT_BOX,
					.call = t->c->id,
					.serial = verb_asks(t, order->wait_ms + MESSAGE_ASK_MS),
					.tenant = bytes_str(call_tenant(t->h, t->c)),
					.user = box,
					.box = order };

	return effects_ask(t->h->effects, &ask) ? VERB_ASKS : OUTCOME_FAILED;
}

int verb_message(struct flow_turn_of *t)
{
	const struct message_do *d = message_do_of(t->v);
	struct box_order order = { 0 };

	if (!d || bytes_cstr(verb_text(t->v, "message"), order.id, sizeof(order.id)) ||
	    (d->act != BOX_LOOK && !order.id[0]))
		return OUTCOME_FAILED;
	order.act = d->act;
	order.what = d->what;
	order.urgent = d->urgent;
	order.is_private = d->what & BOX_PRIVATE;
	order.wait_ms = d->wait_ms;
	return verb_ask_box(t, verb_text(t->v, "box"), &order);
}

/* Members become variables: those of the counts alone where there is no message. */
static struct bytes message_value(struct writer *w, const struct box_news *news)
{
	writer_number(w, "{\"new\":", news->counts.fresh, "");
	writer_number(w, ",\"old\":", news->counts.old, "");
	writer_number(w, ",\"urgent\":", news->counts.urgent_fresh, "}");
	return writer_done(w);
}

static enum flow_outcome message_outcome(const struct box_news *news)
{
	switch (news->result) {
	case BOX_OK:
		return news->full ? OUTCOME_FULL : OUTCOME_NEXT;
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

	(void)h;
	if (!flow_has_caller(c) || !c->run->help || c->run->help != reply->box.serial ||
	    c->state == CALL_ENDING)
		return;
	if (outcome == OUTCOME_NEXT && text_set(&c->run->value, message_value(&w, &reply->box)))
		outcome = OUTCOME_FAILED;
	flow_ended(c, outcome);
}
