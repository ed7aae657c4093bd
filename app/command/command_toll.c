/* SPDX-License-Identifier: Apache-2.0 */
/* What calls outside have cost today (sig/host/toll.h), on this node. */
#include <stdlib.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/host/toll.h"

static json_t *usage_json(const struct node *n, const struct toll_payer *who,
			  const struct toll_limits *limits)
{
	const struct toll_now now = node_toll_now(n, who->tenant);
	struct toll_usage used = toll_look(n->toll, who, &now);

	return json_pack("{s:I, s:I, s:I, s:I}", "calls", (json_int_t)used.calls, "used_s",
			 (json_int_t)(used.ms > 0 ? used.ms / 1000 : 0), "outside_calls",
			 (json_int_t)limits->calls, "outside_minutes", (json_int_t)limits->minutes);
}

/* False: the run has failed. */
static bool toll_extension(struct command_run *run, uint16_t tenant, struct bytes number,
			   struct toll_limits *out)
{
	struct extension e;

	if (!extensions_find(&run->node->extensions, tenant, number, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return false;
	}
	*out = (struct toll_limits){ e.core.outside_calls, e.core.outside_minutes };
	extension_wipe(&e);
	return true;
}

void command_toll_show(struct command_run *run)
{
	const struct command_value *number = command_value(run, "number");
	struct toll_payer who = { .tenant = document_tenant(run) };
	struct toll_limits limits;
	json_t *out;

	if (who.tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, NULL, "there is no such tenant");
		return;
	}
	if (number->given && !toll_extension(run, who.tenant, number->text, &limits))
		return;
	out = json_object();
	if (number->given) {
		who.user = number->text;
		(void)json_object_set_new(out, "extension", usage_json(run->node, &who, &limits));
	}
	who.user = (struct bytes){ 0 };
	limits = tenants_toll(run->node->tenants, who.tenant);
	(void)json_object_set_new(out, "tenant", usage_json(run->node, &who, &limits));
	command_answer(run, out);
}

/* ---- reset ---- */

/* The extension has cost nothing, its tenant what it had: two changes of sums, the one that is against the extension first. */
struct toll_reset {
	struct command_run *run;
	const struct node_shard *shard; /* whose sums are changed */
	uint64_t day;
	int64_t ms;
	uint16_t tenant;
};

static struct bytes toll_name(char *buf, size_t cap, const struct toll_reset *r, struct bytes user)
{
	struct writer w = writer_over(buf, cap);

	WRITER_TEXTS(&w, tenants_name(r->run->node->tenants, r->tenant), ":");
	writer_bytes(&w, user);
	return writer_done(&w);
}

static void reset_over(struct toll_reset *r, enum store_result result)
{
	struct command_run *run = r->run;

	free(r);
	if (result == STORE_OK)
		command_answer(run,
			       json_pack("{s:o}", "number",
					 command_text_json(command_value(run, "number")->text)));
	else
		command_fail(run, result == STORE_UNKNOWN ? COMMAND_UNCERTAIN : COMMAND_UNAVAILABLE,
			     NULL, "Redis did not accept it");
}

static void on_reset(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct toll_reset *r = arg;
	struct node *n = r->run->node;
	const struct toll_payer who = { .tenant = r->tenant,
					.shard = node_shard_toll(r->shard),
					.user = command_value(r->run, "number")->text };
	const struct toll_now now = node_toll_now(n, r->tenant);

	(void)key;
	(void)version;
	if (result == STORE_OK && now.day == r->day)
		toll_forgive(n->toll, &who, r->ms, &now);
	reset_over(r, result);
}

static void on_tenant_keeps(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct toll_reset *r = arg;
	char name[TENANT_NAME_MAX + TOLL_USER_MAX];

	(void)key;
	(void)version;
	if (result != STORE_OK) {
		reset_over(r, result);
		return;
	}
	store_toll_add(r->shard->store, r->day,
		       toll_name(name, sizeof(name), r, command_value(r->run, "number")->text),
		       -r->ms, on_reset, r);
}

/* NULL: none of its shards is live. */
static const struct node_shard *shard_live(const struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].state == NODE_SHARD_LIVE)
			return &n->shards[i];
	}
	return NULL;
}

void command_toll_reset(struct command_run *run)
{
	const struct toll_payer who = { .tenant = document_tenant(run),
					.user = command_value(run, "number")->text };
	const struct node_shard *shard = shard_live(run->node);
	const struct toll_now now = node_toll_now(run->node, who.tenant);
	char name[TENANT_NAME_MAX + TOLL_USER_MAX];
	struct toll_limits unused;
	struct toll_reset *r;

	if (!toll_extension(run, who.tenant, who.user, &unused))
		return;
	r = shard ? malloc(sizeof(*r)) : NULL;
	if (!r) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "no shard of this node is live");
		return;
	}
	*r = (struct toll_reset){ run, shard, now.day, toll_look(run->node->toll, &who, &now).ms,
				  who.tenant };
	store_toll_add(shard->store, r->day, toll_name(name, sizeof(name), r, (struct bytes){ 0 }),
		       r->ms, on_tenant_keeps, r);
}
