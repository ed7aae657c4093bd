/* SPDX-License-Identifier: Apache-2.0 */
/* Who hears which page (page_yield.h). A node tells the others of a page of priority when it begins,
 * and each second while it is heard: so nothing is acknowledged, and what is lost is told again. */
#include "sig/feature/page/page_yield.h"

#include "base/log.h"
#include "sig/feature/room/shard_room.h"
#include "sig/model/call_order.h"
#include "sig/pbx/page.h"

#define YIELD "page" /* as the feature is called */

enum { YIELD_MAX = 4608, YIELD_CALLS_MAX = 8, YIELD_RANKS = 9 };

/* The room of a paging group in which the leg's party is, or for which it is rung. *rank: of it. */
static const struct room *page_of(const struct shard *s, const struct leg *l, uint8_t *rank)
{
	const struct call *c = shard_call_find(s, dialog_call(&l->dialog));
	const struct room *r = c && c->member ? shard_room_find(s, c->member->room) : NULL;
	const struct room_terms *t =
		r ? rooms_find(shard_settings(s)->rooms, r->object.tenant, bytes_str(r->number))
		  : NULL;

	*rank = t ? t->page : 0;
	return *rank ? r : NULL;
}

uint8_t page_user_rank(const struct shard_shared_tables *c, uint16_t tenant, struct bytes number)
{
	uint8_t most = 0, rank;

	for (const struct shard *s = c->shards; s; s = shard_next(s)) {
		const struct leg *l = NULL;

		while ((l = leg_users_next(shard_legs(s), tenant, number, l)) != NULL) {
			if (page_of(s, l, &rank) && rank > most)
				most = rank;
		}
	}
	return most;
}

/* Calls of that member in pages of lower priority. The caller who speaks stays, and so does one who
 * is still asked for a PIN. */
static uint32_t lower_calls(const struct shard *s, uint16_t tenant, struct bytes number,
			    uint8_t rank, uint64_t out[YIELD_CALLS_MAX])
{
	const struct leg *l = NULL;
	uint32_t count = 0;
	uint8_t other;

	while (count < YIELD_CALLS_MAX &&
	       (l = leg_users_next(shard_legs(s), tenant, number, l)) != NULL) {
		const struct room *r = page_of(s, l, &other);
		const struct call *c = shard_call_find(s, dialog_call(&l->dialog));

		if (r && other < rank && !c->member->hosts &&
		    (!c->member->asks || c->state != CALL_ESTABLISHED))
			out[count++] = c->id;
	}
	return count;
}

static void member_yield(struct shard *s, uint16_t tenant, struct bytes number, uint8_t rank,
			 struct instant now)
{
	struct call_order drop = { .kind = ORDER_MEMBER, .member = MEMBER_DROP };
	uint64_t calls[YIELD_CALLS_MAX];
	uint32_t count = lower_calls(s, tenant, number, rank, calls);

	for (uint32_t i = 0; i < count; i++) {
		enum refusal refused = shard_call_order(s, calls[i], &drop, now);

		if (refused == REFUSED_NO_MEMBERSHIP) /* his phone rings */
			refused = shard_hangup(s, calls[i], NULL, now);
		if (refused)
			LOG_INFO("page", calls[i], "a member hears two pages",
				 LOG_STR("reason", refusals[refused].name));
	}
}

static void members_yield(struct shard_shared_tables *c, const struct page_claim *p,
			  struct instant now)
{
	struct bytes left = p->members, one;
	uint16_t tenant;

	if (!shard_remote_tenant(c, p->tenant, &tenant))
		return;
	while (bytes_cut(&left, ',', &one)) {
		for (struct shard *s = c->shards; s; s = shard_next(s))
			member_yield(s, tenant, bytes_trim(one), p->rank, now);
	}
}

/* TENANT, the rank as a digit, and the members, each behind a line. */
void page_yield(struct shard_shared_tables *c, const struct page_claim *p, struct instant now)
{
	uint8_t space[YIELD_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct remote_item told = { .kind = REMOTE_FEATURE, .message.feature = BYTES_LIT(YIELD) };

	members_yield(c, p, now);
	writer_bytes(&w, p->tenant);
	writer_number(&w, "\n", p->rank, "\n");
	writer_bytes(&w, p->members);
	told.message.octets = writer_done(&w);
	if (c->remote && !w.overflow)
		remote_watch_send(c->remote, 0, &told);
}

static bool yield_received(struct shard_shared_tables *c, const struct remote_item *item,
			   struct remote_item *answer)
{
	struct page_claim p = { .members = item->message.octets };
	uint64_t rank;
	struct bytes text;

	(void)answer;
	if (bytes_cut(&p.members, '\n', &p.tenant) && bytes_cut(&p.members, '\n', &text) &&
	    !bytes_u64(text, &rank) && rank <= YIELD_RANKS) {
		p.rank = (uint8_t)rank;
		members_yield(c, &p, c->remote_now);
	} else {
		LOG_WARN("page", 0, "what another node tells of a page is not understood",
			 LOG_INT("octets", (int64_t)item->message.octets.n));
	}
	return false;
}

static const struct shard_remote_hook yield_remotes[] = {
	{ REMOTE_FEATURE, YIELD, yield_received },
	{ 0 },
};

const struct shard_hooks page_hooks = { .remotes = yield_remotes };
