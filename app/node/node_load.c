/* SPDX-License-Identifier: Apache-2.0 */
/* The lease, and what Redis knows of this shard: documents, registrations, calls. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "base/log.h"
#include "base/loop.h"

#define ACQUIRE_LIMIT_NS (30 * NS_PER_S)
#define LEASE_PAUSE_NS   (500 * NS_PER_MS)
#define LOAD_LIMIT_NS    (300 * NS_PER_S)

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

static int load_on_document(struct bytes name, struct bytes json, void *arg)
{
	struct node *n = arg;
	int err = document_load(n, n->documents.loading, name, json);

	n->records_broken += err == -EBADMSG;
	return err;
}

static int on_binding(struct bytes key, struct bytes record, void *arg)
{
	struct node *n = arg;
	const char *reason = "";
	int err = shard_restore_binding(n->shard, record, clock_instant(), &reason);

	if (err) {
		n->records_broken += err != -EPROTONOSUPPORT;
		LOG_ERROR("node", 0, "a registration cannot be restored", LOG_BYTES("key", key),
			  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
		return err;
	}
	n->bindings_restored++;
	return 0;
}

static int on_call(struct bytes key, struct bytes record, void *arg)
{
	struct node *n = arg;
	const char *reason = "";
	int err = shard_restore_call(n->shard, record, clock_instant(), &reason);

	if (err) {
		n->records_broken += err != -EPROTONOSUPPORT;
		LOG_ERROR("node", 0, "a call cannot be restored", LOG_BYTES("key", key),
			  LOG_STR("reason", reason), LOG_STR("error", strerror(-err)));
		return err;
	}
	n->calls_restored++;
	return 0;
}

static int loaded(struct node *n, const char *what)
{
	if (!node_await(n, what, LOAD_LIMIT_NS))
		return NODE_EXIT_FAILED;
	if (n->wait.result == STORE_OK)
		return NODE_EXIT_OK;
	if (store_too_new(n->store)) {
		LOG_ERROR("node", 0,
			  "Redis has records of a later program: start that one again, and let it "
			  "end its calls before you go back",
			  LOG_STR("key", store_too_new(n->store)));
		return NODE_EXIT_CONFIG;
	}
	LOG_ERROR("node", 0, "cannot load from Redis", LOG_STR("what", what));
	return NODE_EXIT_FAILED;
}

/* The holder renews it at a third of its length: who does not is gone, and leaves it to us when it expires. */
static int lease_refused(const struct node *n)
{
	const struct store_holder *h = store_holder(n->store);

	LOG_ERROR("node", 0,
		  h->copy ? "node.state_dir is a copy of the directory of a node that runs: remove "
			    "the "
			    "file identity from the copy, and give it a node.shard and node.name "
			    "of its own"
			  : "the shard is run by another node: give this one a node.shard and "
			    "node.name of its own, or stop the other",
		  LOG_U64("shard", n->settings.node.shard), LOG_STR("holder", h->node),
		  LOG_STR("where", h->where));
	return NODE_EXIT_CONFIG;
}

/* Lets the loop run for about so long. */
static void lease_pause(struct node *n, uint64_t ns)
{
	uint64_t end_ns = clock_now_ns() + ns;

	/* the beat stops the loop twice a second */
	while (!n->stop_asked && clock_now_ns() < end_ns) {
		if (loop_run())
			return;
	}
}

static int acquire(struct node *n)
{
	uint64_t left_ms = UINT64_MAX;

	for (;;) {
		node_wait_begin(n);
		store_acquire(n->store, node_wait_end, n);
		if (!node_await(n, "the lease of the shard", ACQUIRE_LIMIT_NS))
			return NODE_EXIT_FAILED;
		if (n->wait.result != STORE_CONFLICT)
			break;
		if (store_holder(n->store)->left_ms > left_ms)
			return lease_refused(n);
		if (left_ms == UINT64_MAX)
			LOG_WARN("node", 0,
				 "another node has the lease: waiting to see if it lives",
				 LOG_STR("holder", store_holder(n->store)->node),
				 LOG_STR("where", store_holder(n->store)->where));
		left_ms = store_holder(n->store)->left_ms;
		lease_pause(n, LEASE_PAUSE_NS);
	}
	if (n->wait.result == STORE_OK)
		return NODE_EXIT_OK;
	LOG_ERROR("node", 0, "cannot take the lease of the shard",
		  LOG_U64("shard", n->settings.node.shard));
	return NODE_EXIT_FAILED;
}

/* Before anything is read: one key of the wrong type would end every start. */
static int check_keys(struct node *n)
{
	node_wait_begin(n);
	store_keys_check(n->store, node_wait_end, n);
	return node_await(n, "the types of the keys", ACQUIRE_LIMIT_NS) ? NODE_EXIT_OK
									: NODE_EXIT_FAILED;
}

static int load_documents(struct node *n)
{
	int status;

	status = document_keep_open(n);
	if (status)
		return status;
	profiles_open(&n->profiles);
	if (g_profile_documents.apply(n, &n->profiles.list[0]))
		status = NODE_EXIT_FAILED;
	for (size_t i = 0; g_document_kinds[i] && status == NODE_EXIT_OK; i++) {
		n->documents.loading = g_document_kinds[i];
		node_wait_begin(n);
		store_load_documents(n->store, BYTES_LIT(NODE_TENANT), g_document_kinds[i]->name,
				     load_on_document, node_wait_end, n);
		status = loaded(n, g_document_kinds[i]->name);
	}
	n->documents.keep.loaded = status == NODE_EXIT_OK;
	return status;
}

/* Nobody knows whom to say goodbye to; that there was a call is in its CDR. */
static void end_unreadable(struct node *n)
{
	const uint64_t *calls;
	uint32_t count = store_calls_unreadable(n->store, &calls);

	for (uint32_t i = 0; i < count; i++)
		shard_call_unreadable(n->shard, calls[i], clock_instant());
}

int node_load(struct node *n)
{
	int status = check_keys(n);

	if (!status)
		status = acquire(n);
	if (status)
		return status;
	shard_incarnate(n->shard, store_epoch(n->store));
	status = load_documents(n);
	if (status)
		return status;
	node_wait_begin(n);
	store_load_bindings(n->store, on_binding, node_wait_end, n);
	status = loaded(n, "registrations");
	if (status)
		return status;
	node_wait_begin(n);
	store_load_calls(n->store, on_call, node_wait_end, n);
	status = loaded(n, "calls");
	if (!status)
		end_unreadable(n);
	health_set(&n->health, HEALTH_CALLS_ASIDE, store_calls_aside(n->store) > 0);
	return status;
}
