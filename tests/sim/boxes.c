/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/boxes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sig/sip/id.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define BOX_LATENCY_NS (NS_PER_MS / 2)

/* CALL-NUMBER of a message that a recorder has. */
static bool box_is_recorded(struct sim *s, const char *id)
{
	struct bytes rest = bytes_str(id), text;
	const struct recorder_file *f = NULL;
	uint32_t number;
	uint64_t call;

	if (bytes_cut(&rest, '-', &text) && !id_call_get(text, &call) && !bytes_u32(rest, &number))
		f = recorder_file_of(s, call, (uint8_t)number);
	return f && f->message;
}

static struct box_row *box_row_of(struct sim *s, const char *box, const char *id)
{
	struct boxes *b = &s->boxes;

	for (uint32_t i = 0; i < b->count; i++) {
		if (!strcmp(b->list[i].box, box) && !strcmp(b->list[i].message.id, id))
			return &b->list[i];
	}
	if (!box_is_recorded(s, id))
		return NULL;
	if (b->count == BOX_ROWS_MAX) {
		check_fail(s, "no room for messages of mailboxes");
		return NULL;
	}
	b->list[b->count] = (struct box_row){ 0 };
	(void)snprintf(b->list[b->count].box, BOX_KEY_MAX, "%s", box);
	(void)snprintf(b->list[b->count].message.id, MESSAGE_ID_MAX + 1, "%s", id);
	return &b->list[b->count++];
}

static enum box_result box_change(struct sim *s, struct box_row *row, const struct box_order *o)
{
	struct box_message *m = &row->message;

	if (row->dropped)
		return BOX_NONE;
	if (o->version && o->version != m->version)
		return BOX_CONFLICT;
	row->dropped = o->act == BOX_DROP;
	if (o->act == BOX_SEND && m->state == MESSAGE_DRAFT)
		m->state = MESSAGE_NEW;
	if (o->act == BOX_SET && o->what & BOX_STATE)
		m->state = o->state;
	if (o->act == BOX_SET && o->what & BOX_URGENT)
		m->urgent = o->urgent;
	if (o->act == BOX_SET && o->what & BOX_PRIVATE)
		m->is_private = o->is_private;
	m->version++;
	s->boxes.version++;
	return BOX_OK;
}

static const struct box_row *box_next(const struct boxes *b, const char *box,
				      const struct box_order *o)
{
	bool behind = !o->id[0];

	for (uint32_t i = 0; i < b->count; i++) {
		const struct box_row *row = &b->list[o->newest_first ? b->count - 1 - i : i];
		const struct box_message *m = &row->message;

		if (strcmp(row->box, box) != 0 || row->dropped)
			continue;
		if (behind && m->state == o->state && (o->ranked || m->urgent == o->urgent))
			return row;
		behind |= !strcmp(m->id, o->id);
	}
	return NULL;
}

static void box_count(const struct boxes *b, const char *box, struct box_counts *counts)
{
	counts->version = b->version;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct box_message *m = &b->list[i].message;
		bool is = !strcmp(b->list[i].box, box) && !b->list[i].dropped;

		counts->fresh += is && m->state == MESSAGE_NEW;
		counts->urgent_fresh += is && m->state == MESSAGE_NEW && m->urgent;
		counts->old += is && m->state == MESSAGE_OLD;
		counts->urgent_old += is && m->state == MESSAGE_OLD && m->urgent;
		counts->deleted += is && m->state == MESSAGE_DELETED;
	}
}

static void box_answer(struct sim *s, const struct box_asked *a, struct box_reply *outcome)
{
	const struct box_order *o = &a->order;
	const struct box_row *row = NULL;
	struct box_row *changed;

	outcome->result = BOX_OK;
	if (o->act == BOX_LIST) {
		row = box_next(&s->boxes, a->box, o);
	} else if (o->act != BOX_LOOK) {
		row = changed = box_row_of(s, a->box, o->id);
		outcome->result = changed ? box_change(s, changed, o) : BOX_NONE;
	}
	box_count(&s->boxes, a->box, &outcome->counts);
	outcome->found = row;
	outcome->listed = o->act == BOX_LIST;
	if (row)
		outcome->message = row->message;
}

static void on_box_asked(struct sim *s, const struct event *e)
{
	struct box_asked *a = &s->boxes.asked[e->a];
	struct node *n = node_of_process(s, a->incarnation);
	struct reply reply = { .ask = ASK_BOX,
			       .of = a->call,
			       .box = { .serial = a->serial, .result = BOX_UNKNOWN } };
	bool done = a->flushed && !s->store.down && !(n && n->cut);

	if (done)
		box_answer(s, a, &reply.box);
	trace_line(s, "store: mailbox %s of call %" PRIx64 ": act %d of %s: %d", a->box, a->call,
		   a->order.act, a->order.id, done ? (int)reply.box.result : -1);
	for (uint32_t i = 0; n && a->serial && a->flushed && i < n->shard_count; i++) {
		if (n->shards[i].number != a->shard || n->shards[i].fenced || !n->shards[i].core)
			continue;
		shard_replied(n->shards[i].core, &reply, node_now(n));
		node_carry(n);
		return;
	}
}

void boxes_ask(const struct node *n, const struct node_shard *shard, const struct effect *e)
{
	struct boxes *b = &n->sim->boxes;
	const struct request_box *box = e->request;
	struct box_asked *a;

	if (b->asked_count == BOX_ASKED_MAX) {
		check_fail(n->sim, "mailboxes are asked for without end");
		return;
	}
	a = &b->asked[b->asked_count++];
	*a = (struct box_asked){ .incarnation = n->incarnation,
				 .shard = shard->number,
				 .call = e->call,
				 .serial = e->serial,
				 .order = box->order };
	(void)snprintf(a->box, sizeof(a->box), "%s:%s", text_str(&box->tenant),
		       text_str(&box->box));
	sim_after(n->sim, BOX_LATENCY_NS, on_box_asked, 0, b->asked_count - 1, 0);
}

uint32_t boxes_new(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->boxes.count; i++)
		n += !s->boxes.list[i].dropped && s->boxes.list[i].message.state == MESSAGE_NEW;
	return n;
}

void boxes_flush(struct sim *s)
{
	for (uint32_t i = s->boxes.asked_count; i-- > 0 && !s->boxes.asked[i].flushed;)
		s->boxes.asked[i].flushed = node_of_process(s, s->boxes.asked[i].incarnation);
}
