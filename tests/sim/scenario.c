/* SPDX-License-Identifier: Apache-2.0 */
/* What is going to happen, by weights, from the seed. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

enum {
	CALLS_FROM_MS = 2000,
	CALLS_TO_MS = 60000,
	TROUBLE_TO_MS = 130000,
	ASSERTED_MS = 4000,
	ANSWERED_MAX_MS = 40000
};
#define CALM_NS  (140 * NS_PER_S)
#define QUIET_NS (470 * NS_PER_S)
#define END_NS   (580 * NS_PER_S)
#define LAST_NS  (240 * NS_PER_S) /* nobody talks longer */
#define RING_NS  (25 * NS_PER_S)

static struct addr address(const char *text)
{
	struct addr a;
	int err = addr_parse(&a, bytes_str(text));

	assert(!err);
	(void)err;
	return a;
}

/* UDP, TCP and TLS of one family, with the ports of its media. */
static void listen_on(struct shard_settings *set, const char *ip, const char *plain,
		      const char *tls)
{
	uint16_t network = (uint16_t)set->network_count++;
	struct shard_network *n = &set->networks[network];

	(void)snprintf(n->name, sizeof(n->name), "net%u", network);
	n->media_bind = n->media_advertise = address(ip);
	n->first_port = (uint16_t)(20000 + network * 2 * NODE_PORTS);
	n->last_port = (uint16_t)(n->first_port + 2 * NODE_PORTS - 1);
	for (enum sip_transport t = SIP_UDP; t <= SIP_TLS; t++) {
		struct shard_local *l = &set->locals[set->local_count++];

		l->bind = l->advertise = address(t == SIP_TLS ? tls : plain);
		l->transport = t;
		l->network = network;
	}
}

void scenario_settings(struct sim *s, struct shard_settings *out)
{
	bool small = sim_chance(s, 50);

	*out = (struct shard_settings){
		.number = 7,
		.tenant = "default",
		.server = "tandem",
		.trusted_count = sim_chance(s, 700) ? 2 : 0,
		.trusted = { { .net = address("192.0.2.0"), .bits = 24 },
			     { .net = address("2001:db8::"), .bits = 32 } },
		.registrar = { .expires_s = 90,
			       .expires_min_s = 30,
			       .expires_max_s = 3600,
			       .contacts_max = 5 },
		.latch = LATCH_SAME_IP,
		.video = true,
		.ring_timeout_ns = RING_NS,
		.port_rest_ns = NS_PER_S,
		.calls_max = small ? 2 : 64,
		.registrations_max = 64,
		.txns_max = small ? 64 : 512,
	};
	listen_on(out, "192.0.2.1", "192.0.2.1:5060", "192.0.2.1:5061");
	listen_on(out, "2001:db8::1", "[2001:db8::1]:5060", "[2001:db8::1]:5061");
	out->media_timeout_ns = sim_chance(s, 800) ? sim_between(s, 8, 40) * NS_PER_S : 0;
	out->seal_key.octets[0] = 7;
	memcpy(out->digest.realm, "test.local", sizeof("test.local"));
	out->digest.nonce_lifetime_ms = 60000;
	out->digest.key[0] = 1;
}

/* ---- phones ---- */

static uint16_t refusal(struct sim *s)
{
	static const uint16_t statuses[] = { 486, 603, 480, 404, 302, 503, 600 };

	return statuses[sim_between(s, 0, COUNT_OF(statuses) - 1)];
}

void scenario_manner(struct sim *s, const struct phone_call *c, struct phone_manner *out)
{
	uint64_t dice = sim_between(s, 0, 99);

	(void)c;
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
		phone_ask(s, c, "INFO", "Content-Type: application/dtmf-relay\r\n",
			  "Signal=5\r\nDuration=160\r\n");
		break;
	case 5:
		phone_ask(s, c, "OPTIONS", "", "");
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
	uint64_t acts = sim_chance(s, 500) ? sim_between(s, 1, 4) : 0;
	uint64_t talk = sim_chance(s, 600) ? sim_between_ms(s, 0, ANSWERED_MAX_MS) : LAST_NS;

	sim_after(s, talk, on_hang_up, who, c->index, 0);
	while (acts--) {
		/* both sides at round times: glare */
		uint64_t ns = sim_chance(s, 300) ? sim_between(s, 1, 8) * NS_PER_S
						 : sim_between_ms(s, 50, 30000);
		uint64_t what = sim_between(s, 0, 5);

		sim_after(s, ns, on_act, who, c->index, what);
	}
}

/* Out of patience: nobody has answered. */
static void on_hang_up_early(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive && p->calls[e->a]->state == PC_CALLING)
		phone_hang_up(s, p->calls[e->a]);
}

static void on_dial(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct phone_call *c;
	char to[16];

	if (!p->alive)
		return;
	c = phone_dial(s, p, node_extension((uint32_t)e->a, to), e->b);
	if (!c)
		return;
	sim_after(s,
		  sim_chance(s, 250) ? sim_between_ms(s, 1, 12000)
				     : sim_between_ms(s, 60000, 70000),
		  on_hang_up_early, p->index, c->index, 0);
}

static void plan_calls(struct sim *s)
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

/* ---- trouble ---- */

static void on_down(struct sim *s, const struct event *e)
{
	(void)e;
	store_down(s);
}

static void on_forget(struct sim *s, const struct event *e)
{
	store_forget(s, e->a);
}

/* All was told again by now. */
static void on_asserted(struct sim *s, const struct event *e)
{
	(void)e;
	check_all_stored(s);
}

static void on_link_broken(struct sim *s, const struct event *e)
{
	(void)e;
	if (s->store.down)
		node_health(s, false);
}

static void on_up(struct sim *s, const struct event *e)
{
	(void)e;
	store_up(s);
}

static void on_link_back(struct sim *s, const struct event *e)
{
	(void)e;
	if (!s->store.down)
		node_health(s, true);
}

static void on_vanish(struct sim *s, const struct event *e)
{
	phone_vanish(s, &s->phones.list[e->who], e->a);
}

static void on_drop(struct sim *s, const struct event *e)
{
	net_drop(s, &s->phones.list[e->who]);
}

static void on_return(struct sim *s, const struct event *e)
{
	phone_return(s, &s->phones.list[e->who]);
}

static void on_operator(struct sim *s, const struct event *e)
{
	struct call_view v;
	uint32_t cursor = 0;

	(void)e;
	if (s->node.shard && shard_call_next(s->node.shard, &cursor, &v))
		node_hangup(s, v.call);
}

static void on_command(struct sim *s, const struct event *e)
{
	struct call_view v;
	uint32_t cursor = 0;
	uint64_t skip = sim_between(s, 0, 2);

	if (!s->node.shard)
		return;
	while (shard_call_next(s->node.shard, &cursor, &v)) {
		if (skip-- == 0) {
			node_command(s, v.call, e->a);
			return;
		}
	}
}

static void plan_commands(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 8);

	while (count--) {
		uint64_t at = sim_between_ms(s, 5000, 80000);

		sim_after(s, at, on_command, 0, rand_u32_from(&s->rand), 0);
	}
}

static void plan_outage(struct sim *s)
{
	uint64_t at = sim_between_ms(s, 1000, TROUBLE_TO_MS - 20000);
	uint64_t notice = sim_between_ms(s, 0, 50);
	uint64_t length = sim_between_ms(s, 100, 10000);
	uint64_t forgets = sim_chance(s, 300) ? sim_between_ms(s, 100, 20000) : 0;

	sim_after(s, at, forgets ? on_forget : on_down, 0, forgets, 0);
	sim_after(s, at + notice, on_link_broken, 0, 0, 0);
	sim_after(s, at + length, on_up, 0, 0, 0);
	sim_after(s, at + length + ASSERTED_MS * NS_PER_MS, on_asserted, 0, 0, 0);
	sim_after(s, at + length + sim_between_ms(s, 1, 300), on_link_back, 0, 0, 0);
}

static void on_clock(struct sim *s, const struct event *e)
{
	s->node.utc_step_ms += (int64_t)e->a;
	s->totals.steps++;
	trace_line(s, "node: the clock is set by %lld ms", (long long)(int64_t)e->a);
}

/* Mostly a little, sometimes so far that registrations run out, or never do. */
static void plan_clock(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 3);

	while (count--) {
		uint64_t most = sim_chance(s, 700) ? 3000 : 7200000;
		int64_t ms = (int64_t)sim_between(s, 1, most);
		bool back = sim_chance(s, 500);

		sim_after(s, sim_between_ms(s, 1000, 100000), on_clock, 0,
			  (uint64_t)(back ? -ms : ms), 0);
	}
}

static void on_originate(struct sim *s, const struct event *e)
{
	node_originate(s, (uint32_t)e->a, (uint32_t)e->b);
}

static void plan_originate(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 3);

	while (count--) {
		uint64_t at = sim_between_ms(s, CALLS_FROM_MS, CALLS_TO_MS);
		uint64_t from = sim_between(s, 0, s->phones.extension_count - 1);
		uint64_t to = sim_between(s, 0, s->phones.extension_count - 1);

		sim_after(s, at, on_originate, 0, from, to);
	}
}

static void plan_trouble(struct sim *s)
{
	if (sim_chance(s, 100))
		plan_clock(s);
	if (sim_chance(s, 200))
		plan_originate(s);
	if (sim_chance(s, 250))
		plan_outage(s);
	if (sim_chance(s, 150)) {
		uint32_t who = (uint32_t)sim_between(s, 0, s->phones.count - 1);
		uint64_t at = sim_between_ms(s, 3000, 70000);
		bool icmp = sim_chance(s, 500);

		sim_after(s, at, on_vanish, who, icmp, 0);
		if (sim_chance(s, 600))
			sim_after(s, at + sim_between_ms(s, 500, 50000), on_return, who, 0, 0);
	}
	if (sim_chance(s, 200)) {
		uint32_t who = (uint32_t)sim_between(s, 0, s->phones.count - 1);

		sim_after(s, sim_between_ms(s, 3000, 70000), on_drop, who, 0, 0);
	}
	if (sim_chance(s, 250))
		plan_commands(s);
	if (sim_chance(s, 60))
		sim_after(s, sim_between_ms(s, 5000, 80000), on_operator, 0, 0, 0);
}

static void plan_network(struct sim *s)
{
	bool bad = sim_chance(s, 600);

	s->net.loss = bad ? (uint32_t)sim_between(s, 1, 120) : 0;
	s->net.twice = bad ? (uint32_t)sim_between(s, 0, 100) : 0;
	s->net.late = bad ? (uint32_t)sim_between(s, 0, 80) : 0;
	s->net.delay_max_ms = sim_between(s, 1, 80);
	s->net.late_max_ms = sim_between(s, 20, 1500);
	s->store.latency_max_us = sim_between(s, 100, 20000);
	s->store.trouble = sim_chance(s, 250) ? (uint32_t)sim_between(s, 5, 120) : 0;
	s->engine.fail = sim_chance(s, 100) ? 60 : 0;
	s->engine.digit = 100;
	s->node.crashes_left = sim_chance(s, 600) ? (uint32_t)sim_between(s, 1, 3) : 0;
	if (sim_chance(s, 50))
		s->node.crashes_left = 12;
}

static void on_calm(struct sim *s, const struct event *e)
{
	(void)e;
	trace_line(s, "(no more trouble from here)");
	s->calm = true;
	check_all_stored(s);
}

static void on_quiet(struct sim *s, const struct event *e)
{
	(void)e;
	s->quiet = true;
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		if (check_waits_for_ever(s, &s->check.seen[i]))
			node_hangup(s, s->check.seen[i].call);
	}
}

static void plan_keys(struct sim *s)
{
	bool any = sim_chance(s, 400);

	for (uint32_t i = 0; i < s->phones.extension_count; i++) {
		uint64_t dice = sim_between(s, 0, 99);

		s->phones.secure[i] = !any || dice < 40 ? SECURE_NOT
				      : dice < 70       ? SECURE_ANYHOW
							: SECURE_TLS;
	}
}

static void choose_transport(struct sim *s, struct phone_kind *kind, uint32_t streams)
{
	enum phone_secure secure = s->phones.secure[kind->extension];

	if (secure == SECURE_TLS)
		kind->transport = SIP_TLS;
	else if (sim_chance(s, streams))
		kind->transport = sim_chance(s, 300) ? SIP_TLS : SIP_TCP;
	kind->srtp =
		secure == SECURE_TLS ||
		((secure == SECURE_ANYHOW || kind->transport == SIP_TLS) && sim_chance(s, 700));
}

void scenario_begin(struct sim *s)
{
	uint32_t phones = (uint32_t)sim_between(s, 2, 6);
	uint32_t streams = sim_chance(s, 350) ? (uint32_t)sim_between(s, 100, 1000) : 0;
	uint32_t v6 = sim_chance(s, 250) ? (uint32_t)sim_between(s, 100, 1000) : 0;

	s->phones.extension_count = (uint32_t)sim_between(s, 2, phones < 4 ? phones : 4);
	s->end_ns = END_NS;
	plan_network(s);
	plan_keys(s);
	node_begin(s);
	s->phones.count = phones;
	for (uint32_t i = 0; i < phones; i++) {
		struct phone_kind kind = { .extension = i % s->phones.extension_count,
					   .expires_s = sim_chance(s, 300) ? 60 : 3600 };

		choose_transport(s, &kind, streams);
		kind.v6 = sim_chance(s, v6);
		phone_open(s, i, &kind);
	}
	plan_calls(s);
	plan_trouble(s);
	sim_after(s, CALM_NS, on_calm, 0, 0, 0);
	sim_after(s, QUIET_NS, on_quiet, 0, 0, 0);
}
