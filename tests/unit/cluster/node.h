/* SPDX-License-Identifier: Apache-2.0 */
/* One node's store on a server of the test, and what it answered. */
#ifndef TESTS_UNIT_CLUSTER_NODE_H
#define TESTS_UNIT_CLUSTER_NODE_H

#include "tests/unit/cluster/server.h"

#include "base/metric.h"
#include "cluster/store/store.h"

enum { NODE_SHARD = 17, NODE_ANSWERS = 1024, NODE_RECORDS = 64, NODE_RECORD_MAX = 64 };

struct node {
	struct redis *redis;
	struct store_shared *shared;
	struct store_shard *store;
	unsigned healthy, degraded; /* times told */
	/* in the order they came */
	char answers[NODE_ANSWERS]; /* a letter each, see node_letter */
	size_t n;
	uint64_t key, version; /* of the last answer */
	/* records loaded: "KEY=RECORD" */
	char records[NODE_RECORDS][NODE_RECORD_MAX];
	size_t loaded;
};

static const char NODE_LETTERS[] = {
	[STORE_OK] = 'o',      [STORE_FENCED] = 'f',  [STORE_CONFLICT] = 'c',
	[STORE_UNKNOWN] = 'u', [STORE_REFUSED] = 'r',
};

UNUSED static void node_done(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;

	assert_true(n->n < NODE_ANSWERS - 1);
	n->answers[n->n++] = NODE_LETTERS[result];
	n->answers[n->n] = 0;
	n->key = key;
	n->version = version;
}

UNUSED static int node_each(struct bytes key, struct bytes record, void *arg)
{
	struct node *n = arg;

	assert_true(n->loaded < NODE_RECORDS);
	(void)snprintf(n->records[n->loaded], NODE_RECORD_MAX, BYTES_FMT "=" BYTES_FMT,
		       BYTES_ARG(key), BYTES_ARG(record));
	n->loaded++;
	if (bytes_is(record, "later"))
		return -EPROTONOSUPPORT;
	return bytes_is(record, "poison") ? -EBADMSG : 0;
}

/* Their order is nobody's business. */
UNUSED static bool node_has(const struct node *n, const char *record)
{
	for (size_t i = 0; i < n->loaded; i++) {
		if (strcmp(n->records[i], record) == 0)
			return true;
	}
	return false;
}

UNUSED static void node_health(bool healthy, void *arg)
{
	struct node *n = arg;

	n->healthy += healthy;
	n->degraded += !healthy;
}

struct node_settings {
	const char *name;
	uint64_t incarnation;
	uint64_t deadline_ms; /* 0: 2000, so that a busy machine is not taken for a slow Redis */
	uint64_t lease_ms;    /* 0: 30000 */
	const char *spool;    /* beside the server; NULL: "spool" */
	bool keeps_names;
	const char *id, *place; /* of its directory; NULL: its name */
	store_notice_fn *tell;
	store_wanted_fn *wanted;
	const struct lease_grant *grant;
	uint32_t replicas, save_replicas;
	struct redis *leases;
};

/* More than are looked at in one go. */
enum { NODE_TENANTS = 40 };

UNUSED static const char *node_tenant(uint32_t i, void *arg)
{
	static char name[16];

	(void)arg;
	if (i < 2)
		return i ? "default" : "_operator";
	(void)snprintf(name, sizeof(name), "t%u", i);
	return i < NODE_TENANTS ? name : NULL;
}

UNUSED static void node_open(struct node *n, const struct server *s, const struct node_settings *ns)
{
	struct redis_settings rs = { .reconnect_max_ns = 100 * NS_PER_MS };
	struct store_shared_settings shared = {
		.deadline_ns = (ns->deadline_ms ? ns->deadline_ms : 2000) * NS_PER_MS,
		.tenant = node_tenant,
		.kinds = { "extension" },
		.replicas = ns->replicas,
		.leases = ns->leases,
		.save_replicas = ns->save_replicas,
	};
	struct store_shard_settings ss = {
		.shard = NODE_SHARD,
		.incarnation = ns->incarnation,
		.lease_ns = (ns->lease_ms ? ns->lease_ms : 30000) * NS_PER_MS,
		.tell = ns->tell,
		.wanted = ns->wanted,
		.keeps_names = ns->keeps_names,
		.grant = ns->grant,
	};

	struct redis *link;

	*n = (struct node){ 0 };
	(void)snprintf(shared.node, sizeof(shared.node), "%s", ns->name);
	(void)snprintf(ss.identity.id, sizeof(ss.identity.id), "%s", ns->id ? ns->id : ns->name);
	(void)snprintf(ss.identity.place, sizeof(ss.identity.place), "%s",
		       ns->place ? ns->place : ns->name);
	(void)snprintf(ss.identity.where, sizeof(ss.identity.where), "host:/%s", ns->name);
	(void)snprintf(ss.spool_dir, sizeof(ss.spool_dir), "%s/%s", s->dir,
		       ns->spool ? ns->spool : "spool");
	(void)snprintf(rs.place.url, sizeof(rs.place.url), "%s", s->url);
	assert_int_equal(redis_open(&n->redis, &rs, NULL, NULL), 0);
	assert_int_equal(store_shared_open(&n->shared, n->redis, &shared), 0);
	link = n->redis;
	if (redis_is_cluster(link))
		assert_int_equal(
			redis_open_attached(&link, n->redis, BYTES_LIT("td:{s17}:lease"), NULL), 0);
	assert_int_equal(store_shard_open(&n->store, n->shared, link, &ss, node_health, n), 0);
}

UNUSED static void node_close(struct node *n)
{
	store_shard_close(n->store);
	store_shared_close(n->shared);
	redis_close(n->redis);
	n->store = NULL;
	n->shared = NULL;
	n->redis = NULL;
}

struct node_goal {
	const struct node *node;
	size_t n;
};

UNUSED static bool node_has_answered(void *arg)
{
	const struct node_goal *goal = arg;

	return goal->node->n >= goal->n;
}

UNUSED static bool node_is_healthy(void *arg)
{
	return store_is_healthy(((struct node *)arg)->store);
}

UNUSED static bool node_is_degraded(void *arg)
{
	return !store_is_healthy(((struct node *)arg)->store);
}

/* Waits for all answers so far, starting with the first, to be these. */
UNUSED static void node_expect_at(struct node *n, const char *want, const char *file, int line)
{
	(void)drive(n->redis, 20000, node_has_answered, &(struct node_goal){ n, strlen(want) });
	if (strcmp(n->answers, want) != 0) {
		print_error("%s:%d: answers \"%s\", not \"%s\"\n", file, line, n->answers, want);
		fail();
	}
	n->n = 0;
	n->answers[0] = 0;
}
#define NODE_EXPECT(n, want) node_expect_at(n, want, __FILE__, __LINE__)

UNUSED static void node_start(struct node *n, const struct server *s, const char *name,
			      uint64_t incarnation)
{
	node_open(n, s, &(struct node_settings){ .name = name, .incarnation = incarnation });
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, "o");
	assert_true(store_is_healthy(n->store));
}

/* A node that holds the lease, beside a Redis of its own. */
UNUSED static void node_with_server(struct node *n, struct server *s)
{
	server_dir(s);
	server_start(s, NULL);
	node_start(n, s, "a", 1);
}

UNUSED static void node_without_server(struct node *n, struct server *s)
{
	node_close(n);
	server_stop(s);
}

UNUSED static void node_save(struct node *n, uint64_t call, uint64_t version, const char *record)
{
	store_call_save(n->store, call, version, bytes_str(record), node_done, n);
}

UNUSED static void node_end(struct node *n, uint64_t call)
{
	const struct store_field fields[] = {
		{ "from", BYTES_LIT("1001") },
		{ "to", BYTES_LIT("1002") },
	};

	store_call_end(n->store, call,
		       &(struct store_ended){ .cdr = fields,
					      .fields = COUNT_OF(fields),
					      .ended_ns = clock_now_ns() },
		       node_done, n);
}

/* The field of a call in the hash of its shard, in a static buffer. */
UNUSED static const char *node_id(uint64_t call)
{
	static char text[BASE32_U64_LEN + 1];

	base32_u64_put(text, call);
	return text;
}

UNUSED static uint64_t node_metric(const char *name, const char *labels)
{
	return metric_value(metric_register(METRIC_COUNTER, name, labels, "The name finds it."));
}

#endif
