/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of the cluster in Redis: a hash, by their ids. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

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

static void node_write(struct store_shared *s, const struct bytes *args, size_t n,
		       store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, 0, 0);
	if (op && args[n - 1].n)
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
	struct store_own_said said = { .result = a->result };

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
		said(&(struct store_own_said){ .result = STORE_UNKNOWN }, arg);
	store_leave(&s->base);
}

void store_node_put(struct store_shared *s, const struct roster_node *node, store_done_fn *done,
		    void *arg)
{
	char id[NODE_ID_TEXT], text[ROSTER_TEXT_MAX];
	const struct bytes args[] = { BYTES_LIT("HSET"), STORE_KEY_NODES,
				      node_id_text(id, node->id), roster_write(text, node) };

	node_write(s, args, COUNT_OF(args), done, arg);
}

void store_node_remove(struct store_shared *s, uint64_t id, store_done_fn *done, void *arg)
{
	char text[NODE_ID_TEXT];
	const struct bytes args[] = { BYTES_LIT("HDEL"), STORE_KEY_NODES, node_id_text(text, id) };

	node_write(s, args, COUNT_OF(args), done, arg);
}

/* False: it is nobody's. Said once, and when there are others. */
static bool node_take(const struct nodes_op *nodes, struct roster *roster, struct bytes id,
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

static uint32_t nodes_take(const struct nodes_op *nodes, const struct redisReply *reply,
			   uint32_t known)
{
	struct store_shared *s = (struct store_shared *)nodes->op.base;
	size_t n = redis_reply_count(reply);
	uint32_t taken = 0, unreadable = 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		struct bytes id = redis_reply_text(redis_reply_at(reply, i));
		struct bytes text = redis_reply_text(redis_reply_at(reply, i + 1));

		if (node_take(nodes, &s->roster, id, text, unreadable >= known))
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
		taken = nodes_take(nodes, a->reply, s->nodes_unreadable);
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
