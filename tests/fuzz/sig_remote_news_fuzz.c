/* SPDX-License-Identifier: Apache-2.0 */
/* What another node tells of users: what is taken is within bounds, and is read again as it was when it is written again. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "sig/host/tenant.h"
#include "sig/remote/remote_news.h"

enum { NEWS_AGAIN_MAX = 1 << 20 };

struct told {
	uint32_t users;
	uint64_t sum;
	struct writer again;
};

static void sum_add(struct told *t, struct bytes b)
{
	static const struct hash_key key = { 3, 4 };

	t->sum = t->sum * 31 + hash_sip(&key, b);
}

static void on_shards(const uint32_t *shards, size_t count, void *arg)
{
	struct told *t = arg;

	assert(count <= REMOTE_SHARDS_MAX && (shards || !count));
	for (size_t i = 0; i < count; i++)
		t->sum = t->sum * 31 + shards[i];
	if (shards)
		remote_news_add_shards(&t->again, shards, count);
}

static void on_user(const struct remote_user *u, void *arg)
{
	struct told *t = arg;

	assert(u->tenant.n && u->tenant.n < TENANT_NAME_MAX);
	assert(u->user.n && u->user.n <= REMOTE_USER_MAX);
	assert(u->count <= DIALOG_STATES_MAX && (!u->asks || !u->count));
	t->users++;
	t->sum += u->asks + u->holds * UINT64_C(3);
	sum_add(t, u->tenant);
	sum_add(t, u->user);
	for (uint32_t i = 0; i < u->count; i++) {
		const struct dialog_state *d = &u->dialogs[i];

		assert(d->id && d->phase < PHASE_TERMINATED);
		assert(d->call_id.n <= DIALOG_TEXT_MAX && d->tag.n <= DIALOG_TEXT_MAX);
		assert(d->local.n <= DIALOG_TEXT_MAX && d->remote.n <= DIALOG_TEXT_MAX);
		assert(!d->call_id.n == !d->remote_tag.text[0] || d->call_id.n);
		t->sum += d->id * 2 + d->recipient + d->shard * UINT64_C(5) +
			  d->held * UINT64_C(3) + d->phase * UINT64_C(7);
		sum_add(t, d->call_id);
		sum_add(t, d->tag);
		sum_add(t, d->local);
		sum_add(t, d->remote);
	}
	remote_news_add(&t->again, u);
}

static void on_pick(const struct remote_pick *p, void *arg)
{
	struct told *t = arg;

	assert(p->serial && p->tenant.n && p->tenant.n < TENANT_NAME_MAX && p->by.n);
	assert(p->by.n <= REMOTE_USER_MAX && p->of.n <= REMOTE_USER_MAX);
	t->users++;
	t->sum += p->serial;
	sum_add(t, p->tenant);
	sum_add(t, p->by);
	sum_add(t, p->of);
	remote_news_add_pick(&t->again, p);
}

static void on_picked(const struct remote_picked *p, void *arg)
{
	struct told *t = arg;

	assert(p->serial);
	t->users++;
	t->sum += p->serial * 3 + p->call * 5 + p->utc_ms * 7 + p->promised;
	remote_news_add_picked(&t->again, p);
}

static void on_join(const struct remote_join *j, void *arg)
{
	struct told *t = arg;

	assert(j->serial && j->call && j->tenant.n && j->tenant.n < TENANT_NAME_MAX);
	assert(j->leg <= SHARD_LEG_CALLEE);
	assert(!j->slot[0] || park_slot_is(bytes_str(j->slot)));
	t->users++;
	assert(j->leaves.n <= REMOTE_USER_MAX);
	assert(j->dialog <= ID_LEG_MAX + 1);
	t->sum += j->serial * 3 + j->call * 5 + j->leg + j->room * 7 + j->dialog * 11U;
	sum_add(t, j->tenant);
	sum_add(t, j->leaves);
	sum_add(t, bytes_str(j->slot));
	remote_news_add_join(&t->again, j);
}

static void on_joined(const struct remote_joined *j, void *arg)
{
	struct told *t = arg;

	assert(j->serial && j->verdict < REMOTE_VERDICTS);
	assert(j->remote.user.n <= REMOTE_USER_MAX && j->remote.call_id.n <= DIALOG_TEXT_MAX);
	assert(j->remote.from_tag.n <= DIALOG_TEXT_MAX);
	t->users++;
	t->sum += j->serial * 3 + j->verdict * 5 + j->remote.alone;
	sum_add(t, j->remote.user);
	sum_add(t, j->remote.call_id);
	sum_add(t, j->remote.from_tag);
	sum_add(t, bytes_mem(j->remote.to_tag, sizeof(j->remote.to_tag)));
	remote_news_add_joined(&t->again, j);
}

static void on_page(const struct remote_page *p, void *arg)
{
	struct told *t = arg;

	assert(p->serial && p->ask.tenant.n && p->ask.tenant.n < TENANT_NAME_MAX);
	assert(p->ask.number.n && p->ask.number.n <= REMOTE_USER_MAX);
	assert(p->ask.act < RECORD_PAGE_ACTS && !p->ask.act == !p->ask.call);
	t->users++;
	t->sum += p->serial * 3 + p->ask.act * UINT64_C(5) + p->ask.call * 7;
	sum_add(t, p->ask.tenant);
	sum_add(t, p->ask.number);
	remote_news_add_page(&t->again, p);
}

static void on_paged(const struct remote_paged *p, void *arg)
{
	struct told *t = arg;

	assert(p->serial && p->page.state < RECORD_PAGE_STATES);
	assert(p->page.place < RECORD_PAGE_PLACES && !p->page.state == !p->page.call);
	t->users++;
	t->sum += p->serial * 3 + p->page.state * UINT64_C(5) + p->page.place * UINT64_C(7) +
		  p->page.call * 11 + p->page.utc_ms * 13 + p->page.lasts;
	remote_news_add_paged(&t->again, p);
}

static void on_share(const struct share_word *word, void *arg)
{
	struct told *t = arg;

	assert(word->id && word->limit && word->want <= word->limit);
	t->users++;
	t->sum += word->id + word->limit + word->want + word->given + word->refused;
	remote_news_add_share(&t->again, word);
}

static void on_guess(const struct remote_guess *g, void *arg)
{
	struct told *t = arg;

	assert(g->guess.tenant.n && g->guess.tenant.n < TENANT_NAME_MAX);
	assert(g->guess.object.n && g->guess.object.n <= SECRET_TEXT_MAX);
	assert(g->guess.source.n && g->guess.source.n <= SECRET_TEXT_MAX);
	assert(g->guess.caller.n <= SECRET_TEXT_MAX);
	t->users++;
	t->sum += g->right;
	sum_add(t, g->guess.tenant);
	sum_add(t, g->guess.object);
	sum_add(t, g->guess.source);
	sum_add(t, g->guess.caller);
	remote_news_add_guess(&t->again, g);
}

static int news_read(struct bytes news, struct told *t)
{
	const struct remote_news_readers readers = {
		.shards = on_shards,
		.user = on_user,
		.pick = on_pick,
		.picked = on_picked,
		.join = on_join,
		.joined = on_joined,
		.page = on_page,
		.paged = on_paged,
		.guess = on_guess,
		.share = on_share,
		.arg = t,
	};

	return remote_news_read(news, &readers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told first = { 0 }, second = { 0 };
	uint8_t *again = malloc(NEWS_AGAIN_MAX), *more = malloc(NEWS_AGAIN_MAX);
	int err;

	assert(again && more);
	first.again = writer_over(again, NEWS_AGAIN_MAX);
	second.again = writer_over(more, NEWS_AGAIN_MAX);
	err = news_read(bytes_mem(data, size), &first);
	assert(!err || (err == -EBADMSG && !first.users));
	if (!err && !first.again.overflow) {
		assert(!news_read(writer_done(&first.again), &second));
		assert(first.users == second.users && first.sum == second.sum);
		assert(bytes_eq(writer_done(&first.again), writer_done(&second.again)));
	}
	free(again);
	free(more);
	return 0;
}
