/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/leg/flow_dtls.h"
#include "sig/leg/flow_move.h"
#include "sig/leg/secret.h"
#include "sig/model/payer.h"

struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->leg == leg && f->line == line && !f->closing)
			return f;
	}
	return NULL;
}

struct call_flow *flow_by_id(const struct call *c, struct flow_id id)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].id.generation && flow_id_eq(c->flows[i].id, id))
			return &c->flows[i];
	}
	return NULL;
}

/* A phone that is connected to an address of another shard hears us by ours: that one may be with another node tomorrow. */
uint16_t flow_network(const struct call_host *h, const struct leg *l)
{
	const struct shard_settings *set = h->settings;
	const struct shard_local *local = &set->locals[l->dialog.hop.local];

	if (shard_network_is_own(set, local->network))
		return local->network;
	for (uint32_t i = 0; i < set->local_count; i++) {
		const struct shard_local *other = &set->locals[i];

		if (shard_network_is_own(set, other->network) &&
		    other->bind.family == local->bind.family)
			return other->network;
	}
	return local->network;
}

const struct addr *flow_address(const struct call_host *h, const struct leg *l)
{
	const struct shard_network *at = &h->settings->networks[flow_network(h, l)];

	/* no NAT stands between shards */
	return l->dialog.hop.transport == SIP_INTER_SHARD ? &at->media_bind : &at->media_advertise;
}

static bool may_be_secure(const struct leg *l)
{
	return l->terms && (l->terms->sdes_offer || l->terms->sdes_accept);
}

/* Some are left for emergency calls, where there are many. */
enum { PORTS_SHARE_KEPT = 128, PORTS_KEPT_MAX = 16 };

static int media_port_take(struct call_host *h, const struct call *c, struct call_flow *f)
{
	struct ports *ports = &h->ports[f->network];
	uint32_t kept = ports->pair_count / PORTS_SHARE_KEPT;

	if (!c->emergency && ports->free_count <= (kept < PORTS_KEPT_MAX ? kept : PORTS_KEPT_MAX))
		return -EAGAIN;
	return ports_take(ports, h->now.ns, &f->id);
}

static int flow_take(struct call_host *h, struct call *c, uint8_t leg, uint8_t line,
		     enum media_kind kind)
{
	struct call_flow *f = &c->flows[c->flow_count];
	uint8_t network = (uint8_t)flow_network(h, c->legs[leg]);
	int err;

	*f = (struct call_flow){ .leg = leg, .line = line, .network = network, .kind = kind };
	f->event_pt = PAYLOAD_NONE;
	if (may_be_secure(c->legs[leg]) && secret_make(h, f))
		return -ENOMEM;
	err = payer_take_port(h, c);
	if (!err) {
		err = media_port_take(h, c, f);
		if (err)
			payer_give_port(h, c);
	}
	if (err) {
		secret_free(f);
		return err;
	}
	f->port = ports_rtp_port(&h->ports[network], f->id);
	f->ssrc_out = rand_u32_from(h->rand);
	c->flow_count++;
	return 0;
}

static uint32_t lines_without_flow(const struct call *c, uint8_t leg,
				   const struct media_plan *lines)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < lines->line_count; i++)
		n += lines->line[i].active && !call_flow_find(c, leg, i);
	return n;
}

static int take_of_leg(struct call_host *h, struct call *c, uint8_t leg,
		       const struct media_plan *lines)
{
	int err = 0;

	for (uint8_t i = 0; i < lines->line_count && !err; i++) {
		if (lines->line[i].active && !call_flow_find(c, leg, i))
			err = flow_take(h, c, leg, i, lines->line[i].kind);
	}
	return err;
}

int flows_take(struct call_host *h, struct call *c, uint8_t a, uint8_t b,
	       const struct media_plan *lines)
{
	uint32_t before = c->flow_count;
	uint32_t more = lines_without_flow(c, a, lines) + lines_without_flow(c, b, lines);
	struct call_flow *list;
	int err;

	if (more == 0)
		return 0;
	list = reallocarray(c->flows, before + more, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->flows = list;
	err = take_of_leg(h, c, a, lines);
	if (!err)
		err = take_of_leg(h, c, b, lines);
	while (err && c->flow_count > before)
		flow_drop(h, c, &c->flows[c->flow_count - 1]);
	return err;
}

int flow_retake(struct call_host *h, struct call_flow *f)
{
	struct ports *ports = &h->ports[f->network];
	struct flow_id id;

	assert(!f->open);
	if (ports_take(ports, h->now.ns, &id))
		return -EAGAIN;
	(void)ports_give(ports, f->id, h->now.ns);
	f->id = id;
	f->port = ports_rtp_port(ports, id);
	return 0;
}

/* The very port of the record, and with it the worker. */
static int port_claim(struct call_host *h, const struct call *c, struct call_flow *f)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	if (flow_port(f) != f->port &&
	    (!shared->claim || !shared->claim(shared->arg, c->id, f->network, flow_port(f))))
		return -ERANGE;
	return ports_claim(&h->ports[f->network], f->port, &f->id);
}

static int flow_claim(struct call_host *h, const struct call *c, struct call_flow *f)
{
	int err = c->moved & BIT64(f->leg) ? -ERANGE : port_claim(h, c, f);

	return err && flows_may_move(c) ? flow_move(h, c, f) : err;
}

int flows_claim(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];
		int err = flow_claim(h, c, f);

		if (!err)
			err = payer_take_port(h, c);
		if (err) {
			f->id = (struct flow_id){ 0 };
			flows_drop_all(h, c);
			return err;
		}
	}
	return 0;
}

void flow_drop(struct call_host *h, struct call *c, struct call_flow *f)
{
	size_t at = (size_t)(f - c->flows);

	assert(f >= c->flows && at < c->flow_count);
	if (f->id.generation && ports_give(&h->ports[f->network], f->id, h->now.ns))
		payer_give_port(h, c);
	secret_free(f);
	flow_dtls_free(f);
	memmove(f, f + 1, (--c->flow_count - at) * sizeof(*f));
	if (c->flow_count == 0) {
		free(c->flows);
		c->flows = NULL;
	}
}

void flows_drop_all(struct call_host *h, struct call *c)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	while (c->flow_count)
		flow_drop(h, c, &c->flows[c->flow_count - 1]);
	if (shared->release)
		shared->release(shared->arg, c->id);
}
