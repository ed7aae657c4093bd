/* SPDX-License-Identifier: Apache-2.0 */
/* What is going to happen, by weights, from the seed. */
#include "tests/sim/scenario.h"

#include <stdio.h>

#define CALM_NS  (140 * NS_PER_S)
#define REST_NS  (30 * NS_PER_S)
#define QUIET_NS (470 * NS_PER_S)
#define END_NS   (580 * NS_PER_S)
/* The last agent is free when it is quiet; two numbers are called then, one behind the other, and
 * each talks as long as one does. */
#define BACK_NS (QUIET_NS + 600 * NS_PER_S)

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
	s->nodes[0].crashes_left = sim_chance(s, 600) ? (uint32_t)sim_between(s, 1, 3) : 0;
	if (sim_chance(s, 50))
		s->nodes[0].crashes_left = 12;
}

/* All had time to come back. */
static void on_rest(struct sim *s, const struct event *e)
{
	(void)e;
	if (!leases_are_held(s))
		check_fail(s, "a shard has no owner, long after the last trouble");
	leases_rest(s);
}

static void on_calm(struct sim *s, const struct event *e)
{
	(void)e;
	trace_line(s, "(no more trouble from here)");
	s->calm = true;
	links_calm(s);
	if (s->leases) {
		leases_calm(s);
		sim_after(s, REST_NS, on_rest, 0, 0, 0);
	}
	check_all_stored(s);
}

/* A member whose other half went with its shard: nobody is left to hang up. */
static bool is_left_in_room(struct sim *s, uint64_t call)
{
	return s->totals.lost_alone && check_room_of(s, call) && !check_next_end(s, call, NULL) &&
	       !check_far_is_there(s, call);
}

static void on_quiet(struct sim *s, const struct event *e)
{
	(void)e;
	s->quiet = true;
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		/* of two of one nobody knows which waits */
		if (s->check.seen[i].split || check_waits_for_ever(s, &s->check.seen[i]) ||
		    check_far_is_circle(s, s->check.seen[i].call) ||
		    check_is_parted(s, s->check.seen[i].call) ||
		    is_left_in_room(s, s->check.seen[i].call))
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

/* Where calls to an extension go: to another, to one that is not there, or back to where they were. */
static void forward_to(struct sim *s, char out[FORWARD_TARGET_MAX])
{
	char number[16];

	if (!sim_chance(s, 400))
		return;
	(void)snprintf(out, FORWARD_TARGET_MAX, "%s",
		       node_extension((uint32_t)sim_between(s, 0, s->phones.extension_count),
				      number));
}

static void plan_forwards(struct sim *s)
{
	bool any = sim_chance(s, 400);

	s->phones.music = sim_chance(s, 500);
	for (uint32_t i = 0; i < s->phones.extension_count && any; i++) {
		struct shard_forward *f = &s->phones.forward[i];

		if (sim_chance(s, 150))
			forward_to(s, f->always);
		forward_to(s, f->busy);
		forward_to(s, f->no_answer);
		forward_to(s, f->unreachable);
		f->rings = (uint8_t)sim_between(s, 0, 3);
		f->do_not_disturb = sim_chance(s, 100);
	}
}

/* Some extensions are an application's. */
static void plan_applications(struct sim *s)
{
	struct rand_source *r = &s->applications;
	bool any = rand_below(r, 1000) < 300;

	for (uint32_t i = 0; i < s->phones.extension_count && any; i++) {
		struct shard_forward *f = &s->phones.forward[i];

		if (rand_below(r, 1000) >= 500)
			continue;
		(void)snprintf(f->application, sizeof(f->application), "ivr");
		f->application_wait_s = (uint16_t)rand_below(r, 11);
	}
	for (uint32_t i = 0; i < s->phones.extension_count; i++)
		s->phones.forward[i].smart_do_not_disturb = rand_below(r, 1000) < 100;
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
	uint32_t pracks = sim_chance(s, 500) ? (uint32_t)sim_between(s, 100, 1000) : 0;

	s->phones.extension_count = (uint32_t)sim_between(s, 2, phones < 4 ? phones : 4);
	s->end_ns = s->callbacks.on ? BACK_NS : END_NS;
	plan_network(s);
	plan_keys(s);
	plan_forwards(s);
	if (s->rooms)
		scenario_room_forwards(s);
	plan_applications(s);
	names_start(s);
	phones_ask_begin(s);
	node_begin(s);
	s->phones.count = phones;
	for (uint32_t i = 0; i < phones; i++) {
		struct phone_kind kind = { .extension = i % s->phones.extension_count,
					   .expires_s = sim_chance(s, 300) ? 60 : 3600 };

		choose_transport(s, &kind, streams);
		kind.v6 = sim_chance(s, v6) && !s->floats;
		kind.prack = !sim_chance(s, pracks) ? PRACKS_NOT
			     : sim_chance(s, 300)   ? PRACKS_MUST
						    : PRACKS_CAN;
		kind.video = s->harvest && sim_chance(s, 500);
		kind.node = scenario_node(s);
		phone_open(s, i, &kind);
	}
	s->phones.refer = sim_chance(s, 400);
	scenario_calls(s);
	scenario_trouble(s);
	scenario_cluster(s);
	scenario_lamps(s);
	scenario_pages(s);
	if (s->rooms)
		scenario_rooms(s);
	if (s->callbacks.on)
		scenario_callbacks(s);
	sim_after(s, CALM_NS, on_calm, 0, 0, 0);
	sim_after(s, QUIET_NS, on_quiet, 0, 0, 0);
}
