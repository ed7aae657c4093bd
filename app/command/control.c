/* SPDX-License-Identifier: Apache-2.0 */
/* The links of the control API, which read streams of commands from Redis: one for operators, one
 * for all tenants, so that no tenant delays operators. A link has one query at a time, over as many
 * streams as are allowed: their groups, then their history, then new entries. Reading stops while
 * too many commands run; control_job.c carries the entries out. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control.h"
#include "app/node/node.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"

static void control_link_read(struct control_link *l);

#define BLOCK_NS       (1 * NS_PER_S)
#define BRIEF_NS       (20 * NS_PER_MS)
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

/* Reads all delivered entries again from the start: those under way are known and skipped. */
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
		       redis_is_cluster(n->redis->link) ? "td:{cmd}:%s%s%s:%s"
							: "td:{cmd:%s}%s%s:%s",
		       role == COMMAND_FOR_OPERATOR ? "_operator" : tenant, colon,
		       colon[0] ? command_role_name(role) : "", kind);
}

/* One more stream, read from now on. 0 or -ENOMEM. */
static int control_stream_add(struct control_link *l, const char *tenant, enum command_role role,
			      bool sealed)
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
	s->sealed = sealed;
	control_stream_key(l->control->node, tenant, role, sealed ? CONTROL_SEALED "in" : "in",
			   s->key);
	start_over(s, CONTROL_GROUP, 0);
	l->streams[l->count++] = s;
	return 0;
}

/* Clients are to learn that nobody reads it. Another node that still reads makes it again. */
static void stream_delete(const struct control_stream *s)
{
	const struct bytes words[] = { BYTES_LIT("DEL"), bytes_str(s->key) };
	int err = redis_command(s->link->control->node->redis->link, words, COUNT_OF(words),
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

		if (s->phase == CONTROL_NEW && s->again)
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

		if (!control_job_on_entry(
			    s, id, redis_reply_type(fields) == REDIS_TYPE_ARRAY ? fields : NULL))
			return false;
		(void)bytes_cstr(id, s->after, sizeof(s->after));
	}
	return true;
}

/* entries NULL: none. */
static void control_stream_on_entries(struct control_stream *s, const struct redisReply *entries)
{
	if (s->gone)
		return; /* they are its history, should it come back */
	if (!take_all(s, entries))
		s->phase = CONTROL_HISTORY; /* no room: the rest is read again from there */
	else if (s->phase == CONTROL_HISTORY && redis_reply_count(entries) == 0)
		s->phase = CONTROL_NEW;
}

/* [[key, entries], ...], in the order in which they were asked for; some are missing. */
static void control_on_entries(struct control_link *l, const struct redisReply *reply)
{
	size_t next = 0;

	for (uint32_t i = 0; i < l->of_count; i++) {
		const struct redisReply *one = redis_reply_at(reply, next);
		bool told = bytes_is(redis_reply_text(redis_reply_at(one, 0)), l->of[i]->key);

		control_stream_on_entries(l->of[i], told ? redis_reply_at(one, 1) : NULL);
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
		/* Redis was flushed, and the group with it; or a key is no stream any more */
		LOG_WARN("control", 0, "cannot read commands", LOG_BYTES("error", text));
		streams_start_over(l, CONTROL_GROUP);
		link_pause(l);
	} else {
		control_on_entries(l, reply);
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
			 LOG_BYTES("error", text),
			 LOG_STR("next",
				 "commands do not come by Redis: ask the node's own socket"));
		start_over(s, CONTROL_GROUP, NS_PER_S);
	} else {
		start_over(s, CONTROL_HISTORY, 0);
	}
	link_answered(l);
}

/* ---- questions ---- */

static void control_link_send(struct control_link *l, uint32_t n, uint64_t limit_ns,
			      redis_reply_fn *fn)
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
	control_link_send(l,
			  words_put(l, (const char *const[]){ "XGROUP", "CREATE", l->of[0]->key,
							      "nodes", "0", "MKSTREAM", NULL }),
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
	control_link_send(l, n + 2 * l->of_count, STREAM_ASK_NS, on_read);
	return true;
}

static bool ask_claim(struct control_link *l, uint64_t now_ns)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (!stream_is_due(s, CONTROL_NEW, now_ns) || now_ns < s->claim_ns || !has_room(s))
			continue;
		s->claim_ns = now_ns + CLAIM_EVERY_NS;
		l->of[0] = s;
		l->of_count = 1;
		control_link_send(l,
				  words_put(l,
					    (const char *const[]){ "XAUTOCLAIM", s->key, "nodes",
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

/* A stream may be readable in a moment.
 * Redis ends a block ten times a second at most, so the wait is here. */
static bool pauses_briefly(const struct control_link *l, uint64_t now_ns)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct control_stream *s = l->streams[i];

		if (!s->gone && s->pause_ns > now_ns && s->pause_ns < now_ns + BRIEF_NS)
			return true;
	}
	return false;
}

static bool control_read_streams(struct control_link *l, uint64_t now_ns)
{
	uint64_t until_ns = others_ns(l, now_ns);
	char batch[16], block[24];
	uint32_t n;

	if (pauses_briefly(l, now_ns) || !link_choose(l, CONTROL_NEW, CONTROL_STREAMS_MAX, now_ns))
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
	control_link_send(l, n + 2 * l->of_count, BLOCK_LIMIT_NS, on_read);
	return true;
}

/* For what an answer may hold; and results have a way back. */
static bool is_welcome(const struct control_link *l)
{
	const struct control *c = l->control;

	return !c->stopped && c->running <= l->running_max &&
	       redis_is_connected(c->node->redis->link);
}

/* Asks for more when there is room. */
static void control_link_read(struct control_link *l)
{
	uint64_t now_ns = clock_now_ns();

	if (l->asked || l->control->stopped)
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
	    !control_read_streams(l, now_ns))
		l->wake_ns = others_ns(l, now_ns);
}

/* ---- the link ---- */

/* redis_state_fn; arg is the link. */
static void control_link_state(bool connected, void *arg)
{
	struct control_link *l = arg;

	for (uint32_t i = 0; i < l->count; i++)
		start_over(l->streams[i], CONTROL_GROUP, 0);
	if (connected)
		control_link_read(l);
	else
		l->asked = false;
}

static void control_link_close(struct control_link *l)
{
	if (l->redis)
		redis_close(l->redis);
	for (uint32_t i = 0; i < l->count; i++)
		free(l->streams[i]);
	free(l->streams);
}

int control_entry_start(struct control_entry *e, struct bytes stream_id)
{
	*e = (struct control_entry){ 0 };
	return bytes_u64(bytes_sub(stream_id, 0, bytes_find(stream_id, '-')), &e->added_utc_ms);
}

void control_entry_field(struct control_entry *e, struct bytes name, struct bytes value)
{
	if (bytes_is(name, "v")) {
		e->version = value;
	} else if (bytes_is(name, "id")) {
		e->id = value;
	} else if (bytes_is(name, "do")) {
		e->command = value;
	} else if (bytes_is(name, "args")) {
		e->args = value;
	} else if (bytes_is(name, "client")) {
		e->client = value;
	} else if (bytes_is(name, "claim")) {
		e->claim = value;
	} else if (bytes_is(name, "sealed")) {
		e->sealed = value;
	} else if (bytes_is(name, "ttl_ms")) {
		e->bad_ttl = bytes_u64(value, &e->ttl_ms) || e->ttl_ms == 0;
	} else if (bytes_is(name, "passed") && bytes_u64(value, &e->passed)) {
		e->passed = UINT64_MAX; /* no node wrote that */
	} else if (bytes_is(name, "since") && bytes_u64(value, &e->added_utc_ms)) {
		e->added_utc_ms = 0;
	}
}

/* It becomes part of a key. */
static bool is_name(struct bytes text)
{
	return text.n > 0 && text.n <= CONTROL_NAME_MAX && bytes_are_plain(text);
}

const char *control_entry_check(struct control_entry *e)
{
	bool good_id = is_name(e->id), good_client = e->client.n == 0 || is_name(e->client);

	if (!good_id)
		e->id = (struct bytes){ 0 };
	if (!good_client)
		e->client = (struct bytes){ 0 };
	if (!good_client)
		return "client must be 1 to 64 letters, digits, '.', '_' or '-'";
	if (!good_id)
		return "id must be 1 to 64 letters, digits, '.', '_' or '-'";
	if (!bytes_is(e->version, "1"))
		return "v must be 1";
	if (e->command.n == 0)
		return "do must be the name of a command";
	if (e->args.n > command_args_max(e->command))
		return e->args.n > COMMAND_TREE_MAX ? "args is longer than 131072 bytes"
						    : "args is longer than 16384 bytes";
	if (e->sealed.n > CONTROL_SEALED_MAX)
		return "sealed is longer than any arguments";
	if (e->bad_ttl)
		return "ttl_ms must be a whole number above 0";
	return NULL;
}

bool control_entry_is_expired(const struct control_entry *e, uint64_t utc_ms)
{
	return e->ttl_ms && utc_ms > e->added_utc_ms && utc_ms - e->added_utc_ms > e->ttl_ms;
}

/* Most commands under way, beyond which reading stops: operators have places of their own, and one
 * stream of a tenant has only a part of those of all tenants. */
enum { OPERATORS_MAX = 96, TENANTS_MAX_RUNNING = 48, STREAM_MAX = 24 };

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

/* ---- tenants ---- */

static struct control_stream *stream_find(const struct control_link *l, const char *tenant,
					  enum command_role role)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct control_stream *s = l->streams[i];

		if (s->who.role == role && !strcmp(s->who.tenant, tenant))
			return s;
	}
	return NULL;
}

static uint32_t streams_read(const struct control_link *l, const char *but_tenant)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++)
		n += !l->streams[i]->gone && strcmp(l->streams[i]->who.tenant, but_tenant) != 0;
	return n;
}

bool control_has_room(const struct control *c, const char *tenant, uint32_t roles)
{
	return streams_read(&c->links[CONTROL_TENANTS], tenant) +
		       (uint32_t)__builtin_popcount(roles) <=
	       CONTROL_STREAMS_MAX;
}

static int role_set(struct control_link *l, const char *tenant, enum command_role role, bool on)
{
	struct control_stream *s = stream_find(l, tenant, role);

	if (!s)
		return on ? control_stream_add(l, tenant, role, false) : 0;
	s->gone = !on;
	return 0;
}

void control_tenant_set(struct control *c, const char *tenant, uint32_t roles)
{
	struct control_link *l = &c->links[CONTROL_TENANTS];
	bool room = control_has_room(c, tenant, roles);
	int err = room ? 0 : -ENOSPC;

	for (enum command_role role = COMMAND_FOR_READER; role < COMMAND_FOR_OPERATOR; role++) {
		if (!err)
			err = role_set(l, tenant, role, roles & 1u << role);
	}
	if (err)
		LOG_ERROR("control", 0, "commands of a tenant are not read",
			  LOG_STR("tenant", tenant), LOG_STR("error", strerror(-err)));
	control_link_read(l);
}

/* ---- all of it ---- */

static int control_link_open(struct control *c, unsigned i, const struct redis_place *place)
{
	struct control_link *l = &c->links[i];
	struct redis_settings settings = {
		.place = *place,
		.deadline_ns = NS_PER_S,
		.pending_max = 16,
		.labels = i == CONTROL_OPERATORS ? "link=\"operators\"" : "link=\"tenant\"",
	};

	l->control = c;
	l->wake_ns = UINT64_MAX;
	l->running_max = i == CONTROL_OPERATORS ? OPERATORS_MAX : TENANTS_MAX_RUNNING;
	l->stream_max = i == CONTROL_OPERATORS ? CONTROL_JOBS_MAX : STREAM_MAX;
	return redis_open(&l->redis, &settings, control_link_state, l);
}

int control_open(struct control **out, struct node *node, const struct redis_place *place)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->node = node;
	(void)snprintf(c->consumer, sizeof(c->consumer), "%s", node->settings->node.name);
	for (unsigned i = 0; i < CONTROL_LINKS && !err; i++)
		err = control_link_open(c, i, place);
	for (unsigned sealed = 0; sealed < 2 && !err; sealed++)
		err = control_stream_add(&c->links[CONTROL_OPERATORS], "_operator",
					 COMMAND_FOR_OPERATOR, sealed);
	if (err) {
		control_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	c->stopped = true; /* nothing is read from now on, and nothing swept */
	for (size_t i = 0; i < CONTROL_LINKS; i++) {
		for (uint32_t k = 0; k < c->links[i].count; k++) {
			if (c->links[i].streams[k]->gone)
				stream_delete(c->links[i].streams[k]);
		}
	}
}

void control_wake(struct control *c)
{
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		control_link_read(&c->links[i]);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	c->stopped = true;
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		control_link_close(&c->links[i]);
	for (size_t i = 0; i < CONTROL_JOBS_MAX; i++)
		json_decref(c->jobs[i].args);
	free(c);
}

void control_flush(struct control *c)
{
	control_jobs_wake(c);
	for (size_t i = 0; i < CONTROL_LINKS; i++)
		redis_flush(c->links[i].redis);
}

void control_expire(struct control *c, uint64_t now_ns)
{
	for (size_t i = 0; i < CONTROL_LINKS; i++) {
		struct control_link *l = &c->links[i];

		redis_expire(l->redis, now_ns);
		if (now_ns >= l->wake_ns)
			control_link_read(l);
	}
}

uint64_t control_next_ns(const struct control *c)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < CONTROL_LINKS; i++) {
		const struct control_link *l = &c->links[i];
		uint64_t link = redis_next_ns(l->redis);

		next = link < next ? link : next;
		if (!l->asked && l->wake_ns < next)
			next = l->wake_ns;
	}
	return next;
}
