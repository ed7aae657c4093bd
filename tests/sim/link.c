/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "cluster/roster.h"
#include "tests/sim/effect_line.h"
#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define PATIENCE_NS (4 * NS_PER_S) /* CHANNEL_PATIENCE_NS */
#define AGAIN_NS    (100 * NS_PER_MS)

enum {
	DELAY_MIN_US = 50,
	DELAY_MAX_US = 3000,
	AGAIN_MIN_US = 200000, /* TCP says it again */
	AGAIN_MAX_US = 900000,
	KERNEL_LIVES = 700, /* of a thousand deaths of a process: not of its machine */
};

static uint64_t between_us(struct sim *s, uint32_t low, uint32_t high)
{
	if (s->script)
		return low * NS_PER_US;
	return (low + rand_below(&s->links.rand, high - low)) * NS_PER_US;
}

static bool chance(struct sim *s, uint32_t permille)
{
	return !s->script && permille && rand_below(&s->links.rand, 1000) < permille;
}

static uint64_t delay_ns(struct sim *s)
{
	return between_us(s, DELAY_MIN_US, DELAY_MAX_US);
}

/* ---- lists ---- */

static void list_add(struct link_list *l, struct link_parcel *p)
{
	p->next = NULL;
	if (l->last)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
	l->n += p->n;
}

static struct link_parcel *list_take(struct link_list *l)
{
	struct link_parcel *p = l->first;

	if (!p)
		return NULL;
	l->first = p->next;
	l->n -= p->n;
	if (!l->first)
		l->last = NULL;
	return p;
}

static void list_drop(struct link_list *l)
{
	struct link_parcel *p;

	while ((p = list_take(l)) != NULL)
		free(p);
}

/* It had left, and does not arrive. */
static void list_lose(struct sim *s, struct link_list *l)
{
	struct link_parcel *p;

	for (; (p = list_take(l)) != NULL; s->links.totals.lost++) {
		check_link_lost(s, p);
		free(p);
	}
}

/* ---- wires ---- */

static bool is_cut(const struct sim *s, uint32_t from, uint32_t to)
{
	return s->links.cut[from][to];
}

static bool is_cut_at_all(const struct sim *s, uint32_t one, uint32_t other)
{
	return is_cut(s, one, other) || is_cut(s, other, one);
}

/* NULL: it is broken. */
static struct link_wire *wire_find(const struct sim *s, uint64_t id)
{
	struct link_wire *w = s->links.wires;

	while (w && w->id != id)
		w = w->next;
	return w;
}

static void wire_drop(struct sim *s, struct link_wire *w)
{
	struct link_wire **at = &s->links.wires;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	list_lose(s, &w->list);
	free(w);
}

/* Whom it is of, if that process lives and knows it. */
static struct link *wire_link(struct sim *s, const struct link_wire *w)
{
	struct link *l = &s->links.list[w->from][w->to];

	return !w->ends && l->state == LINK_OPEN && l->wire == w->id ? l : NULL;
}

static void link_fail(struct sim *s, uint32_t from, uint32_t to);

/* Its sender learns of it, if there is one; what was under way is lost. */
static void wire_break(struct sim *s, struct link_wire *w)
{
	uint32_t from = w->from, to = w->to;
	bool known = wire_link(s, w) != NULL;

	wire_drop(s, w);
	if (known)
		link_fail(s, from, to);
}

static void on_pump(struct sim *s, const struct event *e);

static void wire_pump_later(struct sim *s, struct link_wire *w, uint64_t ns)
{
	if (w->pumps)
		return;
	w->pumps = true;
	sim_after(s, ns, on_pump, 0, w->id, 0);
}

static void link_flush_later(struct sim *s, uint32_t from, uint32_t to);

static void wire_acked(struct sim *s, struct link_wire *w)
{
	w->unacked = is_cut(s, w->to, w->from);
	if (w->unacked)
		return;
	w->moved_ns = s->now_ns;
	if (wire_link(s, w) && s->links.list[w->from][w->to].waits.first)
		link_flush_later(s, w->from, w->to);
}

static void wire_arrive(struct sim *s, struct link_wire *w)
{
	struct link_parcel *p = list_take(&w->list);
	struct node *n = &s->nodes[w->to];
	uint32_t process = w->from_process;
	struct parcel parcel;
	int err;

	assert(p);
	check_link_arrived(s, w, p);
	w->seen = p->serial;
	wire_acked(s, w);
	s->links.totals.arrived++;
	err = parcel_read(&parcel, bytes_mem(p->octets, p->n));
	assert(!err);
	(void)err;
	node_link_parcel(n, &parcel, process); /* the wire may be gone by now */
	free(p);
}

/* The next thing that becomes of it. */
static void on_pump(struct sim *s, const struct event *e)
{
	struct link_wire *w = wire_find(s, e->a);
	uint32_t id = (uint32_t)e->a;

	if (!w)
		return;
	w->pumps = false;
	if (w->gone)
		list_lose(s, &w->list);
	while ((w = wire_find(s, id)) != NULL && w->list.first) {
		uint64_t at = w->list.first->arrives_ns;

		if (is_cut(s, w->from, w->to)) {
			wire_pump_later(s, w, AGAIN_NS);
			return;
		}
		if (node_stands(&s->nodes[w->to])) {
			wire_pump_later(s, w, NS_PER_MS * 10);
			return;
		}
		if (at > s->now_ns) {
			wire_pump_later(s, w, at - s->now_ns);
			return;
		}
		wire_arrive(s, w);
	}
	if (w && w->ends)
		wire_drop(s, w);
}

/* Nothing is acknowledged (TCP_USER_TIMEOUT). */
static void on_watch(struct sim *s, const struct event *e)
{
	struct link_wire *w = wire_find(s, e->a);

	if (!w)
		return;
	w->watched = false;
	if (w->unacked && !is_cut_at_all(s, w->from, w->to))
		wire_acked(s, w);
	if (!w->list.first && !w->unacked)
		return;
	if (s->now_ns >= w->moved_ns + PATIENCE_NS && !node_stands(&s->nodes[w->from])) {
		trace_line(s, "link: node %u gives up its connection to node %u", w->from, w->to);
		wire_break(s, w);
		return;
	}
	w->watched = true;
	sim_after(s,
		  s->now_ns < w->moved_ns + PATIENCE_NS ? w->moved_ns + PATIENCE_NS - s->now_ns
							: AGAIN_NS,
		  on_watch, 0, w->id, 0);
}

static void wire_put(struct sim *s, struct link_wire *w, struct link_parcel *p)
{
	uint64_t ns = delay_ns(s);

	if (chance(s, s->links.slow))
		ns += between_us(s, AGAIN_MIN_US, AGAIN_MAX_US);
	p->arrives_ns = s->now_ns + ns < w->last_ns ? w->last_ns : s->now_ns + ns;
	w->last_ns = p->arrives_ns;
	if (!w->list.first && !w->unacked)
		w->moved_ns = s->now_ns;
	list_add(&w->list, p);
	s->links.totals.sent++;
	wire_pump_later(s, w, p->arrives_ns - s->now_ns);
	if (w->watched)
		return;
	w->watched = true;
	sim_after(s, PATIENCE_NS, on_watch, 0, w->id, 0);
}

/* Its receiver's kernel says that nobody is there. */
static void on_reset(struct sim *s, const struct event *e)
{
	struct link_wire *w = wire_find(s, e->a);

	if (!w)
		return;
	if (is_cut(s, w->to, w->from) || node_stands(&s->nodes[w->from]))
		sim_after(s, AGAIN_NS, on_reset, 0, e->a, 0);
	else
		wire_break(s, w);
}

/* ---- links ---- */

static void parcel_lose(struct sim *s, struct node *n, struct link_parcel *p)
{
	struct parcel parcel;
	int err = parcel_read(&parcel, bytes_mem(p->octets, p->n));

	assert(!err);
	(void)err;
	s->links.totals.back++;
	if (node_is_up(n))
		node_link_lost(n, &parcel, p->process);
	free(p);
}

/* Whoever is told may send again: that goes over a new one. */
static void link_fail(struct sim *s, uint32_t from, uint32_t to)
{
	struct link *l = &s->links.list[from][to];
	struct node *n = &s->nodes[from];
	struct link_list list = l->waits;
	struct link_parcel *p;
	uint32_t process = n->incarnation;

	trace_line(s, "link: node %u has none to node %u any more", from, to);
	s->links.totals.failed++;
	l->state = LINK_NONE;
	l->run++;
	l->waits = (struct link_list){ 0 };
	while ((p = list_take(&list)) != NULL && n->incarnation == process)
		parcel_lose(s, n, p);
	if (p)
		free(p);
	list_drop(&list);
}

static struct link_wire *wire_open(struct sim *s, uint32_t from, uint32_t to)
{
	struct link_wire *w = calloc(1, sizeof(*w));

	assert(w);
	*w = (struct link_wire){ .next = s->links.wires,
				 .id = ++s->links.wire_ids,
				 .from = from,
				 .to = to,
				 .from_process = s->nodes[from].incarnation,
				 .to_process = s->nodes[to].incarnation,
				 .moved_ns = s->now_ns };
	s->links.wires = w;
	s->links.totals.opened++;
	return w;
}

/* who: from << 8 | to; a: run */
static void on_flush(struct sim *s, const struct event *e)
{
	uint32_t from = e->who >> 8, to = e->who & 0xff;
	struct link *l = &s->links.list[from][to];
	struct link_wire *w;

	if (l->run != e->a)
		return;
	l->flushes = false;
	w = l->state == LINK_OPEN ? wire_find(s, l->wire) : NULL;
	while (w && l->run == e->a && l->waits.first && w->list.n < LINK_WINDOW) {
		struct link_parcel *p = list_take(&l->waits);

		if (p->process == w->to_process)
			wire_put(s, w, p);
		else
			parcel_lose(s, &s->nodes[from], p);
		w = wire_find(s, l->wire);
	}
}

static void link_flush_later(struct sim *s, uint32_t from, uint32_t to)
{
	struct link *l = &s->links.list[from][to];

	if (l->flushes || l->state != LINK_OPEN)
		return;
	l->flushes = true;
	sim_after(s, 0, on_flush, from << 8 | to, l->run, 0);
}

/* The other one has said who it is; a: run. */
static void on_greeted(struct sim *s, const struct event *e)
{
	uint32_t from = e->who >> 8, to = e->who & 0xff;
	struct link *l = &s->links.list[from][to];

	if (l->run != e->a || l->state != LINK_CONNECTING)
		return;
	if (is_cut_at_all(s, from, to) || node_stands(&s->nodes[to]) ||
	    node_stands(&s->nodes[from])) {
		sim_after(s, AGAIN_NS, on_greeted, e->who, e->a, 0);
	} else if (!node_is_up(&s->nodes[to])) {
		link_fail(s, from, to);
	} else {
		l->state = LINK_OPEN;
		l->wire = wire_open(s, from, to)->id;
		link_flush_later(s, from, to);
	}
}

static void on_patience(struct sim *s, const struct event *e)
{
	uint32_t from = e->who >> 8, to = e->who & 0xff;
	const struct link *l = &s->links.list[from][to];

	if (l->run != e->a || l->state != LINK_CONNECTING)
		return;
	if (node_stands(&s->nodes[from]))
		sim_after(s, AGAIN_NS, on_patience, e->who, e->a, 0);
	else
		link_fail(s, from, to);
}

static void link_start(struct sim *s, uint32_t from, uint32_t to)
{
	struct link *l = &s->links.list[from][to];

	l->state = LINK_CONNECTING;
	l->flushes = false;
	l->run++;
	sim_after(s, 2 * delay_ns(s), on_greeted, from << 8 | to, l->run, 0);
	sim_after(s, PATIENCE_NS, on_patience, from << 8 | to, l->run, 0);
}

int link_send(struct node *n, uint32_t to, uint32_t process, const struct parcel *p)
{
	struct sim *s = n->sim;
	struct link *l = &s->links.list[n->index][to];
	size_t size = PARCEL_HEAD_LEN + p->data.n;
	struct link_parcel *waits;
	struct writer w;

	assert(to != n->index);
	effect_line_parcel(n, to, p);
	if (l->waits.n + p->data.n > LINK_QUEUE_MAX)
		return -ENOBUFS;
	waits = malloc(sizeof(*waits) + size);
	assert(waits);
	*waits =
		(struct link_parcel){ .serial = ++s->links.serials, .process = process, .n = size };
	w = writer_over(waits->octets, size);
	parcel_write(&w, p);
	assert(!w.overflow && w.n == size);
	list_add(&l->waits, waits);
	check_link_queued(s, l);
	if (l->state == LINK_NONE)
		link_start(s, n->index, to);
	else
		link_flush_later(s, n->index, to);
	return 0;
}

/* ---- processes ---- */

/* What its kernel has goes on, unless the machine is dead, too. */
static void links_crash_from(struct sim *s, uint32_t from)
{
	bool kernel = chance(s, KERNEL_LIVES);
	struct link_wire *next;

	for (uint32_t to = 0; to < s->node_count; to++) {
		struct link *l = &s->links.list[from][to];

		list_drop(&l->waits);
		l->state = LINK_NONE;
		l->flushes = false;
		l->run++;
	}
	for (struct link_wire *w = s->links.wires; w; w = next) {
		next = w->next;
		if (w->from != from || w->ends)
			continue;
		w->ends = true;
		if (!kernel || !w->list.first)
			wire_drop(s, w);
	}
}

static void links_crash_to(struct sim *s, uint32_t to)
{
	struct link_wire *next;

	for (struct link_wire *w = s->links.wires; w; w = next) {
		next = w->next;
		if (w->to != to || w->gone)
			continue;
		w->gone = true;
		list_lose(s, &w->list);
		if (w->ends)
			wire_drop(s, w);
		else
			sim_after(s, delay_ns(s), on_reset, 0, w->id, 0);
	}
}

void links_crash(const struct node *n)
{
	struct sim *s = n->sim;

	if (!s->links.on)
		return;
	s->links.died_ns[n->index] = s->now_ns;
	links_crash_from(s, n->index);
	links_crash_to(s, n->index);
}

void links_start(const struct node *n)
{
	struct sim *s = n->sim;

	for (uint32_t i = 0; i < s->node_count; i++)
		s->links.heard[n->index][i] = (struct link_heard){ 0 };
}

/* ---- who is heard ---- */

void link_heard_of(struct sim *s, uint32_t at, uint32_t from, uint32_t process)
{
	struct link_heard *h = &s->links.heard[at][from];

	if (process < h->process)
		return; /* said before it died */
	*h = (struct link_heard){ .process = process, .ns = s->now_ns };
}

void link_gone(struct sim *s, uint32_t at, uint32_t from, uint32_t process)
{
	struct link_heard *h = &s->links.heard[at][from];

	if (h->process <= process)
		h->ns = 0;
}

static uint32_t process_of_story(const struct sim *s, uint32_t of)
{
	const struct node *n = &s->nodes[of];

	return node_is_up(n) || s->links.died_ns[of] + MEMBER_UNHEARD_NS > s->now_ns
		       ? n->incarnation
		       : 0;
}

uint32_t link_process(const struct sim *s, uint32_t at, uint32_t of)
{
	const struct link_heard *h = &s->links.heard[at][of];

	if (at == of)
		return 0;
	if (!s->leases)
		return process_of_story(s, of);
	if (leases_are_at_rest(s))
		return node_is_up(&s->nodes[of]) ? s->nodes[of].incarnation : 0;
	return h->ns && s->now_ns <= h->ns + MEMBER_UNHEARD_NS ? h->process : 0;
}

/* ---- what goes wrong ---- */

void link_cut(struct sim *s, uint32_t from, uint32_t to, bool cut)
{
	s->links.cut[from][to] = cut;
}

void link_break(struct sim *s, uint32_t from, uint32_t to)
{
	struct link *l = &s->links.list[from][to];
	struct link_wire *w = l->state == LINK_OPEN ? wire_find(s, l->wire) : NULL;

	if (!w || node_stands(&s->nodes[from]))
		return;
	trace_line(s, "link: somebody ends the connection of node %u to node %u", from, to);
	s->links.totals.broken++;
	wire_break(s, w);
}

void links_calm(struct sim *s)
{
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		for (uint32_t k = 0; k < NODES_MAX; k++)
			s->links.cut[i][k] = false;
	}
	s->links.slow = 0;
}

void links_begin(struct sim *s)
{
	s->links.slow = 10;
	rand_open_seed(&s->links.rand, s->seed ^ UINT64_C(0x6c696e6b73));
}

void links_close(struct sim *s)
{
	while (s->links.wires)
		wire_drop(s, s->links.wires);
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		for (uint32_t k = 0; k < NODES_MAX; k++)
			list_drop(&s->links.list[i][k].waits);
	}
}
