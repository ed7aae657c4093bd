/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the start waits for. It waits for Redis without end: a Redis that is late may come at any
 * time, and a process that ends meanwhile helps nobody. The log, the service manager and /healthz
 * tell what it waits for. An error that waiting cannot cure ends the start.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/redis/url.h"

static void node_redis_place(const struct node *n, char *out, size_t size);

/* The state directory belongs to one Redis (cluster/identity.h). Checked before anything of the
 * directory goes to Redis, and repeated while the node runs: a Redis that was emptied gets its id
 * back before another directory is the first there. */

#define TELL_NS (2 * NS_PER_S)

/* ---- the start ---- */

static void on_known_at_start(const struct store_know *said, void *arg)
{
	struct node *n = arg;

	n->redis->belonging.known = said->known;
	n->redis->belonging.empty = !said->id.n;
	/* a foreign text there is no id of ours */
	if (identity_parse(n->redis->belonging.found, said->id))
		n->redis->belonging.found[0] = '\0';
	node_wait_end(said->result, 0, 0, n);
}

static void ask_known(struct node *n, const void *arg)
{
	const enum store_know_when *when = arg;

	store_cluster_know(n->redis->store, bytes_str(n->redis->belonging.of.id), *when,
			   on_known_at_start, n);
}

/* Whatever Redis refuses it with, it is asked again: without an answer nothing may go there. */
static int belonging_query(struct node *n, enum store_know_when when)
{
	const struct node_question q = {
		.what = "which Redis this is", .ask = ask_known, .arg = &when, .even_refused = true
	};

	return node_request(n, &q);
}

static int belonging_write_file(struct node *n)
{
	int err = belonging_keep(&n->redis->belonging.of, n->settings->node.state_dir);

	if (err)
		LOG_ERROR("node", 0, "cannot write the file cluster of node.state_dir",
			  LOG_STR("dir", n->settings->node.state_dir),
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

/* First start of a directory, or of a program with this check: it belongs to the present Redis. */
static int belonging_start(struct node *n)
{
	struct belonging *of = &n->redis->belonging.of;
	struct writer w = writer_over(of->id, sizeof(of->id) - 1);
	uint8_t octets[IDENTITY_LEN / 2];
	int status;

	rand_fill(&n->rand, octets, sizeof(octets));
	writer_hex(&w, bytes_mem(octets, sizeof(octets)));
	of->id[IDENTITY_LEN] = '\0';
	node_redis_place(n, of->place, sizeof(of->place));
	status = belonging_query(n, STORE_KNOW_FIRST);
	if (status)
		return status;
	if (n->redis->belonging.found[0])
		memcpy(of->id, n->redis->belonging.found, sizeof(of->id));
	return belonging_write_file(n);
}

static int belonging_refuse(const struct node *n, const char *place)
{
	LOG_ERROR(
		"node", 0,
		n->redis->belonging.empty
			? "node.state_dir belongs to a Redis at another place, and redis.url "
			  "leads to an empty one: name the other one, copy its data, or give this "
			  "node another folder; remove the file cluster from the folder, and what "
			  "is in it goes to the empty one"
			: "node.state_dir belongs to another Redis than that of redis.url: name "
			  "the other one, or give this node another folder; remove the file "
			  "cluster from the folder only if its Redis lost its data, or remove "
			  "documents and spool* too, to give up what is in it",
		LOG_STR("dir", n->settings->node.state_dir),
		LOG_STR("belongs_to", n->redis->belonging.of.place), LOG_STR("redis", place));
	return NODE_EXIT_CONFIG;
}

static int belonging_check(struct node *n)
{
	char place[BELONGING_PLACE_MAX];
	bool moved;
	int status;

	node_redis_place(n, place, sizeof(place));
	moved = strcmp(place, n->redis->belonging.of.place) != 0;
	status = belonging_query(n, moved ? STORE_KNOW_NEVER : STORE_KNOW_FIRST);
	if (status)
		return status;
	if (!n->redis->belonging.known)
		return belonging_refuse(n, place);
	if (!moved)
		return NODE_EXIT_OK;
	memcpy(n->redis->belonging.of.place, place, sizeof(place));
	return belonging_write_file(n);
}

/* From now on no link goes up to another Redis. Not before: a new id may yield to a present one. */
static int belonging_settled(struct node *n, int status)
{
	if (!status)
		n->redis->belonging.meant =
			(struct redis_meant){ .key = STORE_KEY_IDS,
					      .member = n->redis->belonging.of.id };
	return status;
}

int node_belonging_start(struct node *n)
{
	int err = belonging_read(&n->redis->belonging.of, n->settings->node.state_dir);

	if (err == -ENOENT)
		return belonging_settled(n, belonging_start(n));
	if (!err)
		return belonging_settled(n, belonging_check(n));
	LOG_ERROR("node", 0,
		  err == -EBADMSG ? "the file cluster of node.state_dir is damaged: remove it"
				  : "cannot read the file cluster of node.state_dir",
		  LOG_STR("dir", n->settings->node.state_dir), LOG_STR("error", strerror(-err)));
	return NODE_EXIT_CONFIG;
}

/* ---- while it runs ---- */

static void belonging_log(struct node *n, bool other)
{
	if (other && !(health_reasons(&n->web->health, 0) & HEALTH_REDIS_OTHER))
		LOG_ERROR("node", 0,
			  "another Redis answers than that of node.state_dir: let redis.url lead "
			  "to that one again, or name it there and start the node again",
			  LOG_STR("belongs_to", n->redis->belonging.of.place));
	health_set(&n->web->health, HEALTH_REDIS_OTHER, other);
}

static void on_membership(const struct store_know *said, void *arg)
{
	struct node *n = arg;

	if (said->result != STORE_OK)
		return;
	n->redis->belonging.known = said->known;
	belonging_log(n, !said->known);
}

void node_belonging_linked(struct node *n)
{
	n->redis->belonging.known = false;
	n->redis->belonging.next_ns = 0;
}

/* No link goes up to another Redis.
 * A link stays to one Redis, which may lose its id and get that of another directory. */
void node_belonging_beat(struct node *n, uint64_t now_ns)
{
	struct node_belonging *b = &n->redis->belonging;

	if (redis_is_another(n->redis->link))
		belonging_log(n, true);
	if (now_ns < b->next_ns || !redis_is_connected(n->redis->link))
		return;
	b->next_ns = now_ns + TELL_NS;
	store_cluster_know(n->redis->store, bytes_str(b->of.id),
			   b->known ? STORE_KNOW_ALWAYS : STORE_KNOW_FIRST, on_membership, n);
}

/* In a cluster a copy of a state directory would be the node itself: other nodes could not tell
 * them apart. Its start is refused (cluster/identity.h); while the node runs, the claimant finds a
 * copy. */

#define TWIN_LOOK_NS (200 * NS_PER_MS)

void node_twin_refuse(struct node *n)
{
	LOG_ERROR("node", 0,
		  "another process that lives has the identity of this node: node.state_dir is a "
		  "copy of its directory, or it was moved while that one runs: remove the file "
		  "identity from the copy, or stop the other one",
		  LOG_STR("dir", n->settings->node.state_dir),
		  LOG_STR("other", n->redis->twin.where));
}

struct twin_question {
	struct node *node;
	enum twin_verdict verdict;
};

static void on_twin_looked(const struct store_own_answer *said, void *arg)
{
	struct twin_question *q = arg;

	if (said->result == STORE_OK)
		q->verdict = twin_look(&q->node->redis->twin, q->node->identity, said->line,
				       said->place, clock_now_ns());
	node_wait_end(said->result, 0, 0, q->node);
}

static void ask_twin(struct node *n, const void *arg)
{
	const struct roster_node self = { .id = identity_node(n->identity),
					  .address = "-",
					  .name = "-" };
	const struct store_own own = { .node = &self, .identity = n->identity, .look = true };

	store_node_own(n->redis->store, &own, on_twin_looked, (void *)(uintptr_t)arg);
}

static void twin_pause(struct node *n)
{
	uint64_t end_ns = clock_now_ns() + TWIN_LOOK_NS;

	/* the beat stops the loop twice a second */
	while (!n->life->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			return;
	}
}

int node_twin_start(struct node *n)
{
	struct twin_question twin = { .node = n };
	const struct node_question q = { .what = "whether another process has this identity",
					 .ask = ask_twin,
					 .arg = &twin,
					 .even_refused = true };
	int status;

	if (!node_is_clustered(n))
		return NODE_EXIT_OK;
	for (;;) {
		status = node_request(n, &q);
		if (status || twin.verdict == TWIN_NOBODY)
			return status;
		if (twin.verdict == TWIN_LIVES) {
			node_twin_refuse(n);
			return NODE_EXIT_CONFIG;
		}
		twin_pause(n);
	}
}

/* '@': an abstract name. */
static socklen_t manager_address(struct sockaddr_un *out, const char *name)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n >= sizeof(out->sun_path))
		return 0;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, name, n);
	if (name[0] == '@')
		out->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void notify_manager(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	socklen_t n = name ? manager_address(&to, name) : 0;
	int fd = n ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&to, n) < 0)
		LOG_WARN("node", 0, "the service manager is not told: see NOTIFY_SOCKET",
			 LOG_STR("state", state), LOG_STR("error", strerror(errno)));
	(void)close(fd);
}

#define SAY_NS        (1 * NS_PER_S)  /* the start is logged as late after this time, */
#define SAY_AGAIN_NS  (30 * NS_PER_S) /* and again at this interval */
#define REFUSED_NS    (3 * NS_PER_S)  /* users may be about to be changed, there and here */
#define WAIT_PAUSE_NS (500 * NS_PER_MS)
#define LONGER_NS     (2 * NS_PER_S) /* the store says each refusal, too */

void node_wait_start(struct node *n)
{
	n->redis->wait = (struct node_wait){ 0 };
}

void node_wait_end(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;

	(void)key;
	(void)version;
	n->redis->wait = (struct node_wait){ .done = true, .result = result };
	loop_stop();
}

bool node_await(struct node *n, const char *what, uint64_t limit_ns)
{
	uint64_t end_ns = clock_now_ns() + limit_ns;

	/* the beat stops the loop twice a second */
	while (!n->redis->wait.done && !n->life->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			break;
	}
	if (!n->redis->wait.done && !n->life->stop_asked)
		LOG_ERROR("node", 0, "the start does not get on", LOG_STR("waits_for", what));
	return n->redis->wait.done && !n->life->stop_asked;
}

/* ---- Redis is late ---- */

/* Where Redis is, for people: without logins. */
static void node_redis_place(const struct node *n, char *out, size_t size)
{
	struct writer w = writer_over(out, size - 1);
	struct redis_url url = { 0 };
	const char *reason;

	if (n->redis->embedded_used)
		writer_str(&w, "own");
	else if (!redis_url_read(&url, bytes_str(n->redis->place.url), &reason))
		redis_url_write(&w, &url);
	out[writer_done(&w).n] = '\0';
	explicit_bzero(&url, sizeof(url));
}

/* The server that was asked; out: empty if none was. */
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
	if (!n->redis->link)
		out->why = "the name in redis.url is not known: look at DNS";
	else if (redis_is_connected(n->redis->link))
		out->why = "it does not answer in time, or refuses";
	else
		redis_trouble(n->redis->link, out);
	out->why = out->why ? out->why : "it does not answer";
}

static void late_status(const char *place, const struct redis_trouble *t)
{
	char text[BELONGING_PLACE_MAX + 512];

	(void)snprintf(text, sizeof(text), "STATUS=Waiting for Redis at %s: %s%s%s", place, t->why,
		       t->detail[0] ? ": " : "", t->detail);
	notify_manager(text);
}

static void late_log(struct node *n, uint64_t now_ns)
{
	char place[BELONGING_PLACE_MAX], server[ADDR_TEXT_MAX];
	struct redis_trouble t;

	node_redis_place(n, place, sizeof(place));
	late_trouble(n, &t);
	LOG_WARN("node", 0,
		 n->redis->embedded_used
			 ? "the start waits for the node's own Redis, and goes on by itself: see "
			   "redis/redis.log in node.state_dir"
			 : "the start waits for Redis, and goes on by itself: start Redis, or look "
			   "at redis.url and at the network",
		 LOG_STR("redis", place), LOG_STR("waits_for", n->redis->late.what),
		 LOG_STR("why", t.why), LOG_STR("detail", t.detail),
		 LOG_STR("server", server_text(&t, server)),
		 LOG_U64("waited_s", (now_ns - n->redis->late.since_ns) / NS_PER_S));
	late_status(place, &t);
	health_set(&n->web->health, HEALTH_STORE, true);
	node_web_open_early(n);
	n->redis->late.said = true;
	n->redis->late.say_ns = now_ns + SAY_AGAIN_NS;
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

	if (!status && now_ns >= n->redis->late.say_ns)
		late_log(n, now_ns);
	return status;
}

void node_late_start(struct node *n, const char *what)
{
	uint64_t now_ns = clock_now_ns();

	n->redis->late =
		(struct node_late){ .what = what, .since_ns = now_ns, .say_ns = now_ns + SAY_NS };
}

void node_late_end(struct node *n)
{
	if (!n->redis->late.said)
		return;
	LOG_INFO("node", 0, "Redis answers: the start goes on",
		 LOG_U64("waited_ms", (clock_now_ns() - n->redis->late.since_ns) / NS_PER_MS));
	health_set(&n->web->health, HEALTH_STORE, false);
	notify_manager("STATUS=");
	n->redis->late.said = false;
}

/* Until a step is done, where it is to be. Exit status. */
static int late_run(struct node *n, bool for_step, uint64_t end_ns)
{
	int status = NODE_EXIT_OK;

	/* the beat stops the loop twice a second */
	while (!status && !n->life->stop_asked && !(for_step && n->redis->wait.done) &&
	       clock_now_ns() < end_ns) {
		if (loop_run())
			return NODE_EXIT_FAILED;
		status = late_look(n);
	}
	return n->life->stop_asked ? NODE_EXIT_FAILED : status;
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
	return n->redis->wait.result != STORE_UNKNOWN &&
	       !(n->redis->wait.result == STORE_REFUSED && q->even_refused);
}

int node_request(struct node *n, const struct node_question *q)
{
	int status;

	node_late_start(n, q->what);
	for (;;) {
		node_wait_start(n);
		q->ask(n, q->arg);
		status = node_late_await(n);
		if (status || is_answered(n, q))
			break;
		status = node_late_pause(n, n->redis->wait.result == STORE_REFUSED ? LONGER_NS
										   : WAIT_PAUSE_NS);
		if (status)
			break;
		n->redis->late.repeats++;
	}
	if (!status)
		node_late_end(n);
	return status;
}
