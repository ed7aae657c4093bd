/* SPDX-License-Identifier: Apache-2.0 */
/* What clients tell the node to do. */
#include "tests/sim/node_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "sig/call/prompts.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"
#include "tests/unit/sig/orders.h"

void node_hangup(struct sim *s, uint64_t call)
{
	struct shard *core = node_core(s, call);

	if (!core || shard_hangup(core, call, NULL, node_now(node_of_call(s, call))))
		return;
	trace_line(s, "node: the operator ends call %" PRIx64, call);
	node_carry(node_of_call(s, call));
}

/* Those that live take turns. */
static const struct node_shard *shard_in_turn(const struct node *n, uint32_t turn)
{
	const struct node_shard *live[SHARDS_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			live[count++] = &n->shards[i];
	}
	return count ? live[turn % count] : NULL;
}

void node_originate(struct node *n, uint32_t from, uint32_t to)
{
	char name[32], from_text[16], to_text[16];
	struct shard_originate o = { .tenant = n->tenant,
				     .from = node_extension(from, from_text),
				     .to = node_extension(to, to_text) };
	struct sim *s = n->sim;
	const struct node_shard *shard = shard_in_turn(n, s->orders.calls);
	int err;

	if (!shard)
		return;
	(void)snprintf(name, sizeof(name), "command-%u", ++s->orders.calls);
	o.call = id_call_derive(shard->number, bytes_str(name));
	err = shard_call_originate(shard->core, &o, node_now(n));
	trace_line(s, "node: %s calls %s by command as %" PRIx64 ": %d", o.from, o.to, o.call, err);
	s->totals.originated += err == 0;
	node_carry(n);
}

static struct node_order *order_new(struct sim *s, uint64_t call, uint64_t what)
{
	struct node_orders *all = &s->orders;

	if (all->count == NODE_ORDERS_MAX)
		return NULL;
	all->list[all->count] =
		(struct node_order){ .call = call, .id = all->count + 1, .what = what };
	return &all->list[all->count++];
}

/* Behind those of a leg; in tens the leg that is named, and in ones an extension, or the leg of the other call. */
enum {
	ORDER_KINDS = 5,
	ORDER_TRANSFERS = 100,
	ORDER_JOINS = 200,
	ORDER_DEFLECTS = 300,
	ORDER_REJECTS = 400, /* the status */
	ORDER_CONFERS = 1000,
	ORDER_CONFERS_INTO = 1100,
};

static struct instant now_of(const struct sim *s, const struct node_order *o)
{
	return node_now(node_of_call(s, o->call));
}

static int order_deflect_give(struct sim *s, const struct node_order *o,
			      const struct shard_order *by)
{
	char to[16];
	struct call_order order = {
		.kind = ORDER_DEFLECT,
		.to = bytes_str(node_extension((uint32_t)(o->what - ORDER_DEFLECTS), to)),
		.by = by,
	};

	return shard_call_order(node_core(s, o->call), o->call, &order, now_of(s, o));
}

static int order_reject_give(struct sim *s, const struct node_order *o,
			     const struct shard_order *by)
{
	struct call_order order = { .kind = ORDER_REJECT,
				    .status = (uint16_t)o->what,
				    .phrase = BYTES_LIT("Not now"),
				    .by = by };

	return shard_call_order(node_core(s, o->call), o->call, &order, now_of(s, o));
}

/* The other call is on another node: that is asked first (app/command/command_transfer.c). */
static int join_give_far(struct sim *s, struct shard_join *join, struct instant now)
{
	static const struct call_remote again = { 0 };
	struct shard *core = node_core(s, join->call);

	if (shard_call_was_joined(core, join))
		return shard_call_join_remote(core, join, &again, now);
	return node_link_asks(node_of_call(s, join->call), join->by->ticket, join) ? -EINPROGRESS
										   : -EAGAIN;
}

/* Of two shards the one that has the call that goes on. */
static int join_hand_over(struct sim *s, struct shard_join *join, struct instant now)
{
	struct shard *core = node_core(s, join->call), *other = node_core(s, join->with);
	int err;

	if (s->links.on && node_of_call(s, join->call) != node_of_call(s, join->with))
		return join_give_far(s, join, now);
	check_across(s, node_of_call(s, join->call)->index, node_of_call(s, join->with)->index);
	if (core == other || !other || node_of_call(s, join->call) != node_of_call(s, join->with))
		return shard_call_join(core, join, now);
	err = shard_call_join_local(core, other, join, now);
	s->totals.joins += err == 0;
	return err;
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
		err = join_hand_over(s, &join, now_of(s, o));
	else
		err = shard_call_transfer(node_core(s, o->call), o->call, leg,
					  node_extension((uint32_t)(o->what % 10), to), by,
					  now_of(s, o));
	if (!err)
		check_given(s, o->call);
	if (!err && o->with)
		check_given(s, o->with);
	return err;
}

static struct node_order *order_of(struct sim *s, uint64_t ticket)
{
	return &s->orders.list[ticket - 1];
}

void node_far_told(struct node *n, uint64_t order, const struct remote_joined *told)
{
	struct sim *s = n->sim;
	const struct node_order *o = order_of(s, order);
	const struct shard_order by = { .id = o->id, .ticket = o->id };
	struct shard_join join = { .call = o->call,
				   .with = o->with,
				   .leg = (enum shard_leg)(o->what / 10 % 10),
				   .with_leg = (enum shard_leg)(o->what % 10),
				   .by = &by };
	struct shard *core = node_core_of(n, o->call);
	struct call_remote far;
	int err = told ? (int)shard_remote_refusal(told->verdict) : -ETIMEDOUT;

	s->links.totals.refused += err != 0;
	if (!err && core) {
		far = told->remote;
		far.shard = id_shard(o->with);
		err = shard_call_join_remote(core, &join, &far, node_now(n));
		if (!err) {
			check_given(s, o->call);
			check_given(s, o->with);
			s->totals.joins++;
		}
	}
	trace_line(s, "node: order %" PRIu64 " of call %" PRIx64 ", the other node was asked: %d",
		   order, o->call, err);
}

static int conference_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	char name[32], to[16];
	struct shard_conference_request to_conference = {
		.call = o->call, .with = o->with, .leg = SHARD_LEG_CALLER, .by = by
	};
	struct shard *core = node_core(s, o->call);

	if (o->what == ORDER_CONFERS_INTO) {
		to_conference.call = o->with;
		to_conference.room = shard_call_room(core, o->call);
		return shard_conference_into(core, &to_conference, now_of(s, o));
	}
	(void)snprintf(name, sizeof(name), "room-%" PRIu64, o->id);
	to_conference.room = id_call_derive(id_shard(o->call), bytes_str(name));
	(void)snprintf(name, sizeof(name), "rung-%" PRIu64, o->id);
	to_conference.rung = id_call_derive(id_shard(o->call), bytes_str(name));
	to_conference.to = node_extension((uint32_t)(o->what - ORDER_CONFERS), to);
	if (!to_conference.with)
		return shard_conference_ring(core, &to_conference, now_of(s, o));
	return shard_conference_request(core, &to_conference, now_of(s, o));
}

static bool is_split(const struct node_order *o)
{
	return o->what == ORDER_SPLIT_A || o->what == ORDER_SPLIT_B;
}

/* The id of the new call follows from that of the command. */
static uint64_t split_call(const struct node_order *o)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "split-%" PRIu64, o->id);
	return id_call_derive(id_shard(o->call), bytes_str(name));
}

static int split_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	const struct shard_split split = { .call = o->call,
					   .to = split_call(o),
					   .leg = o->what == ORDER_SPLIT_B,
					   .application = "",
					   .by = by };
	int err = shard_call_split(node_core(s, o->call), &split, now_of(s, o));

	if (!err)
		check_split(s, o->call, split.to);
	return err;
}

static int control_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	static const enum prompt_control controls[] = { PROMPT_PAUSE, PROMPT_RESUME,
							PROMPT_SKIP_BACK };
	struct call_order order = { .kind = ORDER_CONTROL,
				    .control = (uint8_t)controls[o->what - ORDER_PAUSES],
				    .ms = 500,
				    .by = by };

	return shard_call_order(node_core(s, o->call), o->call, &order, now_of(s, o));
}

static int act_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	static const struct prompt_terms terms[] = {
		{ .files = { "a.wav", "b.wav", "echo" }, .file_count = 3, .times = 2 },
		{ .files = { "a.wav" },
		  .file_count = 1,
		  .times = 1,
		  .interruptible = true,
		  .min = 1,
		  .max = 3,
		  .first_ms = 4000,
		  .inter_ms = 4000,
		  .ends = "#",
		  .tag = "Case.CaseNumber" },
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

	return shard_call_prompt(node_core(s, o->call), o->call, &terms[o->what - ORDER_PLAYS], by,
				 now_of(s, o));
}

/* Behind a beep, until nothing is said any more or a key ends it. */
static int message_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	static const struct prompt_terms terms = { .files = { PROMPT_BEEP },
						   .file_count = 1,
						   .times = 1,
						   .message_max_ms = 30000,
						   .message_silence_ms = 3000,
						   .ends = "#" };

	return shard_call_prompt(node_core(s, o->call), o->call, &terms, by, now_of(s, o));
}

static int account_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	struct call_order order = { .kind = ORDER_ACCOUNT, .to = BYTES_LIT("4711"), .by = by };

	return shard_call_order(node_core(s, o->call), o->call, &order, now_of(s, o));
}

static int page_give(struct sim *s, const struct node_order *o, const struct shard_order *by)
{
	struct call_order order = {
		.kind = ORDER_RECORD, .record = ORDER_RECORD_ON, .by_page = true, .by = by
	};

	return shard_call_order(node_core(s, o->call), o->call, &order, now_of(s, o));
}

static int order_give(struct sim *s, const struct node_order *o)
{
	struct shard_order by = { .id = o->id, .ticket = o->id };
	struct shard *shard = node_core(s, o->call);
	struct instant now = now_of(s, o);
	uint8_t leg = o->what & 1;

	if (o->what >= ORDER_CONFERS)
		return conference_give(s, o, &by);
	if (o->what >= ORDER_TRANSFERS)
		return order_transfer_give(s, o, &by);
	if (o->what == ORDER_OF_APPLICATION)
		return shard_call_answer(shard, o->call, &by, now);
	if (is_split(o))
		return split_give(s, o, &by);
	if (o->what == ORDER_ACCOUNTS)
		return account_give(s, o, &by);
	if (o->what == ORDER_PAGES)
		return page_give(s, o, &by);
	if (o->what == ORDER_LEAVES_MESSAGE)
		return message_give(s, o, &by);
	if (o->what >= ORDER_RECORDS)
		return shard_call_record(shard, o->call, 0,
					 (enum order_record)(o->what - ORDER_RECORDS), &by, now);
	if (o->what >= ORDER_PAUSES)
		return control_give(s, o, &by);
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
	static const char *const names[] = {
		"hold",    "resume",       "mute",          "unmute",        "dtmf",
		"answer",  "split",        "split",         "play",          "collect",
		"stop",    "dial",         "late",          "pause",         "go on",
		"go back", "record",       "record: pause", "record: go on", "record: stop",
		"message", "account code", "record page"
	};

	if (o->what >= ORDER_CONFERS)
		return "conference";
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
	if (!node_core(s, o->call))
		return;
	if (silences)
		check_held(s, o->call);
	err = order_give(s, o);
	if (o->what == ORDER_OF_APPLICATION && !err)
		check_answers(s, o->call);
	trace_line(s, "node: %s of call %" PRIx64 " leg %u: %d", order_name(o), o->call,
		   (unsigned)(o->what & 1), err);
	node_carry(node_of_call(s, o->call));
}

/* Its client heard no answer, or died. */
static void on_order_again(struct sim *s, const struct event *e)
{
	order_send(s, &s->orders.list[e->a]);
}

void node_command(struct sim *s, uint64_t call, uint64_t what)
{
	struct node_order *o = node_core(s, call) ? order_new(s, call, what) : NULL;

	if (o)
		order_send(s, o);
}

void node_again(struct sim *s)
{
	if (s->orders.count)
		order_send(s, &s->orders.list[s->orders.count - 1]);
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
	struct node_order *o = node_core(s, call) ? order_new(s, call, ORDER_JOINS) : NULL;

	if (!o)
		return;
	o->what += 10U * leg + with_leg;
	o->with = with;
	order_send(s, o);
}

void node_confer(struct sim *s, uint64_t call, uint64_t with, uint32_t to)
{
	struct node_order *o = node_core(s, call) ? order_new(s, call, ORDER_CONFERS + to) : NULL;

	if (!o)
		return;
	o->with = with;
	order_send(s, o);
}

void node_confer_into(struct sim *s, uint64_t call, uint64_t with)
{
	node_confer(s, call, with, ORDER_CONFERS_INTO - ORDER_CONFERS);
}

/* One of each shard in turn, and legs by chance. */
bool node_join_any(struct node *n, struct rand_source *rand)
{
	uint64_t calls[2] = { 0 };
	enum shard_leg second;
	struct call_view v;

	for (uint32_t i = 0, k = 0; i < n->shard_count && k < 2; i++) {
		uint32_t cursor = 0;

		if (n->shards[i].core && shard_call_next(n->shards[i].core, &cursor, &v))
			calls[k++] = v.call;
	}
	if (!calls[1])
		return false;
	second = (enum shard_leg)(1 + rand_below(rand, 2));
	node_join(n->sim, calls[0], (enum shard_leg)(1 + rand_below(rand, 2)), calls[1], second);
	return true;
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
void node_application_told(struct sim *s, uint64_t call)
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
