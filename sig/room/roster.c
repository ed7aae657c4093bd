/* SPDX-License-Identifier: Apache-2.0 */
/* The roster of a conference for its watchers (roster.h): a list of members ordered by last change,
 * so a NOTIFY has only the entries behind the change that its watcher was told (RFC 4575 partial
 * state). Entries lie in the members themselves; of members that left only names are kept, up to a
 * limit, beyond which a watcher gets full state. Nothing is saved. */

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sig/room/room.h"
#include "sig/room/roster.h"
#include "sig/sip/id.h"

static bool roster_entry_is(const struct roster_entry *t, const struct room_face *f)
{
	return t->link.change && t->status == f->status && t->joined == f->joined &&
	       t->way == f->way && t->host == f->host && t->there == f->there &&
	       bytes_eq(text_bytes(&t->uri), f->uri) && bytes_eq(text_bytes(&t->user), f->user) &&
	       bytes_eq(text_bytes(&t->display), f->display);
}

/* By another name it is another one. */
static bool roster_entry_is_named(const struct roster_entry *t, const struct room_face *f)
{
	return bytes_eq(text_bytes(&t->uri), f->uri);
}

/* Another phone of its user. */
static struct roster_link *roster_entry_twin(const struct room *r, const struct room_member *m)
{
	for (struct roster_link *l = r->roster.first; l; l = l->next) {
		const struct room_member *other = l->gone ? NULL : roster_entry_member(l);

		if (other && other != m &&
		    bytes_eq(text_bytes(&other->told.uri), text_bytes(&m->told.uri)))
			return l;
	}
	return NULL;
}

bool roster_update(struct room *r, struct room_member *m, const struct room_face *face)
{
	struct roster_entry *t = &m->told;
	struct roster_link *twin;

	if (roster_entry_is(t, face))
		return false;
	if (t->link.change && !roster_entry_is_named(t, face))
		roster_withdraw(r, m);
	if (text_set(&t->user, face->user) || text_set(&t->uri, face->uri) ||
	    text_set(&t->display, face->display)) {
		roster_withdraw(r, m);
		return false;
	}
	r->told_count += face->there - t->there;
	t->status = face->status;
	t->joined = face->joined;
	t->way = face->way;
	t->host = face->host;
	t->there = face->there;
	twin = t->link.change ? NULL : roster_entry_twin(r, m);
	roster_change(&r->roster, &t->link);
	if (twin)
		roster_join(&t->link, twin);
	return true;
}

struct roster_name roster_entry_name(const struct room_member *m, uint8_t space[ROOM_ENDPOINT_MAX])
{
	struct writer w = writer_over(space, ROOM_ENDPOINT_MAX);
	char id[ID_TEXT_LEN];

	id_call_put(id, m->call);
	writer_bytes(&w, text_bytes(&m->told.uri));
	writer_str(&w, ";member=");
	writer_mem(&w, id, sizeof(id));
	return (struct roster_name){ text_bytes(&m->told.uri), writer_done(&w) };
}

void roster_withdraw(struct room *r, struct room_member *m)
{
	if (!m->told.link.change)
		return;
	roster_leave(&r->roster, &m->told.link, text_bytes(&m->told.uri));
	r->told_count -= m->told.there;
	m->told.there = false;
}

void roster_entry_clear(struct roster_entry *told)
{
	text_clear(&told->user);
	text_clear(&told->uri);
	text_clear(&told->display);
}

bool room_has_user(const struct room *r, struct bytes user)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		if (!m->monitors && bytes_eq(text_bytes(&m->told.user), user))
			return true;
	}
	return false;
}

const struct room_member *roster_entry_member(const struct roster_link *link)
{
	static_assert(offsetof(struct roster_entry, link) == 0, "it begins with it");
	return (const void *)((const uint8_t *)link - offsetof(struct room_member, told));
}

static void roster_append(struct room_roster *r, struct roster_link *l)
{
	l->change = ++r->change;
	l->next = NULL;
	l->prev = r->last;
	*(l->prev ? &l->prev->next : &r->first) = l;
	r->last = l;
}

static void roster_unlink(struct room_roster *r, struct roster_link *l)
{
	*(l->prev ? &l->prev->next : &r->first) = l->next;
	*(l->next ? &l->next->prev : &r->last) = l->prev;
	l->next = l->prev = NULL;
	l->change = 0;
}

void roster_change(struct room_roster *r, struct roster_link *member)
{
	if (member->change)
		roster_unlink(r, member);
	roster_append(r, member);
}

void roster_join(struct roster_link *member, struct roster_link *other)
{
	member->twin = other->twin ? other->twin : other;
	other->twin = member;
}

/* The one before it in the round; NULL: it is alone. */
static struct roster_link *roster_part(struct roster_link *member)
{
	struct roster_link *before = member;

	while (before->twin && before->twin != member)
		before = before->twin;
	before->twin = member->twin;
	member->twin = NULL;
	return before == member ? NULL : before;
}

/* NULL: no memory. */
static struct roster_gone *gone_make(struct bytes user)
{
	struct roster_gone *gone = malloc(sizeof(*gone) + user.n);

	if (!gone)
		return NULL;
	memcpy(gone->text, user.p, user.n);
	gone->link = (struct roster_link){ .gone = gone };
	gone->user = bytes_mem(gone->text, user.n);
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
	roster_unlink(r, l);
	free(l->gone);
}

void roster_leave(struct room_roster *r, struct roster_link *member, struct bytes user)
{
	struct roster_link *twin;
	struct roster_gone *gone;

	if (!member->change)
		return;
	roster_unlink(r, member);
	twin = roster_part(member);
	if (twin) {
		roster_change(r, twin);
		return;
	}
	gone = gone_make(user);
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

		roster_unlink(r, l);
		free(l->gone);
	}
	*r = (struct room_roster){ 0 };
}
