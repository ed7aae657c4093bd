/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of event packages (package.h): reg (RFC 3680), presence (RFC 3863), dialog (RFC 4235),
 * conference (RFC 4575), message-summary (RFC 3842) and as-feature-event. Each is a function from
 * the state of a resource to a document of bounded size, with the texts of parties escaped or left
 * out. Also reads the state of a leg's dialog for watchers. Pure. */

#include <stdlib.h>
#include <time.h>

#include "base/table.h"
#include "sig/host/host.h"
#include "sig/sip/body.h"
#include "sig/subscription/package.h"
#include "sig/subscription/subscriptions.h"

void package_write_uri(struct writer *w, const struct sip_uri *uri)
{
	bool v6 = bytes_find(uri->host, ':') < uri->host.n;

	xml_write(w, uri->scheme);
	writer_str(w, ":");
	xml_write(w, uri->user);
	if (uri->user.n && uri->host.n)
		writer_str(w, "@");
	writer_str(w, v6 ? "[" : "");
	xml_write(w, uri->host);
	writer_str(w, v6 ? "]" : "");
	if (uri->port)
		writer_number(w, ":", uri->port, "");
}

/* application/reginfo+xml (RFC 3680 5): all phones each time. A watcher that knows them sees which
 * one is gone. */

/* The same for as long as the phone is registered with this contact. */
static void reg_write_id(struct writer *w, const struct binding *b)
{
	char text[BASE32_U64_LEN];
	static const struct hash_key key;

	base32_u64_put(text, hash_sip(&key, text_bytes(&b->contact)) ^
				     hash_sip(&key, text_bytes(&b->call_id)));
	writer_mem(w, text, sizeof(text));
}

static void reg_contact(struct writer *w, const struct binding *b, uint64_t utc_ms)
{
	writer_str(w, "<contact id=\"");
	reg_write_id(w, b);
	writer_number(w, "\" state=\"active\" event=\"registered\" expires=\"",
		      (b->expires_utc_ms - utc_ms) / 1000, "\" callid=\"");
	xml_write(w, text_bytes(&b->call_id));
	writer_number(w, "\" cseq=\"", b->cseq, "\"><uri>");
	xml_write(w, text_bytes(&b->contact));
	writer_str(w, "</uri></contact>\r\n");
}

static uint32_t reg_contacts(struct writer *w, const struct package_state *state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; state->entry && i < state->entry->count; i++) {
		const struct binding *b = &state->entry->bindings[i];

		if (b->expires_utc_ms <= state->utc_ms)
			continue;
		if (w)
			reg_contact(w, b, state->utc_ms);
		count++;
	}
	return count;
}

static void reg_info_write(struct writer *w, const struct package_state *state)
{
	writer_str(w, "<?xml version=\"1.0\"?>\r\n"
		      "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"");
	writer_u64(w, state->version);
	writer_str(w, "\" state=\"full\">\r\n<registration aor=\"");
	package_write_uri(w, &state->entity);
	WRITER_TEXTS(w, "\" id=\"r\" state=\"", reg_contacts(NULL, state) ? "active" : "terminated",
		     "\">\r\n");
	(void)reg_contacts(w, state);
	writer_str(w, "</registration>\r\n</reginfo>\r\n");
}

/* application/dialog-info+xml (RFC 4235 4). */

/* Limits of a document, so it always fits: names are the parties' own, and up to six times as long
 * when escaped. */
enum { HEAD_MAX = 1024, DIALOG_MAX = 1792, OVER_MAX = 128 };
static_assert(HEAD_MAX + DIALOG_STATES_MAX * (DIALOG_MAX + OVER_MAX) <= HOST_SDP_MAX, "all fit");

static const struct dialog_notified *dialog_notified_find(const struct package_state *state,
							  uint64_t id)
{
	for (uint32_t i = 0; i < state->told_count; i++) {
		if (state->told[i].id == id)
			return &state->told[i];
	}
	return NULL;
}

static bool dialog_is_notified(const struct package_state *state, const struct dialog_state *d)
{
	const struct dialog_notified *t = dialog_notified_find(state, d->id);

	return t && t->phase == d->phase && t->held == d->held;
}

static void info_attribute(struct writer *w, const char *name, struct bytes value)
{
	if (!value.n)
		return;
	WRITER_TEXTS(w, " ", name, "=\"");
	xml_write(w, value);
	writer_str(w, "\"");
}

static void info_open(struct writer *w, uint64_t id, bool recipient)
{
	char text[BASE32_U64_LEN];

	base32_u64_put(text, id);
	writer_str(w, "<dialog");
	info_attribute(w, "id", bytes_mem(text, sizeof(text)));
	info_attribute(w, "direction", bytes_str(recipient ? "recipient" : "initiator"));
}

const char *dialog_phase_name(enum dialog_phase phase)
{
	switch (phase) {
	case PHASE_TRYING:
		return "trying";
	case PHASE_EARLY:
		return "early";
	case PHASE_CONFIRMED:
		return "confirmed";
	case PHASE_TERMINATED:
		return "terminated";
	}
	return "";
}

static void info_phase(struct writer *w, enum dialog_phase phase)
{
	WRITER_TEXTS(w, "<state>", dialog_phase_name(phase), "</state>");
}

/* RFC 4235 4.1.6: the identity, and the target. */
static void info_party(struct writer *w, const char *role, struct bytes name_addr, bool held)
{
	struct sip_name_addr a;

	if (sip_name_addr_parse(&a, name_addr))
		return;
	WRITER_TEXTS(w, "<", role, "><identity");
	info_attribute(w, "display", a.display);
	writer_str(w, ">");
	package_write_uri(w, &a.uri);
	writer_str(w, "</identity><target uri=\"");
	package_write_uri(w, &a.uri);
	if (held) /* RFC 4235 4.1.6.2, RFC 3840: media is not rendered there */
		writer_str(w, "\"><param pname=\"+sip.rendering\" pvalue=\"no\"/></target></");
	else
		writer_str(w, "\"/></");
	WRITER_TEXTS(w, role, ">");
}

static void info_end(struct writer *w)
{
	writer_str(w, "</dialog>\r\n");
}

static void info_dialog(struct writer *w, const struct dialog_state *d, bool hidden)
{
	info_open(w, d->id, d->recipient);
	if (!hidden && d->call_id.n) { /* by which others may step into its place (RFC 3891) */
		info_attribute(w, "call-id", d->call_id);
		/* phones do not pick up a ringing call without a tag; "0" stands for a missing one
		 * (RFC 3891 6.1) */
		info_attribute(w, "local-tag", d->tag.n ? d->tag : BYTES_LIT("0"));
		info_attribute(w, "remote-tag",
			       bytes_mem(d->remote_tag.text, sizeof(d->remote_tag.text)));
	}
	writer_str(w, ">");
	info_phase(w, d->phase);
	if (!hidden) {
		info_party(w, "local", d->local, d->held);
		info_party(w, "remote", d->remote, false);
	}
	info_end(w);
}

/* A name that is too long does not prevent the notification: it is sent without names. */
static void info_bounded(struct writer *w, const struct package_state *state,
			 const struct dialog_state *d)
{
	const struct writer before = *w;

	info_dialog(w, d, state->hidden);
	if (!w->overflow && w->n - before.n <= DIALOG_MAX)
		return;
	*w = before;
	info_dialog(w, d, true);
}

static bool info_is_there(const struct package_state *state, uint64_t id)
{
	for (uint32_t i = 0; i < state->dialog_count; i++) {
		if (state->dialogs[i].id == id)
			return true;
	}
	return false;
}

/* Also in full state, where ended dialogs need not be listed. But phones look for the word. */
static void info_write_over(struct writer *w, const struct package_state *state)
{
	for (uint32_t i = 0; i < state->told_count; i++) {
		const struct dialog_notified *t = &state->told[i];

		if (info_is_there(state, t->id))
			continue;
		info_open(w, t->id, t->recipient);
		writer_str(w, ">");
		info_phase(w, PHASE_TERMINATED);
		info_end(w);
	}
}

static void dialog_info_write(struct writer *w, const struct package_state *state)
{
	writer_str(w, "<?xml version=\"1.0\"?>\r\n"
		      "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
	writer_u64(w, state->version);
	WRITER_TEXTS(w, "\" state=\"", state->whole ? "full" : "partial", "\" entity=\"");
	package_write_uri(w, &state->entity);
	writer_str(w, "\">\r\n");
	for (uint32_t i = 0; i < state->dialog_count; i++) {
		if (state->whole || !dialog_is_notified(state, &state->dialogs[i]))
			info_bounded(w, state, &state->dialogs[i]);
	}
	info_write_over(w, state);
	writer_str(w, "</dialog-info>\r\n");
}

/* application/conference-info+xml (RFC 4575 5). A document has what changed since the watcher's
 * last one, in the order of changes, up to a size limit; the next one continues there. So a room of
 * any size is sent in documents of that size: the first one begins anew (state="full") with the
 * users that fit, and the next ones (state="partial") add the others, each of them whole (RFC 4575
 * 4.4). */

enum {
	USERS_MAX = 128,       /* of a document */
	DISPLAY_MAX = 320,     /* a user with a longer name is sent without it */
	USER_END_MAX = 16,     /* what is behind the last phone of a user, */
	TAIL_MAX = 64,         /* and behind the last user */
	WATCHER_HOST_MAX = 64, /* a longer one is not repeated for each user */
};

/* Users that a document has already: hashes, odd of those that are gone. */
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
	[CONFERENCE_RECEIVES] = "recvonly",
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

/* A user of ours has the host by which its watcher knows us: a phone finds itself, and its callees,
 * by that. */
static void info_uri(struct writer *w, const struct package_state *state, struct bytes uri)
{
	const struct sip_uri *by = &state->watcher;
	size_t host = bytes_find(uri, '@') + 1, end = bytes_find(uri, ';');
	bool v6 = bytes_find(by->host, ':') < by->host.n;

	if (!by->host.n || by->host.n > WATCHER_HOST_MAX || host > end ||
	    bytes_starts(bytes_from(uri, host), "anonymous.invalid")) {
		xml_write(w, uri);
		return;
	}
	xml_write(w, bytes_sub(uri, 0, host));
	writer_str(w, v6 ? "[" : "");
	xml_write(w, by->host);
	writer_str(w, v6 ? "]" : "");
	if (by->port)
		writer_number(w, ":", by->port, "");
	xml_write(w, bytes_from(uri, end));
}

static void info_entity(struct writer *w, const struct package_state *state, const char *element,
			struct bytes entity, const char *word)
{
	WRITER_TEXTS(w, "<", element, " entity=\"");
	info_uri(w, state, entity);
	WRITER_TEXTS(w, "\" state=\"", word, "\"");
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

/* A name that is longer is no reason not to tell of its user. */
static void info_display(struct writer *w, struct bytes display)
{
	const struct writer before = *w;

	info_text(w, "display-text", display);
	if (w->overflow || w->n - before.n > DISPLAY_MAX)
		*w = before;
}

static void info_endpoint(struct writer *w, const struct package_state *state,
			  const struct conference_member *m)
{
	info_entity(w, state, "endpoint", m->name.endpoint, "full");
	WRITER_TEXTS(w, "><status>", g_status[m->status], "</status>");
	info_joined(w, m);
	if (m->audio)
		info_medium(w, "1", "audio", m->audio_way);
	if (m->video)
		info_medium(w, "2", "video", m->video_way);
	writer_str(w, "</endpoint>");
}

static const struct roster_link *told_twin(const struct roster_link *l)
{
	return l->twin ? l->twin : l;
}

static void told_read(const struct package_state *state, const struct roster_link *l,
		      struct conference_member *out)
{
	*out = (struct conference_member){ 0 };
	state->conference->read(state->conference->room, l, out);
}

static bool twins_have_host(const struct package_state *state, const struct roster_link *first)
{
	const struct roster_link *l = first;
	struct conference_member m;

	do {
		told_read(state, l, &m);
		l = told_twin(l);
	} while (!m.host && l != first);
	return m.host;
}

/* A user is sent whole (state="full"), with all phones: a watcher that learns of a new one, or of a
 * phone that has left, needs no earlier state (RFC 4575 4.4). most: phones that do not fit are left
 * out. */
static void info_user(struct writer *w, const struct package_state *state,
		      const struct roster_link *first, size_t most)
{
	const struct roster_link *l = first;
	struct conference_member m;
	struct writer before;

	told_read(state, l, &m);
	info_entity(w, state, "user", m.name.user, "full");
	writer_str(w, ">");
	info_display(w, m.display);
	WRITER_TEXTS(w, "<roles><entry>", twins_have_host(state, first) ? "host" : "participant",
		     "</entry></roles>");
	do {
		before = *w;
		told_read(state, l, &m);
		info_endpoint(w, state, &m);
		if (w->overflow || w->n > most) {
			*w = before;
			break;
		}
		l = told_twin(l);
	} while (l != first);
	writer_str(w, "</user>\r\n");
}

static bool is_too_long(const struct roster_name *name)
{
	return !name->user.n || name->user.n > CONFERENCE_URI_MAX ||
	       name->endpoint.n > CONFERENCE_URI_MAX;
}

/* A user occurs once in a document, so its reader need not merge entries. */
enum user_place { USER_NEW, USER_NOTIFIED, USER_LATER };

static enum user_place users_add(struct info_users *users, struct bytes user, bool gone)
{
	static const struct hash_key key;
	uint64_t hash = hash_sip(&key, user) & ~UINT64_C(1);

	for (uint32_t i = 0; i < users->count; i++) {
		if ((users->hashes[i] & ~UINT64_C(1)) ==
		    hash) /* with all phones, or gone and back */
			return gone || (users->hashes[i] & 1) ? USER_LATER : USER_NOTIFIED;
	}
	if (users->count == USERS_MAX)
		return USER_LATER;
	users->hashes[users->count++] = hash | gone;
	return USER_NEW;
}

/* False: it is for the next document. */
static bool info_one(struct writer *w, const struct package_state *state,
		     const struct roster_link *l, struct info_users *users)
{
	const struct writer before = *w;
	const size_t most = state->most - TAIL_MAX;
	struct conference_member m = { 0 };
	enum user_place place;

	if (l->gone)
		m.name.user = l->gone->user;
	else
		told_read(state, l, &m);
	if (is_too_long(&m.name))
		return true; /* no document could name it */
	place = users_add(users, m.name.user, l->gone != NULL);
	if (place != USER_NEW)
		return place == USER_NOTIFIED;
	if (l->gone) {
		info_entity(w, state, "user", m.name.user, "deleted");
		writer_str(w, "/>\r\n");
	} else {
		/* a user with phones that fill a document gets a document of his own */
		info_user(w, state, l, users->count == 1 ? most - USER_END_MAX : SIZE_MAX);
	}
	if (!w->overflow && w->n <= most)
		return true;
	*w = before;
	return users->count == 1; /* it would fit into none */
}

/* A watcher that gets full state need not be told who has left. */
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
	struct conference_notified *told = state->conference_notified;
	uint64_t from = state->whole ? 0 : told->change;

	told->id = state->conference->id;
	if (state->whole)
		told->begun = state->conference->roster->change;
	WRITER_TEXTS(w, "<users state=\"", state->whole ? "full" : "partial", "\">\r\n");
	told->more = !info_members(w, state, from, &told->change);
	writer_str(w, "</users>\r\n");
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
	if (state->whole || c->roster->described > state->conference_notified->change)
		info_description(w, c);
	info_state(w, c);
	info_users(w, state);
	writer_str(w, "</conference-info>\r\n");
}

static void features_write(struct writer *w, const struct package_state *state)
{
	if (state->part < FEATURE_EVENT_PARTS)
		feature_event_write(w, state->part, state->entity.user, state->forward);
}

/* The packages. */

/* Members alone may watch (RFC 4575 3.5). */
static enum watch_verdict conference_may(const struct subscriptions *s,
					 const struct subscription *sub)
{
	struct conference_view c;

	if (!s->view.conference(s->view.owner, sub->tenant, text_bytes(&sub->resource), &c))
		return WATCH_NO_RESOURCE;
	return c.has(c.room, text_bytes(&sub->watcher)) ? WATCH_OK : WATCH_REJECTED;
}

const struct event_package dialog_package = {
	.name = "dialog",
	.changes = 1 << CHANGED_DIALOGS | 1 << CHANGED_PHONES,
	.type = "application/dialog-info+xml",
	.of_dialogs = true,
	.of_blf = true,
	.needs = ENTITLED_LAMPS,
	.write = dialog_info_write,
};

const struct event_package reg_package = {
	.name = "reg",
	.changes = 1 << CHANGED_PHONES,
	.type = "application/reginfo+xml",
	.own = true,
	.of_phones = true,
	.needs = ENTITLEMENT_COUNT,
	.write = reg_info_write,
};

const struct event_package conference_package = {
	.name = "conference",
	.changes = 1 << CHANGED_CONFERENCE,
	.type = "application/conference-info+xml",
	.of_conferences = true,
	.tells_end = true,
	.needs = ENTITLEMENT_COUNT,
	.pace_ms = 1000, /* RFC 4575 3.9 */
	.may = conference_may,
	.write = conference_info_write,
};

const struct event_package features_package = {
	.name = "as-feature-event",
	.changes = 1 << CHANGED_PHONES | 1 << CHANGED_SETTINGS,
	.type = FEATURE_EVENT_TYPE,
	.own = true,
	.of_settings = true,
	.of_phone_features = true,
	.needs_for_own = true,
	.needs = ENTITLED_FEATURE_SYNC,
	.write = features_write,
};

const struct event_package user_package = {
	.name = "user",
	.changes = 1 << CHANGED_DIALOGS | 1 << CHANGED_PHONES | 1 << CHANGED_PRESENCE |
		   1 << CHANGED_SETTINGS,
	.of_dialogs = true,
	.of_phones = true,
	.needs = ENTITLEMENT_COUNT,
};

const struct event_package *package_find(const struct feature *features, struct bytes name)
{
	for (const struct feature *f = features; f->name; f++) {
		if (f->package && f->package->write && bytes_iis(name, f->package->name))
			return f->package;
	}
	return NULL;
}

void package_write_allowed(struct writer *w, const struct feature *features)
{
	const char *before = "Allow-Events: ";

	for (const struct feature *f = features; f->name; f++) {
		if (!f->package || !f->package->write)
			continue;
		WRITER_TEXTS(w, before, f->package->name);
		before = ", ";
	}
	writer_str(w, "\r\n");
}

/* The state of a dialog. */

enum { MARK_HELD = 0x10 };

/* A phone that says 100 alone rings in a moment. */
static enum dialog_phase asked_phase(const struct leg *l)
{
	if (!l->uac || l->uac->state < UAC_PROCEEDING)
		return PHASE_TRYING;
	return PHASE_EARLY;
}

static enum dialog_phase asking_phase(const struct leg *l)
{
	if (!l->uas || l->uas->provisional < 101)
		return PHASE_TRYING;
	return PHASE_EARLY;
}

static enum dialog_phase phase_of(const struct leg *l)
{
	switch (l->state) {
	case LEG_EARLY:
		return l->outbound ? asked_phase(l) : asking_phase(l);
	case LEG_ANSWERED:
	case LEG_CONFIRMED:
		return PHASE_CONFIRMED;
	case LEG_LEAVING:
	case LEG_CLOSED:
		return PHASE_TERMINATED;
	}
	return PHASE_TERMINATED;
}

static bool is_held(const struct leg *l)
{
	return l->held || l->holds;
}

uint8_t dialog_state_mark(const struct leg *l)
{
	return (uint8_t)((phase_of(l) + 1U) | (is_held(l) ? MARK_HELD : 0U));
}

void dialog_state_read(struct dialog_state *out, const struct leg *l)
{
	/* nothing hides in the id: the same dialog has it in each process */
	static const struct hash_key key;
	const struct dialog *d = &l->dialog;

	*out = (struct dialog_state){
		.phase = phase_of(l),
		.recipient = l->outbound,
		.held = is_held(l),
		.shard = id_shard(dialog_call(d)) + 1U,
		.call_id = text_bytes(&d->call_id),
		.tag = text_bytes(&d->remote_tag),
		.remote_tag = dialog_tag(d),
		.local = text_bytes(&d->remote),
		.remote = text_bytes(&d->local),
	};
	out->id = hash_sip(&key, bytes_mem(out->remote_tag.text, sizeof(out->remote_tag.text)));
	out->id += out->id == 0;
}
