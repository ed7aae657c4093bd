/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer of the whole cluster: this node sends the same command to each other live node, by the
 * operators' stream (others.h), and merges what they answer with its own. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_nodes.h"
#include "app/command/others.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/schema/list.h"
#include "base/clock.h"

#define NODES_WAIT_NS (2 * NS_PER_S)
#define NODES_TTL_MS  "2000"

enum { NODES_ID_MAX = 32 };

struct command_nodes {
	struct command_run *run;
	command_merge_fn *merge; /* NULL: answers are rows of its list */
	command_fn *end;         /* called when all nodes have answered, or are late */
	char id[NODES_ID_MAX];
	uint32_t count, left;
	struct nodes_one {
		struct others_ticket ticket;
		struct command_nodes *all;
		bool answered;
		char name[64], id[NODES_ID_MAX + 8];
	} list_of[ROSTER_NODES_MAX];
};

static void list_misses(struct command_list *l, const char *name)
{
	if (!l->missing)
		l->missing = json_array();
	(void)json_array_append_new(l->missing, json_string(name));
}

static void nodes_end(struct command_nodes *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (!a->list_of[i].answered)
			list_misses(a->run->list, a->list_of[i].name);
	}
	if (a->run->node->life->phase == NODE_RUNNING)
		a->end(a->run);
	else
		command_fail(a->run, COMMAND_UNAVAILABLE, NULL, "the node stops");
	free(a);
}

/* ---- answers ---- */

/* Its rows; where it has more, those behind its last one are not known. False: it has none. */
static bool nodes_answer_read(struct command_list *l, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "result");
	size_t k, n = json_array_size(rows);
	struct list_rank last;
	json_t *row;

	if (!json_is_array(rows))
		return false;
	json_array_foreach(rows, k, row)(void) list_put_row(l, json_incref(row));
	if (n && json_object_get(answer, "next")) {
		list_rank_row(l, json_array_get(rows, n - 1), &last);
		list_stop(l, &last);
	}
	return true;
}

static bool nodes_answer_merge(const struct command_nodes *a, const json_t *result)
{
	if (json_is_object(result))
		a->merge(a->run, result);
	return json_is_object(result);
}

static void nodes_on_answer(struct others_ticket *t, struct bytes text)
{
	struct nodes_one *one = CONTAINER_OF(t, struct nodes_one, ticket);
	struct command_nodes *a = one->all;
	json_t *answer = text.p ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;

	one->answered = a->merge ? nodes_answer_merge(a, json_object_get(answer, "result"))
				 : nodes_answer_read(a->run->list, answer);
	json_decref(answer);
	if (!--a->left)
		nodes_end(a);
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
	if (list_is(run->command))
		(void)json_object_set_new(args, "limit", json_integer((json_int_t)run->list->most));
	(void)json_object_set_new(args, "node", json_string(name));
	return args;
}

static bool nodes_request(struct command_nodes *a, const char *name)
{
	struct others *e = a->run->node->api.others;
	struct nodes_one *one = &a->list_of[a->count];
	json_t *args = nodes_args(a->run, name);
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	const struct others_question q = { .id = one->id,
					   .command = a->run->command->name,
					   .args = text,
					   .ttl_ms = NODES_TTL_MS };
	bool sent;

	one->all = a;
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	(void)snprintf(one->id, sizeof(one->id), "%s-%u", a->id, a->count);
	one->ticket = (struct others_ticket){ .id = one->id,
					      .until_ns = clock_now_ns() + NODES_WAIT_NS,
					      .done = nodes_on_answer };
	sent = text && e && others_request(e, &one->ticket, &q);
	a->count += sent;
	a->left += sent;
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
		    !claimant_owner(n->cluster->claimant, node->shards[i], &to))
			return true;
	}
	return false;
}

void command_nodes_merge(struct command_run *run, command_merge_fn *merge, command_fn *end)
{
	struct node *n = run->node;
	struct command_nodes *a = calloc(1, sizeof(*a));
	struct claimant_node one;
	uint64_t self, incarnation;

	if (!run->list)
		run->list = calloc(1, sizeof(*run->list)); /* has the nodes that are missing */
	if (!a || !run->list || !n->cluster->claimant || command_value(run, "node")->given) {
		free(a);
		end(run);
		return;
	}
	*a = (struct command_nodes){ .run = run, .merge = merge, .end = end };
	(void)snprintf(a->id, sizeof(a->id), "list-%016llx",
		       (unsigned long long)rand_u64_from(&n->rand));
	claimant_self(n->cluster->claimant, &self, &incarnation);
	for (uint32_t i = 0; claimant_node(n->cluster->claimant, i, &one); i++) {
		if (one.node.id == self || (one.heard && nodes_request(a, one.node.name)))
			continue;
		if (one.heard || (!roster_has_left(&one.node) && node_has_lost(n, &one.node)))
			list_misses(run->list, one.node.name);
	}
	if (!a->left)
		nodes_end(a);
}

void command_nodes_request(struct command_run *run, command_fn *list)
{
	command_nodes_merge(run, NULL, list);
}
