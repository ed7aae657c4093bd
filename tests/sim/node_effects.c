/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of effects. */
#include "tests/sim/node_state.h"

#include <inttypes.h>
#include <string.h>

#include "tests/sim/decoys.h"
#include "tests/sim/effect_line.h"
#include "tests/sim/sim.h"

enum { RENEWAL_MS = 500, SHORT_MS = 900, STANDS_MS = 6000 };

/* The answer to an order. */
static void ordered(struct sim *s, const struct effect *e)
{
	const struct request_ordered *order = e->request;
	struct node_order *o = &s->orders.list[order->ticket - 1];

	trace_line(s, "node: order %" PRIu64 " is number %u of call %" PRIx64 "%s", order->ticket,
		   order->number, e->call, order->saved ? "" : ", not saved");
	if (!order->saved)
		return;
	if (e->call != o->call &&
	    shard_conference_view(node_core(s, e->call), e->call, &(struct room_view){ 0 }))
		return;
	if (e->call != o->call) { /* of a split the new call says so */
		check_stored_call(s, e->call);
		return;
	}
	check_ordered(s, o, order->number);
	o->number = order->number;
}

/* What the store has of an address of record. */
static void on_binding_got(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, (uint32_t)e->a);
	struct bytes user = text_bytes(&e->data), tenant, record = { 0 };
	const struct store_entry *entry = store_entry(s, user);

	if (!n)
		return;
	if (entry && s->sabotage != SABOTAGE_ALONE)
		record = text_bytes(&entry->record);
	(void)bytes_cut(&user, ':', &tenant);
	locations_got(n->locations, tenant, user, store_is_away(n) ? BINDING_FAILED : BINDING_SAVED,
		      record, node_now(n));
	node_carry(n);
}

static void binding_get(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	struct event got = { .ns = n->sim->now_ns + NS_PER_MS,
			     .fire = on_binding_got,
			     .a = n->incarnation };

	(void)shard;
	store_key(&got.data, e);
	queue_put(&n->sim->queue, &got);
}

/* As base/validity.h has it before each send. */
static bool is_withheld(struct node *n, const struct node_shard *shard)
{
	if (!shard || n->sim->sabotage == SABOTAGE_LAPSE)
		return false;
	if (n->sim->leases ? leases_speaks(n->sim, n->index, shard->number - SHARD_FIRST)
			   : !shard->silent_ns)
		return false;
	n->sim->totals.withheld++;
	n->shards[shard - n->shards].withheld = true;
	return true;
}

static void carry_send(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	const struct request_send *send = e->request;
	struct bytes message = text_bytes(&send->data);
	struct sim *s = n->sim;

	if (is_withheld(n, shard))
		return;
	if (shard && !s->misled &&
	    ((shard->silent_ns && !s->leases) || !node_shard_is_owner(n, shard)))
		check_fail(s, "shard %u has no lease, and speaks", shard->number);

	decoys_not_sent(s, &send->hop.remote);
	if (s->story)
		golden_said(s->story, &send->hop.remote, message);
	if (!check_sent(s, shard, &send->hop.remote, message))
		return;
	check_apart(n, message);
	if (send->hop.transport == SIP_INTER_SHARD)
		node_cell_say(n, shard, send);
	else
		net_send(s, n, &send->hop, message);
}

/* What a former owner believes is of no interest: the store refuses it. */
static bool is_owner(const struct node *n, const struct node_shard *shard)
{
	return !shard || node_shard_is_owner(n, shard);
}

enum { HELP_MS = 300 };

/* A web server has answered. */
static void on_helped(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	const struct reply reply = {
		.ask = ASK_HELPER,
		.of = e->a,
		.help = { .serial = e->b, .value = BYTES_LIT("{\"to\":\"desk\"}"), .status = 200 }
	};

	for (uint32_t i = 0; n && i < n->shard_count; i++) {
		if (n->shards[i].number != id_shard(e->a) || n->shards[i].fenced ||
		    !n->shards[i].core)
			continue;
		shard_replied(n->shards[i].core, &reply, node_now(n));
		node_carry(n);
		return;
	}
}

static void carry_save(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	if (is_owner(n, shard))
		check_save(n->sim, shard, e);
	store_save(n, shard, e);
}

static void carry_lamp_save(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	if (is_owner(n, shard))
		check_lamp_save(n->sim, shard, e);
	store_save(n, shard, e);
}

static void carry_object_save(struct node *n, const struct node_shard *shard,
			      const struct effect *e)
{
	store_save(n, shard, e);
}

static void carry_media(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	const struct request_media *media = e->request;

	(void)shard;
	engine_command(n, media->command, e->call);
}

static void carry_event(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	const struct sig_event *event = e->request;

	if (is_owner(n, shard))
		check_event(n->sim, event);
	if (event->kind == SIG_CALL_WAITING)
		node_application_told(n->sim, e->call);
}

static void carry_help(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	sim_after(n->sim, HELP_MS * NS_PER_MS, on_helped, n->incarnation, e->call, e->serial);
}

static void carry_ordered(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	if (is_owner(n, shard))
		ordered(n->sim, e);
}

static void carry_confer(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	if (is_owner(n, shard))
		node_confers(n, e);
}

static void carry_record(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	if (is_owner(n, shard))
		recorder_carry(n, shard, e);
}

static void carry_room_open(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	node_mixes(n, e);
}

static void carry_room_play(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	node_play_room(n, e);
}

static void carry_play(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	node_play(n, e);
}

static void carry_set(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	document_set(n, e);
}

static void carry_lookup(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	(void)shard;
	names_lookup(n, e);
}

static void carry_park(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	slots_ask(n, shard, e);
}

static void carry_kept(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	kept_ask(n, shard, e);
}

static void carry_box(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	boxes_ask(n, shard, e);
}

/* The others are not carried out: no phone publishes, no page is open, and all nodes have all
 * programs. What was cancelled is answered nevertheless, too late. */
static void (*const g_carries[EFFECT_KINDS])(struct node *n, const struct node_shard *shard,
					     const struct effect *e) = {
	[EFFECT_SEND] = carry_send,
	[EFFECT_CALL_SAVE] = carry_save,
	[EFFECT_CALL_END] = carry_save,
	[EFFECT_BINDING_SAVE] = carry_save,
	[EFFECT_BINDING_GET] = binding_get,
	[EFFECT_SUBSCRIPTION_SAVE] = carry_lamp_save,
	[EFFECT_OBJECT_SAVE] = carry_object_save,
	[EFFECT_MEDIA] = carry_media,
	[EFFECT_EVENT] = carry_event,
	[EFFECT_HELPER] = carry_help,
	[EFFECT_ORDERED] = carry_ordered,
	[EFFECT_CONFERENCE] = carry_confer,
	[EFFECT_RECORD] = carry_record,
	[EFFECT_ROOM_OPEN] = carry_room_open,
	[EFFECT_ROOM_PLAY] = carry_room_play,
	[EFFECT_PLAY] = carry_play,
	[EFFECT_SET] = carry_set,
	[EFFECT_LOOKUP] = carry_lookup,
	[EFFECT_PARK] = carry_park,
	[EFFECT_KV] = carry_kept,
	[EFFECT_BOX] = carry_box,
};

/* shard: NULL of an effect of the locations. */
static void carry_one(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	effect_line(n, shard ? shard->number : 0, e);
	decoys_not_named(n, e);
	if (g_carries[e->kind])
		g_carries[e->kind](n, shard, e);
}

/* who: the process; a: the shard */
static void on_renewal(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, e->who);
	struct node_shard *shard = n ? node_shard_of(n, (uint16_t)e->a) : NULL;

	if (!shard || !shard->core)
		return;
	if (store_is_away(n)) /* no answer */
		sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, e->who, e->a, 0);
	else
		node_fenced(n, shard);
}

/* Another owner has the shard. The node hears of it with the next answer of the store, at the latest to its renewal. Where leases say whose
 * it is the node stands still there: another one may take it, and this one goes on amid what it was about to do. */
static void lose(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;

	if (s->leases)
		node_stand(n, sim_between_ms(s, 50, sim_chance(s, 500) ? SHORT_MS : STANDS_MS));
	if (s->floats)
		return;
	shard = shard ? shard : &n->shards[0]; /* of a node that tells what another one did */
	trace_line(s, "store: another owner takes the shard");
	s->totals.fences++;
	s->store.taken[shard->number - SHARD_FIRST] = n->incarnation;
	sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, n->incarnation, shard->number, 0);
}

/* What goes wrong before the next effect. False: the node dies. */
static bool mishap(struct node *n, const struct node_shard *shard)
{
	struct sim *s = n->sim;
	bool fenced = n->fence_in && --n->fence_in == 0;
	bool harmed;

	if (n->crash_in && --n->crash_in == 0 && !s->calm)
		return false;
	harmed = s->counts && ++s->effects == s->behind;
	if (harmed && story_harm_kills(s) && !s->calm)
		return false;
	if (harmed)
		story_harm(s);
	fenced |= harmed && s->harm == HARM_FENCE;
	if (fenced && !s->calm)
		lose(n, shard);
	return true;
}

/* Those are carried out; the others are when it goes on. */
static void list_cut(struct effects *list, uint32_t count)
{
	struct effects done = { .list = list->list, .count = count };

	if (count == 0)
		return;
	effects_clear(&done);
	list->count -= count;
	memmove(list->list, list->list + count, list->count * sizeof(*list->list));
}

/* False: it died on the way. */
static bool carry_list(struct node *n, const struct node_shard *shard, struct effects *list)
{
	uint32_t i = 0;

	if (node_stands(n))
		return true;
	check_effects(n->sim, list->count);
	for (; i < list->count && !node_stands(n); i++) {
		if (!mishap(n, shard))
			return false;
		if (node_stands(n))
			break;
		carry_one(n, shard, &list->list[i]);
	}
	list_cut(list, i);
	return true;
}

static bool carry_all(struct node *n)
{
	bool lives = carry_list(n, NULL, locations_effects(n->locations));

	for (uint32_t i = 0; i < n->shard_count && lives; i++) {
		const struct node_shard *shard = &n->shards[i];

		if (shard->core)
			lives = carry_list(n, shard, shard_effects(shard->core));
	}
	return lives;
}

void node_carry_last(struct node *n, const struct node_shard *shard)
{
	struct effects *list = shard_effects(shard->core);

	for (uint32_t i = 0; i < list->count && n->sim->sabotage != SABOTAGE_MEDIA; i++)
		carry_one(n, shard, &list->list[i]);
	effects_clear(list);
}

static void on_timer(struct sim *s, const struct event *e);

static uint64_t next_ns(const struct node *n)
{
	uint64_t next = locations_next_ns(n->locations);

	for (uint32_t i = 0; i < n->shard_count; i++) {
		const struct shard *core = n->shards[i].leaving ? NULL : n->shards[i].core;
		uint64_t own = core ? shard_next_ns(core) : UINT64_MAX;

		next = own < next ? own : next;
	}
	return next;
}

static void arm(struct node *n)
{
	uint64_t next = next_ns(n), now_ns = node_now(n).ns;

	if (next == UINT64_MAX || next >= n->timer_ns)
		return;
	n->timer_ns = next;
	sim_after(n->sim, next > now_ns ? next - now_ns : 0, on_timer, 0, n->incarnation, next);
}

void node_carry(struct node *n)
{
	do {
		if (!carry_all(n)) {
			node_crash(n);
			return;
		}
	} while (!node_stands(n) && node_cells_hear(n));
	if (node_stands(n)) /* what it wrote is in its buffers */
		return;
	node_link_flush(n);
	store_flush(n->sim);
	slots_flush(n->sim);
	kept_flush(n->sim);
	boxes_flush(n->sim);
	check_step(n->sim);
	arm(n);
}

static void on_timer(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, (uint32_t)e->a);

	if (!n || e->b != n->timer_ns)
		return;
	n->timer_ns = NODE_NO_TIMER;
	locations_expire(n->locations, node_now(n));
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core && !n->shards[i].leaving)
			shard_expire(n->shards[i].core, node_now(n));
	}
	node_carry(n);
}
