/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the streams of a link: group, history, news. One question at a time, about as many streams as may be asked for at once. */
#include "app/command/control_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "base/log.h"

#define BLOCK_NS       (1 * NS_PER_S)
#define BLOCK_LIMIT_NS (5 * NS_PER_S) /* a peer that does not even say "nothing" is gone */
#define FULL_NS \
	(20 *   \
	 NS_PER_MS) /* others are not waited for longer while a stream has too much under way */
#define STREAM_ASK_NS   (2 * NS_PER_S)
#define STREAM_AGAIN_NS (100 * NS_PER_MS)
#define CLAIM_EVERY_NS  (10 * NS_PER_S)
#define CLAIM_IDLE      "30000" /* ms; longer than any command takes */

enum {
	BATCH = 32,        /* entries of a stream, */
	BATCH_ALL = 256,   /* and of all in one answer */
	HISTORIES_MAX = 64 /* streams in one question */
};

static void before(uint64_t *least, uint64_t ns)
{
	if (ns < *least)
		*least = ns;
}

/* ---- what becomes of a stream ---- */

/* Whatever was delivered and not taken is read again from the start: what is under way is known and skipped. */
static void start_over(struct control_stream *s, enum control_phase phase, uint64_t wait_ns)
{
	s->phase = phase;
	s->again = false;
	s->claim_ns = 0;
	s->pause_ns = wait_ns ? clock_now_ns() + wait_ns : 0;
	(void)snprintf(s->after, sizeof(s->after), "0");
}

static bool has_room(const struct control_stream *s)
{
	return s->running < s->link->stream_max;
}

static bool stream_is_due(const struct control_stream *s, enum control_phase phase, uint64_t now_ns)
{
	return !s->gone && s->phase == phase && now_ns >= s->pause_ns;
}

void control_stream_key(const struct node *n, const char *tenant, enum command_role role,
			const char *kind, char out[CONTROL_KEY_MAX])
{
	const char *colon = role < COMMAND_FOR_ADMIN ? ":" : "";

	/* Redis Cluster reads streams of one tag together */
	(void)snprintf(out, CONTROL_KEY_MAX,
		       redis_is_cluster(n->redis) ? "td:{cmd}:%s%s%s:%s" : "td:{cmd:%s}%s%s:%s",
		       role == COMMAND_FOR_OPERATOR ? "_operator" : tenant, colon,
		       colon[0] ? command_role_name(role) : "", kind);
}

int control_stream_add(struct control_link *l, const char *tenant, enum command_role role)
{
	bool operators = role == COMMAND_FOR_OPERATOR;
	struct control_stream **all = reallocarray(l->streams, l->count + 1, sizeof(*all)), *s;

	if (!all)
		return -ENOMEM;
	l->streams = all;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->link = l;
	s->who.role = role;
	(void)snprintf(s->who.tenant, sizeof(s->who.tenant), "%s",
		       operators ? NODE_TENANT : tenant);
	control_stream_key(l->control->node, tenant, role, "in", s->key);
	start_over(s, CONTROL_GROUP, 0);
	l->streams[l->count++] = s;
	return 0;
}

/* Whoever writes there is to hear that nobody reads. Another node that still does makes it again. */
static void stream_delete(const struct control_stream *s)
{
	const struct bytes words[] = { BYTES_LIT("DEL"), bytes_str(s->key) };
	int err = redis_command(s->link->control->node->redis, words, COUNT_OF(words),
				STREAM_ASK_NS, NULL, NULL);

	if (err)
		LOG_WARN("control", 0, "a stream of commands that is read no longer stays in Redis",
			 LOG_STR("key", s->key), LOG_STR("error", strerror(-err)));
}

/* Those that are not read any more, and have nothing under way. */
static void streams_sweep(struct control_link *l)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (s->gone && !s->running) {
			stream_delete(s);
			free(s);
		} else {
			l->streams[kept++] = s;
		}
	}
	l->count = kept;
}

static void streams_again(struct control_link *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (s->phase == CONTROL_NEWS && s->again)
			start_over(s, CONTROL_HISTORY, STREAM_AGAIN_NS);
	}
}

/* ---- answers ---- */

static void link_pause(struct control_link *l)
{
	l->pause_ns = clock_now_ns() + STREAM_AGAIN_NS;
	l->wake_ns = l->pause_ns;
}

/* The entries of one stream: [[id, [name, value...]], ...]. True when all were taken. */
static bool take_all(struct control_stream *s, const struct redisReply *entries)
{
	for (size_t i = 0; i < redis_reply_count(entries); i++) {
		const struct redisReply *entry = redis_reply_at(entries, i),
					*fields = redis_reply_at(entry, 1);
		struct bytes id = redis_reply_text(redis_reply_at(entry, 0));

		if (!control_job_take(s, id,
				      redis_reply_type(fields) == REDIS_TYPE_ARRAY ? fields : NULL))
			return false;
		(void)bytes_cstr(id, s->after, sizeof(s->after));
	}
	return true;
}

/* entries NULL: there are none. */
static void stream_take(struct control_stream *s, const struct redisReply *entries)
{
	if (s->gone)
		return; /* they are its history, should it come back */
	if (!take_all(s, entries))
		s->phase = CONTROL_HISTORY; /* no room: the rest is read again from there */
	else if (s->phase == CONTROL_HISTORY && redis_reply_count(entries) == 0)
		s->phase = CONTROL_NEWS;
}

/* [[key, entries], ...], in the order in which they were asked for; some are missing. */
static void streams_take(struct control_link *l, const struct redisReply *reply)
{
	size_t next = 0;

	for (uint32_t i = 0; i < l->of_count; i++) {
		const struct redisReply *one = redis_reply_at(reply, next);
		bool told = bytes_is(redis_reply_text(redis_reply_at(one, 0)), l->of[i]->key);

		stream_take(l->of[i], told ? redis_reply_at(one, 1) : NULL);
		next += told;
	}
}

static void streams_start_over(struct control_link *l, enum control_phase phase)
{
	for (uint32_t i = 0; i < l->of_count; i++)
		start_over(l->of[i], phase, 0);
}

/* Only now: what is taken may end at once, and asks for more. */
static void link_answered(struct control_link *l)
{
	l->asked = false;
	control_link_read(l);
}

static void on_read(int err, const struct redisReply *reply, void *arg)
{
	struct control_link *l = arg;
	struct bytes text;

	if (err) {
		streams_start_over(l, CONTROL_HISTORY);
		link_pause(l);
	} else if (redis_is_error(reply, &text)) {
		/* somebody flushed Redis, and the group with it; or one of them is no stream any more */
		LOG_WARN("control", 0, "cannot read commands", LOG_BYTES("error", text));
		streams_start_over(l, CONTROL_GROUP);
		link_pause(l);
	} else {
		streams_take(l, reply);
	}
	link_answered(l);
}

static void stream_on_claimed(int err, const struct redisReply *reply, void *arg)
{
	struct control_link *l = arg;

	if (err)
		link_pause(l);
	else if (!l->of[0]->gone && !take_all(l->of[0], redis_reply_at(reply, 1)))
		start_over(l->of[0], CONTROL_HISTORY, 0); /* no room: they are ours, and older */
	link_answered(l);
}

static void on_group(int err, const struct redisReply *reply, void *arg)
{
	struct control_link *l = arg;
	struct control_stream *s = l->of[0];
	struct bytes text = { 0 };

	if (err) {
		link_pause(l);
	} else if (redis_is_error(reply, &text) && !bytes_starts(text, "BUSYGROUP")) {
		LOG_WARN("control", 0, "cannot make the consumer group", LOG_STR("key", s->key),
			 LOG_BYTES("error", text));
		start_over(s, CONTROL_GROUP, NS_PER_S);
	} else {
		start_over(s, CONTROL_HISTORY, 0);
	}
	link_answered(l);
}

/* ---- questions ---- */

static void link_ask(struct control_link *l, uint32_t n, uint64_t limit_ns, redis_reply_fn *fn)
{
	l->asked = !redis_command(l->redis, l->args, n, limit_ns, fn, l);
	if (!l->asked)
		link_pause(l);
}

/* Of which there may be more than are asked for at once: all have their turn. */
static uint32_t link_choose(struct control_link *l, enum control_phase phase, uint32_t most,
			    uint64_t now_ns)
{
	l->of_count = 0;
	for (uint32_t i = 0; i < l->count && l->of_count < most; i++) {
		struct control_stream *s = l->streams[(l->turn + i) % l->count];

		if (stream_is_due(s, phase, now_ns) && (phase == CONTROL_GROUP || has_room(s)))
			l->of[l->of_count++] = s;
	}
	l->turn = l->count ? (l->turn + 1) % l->count : 0;
	return l->of_count;
}

static uint32_t words_put(struct control_link *l, const char *const *words)
{
	uint32_t n = 0;

	for (; words[n]; n++)
		l->args[n] = bytes_str(words[n]);
	return n;
}

/* How many entries of each. */
static const char *batch_text(const struct control_link *l, char out[16])
{
	uint32_t each = BATCH_ALL / l->of_count;

	each = each < 1 ? 1 : each > BATCH ? (uint32_t)BATCH : each;
	(void)snprintf(out, 16, "%" PRIu32, each);
	return out;
}

static bool ask_group(struct control_link *l, uint64_t now_ns)
{
	if (!link_choose(l, CONTROL_GROUP, 1, now_ns))
		return false;
	link_ask(l,
		 words_put(l, (const char *const[]){ "XGROUP", "CREATE", l->of[0]->key, "nodes",
						     "0", "MKSTREAM", NULL }),
		 STREAM_ASK_NS, on_group);
	return true;
}

static bool ask_history(struct control_link *l, uint64_t now_ns)
{
	char batch[16];
	uint32_t n;

	if (!link_choose(l, CONTROL_HISTORY, HISTORIES_MAX, now_ns))
		return false;
	n = words_put(l,
		      (const char *const[]){ "XREADGROUP", "GROUP", "nodes", l->control->consumer,
					     "COUNT", batch_text(l, batch), "STREAMS", NULL });
	for (uint32_t i = 0; i < l->of_count; i++) {
		l->args[n + i] = bytes_str(l->of[i]->key);
		l->args[n + l->of_count + i] = bytes_str(l->of[i]->after);
	}
	link_ask(l, n + 2 * l->of_count, STREAM_ASK_NS, on_read);
	return true;
}

static bool ask_claim(struct control_link *l, uint64_t now_ns)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (!stream_is_due(s, CONTROL_NEWS, now_ns) || now_ns < s->claim_ns || !has_room(s))
			continue;
		s->claim_ns = now_ns + CLAIM_EVERY_NS;
		l->of[0] = s;
		l->of_count = 1;
		link_ask(l,
			 words_put(l, (const char *const[]){ "XAUTOCLAIM", s->key, "nodes",
							     l->control->consumer, CLAIM_IDLE,
							     "0-0", "COUNT", "32", NULL }),
			 STREAM_ASK_NS, stream_on_claimed);
		return true;
	}
	return false;
}

/* When one of those that are not asked for now may be. */
static uint64_t others_ns(const struct control_link *l, uint64_t now_ns)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct control_stream *s = l->streams[i];

		if (!s->gone && s->pause_ns > now_ns)
			before(&least, s->pause_ns);
		else if (!s->gone && !has_room(s))
			before(&least, now_ns + FULL_NS);
	}
	return least;
}

static bool ask_news(struct control_link *l, uint64_t now_ns)
{
	uint64_t until_ns = others_ns(l, now_ns);
	char batch[16], block[24];
	uint32_t n;

	if (!link_choose(l, CONTROL_NEWS, CONTROL_STREAMS_MAX, now_ns))
		return false;
	before(&until_ns, now_ns + BLOCK_NS);
	(void)snprintf(block, sizeof(block), "%" PRIu64, (until_ns - now_ns) / NS_PER_MS + 1);
	n = words_put(l, (const char *const[]){ "XREADGROUP", "GROUP", "nodes",
						l->control->consumer, "COUNT", batch_text(l, batch),
						"BLOCK", block, "STREAMS", NULL });
	for (uint32_t i = 0; i < l->of_count; i++) {
		l->args[n + i] = bytes_str(l->of[i]->key);
		l->args[n + l->of_count + i] = BYTES_LIT(">");
	}
	link_ask(l, n + 2 * l->of_count, BLOCK_LIMIT_NS, on_read);
	return true;
}

/* For what an answer may hold; and results have a way back. */
static bool is_welcome(const struct control_link *l)
{
	const struct control *c = l->control;

	return !c->stopped && c->running <= l->running_max && redis_is_connected(c->node->redis);
}

void control_link_read(struct control_link *l)
{
	uint64_t now_ns = clock_now_ns();

	if (l->asked)
		return;
	l->wake_ns = UINT64_MAX;
	streams_sweep(l);
	if (!is_welcome(l) || !redis_is_connected(l->redis))
		return;
	if (now_ns < l->pause_ns) {
		l->wake_ns = l->pause_ns;
		return;
	}
	streams_again(l);
	if (!ask_group(l, now_ns) && !ask_history(l, now_ns) && !ask_claim(l, now_ns) &&
	    !ask_news(l, now_ns))
		l->wake_ns = others_ns(l, now_ns);
}

/* ---- the link ---- */

void control_link_state(bool connected, void *arg)
{
	struct control_link *l = arg;

	for (uint32_t i = 0; i < l->count; i++)
		start_over(l->streams[i], CONTROL_GROUP, 0);
	if (connected)
		control_link_read(l);
	else
		l->asked = false;
}

void control_link_close(struct control_link *l)
{
	if (l->redis)
		redis_close(l->redis);
	for (uint32_t i = 0; i < l->count; i++)
		free(l->streams[i]);
	free(l->streams);
}
