/* SPDX-License-Identifier: Apache-2.0 */
/* INVITEs, and MESSAGEs outside of dialogs, that wait for what the store says of the user that they name: authenticated, not yet calls. And REFERs
 * of members who bring him into their conference. */
#include <stdlib.h>

#include "sig/host/trunk.h"
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/focus_parse.h"

enum { INVITE_WAITS_MAX = 1024 };

struct invite_wait {
	struct invite_wait *next;
	uint64_t token;
	struct sip_hop hop;
	struct text message, branch;
	char from[ROUTE_USER_MAX];
	uint16_t tenant; /* of which one its sender has proven to be */
	bool phone;
};

static void invite_wait_free(struct shard *s, struct invite_wait *w)
{
	text_clear(&w->message);
	text_clear(&w->branch);
	free(w);
	s->invite_wait_count--;
}

void shard_invites_drop(struct shard *s)
{
	while (s->invite_waits) {
		struct invite_wait *w = s->invite_waits;

		s->invite_waits = w->next;
		invite_wait_free(s, w);
	}
}

bool shard_invite_is_waiting(const struct shard *s, const struct sip_message *m)
{
	for (const struct invite_wait *w = s->invite_waits; w; w = w->next) {
		if (bytes_eq(text_bytes(&w->branch), m->via.branch) &&
		    addr_eq(&w->hop.remote, &m->hop.remote))
			return true;
	}
	return false;
}

/* The user is one of ours, and there may be news of him. */
static bool is_to_be_asked(const struct shard *s, const struct sip_message *m, uint16_t tenant,
			   char user[ROUTE_USER_MAX])
{
	struct shard_dialler who = { .tenant = tenant };
	struct dial_result dialled;
	struct gruu gruu;
	bool fixed;

	if (shard_trunk_of(s, &m->hop) != TRUNK_NONE)
		return shard_trunk_calls(s, m, tenant, user, &fixed) &&
		       shard_extension_find(s, tenant, bytes_str(user)) != NULL &&
		       !locations_know(s->locations, tenant, bytes_str(user));
	if (route_phone(&m->uri, tenant, &s->settings, user, &gruu) != ROUTE_OK)
		return false;
	if (!shard_extension_find(s, tenant, bytes_str(user))) {
		shard_dial(s, &who, bytes_str(user), &dialled);
		if (bytes_cstr(bytes_str(dialled.number), user, ROUTE_USER_MAX) ||
		    !shard_extension_find(s, tenant, bytes_str(user)))
			return false;
	}
	return !locations_know(s->locations, tenant, bytes_str(user));
}

static bool invite_keep(struct shard *s, const struct sip_message *m, uint16_t tenant,
			const char *from, bool phone)
{
	struct invite_wait *w =
		s->invite_wait_count < INVITE_WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return false;
	*w = (struct invite_wait){ .next = s->invite_waits,
				   .token = ++s->invite_wait_token,
				   .hop = m->hop,
				   .tenant = tenant,
				   .phone = phone };
	s->invite_wait_count++;
	(void)bytes_cstr(bytes_str(from), w->from, sizeof(w->from));
	if (text_set(&w->message, message_text(m)) || text_set(&w->branch, m->via.branch)) {
		invite_wait_free(s, w);
		return false;
	}
	s->invite_waits = w;
	return true;
}

/* Where nobody can be asked what is known must do. */
static bool invite_asks(struct shard *s, const struct sip_message *m, uint16_t tenant,
			const char *user, const char *from, bool phone)
{
	struct invite_wait *w;

	if (!invite_keep(s, m, tenant, from, phone))
		return false;
	if (locations_ask(s->locations, tenant, bytes_str(user), &s->locations_user,
			  s->invite_wait_token))
		return true;
	w = s->invite_waits;
	s->invite_waits = w->next;
	invite_wait_free(s, w);
	return false;
}

bool shard_invite_hold(struct shard *s, const struct sip_message *m, uint16_t tenant,
		       const char *from, bool phone)
{
	char user[ROUTE_USER_MAX];

	return is_to_be_asked(s, m, tenant, user) && invite_asks(s, m, tenant, user, from, phone);
}

bool shard_refer_hold(struct shard *s, const struct call *c, const struct sip_message *m)
{
	char user[ROUTE_USER_MAX];
	struct focus_wish wish;
	struct bytes value;

	if (!c->member || !message_header(m, "Refer-To", 0, &value) || focus_parse(&wish, value) ||
	    wish.deed != FOCUS_ADD || wish.uri.headers.n ||
	    route_user(&wish.uri, user) != ROUTE_OK ||
	    !shard_extension_find(s, c->tenant, bytes_str(user)) ||
	    locations_know(s->locations, c->tenant, bytes_str(user)))
		return false;
	return invite_asks(s, m, c->tenant, user, "", false);
}

static void invite_go_on(struct shard *s, const struct sip_message *m, const struct invite_wait *w)
{
	if (m->method == SIP_REFER)
		shard_inside_resume(s, m);
	else if (shard_tenant_of(s, m) !=
		 w->tenant) /* his was disabled: an equal number of another is somebody else */
		shard_refuse(s, NULL, m, 403, REFUSED_IDENTITY, (struct bytes){ 0 });
	else if (m->method == SIP_MESSAGE)
		shard_message_resume(s, m, w->from, w->phone);
	else
		shard_invite_resume(s, m, w->from, w->phone);
}

void shard_invite_found(void *owner, uint64_t token, struct instant now)
{
	struct shard *s = owner;
	struct invite_wait **at = &s->invite_waits, *w;
	struct message_error error;
	struct sip_message m;

	shard_begin(s, now);
	while (*at && (*at)->token != token)
		at = &(*at)->next;
	w = *at;
	if (!w) {
		if (!shard_lost_found(s, token))
			shard_user_found(s, token, now);
		return;
	}
	*at = w->next;
	if (!message_parse(&m, text_bytes(&w->message), &error)) {
		m.hop = w->hop;
		invite_go_on(s, &m, w);
	}
	message_close(&m);
	invite_wait_free(s, w);
}
