/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards of a node share in Redis: the link, its scripts, the list of the cluster's nodes,
 * and the id of this Redis, by which a node notices that it has another one. No lease guards it:
 * when Redis is late or refuses all, no shard waits for this store. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

/* Which Redis this is: a set of ids, one for each state directory that was the first there. */

#define CLUSTER_LIMIT_NS (5 * NS_PER_S) /* a start waits for it */

struct know_op {
	struct store_op op;
	store_know_fn *told;
	void *arg;
};

static void know_finish(struct store_op *op, const struct store_answer *a)
{
	const struct know_op *know = (const struct know_op *)op;
	struct store_know said = { .result = a->result };

	if (a->result == STORE_OK) {
		said.known = a->version != 0;
		said.id = redis_reply_text(redis_reply_at(a->reply, 2));
	}
	know->told(&said, know->arg);
}

void store_cluster_know(struct store_shared *s, struct bytes id, enum store_know_when when,
			store_know_fn *told, void *arg)
{
	static const char *const words[] = { [STORE_KNOW_NEVER] = "never",
					     [STORE_KNOW_FIRST] = "first",
					     [STORE_KNOW_ALWAYS] = "always" };
	const struct bytes args[] = { STORE_KEY_IDS, id, bytes_str(words[when]) };
	struct know_op *know;

	store_enter(&s->base);
	know = (struct know_op *)store_op_new(&s->base, sizeof(*know), know_finish);
	if (know) {
		know->told = told;
		know->arg = arg;
		store_op_run(&know->op, &(struct script_call){ .id = SCRIPT_CLUSTER_KNOW,
							       .args = args,
							       .keys = 1,
							       .n = COUNT_OF(args),
							       .deadline_ns = CLUSTER_LIMIT_NS });
	} else {
		told(&(struct store_know){ .result = STORE_UNKNOWN }, arg);
	}
	store_leave(&s->base);
}

/* The nodes of the cluster in Redis: a hash, by their ids. */

enum { NODE_ID_TEXT = 17 };

struct nodes_op {
	struct store_op op;
	store_node_fn *each;
	store_done_fn *done;
	void *arg;
};

static struct bytes node_id_text(char out[NODE_ID_TEXT], uint64_t id)
{
	struct writer w = writer_over(out, NODE_ID_TEXT);

	writer_fmt(&w, "%016" PRIx64, id);
	return writer_done(&w);
}

void store_shared_write(struct store_shared *s, const struct bytes *args, size_t n,
			store_done_fn *done, void *arg)
{
	bool fits = args[1].n && args[n - 1].n;
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op && fits)
		store_op_command(op, args, n, s->base.deadline_ns);
	else if (op)
		store_op_fail(op, STORE_REFUSED);
	store_leave(&s->base);
}

struct own_op {
	struct store_op op;
	store_own_fn *said;
	void *arg;
};

static void own_finish(struct store_op *op, const struct store_answer *a)
{
	const struct own_op *own = (const struct own_op *)op;
	struct store_own_answer said = { .result = a->result };

	if (a->result == STORE_OK || a->result == STORE_CONFLICT) {
		said.line = redis_reply_text(redis_reply_at(a->reply, 2));
		said.place = redis_reply_text(redis_reply_at(a->reply, 3));
	}
	own->said(&said, own->arg);
}

void store_node_own(struct store_shared *s, const struct store_own *own, store_own_fn *said,
		    void *arg)
{
	char id[NODE_ID_TEXT], incarnation[NODE_ID_TEXT], text[ROSTER_TEXT_MAX];
	char place[TWIN_PLACE_MAX];
	const struct bytes args[] = {
		STORE_KEY_NODES,
		STORE_KEY_PLACES,
		node_id_text(id, own->node->id),
		node_id_text(incarnation, own->node->incarnation),
		roster_write(text, own->node),
		twin_place_write(place, own->node->incarnation, own->identity),
		own->seen,
		own->look ? BYTES_LIT("look") : BYTES_LIT("put"),
	};
	struct own_op *op;

	store_enter(&s->base);
	op = (struct own_op *)store_op_new(&s->base, sizeof(*op), own_finish);
	if (op) {
		op->said = said;
		op->arg = arg;
	}
	if (op && args[4].n)
		store_op_run(&op->op, &(struct script_call){ .id = SCRIPT_NODE_OWN,
							     .args = args,
							     .keys = 2,
							     .n = COUNT_OF(args),
							     .deadline_ns = s->base.deadline_ns });
	else if (op)
		store_op_fail(&op->op, STORE_REFUSED);
	else
		said(&(struct store_own_answer){ .result = STORE_UNKNOWN }, arg);
	store_leave(&s->base);
}

void store_node_put(struct store_shared *s, const struct roster_node *node, store_done_fn *done,
		    void *arg)
{
	char id[NODE_ID_TEXT], text[ROSTER_TEXT_MAX];
	const struct bytes args[] = { BYTES_LIT("HSET"), STORE_KEY_NODES,
				      node_id_text(id, node->id), roster_write(text, node) };

	store_shared_write(s, args, COUNT_OF(args), done, arg);
}

void store_node_remove(struct store_shared *s, uint64_t id, store_done_fn *done, void *arg)
{
	char text[NODE_ID_TEXT];
	const struct bytes args[] = { BYTES_LIT("HDEL"), STORE_KEY_NODES, node_id_text(text, id) };

	store_shared_write(s, args, COUNT_OF(args), done, arg);
}

/* False: no node's. Logged once, and when others are found. */
static bool node_entry_read(const struct nodes_op *nodes, struct roster *roster, struct bytes id,
			    struct bytes text, bool say)
{
	struct roster_node node;
	int err = roster_read(&node, id, text);

	if (!err) {
		nodes->each(&node, roster_note(roster, &node, clock_now_ns()), nodes->arg);
		return true;
	}
	if (say)
		LOG_ERROR("store", 0,
			  err == -EPROTONOSUPPORT
				  ? "a node of a later program is in td:{nodes}: it is not seen"
				  : "a node in td:{nodes} cannot be read: see HGETALL",
			  LOG_BYTES("id", id), LOG_BYTES("node", text));
	return false;
}

static uint32_t nodes_read(const struct nodes_op *nodes, const struct redisReply *reply,
			   uint32_t known)
{
	struct store_shared *s = (struct store_shared *)nodes->op.base;
	size_t n = redis_reply_count(reply);
	uint32_t taken = 0, unreadable = 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		struct bytes id = redis_reply_text(redis_reply_at(reply, i));
		struct bytes text = redis_reply_text(redis_reply_at(reply, i + 1));

		if (node_entry_read(nodes, &s->roster, id, text, unreadable >= known))
			taken++;
		else
			unreadable++;
	}
	s->nodes_unreadable = unreadable;
	return taken;
}

static void nodes_finish(struct store_op *op, const struct store_answer *a)
{
	const struct nodes_op *nodes = (const struct nodes_op *)op;
	const struct store_shared *s = (const struct store_shared *)op->base;
	uint32_t taken = 0;

	if (a->result == STORE_OK)
		taken = nodes_read(nodes, a->reply, s->nodes_unreadable);
	nodes->done(a->result, 0, taken, nodes->arg);
}

void store_nodes_read(struct store_shared *s, store_node_fn *each, store_done_fn *done, void *arg)
{
	const struct bytes args[] = { BYTES_LIT("HGETALL"), STORE_KEY_NODES };
	struct nodes_op *nodes;

	store_enter(&s->base);
	nodes = (struct nodes_op *)store_op_new(&s->base, sizeof(*nodes), nodes_finish);
	if (nodes) {
		nodes->each = each;
		nodes->done = done;
		nodes->arg = arg;
		store_op_command(&nodes->op, args, COUNT_OF(args), s->base.deadline_ns);
	} else {
		done(STORE_UNKNOWN, 0, 0, arg);
	}
	store_leave(&s->base);
}

static struct store_shared *shared_of(struct store_base *base)
{
	return (struct store_shared *)base;
}

/* Redis is late, or refuses all: no shard waits for it. A callback may close its store. */
static void shared_lease_event(struct store_base *base, const struct lease_event *event)
{
	struct store_shard *shard = shared_of(base)->shards, *next;

	for (; shard; shard = next) {
		next = shard->next;
		store_enter(&shard->base);
		store_lease_event(shard, event);
		store_leave(&shard->base);
	}
}

/* All that the owners have is saved again. */
static void shared_keys_aside(struct store_base *base)
{
	struct store_shard *shard = shared_of(base)->shards, *next;

	for (; shard; shard = next) {
		next = shard->next;
		store_enter(&shard->base);
		store_shard_anew(shard);
		store_leave(&shard->base);
	}
}

static uint64_t shared_next_ns(const struct store_base *base)
{
	const struct store_shared *s = (const struct store_shared *)base;

	return base->keys_ns < s->events.again_ns ? base->keys_ns : s->events.again_ns;
}

static void shared_destroy(struct store_base *base)
{
	free(base);
}

static const struct store_kind g_shared_kind = { .lease_event = shared_lease_event,
						 .keys_check = store_shared_keys,
						 .keys_aside = shared_keys_aside,
						 .next_ns = shared_next_ns,
						 .destroy = shared_destroy };

static void shared_on_state(bool connected, void *arg)
{
	struct store_shared *s = arg;

	if (!connected)
		return;
	scripts_load(&s->scripts, s->base.guest.redis);
	store_events_send(s);
}

static void shared_on_expire(uint64_t now_ns, void *arg)
{
	struct store_shared *s = arg;

	store_enter(&s->base);
	store_failed_answer(&s->base);
	store_keys_expire(&s->base, now_ns);
	if (now_ns >= s->events.again_ns)
		store_events_send(s);
	store_leave(&s->base);
}

int store_shared_open(struct store_shared **out, struct redis *redis,
		      const struct store_shared_settings *settings)
{
	struct store_shared *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->node[0]);
	if (!s)
		return -ENOMEM;
	err = scripts_open(&s->scripts);
	if (err) {
		free(s);
		return err;
	}
	s->settings = *settings;
	store_base_open(&s->base, &g_shared_kind, &s->scripts, settings->deadline_ns);
	s->base.cluster = redis_is_cluster(redis);
	store_events_open(&s->events);
	s->base.guest.state = shared_on_state;
	s->base.guest.expire = shared_on_expire;
	s->base.guest.arg = s;
	redis_join(redis, &s->base.guest);
	store_keep_open(s);
	*out = s;
	if (redis_is_connected(redis))
		shared_on_state(true, s);
	return 0;
}

void store_shared_close(struct store_shared *s)
{
	if (!s || s->base.closing)
		return;
	assert(!s->shards);
	store_keep_close(s);
	store_enter(&s->base);
	s->base.closing = true;
	store_ops_end(&s->base);
	store_loads_free(&s->base);
	store_events_close(&s->events);
	redis_leave(&s->base.guest);
	store_leave(&s->base);
}

bool store_shared_is_healthy(const struct store_shared *s)
{
	const struct store_shard *shard = s->shards;

	while (shard && !store_is_healthy(shard))
		shard = shard->next;
	return shard;
}

const char *store_shared_too_new(const struct store_shared *s)
{
	return s->base.too_new[0] ? s->base.too_new : NULL;
}
