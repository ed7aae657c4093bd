/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps, for the watchers on this node, the dialogs that other nodes report of a user, and reports
 * those of this node to the nodes that ask (remote_watch.h). Two lists by user: processes that ask,
 * with a time until which they are told, and views that were told, bounded by REMOTE_ENTRIES_MAX.
 * Dialogs of a lost process or a moved shard are held until another node reports that shard, so
 * watchers see no takeover. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/table.h"
#include "sig/remote/remote_watch.h"

/* What processes of other nodes ask or report about users: found by user, the most recent first. */
struct remote_entry {
	struct remote_entry *next, *prev;
	uint64_t hash, process;
	uint64_t until_ns;
	struct text tenant, user;
	struct remote_entry *due_next;
	bool is_due;
	uint8_t empty_left; /* so often it is still told that there is nothing */
	bool registered;
	uint32_t count;
	struct dialog_state *dialogs; /* and what they point at, in one */
};

struct remote_list {
	struct hash_key key;
	struct table by_user;
	struct remote_entry *first, *last;
	uint32_t count, most;
};

static uint64_t remote_hash(const struct remote_list *l, struct bytes tenant, struct bytes user)
{
	return hash_sip(&l->key, tenant) * 31 + hash_sip(&l->key, user);
}

static bool remote_is(const struct remote_entry *e, struct bytes tenant, struct bytes user)
{
	return bytes_eq(text_bytes(&e->tenant), tenant) && bytes_eq(text_bytes(&e->user), user);
}

/* All of a user: start with *cursor = 0. NULL at the end. */
static struct remote_entry *remote_list_next(const struct remote_list *l, struct bytes tenant,
					     struct bytes user, uint32_t *cursor)
{
	uint64_t hash = remote_hash(l, tenant, user), at;

	while ((at = table_next(&l->by_user, hash, cursor)) != 0) {
		struct remote_entry *e = (struct remote_entry *)(uintptr_t)at;

		if (remote_is(e, tenant, user))
			return e;
	}
	return NULL;
}

/* That of a process; NULL: none. */
static struct remote_entry *remote_list_find(const struct remote_list *l, uint64_t process,
					     struct bytes tenant, struct bytes user)
{
	struct remote_entry *e;
	uint32_t cursor = 0;

	while ((e = remote_list_next(l, tenant, user, &cursor)) != NULL && e->process != process)
		;
	return e;
}

static void remote_free(struct remote_entry *e)
{
	text_clear(&e->tenant);
	text_clear(&e->user);
	free(e->dialogs);
	free(e);
}

static void remote_unlink(struct remote_list *l, struct remote_entry *e)
{
	*(e->prev ? &e->prev->next : &l->first) = e->next;
	*(e->next ? &e->next->prev : &l->last) = e->prev;
}

static void remote_link(struct remote_list *l, struct remote_entry *e)
{
	e->prev = NULL;
	e->next = l->first;
	*(e->next ? &e->next->prev : &l->last) = e;
	l->first = e;
}

static struct remote_entry *remote_new(struct remote_list *l, uint64_t process,
				       const struct remote_user *u)
{
	struct remote_entry *e = l->count < l->most ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->hash = remote_hash(l, u->tenant, u->user);
	e->process = process;
	if (!text_set(&e->tenant, u->tenant) && !text_set(&e->user, u->user) &&
	    !table_put(&l->by_user, e->hash, (uintptr_t)e)) {
		l->count++;
		return e;
	}
	remote_free(e);
	return NULL;
}

/* The same, created if missing, and moved to the front. Returns NULL if full, or without memory. */
static struct remote_entry *remote_list_refresh(struct remote_list *l, uint64_t process,
						const struct remote_user *u, uint64_t until_ns)
{
	struct remote_entry *e = remote_list_find(l, process, u->tenant, u->user);

	if (e)
		remote_unlink(l, e);
	else
		e = remote_new(l, process, u);
	if (!e)
		return NULL;
	remote_link(l, e);
	e->until_ns = until_ns;
	return e;
}

static void remote_list_drop(struct remote_list *l, struct remote_entry *e)
{
	remote_unlink(l, e);
	(void)table_del(&l->by_user, e->hash, (uintptr_t)e);
	l->count--;
	remote_free(e);
}

/* ---- dialogs ---- */

static void remote_copy(struct writer *w, struct bytes *b)
{
	const uint8_t *at = w->p + w->n;

	writer_bytes(w, *b);
	*b = bytes_mem(at, b->n);
}

static size_t dialogs_octets(const struct remote_user *u)
{
	size_t n = 0;

	for (uint32_t i = 0; i < u->count; i++)
		n += u->dialogs[i].call_id.n + u->dialogs[i].tag.n + u->dialogs[i].local.n +
		     u->dialogs[i].remote.n;
	return n;
}

/* Takes a copy of what was told. 0 or -ENOMEM: all is as it was. */
static int remote_entry_fill(struct remote_entry *e, const struct remote_user *u)
{
	size_t n = u->count * sizeof(*e->dialogs);
	size_t octets = dialogs_octets(u);
	struct dialog_state *list = malloc(n + octets + 1);
	struct writer w;

	if (!list)
		return -ENOMEM;
	w = writer_over((uint8_t *)list + n, octets);
	for (uint32_t i = 0; i < u->count; i++) {
		list[i] = u->dialogs[i];
		remote_copy(&w, &list[i].call_id);
		remote_copy(&w, &list[i].tag);
		remote_copy(&w, &list[i].local);
		remote_copy(&w, &list[i].remote);
	}
	assert(!w.overflow);
	free(e->dialogs);
	e->dialogs = list;
	e->count = u->count;
	e->registered = u->registered;
	return 0;
}

/* Watchers would see no change. */
static bool remote_entry_is(const struct remote_entry *e, const struct remote_user *u)
{
	bool same = e->count == u->count && e->registered == u->registered;

	for (uint32_t i = 0; same && i < u->count; i++)
		same = e->dialogs[i].id == u->dialogs[i].id &&
		       e->dialogs[i].phase == u->dialogs[i].phase &&
		       e->dialogs[i].held == u->dialogs[i].held &&
		       e->dialogs[i].conference == u->dialogs[i].conference &&
		       e->dialogs[i].alone == u->dialogs[i].alone &&
		       e->dialogs[i].waits_utc_ms == u->dialogs[i].waits_utc_ms;
	return same;
}

/* ---- */

/* 0 or -ENOMEM. */
static int remote_list_open(struct remote_list *l, uint32_t most, const struct hash_key *key)
{
	*l = (struct remote_list){ .key = *key, .most = most };
	return table_open(&l->by_user, most);
}

static void remote_list_close(struct remote_list *l)
{
	while (l->first) {
		struct remote_entry *e = l->first;

		l->first = e->next;
		remote_free(e);
	}
	table_close(&l->by_user);
}

enum {
	PROCESSES_MAX = 128,
	EMPTY_REPEATS = 3, /* times that a user has no dialogs any more, as one may be lost */
	HOLD_ASK_S = 2,    /* so often others are asked for what is held */
};

struct remote_process {
	uint64_t process;
	uint64_t received_ns;
};

struct remote_watch {
	struct remote_watch_host host;
	struct remote_list asks, views;
	struct remote_list held;  /* dialogs of shards that no node reports now; of process 0 */
	struct remote_list asked; /* users with reports kept without watchers; of process 0 */
	uint32_t shards[REMOTE_SHARDS_MAX], shard_count; /* of the sender of what is being read */
	bool lists_shards;                               /* it is one that says them */
	uint32_t seconds;
	struct remote_process processes[PROCESSES_MAX];
	uint32_t process_count;
	struct remote_entry *due, **due_end;
	uint64_t now_ns;
	uint64_t process; /* the sender of what is being read */
	struct remote_watch_counts counts;
	struct writer outcome; /* for all */
	uint8_t space[REMOTE_STATE_MAX];
	uint8_t one[REMOTE_STATE_MAX]; /* for one of them */
};

static void remote_due(struct remote_watch *r, struct remote_entry *e)
{
	if (e->is_due)
		return;
	e->is_due = true;
	e->due_next = NULL;
	*r->due_end = e;
	r->due_end = &e->due_next;
}

static void remote_due_remove(struct remote_watch *r, const struct remote_entry *e)
{
	struct remote_entry **at = &r->due;

	while (*at && *at != e)
		at = &(*at)->due_next;
	if (*at)
		*at = e->due_next;
	r->due_end = at;
	while (*r->due_end)
		r->due_end = &(*r->due_end)->due_next;
}

static void remote_forget(struct remote_watch *r, struct remote_list *l, struct remote_entry *e)
{
	if (e->is_due)
		remote_due_remove(r, e);
	remote_list_drop(l, e);
}

/* For the sender of what is being read. */
static struct remote_entry *remote_entry_refresh(struct remote_watch *r, struct remote_list *l,
						 const struct remote_user *u)
{
	return remote_list_refresh(l, r->process, u, r->now_ns + REMOTE_KEPT_NS);
}

/* ---- sent ---- */

static void states_for_all(struct remote_watch *r)
{
	if (r->outcome.n)
		r->host.send(r->host.with, 0, writer_done(&r->outcome));
	r->outcome = writer_over(r->space, sizeof(r->space));
}

static void remote_request(struct remote_watch *r, const struct remote_user *u)
{
	if (!u->user.n || u->user.n > REMOTE_USER_MAX)
		return;
	remote_state_add(&r->outcome, u);
	if (r->outcome.overflow) {
		r->outcome.overflow = false;
		states_for_all(r);
		remote_state_add(&r->outcome, u);
	}
	r->counts.asked++;
}

void remote_watch_request(struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	const struct remote_user u = { .tenant = tenant, .user = user, .asks = true };

	remote_request(r, &u);
}

void remote_watch_query(struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	const struct remote_user u = { .tenant = tenant, .user = user, .asks = true };

	if (remote_list_refresh(&r->asked, 0, &u, r->now_ns + REMOTE_KEPT_NS))
		remote_request(r, &u);
	else
		r->counts.refused++;
}

void remote_watch_send(struct remote_watch *r, uint64_t process, const struct remote_item *item)
{
	struct writer w = writer_over(r->one, sizeof(r->one));

	remote_state_add_item(&w, item);
	if (!w.overflow)
		r->host.send(r->host.with, process, writer_done(&w));
}

void remote_watch_changed(struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	struct remote_entry *e;
	uint32_t cursor = 0;

	if (!r->asks.count)
		return;
	while ((e = remote_list_next(&r->asks, tenant, user, &cursor)) != NULL)
		remote_due(r, e);
}

static void states_for(struct remote_watch *r, uint64_t process, struct writer *w)
{
	if (w->n)
		r->host.send(r->host.with, process, writer_done(w));
	*w = writer_over(r->one, sizeof(r->one));
}

static void states_write_shards(struct remote_watch *r, struct writer *w)
{
	uint32_t shards[REMOTE_SHARDS_MAX];

	remote_state_add_shards(w, shards, r->host.shards(r->host.owner, shards));
}

static void remote_entry_write(struct remote_watch *r, struct remote_entry *e, struct writer *w)
{
	struct remote_user u = { .tenant = text_bytes(&e->tenant), .user = text_bytes(&e->user) };
	size_t before = w->n;

	u.count = r->host.dialogs(r->host.owner, u.tenant, u.user, u.dialogs);
	u.registered = r->host.registered(r->host.owner, u.tenant, u.user);
	if (!u.count && !u.registered && !e->empty_left)
		return;
	e->empty_left = u.count || u.registered ? EMPTY_REPEATS : (uint8_t)(e->empty_left - 1);
	if (before > REMOTE_STATE_MAX / 2) /* the next one may need the other half */
		states_for(r, e->process, w);
	if (!w->n)
		states_write_shards(r, w);
	remote_state_add(w, &u);
	r->counts.told++;
}

void remote_watch_flush(struct remote_watch *r)
{
	struct writer w = writer_over(r->one, sizeof(r->one));
	struct remote_entry *e;
	uint64_t process = 0;

	if (r->outcome.n)
		states_for_all(r);
	while ((e = r->due) != NULL) {
		r->due = e->due_next;
		e->is_due = false;
		if (e->process != process)
			states_for(r, process, &w);
		process = e->process;
		remote_entry_write(r, e, &w);
	}
	r->due_end = &r->due;
	states_for(r, process, &w);
}

/* ---- received ---- */

static void hear_shards(const uint32_t *shards, size_t count, void *arg)
{
	struct remote_watch *r = arg;

	r->lists_shards = shards != NULL;
	if (count)
		memcpy(r->shards, shards, count * sizeof(*shards));
	r->shard_count = (uint32_t)count;
}

static void remote_on_request(struct remote_watch *r, const struct remote_user *u)
{
	struct remote_entry *e = remote_entry_refresh(r, &r->asks, u);

	if (!e) {
		r->counts.refused++;
		return;
	}
	if (u->holds)
		e->empty_left = EMPTY_REPEATS;
	remote_due(r, e);
}

static bool is_listed(const struct dialog_state *list, uint32_t count, uint64_t id)
{
	while (count && list[count - 1].id != id)
		count--;
	return count;
}

static bool has_shard(const uint32_t *shards, uint32_t count, uint32_t shard)
{
	while (count && shards[count - 1] != shard)
		count--;
	return count;
}

static void hold_add(struct remote_watch *r, struct bytes tenant, struct bytes user,
		     const struct dialog_state *d)
{
	struct remote_user u = { .tenant = tenant, .user = user };
	struct remote_entry *e;

	if (!r->host.is_watched(r->host.owner, tenant, user))
		return;
	e = remote_list_refresh(&r->held, 0, &u, r->now_ns + REMOTE_KEPT_NS);
	if (!e) {
		r->counts.refused++;
		return;
	}
	u.count = e->count;
	if (e->count)
		memcpy(u.dialogs, e->dialogs, e->count * sizeof(*e->dialogs));
	if (is_listed(u.dialogs, u.count, d->id) || u.count == DIALOG_STATES_MAX)
		return;
	u.dialogs[u.count++] = *d;
	if (remote_entry_fill(e, &u))
		r->counts.refused++;
}

/* What a process showed and does not any more: u is what it shows now, NULL where it is gone. */
static void hold_rest(struct remote_watch *r, const struct remote_entry *e,
		      const struct remote_user *u)
{
	for (uint32_t i = 0; i < e->count; i++) {
		const struct dialog_state *d = &e->dialogs[i];

		if (!d->shard ||
		    (u && (!r->lists_shards || is_listed(u->dialogs, u->count, d->id) ||
			   has_shard(r->shards, r->shard_count, d->shard))))
			continue;
		hold_add(r, text_bytes(&e->tenant), text_bytes(&e->user), d);
	}
}

void remote_watch_hold(struct remote_watch *r, struct bytes tenant, struct bytes user,
		       const struct dialog_state *d)
{
	if (d->shard)
		hold_add(r, tenant, user, d);
}

/* Leaves out those of these shards, and those that are in the list. True: something was. */
static bool entry_leave_out(struct remote_entry *e, const uint32_t *shards, uint32_t shard_count,
			    const struct remote_user *u)
{
	uint32_t kept = 0, before = e->count;

	for (uint32_t i = 0; i < before; i++) {
		const struct dialog_state *d = &e->dialogs[i];

		if (!has_shard(shards, shard_count, d->shard) &&
		    !(u && is_listed(u->dialogs, u->count, d->id)))
			e->dialogs[kept++] = *d;
	}
	e->count = kept;
	return kept != before;
}

/* A shard's calls are reported by its present owner: held dialogs of it, or those that another
 * process reported, are outdated. */
static bool views_settle(struct remote_watch *r, const struct remote_user *u)
{
	struct remote_entry *e = remote_list_find(&r->held, 0, u->tenant, u->user);
	bool changed = false;
	uint32_t cursor = 0;

	if (e && entry_leave_out(e, r->shards, r->shard_count, u)) {
		changed = true;
		if (!e->count)
			remote_forget(r, &r->held, e);
	}
	while (r->shard_count &&
	       (e = remote_list_next(&r->views, u->tenant, u->user, &cursor)) != NULL)
		changed |= e->process != r->process &&
			   entry_leave_out(e, r->shards, r->shard_count, NULL);
	return changed;
}

/* Reports on users who are neither watched here nor asked for are dropped: the other node stops
 * when it is not asked again. */
static void hear_view(struct remote_watch *r, const struct remote_user *u)
{
	bool wanted = (u->count || u->registered) &&
		      (r->host.is_watched(r->host.owner, u->tenant, u->user) ||
		       remote_list_find(&r->asked, 0, u->tenant, u->user));
	bool changed = views_settle(r, u);
	struct remote_entry *e =
		wanted ? remote_entry_refresh(r, &r->views, u)
		       : remote_list_find(&r->views, r->process, u->tenant, u->user);

	if (!e)
		r->counts.refused += wanted;
	else if (!remote_entry_is(e, u)) {
		changed = true;
		hold_rest(r, e, u);
		if (!u->count && !u->registered)
			remote_forget(r, &r->views, e);
		else if (remote_entry_fill(e, u))
			r->counts.refused++;
	}
	if (changed)
		r->host.changed(r->host.owner, u->tenant, u->user);
}

static void hear_user(const struct remote_user *u, void *arg)
{
	struct remote_watch *r = arg;

	r->counts.heard++;
	if (u->asks)
		remote_on_request(r, u);
	else
		hear_view(r, u);
}

static void hear_item(const struct remote_item *item, void *arg)
{
	struct remote_watch *r = arg;
	struct remote_item heard = *item;
	struct remote_item answer = { .kind = item->kind + 1, .serial = item->serial };

	heard.process = r->process;
	if (r->host.hear(r->host.owner, r->process, &heard, &answer))
		remote_watch_send(r, r->process, &answer);
}

static bool process_note(struct remote_watch *r, uint64_t process)
{
	struct remote_process *p = r->processes;

	while (p < r->processes + r->process_count && p->process != process)
		p++;
	if (p == r->processes + PROCESSES_MAX)
		return false;
	r->process_count += p == r->processes + r->process_count;
	*p = (struct remote_process){ process, r->now_ns };
	return true;
}

void remote_watch_on_state(struct remote_watch *r, uint64_t process, struct bytes outcome,
			   uint64_t now_ns)
{
	const struct remote_state_readers readers = {
		.shards = hear_shards,
		.user = hear_user,
		.item = hear_item,
		.arg = r,
	};

	r->now_ns = now_ns;
	r->process = process;
	if (process_note(r, process) && !remote_state_read(outcome, &readers))
		return;
	r->counts.refused++;
	LOG_WARN("node", 0, "what another node tells of users is not understood",
		 LOG_INT("octets", (int64_t)outcome.n));
}

/* ---- what is known ---- */

static uint32_t entries_add(const struct remote_list *l, struct bytes tenant, struct bytes user,
			    struct dialog_state *out, uint32_t count)
{
	const struct remote_entry *e;
	uint32_t cursor = 0;

	while (l->count && (e = remote_list_next(l, tenant, user, &cursor)) != NULL) {
		for (uint32_t i = 0; i < e->count && count < DIALOG_STATES_MAX; i++) {
			if (!is_listed(out, count, e->dialogs[i].id))
				out[count++] = e->dialogs[i];
		}
	}
	return count;
}

uint32_t remote_watch_dialogs(const struct remote_watch *r, struct bytes tenant, struct bytes user,
			      struct dialog_state *out, uint32_t count)
{
	count = entries_add(&r->views, tenant, user, out, count);
	return entries_add(&r->held, tenant, user, out, count);
}

bool remote_watch_registered(const struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	const struct remote_entry *e;
	uint32_t cursor = 0;

	while ((e = remote_list_next(&r->views, tenant, user, &cursor)) != NULL && !e->registered)
		;
	return e != NULL;
}

bool remote_watch_waits(const struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	struct dialog_state list[DIALOG_STATES_MAX];
	uint32_t count = remote_watch_dialogs(r, tenant, user, list, 0);

	while (count && !list[count - 1].waits_utc_ms)
		count--;
	return count;
}

/* ---- time ---- */

static void entry_lapse(struct remote_watch *r, struct remote_list *l, struct remote_entry *e)
{
	struct text tenant = e->tenant, user = e->user;

	if (l == &r->asks || l == &r->asked) {
		remote_forget(r, l, e);
		return;
	}
	e->tenant = e->user = (struct text){ 0 };
	remote_forget(r, l, e);
	r->host.changed(r->host.owner, text_bytes(&tenant), text_bytes(&user));
	text_clear(&tenant);
	text_clear(&user);
}

static void process_lost(struct remote_watch *r, struct remote_list *l, uint64_t process)
{
	struct remote_entry *next;

	for (struct remote_entry *e = l->first; e; e = next) {
		next = e->next;
		if (e->process != process)
			continue;
		if (l == &r->views)
			hold_rest(r, e, NULL);
		e->count = 0;
		if (!e->registered)
			entry_lapse(r, l, e);
	}
}

/* What came here is told by this node itself; for all else others are asked. */
static void held_look(struct remote_watch *r)
{
	uint32_t shards[REMOTE_SHARDS_MAX];
	uint32_t count = r->held.count ? r->host.shards(r->host.owner, shards) : 0;
	struct remote_entry *next;

	for (struct remote_entry *e = r->held.first; e; e = next) {
		bool changed = entry_leave_out(e, shards, count, NULL);
		struct remote_user u = { .tenant = text_bytes(&e->tenant),
					 .user = text_bytes(&e->user),
					 .asks = true,
					 .holds = true };

		next = e->next;
		if (!e->count)
			entry_lapse(r, &r->held, e);
		else if (changed)
			r->host.changed(r->host.owner, u.tenant, u.user);
		else if (r->seconds % HOLD_ASK_S == 0)
			remote_request(r, &u);
	}
}

static void processes_look(struct remote_watch *r, uint64_t now_ns)
{
	for (uint32_t i = r->process_count; i-- > 0;) {
		struct remote_process p = r->processes[i];

		if (r->host.is_attached(r->host.with, p.process))
			r->processes[i].received_ns = now_ns;
		if (r->processes[i].received_ns + REMOTE_LOST_NS > now_ns)
			continue;
		r->processes[i] = r->processes[--r->process_count];
		process_lost(r, &r->asks, p.process);
		process_lost(r, &r->views, p.process);
	}
}

void remote_watch_expire(struct remote_watch *r, uint64_t now_ns)
{
	struct remote_list *lists[] = { &r->asks, &r->views, &r->held, &r->asked };

	r->now_ns = now_ns;
	r->seconds++;
	processes_look(r, now_ns);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		while (lists[i]->last && lists[i]->last->until_ns <= now_ns)
			entry_lapse(r, lists[i], lists[i]->last);
	}
	held_look(r);
}

void remote_watch_counts(struct remote_watch *r, struct remote_watch_counts *out)
{
	*out = r->counts;
	r->counts = (struct remote_watch_counts){ 0 };
	out->asking = r->asks.count;
	out->views = r->views.count;
	out->held = r->held.count;
}

/* ---- */

int remote_watch_open(struct remote_watch **out, const struct remote_watch_host *host,
		      const struct hash_key *key)
{
	struct remote_watch *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->host = *host;
	r->due_end = &r->due;
	r->outcome = writer_over(r->space, sizeof(r->space));
	if (remote_list_open(&r->asks, REMOTE_ENTRIES_MAX, key) ||
	    remote_list_open(&r->views, REMOTE_ENTRIES_MAX, key) ||
	    remote_list_open(&r->held, REMOTE_ENTRIES_MAX, key) ||
	    remote_list_open(&r->asked, REMOTE_ENTRIES_MAX, key)) {
		remote_watch_close(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void remote_watch_close(struct remote_watch *r)
{
	if (!r)
		return;
	remote_list_close(&r->asks);
	remote_list_close(&r->views);
	remote_list_close(&r->held);
	remote_list_close(&r->asked);
	free(r);
}
