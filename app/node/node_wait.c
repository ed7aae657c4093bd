/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the start waits for. For Redis it waits without end: one that is not there yet, or late, may come at any time, and a process that
 * ends meanwhile helps nobody. It says what it waits for in the log, to the service manager and at /healthz. What waiting cannot mend
 * ends the start.
 */
#include <stdio.h>

#include "app/node/node.h"
#include "app/node/notify.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/redis/url.h"

#define SAY_NS        (1 * NS_PER_S)  /* the start is logged as late after this time, */
#define SAY_AGAIN_NS  (30 * NS_PER_S) /* and again at this interval */
#define REFUSED_NS    (3 * NS_PER_S)  /* users may be about to be changed, there and here */
#define WAIT_PAUSE_NS (500 * NS_PER_MS)
#define LONGER_NS     (2 * NS_PER_S) /* the store says each refusal, too */

void node_wait_begin(struct node *n)
{
	n->wait = (struct node_wait){ 0 };
}

void node_wait_end(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;

	(void)key;
	(void)version;
	n->wait = (struct node_wait){ .done = true, .result = result };
	loop_stop();
}

bool node_await(struct node *n, const char *what, uint64_t limit_ns)
{
	uint64_t end_ns = clock_now_ns() + limit_ns;

	/* the beat stops the loop twice a second */
	while (!n->wait.done && !n->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			break;
	}
	if (!n->wait.done && !n->stop_asked)
		LOG_ERROR("node", 0, "the start does not get on", LOG_STR("waits_for", what));
	return n->wait.done && !n->stop_asked;
}

/* ---- Redis is late ---- */

void node_redis_place(const struct node *n, char *out, size_t size)
{
	struct writer w = writer_over(out, size - 1);
	struct redis_url url = { 0 };
	const char *reason;

	if (n->embedded_used)
		writer_str(&w, "own");
	else if (!redis_url_read(&url, bytes_str(n->redis_place.url), &reason))
		redis_url_write(&w, &url);
	out[writer_done(&w).n] = '\0';
	explicit_bzero(&url, sizeof(url));
}

/* With whom it was; out: empty where nobody was spoken to. */
static const char *server_text(const struct redis_trouble *t, char out[ADDR_TEXT_MAX])
{
	out[0] = '\0';
	if (t->server.port)
		(void)addr_text(&t->server, out);
	return out;
}

static void late_trouble(const struct node *n, struct redis_trouble *out)
{
	*out = (struct redis_trouble){ .detail = "" };
	if (!n->redis)
		out->why = "the name in redis.url is not known: look at DNS";
	else if (redis_is_connected(n->redis))
		out->why = "it does not answer in time, or refuses";
	else
		redis_trouble(n->redis, out);
	out->why = out->why ? out->why : "it does not answer";
}

static void late_status(const char *place, const struct redis_trouble *t)
{
	char text[BELONGING_PLACE_MAX + 512];

	(void)snprintf(text, sizeof(text), "STATUS=Waiting for Redis at %s: %s%s%s", place, t->why,
		       t->detail[0] ? ": " : "", t->detail);
	notify_manager(text);
}

static void late_say(struct node *n, uint64_t now_ns)
{
	char place[BELONGING_PLACE_MAX], server[ADDR_TEXT_MAX];
	struct redis_trouble t;

	node_redis_place(n, place, sizeof(place));
	late_trouble(n, &t);
	LOG_WARN("node", 0,
		 n->embedded_used
			 ? "the start waits for the node's own Redis, and goes on by itself: see "
			   "redis/redis.log in node.state_dir"
			 : "the start waits for Redis, and goes on by itself: start Redis, or look "
			   "at redis.url and at the network",
		 LOG_STR("redis", place), LOG_STR("waits_for", n->late.what), LOG_STR("why", t.why),
		 LOG_STR("detail", t.detail), LOG_STR("server", server_text(&t, server)),
		 LOG_U64("waited_s", (now_ns - n->late.since_ns) / NS_PER_S));
	late_status(place, &t);
	health_set(&n->health, HEALTH_STORE, true);
	node_web_open_early(n);
	n->late.said = true;
	n->late.say_ns = now_ns + SAY_AGAIN_NS;
}

/* Exit status. */
static int late_refused(const struct node *n, uint64_t now_ns)
{
	char place[BELONGING_PLACE_MAX], server[ADDR_TEXT_MAX];
	struct redis_trouble t;

	late_trouble(n, &t);
	if (!t.refused_ns || now_ns < t.refused_ns + REFUSED_NS)
		return NODE_EXIT_OK;
	node_redis_place(n, place, sizeof(place));
	LOG_ERROR("node", 0,
		  "Redis or a Sentinel refuses this node, and waiting mends nothing: look at user, "
		  "password and database in redis.url, and at the users of that server",
		  LOG_STR("redis", place), LOG_STR("answer", t.detail),
		  LOG_STR("server", server_text(&t, server)));
	return NODE_EXIT_CONFIG;
}

/* Exit status. */
static int late_look(struct node *n)
{
	uint64_t now_ns = clock_now_ns();
	int status = late_refused(n, now_ns);

	if (!status && now_ns >= n->late.say_ns)
		late_say(n, now_ns);
	return status;
}

void node_late_begin(struct node *n, const char *what)
{
	uint64_t now_ns = clock_now_ns();

	n->late = (struct node_late){ .what = what, .since_ns = now_ns, .say_ns = now_ns + SAY_NS };
}

void node_late_end(struct node *n)
{
	if (!n->late.said)
		return;
	LOG_INFO("node", 0, "Redis answers: the start goes on",
		 LOG_U64("waited_ms", (clock_now_ns() - n->late.since_ns) / NS_PER_MS));
	health_set(&n->health, HEALTH_STORE, false);
	notify_manager("STATUS=");
	n->late.said = false;
}

/* Until a step is done, where it is to be. Exit status. */
static int late_run(struct node *n, bool for_step, uint64_t end_ns)
{
	int status = NODE_EXIT_OK;

	/* the beat stops the loop twice a second */
	while (!status && !n->stop_asked && !(for_step && n->wait.done) &&
	       clock_now_ns() < end_ns) {
		if (loop_run())
			return NODE_EXIT_FAILED;
		status = late_look(n);
	}
	return n->stop_asked ? NODE_EXIT_FAILED : status;
}

int node_late_await(struct node *n)
{
	return late_run(n, true, UINT64_MAX);
}

int node_late_pause(struct node *n, uint64_t ns)
{
	return late_run(n, false, clock_now_ns() + ns);
}

static bool is_answered(const struct node *n, const struct node_question *q)
{
	return n->wait.result != STORE_UNKNOWN &&
	       !(n->wait.result == STORE_REFUSED && q->even_refused);
}

int node_ask(struct node *n, const struct node_question *q)
{
	int status;

	node_late_begin(n, q->what);
	for (;;) {
		node_wait_begin(n);
		q->ask(n, q->arg);
		status = node_late_await(n);
		if (status || is_answered(n, q))
			break;
		status = node_late_pause(n, n->wait.result == STORE_REFUSED ? LONGER_NS
									    : WAIT_PAUSE_NS);
		if (status)
			break;
		n->late.repeats++;
	}
	if (!status)
		node_late_end(n);
	return status;
}
