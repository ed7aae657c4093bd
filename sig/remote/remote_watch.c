/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/remote/remote_watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/remote/remote_list.h"

enum {
	PROCESSES_MAX = 128,
	EMPTY_TOLD = 3, /* times that a user has no dialogs any more, as one may be lost */
};

struct remote_process {
	uint64_t process;
	uint64_t heard_ns;
};

struct remote_watch {
	struct remote_watch_host host;
	struct remote_list asks, views;
	struct remote_process processes[PROCESSES_MAX];
	uint32_t process_count;
	struct remote_entry *due, **due_end;
	struct remote_entry *later; /* told with the next second */
	uint64_t now_ns;
	uint64_t process; /* whose news are read */
	struct remote_watch_counts counts;
	struct writer news; /* for all */
	uint8_t space[REMOTE_NEWS_MAX];
	uint8_t one[REMOTE_NEWS_MAX]; /* for one of them */
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

static bool due_remove_from(struct remote_entry **at, const struct remote_entry *e)
{
	while (*at && *at != e)
		at = &(*at)->due_next;
	if (!*at)
		return false;
	*at = e->due_next;
	return true;
}

static void due_end_find(struct remote_watch *r)
{
	r->due_end = &r->due;
	while (*r->due_end)
		r->due_end = &(*r->due_end)->due_next;
}

static void remote_forget(struct remote_watch *r, struct remote_list *l, struct remote_entry *e)
{
	if (e->is_due && !due_remove_from(&r->later, e) && due_remove_from(&r->due, e))
		due_end_find(r);
	remote_list_drop(l, e);
}

/* Of the node whose news are read. */
static struct remote_entry *remote_take(struct remote_watch *r, struct remote_list *l,
					const struct remote_user *u)
{
	return remote_list_take(l, r->process, u, r->now_ns + REMOTE_KEPT_NS);
}

/* ---- what is said ---- */

static void news_for_all(struct remote_watch *r)
{
	if (r->news.n)
		r->host.send(r->host.with, 0, writer_done(&r->news));
	r->news = writer_over(r->space, sizeof(r->space));
}

void remote_watch_ask(struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	const struct remote_user u = { .tenant = tenant, .user = user, .asks = true };

	if (!user.n || user.n > REMOTE_USER_MAX)
		return;
	remote_news_add(&r->news, &u);
	if (r->news.overflow) {
		r->news.overflow = false;
		news_for_all(r);
		remote_news_add(&r->news, &u);
	}
	r->counts.asked++;
}

void remote_watch_pick(struct remote_watch *r, const struct remote_pick *p)
{
	struct writer w = writer_over(r->one, sizeof(r->one));

	remote_news_add_pick(&w, p);
	if (!w.overflow)
		r->host.send(r->host.with, 0, writer_done(&w));
}

void remote_watch_page(struct remote_watch *r, const struct remote_page *p)
{
	struct writer w = writer_over(r->one, sizeof(r->one));

	remote_news_add_page(&w, p);
	if (!w.overflow)
		r->host.send(r->host.with, 0, writer_done(&w));
}

void remote_watch_join(struct remote_watch *r, uint64_t process, const struct remote_join *j)
{
	struct writer w = writer_over(r->one, sizeof(r->one));

	remote_news_add_join(&w, j);
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

void remote_watch_left(struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	struct remote_entry *e;
	uint32_t cursor = 0;

	while ((e = remote_list_next(&r->asks, tenant, user, &cursor)) != NULL) {
		if (e->is_due)
			continue;
		e->is_due = true;
		e->due_next = r->later;
		r->later = e;
	}
}

static void news_for(struct remote_watch *r, uint64_t process, struct writer *w)
{
	if (w->n)
		r->host.send(r->host.with, process, writer_done(w));
	*w = writer_over(r->one, sizeof(r->one));
}

static void remote_tell(struct remote_watch *r, struct remote_entry *e, struct writer *w)
{
	struct remote_user u = { .tenant = text_bytes(&e->tenant), .user = text_bytes(&e->user) };
	size_t before = w->n;

	u.count = r->host.dialogs(r->host.owner, u.tenant, u.user, u.dialogs);
	if (!u.count && !e->empty_left)
		return;
	e->empty_left = u.count ? EMPTY_TOLD : (uint8_t)(e->empty_left - 1);
	if (before > REMOTE_NEWS_MAX / 2) /* the next one may need the other half */
		news_for(r, e->process, w);
	remote_news_add(w, &u);
	r->counts.told++;
}

void remote_watch_flush(struct remote_watch *r)
{
	struct writer w = writer_over(r->one, sizeof(r->one));
	struct remote_entry *e;
	uint64_t process = 0;

	if (r->news.n)
		news_for_all(r);
	while ((e = r->due) != NULL) {
		r->due = e->due_next;
		e->is_due = false;
		if (e->process != process)
			news_for(r, process, &w);
		process = e->process;
		remote_tell(r, e, &w);
	}
	r->due_end = &r->due;
	news_for(r, process, &w);
}

/* ---- what is heard ---- */

static void hear_ask(struct remote_watch *r, const struct remote_user *u)
{
	struct remote_entry *e = remote_take(r, &r->asks, u);

	if (!e) {
		r->counts.refused++;
		return;
	}
	remote_due(r, e);
}

/* Of users that nobody watches here any more nothing is kept: the other node stops when it is not asked again. */
static void hear_view(struct remote_watch *r, const struct remote_user *u)
{
	bool wanted = u->count && r->host.is_watched(r->host.owner, u->tenant, u->user);
	struct remote_entry *e =
		wanted ? remote_take(r, &r->views, u)
		       : remote_list_find(&r->views, r->process, u->tenant, u->user);
	bool changed;

	if (!e) {
		r->counts.refused += wanted;
		return;
	}
	changed = !remote_entry_is(e, u);
	if (!u->count)
		remote_forget(r, &r->views, e);
	else if (changed && remote_entry_fill(e, u))
		r->counts.refused++;
	if (changed)
		r->host.changed(r->host.owner, u->tenant, u->user);
}

static void hear_user(const struct remote_user *u, void *arg)
{
	struct remote_watch *r = arg;

	r->counts.heard++;
	if (u->asks)
		hear_ask(r, u);
	else
		hear_view(r, u);
}

static void hear_pick(const struct remote_pick *p, void *arg)
{
	struct remote_watch *r = arg;
	struct remote_picked picked = { .serial = p->serial };
	struct writer w = writer_over(r->one, sizeof(r->one));

	r->host.pick(r->host.owner, p, &picked);
	remote_news_add_picked(&w, &picked);
	r->host.send(r->host.with, r->process, writer_done(&w));
}

static void hear_picked(const struct remote_picked *p, void *arg)
{
	const struct remote_watch *r = arg;

	r->host.picked(r->host.owner, p);
}

static void hear_join(const struct remote_join *j, void *arg)
{
	struct remote_watch *r = arg;
	struct remote_joined joined = { .serial = j->serial };
	struct writer w = writer_over(r->one, sizeof(r->one));

	r->host.join(r->host.owner, j, &joined);
	remote_news_add_joined(&w, &joined);
	r->host.send(r->host.with, r->process, writer_done(&w));
}

static void hear_joined(const struct remote_joined *j, void *arg)
{
	const struct remote_watch *r = arg;

	r->host.joined(r->host.with, j);
}

static void hear_page(const struct remote_page *p, void *arg)
{
	struct remote_watch *r = arg;
	struct remote_paged paged = { .serial = p->serial };
	struct writer w = writer_over(r->one, sizeof(r->one));

	r->host.page(r->host.owner, &p->ask, &paged.page);
	remote_news_add_paged(&w, &paged);
	r->host.send(r->host.with, r->process, writer_done(&w));
}

static void hear_paged(const struct remote_paged *p, void *arg)
{
	const struct remote_watch *r = arg;

	r->host.paged(r->host.with, p);
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

void remote_watch_hear(struct remote_watch *r, uint64_t process, struct bytes news, uint64_t now_ns)
{
	const struct remote_news_readers readers = {
		.user = hear_user,
		.pick = hear_pick,
		.picked = hear_picked,
		.join = hear_join,
		.joined = hear_joined,
		.page = hear_page,
		.paged = hear_paged,
		.arg = r,
	};

	r->now_ns = now_ns;
	r->process = process;
	if (process_note(r, process) && !remote_news_read(news, &readers))
		return;
	r->counts.refused++;
	LOG_WARN("node", 0, "what another node tells of users is not understood",
		 LOG_INT("octets", (int64_t)news.n));
}

/* ---- what is known ---- */

static bool is_listed(const struct dialog_state *list, uint32_t count, uint64_t id)
{
	while (count && list[count - 1].id != id)
		count--;
	return count;
}

uint32_t remote_watch_dialogs(const struct remote_watch *r, struct bytes tenant, struct bytes user,
			      struct dialog_state *out, uint32_t count)
{
	const struct remote_entry *e;
	uint32_t cursor = 0;

	if (!r->views.count)
		return count;
	while ((e = remote_list_next(&r->views, tenant, user, &cursor)) != NULL) {
		for (uint32_t i = 0; i < e->count && count < DIALOG_STATES_MAX; i++) {
			if (!is_listed(out, count, e->dialogs[i].id))
				out[count++] = e->dialogs[i];
		}
	}
	return count;
}

bool remote_watch_waits(const struct remote_watch *r, struct bytes tenant, struct bytes user)
{
	const struct remote_entry *e;
	uint32_t cursor = 0;

	while (r->views.count && (e = remote_list_next(&r->views, tenant, user, &cursor)) != NULL) {
		for (uint32_t i = 0; i < e->count; i++) {
			if (e->dialogs[i].waits_utc_ms)
				return true;
		}
	}
	return false;
}

/* ---- time ---- */

static void view_lapse(struct remote_watch *r, struct remote_entry *e)
{
	struct text tenant = e->tenant, user = e->user;

	e->tenant = e->user = (struct text){ 0 };
	remote_forget(r, &r->views, e);
	r->host.changed(r->host.owner, text_bytes(&tenant), text_bytes(&user));
	text_clear(&tenant);
	text_clear(&user);
}

static void entry_lapse(struct remote_watch *r, struct remote_list *l, struct remote_entry *e)
{
	if (l == &r->views)
		view_lapse(r, e);
	else
		remote_forget(r, l, e);
}

static void process_lost(struct remote_watch *r, struct remote_list *l, uint64_t process)
{
	struct remote_entry *next;

	for (struct remote_entry *e = l->first; e; e = next) {
		next = e->next;
		if (e->process == process)
			entry_lapse(r, l, e);
	}
}

static void processes_look(struct remote_watch *r, uint64_t now_ns)
{
	for (uint32_t i = r->process_count; i-- > 0;) {
		struct remote_process p = r->processes[i];

		if (r->host.is_heard(r->host.with, p.process))
			r->processes[i].heard_ns = now_ns;
		if (r->processes[i].heard_ns + REMOTE_LOST_NS > now_ns)
			continue;
		r->processes[i] = r->processes[--r->process_count];
		process_lost(r, &r->asks, p.process);
		process_lost(r, &r->views, p.process);
	}
}

void remote_watch_expire(struct remote_watch *r, uint64_t now_ns)
{
	*r->due_end = r->later;
	r->later = NULL;
	due_end_find(r);
	processes_look(r, now_ns);
	while (r->asks.last && r->asks.last->until_ns <= now_ns)
		entry_lapse(r, &r->asks, r->asks.last);
	while (r->views.last && r->views.last->until_ns <= now_ns)
		entry_lapse(r, &r->views, r->views.last);
}

void remote_watch_counts(struct remote_watch *r, struct remote_watch_counts *out)
{
	*out = r->counts;
	r->counts = (struct remote_watch_counts){ 0 };
	out->asking = r->asks.count;
	out->views = r->views.count;
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
	r->news = writer_over(r->space, sizeof(r->space));
	if (remote_list_open(&r->asks, REMOTE_ENTRIES_MAX, key) ||
	    remote_list_open(&r->views, REMOTE_ENTRIES_MAX, key)) {
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
	free(r);
}
