/* SPDX-License-Identifier: Apache-2.0 */
/* Message waiting (RFC 3842): NOTIFYs of mailboxes to phones that subscribe, and to those that are
 * notified unasked. */
#include <errno.h>

#include "sig/feature/mailbox/message_waiting.h"

#include "sig/dialog/dialog.h"
#include "sig/leg/leg.h"
#include "sig/shard/shard_parts.h"

enum { MESSAGES_BODY_MAX = 512 };

/* application/simple-message-summary (RFC 3842 5.2). Counts are for the owner of the mailbox
 * only. */
static void message_summary_write(struct writer *w, const struct package_state *state)
{
	const struct message_counts *m = state->messages;
	struct sip_uri account = state->entity;

	if (!m)
		return;
	account.user = BYTES_LIT(MESSAGE_ACCOUNT);
	WRITER_TEXTS(w, "Messages-Waiting: ", m->fresh ? "yes" : "no", "\r\n");
	if (state->hidden)
		return;
	writer_str(w, "Message-Account: ");
	package_write_uri(w, &account);
	writer_number(w, "\r\nVoice-Message: ", m->fresh, "/");
	writer_number(w, "", m->old, " (");
	writer_number(w, "", m->urgent_fresh, "/");
	writer_number(w, "", m->urgent_old, ")\r\n");
}

const struct event_package messages_package = {
	.name = "message-summary",
	.changes = 1 << CHANGED_PHONES | 1 << CHANGED_MESSAGES,
	.type = "application/simple-message-summary",
	.of_messages = true,
	.needs = ENTITLEMENT_COUNT,
	.write = message_summary_write,
};

static bool messages_tell_unasked(const struct shard *s, uint16_t tenant)
{
	return tenants_terms(shard_settings(s)->tenants, tenant)->messages_unasked;
}

/* A phone that subscribes is told by that. */
static bool messages_are_watched(const struct shard *s, uint16_t tenant, struct bytes user,
				 const struct sip_hop *hop)
{
	for (const struct shard *of = shard_shared_tables(s)->shards; of; of = shard_next(of)) {
		const struct subscription *sub = NULL;

		while ((sub = subscription_of_watcher(shard_subscriptions(of), tenant, user,
						      sub))) {
			if (sub->package->of_messages && shard_is_same_phone(&sub->dialog.hop, hop))
				return true;
		}
	}
	return false;
}

/* Of no dialog: nothing follows, and what becomes of it is the phone's own affair. */
static void messages_tell_phone(struct shard *s, struct bytes user, const struct binding *b,
				const struct sip_hop *hop, const struct message_counts *counts)
{
	uint8_t space[MESSAGES_BODY_MAX];
	struct writer body = writer_over(space, sizeof(space));
	struct package_state state = { .messages = counts };
	const struct event_package *p = &messages_package;
	struct id_tag tag = { .call = shard_call_new_id(s),
			      .random = rand_u64_from(shard_host(s)->rand) };
	struct dialog_party party = { .local_user = user,
				      .remote_user = user,
				      .target = text_bytes(&b->contact),
				      .routes = text_bytes(&b->path),
				      .hop = *hop };
	struct dialog_request r = {
		.method = SIP_NOTIFY,
		.max_forwards = -1,
		.contact = true,
		.extra = BYTES_LIT("Event: message-summary\r\n"
				   "Subscription-State: terminated;reason=noresource\r\n"),
		.content_type = bytes_str(p->type),
	};
	struct sip_name_addr from;
	struct dialog d = { 0 };

	if (!txns_has_room(shard_txns(s), TXN_NEW) ||
	    dialog_to_party(&d, &tag, &party, shard_settings(s)))
		return;
	if (!sip_name_addr_parse(&from, text_bytes(&d.local)))
		state.entity = from.uri;
	p->write(&body, &state);
	r.body = writer_done(&body);
	if (party.routes.n)
		dialog_choose_hop(&d, shard_host(s), false);
	(void)leg_send(shard_host(s), &d, &r, TXN_USER_NONE);
	dialog_clear(&d);
}

/* One shard of the cluster notifies: the first one here by which its address is reached. */
static bool messages_are_ours(const struct shard *s, const struct binding *b)
{
	const struct shard_settings *set = shard_settings(s);
	const struct shard *of = shard_shared_tables(s)->shards;

	if (b->hop.local >= set->local_count ||
	    (binding_is_foreign(b) && !set->networks[set->locals[b->hop.local].network].shard))
		return false;
	while (of && !shard_local_is_own(shard_settings(of), b->hop.local))
		of = shard_next(of);
	return of == s;
}

/* from: the phone there alone, which has registered; NULL: those that this shard tells. */
static void messages_notify(struct shard *s, uint16_t tenant, struct bytes user,
			    const struct sip_hop *from)
{
	const struct route_asker asker = shard_asker(s);
	const struct aor *a;
	struct message_counts counts;
	struct sip_hop hop;

	if (tenant == TENANT_NONE || !messages_tell_unasked(s, tenant) ||
	    !(a = locations_find(shard_locations(s), tenant, user)) ||
	    !mailboxes_get(shard_shared_tables(s)->mailboxes, tenant, user, &counts))
		return;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct binding *b = &a->bindings[i];

		if (b->expires_utc_ms > asker.utc_ms &&
		    (from ? shard_is_same_phone(&b->hop, from) : messages_are_ours(s, b)) &&
		    route_hop(b, &asker, &hop) && !messages_are_watched(s, tenant, user, &hop))
			messages_tell_phone(s, user, b, &hop, &counts);
	}
}

/* What phones were told of the shard's mailboxes is unknown: those known here are counted and
 * notified. */
static void messages_resume(struct shard *s)
{
	uint32_t cursor = 0;
	const struct aor *a;

	while ((a = locations_next(shard_locations(s), &cursor)))
		messages_notify(s, tenants_find(shard_settings(s)->tenants, text_bytes(&a->tenant)),
				text_bytes(&a->user), NULL);
}

void shard_messages_counted(struct shard_shared_tables *c, uint16_t tenant, struct bytes box,
			    const struct message_counts *counts, struct instant now)
{
	if (!mailboxes_counted(c->mailboxes, tenant, box, counts))
		return;
	for (struct shard *s = c->shards; s; s = shard_next(s)) {
		shard_set_now(s, now);
		subscriptions_changed(shard_subscriptions(s), tenant, box, CHANGED_MESSAGES);
		messages_notify(s, tenant, box, NULL);
	}
}

static int messages_node_opened(struct shard_shared_tables *c)
{
	c->mailboxes = mailboxes_create();
	return c->mailboxes ? 0 : -ENOMEM;
}

static void messages_node_closed(struct shard_shared_tables *c)
{
	mailboxes_free(c->mailboxes);
}

const struct shard_hooks message_waiting_hooks = {
	.node_opened = messages_node_opened,
	.node_closed = messages_node_closed,
	.resumed = messages_resume,
	.tells_unasked = messages_tell_unasked,
	.registered = messages_notify,
};
