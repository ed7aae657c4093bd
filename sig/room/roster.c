/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/roster.h"

#include <stdlib.h>
#include <string.h>

static void roster_append(struct room_roster *r, struct roster_link *l)
{
	l->change = ++r->change;
	l->next = NULL;
	l->prev = r->last;
	*(l->prev ? &l->prev->next : &r->first) = l;
	r->last = l;
}

static void roster_take(struct room_roster *r, struct roster_link *l)
{
	*(l->prev ? &l->prev->next : &r->first) = l->next;
	*(l->next ? &l->next->prev : &r->last) = l->prev;
	l->next = l->prev = NULL;
	l->change = 0;
}

void roster_change(struct room_roster *r, struct roster_link *member)
{
	if (member->change)
		roster_take(r, member);
	roster_append(r, member);
}

/* NULL: no memory. */
static struct roster_gone *gone_make(const struct roster_name *name, bool last)
{
	struct roster_gone *gone = malloc(sizeof(*gone) + name->user.n + name->endpoint.n);
	struct writer w;

	if (!gone)
		return NULL;
	w = writer_over(gone->text, name->user.n + name->endpoint.n);
	writer_bytes(&w, name->user);
	writer_bytes(&w, name->endpoint);
	gone->link = (struct roster_link){ .gone = gone };
	gone->user = last;
	gone->name = (struct roster_name){ bytes_mem(gone->text, name->user.n),
					   bytes_mem(gone->text + name->user.n, name->endpoint.n) };
	return gone;
}

/* The oldest of those who left. */
static void gone_forget(struct room_roster *r)
{
	struct roster_link *l = r->first;

	while (l && !l->gone)
		l = l->next;
	if (!l)
		return;
	r->forgotten = l->change;
	r->gone_count--;
	roster_take(r, l);
	free(l->gone);
}

void roster_leave(struct room_roster *r, struct roster_link *member, const struct roster_name *name,
		  bool last)
{
	struct roster_gone *gone;

	if (!member->change)
		return;
	roster_take(r, member);
	gone = gone_make(name, last);
	if (!gone) {
		r->forgotten = ++r->change;
		return;
	}
	roster_append(r, &gone->link);
	if (++r->gone_count > ROSTER_GONE_MAX)
		gone_forget(r);
}

void roster_describe(struct room_roster *r)
{
	r->described = ++r->change;
}

/* What was told is mostly the newest but a few. */
const struct roster_link *roster_after(const struct room_roster *r, uint64_t change)
{
	const struct roster_link *l = r->last, *found = NULL;

	for (; l && l->change > change; l = l->prev)
		found = l;
	return found;
}

void roster_close(struct room_roster *r)
{
	while (r->first) {
		struct roster_link *l = r->first;

		roster_take(r, l);
		free(l->gone);
	}
	*r = (struct room_roster){ 0 };
}
