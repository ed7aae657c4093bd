/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_told.h"

#include <assert.h>
#include <stddef.h>

#include "sig/room/room.h"
#include "sig/sip/id.h"

static bool told_is(const struct room_told *t, const struct room_face *f)
{
	return t->link.change && t->status == f->status && t->joined == f->joined &&
	       t->way == f->way && t->host == f->host && t->there == f->there &&
	       bytes_eq(text_bytes(&t->uri), f->uri) && bytes_eq(text_bytes(&t->user), f->user) &&
	       bytes_eq(text_bytes(&t->display), f->display);
}

/* By another name it is another one. */
static bool told_is_named(const struct room_told *t, const struct room_face *f)
{
	return bytes_eq(text_bytes(&t->uri), f->uri);
}

bool room_tell(struct room *r, struct room_member *m, const struct room_face *face)
{
	struct room_told *t = &m->told;

	if (told_is(t, face))
		return false;
	if (t->link.change && !told_is_named(t, face))
		room_untell(r, m);
	if (text_set(&t->user, face->user) || text_set(&t->uri, face->uri) ||
	    text_set(&t->display, face->display)) {
		room_untell(r, m);
		return false;
	}
	r->told_count += face->there - t->there;
	t->status = face->status;
	t->joined = face->joined;
	t->way = face->way;
	t->host = face->host;
	t->there = face->there;
	roster_change(&r->roster, &t->link);
	return true;
}

struct roster_name room_told_name(const struct room_member *m, uint8_t space[ROOM_ENDPOINT_MAX])
{
	struct writer w = writer_over(space, ROOM_ENDPOINT_MAX);
	char id[ID_TEXT_LEN];

	id_call_put(id, m->call);
	writer_bytes(&w, text_bytes(&m->told.uri));
	writer_str(&w, ";member=");
	writer_mem(&w, id, sizeof(id));
	return (struct roster_name){ text_bytes(&m->told.uri), writer_done(&w) };
}

static bool told_is_last(const struct room *r, const struct room_member *m)
{
	for (const struct roster_link *l = r->roster.first; l; l = l->next) {
		const struct room_member *other = l->gone ? NULL : room_told_member(l);

		if (other && other != m &&
		    told_is_named(&other->told,
				  &(struct room_face){ .uri = text_bytes(&m->told.uri) }))
			return false;
	}
	return true;
}

void room_untell(struct room *r, struct room_member *m)
{
	uint8_t space[ROOM_ENDPOINT_MAX];
	struct roster_name name;

	if (!m->told.link.change)
		return;
	name = room_told_name(m, space);
	roster_leave(&r->roster, &m->told.link, &name, told_is_last(r, m));
	r->told_count -= m->told.there;
	m->told.there = false;
}

void room_told_clear(struct room_told *told)
{
	text_clear(&told->user);
	text_clear(&told->uri);
	text_clear(&told->display);
}

bool room_has_user(const struct room *r, struct bytes user)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		if (bytes_eq(text_bytes(&m->told.user), user))
			return true;
	}
	return false;
}

const struct room_member *room_told_member(const struct roster_link *link)
{
	static_assert(offsetof(struct room_told, link) == 0, "it begins with it");
	return (const void *)((const uint8_t *)link - offsetof(struct room_member, told));
}
