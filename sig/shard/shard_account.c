/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are to a party that asks: what the document of its trunk says now, and of a recorder the settings. */
#include "sig/host/trunk.h"
#include "sig/model/recording.h"
#include "sig/shard/shard_state.h"

static const struct trunk_settings *trunk_of_dialog(const struct shard *s, const struct dialog *d)
{
	const struct call *c = shard_call_find(s, dialog_call(d));
	const struct leg *l = c ? call_leg(c, dialog_leg(d)) : NULL;

	return l && l->trunk.n ? trunks_settings(s->settings.trunks,
						 trunks_find(s->settings.trunks, c->tenant,
							     text_bytes(&l->trunk)))
			       : NULL;
}

static bool recorder_account(const struct shard *s, struct digest_account *out)
{
	const struct shard_siprec *set = &s->settings.siprec;

	*out = (struct digest_account){ .user = bytes_str(set->auth_user),
					.realm = bytes_str(set->realm),
					.secret = set->secret };
	return set->auth_user[0];
}

bool shard_account_of(void *owner, const struct dialog *d, struct digest_account *out)
{
	if (dialog_leg(d) == SIPREC_LEG)
		return recorder_account(owner, out);

	const struct trunk_settings *set = trunk_of_dialog(owner, d);

	if (!set || !set->user[0])
		return false;
	*out = (struct digest_account){ .user = bytes_str(set->user),
					.realm = bytes_str(set->realm),
					.secret = set->secret };
	return true;
}
