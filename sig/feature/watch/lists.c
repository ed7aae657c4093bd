/* SPDX-License-Identifier: Apache-2.0 */
/* Resource lists at a shard (RFC 4662): those in the body of a SUBSCRIBE (RFC 5367), and the BLF
 * keys of an extension's document. */
#include <errno.h>
#include <string.h>

#include "sig/feature/watch/shard_watch.h"
#include "sig/host/blf_keys.h"
#include "sig/sip/body.h"
#include "sig/sip/resource_list.h"
#include "sig/subscription/list.h"

/* ---- BLF keys ---- */

#define BLF_PREFIX "lamps-"

static struct bytes blf_text(const struct shard *s, const struct subscription *sub)
{
	const struct shard_extension_slot *slot =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));

	return bytes_str(slot ? slot->blf_keys : NULL);
}

/* Its users in the order of the phone's BLF keys. A slot is named by the code that phones dial to
 * park there; without such a code it has no name. */
static void blf_users(const struct shard *s, const struct subscription *sub, struct writer *w)
{
	struct bytes blf_keys = blf_text(s, sub);
	struct feature_codes codes;
	struct blf_key blf_key;

	shard_codes_of(s, sub->tenant, &codes);
	for (uint32_t i = 1; i <= BLF_KEYS_MAX; i++) {
		if (!blf_at(blf_keys, i, &blf_key))
			continue;
		writer_str(w, w->n ? " " : "");
		if (blf_key.park)
			writer_str(w, codes.code[FEATURE_PARK]);
		writer_bytes(w, blf_key.target);
		if (blf_key.park && !codes.code[FEATURE_PARK][0])
			writer_str(w, "@park.invalid");
	}
}

/* Its label, or what it is of. */
static struct bytes blf_name(const struct shard *s, uint16_t tenant, const struct blf_key *blf_key)
{
	const struct shard_extension *e =
		blf_key->park ? NULL : shard_extension_find(s, tenant, blf_key->target);

	if (blf_key->label.n)
		return blf_key->label;
	return e && e->display_name[0] ? bytes_str(e->display_name) : blf_key->target;
}

struct bytes shard_blf_name(void *owner, const struct subscription *sub, uint32_t resource)
{
	struct blf_key blf_key;

	for (uint32_t i = 1; sub->list_kind == LIST_BLF && i <= BLF_KEYS_MAX; i++) {
		if (blf_at(blf_text(owner, sub), i, &blf_key) && resource-- == 0)
			return blf_name(owner, sub->tenant, &blf_key);
	}
	return (struct bytes){ 0 };
}

/* ---- authorization, and the users of a list ---- */

enum watch_verdict shard_list_may(const struct shard *s, const struct subscription *sub)
{
	struct bytes owner = bytes_from(text_bytes(&sub->resource), strlen(BLF_PREFIX));
	const struct shard_extension *e;

	if (sub->list_kind != LIST_BLF)
		return WATCH_OK; /* each of its resources is asked for alone */
	e = shard_extension_find(s, sub->tenant, owner);
	if (!e || !e->enabled)
		return WATCH_NO_RESOURCE;
	return bytes_eq(owner, text_bytes(&sub->watcher)) && !sub->trunk.n ? WATCH_OK
									   : WATCH_REJECTED;
}

int shard_list_set(struct shard *s, struct subscription *sub)
{
	char space[LIST_USERS_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (sub->list_kind == LIST_NOT)
		return 0;
	if (sub->list_kind == LIST_BLF)
		blf_users(s, sub, &w);
	else
		writer_bytes(&w, text_bytes(&sub->users));
	text_clear(&sub->users);
	return list_set(shard_subscriptions(s), sub, writer_done(&w));
}

/* ---- pages ---- */

enum { USER_WATCH_S = 10 }; /* a page that says nothing for so long is gone */

/* His own, and those that are named: by the page, or by his document. */
static int user_watch_set(struct shard *s, struct subscription *sub)
{
	const struct shard_extension_slot *slot =
		shard_extension_slot(s, sub->tenant, text_bytes(&sub->watcher));
	struct bytes rest = text_bytes(&sub->users), user;
	char space[LIST_USERS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	uint32_t count = LIST_RESOURCES_MAX - 1 - BLF_KEYS_MAX;

	writer_bytes(&w, text_bytes(&sub->watcher));
	if (!rest.n) {
		blf_users(s, sub, &w);
		rest = bytes_str(slot && slot->extension.monitor == MONITOR_LISTED ? slot->monitors
										   : NULL);
	}
	while (count-- && bytes_cut(&rest, ',', &user)) {
		writer_str(&w, " ");
		writer_bytes(&w, bytes_trim(user));
	}
	return w.overflow ? -ENOMEM : list_set(shard_subscriptions(s), sub, writer_done(&w));
}

static struct subscription *user_watch_start(struct shard *s, const struct shard_user_watch *w)
{
	const struct text user = { .p = (char *)(uintptr_t)w->user.p, .n = (uint32_t)w->user.n };
	const struct subscription of = { .tenant = w->tenant, .watcher = user, .resource = user };
	struct subscription *sub =
		shard_subscriptions_fit(s, &of)
			? NULL
			: subscription_add(shard_subscriptions(s), shard_call_new_id(s), w->tenant,
					   w->user, w->user);

	if (!sub)
		return NULL;
	sub->package = &user_package;
	sub->page = w->page;
	if (text_set(&sub->users, w->users) || user_watch_set(s, sub)) {
		subscription_remove(shard_subscriptions(s), sub);
		return NULL;
	}
	sub->dialog.local_cseq = w->told;
	sub->waits = true;
	sub->whole = true;
	shard_remote_start(s, sub);
	return sub;
}

uint64_t shard_user_watch(struct shard *s, uint64_t id, const struct shard_user_watch *w,
			  struct instant now)
{
	struct subscription *sub;

	shard_set_now(s, now);
	sub = subscription_find(shard_subscriptions(s), id);
	if (!sub || sub->page != w->page)
		sub = user_watch_start(s, w);
	if (!sub)
		return 0;
	sub->whole |= sub->dialog.local_cseq != w->told; /* one is lost */
	sub->waits &= !w->ready;
	sub->expires_ns = now.ns + USER_WATCH_S * NS_PER_S;
	if (sub->changed || sub->whole)
		subscription_change(shard_subscriptions(s), sub);
	subscription_aim(shard_subscriptions(s), sub);
	return sub->id;
}

void shard_blf_changed(struct shard *s, uint16_t tenant, struct bytes number)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_watcher(shard_subscriptions(s), tenant, number, sub)) !=
	       NULL) {
		if (sub->page ? user_watch_set(s, sub)
			      : sub->list_kind != LIST_BLF || shard_list_set(s, sub))
			continue;
		shard_remote_start(s, sub);
		subscription_renew(shard_subscriptions(s), sub);
	}
}

/* ---- SUBSCRIBE ---- */

static bool has_list(const struct sip_message *m)
{
	const struct body_part body = { .type = m->content_type };

	return m->body.n && body_part_is(&body, RESOURCE_LIST_TYPE);
}

enum list_kind shard_list_kind(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			       struct bytes resource)
{
	if (has_list(m))
		return LIST_INLINE;
	return bytes_starts(resource, BLF_PREFIX) && !shard_extension_find(s, tenant, resource)
		       ? LIST_BLF
		       : LIST_NOT;
}

/* A user of another domain is unknown here: the host is kept, so that it is shown as it came. */
static void list_user_of_uri(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			     struct bytes text, struct writer *w)
{
	char user[ROUTE_USER_MAX];
	struct sip_uri uri;

	writer_str(w, w->n ? " " : "");
	if (!sip_uri_parse(&uri, text) &&
	    route_is_near(&uri, &m->from.uri, tenant, shard_settings(s)) &&
	    route_user(&uri, user) == ROUTE_OK && !strpbrk(user, " @")) {
		writer_str(w, user);
		return;
	}
	text = bytes_from(text, bytes_find(text, ':') + 1);
	writer_bytes(w, text);
	if (bytes_find(text, '@') == text.n)
		writer_str(w, "@invalid");
}

uint16_t shard_list_read(struct shard *s, const struct sip_message *m, uint16_t tenant,
			 char users[LIST_USERS_MAX + 1])
{
	struct writer uris = writer_over(shard_host(s)->space, HOST_SPACE);
	struct writer w = writer_over(users, LIST_USERS_MAX);
	int err = resource_list_read(m->body, LIST_RESOURCES_MAX, &uris);
	struct bytes rest = writer_done(&uris), one;

	if (message_header(m, "Content-Encoding", 0, &one))
		return 415;
	if (err)
		return err == -E2BIG ? 413 : 400;
	while (bytes_cut(&rest, '\n', &one))
		list_user_of_uri(s, m, tenant, one, &w);
	if (w.overflow)
		return 413;
	users[w.n] = '\0';
	return 0;
}

uint16_t shard_list_replace(struct shard *s, struct subscription *sub, const struct sip_message *m)
{
	char users[LIST_USERS_MAX + 1];
	uint16_t status = 0;

	if (sub->list_kind != LIST_INLINE || !has_list(m))
		return 0;
	status = shard_list_read(s, m, sub->tenant, users);
	if (!status && (text_set(&sub->users, bytes_str(users)) || shard_list_set(s, sub)))
		status = 500;
	if (!status)
		shard_remote_start(s, sub);
	return status;
}
