/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a room, for those who watch it (RFC 4575): each call says how its party is now, and the room what of that is new. */
#include "sig/call/conference.h"
#include "sig/call/identity.h"
#include "sig/room/room.h"
#include "sig/shard/shard_room.h"
#include "sig/sip/lex.h"

enum { FACE_URI_MAX = 128 };
#define FACE_NOBODY "sip:anonymous@anonymous.invalid"

struct room *shard_room_named(const struct shard *s, uint16_t tenant, struct bytes user)
{
	struct room *r = shard_room_called(s, tenant, user);
	uint64_t id;

	if (r || !conf_name_get(user, &id))
		return r;
	r = shard_room_find(s, id);
	return r && r->tenant == tenant && !r->number[0] && !r->name[0] ? r : NULL;
}

/* ---- a member ---- */

static enum conference_status face_of_asked(const struct call *c)
{
	const struct leg *l = call_caller(c);

	if (!l->called || l->state != LEG_EARLY)
		return CONFERENCE_PENDING;
	return l->uac && l->uac->state >= UAC_PROCEEDING ? CONFERENCE_ALERTING
							 : CONFERENCE_DIALING_OUT;
}

static enum conference_status face_status(const struct call *c)
{
	if (c->member->asks)
		return face_of_asked(c);
	if (c->parting_ns)
		return CONFERENCE_DISCONNECTING;
	if (c->member->waits)
		return CONFERENCE_PENDING;
	if (!conference_speaks(c) || conference_is_held(c))
		return CONFERENCE_ON_HOLD;
	return c->member->muted ? CONFERENCE_MUTED : CONFERENCE_CONNECTED;
}

static enum conference_way face_way(const struct call *c)
{
	bool in = !c->member->asks && conference_speaks(c) && !conference_is_held(c);
	bool sends = in && !c->member->muted, hears = in && !c->member->deaf;

	if (sends)
		return hears ? CONFERENCE_BOTH : CONFERENCE_SENDS;
	return hears ? CONFERENCE_HEARS : CONFERENCE_NEITHER;
}

/* Of who hides nobody is told more than that he is there (RFC 3323). */
static struct bytes face_uri(const struct shard *s, const struct call *c, bool hidden,
			     uint8_t space[FACE_URI_MAX])
{
	struct writer w = writer_over(space, FACE_URI_MAX);
	const char *realm = tenants_realm(s->settings.tenants, c->tenant);
	struct bytes user = call_leg_user(c, c->bridge.caller);

	if (hidden || !lex_is_token(user))
		return BYTES_LIT(FACE_NOBODY);
	writer_str(&w, "sip:");
	writer_bytes(&w, user);
	WRITER_TEXTS(&w, "@", realm[0] ? realm : s->settings.digest.realm);
	return w.overflow ? BYTES_LIT(FACE_NOBODY) : writer_done(&w);
}

static struct bytes face_display(const struct shard *s, const struct call *c, bool hidden)
{
	const struct leg *l = call_caller(c);
	const struct shard_extension *e =
		l->user.n ? shard_extension_find(s, c->tenant, text_bytes(&l->user)) : NULL;
	struct sip_name_addr party;

	if (hidden)
		return (struct bytes){ 0 };
	if (e && e->display_name[0])
		return bytes_str(e->display_name);
	return sip_name_addr_parse(&party, text_bytes(&l->dialog.remote)) ? (struct bytes){ 0 }
									  : party.display;
}

/* Who only listens to two, or tells one of them what to say, is to be seen by nobody (MON-04). */
static bool face_is_hidden(const struct room_member *m)
{
	return m->monitors && (m->muted || m->coaches);
}

static void face_read(const struct shard *s, const struct room *r, const struct call *c,
		      uint8_t space[FACE_URI_MAX], struct room_face *out)
{
	const struct leg *l = call_caller(c);
	bool hidden = identity_is_hidden(c, l);

	*out = (struct room_face){
		.user = conference_user(c),
		.uri = face_uri(s, c, hidden, space),
		.display = face_display(s, c, hidden),
		.status = (uint8_t)face_status(c),
		.joined = l->called ? CONFERENCE_DIALED_OUT : CONFERENCE_DIALED_IN,
		.way = (uint8_t)face_way(c),
		.host = !c->member->asks && r->host == c->member->number,
		.there = !c->member->asks,
	};
}

void shard_room_watch(struct shard *s, const struct call *c)
{
	struct room *r = c->member && c->state < CALL_ENDING && call_caller(c)
				 ? shard_room_find(s, c->member->room)
				 : NULL;
	uint8_t space[FACE_URI_MAX];
	struct room_face face;

	if (!r || (!c->member->next && !c->member->prev && r->first != c->member))
		return;
	if (face_is_hidden(c->member)) {
		room_untell(r, c->member);
	} else {
		face_read(s, r, c, space, &face);
		(void)room_tell(r, c->member, &face);
	}
	if (r->roster.change != r->told_change)
		shard_room_hurry(s, r);
}

/* ---- the room ---- */

static void watched_host(struct shard *s, const struct room *r, uint16_t number)
{
	const struct room_member *m = number ? room_number_of(r, number) : NULL;
	const struct call *c = m ? shard_member_call(s, m) : NULL;

	if (c)
		shard_room_watch(s, c);
}

void shard_room_watched(struct shard *s, struct room *r)
{
	uint8_t space[ROOM_USER_MAX];

	if (r->told_host != r->host) {
		watched_host(s, r, r->told_host);
		watched_host(s, r, r->host);
		r->told_host = r->host;
	}
	if (r->told_locked != r->locked) {
		roster_describe(&r->roster);
		r->told_locked = r->locked;
	}
	if (r->told_change == r->roster.change)
		return;
	r->told_change = r->roster.change;
	shard_conference_changed(s, r->tenant, room_name(r, space));
}

static void shown_read(const void *room, const struct roster_link *link,
		       struct conference_member *out)
{
	static uint8_t space[ROOM_ENDPOINT_MAX];
	const struct room_member *m = room_told_member(link);
	const struct room_told *t = &m->told;

	(void)room;
	*out = (struct conference_member){
		.name = room_told_name(m, space),
		.display = text_bytes(&t->display),
		.host = t->host,
		.status = (enum conference_status)t->status,
		.joined = (enum conference_joined)t->joined,
		.joined_utc_ms = m->joined_utc_ms,
		.audio = true,
		.audio_way = (enum conference_way)t->way,
	};
}

static bool shown_has(const void *room, struct bytes user)
{
	return room_has_user(room, user);
}

bool shard_room_shown(const struct shard *s, uint16_t tenant, struct bytes user,
		      struct conference_view *out)
{
	const struct room *r = shard_room_named(s, tenant, user);
	const struct room_terms *t =
		r ? rooms_find(s->settings.rooms, tenant, bytes_str(r->number)) : NULL;

	if (!r)
		return false;
	*out = (struct conference_view){
		.id = r->id,
		.room = r,
		.title = bytes_str(t ? t->name : NULL),
		.count = r->told_count,
		.count_max = r->max_members,
		.locked = r->locked,
		.roster = &r->roster,
		.read = shown_read,
		.has = shown_has,
	};
	return true;
}

void shard_rosters_close(struct shard *s)
{
	uint32_t cursor = 0;
	struct room *r;
	pool_handle h;

	while (s->rooms.slots && (r = pool_next(&s->rooms, &cursor, &h)) != NULL)
		roster_close(&r->roster);
}
