/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].leg == leg && c->flows[i].line == line)
			return &c->flows[i];
	}
	return NULL;
}

struct call_flow *flow_by_id(const struct call *c, struct flow_id id)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct flow_id *own = &c->flows[i].id;

		if (own->generation && own->slot == id.slot && own->generation == id.generation)
			return &c->flows[i];
	}
	return NULL;
}

static uint8_t network_of(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return (uint8_t)h->settings->locals[c->legs[leg].dialog.hop.local].network;
}

static int flow_take(struct call_host *h, struct call *c, uint8_t leg, uint8_t line,
		     enum media_kind kind)
{
	struct call_flow *f = &c->flows[c->flow_count];
	uint8_t network = network_of(h, c, leg);
	int err;

	*f = (struct call_flow){ .leg = leg, .line = line, .network = network, .kind = kind };
	err = ports_take(&h->ports[network], h->now.ns, &f->id);
	if (err)
		return err;
	f->port = ports_rtp_port(&h->ports[network], f->id);
	f->ssrc_out = rand_u32_from(h->rand);
	c->flow_count++;
	return 0;
}

static uint32_t lines_without_flow(const struct call *c, const struct media_plan *lines)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < lines->line_count; i++)
		n += lines->line[i].active && !call_flow_find(c, LEG_A, i);
	return n;
}

int flows_take(struct call_host *h, struct call *c, const struct media_plan *lines)
{
	uint32_t before = c->flow_count;
	uint32_t more = lines_without_flow(c, lines) * LEGS;
	struct call_flow *list;
	int err = 0;

	if (more == 0)
		return 0;
	list = reallocarray(c->flows, before + more, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->flows = list;
	for (uint8_t i = 0; i < lines->line_count && !err; i++) {
		if (!lines->line[i].active || call_flow_find(c, LEG_A, i))
			continue;
		err = flow_take(h, c, LEG_A, i, lines->line[i].kind);
		if (!err)
			err = flow_take(h, c, LEG_B, i, lines->line[i].kind);
	}
	while (err && c->flow_count > before) {
		flow_give(h, c, &c->flows[c->flow_count - 1]);
		c->flow_count--;
	}
	return err;
}

int flows_claim(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];
		int err = ports_claim(&h->ports[f->network], f->port, &f->id);

		if (err) {
			f->id = (struct flow_id){ 0 };
			flows_give_all(h, c);
			return err;
		}
	}
	return 0;
}

void flow_give(struct call_host *h, struct call *c, struct call_flow *f)
{
	assert(f >= c->flows && f < c->flows + c->flow_count);
	if (f->id.generation)
		(void)ports_give(&h->ports[f->network], f->id, h->now.ns);
	f->id = (struct flow_id){ 0 };
}

void flows_give_all(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++)
		flow_give(h, c, &c->flows[i]);
}
