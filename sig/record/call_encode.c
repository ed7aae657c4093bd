/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/model/payer.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_seal.h"
#include "sig/record/call_unknown.h"

static void pack_facts(const struct call_host *h, struct packing *p, const struct call *c)
{
	struct steady_mark mark = steady_mark(&h->steady, h->now.ns);
	Tandem__Call__Call *out = &p->call;

	(void)bytes_cstr(bytes_str(call_tenant(h, c)), p->tenant, sizeof(p->tenant));
	out->id = c->id;
	out->format = call_record_format(c);
	out->version = c->out.version;
	out->incarnation = h->incarnation;
	out->boot = mark.boot;
	out->clock_offset_ms = mark.offset_ms;
	out->saved_utc_ms = mark.utc_ms;
	out->state = (Tandem__Call__State)c->state;
	out->tenant = p->tenant;
	out->from = packing_text(&c->from);
	out->to = packing_text(&c->to);
	out->early_media = c->early_media;
	out->video = c->video;
	out->display = packing_text(&c->display);
	out->data = packing_text(&c->data);
	out->account = packing_text(&c->account);
	out->source = packing_text(&c->source);
	out->setup_utc_ms = c->setup_utc_ms;
	out->ringing_utc_ms = c->ringing_utc_ms;
	out->answer_utc_ms = c->answer_utc_ms;
	out->end_utc_ms = c->end_utc_ms;
	out->ring_until_utc_ms = packing_utc(h, c->ring_ns);
	out->parting_until_utc_ms = packing_utc(h, c->parting_ns);
	out->status = c->status;
	out->cause = c->cause;
	out->ended_by = c->ended_by;
	out->callee = c->bridge.callee == LEG_NONE || c->bridge.callee == 1 ? 0 : c->bridge.callee;
	out->callee_place = c->bridge.callee == 0;
	out->alone = call_is_by_itself(c);
	out->ring_s = c->ring_s;
	out->away_s = c->away_s;
	out->reoffer = c->reoffer;
	out->meets = c->meet_ns != 0;
	out->replaces = c->replaces.call;
	out->replaces_leg = c->replaces.leg;
	out->caller = c->bridge.caller;
	out->offerer = c->bridge.offerer;
}

static void pack_payer(struct packing *p, const struct call *c)
{
	if (!c->payer_name.known || payer_is_caller(c))
		return;
	tandem__call__payer__init(&p->payer);
	p->payer.kind = c->payer_name.kind;
	p->payer.user = packing_text(&c->payer_name.user);
	p->payer.source = packing_address(&c->payer_name.source, p->payer_text);
	p->call.payer = &p->payer;
}

static void pack_set(Tandem__Call__Step *out, const struct plan_set *set)
{
	const char *key;

	if (set->state == SET_NONE)
		return;
	key = feature_key((enum feature)set->feature);
	out->feature = packing_octets(key, bytes_str(key).n);
	out->number = packing_text(&set->number);
	out->set_state = set->state;
}

static void pack_way(Tandem__Call__Step *out, const struct plan_step *step)
{
	if (step->trunk.n == 0)
		return;
	out->trunk = packing_text(&step->trunk);
	out->server = step->server;
	out->told = packing_text(&step->number);
	out->rang = step->rang;
	out->redirects = packing_text(&step->redirects);
}

static void pack_plan(const struct call_host *h, struct packing *p, const struct plan *plan)
{
	for (uint8_t i = 0; i < plan->count; i++) {
		tandem__call__step__init(&p->steps[i]);
		p->steps[i].user = packing_text(&plan->steps[i].user);
		p->steps[i].gruu = packing_text(&plan->steps[i].gruu);
		p->steps[i].why = plan->steps[i].why;
		p->steps[i].again = plan_is_again(plan, i);
		if (i && plan->steps[i].from != i - 1 && !p->steps[i].again)
			p->steps[i].from = plan->steps[i].from + 1U;
		p->steps[i].resolves = plan->steps[i].resolves;
		p->steps[i].waits = i + 1 == plan->count && plan->steps[i].waits;
		p->steps[i].confers = i + 1 == plan->count && plan->steps[i].confers;
		p->steps[i].application = packing_text(&plan->steps[i].application);
		pack_set(&p->steps[i], &plan->steps[i].set);
		pack_way(&p->steps[i], &plan->steps[i]);
		p->step_list[i] = &p->steps[i];
	}
	p->call.steps = p->step_list;
	p->call.n_steps = plan->count;
	p->call.step_until_utc_ms = packing_utc(h, plan->until_ns);
}

static void pack_orders(struct packing *p, const struct orders *orders)
{
	p->call.orders = p->order_list;
	p->call.n_orders = orders ? orders->count : 0;
	for (size_t i = 0; i < p->call.n_orders; i++) {
		tandem__call__order__init(&p->orders[i]);
		p->orders[i].id = orders->list[i].id;
		p->orders[i].number = orders->list[i].number;
		p->order_list[i] = &p->orders[i];
	}
}

static void pack_tolls(struct packing *p, const struct call *c)
{
	p->call.tolls = p->toll_list;
	p->call.n_tolls = c->toll_count;
	for (uint8_t i = 0; i < c->toll_count; i++) {
		tandem__call__toll__init(&p->tolls[i]);
		p->tolls[i].user = packing_text(&c->tolls[i].user);
		p->tolls[i].answer_utc_ms = c->tolls[i].answer_utc_ms;
		p->tolls[i].end_utc_ms = c->tolls[i].end_utc_ms;
		p->toll_list[i] = &p->tolls[i];
	}
}

/* By its 'y', which is rare: memmem() looks at each octet. */
static bool has_crypto(struct bytes in)
{
	const struct bytes wanted = BYTES_LIT("crypto:");
	const size_t y = 2;

	for (size_t i = y; (i += bytes_find(bytes_from(in, i), wanted.p[y])) < in.n; i++) {
		if (bytes_eq(bytes_sub(in, i - y, wanted.n), wanted))
			return true;
	}
	return false;
}

/* Our keys, or those that a party named in its texts; and what a password could be guessed with. */
static bool call_has_keys(const struct call *c, const struct text *record)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].secret)
			return true;
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->dialog.challenges)
			return true;
	}
	return (c->prompts && c->prompts->digit_count) || has_crypto(text_bytes(record));
}

int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out)
{
	ProtobufCMessageUnknownField *unknown;
	struct packing *p = h->packing; /* only what is used of it is written to */
	int err;

	tandem__call__call__init(&p->call);
	pack_facts(h, p, c);
	pack_payer(p, c);
	packing_legs(h, p, c, seed);
	pack_plan(h, p, &c->plan);
	pack_orders(p, c->orders);
	pack_tolls(p, c);
	packing_segments(p, c);
	packing_transfer(h->settings, p, c->transfer);
	packing_park(p, c->park);
	packing_member(p, c);
	packing_recordings(h->settings, p, c->recordings);
	packing_prompts(h, p, c->prompts);
	packing_media_stream(p, c);
	p->call.best = packing_best(&p->best, &c->best);
	packing_flows(h, p, c);
	err = unknown_restore(&c->unknown, &p->call.base, CALL_UNKNOWN_WHOLE, call_unknown_name,
			      &unknown);
	if (!err)
		err = call_pack(h, &p->call, out);
	free(unknown);
	return !err && call_has_keys(c, out) ? call_seal(h, c, out) : err;
}

/* Slices of the living transactions. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out)
{
	struct call_seed seed = { 0 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];
		const struct txn_slot *client =
			l && leg_is_open(l) ? txns_get(h->txns, l->uac->client) : NULL;
		const struct txn_slot *server = l && l->uas ? txns_get(h->txns, l->uas->server)
						: l && l->refusal
							? txns_get(h->txns, l->refusal->server)
							: NULL;

		if (client) {
			seed.sent[i] = client->txn.message;
			seed.sent_to[i] = client->txn.hop;
		}
		if (server) {
			seed.request[i] = server->request;
			seed.source[i] = server->source;
		}
	}
	return call_encode_with(h, c, &seed, out);
}

void call_seed_clear(struct call_seed *seed)
{
	for (size_t i = 0; i < LEGS_MAX; i++) {
		text_clear(&seed->request[i]);
		text_clear(&seed->sent[i]);
	}
}
