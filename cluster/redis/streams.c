/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of streams: events for listeners and webhooks, entries for the archive, answers of
 * other nodes. It has no state of a stream, only the question that is being made and the answers
 * that are awaited.
 */

#include "cluster/redis/streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/decimal.h"

enum { HEAD_WORDS = 6, FIRST_ROOM = 8 };

bool streams_are_due(const struct streams *s, uint64_t now_ns)
{
	return !s->asked && now_ns >= s->next_ns;
}

uint64_t streams_next_ns(const struct streams *s)
{
	return s->asked ? UINT64_MAX : s->next_ns;
}

static bool streams_grow(struct streams *s)
{
	uint32_t room = s->room ? 2 * s->room : FIRST_ROOM;
	struct streams_one *list = reallocarray(s->list, room, sizeof(*list));

	if (!list)
		return false;
	s->list = list;
	s->room = room;
	return true;
}

void streams_add(struct streams *s, struct bytes key, struct bytes mark)
{
	struct streams_one *one;

	if (s->count == s->room && !streams_grow(s))
		return;
	one = &s->list[s->count];
	one->key = key;
	if (!bytes_cstr(mark, one->mark, sizeof(one->mark)))
		s->count++;
}

static void streams_on_answer(int err, const struct redisReply *reply, void *arg)
{
	struct streams *s = arg;
	struct bytes text = { 0 };

	s->asked--;
	if (err || redis_is_error(reply, &text)) {
		if (s->way->failed)
			s->way->failed(err, text, s->arg);
		return;
	}
	for (size_t i = 0; i < redis_reply_count(reply); i++) {
		const struct redisReply *one = redis_reply_at(reply, i);

		s->way->entries(redis_reply_text(redis_reply_at(one, 0)), redis_reply_at(one, 1),
				s->arg);
	}
}

/* XREAD COUNT n BLOCK ms STREAMS keys marks */
static void streams_send(struct streams *s, uint32_t from, uint32_t n, bool waits)
{
	char each[DECIMAL_TEXT_MAX], wait_ms[DECIMAL_TEXT_MAX];
	struct bytes *words = s->words;
	uint32_t at = 0;

	words[at++] = BYTES_LIT("XREAD");
	words[at++] = BYTES_LIT("COUNT");
	words[at++] = decimal_text(each, s->way->each);
	if (waits) {
		words[at++] = BYTES_LIT("BLOCK");
		words[at++] = decimal_text(wait_ms, s->way->wait_ms);
	}
	words[at++] = BYTES_LIT("STREAMS");
	for (uint32_t i = 0; i < n; i++) {
		words[at + i] = s->list[from + i].key;
		words[at + n + i] = bytes_str(s->list[from + i].mark);
	}
	s->asked += !redis_command(s->redis, words, at + 2 * n, s->way->deadline_ns,
				   streams_on_answer, s);
}

void streams_request(struct streams *s, uint64_t now_ns)
{
	bool apart = redis_is_cluster(s->redis) && !s->way->of_one_slot;
	bool waits = s->count && s->count <= s->way->together && !apart;
	uint32_t most = apart ? 1 : s->way->together;

	s->next_ns = now_ns + (waits ? s->way->pace_ns : s->way->poll_ns);
	if (!s->words)
		s->words = calloc(HEAD_WORDS + 2 * (size_t)s->way->together, sizeof(*s->words));
	for (uint32_t i = 0; s->words && i < s->count; i += most)
		streams_send(s, i, s->count - i < most ? s->count - i : most, waits);
	s->count = 0;
}

void streams_clear(struct streams *s)
{
	free(s->list);
	free(s->words);
	*s = (struct streams){ 0 };
}

struct bytes stream_field(const struct redisReply *entry, const char *name)
{
	const struct redisReply *fields = redis_reply_at(entry, 1);

	for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
		if (bytes_is(redis_reply_text(redis_reply_at(fields, i)), name))
			return redis_reply_text(redis_reply_at(fields, i + 1));
	}
	return (struct bytes){ 0 };
}

void stream_trim(struct redis *r, struct bytes key, struct bytes mark)
{
	char behind[STREAM_MARK_MAX];
	uint64_t ms, seq;
	size_t dash = bytes_find(mark, '-');
	struct bytes args[] = { BYTES_LIT("XTRIM"), key, BYTES_LIT("MINID"), { 0 } };

	if (bytes_u64(bytes_sub(mark, 0, dash), &ms) ||
	    bytes_u64(bytes_from(mark, dash + 1), &seq) || seq == UINT64_MAX)
		return; /* no id of an entry */
	(void)snprintf(behind, sizeof(behind), "%" PRIu64 "-%" PRIu64, ms, seq + 1);
	args[3] = bytes_str(behind);
	(void)!redis_command(r, args, COUNT_OF(args), 0, NULL, NULL);
}
