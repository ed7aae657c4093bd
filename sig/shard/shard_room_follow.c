/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference whose members go to one of another shard (docs/adr/0059): its number is that one's, or a call here was added to that one. No
 * leg leaves its shard. Each member's call rings the other shard as in a transfer, by a name that says what it is there, and has left when
 * that answers. Until then it is a member here, and where it is refused it stays one, and is sent again.
 */
#include "base/log.h"
#include "sig/call/conference.h"
#include "sig/feature/conference.h"
#include "sig/feature/far.h"
#include "sig/shard/shard_room.h"
#include "sig/step/step.h"

enum {
	SEND_AT_ONCE = 16,
	SEND_NEXT_MS = 20,
	SEND_AGAIN_MS = 1000, /* and twice as long the next time, up to */
	SEND_SELDOM_MS = 64000,
	SEND_MS = 10000, /* those of a call that was added; then they stay together here */
};

void shard_room_follow(struct shard *s, struct room *r, uint64_t other)
{
	if (r->follows == other && r->follow_ns)
		return;
	if (r->follows != other)
		shard_room_touch(r);
	r->follows = other;
	r->follow_after = 0;
	r->follow_again_ms = SEND_AGAIN_MS;
	r->follow_ns = s->host.now.ns;
	r->follow_until_ns = r->kind == ROOM_STATION ? s->host.now.ns + SEND_MS * NS_PER_MS : 0;
	shard_room_hurry(s, r);
}

void shard_room_unfollow(struct shard *s, struct room *r)
{
	if (!r->follows)
		return;
	r->follows = r->follow_ns = r->follow_until_ns = 0;
	shard_room_touch(r);
	shard_room_hurry(s, r);
}

static void send_name(const struct room *r, const struct room_member *m, char out[MEMBER_NAME_MAX])
{
	const struct member_name name = { .room = r->follows,
					  .host = m->hosts || (r->host && r->host == m->number),
					  .muted = m->muted,
					  .deaf = m->deaf,
					  .held = m->held,
					  .gain_db = m->gain_db };

	member_name_put(out, &name);
}

/* False: it speaks with somebody else just now. */
static bool send_member(struct shard *s, const struct room *r, const struct room_member *m,
			struct call *c)
{
	struct call_remote far = { .shard = id_shard(r->follows), .user = bytes_str(r->number) };
	struct call_order order = { .kind = ORDER_JOIN, .remote = &far };
	const struct call_event ev = { .kind = CALL_EV_ORDER, .order = &order };
	char name[MEMBER_NAME_MAX];

	if (!conference_speaks(c) || c->transfer)
		return false;
	send_name(r, m, name);
	far.member = bytes_str(name);
	if (!r->number[0])
		far.user = BYTES_LIT("conference");
	shard_call_step(s, c, &ev);
	return order.err == 0;
}

/* Each once a round; more: there are some left for the next slice of it. */
static void send_some(struct shard *s, struct room *r, bool *more)
{
	const struct room_member *m = r->first;
	uint32_t sent = 0;

	while (m && !m->asks && m->number <= r->follow_after)
		m = m->next;
	while (m && !m->asks && sent < SEND_AT_ONCE) {
		const struct room_member *next = m->next;
		struct call *c = shard_member_call(s, m);

		r->follow_after = m->number;
		sent += c && send_member(s, r, m, c);
		m = next;
	}
	*more = m && !m->asks;
}

static bool send_is_over(const struct shard *s, const struct room *r)
{
	return (r->follow_until_ns && r->follow_until_ns <= s->host.now.ns) ||
	       !remote_shard_is_reachable(&s->settings, id_shard(r->follows));
}

void shard_room_send(struct shard *s, struct room *r)
{
	bool more;

	if (!r->follows || r->follow_ns > s->host.now.ns)
		return;
	if (r->comes_count) { /* those of a call that is given here are not here yet */
		r->follow_ns = s->host.now.ns + SEND_NEXT_MS * NS_PER_MS;
		return;
	}
	if (send_is_over(s, r)) {
		LOG_WARN("conference", r->id, "its members do not come into that of another shard");
		shard_room_unfollow(s, r);
		return;
	}
	send_some(s, r, &more);
	r->follow_ns = s->host.now.ns + (more ? SEND_NEXT_MS : r->follow_again_ms) * NS_PER_MS;
	if (more)
		return;
	r->follow_after = 0;
	if (r->follow_again_ms < SEND_SELDOM_MS)
		r->follow_again_ms *= 2;
}
