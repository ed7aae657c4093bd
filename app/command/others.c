/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets of questions to other nodes, and the link by which their answers come. It reads from the
 * beginning of the stream and deletes what it has read, by the same link and before it reads again:
 * so it needs no mark, and a Redis that forgets does it no harm. It asks while somebody waits.
 */

#include "app/command/others.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control.h"
#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "cluster/redis/streams.h"

/* An answer came before Redis acknowledged its question: it stays in the stream for so long. */
#define OVERTAKEN_NS (1 * NS_PER_MS)

enum { ANSWERS_EACH = 64, ANSWERS_WAIT_MS = 1000, ANSWERS_PENDING = 1024 };

struct others {
	struct node *node;
	struct redis *redis;
	struct streams streams;
	char client[CONTROL_NAME_MAX + 1]; /* of this process alone */
	char out[2][OTHERS_KEY_MAX];       /* the second one: of sealed answers */
	struct others_ticket *tickets;
};

void others_key(const struct node *n, bool sealed, const char *kind, const char *name,
		char key[OTHERS_KEY_MAX])
{
	char head[CONTROL_KEY_MAX], what[32];

	static_assert((int)OTHERS_KEY_MAX == (int)CONTROL_KEY_MAX, "keys of commands");
	(void)snprintf(what, sizeof(what), "%s%s", sealed ? CONTROL_SEALED : "", kind);
	control_stream_key(n, "", COMMAND_FOR_OPERATOR, what, head);
	(void)snprintf(key, OTHERS_KEY_MAX, "%s%s", head, name);
}

/* ---- tickets ---- */

void others_forget(struct others_ticket *t)
{
	struct others_ticket **at = t->of ? &t->of->tickets : NULL;

	while (at && *at && *at != t)
		at = &(*at)->next;
	if (at && *at)
		*at = t->next;
	t->of = NULL;
	ticket_end(&t->late);
}

static void answer_end(struct others_ticket *t, struct bytes answer)
{
	others_forget(t);
	t->done(t, answer);
}

static void answer_late(struct ticket *late)
{
	answer_end(CONTAINER_OF(late, struct others_ticket, late), (struct bytes){ 0 });
}

void others_release(struct others_ticket *t)
{
	t->held = false;
	ticket_wait(t->of->node->api.tickets, &t->late, t->until_ns, answer_late);
}

void others_await(struct others *o, struct others_ticket *t)
{
	t->of = o;
	t->next = o->tickets;
	o->tickets = t;
	if (!t->held)
		others_release(t);
}

/* NULL: nobody waits for it any more; *held: its asker is not told yet that Redis has it. */
static struct others_ticket *ticket_find(const struct others *o, struct bytes id, bool sealed,
					 bool *held)
{
	*held = false;
	for (struct others_ticket *t = o->tickets; t; t = t->next) {
		if (t->sealed != sealed || !bytes_is(id, t->id))
			continue;
		if (!t->held)
			return t;
		*held = true;
	}
	return NULL;
}

/* ---- questions ---- */

size_t others_words(const struct others *o, const struct others_question *q,
		    struct bytes out[OTHERS_WORDS])
{
	const char *const words[OTHERS_WORDS] = {
		"v",
		"1",
		"id",
		q->id,
		"do",
		q->command,
		q->print ? "sealed" : "args",
		q->args,
		"client",
		o->client,
		"ttl_ms",
		q->ttl_ms,
		"claim",
		q->print,
	};
	size_t n = q->print ? OTHERS_WORDS : OTHERS_WORDS - 2;

	for (size_t i = 0; i < n; i++)
		out[i] = bytes_str(words[i]);
	return n;
}

bool others_request(struct others *o, struct others_ticket *t, const struct others_question *q)
{
	char in[OTHERS_KEY_MAX];
	struct bytes words[3 + OTHERS_WORDS] = { BYTES_LIT("XADD"), { 0 }, BYTES_LIT("*") };
	size_t n = 3 + others_words(o, q, words + 3);

	others_key(o->node, false, "in", "", in);
	words[1] = bytes_str(in);
	if (redis_command(o->node->redis->link, words, n, 0, NULL, NULL))
		return false;
	others_await(o, t);
	return true;
}

/* ---- answers ---- */

static void others_on_answers(struct bytes key, const struct redisReply *entries, void *arg)
{
	struct others *o = arg;
	bool sealed = bytes_is(key, o->out[1]), held = false;
	struct bytes read = { 0 };

	for (size_t i = 0; i < redis_reply_count(entries) && !held; i++) {
		const struct redisReply *entry = redis_reply_at(entries, i);
		struct others_ticket *t = ticket_find(o, stream_field(entry, "id"), sealed, &held);

		if (t)
			answer_end(t, stream_field(entry, "json"));
		held = held && !t;
		if (!held)
			read = stream_entry_id(entry);
	}
	if (read.n)
		stream_trim(o->redis, key, read);
	if (held)
		o->streams.next_ns = clock_now_ns() + OVERTAKEN_NS;
}

static const struct streams_way g_answers_way = {
	.together = 2,
	.each = ANSWERS_EACH,
	.wait_ms = ANSWERS_WAIT_MS,
	.of_one_slot = true,
	.deadline_ns = 5 * NS_PER_S,
	.poll_ns = OVERTAKEN_NS,
	.entries = others_on_answers,
};

static bool others_reads(const struct others *o)
{
	return o->tickets && redis_is_connected(o->redis);
}

void others_flush(struct others *o)
{
	uint64_t now_ns = clock_now_ns();

	if (!o)
		return;
	if (others_reads(o) && streams_are_due(&o->streams, now_ns)) {
		for (size_t i = 0; i < COUNT_OF(o->out); i++) {
			others_key(o->node, i, "out:", o->client, o->out[i]);
			streams_add(&o->streams, bytes_str(o->out[i]), BYTES_LIT(STREAM_BEGINNING));
		}
		streams_request(&o->streams, now_ns);
	}
	redis_flush(o->redis);
}

void others_expire(struct others *o, uint64_t now_ns)
{
	if (!o)
		return;
	redis_expire(o->redis, now_ns);
}

uint64_t others_next_ns(const struct others *o)
{
	uint64_t next = o ? redis_next_ns(o->redis) : UINT64_MAX;

	if (o && others_reads(o) && streams_next_ns(&o->streams) < next)
		next = streams_next_ns(&o->streams);
	return next;
}

/* ---- life ---- */

static void others_name(struct others *o)
{
	struct writer w = writer_over(o->client, sizeof(o->client) - 1);
	uint64_t name[2] = { rand_u64_from(&o->node->rand), rand_u64_from(&o->node->rand) };

	writer_str(&w, "node-");
	writer_hex(&w, bytes_mem(name, sizeof(name)));
	o->client[w.n] = '\0';
}

int others_open(struct others **out, struct node *node, const struct redis_place *place)
{
	struct redis_settings settings = { .place = *place,
					   .deadline_ns = NS_PER_S,
					   .pending_max = ANSWERS_PENDING,
					   .labels = "link=\"answers\"" };
	struct others *o = calloc(1, sizeof(*o));
	int err = o ? redis_open(&o->redis, &settings, NULL, NULL) : -ENOMEM;

	if (err) {
		free(o);
		return err;
	}
	o->node = node;
	o->streams = (struct streams){ .redis = o->redis, .way = &g_answers_way, .arg = o };
	others_name(o);
	*out = o;
	return 0;
}

void others_close(struct others *o)
{
	if (!o)
		return;
	redis_close(o->redis);
	streams_clear(&o->streams);
	free(o);
}
