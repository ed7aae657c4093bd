/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "tests/sim/decoys.h"
#include "tests/sim/sim.h"

#define UTC0_MS     UINT64_C(1750000000000)
#define EXTENSION_0 1001

enum { EFFECTS_TO_CRASH = 200, FENCES = 60 };

struct instant node_now(const struct sim *s)
{
	return (struct instant){
		.ns = NODE_BOOT0_NS + s->now_ns,
		.utc_ms = UTC0_MS + s->now_ns / NS_PER_MS + (uint64_t)s->node.utc_step_ms,
	};
}

uint16_t node_local(enum sip_transport transport, uint8_t family)
{
	return (uint16_t)(transport + (family == ADDR_V6 ? LOCALS : 0));
}

const char *node_extension(uint32_t i, char out[16])
{
	(void)snprintf(out, 16, "%u", EXTENSION_0 + i);
	return out;
}

uint32_t node_extension_index(const char *number)
{
	return (uint32_t)strtoul(number, NULL, 10) - EXTENSION_0;
}

/* ---- start ---- */

static void put_extensions(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.extension_count; i++) {
		struct shard_extension e = { .tenant = s->node.tenant,
					     .enabled = true,
					     .early_media = i == 2,
					     .webrtc =
						     s->phones.web[i] ? WEBRTC_ALWAYS : WEBRTC_AUTO,
					     .tls_srtp = s->phones.secure[i] == SECURE_TLS,
					     .sdes_insecure =
						     s->phones.secure[i] == SECURE_ANYHOW };
		int err;

		(void)node_extension(i, e.number);
		phone_secret(e.number, &e.secret);
		err = shard_extension_put(s->node.shard, &e);
		if (!err)
			err = shard_forward_set(s->node.shard, e.tenant, e.number,
						&s->phones.forward[i]);
		assert(!err);
		(void)err;
	}
}

/* Read from disk a little after the start in a real node. */
static void put_music(struct sim *s)
{
	struct job_id jobs[MEDIA_CODECS] = { 0 };

	jobs[MEDIA_CODEC_PCMA] = (struct job_id){ .slot = 1, .generation = 1 };
	jobs[MEDIA_CODEC_OPUS] = (struct job_id){ .slot = 2, .generation = 1 };
	for (unsigned i = 0; i < SHARD_TRACK_FILES && s->phones.music; i++)
		shard_track_set(s->node.shard, (enum shard_track)i, jobs);
}

static void restore(struct sim *s)
{
	struct instant now = node_now(s);
	const char *reason = "";

	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		struct store_entry *e = &s->store.entries[i];

		if (e->user.n && e->expires_ns > s->now_ns &&
		    locations_restore(s->node.locations, text_bytes(&e->record), now, &reason))
			check_fail(s, "a registration is not taken back: %s", reason);
	}
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		struct store_call *c = &s->store.calls[i];
		int err = c->record.n ? shard_restore_call(s->node.shard, text_bytes(&c->record),
							   now, &reason)
				      : 0;

		if (err)
			check_fail(s, "call %" PRIx64 " is not taken back: %s", c->call, reason);
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

static void start(struct sim *s)
{
	struct node *n = &s->node;
	struct rand_source rand;
	int err;

	n->incarnation++;
	n->timer_ns = NODE_NO_TIMER;
	n->degraded = n->fenced = false;
	n->crash_in = n->fence_in = 0;
	if (n->crashes_left && !s->calm) {
		n->crashes_left--;
		n->crash_in = (uint32_t)sim_between(s, 1, EFFECTS_TO_CRASH);
	}
	if (!s->script && !s->story && !s->calm && rand_below(&s->fences, 1000) < FENCES)
		n->fence_in = 1 + rand_below(&s->fences, EFFECTS_TO_CRASH);
	rand_open_seed(&n->rand, rand_u64_from(&s->rand));
	quota_start(n);
	decoys_open(s);
	rand_open_seed(&rand, n->incarnation);
	err = locations_open(&n->locations, &n->settings, "", &rand, node_now(s));
	assert(!err);
	err = shard_open(&n->shard, &n->settings, n->locations, &n->rand, node_now(s));
	assert(!err);
	(void)err;
	shard_incarnate(n->shard, n->incarnation);
	put_extensions(s);
	decoys_put(s);
}

static void start_again(struct sim *s)
{
	trace_line(s, "node: starts again");
	start(s);
	restore(s);
	decoys_bind(s);
	put_music(s);
	check_restored(s);
	shard_resume(s->node.shard, node_now(s));
	locations_resume(s->node.locations, node_now(s));
	node_carry(s);
}

static void on_restart(struct sim *s, const struct event *e)
{
	if (s->store.down) { /* it waits for the store */
		sim_after(s, 100 * NS_PER_MS, on_restart, 0, e->a, 0);
		return;
	}
	store_settle(s);
	start_again(s);
}

static void stop(struct sim *s)
{
	shard_close(s->node.shard);
	locations_close(s->node.locations);
	s->node.shard = NULL;
	s->node.locations = NULL;
	quota_close(s->node.quota);
	decoys_close(s);
}

/* What comes next is its successor's. */
void node_crash(struct sim *s)
{
	uint64_t away =
		sim_chance(s, 700) ? sim_between_ms(s, 50, 900) : sim_between_ms(s, 900, 8000);

	trace_line(s, s->node.fenced ? "node: fenced" : "node: killed");
	s->totals.crashes++;
	store_crash(s);
	store_settle_if_up(s);
	engine_crash(s);
	check_crashed(s);
	stop(s);
	phones_disconnect(s);
	sim_after(s, away, on_restart, 0, 0, 0);
}

void node_fenced(struct sim *s)
{
	s->node.fenced = true;
	if (s->sabotage != SABOTAGE_FENCE)
		node_crash(s);
}

void node_begin(struct sim *s)
{
	struct node *n = &s->node;

	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	scenario_settings(s, &n->settings);
	n->addr = n->settings.locals[0].bind;
	start(s);
	decoys_bind(s);
}

void node_restart(struct sim *s)
{
	stop(s);
	start_again(s);
}

void node_close(struct sim *s)
{
	if (s->node.shard)
		stop(s);
}
