/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define END_AGAIN_NS (200 * NS_PER_MS)
#define DEADLINE_NS  (50 * NS_PER_MS) /* store_settings.deadline_ns */

void store_close(struct store *t)
{
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		text_clear(&t->calls[i].record);
		text_clear(&t->blf_keys[i].record);
		text_clear(&t->rooms[i].record);
		text_clear(&t->entries[i].user);
		text_clear(&t->entries[i].record);
	}
	for (uint32_t i = 0; i < t->command_count; i++) {
		text_clear(&t->commands[i].user);
		text_clear(&t->commands[i].record);
		text_clear(&t->commands[i].before);
		free(t->commands[i].cdrs);
	}
	free(t->commands);
}

/* ---- what Redis does (cluster/lua) ---- */

static struct store_call *place_in(struct store_call *list, uint64_t id)
{
	struct store_call *empty = NULL;

	for (uint32_t i = STORE_RECORDS_MAX; i-- > 0;) {
		if (list[i].record.n && list[i].call == id)
			return &list[i];
		if (list[i].record.n == 0)
			empty = &list[i];
	}
	assert(empty);
	return empty;
}

static struct store_call *place(struct store *t, uint64_t call)
{
	return place_in(t->calls, call);
}

static const struct store_call *find_in(const struct store_call *list, uint64_t id)
{
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		if (list[i].record.n && list[i].call == id)
			return &list[i];
	}
	return NULL;
}

const struct store_call *store_find(const struct store *t, uint64_t call)
{
	return find_in(t->calls, call);
}

const struct store_call *store_find_lamp(const struct store *t, uint64_t id)
{
	return find_in(t->blf_keys, id);
}

static void remember(const struct sim *s, struct store_command *c, const struct text *record,
		     uint64_t version, uint64_t expires_ns)
{
	if (text_set(&c->before, text_bytes(record)))
		assert(false && "out of memory");
	c->applied_ns = s->now_ns;
	c->before_version = version;
	c->before_expires_ns = expires_ns;
}

static void apply_save(struct sim *s, struct store_command *c)
{
	struct store_call *p = place(&s->store, c->call);

	if (p->record.n && p->version > c->version)
		return; /* OLDER */
	if (s->sabotage == SABOTAGE_FORGET)
		return;
	remember(s, c, &p->record, p->version, 0);
	p->call = c->call;
	p->version = c->version;
	if (text_set(&p->record, text_bytes(&c->record)))
		assert(false && "out of memory");
	check_stored(s, c->call, c->version);
	if (s->harvest)
		golden_harvest(s, s->harvest, text_bytes(&c->record));
}

/* Without a record: it is over. */
static void apply_lamp(struct sim *s, struct store_command *c)
{
	struct store_call *p = place_in(s->store.blf_keys, c->call);

	if (p->record.n && p->version > c->version)
		return; /* OLDER */
	if (s->sabotage == SABOTAGE_LAMPS)
		return;
	remember(s, c, &p->record, p->version, 0);
	text_clear(&p->record);
	p->call = c->call;
	p->version = c->version;
	if (c->record.n && text_set(&p->record, text_bytes(&c->record)))
		assert(false && "out of memory");
	check_lamp_stored(s, c->call, c->record.n ? c->version : 0);
}

static void apply_room(struct sim *s, struct store_command *c)
{
	struct store_call *p = place_in(s->store.rooms, c->call);

	if (p->record.n && p->version > c->version)
		return; /* OLDER */
	remember(s, c, &p->record, p->version, 0);
	text_clear(&p->record);
	p->call = c->call;
	p->version = c->version;
	if (c->record.n && text_set(&p->record, text_bytes(&c->record)))
		assert(false && "out of memory");
	if (s->harvest && c->record.n)
		golden_harvest_room(s, s->harvest, text_bytes(&c->record));
}

static void toll_add(struct store *t, uint16_t shard, struct bytes name, uint64_t day, int64_t ms)
{
	struct store_toll *toll = t->tolls;

	while (toll < t->tolls + t->toll_count &&
	       (toll->shard != shard || toll->day != day || !bytes_is(name, toll->name)))
		toll++;
	if (toll == t->tolls + t->toll_count) {
		assert(t->toll_count < STORE_TOLLS_MAX);
		t->toll_count++;
		toll->shard = shard;
		toll->day = day;
		(void)bytes_cstr(name, toll->name, sizeof(toll->name));
	}
	toll->ms += ms;
}

/* "DAY NAME MS NAME MS ..." */
static void apply_toll(struct store *t, uint16_t shard, struct bytes text)
{
	struct bytes name, ms;
	uint64_t day = 0, n;

	if (bytes_cut(&text, ' ', &name))
		(void)bytes_u64(name, &day);
	while (bytes_cut(&text, ' ', &name) && bytes_cut(&text, ' ', &ms)) {
		if (!bytes_u64(ms, &n))
			toll_add(t, shard, name, day, (int64_t)n);
	}
}

static void apply_end(struct sim *s, struct store_command *c)
{
	struct store_call *p = place(&s->store, c->call);

	if (p->record.n)
		text_clear(&p->record);
	c->applied_ns = s->now_ns;
	apply_toll(&s->store, c->shard, text_bytes(&c->record));
	check_cdrs(s, c->cdrs, c->cdr_count);
}

/* As in cluster/store/key.c. */
void store_key(struct text *out, const struct effect *e)
{
	char key[96];
	const struct request_binding_get *of = e->request; /* as a save begins */
	int n = snprintf(key, sizeof(key), "%s:%s", text_str(&of->tenant), text_str(&of->user));

	assert(n > 0 && (size_t)n < sizeof(key));
	if (text_set(out, bytes_mem(key, (size_t)n)))
		assert(false && "out of memory");
}

const struct store_entry *store_entry(const struct sim *s, struct bytes user)
{
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_entry *e = &s->store.entries[i];

		if (e->user.n && e->expires_ns > s->now_ns && bytes_eq(text_bytes(&e->user), user))
			return e;
	}
	return NULL;
}

static struct store_entry *entry_of(struct sim *s, struct bytes user)
{
	struct store_entry *empty = NULL;

	for (uint32_t i = STORE_RECORDS_MAX; i-- > 0;) {
		struct store_entry *e = &s->store.entries[i];

		if (e->user.n && e->expires_ns <= s->now_ns) {
			text_clear(&e->user);
			text_clear(&e->record);
		}
		if (e->user.n && bytes_eq(text_bytes(&e->user), user))
			return e;
		if (e->user.n == 0)
			empty = e;
	}
	assert(empty);
	return empty;
}

static void apply_binding(struct sim *s, struct store_command *c)
{
	struct store_entry *e = entry_of(s, text_bytes(&c->user));
	uint64_t have = e->user.n ? e->version : 0;

	if (have != c->expected && !bytes_eq(text_bytes(&e->record), text_bytes(&c->record))) {
		c->conflict = true;
		return;
	}
	if (s->sabotage == SABOTAGE_UNBOUND)
		return;
	remember(s, c, &e->record, e->version, e->expires_ns);
	text_clear(&e->record);
	if (c->record.n == 0) {
		text_clear(&e->user);
		return;
	}
	if (text_set(&e->user, text_bytes(&c->user)) ||
	    text_set(&e->record, text_bytes(&c->record)))
		assert(false && "out of memory");
	e->version = c->version;
	e->expires_ns = s->now_ns + c->ttl_ms * NS_PER_MS;
}

static void take_back_call(struct sim *s, const struct store_command *c)
{
	struct store_call *p = place(&s->store, c->call);

	p->call = c->call;
	p->version = c->before_version;
	if (text_set(&p->record, text_bytes(&c->before)))
		assert(false && "out of memory");
	check_forgotten(s, c->call, p->record.n ? p->version : 0);
}

static void take_back_lamp(struct sim *s, const struct store_command *c)
{
	struct store_call *p = place_in(s->store.blf_keys, c->call);

	text_clear(&p->record);
	p->call = c->call;
	p->version = c->before_version;
	if (c->before.n && text_set(&p->record, text_bytes(&c->before)))
		assert(false && "out of memory");
	check_lamp_forgotten(s, c->call, p->record.n ? p->version : 0);
}

static void take_back_room(struct sim *s, const struct store_command *c)
{
	struct store_call *p = place_in(s->store.rooms, c->call);

	text_clear(&p->record);
	p->call = c->call;
	p->version = c->before_version;
	if (c->before.n && text_set(&p->record, text_bytes(&c->before)))
		assert(false && "out of memory");
}

static void take_back_binding(struct sim *s, const struct store_command *c)
{
	struct store_entry *e = entry_of(s, text_bytes(&c->user));

	text_clear(&e->record);
	text_clear(&e->user);
	e->version = c->before_version;
	e->expires_ns = c->before_expires_ns;
	if (c->before.n && (text_set(&e->user, text_bytes(&c->user)) ||
			    text_set(&e->record, text_bytes(&c->before))))
		assert(false && "out of memory");
}

/* Not beyond the end of a call: that would be one that nobody knows of any more. */
void store_forget(struct sim *s, uint64_t ns)
{
	uint64_t back_ns = ns; /* leases go back as far */
	uint32_t n = 0;

	for (uint32_t i = s->store.command_count; i-- > 0;) {
		const struct store_command *c = &s->store.commands[i];

		if (c->applied_ns == 0)
			continue; /* it changed nothing */
		if (c->kind == EFFECT_CALL_END && c->applied_ns + ns >= s->now_ns)
			back_ns = s->now_ns - c->applied_ns;
		if (c->kind == EFFECT_CALL_END || c->applied_ns + ns < s->now_ns)
			break;
		if (c->kind == EFFECT_CALL_SAVE)
			take_back_call(s, c);
		else if (c->kind == EFFECT_SUBSCRIPTION_SAVE)
			take_back_lamp(s, c);
		else if (c->kind == EFFECT_OBJECT_SAVE)
			take_back_room(s, c);
		else
			take_back_binding(s, c);
		n++;
	}
	s->totals.forgotten += n;
	trace_line(s, "store: has forgotten %u writes", n);
	if (s->sabotage == SABOTAGE_AMNESIA)
		return;
	if (s->leases)
		leases_redis_away(s, back_ns);
	store_down(s);
}

/* What is of no shard is refused with the only one. */
static bool is_taken(const struct sim *s, const struct store_command *c)
{
	uint16_t shard = s->shard_count == 1 ? c->link : c->shard;

	if (s->leases)
		return c->shard && !leases_admit(s, c->node, c->shard - SHARD_FIRST, c->epoch);
	if (s->floats)
		return c->shard && c->epoch < s->owners[c->shard - SHARD_FIRST].epoch;
	return shard && c->incarnation <= s->store.taken[shard - SHARD_FIRST];
}

static void on_end_again(struct sim *s, const struct event *e);

static void (*const g_applies[EFFECT_KINDS])(struct sim *s, struct store_command *c) = {
	[EFFECT_CALL_SAVE] = apply_save,       [EFFECT_CALL_END] = apply_end,
	[EFFECT_BINDING_SAVE] = apply_binding, [EFFECT_SUBSCRIPTION_SAVE] = apply_lamp,
	[EFFECT_OBJECT_SAVE] = apply_room,
};

static void apply(struct sim *s, struct store_command *c)
{
	if (c->applied)
		return;
	c->applied = true;
	c->refused = is_taken(s, c);
	if (c->refused && s->leases && c->kind == EFFECT_CALL_END) /* it is in the spool */
		sim_after(s, END_AGAIN_NS, on_end_again, 0, (uint64_t)(c - s->store.commands), 0);
	if (c->fate == STORE_FATE_DROPPED || c->refused)
		return;
	if (g_applies[c->kind])
		g_applies[c->kind](s, c);
}

static bool is_of_link(const struct store_command *c, const struct store_command *other)
{
	return c->incarnation == other->incarnation && c->link == other->link;
}

static void advance(struct store *t)
{
	while (t->applied < t->command_count && t->commands[t->applied].applied)
		t->applied++;
}

/* Those of its link go first. */
static void apply_to(struct sim *s, const struct store_command *last)
{
	for (struct store_command *c = &s->store.commands[s->store.applied]; c <= last; c++) {
		if (is_of_link(c, last))
			apply(s, c);
	}
	advance(&s->store);
}

/* ---- what the node hears ---- */

/* Nobody waits for it: the shard has left the node since. */
static bool is_of_former(const struct node *n, const struct store_command *c)
{
	const struct node_shard *shard =
		n->sim->floats && c->shard ? &n->shards[c->shard - SHARD_FIRST] : NULL;

	return shard && (!shard->core || shard->run != c->run);
}

static void answer(struct sim *s, struct store_command *c, bool ok)
{
	struct node *n;

	if (c->answered)
		return;
	c->answered = true;
	n = node_of_process(s, c->incarnation);
	if (!n || is_of_former(n, c))
		return;
	if (!ok)
		s->totals.saves_failed++;
	if (ok && s->leases && c->shard)
		leases_acked(s, c->node, c->shard - SHARD_FIRST);
	node_saved(n, c, ok);
}

bool store_is_away(const struct node *n)
{
	return n->cut || n->deaf || n->sim->store.down;
}

/* What a dead process had sent is there. */
static bool is_unreached(struct sim *s, const struct store_command *c)
{
	const struct node *n = node_of_process(s, c->incarnation);

	return s->store.down || (n && n->cut);
}

static void on_applied(struct sim *s, const struct event *e)
{
	if (is_unreached(s, &s->store.commands[e->a]))
		return;
	apply_to(s, &s->store.commands[e->a]);
}

static void on_end_again(struct sim *s, const struct event *e)
{
	struct store_command *c = &s->store.commands[e->a];
	struct node *n = node_of_process(s, c->incarnation);

	if (!n || is_of_former(n, c)) /* its successor knows of that call */
		return;
	c->epoch = n->shards[c->shard - SHARD_FIRST].epoch;
	if (is_unreached(s, c) || is_taken(s, c)) {
		sim_after(s, END_AGAIN_NS, on_end_again, 0, e->a, 0);
		return;
	}
	c->applied = c->refused = false;
	apply(s, c);
}

/* Redis has another owner, or has forgotten this one, which says so again. What has ended is in the spool until then. */
static void refuse_by_lease(struct sim *s, struct store_command *c)
{
	bool other = leases_refused(s, c->node, c->shard - SHARD_FIRST);

	answer(s, c, !other && c->kind == EFFECT_CALL_END);
}

static void refuse(struct sim *s, struct store_command *c)
{
	struct node *n = node_of_process(s, c->incarnation);

	if (s->leases) {
		refuse_by_lease(s, c);
		return;
	}
	c->answered = true;
	if (n && is_of_former(n, c))
		return;
	for (uint32_t i = 0; n && i < n->shard_count; i++) {
		struct node_shard *shard = &n->shards[i];

		if (shard->core && (shard->number == c->link)) {
			node_fenced(n, shard);
			return;
		}
	}
}

/* Its answer does not arrive. */
static bool is_unheard(struct sim *s, const struct store_command *c)
{
	const struct node *n = node_of_process(s, c->incarnation);

	return is_unreached(s, c) || (n && n->deaf);
}

static void on_acked(struct sim *s, const struct event *e)
{
	struct store_command *c = &s->store.commands[e->a];

	if (c->refused && !is_unheard(s, c))
		refuse(s, c);
	else if (s->sabotage == SABOTAGE_EARLY || (c->applied && !is_unheard(s, c)))
		answer(s, c, true);
}

/* What is of no shard is of the node's link, and so of all of them. */
static void late_tell(const struct node *n, const struct store_command *c)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (!c->shard || n->shards[i].number == c->shard)
			leases_late(n->sim, n->index, i);
	}
}

static void on_deadline(struct sim *s, const struct event *e)
{
	struct store_command *c = &s->store.commands[e->a];
	struct node *n;

	n = node_of_process(s, c->incarnation);
	if (c->answered || !n)
		return;
	trace_line(s, "store: no answer about %s %" PRIx64 " version %" PRIu64,
		   c->kind == EFFECT_BINDING_SAVE        ? "a binding"
		   : c->kind == EFFECT_SUBSCRIPTION_SAVE ? "subscription"
		   : c->kind == EFFECT_OBJECT_SAVE       ? "conference"
							 : "call",
		   c->call, c->version);
	/* the end of a call is in the spool by now, and will be told */
	answer(s, c, c->kind == EFFECT_CALL_END);
	if (s->leases)
		late_tell(n, c);
	node_health(n, false);
}

static enum store_fate fate_of(struct sim *s, const struct effect *e)
{
	if (s->calm || !sim_chance(s, s->store.trouble))
		return STORE_FATE_GOOD;
	/* what the spool holds is told until it is heard */
	switch (sim_between(s, 0, e->kind == EFFECT_CALL_END ? 1 : 2)) {
	case 0:
		return STORE_FATE_SLOW;
	case 1:
		return STORE_FATE_NO_ACK;
	default:
		return STORE_FATE_DROPPED;
	}
}

static void add_record(struct store_command *c, struct bytes record, uint64_t version)
{
	c->version = version;
	if (text_set(&c->record, record))
		assert(false && "out of memory");
}

static void add_binding(struct store_command *c, const struct effect *e)
{
	const struct request_binding_save *save = e->request;

	store_key(&c->user, e);
	c->expected = save->expected;
	c->ttl_ms = save->ttl_ms;
	add_record(c, text_bytes(&save->record), save->version);
}

/* Of an object, too. */
static void add_save(struct store_command *c, const struct request_save *save)
{
	add_record(c, text_bytes(&save->record), save->version);
}

static void add_end(const struct sim *s, struct store_command *c,
		    const struct request_call_end *end)
{
	uint32_t n = end->cdrs.count;

	add_record(c, text_bytes(&end->toll), 0);
	c->cdrs = calloc(n, sizeof(*c->cdrs));
	assert(c->cdrs);
	memcpy(c->cdrs, end->cdrs.list, n * sizeof(*c->cdrs));
	c->cdr_count = n;
	if (s->sabotage == SABOTAGE_GAP && c->cdrs[0].answer_utc_ms)
		c->cdrs[0].setup_utc_ms -= 100;
}

static struct store_command *add(const struct node *n, const struct node_shard *shard,
				 const struct effect *e)
{
	struct sim *s = n->sim;
	struct store *t = &s->store;
	struct store_command *c;

	if (!t->commands)
		t->commands = calloc(STORE_COMMANDS_MAX, sizeof(*t->commands));
	assert(t->commands);
	if (t->command_count == STORE_COMMANDS_MAX) {
		check_fail(s, "saves without end");
		return NULL;
	}
	c = &t->commands[t->command_count++];
	*c = (struct store_command){ .kind = e->kind,
				     .incarnation = n->incarnation,
				     .node = n->index,
				     .run = shard ? shard->run : 0,
				     .link = shard ? shard->number : n->shards[0].number,
				     .shard = shard ? shard->number : 0,
				     .epoch = shard ? shard->epoch : 0,
				     .call = e->call };
	if (e->kind == EFFECT_BINDING_SAVE)
		add_binding(c, e);
	else if (e->kind == EFFECT_CALL_END)
		add_end(s, c, e->request);
	else
		add_save(c, e->request);
	return c;
}

static void schedule(struct sim *s, struct store_command *c, uint32_t at)
{
	uint64_t ns = sim_between(s, 50, s->store.latency_max_us) * NS_PER_US;
	uint64_t back = sim_between(s, 20, 500) * NS_PER_US;

	sim_after(s, DEADLINE_NS, on_deadline, 0, at, 0);
	if (is_unreached(s, c))
		return;
	if (c->fate == STORE_FATE_SLOW)
		ns += DEADLINE_NS;
	if (s->store.last_ns > s->now_ns + ns)
		ns = s->store.last_ns - s->now_ns;
	s->store.last_ns = s->now_ns + ns;
	sim_after(s, ns, on_applied, 0, at, 0);
	if (c->fate == STORE_FATE_GOOD || c->fate == STORE_FATE_SLOW)
		sim_after(s, s->sabotage == SABOTAGE_EARLY ? 1 : ns + back, on_acked, 0, at, 0);
}

/* What one step of the node asks for leaves in one transaction: all of it happens, or nothing (cluster/store/batch.c). */
static enum store_fate fate_with(const struct store *t, enum store_fate fate)
{
	const struct store_command *c = &t->commands[t->command_count - 1];
	const struct store_command *before = t->command_count > 1 ? c - 1 : NULL;

	return before && !before->flushed && before->incarnation == c->incarnation &&
			       before->shard == c->shard && before->kind == EFFECT_CALL_SAVE &&
			       c->kind == EFFECT_CALL_SAVE
		       ? before->fate
		       : fate;
}

void store_save(const struct node *n, const struct node_shard *shard, const struct effect *e)
{
	struct sim *s = n->sim;
	struct store_command *c = add(n, shard, e);

	if (!c)
		return;
	s->totals.saves++;
	c->fate = fate_with(&s->store, fate_of(s, e));
	schedule(s, c, s->store.command_count - 1);
}

void store_flush(struct sim *s)
{
	for (uint32_t i = s->store.command_count; i-- > 0 && !s->store.commands[i].flushed;)
		s->store.commands[i].flushed = true;
}

/* What had left the node arrives, what had not never does. */
void store_crash(const struct node *n)
{
	struct store *t = &n->sim->store;

	for (uint32_t i = t->applied; i < t->command_count; i++) {
		struct store_command *c = &t->commands[i];
		bool spooled = store_is_away(n) && c->kind == EFFECT_CALL_END;

		if (c->incarnation != n->incarnation)
			continue;
		c->spooled = spooled;
		if (!c->flushed && !spooled)
			c->fate = STORE_FATE_DROPPED;
	}
}

void store_leave(const struct node *n, uint16_t shard)
{
	struct store *t = &n->sim->store;

	for (uint32_t i = t->applied; i < t->command_count; i++) {
		struct store_command *c = &t->commands[i];

		if (c->shard != shard || c->applied)
			continue;
		if (c->spooled)
			c->fate = STORE_FATE_DROPPED;
		apply(n->sim, c);
	}
	advance(t);
}

void store_settle(const struct node *n)
{
	struct store *t = &n->sim->store;

	for (uint32_t i = t->applied; i < t->command_count; i++) {
		if (t->commands[i].incarnation == n->incarnation)
			apply(n->sim, &t->commands[i]);
	}
	advance(t);
}

void store_down(struct sim *s)
{
	trace_line(s, "store: away");
	s->totals.outages++;
	s->store.down = true;
	if (s->leases && !leases_redis_is_away(s))
		leases_redis_away(s, 0);
}

/* Mostly lost with the link, but for what the spool holds. */
static void lose_some(struct sim *s, struct store_command *c)
{
	if (!c->applied && c->kind != EFFECT_CALL_END && !sim_chance(s, 300))
		c->fate = STORE_FATE_DROPPED;
}

void store_cut(struct node *n)
{
	trace_line(n->sim, "node %u: does not reach the store", n->index);
	n->cut = true;
	if (n->sim->leases)
		leases_cut(n->sim, n->index, true, true);
}

void store_deafen(struct node *n)
{
	trace_line(n->sim, "node %u: does not hear the store", n->index);
	n->deaf = true;
	if (n->sim->leases)
		leases_cut(n->sim, n->index, false, true);
}

void store_mend(struct node *n)
{
	struct store *t = &n->sim->store;

	trace_line(n->sim, "node %u: reaches the store", n->index);
	n->cut = n->deaf = false;
	if (n->sim->leases)
		leases_cut(n->sim, n->index, false, false);
	n->away_ns = n->sim->now_ns;
	for (uint32_t i = t->applied; i < t->command_count; i++) {
		if (t->commands[i].incarnation == n->incarnation)
			lose_some(n->sim, &t->commands[i]);
	}
	if (!t->down)
		store_settle(n);
}

/* Saves that were asked for meanwhile failed at the link; ends come from the spool. */
void store_up(struct sim *s)
{
	struct store *t = &s->store;

	trace_line(s, "store: back");
	t->down = false;
	if (s->leases)
		leases_redis_back(s);
	for (uint32_t i = 0; i < s->node_count; i++)
		s->nodes[i].away_ns = s->now_ns;
	for (uint32_t i = t->applied; i < t->command_count; i++)
		lose_some(s, &t->commands[i]);
	for (uint32_t i = t->applied; i < t->command_count; i++) {
		if (!is_unreached(s, &t->commands[i]))
			apply(s, &t->commands[i]);
	}
	advance(t);
}
