/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/act.h"
#include "sig/sip/id.h"
#include "tests/sim/decoys.h"
#include "tests/sim/sim.h"
#include "tests/unit/sig/orders.h"

#define UTC0_MS     UINT64_C(1750000000000)
#define BOOT0_NS    (1000 * NS_PER_S)
#define NO_TIMER    UINT64_MAX
#define EXTENSION_0 1001

enum {
	DEGRADED_MIN_MS = 100,
	DEGRADED_MAX_MS = 1500,
	EFFECTS_TO_CRASH = 200,
	FENCES = 60,
	RENEWAL_MS = 500
};

struct instant node_now(const struct sim *s)
{
	return (struct instant){
		.ns = BOOT0_NS + s->now_ns,
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

/* ---- effects ---- */

static void crash(struct sim *s);

static void application_told(struct sim *s, uint64_t call);

static void carry(struct sim *s);

/* ---- files ---- */

enum { PLAY_CODECS = 8 };

static void play_told(struct sim *s, const struct event *e, enum act_news_kind kind)
{
	const struct act_news news = { .kind = kind,
				       .serial = e->a,
				       .job = { .slot = 9, .generation = 1 },
				       .codec = (enum media_codec)(e->who % PLAY_CODECS) };

	if (!s->node.shard || e->who / PLAY_CODECS != s->node.incarnation)
		return;
	shard_play_told(s->node.shard, e->b, &news, node_now(s));
	carry(s);
}

static void on_play_open(struct sim *s, const struct event *e)
{
	play_told(s, e, ACT_NEWS_OPEN);
}

static void on_play_ended(struct sim *s, const struct event *e)
{
	play_told(s, e, ACT_NEWS_ENDED);
}

static void on_play_failed(struct sim *s, const struct event *e)
{
	play_told(s, e, ACT_NEWS_FAILED);
}

/* It takes a moment to read it. Some are not there. */
static void play(struct sim *s, const struct effect *e)
{
	uint32_t who = s->node.incarnation * PLAY_CODECS + (uint32_t)e->expected;
	uint64_t ms = s->script ? 1500 : 100 + rand_below(&s->applications, 4000);

	trace_line(s, "node: plays %s to call %" PRIx64, text_str(&e->data), e->call);
	if (!s->script && rand_below(&s->applications, 10) == 0) {
		sim_after(s, 50 * NS_PER_MS, on_play_failed, who, e->version, e->call);
		return;
	}
	sim_after(s, 50 * NS_PER_MS, on_play_open, who, e->version, e->call);
	if (strncmp(text_str(&e->data), "echo-", 5) == 0)
		return; /* without an end */
	sim_after(s, (50 + ms) * NS_PER_MS, on_play_ended, who, e->version, e->call);
}

/* The answer to an order. */
static void ordered(struct sim *s, const struct effect *e)
{
	struct node_order *o = &s->node.orders[e->order.ticket - 1];

	trace_line(s, "node: order %" PRIu64 " is number %u of call %" PRIx64 "%s", e->order.ticket,
		   e->order.number, e->call, e->order.saved ? "" : ", not saved");
	if (!e->order.saved)
		return;
	if (e->call != o->call) { /* of a split the new call says so */
		check_stored_call(s, e->call);
		return;
	}
	check_ordered(s, o, e->order.number);
	o->number = e->order.number;
}

/* What the store has of an extension. */
static void on_binding_got(struct sim *s, const struct event *e)
{
	struct bytes record = { 0 };
	char user[16];

	if (!s->node.shard || e->a != s->node.incarnation)
		return;
	(void)node_extension(e->who, user);
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_entry *x = &s->store.entries[i];

		if (x->user.n && x->expires_ns > s->now_ns && bytes_is(text_bytes(&x->user), user))
			record = text_bytes(&x->record);
	}
	locations_got(s->node.locations, BYTES_LIT("default"), bytes_str(user),
		      s->store.down ? BINDING_FAILED : BINDING_SAVED, record, node_now(s));
	carry(s);
}

static void carry_one(struct sim *s, const struct effect *e)
{
	decoys_not_named(s, e);
	switch (e->kind) {
	case EFFECT_SEND:
		decoys_not_sent(s, &e->hop.remote);
		if (s->story)
			golden_said(s->story, &e->hop.remote, text_bytes(&e->data));
		if (check_sent(s, &e->hop.remote, text_bytes(&e->data)))
			net_send(s, &e->hop, text_bytes(&e->data));
		break;
	case EFFECT_CALL_SAVE:
	case EFFECT_CALL_END:
	case EFFECT_BINDING_SAVE:
		check_save(s, e);
		store_save(s, e);
		break;
	case EFFECT_MEDIA:
		engine_command(s, e->media, e->call);
		break;
	case EFFECT_SET:
		document_set(s, e);
		break;
	case EFFECT_LOOKUP:
		names_lookup(s, e);
		break;
	case EFFECT_ORDERED:
		ordered(s, e);
		break;
	case EFFECT_EVENT:
		check_event(s, e->event);
		if (e->event->kind == SIG_CALL_WAITING)
			application_told(s, e->call);
		break;
	case EFFECT_PLAY:
		play(s, e);
		break;
	case EFFECT_BINDING_GET:
		sim_after(s, NS_PER_MS, on_binding_got, node_extension_index(text_str(&e->user)),
			  s->node.incarnation, 0);
		break;
	case EFFECT_CALL_OPEN:
	case EFFECT_PLAY_STOP: /* news of it comes all the same, and too late */
	case EFFECT_TRUST:
	case EFFECT_SECURITY:
		break;
	}
}

static void on_renewal(struct sim *s, const struct event *e)
{
	if (!s->node.shard || e->a != s->node.incarnation)
		return;
	if (s->store.down) /* no answer */
		sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, 0, e->a, 0);
	else
		node_fenced(s);
}

/* Another owner has the shard. The node hears of it with the next answer of the store, at the latest to its renewal. */
static void lose(struct sim *s)
{
	trace_line(s, "store: another owner takes the shard");
	s->totals.fences++;
	s->store.taken = s->node.incarnation;
	sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, 0, s->node.incarnation, 0);
}

/* False: it died on the way. */
static bool carry_list(struct sim *s, struct effects *list)
{
	check_effects(s, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		if (s->node.crash_in && --s->node.crash_in == 0 && !s->calm)
			return false;
		if (s->node.fence_in && --s->node.fence_in == 0 && !s->calm)
			lose(s);
		carry_one(s, &list->list[i]);
		s->node.effects++;
	}
	effects_clear(list);
	return true;
}

static bool carry_all(struct sim *s)
{
	return carry_list(s, locations_effects(s->node.locations)) &&
	       carry_list(s, shard_effects(s->node.shard));
}

static void on_timer(struct sim *s, const struct event *e);

static void arm(struct sim *s)
{
	uint64_t next = shard_next_ns(s->node.shard);
	uint64_t locations = locations_next_ns(s->node.locations);
	uint64_t in;

	if (locations < next)
		next = locations;

	if (next == UINT64_MAX || next >= s->node.timer_ns)
		return;
	s->node.timer_ns = next;
	in = next > BOOT0_NS + s->now_ns ? next - BOOT0_NS - s->now_ns : 0;
	sim_after(s, in, on_timer, 0, s->node.incarnation, next);
}

/* After each call of the shard. */
static void carry(struct sim *s)
{
	if (!carry_all(s)) {
		crash(s);
		return;
	}
	store_flush(s);
	check_step(s);
	arm(s);
}

static void on_timer(struct sim *s, const struct event *e)
{
	if (!s->node.shard || e->a != s->node.incarnation || e->b != s->node.timer_ns)
		return;
	s->node.timer_ns = NO_TIMER;
	locations_expire(s->node.locations, node_now(s));
	shard_expire(s->node.shard, node_now(s));
	carry(s);
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
	n->timer_ns = NO_TIMER;
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
	carry(s);
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
static void crash(struct sim *s)
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
		crash(s);
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

/* ---- events ---- */

static void on_health(struct sim *s, const struct event *e)
{
	if (e->a != s->node.health_serial || e->b != s->node.incarnation || s->store.down)
		return;
	node_health(s, true);
}

void node_health(struct sim *s, bool healthy)
{
	struct node *n = &s->node;

	if (!n->shard)
		return;
	n->health_serial++;
	if (!healthy && !s->store.down)
		sim_after(s, sim_between_ms(s, DEGRADED_MIN_MS, DEGRADED_MAX_MS), on_health, 0,
			  n->health_serial, n->incarnation);
	if (n->degraded == !healthy)
		return;
	trace_line(s, "node: %s", healthy ? "the store is well" : "degraded");
	n->degraded = !healthy;
	check_degraded(s);
	shard_degraded(n->shard, !healthy, node_now(s));
	locations_degraded(n->locations, !healthy, node_now(s));
	carry(s);
}

void node_receive(struct sim *s, const struct sip_hop *from, struct bytes message)
{
	if (!s->node.shard)
		return;
	check_received(s, message);
	shard_receive(s->node.shard, from, message, node_now(s));
	carry(s);
}

void node_send_failed(struct sim *s, const struct sip_hop *to)
{
	if (!s->node.shard)
		return;
	shard_send_failed(s->node.shard, to, ECONNREFUSED, node_now(s));
	carry(s);
}

void node_connection_closed(struct sim *s, const struct sip_hop *hop)
{
	if (!s->node.shard)
		return;
	shard_connection_closed(s->node.shard, hop, node_now(s));
	carry(s);
}

void node_saved(struct sim *s, const struct store_command *c, bool ok)
{
	struct shard *shard = s->node.shard;
	enum location_result result = c->conflict ? BINDING_CONFLICT : BINDING_SAVED;
	struct bytes user = text_bytes(&c->user), tenant;

	check_saved(s, c, ok);
	(void)bytes_cut(&user, ':', &tenant);
	switch (c->kind) {
	case EFFECT_CALL_SAVE:
		shard_call_saved(shard, c->call, c->version, ok, node_now(s));
		break;
	case EFFECT_CALL_END:
		shard_call_ended(shard, c->call, ok, node_now(s));
		break;
	case EFFECT_BINDING_SAVE:
		locations_saved(s->node.locations, tenant, user, c->version,
				ok ? result : BINDING_FAILED, node_now(s));
		break;
	case EFFECT_BINDING_GET:
	case EFFECT_SEND:
	case EFFECT_CALL_OPEN:
	case EFFECT_MEDIA:
	case EFFECT_EVENT:
	case EFFECT_TRUST:
	case EFFECT_SECURITY:
	case EFFECT_PLAY:
	case EFFECT_SET:
	case EFFECT_LOOKUP:
	case EFFECT_PLAY_STOP:
	case EFFECT_ORDERED:
		break;
	}
	carry(s);
}

/* What is in the documents counts from now on. */
void node_set_told(struct sim *s, uint32_t extension, uint64_t call, const struct set_news *news)
{
	struct call_view view;
	char number[16];
	bool waits = shard_call_glance(s->node.shard, call, &view) && view.state < CALL_ANSWERING;

	if (extension < s->phones.extension_count &&
	    shard_forward_set(s->node.shard, s->node.tenant, node_extension(extension, number),
			      &s->phones.forward[extension]))
		abort();
	shard_set_told(s->node.shard, call, news, node_now(s));
	if (waits && shard_call_glance(s->node.shard, call, &view) && view.state == CALL_ANSWERING)
		check_answers(s, call);
	carry(s);
}

void node_lookup_told(struct sim *s, uint64_t call, const struct lookup_news *news)
{
	shard_lookup_told(s->node.shard, call, news, node_now(s));
	carry(s);
}

void node_media_event(struct sim *s, const struct media_event *ev)
{
	if (!s->node.shard)
		return;
	shard_media_event(s->node.shard, ev, node_now(s));
	carry(s);
}

static void on_media_failed(struct sim *s, const struct event *e)
{
	struct flow_id id = { .slot = (uint32_t)(e->a >> 32), .generation = (uint32_t)e->a };

	if (!s->node.shard || e->who != s->node.incarnation)
		return;
	shard_media_failed(s->node.shard, id, e->b, -EADDRINUSE, node_now(s));
	carry(s);
}

void node_media_failed(struct sim *s, struct flow_id id, uint64_t call)
{
	sim_after(s, 0, on_media_failed, s->node.incarnation,
		  (uint64_t)id.slot << 32 | id.generation, call);
}

void node_hangup(struct sim *s, uint64_t call)
{
	if (!s->node.shard || shard_hangup(s->node.shard, call, NULL, node_now(s)))
		return;
	trace_line(s, "node: the operator ends call %" PRIx64, call);
	carry(s);
}

void node_originate(struct sim *s, uint32_t from, uint32_t to)
{
	char name[32], from_text[16], to_text[16];
	struct shard_originate o = { .tenant = s->node.tenant,
				     .from = node_extension(from, from_text),
				     .to = node_extension(to, to_text) };
	int err;

	if (!s->node.shard)
		return;
	(void)snprintf(name, sizeof(name), "command-%u", ++s->node.commands);
	o.call = id_call_derive(s->node.settings.number, bytes_str(name));
	err = shard_call_originate(s->node.shard, &o, node_now(s));
	trace_line(s, "node: %s calls %s by command as %" PRIx64 ": %d", o.from, o.to, o.call, err);
	s->totals.originated += err == 0;
	carry(s);
}

static struct node_order *order_new(struct sim *s, uint64_t call, uint64_t what)
{
	struct node *n = &s->node;

	if (n->order_count == NODE_ORDERS_MAX)
		return NULL;
	n->orders[n->order_count] =
		(struct node_order){ .call = call, .id = n->order_count + 1, .what = what };
	return &n->orders[n->order_count++];
}

/* Behind those of a leg; in tens the leg that is named, and in ones an extension, or the leg of the other call. */
enum {
	ORDER_KINDS = 5,
	ORDER_TRANSFERS = 100,
	ORDER_JOINS = 200,
	ORDER_DEFLECTS = 300,
	ORDER_REJECTS = 400, /* the status */
};

static int order_deflect_give(struct sim *s, const struct node_order *o,
			      const struct shard_order *by)
{
	char to[16];
	struct call_order order = {
		.kind = ORDER_DEFLECT,
		.to = bytes_str(node_extension((uint32_t)(o->what - ORDER_DEFLECTS), to)),
		.by = by,
	};

	return shard_call_order(s->node.shard, o->call, &order, node_now(s));
}

static int order_reject_give(struct sim *s, const struct node_order *o,
			     const struct shard_order *by)
{
	struct call_order order = { .kind = ORDER_REJECT,
				    .status = (uint16_t)o->what,
				    .phrase = BYTES_LIT("Not now"),
				    .by = by };

	return shard_call_order(s->node.shard, o->call, &order, node_now(s));
}

static int order_transfer_give(struct sim *s, const struct node_order *o,
			       const struct shard_order *by)
{
	enum shard_leg leg = (enum shard_leg)(o->what / 10 % 10);
	struct shard_join join = { .call = o->call,
				   .with = o->with,
				   .leg = leg,
				   .with_leg = (enum shard_leg)(o->what % 10),
				   .by = by };
	char to[16];
	int err;

	if (o->what >= ORDER_REJECTS)
		return order_reject_give(s, o, by);
	if (o->what >= ORDER_DEFLECTS)
		return order_deflect_give(s, o, by);
	if (o->what >= ORDER_JOINS)
		err = shard_call_join(s->node.shard, &join, node_now(s));
	else
		err = shard_call_transfer(s->node.shard, o->call, leg,
					  node_extension((uint32_t)(o->what % 10), to), by,
					  node_now(s));
	if (!err)
		check_given(s, o->call);
	if (!err && o->with)
		check_given(s, o->with);
	return err;
}

static bool is_split(const struct node_order *o)
{
	return o->what == ORDER_SPLIT_A || o->what == ORDER_SPLIT_B;
}

/* The id of the new call follows from that of the command. */
static uint64_t split_call(const struct sim *s, const struct node_order *o)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "split-%" PRIu64, o->id);
	return id_call_derive(s->node.settings.number, bytes_str(name));
}

static int split_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	const struct shard_split split = { .call = o->call,
					   .to = split_call(s, o),
					   .leg = o->what == ORDER_SPLIT_B,
					   .application = "",
					   .by = by };
	int err = shard_call_split(s->node.shard, &split, node_now(s));

	if (!err)
		check_split(s, o->call, split.to);
	return err;
}

static int act_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	static const struct act_terms terms[] = {
		{ .files = { "a.wav", "b.wav", "echo" }, .file_count = 3, .times = 2 },
		{ .files = { "a.wav" },
		  .file_count = 1,
		  .times = 1,
		  .interruptible = true,
		  .min = 1,
		  .max = 3,
		  .first_ms = 4000,
		  .inter_ms = 4000,
		  .ends = "#" },
		{ .times = 0 },
		{ .files = { "a.wav", "tone-dial" },
		  .file_count = 2,
		  .times = 1,
		  .interruptible = true,
		  .min = 1,
		  .max = 2,
		  .first_ms = 4000,
		  .inter_ms = 4000,
		  .ends = "#" },
		{ .files = { "a.wav", "echo-2000" }, .file_count = 2, .times = 1 },
	};

	return shard_call_act(s->node.shard, o->call, &terms[o->what - ORDER_PLAYS], by,
			      node_now(s));
}

static int order_give(struct sim *s, const struct node_order *o)
{
	struct shard_order by = { .id = o->id, .ticket = o->id };
	struct shard *shard = s->node.shard;
	struct instant now = node_now(s);
	uint8_t leg = o->what & 1;

	if (o->what >= ORDER_TRANSFERS)
		return order_transfer_give(s, o, &by);
	if (o->what == ORDER_OF_APPLICATION)
		return shard_call_answer(shard, o->call, &by, now);
	if (is_split(o))
		return split_give(s, o, &by);
	if (o->what >= ORDER_PLAYS)
		return act_give(s, o, &by);
	switch (o->what / 2) {
	case 0:
		return shard_call_hold(shard, o->call, leg, &by, now);
	case 1:
		return shard_call_resume(shard, o->call, leg, &by, now);
	case 2:
	case 3:
		return shard_call_mute(shard, o->call, leg, o->what / 2 == 2, &by, now);
	default:
		return shard_call_dtmf(shard, o->call, leg, BYTES_LIT("12#"), 120, &by, now);
	}
}

static void on_order_again(struct sim *s, const struct event *e);

static const char *order_name(const struct node_order *o)
{
	static const char *const names[] = { "hold",   "resume", "mute",  "unmute", "dtmf",
					     "answer", "split",  "split", "play",   "collect",
					     "stop",   "dial",   "late" };

	if (o->what >= ORDER_REJECTS)
		return "reject";
	if (o->what >= ORDER_DEFLECTS)
		return "deflect";
	if (o->what >= ORDER_JOINS)
		return "join";
	if (o->what >= ORDER_TRANSFERS)
		return "transfer";
	return names[o->what < ORDER_OF_APPLICATION ? o->what / 2
						    : ORDER_KINDS + o->what - ORDER_OF_APPLICATION];
}

static void order_send(struct sim *s, struct node_order *o)
{
	bool silences = o->what / 2 == 0 || o->what / 2 == 2;
	int err;

	if (o->sent++ < 2 && sim_chance(s, 500))
		sim_after(s, sim_between_ms(s, 1, 4000), on_order_again, 0, o->id - 1, 0);
	if (!s->node.shard)
		return;
	if (silences)
		check_held(s, o->call);
	err = order_give(s, o);
	if (o->what == ORDER_OF_APPLICATION && !err)
		check_answers(s, o->call);
	trace_line(s, "node: %s of call %" PRIx64 " leg %u: %d", order_name(o), o->call,
		   (unsigned)(o->what & 1), err);
	carry(s);
}

/* Its client heard no answer, or died. */
static void on_order_again(struct sim *s, const struct event *e)
{
	order_send(s, &s->node.orders[e->a]);
}

void node_command(struct sim *s, uint64_t call, uint64_t what)
{
	struct node_order *o = s->node.shard ? order_new(s, call, what) : NULL;

	if (o)
		order_send(s, o);
}

void node_again(struct sim *s)
{
	if (s->node.order_count)
		order_send(s, &s->node.orders[s->node.order_count - 1]);
}

void node_transfer(struct sim *s, uint64_t call, enum shard_leg leg, uint32_t to)
{
	node_command(s, call, ORDER_TRANSFERS + 10U * leg + to);
}

void node_deflect(struct sim *s, uint64_t call, uint32_t to)
{
	node_command(s, call, ORDER_DEFLECTS + to);
}

void node_reject(struct sim *s, uint64_t call, uint32_t status)
{
	node_command(s, call, status);
}

void node_join(struct sim *s, uint64_t call, enum shard_leg leg, uint64_t with,
	       enum shard_leg with_leg)
{
	struct node_order *o = s->node.shard ? order_new(s, call, ORDER_JOINS) : NULL;

	if (!o)
		return;
	o->what += 10U * leg + with_leg;
	o->with = with;
	order_send(s, o);
}

static void on_application(struct sim *s, const struct event *e)
{
	node_command(s, e->b, e->a);
}

/* Some of its callers it gives on to an extension. */
static void application_gives_on(struct sim *s, uint64_t call)
{
	struct rand_source *rand = &s->applications;
	uint32_t to = rand_below(rand, s->phones.extension_count);

	sim_after(s, (3000 + rand_below(rand, 12000)) * NS_PER_MS, on_application, 0,
		  ORDER_TRANSFERS + to, call);
}

/* It answers most calls, some of them too late. */
static void application_told(struct sim *s, uint64_t call)
{
	uint64_t in = rand_below(&s->applications, 1000) < 700 ? 3000 : 12000;

	trace_line(s, "node: call %" PRIx64 " waits for the application", call);
	if (s->script) /* nothing is left to chance */
		sim_after(s, (s->script->answer_s ? s->script->answer_s : 2) * NS_PER_S,
			  on_application, 0, ORDER_OF_APPLICATION, call);
	else if (rand_below(&s->applications, 1000) < 850)
		sim_after(s, rand_below(&s->applications, (uint32_t)in) * NS_PER_MS, on_application,
			  0, ORDER_OF_APPLICATION, call);
	if (!s->script && rand_below(&s->applications, 1000) < 400)
		application_gives_on(s, call);
}
