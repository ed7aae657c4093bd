/* SPDX-License-Identifier: Apache-2.0 */
/* Users who are watched from other nodes, and users of theirs who are watched here: of all shards of the node. */
#include <errno.h>

#include "sig/feature/park.h"
#include "sig/shard/shard_page.h"
#include "sig/shard/shard_state.h"

/* A round over all subscriptions takes so many seconds; a quick one is for nodes that have just come. */
enum { ASK_ROUND_S = 20, ASK_QUICK_S = 4 };
static_assert(ASK_ROUND_S * NS_PER_S == REMOTE_ASK_NS, "as others expect it");

/* A tenant that nobody here knows has nobody who is watched. */
bool shard_remote_tenant(const struct shard_commons *c, struct bytes name, uint16_t *tenant)
{
	*tenant = c->shards ? tenants_number(c->shards->settings.tenants, name) : TENANT_NONE;
	return *tenant != TENANT_NONE;
}

static uint32_t remote_dialogs(void *owner, struct bytes tenant, struct bytes user,
			       struct dialog_state *out)
{
	const struct shard_commons *c = owner;
	uint16_t number;

	return shard_remote_tenant(c, tenant, &number)
		       ? shard_watch_own(c->shards, number, user, out)
		       : 0;
}

static uint32_t remote_shards(void *owner, uint32_t *out)
{
	const struct shard_commons *c = owner;
	uint32_t count = 0;

	for (const struct shard *s = c->shards; s && count < REMOTE_SHARDS_MAX; s = s->next) {
		if (s->resumed_ns)
			out[count++] = s->settings.number + 1U;
	}
	return count;
}

static bool remote_is_watched(void *owner, struct bytes tenant, struct bytes user)
{
	const struct shard_commons *c = owner;
	uint16_t number;

	if (!shard_remote_tenant(c, tenant, &number))
		return false;
	for (const struct shard *s = c->shards; s; s = s->next) {
		if (subscription_of_resource(&s->subscriptions, number, user, NULL))
			return true;
	}
	return c->shards && shard_engaged_asks(c->shards, number, user);
}

static void remote_changed(void *owner, struct bytes tenant, struct bytes user)
{
	const struct shard_commons *c = owner;
	uint16_t number;

	if (!shard_remote_tenant(c, tenant, &number))
		return;
	shard_watch_notify_here(c->shards, number, user);
	shard_waiting_changed(c->shards, number, user);
}

static enum remote_verdict remote_verdict_of(int err)
{
	static const struct {
		int err;
		enum remote_verdict verdict;
	} verdicts[] = {
		{ 0, REMOTE_OK },
		{ -ENOTCONN, REMOTE_NOT_UP },
		{ -EALREADY, REMOTE_BUSY },
		{ -ENODEV, REMOTE_NO_PARTY },
		{ -EDESTADDRREQ, REMOTE_WHICH_PARTY },
		{ -EOPNOTSUPP, REMOTE_NOT_ALLOWED },
	};

	for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
		if (verdicts[i].err == err)
			return verdicts[i].verdict;
	}
	return REMOTE_NO_CALL;
}

int shard_remote_error(enum remote_verdict verdict)
{
	static const int errors[REMOTE_VERDICTS] = {
		[REMOTE_NO_CALL] = -ENOENT,
		[REMOTE_NOT_UP] = -ENOTCONN,
		[REMOTE_BUSY] = -EALREADY,
		[REMOTE_NO_PARTY] = -ENODEV,
		[REMOTE_WHICH_PARTY] = -EDESTADDRREQ,
		[REMOTE_NOT_ALLOWED] = -EOPNOTSUPP,
	};

	return errors[verdict];
}

/* Nobody waits there: what is left of one is freed. */
static bool remote_waits(struct shard *s, uint16_t tenant, const struct remote_join *j,
			 struct instant now)
{
	struct bytes slot = bytes_str(j->slot);

	if (!slot.n || shard_call_yield(s, j->call, slot, now))
		return true;
	(void)park_may_pick(&s->host, tenant, j->call, slot);
	return false;
}

static int remote_confer(struct shard *s, uint16_t tenant, const struct remote_join *j,
			 struct instant now)
{
	const struct shard_confer_give give = {
		.call = j->call, .room = j->room, .leaves = j->leaves, .dialog = j->dialog
	};

	return shard_confer_give(s, tenant, &give, now);
}

static void remote_join(void *owner, const struct remote_join *j, struct remote_joined *out)
{
	const struct shard_commons *c = owner;
	struct shard *s = c->shards;
	uint16_t tenant;
	int err = -ENOENT;

	while (s && s->settings.number != id_shard(j->call))
		s = s->next;
	if (!s || !shard_remote_tenant(c, j->tenant, &tenant))
		err = -ENOENT;
	else if (j->room)
		err = remote_confer(s, tenant, j, c->remote_now);
	else if (remote_waits(s, tenant, j, c->remote_now))
		err = shard_call_remote(s, tenant, j->call, j->leg, &out->remote);
	out->verdict = remote_verdict_of(err);
}

static void remote_page(void *owner, const struct record_page_ask *ask, struct record_page *out)
{
	struct shard_commons *c = owner;

	shard_record_page(c, ask, c->remote_now, out);
}

static void remote_guess(void *owner, const struct remote_guess *g)
{
	struct shard_commons *c = owner;

	if (g->right)
		secret_limit_passed(c->secrets, &g->guess, c->remote_now.ns);
	else
		secret_limit_failed(c->secrets, &g->guess, c->remote_now.ns);
}

void shard_on_secret(void *owner, const struct secret_guess *g, bool right)
{
	const struct shard *s = owner;
	const struct remote_guess told = { .guess = *g, .right = right };

	if (s->commons->remote)
		remote_watch_guess(s->commons->remote, &told);
}

static void remote_share(void *owner, const struct share_word *word)
{
	const struct shard_commons *c = owner;

	if (c->shares)
		shares_hear(c->shares, word);
}

int shard_remote_open(struct shard_commons *c, const struct shard_remote *with)
{
	const struct remote_watch_host host = { .owner = c,
						.with = with->arg,
						.send = with->send,
						.is_heard = with->is_heard,
						.dialogs = remote_dialogs,
						.shards = remote_shards,
						.is_watched = remote_is_watched,
						.changed = remote_changed,
						.pick = shard_remote_asked,
						.picked = shard_remote_answered,
						.join = remote_join,
						.joined = with->joined,
						.page = remote_page,
						.share = remote_share,
						.guess = remote_guess,
						.paged = with->paged };

	c->remote_with = *with;
	return remote_watch_open(&c->remote, &host, &c->key);
}

/* Of several that watch a user one asks. */
static void remote_ask_for(struct shard *s, const struct subscription *sub)
{
	struct bytes user = text_bytes(&sub->resource);

	if (package_of(sub->package)->of_dialogs &&
	    subscription_of_resource(&s->subscriptions, sub->tenant, user, NULL) == sub)
		remote_watch_ask(s->commons->remote,
				 bytes_str(tenants_name(s->settings.tenants, sub->tenant)), user);
}

void shard_remote_begin(struct shard *s, const struct subscription *sub)
{
	if (s->commons->remote)
		remote_ask_for(s, sub);
}

static void remote_ask_some(struct shard *s, uint32_t seconds)
{
	uint32_t most = s->subscriptions.pool.in_use / seconds + 1;
	const struct subscription *sub;
	pool_handle h;

	while (s->subscriptions.pool.in_use && most-- > 0) {
		sub = pool_next(&s->subscriptions.pool, &s->remote_cursor, &h);
		if (!sub) {
			s->remote_cursor = 0;
			return;
		}
		remote_ask_for(s, sub);
	}
}

void shard_on_remote(struct shard_commons *c, uint64_t process, struct bytes news,
		     struct instant now)
{
	c->remote_now = now;
	remote_watch_on_news(c->remote, process, news, now.ns);
}

void shard_remote_joined(struct shard_commons *c)
{
	c->remote_quick = ASK_QUICK_S;
}

void shard_remote_second(struct shard_commons *c, uint64_t now_ns)
{
	bool quick = c->remote_quick;

	for (struct shard *s = c->shards; s; s = s->next) {
		if (s->subscriptions.pool.in_use)
			remote_ask_some(s, quick ? ASK_QUICK_S : ASK_ROUND_S);
	}
	shard_engaged_ask_some(c, quick ? ASK_QUICK_S : ASK_ROUND_S);
	c->remote_quick -= quick;
	if (quick && !c->remote_quick)
		shard_engaged_look(c);
	shard_remote_picks_expire(c);
	remote_watch_expire(c->remote, now_ns);
}
