/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/conference-info+xml (RFC 4575 5). What is told is all that changed since the watcher was told last, in the order in which it
 * changed, as much as a document may have; the next one goes on there. So a room of any size is told by documents of that size: the first one
 * begins anew (state="full") with the members that fit, and those behind it add the others (RFC 4575 6, state="partial").
 */
#include <time.h>

#include "base/hash.h"
#include "sig/sip/xml.h"
#include "sig/subscription/package.h"

enum {
	USERS_MAX = 128,  /* of a document */
	MEMBER_MAX = 768, /* one that needs more is told without its name */
	TAIL_MAX = 64,    /* what is behind the last member */
};

/* Users that a document has already. */
struct info_users {
	uint64_t hashes[USERS_MAX];
	uint32_t count;
};

static const char *const g_status[] = {
	[CONFERENCE_PENDING] = "pending",
	[CONFERENCE_DIALING_OUT] = "dialing-out",
	[CONFERENCE_ALERTING] = "alerting",
	[CONFERENCE_CONNECTED] = "connected",
	[CONFERENCE_ON_HOLD] = "on-hold",
	[CONFERENCE_MUTED] = "muted-via-focus",
	[CONFERENCE_DISCONNECTING] = "disconnecting",
};
static const char *const g_joined[] = {
	[CONFERENCE_DIALED_IN] = "dialed-in",
	[CONFERENCE_DIALED_OUT] = "dialed-out",
	[CONFERENCE_OWNER] = "focus-owner",
};
static const char *const g_ways[] = {
	[CONFERENCE_BOTH] = "sendrecv",
	[CONFERENCE_SENDS] = "sendonly",
	[CONFERENCE_HEARS] = "recvonly",
	[CONFERENCE_NEITHER] = "inactive",
};

static void info_text(struct writer *w, const char *element, struct bytes text)
{
	if (!text.n)
		return;
	WRITER_TEXTS(w, "<", element, ">");
	xml_write(w, text);
	WRITER_TEXTS(w, "</", element, ">");
}

static void info_entity(struct writer *w, const char *element, struct bytes entity,
			const char *state)
{
	WRITER_TEXTS(w, "<", element, " entity=\"");
	xml_write(w, entity);
	WRITER_TEXTS(w, "\" state=\"", state, "\"");
}

/* ---- the conference ---- */

static void info_description(struct writer *w, const struct conference_view *c)
{
	writer_str(w, "<conference-description>");
	info_text(w, "display-text", c->title);
	writer_number(w, "<maximum-user-count>", c->count_max,
		      "</maximum-user-count></conference-description>\r\n");
}

static void info_state(struct writer *w, const struct conference_view *c)
{
	writer_number(w, "<conference-state><user-count>", c->count, "</user-count>");
	WRITER_TEXTS(w, "<active>", c->count ? "true" : "false", "</active><locked>",
		     c->locked ? "true" : "false", "</locked></conference-state>\r\n");
}

/* ---- its members ---- */

static void info_joined(struct writer *w, const struct conference_member *m)
{
	time_t seconds = (time_t)(m->joined_utc_ms / 1000);
	struct tm tm;
	char text[32];

	WRITER_TEXTS(w, "<joining-method>", g_joined[m->joined], "</joining-method>");
	if (!m->joined_utc_ms || !gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	WRITER_TEXTS(w, "<joining-info><when>", text, "</when></joining-info>");
}

static void info_medium(struct writer *w, const char *id, const char *type, enum conference_way way)
{
	WRITER_TEXTS(w, "<media id=\"", id, "\"><type>", type, "</type><status>", g_ways[way],
		     "</status></media>");
}

/* Users are told in part: each phone of theirs is a member of its own. */
static void info_member(struct writer *w, const struct conference_member *m, bool named)
{
	info_entity(w, "user", m->name.user, "partial");
	writer_str(w, ">");
	if (named)
		info_text(w, "display-text", m->display);
	WRITER_TEXTS(w, "<roles><entry>", m->host ? "host" : "participant", "</entry></roles>");
	info_entity(w, "endpoint", m->name.endpoint, "full");
	WRITER_TEXTS(w, "><status>", g_status[m->status], "</status>");
	info_joined(w, m);
	if (m->audio)
		info_medium(w, "1", "audio", m->audio_way);
	if (m->video)
		info_medium(w, "2", "video", m->video_way);
	writer_str(w, "</endpoint></user>\r\n");
}

static void info_bounded_member(struct writer *w, const struct conference_member *m)
{
	const struct writer before = *w;

	info_member(w, m, true);
	if (!w->overflow && w->n - before.n <= MEMBER_MAX)
		return;
	*w = before;
	info_member(w, m, false);
}

static void info_gone(struct writer *w, const struct roster_gone *gone)
{
	info_entity(w, "user", gone->name.user, gone->user ? "deleted" : "partial");
	if (gone->user) {
		writer_str(w, "/>\r\n");
		return;
	}
	writer_str(w, ">");
	info_entity(w, "endpoint", gone->name.endpoint, "deleted");
	writer_str(w, "/></user>\r\n");
}

static bool is_too_long(const struct roster_name *name)
{
	return !name->user.n || name->user.n > CONFERENCE_URI_MAX ||
	       name->endpoint.n > CONFERENCE_URI_MAX;
}

/* No user is named twice in one document: whoever reads it need not put that together. False: there is no room, or it is there. */
static bool users_add(struct info_users *users, struct bytes user)
{
	static const struct hash_key key;
	uint64_t hash = hash_sip(&key, user);

	for (uint32_t i = 0; i < users->count; i++) {
		if (users->hashes[i] == hash)
			return false;
	}
	if (users->count == USERS_MAX)
		return false;
	users->hashes[users->count++] = hash;
	return true;
}

/* False: it is for the next document. */
static bool info_one(struct writer *w, const struct package_state *state,
		     const struct roster_link *l, struct info_users *users)
{
	const struct writer before = *w;
	struct conference_member m = { 0 };
	const struct roster_name *name = l->gone ? &l->gone->name : &m.name;

	if (!l->gone)
		state->conference->read(state->conference->room, l, &m);
	if (is_too_long(name))
		return true; /* no document could name it */
	if (!users_add(users, name->user))
		return false;
	if (l->gone)
		info_gone(w, l->gone);
	else
		info_bounded_member(w, &m);
	if (!w->overflow && w->n + TAIL_MAX <= state->most)
		return true;
	*w = before;
	return users->count == 1; /* it would fit into none */
}

/* Who is told all need not hear who has left. */
static bool info_members(struct writer *w, const struct package_state *state, uint64_t from,
			 uint64_t *told)
{
	struct info_users users = { .count = 0 };
	const struct roster_link *l = roster_after(state->conference->roster, from);

	for (; l; l = l->next) {
		if (!(l->gone && state->whole) && !info_one(w, state, l, &users))
			return false;
		*told = l->change;
	}
	*told = state->conference->roster->change;
	return true;
}

static void info_users(struct writer *w, const struct package_state *state)
{
	const struct writer before = *w;
	struct conference_told *told = state->conference_told;
	uint64_t from = state->whole ? 0 : told->change;
	bool all;

	told->id = state->conference->id;
	if (state->whole)
		told->begun = state->conference->roster->change;
	WRITER_TEXTS(w, "<users state=\"", state->whole ? "full" : "partial", "\">\r\n");
	all = info_members(w, state, from, &told->change);
	if (!all && state->whole) {
		*w = before;
		writer_str(w, "<users state=\"partial\">\r\n");
		all = info_members(w, state, from, &told->change);
	}
	writer_str(w, "</users>\r\n");
	told->more = !all;
}

static void conference_open(struct writer *w, const struct package_state *state, const char *word)
{
	writer_str(w,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		   "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"");
	package_write_uri(w, &state->entity);
	WRITER_TEXTS(w, "\" state=\"", word, "\" version=\"");
	writer_u64(w, state->version);
	writer_str(w, "\"");
}

void conference_info_write(struct writer *w, const struct package_state *state)
{
	const struct conference_view *c = state->conference;

	if (!c) { /* RFC 4575 5.1: it has ended */
		conference_open(w, state, "deleted");
		writer_str(w, "/>\r\n");
		return;
	}
	conference_open(w, state, state->whole ? "full" : "partial");
	writer_str(w, ">\r\n");
	if (state->whole || c->roster->described > state->conference_told->change)
		info_description(w, c);
	info_state(w, c);
	info_users(w, state);
	writer_str(w, "</conference-info>\r\n");
}
