/* SPDX-License-Identifier: Apache-2.0 */
/* Another node asks for the party of a call here, which is to be joined with a call of its own, or
 * for the parties of a call, which are to join a conference there. */
#include "sig/pbx/park.h"
#include "sig/shard/shard_parts.h"

static const enum refusal g_verdicts[REMOTE_VERDICTS] = {
	[REMOTE_OK] = REFUSED_NOT,
	[REMOTE_NO_CALL] = REFUSED_NO_CALL,
	[REMOTE_NOT_UP] = REFUSED_NOT_ESTABLISHED,
	[REMOTE_BUSY] = REFUSED_TRANSFER_OPEN,
	[REMOTE_NO_PARTY] = REFUSED_NO_LEG,
	[REMOTE_WHICH_PARTY] = REFUSED_WHICH_PARTY,
	[REMOTE_NOT_ALLOWED] = REFUSED_NO_WAITING,
};

static enum remote_verdict remote_verdict_of(enum refusal refused)
{
	for (enum remote_verdict v = 0; v < REMOTE_VERDICTS; v++) {
		if (g_verdicts[v] == refused)
			return v;
	}
	return REMOTE_NO_CALL;
}

enum refusal shard_remote_refusal(enum remote_verdict verdict)
{
	return g_verdicts[verdict];
}

/* The party does not wait there any more: what is left is freed. */
static bool remote_waits(struct shard *s, uint16_t tenant, const struct remote_join *j,
			 struct instant now)
{
	struct bytes slot = bytes_str(j->slot);

	if (!slot.n || shard_call_yield(s, j->call, slot, now))
		return true;
	(void)park_may_pick(shard_host(s), tenant, j->call, slot);
	return false;
}

static enum refusal remote_conference(struct shard *s, uint16_t tenant, const struct remote_join *j,
				      struct instant now)
{
	const struct shard_conference_give give = {
		.call = j->call, .room = j->room, .leaves = j->leaves, .dialog = j->dialog
	};

	return shard_conference_give(s, tenant, &give, now);
}

static bool join_on_question(struct shard_shared_tables *c, const struct remote_item *item,
			     struct remote_item *answer)
{
	const struct remote_join *j = &item->join;
	struct shard *s = c->shards;
	uint16_t tenant;
	enum refusal refused = REFUSED_NO_CALL;

	while (s && shard_settings(s)->number != id_shard(j->call))
		s = shard_next(s);
	if (!s || !shard_remote_tenant(c, j->tenant, &tenant))
		refused = REFUSED_NO_CALL;
	else if (j->room)
		refused = remote_conference(s, tenant, j, c->remote_now);
	else if (j->leaves.n && !shard_call_part(s, j->call, j->leaves).side)
		refused = REFUSED_NO_CALL;
	else if (remote_waits(s, tenant, j, c->remote_now))
		refused = shard_call_remote(s, tenant, j->call, j->leg, &answer->joined.remote);
	answer->joined.verdict = remote_verdict_of(refused);
	return true;
}

static const struct shard_remote_hook join_remotes[] = {
	{ REMOTE_JOIN, .heard = join_on_question },
	{ 0 },
};

const struct shard_hooks join_hooks = { .remotes = join_remotes };
