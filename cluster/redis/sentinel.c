/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/link.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

#define SENTINEL_PACE_NS   (1 * NS_PER_S)
#define SENTINEL_HURRY_NS  (100 * NS_PER_MS)
#define SENTINEL_ANSWER_NS (500 * NS_PER_MS)
#define MISSED_NS          (3 * NS_PER_S)

enum { TURN_ANSWERS = 5 }; /* then another Sentinel has its turn */

/* ---- answers ---- */

/* [host, port]; nil: it knows no such primary. */
static int primary_read(struct addr *out, const struct redisReply *reply)
{
	uint32_t port;

	if (redis_reply_count(reply) != 2 ||
	    addr_parse(out, redis_reply_text(redis_reply_at(reply, 0))) || out->port ||
	    bytes_u32(redis_reply_text(redis_reply_at(reply, 1)), &port) || !port ||
	    port > UINT16_MAX)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

/* Of name, value, name, value, ... */
static int epoch_read(uint64_t *out, const struct redisReply *reply)
{
	for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
		if (bytes_is(redis_reply_text(redis_reply_at(reply, i)), "config-epoch"))
			return bytes_u64(redis_reply_text(redis_reply_at(reply, i + 1)), out);
	}
	return -EINVAL;
}

/* What this one says is of no use. */
static void sentinel_hop(struct redis_sentinel *s)
{
	s->answers = 0;
	redis_link_turn(s->link);
}

static void sentinel_refuse(struct redis_sentinel *s, const struct redisReply *reply)
{
	struct bytes text = { 0 };

	if (!s->missed)
		LOG_WARN("redis", 0, "a Sentinel does not tell an address of the primary",
			 LOG_BYTES("answer",
				   redis_is_error(reply, &text) ? text : (struct bytes){ 0 }),
			 LOG_STR("primary", s->owner->url.primary));
	s->missed = true;
	sentinel_hop(s);
}

/* The owner may be closed when it hears of it, and this with it. */
static void answer_take(struct redis_sentinel *s, uint64_t epoch)
{
	bool changed = !addr_eq(&s->said, &s->primary);

	if (epoch < s->epoch && ++s->older < s->owner->url.sentinel_count) {
		sentinel_hop(s);
		return;
	}
	s->older = 0;
	s->epoch = epoch;
	s->primary = s->said;
	s->received_ns = clock_now_ns();
	s->missed = false;
	if (++s->answers == TURN_ANSWERS)
		sentinel_hop(s);
	if (changed)
		redis_primary_said(s->owner);
}

static void sentinel_on_address(int err, const struct redisReply *reply, void *arg)
{
	struct redis_sentinel *s = arg;

	s->said = (struct addr){ 0 };
	if (!err && primary_read(&s->said, reply))
		sentinel_refuse(s, reply);
}

static void sentinel_on_primary(int err, const struct redisReply *reply, void *arg)
{
	struct redis_sentinel *s = arg;
	uint64_t epoch;

	s->asked = false;
	s->ask_ns = clock_now_ns() + (s->hurry ? SENTINEL_HURRY_NS : SENTINEL_PACE_NS);
	if (err || !s->said.port) {
		if (err == -ETIMEDOUT)
			sentinel_hop(s);
	} else if (epoch_read(&epoch, reply)) {
		sentinel_refuse(s, reply);
	} else {
		answer_take(s, epoch);
	}
}

/* ---- questions ---- */

/* Both at once: they are of one moment. The address of the first is that of a failover under way already. */
static void sentinel_ask(struct redis_sentinel *s)
{
	struct bytes name = bytes_str(s->owner->url.primary);
	const struct bytes address[] = { BYTES_LIT("SENTINEL"),
					 BYTES_LIT("GET-MASTER-ADDR-BY-NAME"), name };
	const struct bytes primary[] = { BYTES_LIT("SENTINEL"), BYTES_LIT("MASTER"), name };

	s->asked = !redis_command(s->link, address, COUNT_OF(address), SENTINEL_ANSWER_NS,
				  sentinel_on_address, s) &&
		   !redis_command(s->link, primary, COUNT_OF(primary), SENTINEL_ANSWER_NS,
				  sentinel_on_primary, s);
	redis_flush(s->link);
}

static void miss_log(struct redis_sentinel *s, uint64_t now_ns)
{
	if (s->missed || now_ns < s->received_ns + MISSED_NS)
		return;
	s->missed = true;
	LOG_WARN("redis", 0, "no Sentinel answers: the last address of the primary stays",
		 LOG_STR("primary", s->owner->url.primary));
}

void redis_sentinel_expire(struct redis_sentinel *s, uint64_t now_ns)
{
	if (!s->link)
		return;
	if (redis_is_connected(s->link) && !s->asked && now_ns >= s->ask_ns)
		sentinel_ask(s);
	miss_log(s, now_ns);
	redis_expire(s->link, now_ns);
}

uint64_t redis_sentinel_next_ns(const struct redis_sentinel *s)
{
	uint64_t next_ns;

	if (!s->link)
		return UINT64_MAX;
	next_ns = redis_next_ns(s->link);
	if (redis_is_connected(s->link) && !s->asked && s->ask_ns < next_ns)
		next_ns = s->ask_ns;
	return !s->missed && s->received_ns + MISSED_NS < next_ns ? s->received_ns + MISSED_NS
								  : next_ns;
}

void redis_sentinel_hurry(struct redis_sentinel *s, bool hurry, uint64_t now_ns)
{
	if (hurry && !s->hurry)
		s->ask_ns = now_ns;
	s->hurry = hurry;
}

/* ---- open and close ---- */

void redis_sentinel_open(struct redis_sentinel *s, struct redis *owner, struct redis *link,
			 uint64_t now_ns)
{
	*s = (struct redis_sentinel){
		.link = link, .owner = owner, .received_ns = now_ns, .hurry = true
	};
}

void redis_sentinel_close(struct redis_sentinel *s)
{
	redis_close(s->link);
	s->link = NULL;
}
