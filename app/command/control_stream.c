/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the streams: group, history, news. One question at a time on each link. */
#include "app/command/control_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "base/log.h"

#define BLOCK_TEXT     "2000"
#define BLOCK_LIMIT_NS (5 * NS_PER_S) /* a peer that does not even say "nothing" is gone */
#define ASK_LIMIT_NS   (2 * NS_PER_S)
#define AGAIN_NS       (100 * NS_PER_MS)
#define CLAIM_EVERY_NS (10 * NS_PER_S)
#define CLAIM_IDLE     "30000" /* ms; longer than any command takes */
#define BATCH          "32"

struct control_metrics g_control_metrics;

void control_setup(void)
{
	static const char name[] = "tandem_commands_total", help[] = "Commands by result.";

	g_control_metrics = (struct control_metrics){
		.ok = metric_register(METRIC_COUNTER, name, "result=\"ok\"", help),
		.failed = metric_register(METRIC_COUNTER, name, "result=\"error\"", help),
		.repeated = metric_register(METRIC_COUNTER, name, "result=\"repeated\"", help),
		.bad = metric_register(METRIC_COUNTER, name, "result=\"bad_request\"", help),
	};
}

static void stream_ask(struct control_stream *s, const struct bytes *args, size_t n,
		       uint64_t limit_ns, redis_reply_fn *fn)
{
	s->asked = !redis_command(s->link, args, n, limit_ns, fn, s);
	if (!s->asked)
		s->pause_ns = clock_now_ns() + AGAIN_NS;
}

/* Whatever was delivered and not taken is read again from the start: what is under way is known and skipped. */
static void start_over(struct control_stream *s, enum control_phase phase, uint64_t wait_ns)
{
	s->phase = phase;
	s->again = false;
	s->claim_ns = 0;
	s->pause_ns = wait_ns ? clock_now_ns() + wait_ns : 0;
	(void)snprintf(s->after, sizeof(s->after), "0");
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

static void on_read(int err, const struct redisReply *reply, void *arg)
{
	struct control_stream *s = arg;
	const struct redisReply *entries = redis_reply_at(redis_reply_at(reply, 0), 1);
	bool history = s->phase == CONTROL_HISTORY;
	struct bytes text;

	s->asked = false;
	if (err) {
		start_over(s, CONTROL_HISTORY, 0);
		return;
	}
	if (redis_is_error(reply, &text)) {
		/* somebody flushed Redis, and the group with it */
		LOG_WARN("control", 0, "cannot read commands", LOG_BYTES("error", text));
		start_over(s, CONTROL_GROUP, NS_PER_S);
		return;
	}
	if (!take_all(s, entries)) {
		s->phase = CONTROL_HISTORY; /* no room: the rest is read again from there */
	} else if (history && redis_reply_count(entries) == 0) {
		s->phase = CONTROL_NEWS;
	}
	control_stream_read(s);
}

static void stream_on_claimed(int err, const struct redisReply *reply, void *arg)
{
	struct control_stream *s = arg;

	s->asked = false;
	if (err)
		return;
	(void)take_all(s, redis_reply_at(reply, 1));
	control_stream_read(s);
}

static void on_group(int err, const struct redisReply *reply, void *arg)
{
	struct control_stream *s = arg;
	struct bytes text = { 0 };

	s->asked = false;
	if (err)
		return;
	if (redis_is_error(reply, &text) && !bytes_starts(text, "BUSYGROUP")) {
		LOG_WARN("control", 0, "cannot make the consumer group", LOG_BYTES("error", text));
		start_over(s, CONTROL_GROUP, NS_PER_S);
		return;
	}
	start_over(s, CONTROL_HISTORY, 0);
	control_stream_read(s);
}

static void ask_group(struct control_stream *s)
{
	const struct bytes args[] = { BYTES_LIT("XGROUP"), BYTES_LIT("CREATE"),
				      bytes_str(s->key),   BYTES_LIT("nodes"),
				      BYTES_LIT("0"),      BYTES_LIT("MKSTREAM") };

	stream_ask(s, args, COUNT_OF(args), ASK_LIMIT_NS, on_group);
}

static void ask_history(struct control_stream *s)
{
	const struct bytes args[] = { BYTES_LIT("XREADGROUP"), BYTES_LIT("GROUP"),
				      BYTES_LIT("nodes"),      bytes_str(s->control->consumer),
				      BYTES_LIT("COUNT"),      BYTES_LIT(BATCH),
				      BYTES_LIT("STREAMS"),    bytes_str(s->key),
				      bytes_str(s->after) };

	stream_ask(s, args, COUNT_OF(args), ASK_LIMIT_NS, on_read);
}

static void ask_news(struct control_stream *s)
{
	const struct bytes args[] = { BYTES_LIT("XREADGROUP"), BYTES_LIT("GROUP"),
				      BYTES_LIT("nodes"),      bytes_str(s->control->consumer),
				      BYTES_LIT("COUNT"),      BYTES_LIT(BATCH),
				      BYTES_LIT("BLOCK"),      BYTES_LIT(BLOCK_TEXT),
				      BYTES_LIT("STREAMS"),    bytes_str(s->key),
				      BYTES_LIT(">") };

	stream_ask(s, args, COUNT_OF(args), BLOCK_LIMIT_NS, on_read);
}

static void ask_claim(struct control_stream *s)
{
	const struct bytes args[] = { BYTES_LIT("XAUTOCLAIM"), bytes_str(s->key),
				      BYTES_LIT("nodes"),      bytes_str(s->control->consumer),
				      BYTES_LIT(CLAIM_IDLE),   BYTES_LIT("0-0"),
				      BYTES_LIT("COUNT"),      BYTES_LIT(BATCH) };

	s->claim_ns = clock_now_ns() + CLAIM_EVERY_NS;
	stream_ask(s, args, COUNT_OF(args), ASK_LIMIT_NS, stream_on_claimed);
}

/* For a whole batch of each stream; and results have a way back. */
static bool is_welcome(const struct control *c)
{
	return !c->stopped && c->running <= CONTROL_JOBS_MAX / 2 &&
	       redis_is_connected(c->node->redis);
}

void control_stream_read(struct control_stream *s)
{
	if (s->asked || !is_welcome(s->control) || !redis_is_connected(s->link))
		return;
	if (s->phase == CONTROL_NEWS && s->again)
		start_over(s, CONTROL_HISTORY, AGAIN_NS);
	if (clock_now_ns() < s->pause_ns)
		return;
	switch (s->phase) {
	case CONTROL_GROUP:
		ask_group(s);
		return;
	case CONTROL_HISTORY:
		ask_history(s);
		return;
	case CONTROL_NEWS:
		if (clock_now_ns() >= s->claim_ns) {
			ask_claim(s);
		} else {
			ask_news(s);
		}
		return;
	}
}

static void stream_on_state(bool connected, void *arg)
{
	struct control_stream *s = arg;

	start_over(s, CONTROL_GROUP, 0);
	if (connected) {
		control_stream_read(s);
	} else {
		s->asked = false;
	}
}

static int control_stream_start(struct control *c, struct control_stream *s, const char *tenant,
				enum command_permission permission, const char *url)
{
	bool operators = permission == COMMAND_FOR_OPERATOR;
	struct redis_settings settings = {
		.deadline_ns = NS_PER_S,
		.pending_max = 16,
		.labels = operators ? "link=\"operators\"" : "link=\"tenant\"",
	};

	s->control = c;
	s->who.permission = permission;
	(void)snprintf(s->who.tenant, sizeof(s->who.tenant), "%s", NODE_TENANT);
	(void)snprintf(s->key, sizeof(s->key), "td:{cmd:%s}:in", tenant);
	(void)snprintf(settings.url, sizeof(settings.url), "%s", url);
	return redis_open(&s->link, &settings, stream_on_state, s);
}

int control_open(struct control **out, struct node *node, const char *url)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->node = node;
	(void)snprintf(c->consumer, sizeof(c->consumer), "%s", node->settings.node.name);
	err = control_stream_start(c, &c->streams[0], NODE_TENANT, COMMAND_FOR_TENANT, url);
	if (!err)
		err = control_stream_start(c, &c->streams[1], "_operator", COMMAND_FOR_OPERATOR,
					   url);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	c->stopped = true;
}

void control_wake(struct control *c)
{
	for (size_t i = 0; i < CONTROL_STREAMS; i++)
		control_stream_read(&c->streams[i]);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->stopped = true;
	for (size_t i = 0; i < CONTROL_STREAMS; i++) {
		if (c->streams[i].link)
			redis_close(c->streams[i].link);
	}
	for (size_t i = 0; i < CONTROL_JOBS_MAX; i++)
		json_decref(c->jobs[i].args);
	free(c);
}

void control_flush(struct control *c)
{
	control_jobs_wake(c);
	for (size_t i = 0; i < CONTROL_STREAMS; i++)
		redis_flush(c->streams[i].link);
}

void control_expire(struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < CONTROL_STREAMS; i++) {
		struct control_stream *s = &c->streams[i];

		redis_expire(s->link, now_ns);
		if (now_ns >= s->pause_ns)
			control_stream_read(s);
	}
}

uint64_t control_next_ns(const struct control *c)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < CONTROL_STREAMS; i++) {
		const struct control_stream *s = &c->streams[i];
		uint64_t link = redis_next_ns(s->link);
		bool idle = !s->asked && redis_is_connected(s->link) && is_welcome(c);

		next = link < next ? link : next;
		if (idle && s->pause_ns < next)
			next = s->pause_ns;
	}
	return next;
}

uint32_t control_running(const struct control *c)
{
	return c->running;
}
