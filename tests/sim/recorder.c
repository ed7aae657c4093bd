/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/recorder.h"

#include <inttypes.h>

#include "sig/model/recording.h"
#include "sig/shard/shard_state.h"
#include "tests/sim/golden.h"
#include "tests/sim/sim.h"

enum { SEEDS_RECORDED = 4, ORDERS = 8, ORDER_FROM_MS = 9000, ORDER_EVERY_MS = 7130 };

/* ---- what is recorded ---- */

enum record_method recorder_method(const struct sim *s, uint32_t extension)
{
	static const enum record_method of_seeds[] = { RECORD_AUTO, RECORD_ON_DEMAND, RECORD_OFF };

	if (s->script && s->script->recorded >> extension & 1)
		return RECORD_AUTO;
	if (s->script && s->script->on_demand >> extension & 1)
		return RECORD_ON_DEMAND;
	return s->recorders.on ? of_seeds[extension % COUNT_OF(of_seeds)] : RECORD_OFF;
}

/* To one of those that are on, in turn. */
static void on_order(struct sim *s, const struct event *e)
{
	struct node_calls cursor = { 0 };
	struct call_view v;
	uint64_t skip = e->a % 3;

	while (node_call_next(s, &cursor, &v)) {
		if (skip-- == 0) {
			node_command(s, v.call, ORDER_RECORDS + e->a % ORDER_RECORD_WHATS);
			return;
		}
	}
}

/* Nothing is taken from the seed's numbers: stories without recordings stay as they were. */
void recorder_start(struct sim *s)
{
	s->recorders.on = !s->script && s->seed % SEEDS_RECORDED == 1;
	for (uint64_t i = 0; s->recorders.on && i < ORDERS; i++)
		sim_after(s, (ORDER_FROM_MS + i * ORDER_EVERY_MS) * NS_PER_MS, on_order, 0,
			  s->seed / SEEDS_RECORDED + i, 0);
}

/* ---- what a recorder is told ---- */

struct recorder_file *recorder_file_of(struct sim *s, uint64_t call, uint8_t number)
{
	for (uint32_t i = 0; i < s->recorders.count; i++) {
		struct recorder_file *f = &s->recorders.list[i];

		if (f->call == call && f->number == number)
			return f;
	}
	return NULL;
}

/* The next save of the call. */
static uint64_t next_of(struct sim *s, uint64_t call)
{
	const struct seen *seen = check_seen(s, call);

	return seen ? seen->asked + 1 : 1;
}

/* The store has forgotten, or was not there when something was promised. */
static bool is_excused(struct sim *s, uint64_t call)
{
	const struct seen *seen = check_seen(s, call);

	return !seen || seen->excused || seen->weak;
}

void recorder_found(struct sim *s, uint64_t call, uint64_t version)
{
	for (uint32_t i = 0; i < s->recorders.count; i++) {
		struct recorder_file *f = &s->recorders.list[i];

		if (f->call != call)
			continue;
		f->unknown |= f->first > version;
		if (f->need > version)
			f->segment--;
		f->paused_anyhow |= f->paused_need > version;
		f->ended &= f->ended_need <= version;
		f->first = f->need = f->paused_need = f->ended_need = 0;
	}
}

static void file_begins(struct sim *s, const struct node_shard *shard, const struct effect *e)
{
	const struct request_record *r = e->request;
	struct recorder_file *f = recorder_file_of(s, e->call, r->number);

	if (f && !f->unknown && !is_excused(s, e->call))
		check_fail(s, "recording %u of call %" PRIx64 " begins twice", r->number, e->call);
	if (r->segment != 1)
		check_fail(s, "recording %u of call %" PRIx64 " begins with segment %u", r->number,
			   e->call, r->segment);
	if (!f && s->recorders.count == RECORDER_FILES_MAX)
		return;
	f = f ? f : &s->recorders.list[s->recorders.count++];
	*f = (struct recorder_file){ .call = e->call,
				     .number = r->number,
				     .segment = 1,
				     .first = next_of(s, e->call),
				     .need = next_of(s, e->call),
				     .name = r->name,
				     .run = shard->run };
}

/* Another process has it now, or the shard again. */
static void file_goes_on(struct sim *s, const struct node_shard *shard, struct recorder_file *f,
			 const struct effect *e)
{
	const struct request_record *r = e->request;
	bool excused = is_excused(s, f->call);

	if (f->run == shard->run)
		check_fail(s, "recording %u of call %" PRIx64 " goes on, and has never stopped",
			   f->number, f->call);
	if ((f->ended || f->unknown) && !excused)
		check_fail(s, "recording %u of call %" PRIx64 " goes on, and has ended", f->number,
			   f->call);
	if (r->segment != f->segment + 1 && !excused)
		check_fail(s, "recording %u of call %" PRIx64 " has segment %u behind %u",
			   f->number, f->call, r->segment, f->segment);
	/* else it was killed within the step, and is still to be paused */
	if (f->stays == STAYS_ANYHOW)
		f->stays = f->paused ? STAYS_PAUSED : STAYS_ON;
	if (f->paused_anyhow || excused)
		f->stays = STAYS_ANYHOW;
	f->segment = r->segment;
	f->need = next_of(s, f->call);
	f->run = shard->run;
	f->paused = f->ended = false;
}

static void file_told(struct sim *s, struct recorder_file *f, const struct node_shard *shard,
		      const struct effect *e)
{
	const struct request_record *r = e->request;
	if (f->run != shard->run)
		check_fail(s, "recording %u of call %" PRIx64 " is told by who does not write it",
			   f->number, f->call);
	switch (r->act) {
	case RECORD_PAUSE:
	case RECORD_RESUME:
		f->paused = r->act == RECORD_PAUSE;
		if (!f->paused || f->stays != STAYS_PAUSED) /* the record has it */
			f->paused_need = next_of(s, f->call);
		f->paused_anyhow = false;
		break;
	case RECORD_END:
		f->ended = true;
		f->ended_need = next_of(s, f->call);
		f->run = 0;
		break;
	case RECORD_LEAVE:
		f->run = 0;
		break;
	case RECORD_START:
	case RECORD_GO_ON:
	case RECORD_NOTE:
	case RECORD_FORGET:
		break;
	}
}

static const char *act_name(enum record_act act)
{
	switch (act) {
	case RECORD_START:
		return "begins";
	case RECORD_GO_ON:
		return "goes on";
	case RECORD_PAUSE:
		return "is paused";
	case RECORD_RESUME:
		return "is on again";
	case RECORD_END:
		return "ends";
	case RECORD_LEAVE:
		return "is left";
	case RECORD_NOTE:
		return "is of something else";
	case RECORD_FORGET:
		return "is forgotten";
	}
	return "?";
}

static void message_told(const struct node *n, struct recorder_file *f, const struct effect *e)
{
	const struct request_record *r = e->request;
	if (!f)
		return;
	if (r->act == RECORD_START || r->act == RECORD_GO_ON)
		recorder_message_begin(n, f, e);
	else if (r->act == RECORD_END)
		recorder_message_end(n, f);
}

void recorder_carry(struct node *n, const struct node_shard *shard, const struct effect *e)
{
	const struct request_record *r = e->request;
	struct sim *s = n->sim;
	struct recorder_file *f = recorder_file_of(s, e->call, r->number);
	bool begins = r->act == RECORD_START;

	if (s->sabotage == SABOTAGE_RECORDER && r->act == RECORD_GO_ON)
		return;
	trace_line(s, "recorder: %" PRIx64 "-%u, segment %u, %s", e->call, r->number, r->segment,
		   act_name(r->act));
	if (s->story)
		golden_recorded(s->story, r, act_name(r->act));
	else if (r->act == RECORD_FORGET) /* a name: it is over, or never began */
		return;
	else if (begins)
		file_begins(s, shard, e);
	else if (!f)
		check_fail(s, "recording %u of call %" PRIx64 " %s, and has never begun", r->number,
			   e->call, act_name(r->act));
	else if (r->act == RECORD_GO_ON)
		file_goes_on(s, shard, f, e);
	else
		file_told(s, f, shard, e);
	if (r->message && !s->story)
		message_told(n, recorder_file_of(s, e->call, r->number), e);
}

/* ---- what must hold after each step ---- */

/* NULL: nobody who may speak has the call just now. */
static const struct node_shard *owner_of(const struct sim *s, uint64_t call)
{
	struct node *n = node_of_call(s, call);
	const struct node_shard *shard = node_shard_there(n, call);

	if (!shard || !shard->core || shard->fenced || shard->leaving || node_stands(n) ||
	    !node_shard_is_owner(n, shard))
		return NULL;
	return shard;
}

static const struct recordings *recordings_of(const struct node_shard *shard, uint64_t call)
{
	const struct call *c = shard_call_find(shard->core, call);

	return c ? c->recordings : NULL;
}

static const struct recording *value_of(const struct recordings *all, uint8_t number)
{
	for (uint8_t i = 0; all && i < all->count; i++) {
		if (all->list[i].number == number)
			return &all->list[i];
	}
	return NULL;
}

static void look_at_file(struct sim *s, struct recorder_file *f)
{
	const struct node_shard *shard = owner_of(s, f->call);
	const struct recording *r =
		shard ? value_of(recordings_of(shard, f->call), f->number) : NULL;

	if (!shard)
		return;
	if (r && f->run != shard->run)
		check_fail(s, "recording %u of call %" PRIx64 " is not written any more", f->number,
			   f->call);
	if (r && f->paused != r->paused)
		check_fail(s, "recording %u of call %" PRIx64 " is paused for one of two",
			   f->number, f->call);
	if (r && f->stays != STAYS_ANYHOW && f->paused != (f->stays == STAYS_PAUSED))
		check_fail(s, "recording %u of call %" PRIx64 " %s by a kill", f->number, f->call,
			   f->paused ? "was paused" : "is on again");
	if (!r && f->run == shard->run)
		check_fail(s, "recording %u of call %" PRIx64 " is written, and nobody knows",
			   f->number, f->call);
	f->stays = STAYS_ANYHOW;
	f->paused_anyhow = false;
}

/* A copy of what a flow hears goes to the recording that is on, and nowhere else. */
static void look_at_flow(struct sim *s, const struct engine_flow *flow)
{
	const struct node_shard *shard = owner_of(s, flow->spec.call);
	const struct recordings *all = shard ? recordings_of(shard, flow->spec.call) : NULL;
	uint8_t tap = 0;

	if (!shard || flow->closing || flow->node != node_of_call(s, flow->spec.call) ||
	    flow->spec.kind != MEDIA_AUDIO)
		return;
	for (uint8_t i = 0; all && i < all->count; i++) {
		if (all->list[i].leg == flow->spec.leg && !all->list[i].paused)
			tap = all->list[i].number;
	}
	if (shard_call_find(shard->core, flow->spec.call) && flow->spec.tap != tap)
		check_fail(s, "leg %u of call %" PRIx64 " is copied for recording %u, not %u",
			   flow->spec.leg, flow->spec.call, flow->spec.tap, tap);
}

void recorder_look(struct sim *s)
{
	for (uint32_t i = 0; i < s->recorders.count; i++) {
		if (!s->recorders.list[i].ended)
			look_at_file(s, &s->recorders.list[i]);
	}
	for (uint32_t i = 0; s->recorders.count && i < ENGINE_FLOWS_MAX; i++) {
		if (s->engine.flows[i].open)
			look_at_flow(s, &s->engine.flows[i]);
	}
}

uint32_t recorder_count(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->recorders.count; i++) {
		const struct recorder_file *f = &s->recorders.list[i];

		n += f->run && !f->unknown && !f->ended && !f->paused;
	}
	return n;
}

/* ---- what the CDRs say ---- */

void recorder_cdrs(struct sim *s, const struct seen *seen, const struct cdr *list, uint32_t n)
{
	uint64_t named = 0;

	if (s->script && s->script->external) /* srs.h */
		return;
	for (uint32_t i = 0; i < n && !s->story; i++)
		named |= list[i].recordings;
	for (uint32_t i = 0; i < s->recorders.count; i++) {
		const struct recorder_file *f = &s->recorders.list[i];

		if (f->call != seen->call)
			continue;
		if (f->name == (named >> f->number & 1) && !f->unknown &&
		    !is_excused(s, seen->call))
			check_fail(s, "%s CDR of call %" PRIx64 " names recording %u",
				   f->name ? "a" : "no", seen->call, f->number);
		named &= ~(UINT64_C(1) << f->number);
	}
	if (named)
		check_fail(s, "the CDRs of call %" PRIx64 " name recordings that never were",
			   seen->call);
}
