/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of the whole cluster: this node sends the same command to each other live node, by the
 * operators' stream, and merges their answers with its own rows. It deletes from Redis what it has
 * read. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_nodes.h"
#include "app/command/control.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/schema/list.h"
#include "base/clock.h"

#define NODES_LOOK_NS (10 * NS_PER_MS)
#define NODES_WAIT_NS (2 * NS_PER_S)
#define NODES_TTL_MS  "2000"

enum { NODES_ID_MAX = 24 };

struct command_nodes {
	struct command_nodes *next;
	struct command_run *run;
	command_fn *list; /* called when all nodes have answered, or after NODES_WAIT_NS */
	char client[NODES_ID_MAX];
	json_t *names; /* of the nodes that were asked; null: that node has answered */
	uint32_t left;
	bool asked; /* a request to Redis is under way */
	uint64_t look_ns, until_ns;
};

static void nodes_key(const struct command_nodes *a, const char *kind, char out[CONTROL_KEY_MAX])
{
	control_stream_key(a->run->node, "", COMMAND_FOR_OPERATOR, kind, out);
}

static void list_misses(struct command_list *l, const char *name)
{
	if (!l->missing)
		l->missing = json_array();
	(void)json_array_append_new(l->missing, json_string(name));
}

static void nodes_end(struct command_nodes *a)
{
	struct command_nodes **at = &a->run->node->api.asked_nodes;
	const json_t *name;
	size_t i;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	json_array_foreach(a->names, i, name)
	{
		if (json_is_string(name))
			list_misses(a->run->list, json_string_value(name));
	}
	if (a->run->node->life.phase == NODE_RUNNING)
		a->list(a->run);
	else
		command_fail(a->run, COMMAND_UNAVAILABLE, NULL, "the node stops");
	json_decref(a->names);
	free(a);
}

/* ---- answers ---- */

/* Its rows; where it has more, those behind its last one are not known. */
static void nodes_take(struct command_nodes *a, size_t i, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "result");
	struct command_list *l = a->run->list;
	size_t k, n = json_array_size(rows);
	struct list_rank last;
	json_t *row;

	if (!json_is_array(rows) || !json_is_string(json_array_get(a->names, i)))
		return;
	(void)json_array_set_new(a->names, i, json_null());
	json_array_foreach(rows, k, row)(void) list_put_row(l, json_incref(row));
	if (!n || !json_object_get(answer, "next"))
		return;
	list_rank_row(l, json_array_get(rows, n - 1), &last);
	list_stop(l, &last);
}

static void nodes_on_entry(struct command_nodes *a, struct bytes id, struct bytes text)
{
	struct bytes number = bytes_from(id, strlen(a->client) + 1);
	json_t *answer = json_loadb((const char *)text.p, text.n, 0, NULL);
	uint64_t i;

	a->left--;
	if (answer && !bytes_u64(number, &i))
		nodes_take(a, i, answer);
	json_decref(answer);
}

static void nodes_on_looked(int err, const struct redisReply *reply, void *arg)
{
	struct command_nodes *a = arg;
	const size_t n = err ? 0 : redis_reply_count(reply);
	char kind[NODES_ID_MAX + 8], key[CONTROL_KEY_MAX];

	a->asked = false;
	for (size_t i = 0; i < n && a->left; i++) {
		const struct redisReply *fields = redis_reply_at(redis_reply_at(reply, i), 1);

		nodes_on_entry(a, redis_reply_text(redis_reply_at(fields, 1)),
			       redis_reply_text(redis_reply_at(fields, 3)));
	}
	if (n) {
		(void)snprintf(kind, sizeof(kind), "out:%s", a->client);
		nodes_key(a, kind, key);
		(void)!redis_command(a->run->node->redis.link,
				     (struct bytes[]){ BYTES_LIT("DEL"), bytes_str(key) }, 2, 0,
				     NULL, NULL);
	}
	if (!a->left || a->run->node->life.phase != NODE_RUNNING)
		nodes_end(a);
}

static void nodes_look(struct command_nodes *a, uint64_t now_ns)
{
	char kind[NODES_ID_MAX + 8], key[CONTROL_KEY_MAX];

	(void)snprintf(kind, sizeof(kind), "out:%s", a->client);
	nodes_key(a, kind, key);
	a->look_ns = now_ns + NODES_LOOK_NS;
	a->asked = !redis_command(a->run->node->redis.link,
				  (struct bytes[]){ BYTES_LIT("XRANGE"), bytes_str(key),
						    BYTES_LIT("-"), BYTES_LIT("+") },
				  4, 0, nodes_on_looked, a);
}

void command_nodes_round(struct node *n, uint64_t now_ns)
{
	for (struct command_nodes *a = n->api.asked_nodes, *next; a; a = next) {
		next = a->next;
		if (a->asked)
			continue;
		if (now_ns >= a->until_ns)
			nodes_end(a);
		else if (now_ns >= a->look_ns)
			nodes_look(a, now_ns);
	}
}

uint64_t command_nodes_next_ns(const struct node *n)
{
	uint64_t next = UINT64_MAX;

	for (const struct command_nodes *a = n->api.asked_nodes; a; a = a->next) {
		if (!a->asked && a->look_ns < next)
			next = a->look_ns;
	}
	return next;
}

void command_nodes_drop(struct node *n)
{
	for (struct command_nodes *a = n->api.asked_nodes, *next; a; a = next) {
		next = a->next;
		if (!a->asked) /* else Redis's answer ends it */
			nodes_end(a);
	}
}

/* ---- questions ---- */

/* Arguments as they came here, with the tenant, user and role of the principal at most. */
static json_t *nodes_args(const struct command_run *run, const char *name)
{
	json_t *args = json_copy(run->args);

	if (run->of_tenant)
		(void)json_object_set_new(args, g_command_tenant.name, json_string(run->tenant));
	if (run->user[0])
		(void)json_object_set_new(args, g_command_as.name, json_string(run->user));
	else if (run->role != COMMAND_FOR_OPERATOR)
		(void)json_object_set_new(args, g_command_as_role.name,
					  json_string(command_role_name(run->role)));
	(void)json_object_set_new(args, "limit", json_integer((json_int_t)run->list->most));
	(void)json_object_set_new(args, "node", json_string(name));
	return args;
}

static bool nodes_ask(struct command_nodes *a, const char *name)
{
	struct node *n = a->run->node;
	json_t *args = nodes_args(a->run, name);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	char in[CONTROL_KEY_MAX], id[NODES_ID_MAX + 8];
	bool sent;

	nodes_key(a, "in", in);
	(void)snprintf(id, sizeof(id), "%s-%u", a->client, a->left);
	sent = text &&
	       !redis_command(n->redis.link,
			      (struct bytes[]){ BYTES_LIT("XADD"), bytes_str(in), BYTES_LIT("*"),
						BYTES_LIT("v"), BYTES_LIT("1"), BYTES_LIT("id"),
						bytes_str(id), BYTES_LIT("do"),
						bytes_str(a->run->command->name), BYTES_LIT("args"),
						bytes_str(text), BYTES_LIT("client"),
						bytes_str(a->client), BYTES_LIT("ttl_ms"),
						BYTES_LIT(NODES_TTL_MS) },
			      15, 0, NULL, NULL);
	free(text);
	json_decref(args);
	return sent;
}

/* One of its shards has no owner that is alive: nobody can list the calls of that shard. */
static bool node_has_lost(struct node *n, const struct roster_node *node)
{
	struct channel_to to;

	for (uint32_t i = 0; i < node->shard_count; i++) {
		if (!node_shard_find(n, node->shards[i]) &&
		    !claimant_owner(n->cluster.claimant, node->shards[i], &to))
			return true;
	}
	return false;
}

void command_nodes_ask(struct command_run *run, command_fn *list)
{
	struct node *n = run->node;
	struct command_nodes *a = calloc(1, sizeof(*a));
	struct claimant_node one;
	uint64_t self, incarnation;

	if (!a || !n->cluster.claimant || command_value(run, "node")->given) {
		free(a);
		list(run);
		return;
	}
	*a = (struct command_nodes){ .next = n->api.asked_nodes, .run = run, .list = list };
	(void)snprintf(a->client, sizeof(a->client), "list-%016llx",
		       (unsigned long long)rand_u64_from(&n->rand));
	a->names = json_array();
	claimant_self(n->cluster.claimant, &self, &incarnation);
	for (uint32_t i = 0; claimant_node(n->cluster.claimant, i, &one); i++) {
		if (one.node.id == self)
			continue;
		if (one.heard && nodes_ask(a, one.node.name)) {
			(void)json_array_append_new(a->names, json_string(one.node.name));
			a->left++;
		} else if (one.heard ||
			   (!roster_has_left(&one.node) && node_has_lost(n, &one.node))) {
			list_misses(run->list, one.node.name);
		}
	}
	n->api.asked_nodes = a;
	a->look_ns = clock_now_ns() + NODES_LOOK_NS;
	a->until_ns = clock_now_ns() + NODES_WAIT_NS;
	if (!a->left)
		nodes_end(a);
}
