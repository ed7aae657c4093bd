/* SPDX-License-Identifier: Apache-2.0 */
/* check-sync: a NOTIFY of no subscription that asks one phone to look whether its files have
 * changed. It was never standardized, but phones of most makes know it. Whether the phone is in a
 * call is the caller's to know: phones read their files between calls, and some boot at once. */
#include "sig/dialog/dialog.h"
#include "sig/leg/leg.h"
#include "sig/shard/shard_parts.h"

/* What becomes of it is the phone's own affair: it shows when it fetches its files. */
static bool sync_send(struct shard *s, struct bytes user, struct bytes contact, struct bytes routes,
		      const struct sip_hop *hop)
{
	struct id_tag tag = { .call = shard_call_new_id(s),
			      .random = rand_u64_from(shard_host(s)->rand) };
	struct dialog_party party = { .local_user = user,
				      .remote_user = user,
				      .target = contact,
				      .routes = routes,
				      .hop = *hop };
	struct dialog_request r = {
		.method = SIP_NOTIFY,
		.max_forwards = -1,
		.contact = true,
		.extra = BYTES_LIT("Event: check-sync\r\n"
				   "Subscription-State: terminated;reason=noresource\r\n"),
	};
	struct dialog d = { 0 };

	if (!txns_has_room(shard_txns(s), TXN_NEW) ||
	    dialog_to_party(&d, &tag, &party, shard_settings(s)))
		return false;
	if (party.routes.n)
		dialog_choose_hop(&d, shard_host(s), false);
	(void)leg_send(shard_host(s), &d, &r, TXN_USER_NONE);
	dialog_clear(&d);
	return true;
}

bool shard_check_sync(struct shard *s, uint16_t tenant, struct bytes user, struct bytes contact,
		      struct instant now)
{
	const struct aor *a = locations_find(shard_locations(s), tenant, user);
	const struct shard_settings *set = shard_settings(s);
	struct route_asker asker;
	struct sip_hop hop;

	shard_set_now(s, now);
	asker = shard_asker(s);
	for (uint32_t i = 0; a && i < a->count; i++) {
		const struct binding *b = &a->bindings[i];

		if (!bytes_eq(text_bytes(&b->contact), contact) ||
		    b->expires_utc_ms <= asker.utc_ms || b->hop.local >= set->local_count)
			continue;
		/* of the shards of its node the one of its address asks it; of another node any */
		if ((shard_local_is_own(set, b->hop.local) || binding_is_foreign(b)) &&
		    route_hop(b, &asker, &hop))
			return sync_send(s, user, text_bytes(&b->contact), text_bytes(&b->path),
					 &hop);
	}
	return false;
}

bool shard_sync_caller(const struct shard *s, uint16_t tenant, struct bytes user, uint64_t device,
		       struct sync_caller *out)
{
	for (s = shard_shared_tables(s)->shards; s; s = shard_next(s)) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(shard_legs(s), tenant, user, l)) != NULL) {
			if (l->device != device || l->outbound)
				continue;
			out->hop = l->dialog.hop;
			return !text_set(&out->user, user) &&
			       !text_set(&out->contact, text_bytes(&l->dialog.target)) &&
			       !text_set(&out->routes, text_bytes(&l->dialog.routes));
		}
	}
	return false;
}

bool shard_check_sync_caller(struct shard *s, const struct sync_caller *to, struct instant now)
{
	shard_set_now(s, now);
	return shard_local_is_own(shard_settings(s), to->hop.local) &&
	       sync_send(s, text_bytes(&to->user), text_bytes(&to->contact),
			 text_bytes(&to->routes), &to->hop);
}

void sync_caller_clear(struct sync_caller *c)
{
	text_clear(&c->user);
	text_clear(&c->contact);
	text_clear(&c->routes);
}
