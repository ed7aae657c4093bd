/* SPDX-License-Identifier: Apache-2.0 */
/* What another node tells of users: what is taken is within bounds, and is read again as it was when it is written again. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "sig/host/tenant.h"
#include "sig/remote/remote_state.h"

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
		remote_state_add_shards(&t->again, shards, count);
}

static void on_user(const struct remote_user *u, void *arg)
{
	struct told *t = arg;

	assert(u->tenant.n && u->tenant.n < TENANT_NAME_MAX);
	assert(u->user.n && u->user.n <= REMOTE_USER_MAX);
	assert(u->count <= DIALOG_STATES_MAX && (!u->asks || !u->count));
	t->users++;
	t->sum += u->asks + u->holds * UINT64_C(3) + u->registered * UINT64_C(11);
	sum_add(t, u->tenant);
	sum_add(t, u->user);
	for (uint32_t i = 0; i < u->count; i++) {
		const struct dialog_state *d = &u->dialogs[i];

		assert(d->id && d->phase < PHASE_TERMINATED);
		assert(d->call_id.n <= DIALOG_TEXT_MAX && d->tag.n <= DIALOG_TEXT_MAX);
		assert(d->local.n <= DIALOG_TEXT_MAX && d->remote.n <= DIALOG_TEXT_MAX);
		assert(!d->call_id.n == !d->remote_tag.text[0] || d->call_id.n);
		t->sum += d->id * 2 + d->recipient + d->shard * UINT64_C(5) +
			  d->held * UINT64_C(3) + d->conference * UINT64_C(13) +
			  d->alone * UINT64_C(17) + d->phase * UINT64_C(7);
		sum_add(t, d->call_id);
		sum_add(t, d->tag);
		sum_add(t, d->local);
		sum_add(t, d->remote);
	}
	remote_state_add(&t->again, u);
}

static void on_pick(struct told *t, const struct remote_pick *p)
{
	assert(p->tenant.n && p->tenant.n < TENANT_NAME_MAX && p->by.n);
	assert(p->by.n <= REMOTE_USER_MAX && p->of.n <= REMOTE_USER_MAX && p->want <= USER_HAS);
	t->sum += p->want;
	sum_add(t, p->tenant);
	sum_add(t, p->by);
	sum_add(t, p->of);
}

static void on_join(struct told *t, const struct remote_join *j)
{
	assert(j->call && j->tenant.n && j->tenant.n < TENANT_NAME_MAX);
	assert(j->leg <= SHARD_LEG_CALLEE);
	assert(!j->slot[0] || park_slot_is(bytes_str(j->slot)));
	assert(j->leaves.n <= REMOTE_USER_MAX);
	assert(j->dialog <= ID_LEG_MAX + 1);
	t->sum += j->call * 5 + j->leg + j->room * 7 + j->dialog * 11U;
	sum_add(t, j->tenant);
	sum_add(t, j->leaves);
	sum_add(t, bytes_str(j->slot));
}

static void on_joined(struct told *t, const struct remote_joined *j)
{
	assert(j->verdict < REMOTE_VERDICTS);
	assert(j->remote.user.n <= REMOTE_USER_MAX && j->remote.call_id.n <= DIALOG_TEXT_MAX);
	assert(j->remote.from_tag.n <= DIALOG_TEXT_MAX);
	t->sum += j->verdict * 5 + j->remote.alone;
	sum_add(t, j->remote.user);
	sum_add(t, j->remote.call_id);
	sum_add(t, j->remote.from_tag);
	sum_add(t, bytes_mem(j->remote.to_tag, sizeof(j->remote.to_tag)));
}

static void on_page(struct told *t, const struct record_page_request *ask)
{
	assert(ask->tenant.n && ask->tenant.n < TENANT_NAME_MAX);
	assert(ask->number.n && ask->number.n <= REMOTE_USER_MAX);
	assert(ask->act < RECORD_PAGE_ACTS && !ask->act == !ask->call);
	t->sum += ask->act * UINT64_C(5) + ask->call * 7;
	sum_add(t, ask->tenant);
	sum_add(t, ask->number);
}

static void on_paged(struct told *t, const struct record_page *p)
{
	assert(p->state < RECORD_PAGE_STATES);
	assert(p->place < RECORD_PAGE_PLACES && !p->state == !p->call);
	t->sum += p->state * UINT64_C(5) + p->place * UINT64_C(7) + p->call * 11 + p->utc_ms * 13 +
		  p->lasts;
}

static void on_guess(struct told *t, const struct remote_guess *g)
{
	assert(g->guess.tenant.n && g->guess.tenant.n < TENANT_NAME_MAX);
	assert(g->guess.object.n && g->guess.object.n <= SECRET_TEXT_MAX);
	assert(g->guess.source.n && g->guess.source.n <= SECRET_TEXT_MAX);
	assert(g->guess.caller.n <= SECRET_TEXT_MAX);
	t->sum += g->right;
	sum_add(t, g->guess.tenant);
	sum_add(t, g->guess.object);
	sum_add(t, g->guess.source);
	sum_add(t, g->guess.caller);
}

static void on_item(const struct remote_item *item, void *arg)
{
	struct told *t = arg;
	const struct share_word *word = &item->share;
	bool told = item->kind == REMOTE_SHARE || item->kind == REMOTE_GUESS ||
		    item->kind == REMOTE_BOX || item->kind == REMOTE_FEATURE;

	assert(told == !item->serial);
	t->users++;
	t->sum += item->serial * 3 + item->kind;
	switch (item->kind) {
	case REMOTE_PICK:
		on_pick(t, &item->pick);
		break;
	case REMOTE_PICKED:
		t->sum += item->picked.call * 5 + item->picked.utc_ms * 7 + item->picked.promised;
		break;
	case REMOTE_SHARE:
		assert(word->id && word->limit && word->want <= word->limit);
		t->sum += word->id + word->limit + word->want + word->given + word->refused;
		break;
	case REMOTE_JOIN:
		on_join(t, &item->join);
		break;
	case REMOTE_JOINED:
		on_joined(t, &item->joined);
		break;
	case REMOTE_PAGE:
		on_page(t, &item->page);
		break;
	case REMOTE_PAGED:
		on_paged(t, &item->paged);
		break;
	case REMOTE_GUESS:
		on_guess(t, &item->guess);
		break;
	case REMOTE_BOX:
		assert(item->box.tenant.n && item->box.box.n);
		t->sum += item->box.tenant.n * 11 + item->box.box.n;
		break;
	case REMOTE_FEATURE:
		assert(item->message.feature.n && item->message.feature.n < TENANT_NAME_MAX);
		assert(item->message.octets.n && item->message.octets.n <= REMOTE_FEATURE_MAX);
		sum_add(t, item->message.feature);
		sum_add(t, item->message.octets);
		break;
	case REMOTE_KINDS:
		assert(false);
	}
	remote_state_add_item(&t->again, item);
}

static int news_read(struct bytes outcome, struct told *t)
{
	const struct remote_state_readers readers = {
		.shards = on_shards,
		.user = on_user,
		.item = on_item,
		.arg = t,
	};

	return remote_state_read(outcome, &readers);
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
