/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/name_index.h"
#include "sig/host/programs.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/sim/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "tests/sim/agents.h"
#include "tests/sim/decoys.h"
#include "tests/sim/outside.h"
#include "tests/sim/phone_call.h"
#include "tests/sim/sim.h"
#include "tests/sim/story.h"

#define UTC0_MS     UINT64_C(1750000000000)
#define EXTENSION_0 1001

enum { EFFECTS_TO_CRASH = 200, FENCES = 60 };

/* Machines that take shards of each other have each its own clock. */
uint64_t node_boot_ns(const struct node *n, uint64_t now_ns)
{
	return NODE_BOOT0_NS + now_ns + (n->sim->floats ? n->index * NODE_APART_NS : 0);
}

struct instant node_now(const struct node *n)
{
	uint64_t ns = n->sim->now_ns;

	return (struct instant){
		.ns = node_boot_ns(n, ns),
		.utc_ms = UTC0_MS + ns / NS_PER_MS + (uint64_t)n->utc_step_ms,
	};
}

/* ---- names ---- */

const char *node_extension(uint32_t i, char out[16])
{
	(void)snprintf(out, 16, "%u", EXTENSION_0 + i);
	return out;
}

uint32_t node_extension_index(const char *number)
{
	return (uint32_t)strtoul(number, NULL, 10) - EXTENSION_0;
}

/* The only one has no other one to share locations with. */
static const char *node_name(const struct node *n)
{
	static const char *const names[NODES_MAX] = { "n0", "n1", "n2" };

	return n->sim->node_count > 1 ? names[n->index] : "";
}

/* ---- start ---- */

/* Read from disk a little after the start in a real node. */
static void put_music(const struct node *n, struct shard *core)
{
	struct job_id jobs[MEDIA_CODECS] = { 0 };

	if (!n->sim->phones.music)
		return;
	jobs[MEDIA_CODEC_PCMA] = (struct job_id){ .slot = 1, .generation = 1 };
	jobs[MEDIA_CODEC_OPUS] = (struct job_id){ .slot = 2, .generation = 1 };
	for (unsigned i = 0; i < SHARD_TRACK_FILES; i++)
		shard_track_set(core, (enum shard_track)i, jobs);
}

static void restore_locations(struct node *n)
{
	struct sim *s = n->sim;
	const char *reason = "";

	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_entry *e = &s->store.entries[i];

		if (e->user.n && e->expires_ns > s->now_ns &&
		    locations_restore(n->locations, text_bytes(&e->record), node_now(n), &reason))
			check_fail(s, "a registration is not taken back: %s", reason);
	}
}

static void restore_calls(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;
	const char *reason = "";

	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_call *c = &s->store.calls[i];

		if (!c->record.n || id_shard(c->call) != shard->number)
			continue;
		if (shard_restore_call(shard->core, text_bytes(&c->record), node_now(n), &reason))
			check_fail(s, "call %" PRIx64 " is not taken back: %s", c->call, reason);
	}
}

static void restore_lamps(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;
	const char *reason = "";

	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_call *c = &s->store.blf_keys[i];

		if (c->record.n && id_shard(c->call) == shard->number &&
		    shard_restore_subscription(shard->core, text_bytes(&c->record), node_now(n),
					       &reason))
			check_fail(s, "subscription %" PRIx64 " is not taken back: %s", c->call,
				   reason);
	}
}

static void restore_rooms(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;
	const char *reason = "";

	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_call *c = &s->store.rooms[i];

		if (c->record.n && id_shard(c->call) == shard->number &&
		    shard_restore_object(shard->core, OBJECT_ROOM, text_bytes(&c->record),
					 node_now(n), &reason))
			check_fail(s, "conference %" PRIx64 " is not taken back: %s", c->call,
				   reason);
	}
}

/* Where few calls fit, one extension has one at once. */
static void quota_start(struct node *n)
{
	struct quota_settings set = {
		.capacity = { n->settings.calls_max, n->settings.txns_max, 2 * NODE_PORTS },
		.share = 100,
	};
	int err;

	if (n->settings.calls_max == 2)
		set.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 1;
	err = quota_open(&n->quota, &set, &n->rand);
	assert(!err);
	(void)err;
	n->settings.quota = quota_of(n->quota);
}

/* What it had of a time before is as good as new. */
/* Every node has all programs. */
static void flow_put(const struct node *n, struct shard *core)
{
	static struct flow_findings found;
	const char *text = n->sim->script ? n->sim->script->flow : NULL;
	struct bytes tenant = bytes_str(tenants_name(n->tenants, n->tenant));
	struct programs *programs = core->shared_tables->programs;
	struct name_index *names = core->shared_tables->names;
	struct flow_program *p;
	int err;

	if (!text && n->sim->callbacks.on)
		text = g_agents_flow;
	if (!text)
		return;
	found = (struct flow_findings){ 0 };
	p = program_parse(bytes_str(text), NULL, &found);
	assert(p);
	err = programs_put(programs, tenant, BYTES_LIT("main"), p);
	if (!err)
		err = programs_number_put(programs, tenant, BYTES_LIT(PHONE_FLOW),
					  BYTES_LIT("main"));
	p = program_parse(bytes_str(g_agents_flow), NULL, &found);
	assert(p);
	err = err ? err : programs_put(programs, tenant, BYTES_LIT("queue:sales"), p);
	err = err ? err : name_index_put(names, n->tenant, BYTES_LIT("1002"), BYTES_LIT("Bo Berg"));
	err = err ? err
		  : name_index_put(names, n->tenant, BYTES_LIT("1003"), BYTES_LIT("Cy Berger"));
	assert(!err);
	(void)err;
	agents_put(core->shared_tables, n->tenants, n->tenant);
	callbacks_read(n, core);
}

static void core_open(struct node *n, struct node_shard *shard)
{
	int err = 0;

	shard->core = shard->idle;
	shard->idle = NULL;
	if (!shard->core)
		err = shard_open(&shard->core, &n->settings, n->locations, &n->rand, node_now(n));
	assert(!err);
	(void)err;
	flow_put(n, shard->core);
}

void node_shard_open(struct node *n, struct node_shard *shard)
{
	struct sim *s = n->sim;

	n->settings.number = shard->number;
	n->settings.toll_shard = (uint8_t)(shard - n->shards);
	shard->fenced = false;
	shard->silent_ns = 0;
	shard->leaving = shard->degraded = shard->withheld = false;
	shard->run = ++s->shard_runs;
	shard->epoch = s->floats ? s->owners[shard->number - SHARD_FIRST].epoch : n->incarnation;
	core_open(n, shard);
	shard_incarnate(shard->core, shard->epoch);
	phones_ask_of(shard->core);
	document_profile_put(shard->core, n);
	for (uint32_t i = 0; i < s->phones.extension_count; i++)
		document_put_first(shard->core, n, i);
	decoys_put(n, shard->core);
}

void node_shard_restore(struct node *n, struct node_shard *shard)
{
	outside_forget(n, shard);
	restore_calls(n, shard);
	outside_spend(n, shard);
	restore_lamps(n, shard);
	restore_rooms(n, shard);
	put_music(n, shard->core);
}

/* Where addresses go with their shards a process has none before it took them. */
static void open_shards(struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (!n->sim->floats)
			node_shard_open(n, &n->shards[i]);
	}
}

/* What will go wrong in this process. */
static void plan_mishaps(struct node *n)
{
	struct sim *s = n->sim;

	n->crash_in = n->fence_in = 0;
	if (n->crashes_left && !s->calm) {
		n->crashes_left--;
		n->crash_in = (uint32_t)sim_between(s, 1, EFFECTS_TO_CRASH);
	}
	if (!s->script && !s->story && !s->calm && rand_below(&s->fences, 1000) < FENCES)
		n->fence_in = 1 + rand_below(&s->fences, EFFECTS_TO_CRASH);
}

static void start(struct node *n)
{
	struct sim *s = n->sim;
	struct rand_source rand;
	int err;

	n->incarnation = ++s->processes;
	n->started_ns = s->now_ns;
	n->timer_ns = NODE_NO_TIMER;
	n->degraded = false;
	plan_mishaps(n);
	rand_open_seed(&n->rand, rand_u64_from(&s->rand));
	quota_start(n);
	decoys_open(n);
	outside_open(n);
	rand_open_seed(&rand, n->incarnation);
	node_link_begin(n);
	err = locations_open(&n->locations, &n->settings, node_name(n), &rand, node_now(n));
	assert(!err);
	(void)err;
	node_shards_open(n);
	node_link_open(n);
	document_begin(n);
	open_shards(n);
	callbacks_begin(n);
}

static void restore_shards(struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++)
		node_shard_restore(n, &n->shards[i]);
	check_restored(n);
	for (uint32_t i = 0; i < n->shard_count; i++)
		shard_resume(n->shards[i].core, node_now(n));
}

static void start_again(struct node *n)
{
	trace_line(n->sim, "node: starts again");
	start(n);
	restore_locations(n);
	decoys_bind(n);
	if (!n->sim->floats)
		restore_shards(n);
	locations_resume(n->locations, node_now(n));
	node_carry(n);
	if (n->sim->leases && node_is_up(n))
		node_lease_start(n);
	else if (n->sim->floats && node_is_up(n))
		node_come_home(n);
}

static void on_restart(struct sim *s, const struct event *e)
{
	if (store_is_away(&s->nodes[e->who])) { /* it waits for the store */
		sim_after(s, 100 * NS_PER_MS, on_restart, e->who, e->a, 0);
		return;
	}
	store_settle(&s->nodes[e->who]);
	start_again(&s->nodes[e->who]);
}

static void stop(struct node *n)
{
	node_link_close(n);
	node_shards_close(n);
	locations_close(n->locations);
	n->locations = NULL;
	quota_close(n->quota);
	outside_close(n);
	decoys_close(n);
}

/* What comes next is its successor's. */
void node_crash(struct node *n)
{
	struct sim *s = n->sim;
	uint64_t away =
		sim_chance(s, 700) ? sim_between_ms(s, 50, 900) : sim_between_ms(s, 900, 8000);

	if (s->floats)
		trace_line(s, "node %u: killed", n->index);
	else
		trace_line(s, n->shards[0].fenced ? "node: fenced" : "node: killed");
	s->totals.crashes++;
	store_crash(n);
	if (!store_is_away(n))
		store_settle(n);
	engine_crash(n);
	check_crashed(n);
	links_crash(n);
	stop(n);
	if (s->leases)
		node_lease_crash(n);
	else if (s->floats)
		node_vacate(n);
	else
		phones_disconnect(s, n->index);
	sim_after(s, away, on_restart, n->index, 0, 0);
}

/* ---- all of them ---- */

static void name_shards(struct node *n)
{
	uint32_t first = n->sim->floats ? 0 : n->index * n->sim->shard_count;

	n->shard_count = n->sim->floats ? n->sim->place_count : n->sim->shard_count;
	for (uint32_t i = 0; i < n->shard_count; i++)
		n->shards[i].number = (uint16_t)(SHARD_FIRST + first + i);
}

void node_begin(struct sim *s)
{
	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	for (uint32_t i = 0; i < s->node_count; i++) {
		struct node *n = &s->nodes[i];

		n->sim = s;
		n->index = i;
		name_shards(n);
		scenario_settings(n, &n->settings);
		start(n);
		decoys_bind(n);
	}
	if (s->leased)
		node_leases_begin(s);
	else if (s->floats)
		node_owners_begin(s);
}

void node_restart(struct node *n)
{
	stop(n);
	start_again(n);
}

void node_close(struct sim *s)
{
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (node_is_up(&s->nodes[i]))
			stop(&s->nodes[i]);
	}
}
