/* SPDX-License-Identifier: Apache-2.0 */
/* All that a node keeps, in a Redis that refuses what touches keys of two slots: Redis Cluster, of one server. */
#include "tests/unit/cluster/node.h"
#include "tests/unit/cluster/slots.h"

#include <inttypes.h>

#include "cluster/redis/link.h"

enum { DAY = 20779, USERS = 40, BESIDE = NODE_SHARD + 1 };
#define WRONG_TYPE "td:{a7}:aors"

static const struct bytes ACME = BYTES_LIT("acme");

/* ---- what a node does ---- */

/* Each shard on a link of its own, both in one round; and once more all that is sent again. */
static void shards_save(struct node *n, struct node *beside)
{
	for (uint64_t turn = 1; turn <= 2; turn++) {
		node_save(n, 40, turn, "record");
		node_save(beside, 41, turn, "record");
		store_subscription_save(n->store, 7, turn, BYTES_LIT("lamp"), node_done, n);
		NODE_EXPECT(n, "oo");
		NODE_EXPECT(beside, "o");
	}
	store_toll_add(n->store, DAY, BYTES_LIT("acme:1001"), 7, node_done, n);
	NODE_EXPECT(n, "o");
	node_end(beside, 41);
	NODE_EXPECT(beside, "o");
}

static int document_each(struct bytes name, uint64_t version, struct bytes json, void *arg)
{
	(void)version;
	return node_each(name, json, arg);
}

static void documents_change(struct node *n)
{
	struct store_document d = { ACME, "extension", BYTES_LIT("1"), 0, BYTES_LIT("poison") };

	store_document_put(n->shared, &d, &(struct store_known){ 0 }, node_done, n);
	NODE_EXPECT(n, "o");
	d.name = BYTES_LIT("2");
	store_document_put(n->shared, &d, &(struct store_known){ 0, 1, true }, node_done, n);
	NODE_EXPECT(n, "o");
	store_document_delete(n->shared, &d, &(struct store_known){ 2, 2, false }, node_done, n);
	NODE_EXPECT(n, "o");
	d = (struct store_document){ ACME, "extension", BYTES_LIT("3"), 9, BYTES_LIT("{}") };
	store_document_restore(n->shared, &d, BYTES_LIT("0123456789abcdef"), node_done, n);
	NODE_EXPECT(n, "o");
}

static void on_looked(const struct store_look *look, void *arg)
{
	assert_int_equal(store_look_generation(look, 1), 3);
	node_done(look->result, 0, 0, arg);
}

static void on_found(const struct store_found *found, void *arg)
{
	assert_true(found->there);
	node_done(found->result, 0, 0, arg);
}

static void on_version(struct bytes name, uint64_t version, void *arg)
{
	(void)name;
	assert_true(version > 0);
	((struct node *)arg)->loaded++;
}

static void documents_read(struct node *n)
{
	const struct bytes tenants[] = { BYTES_LIT("other"), ACME };

	store_documents_look(n->shared, tenants, COUNT_OF(tenants), BYTES_LIT(""), on_looked, n);
	store_document_read(n->shared, ACME, "extension", BYTES_LIT("3"), on_found, n);
	store_document_versions(n->shared, ACME, "extension", on_version, node_done, n);
	NODE_EXPECT(n, "ooo");
	assert_int_equal(n->loaded, 2);
	n->loaded = 0;
	store_load_documents(n->shared, ACME, "extension", document_each, node_done, n);
	NODE_EXPECT(n, "o");
	assert_true(node_has(n, "3={}"));
	n->loaded = 0;
}

static void on_binding(enum store_result result, struct bytes record, void *arg)
{
	assert_true(bytes_is(record, "there"));
	node_done(result, 0, 0, arg);
}

/* The last one is deleted again, and one cannot be read. */
static void bindings_save(struct node *n)
{
	char user[16] = "";

	for (uint32_t i = 0; i < USERS; i++) {
		(void)snprintf(user, sizeof(user), "%u", 1000 + i);
		store_binding_save(n->shared, ACME, bytes_str(user), 0, 1,
				   bytes_str(i == 1 ? "poison" : "there"), 60000, node_done, n);
		NODE_EXPECT(n, "o");
	}
	store_binding_get(n->shared, ACME, BYTES_LIT("1000"), on_binding, n);
	NODE_EXPECT(n, "o");
	store_binding_save(n->shared, ACME, bytes_str(user), 1, 2, (struct bytes){ 0 }, 0,
			   node_done, n);
	NODE_EXPECT(n, "o");
}

static void on_parked(const struct store_parked *parked, void *arg)
{
	node_done(parked->result, 0, 0, arg);
}

static void on_recording(struct bytes name, struct bytes entry, void *arg)
{
	assert_true(bytes_is(name, "a.wav") && bytes_is(entry, "{}"));
	node_done(STORE_OK, 0, 0, arg);
}

static void recordings_do(struct node *n)
{
	const struct bytes day = BYTES_LIT("2026-11-25");
	struct store_recording r = { .tenant = ACME,
				     .day = day,
				     .name = BYTES_LIT("a.wav"),
				     .entry = BYTES_LIT("{}"),
				     .state = BYTES_LIT("kept"),
				     .life_s = 100,
				     .first_day = day };

	store_recording_announce(n->shared, &r, node_done, n);
	store_recordings_read(n->shared, &(struct store_recordings){ ACME, day }, on_recording,
			      node_done, n);
	NODE_EXPECT(n, "ooo");
	r.act = STORE_RECORDING_REMOVE;
	store_recording_announce(n->shared, &r, node_done, n);
	NODE_EXPECT(n, "o");
}

static int g_nodes;

static void on_node(const struct roster_node *node, bool alive, void *arg)
{
	(void)alive;
	(void)arg;
	g_nodes += node->id == 5;
}

static void others_do(struct node *n)
{
	const struct store_slot slot = { ACME, BYTES_LIT("7") };
	const struct store_field field = { "type", BYTES_LIT("x") };
	const struct roster_node node = {
		.id = 5, .beat = 1, .incarnation = 6, .address = "192.0.2.1:7", .name = "a"
	};

	recordings_do(n);
	store_park_claim(n->shared, &slot, 42, BYTES_LIT("beside"), on_parked, n);
	store_park_free(n->shared, &slot, 42, on_parked, n);
	store_node_put(n->shared, &node, node_done, n);
	store_nodes_read(n->shared, on_node, node_done, n);
	store_event(n->shared, ACME, BYTES_LIT("bot"), BYTES_LIT("{}"));
	store_event(n->shared, ACME, (struct bytes){ 0 }, BYTES_LIT("{}"));
	store_security(n->shared, &field, 1);
	NODE_EXPECT(n, "oooo");
	assert_int_equal(g_nodes, 1);
}

static void keys_check_all(struct node *n, const struct server *s)
{
	assert_string_equal(server_ask(s, "SET " WRONG_TYPE " x"), "OK");
	store_shared_keys_check(n->shared, node_done, n);
	store_shard_keys_check(n->store, node_done, n);
	NODE_EXPECT(n, "oo");
	assert_string_equal(server_ask(s, "EXISTS " WRONG_TYPE), "0");
	assert_string_equal(server_ask(s, "GET td:broken:" WRONG_TYPE), "x");
}

/* What the next process of the node reads, or sets aside. */
static void all_loaded(struct node *n)
{
	store_load_calls(n->store, node_each, node_done, n);
	NODE_EXPECT(n, "o");
	assert_true(n->loaded == 1 && strstr(n->records[0], "=record"));
	store_load_subscriptions(n->store, node_each, node_done, n);
	NODE_EXPECT(n, "o");
	n->loaded = 0;
	store_load_bindings(n->shared, node_each, node_done, n);
	NODE_EXPECT(n, "o");
	assert_int_equal(n->loaded, USERS - 1);
	assert_int_equal(n->version, USERS - 2);
	assert_true(node_has(n, "acme:1000=there"));
}

/* ---- the tests ---- */

static void beside_open(struct node *beside, struct node *n, const struct server *s)
{
	struct store_shard_settings ss = {
		.shard = BESIDE,
		.incarnation = 1,
		.lease_ns = 30 * NS_PER_S,
		.identity = { .id = "a", .place = "a", .where = "host:/a" },
	};
	struct redis *link;

	*beside = (struct node){ .redis = n->redis, .shared = n->shared };
	(void)snprintf(ss.spool_dir, sizeof(ss.spool_dir), "%s/spool-beside", s->dir);
	assert_int_equal(redis_open_attached(&link, n->redis, BYTES_LIT("td:{s18}:lease"),
					     "link=\"shard 18\""),
			 0);
	assert_int_equal(
		store_shard_open(&beside->store, n->shared, link, &ss, node_health, beside), 0);
	store_acquire(beside->store, node_done, beside);
	NODE_EXPECT(beside, "o");
}

static bool feedback_is_offered(void *arg)
{
	return ((const struct redis *)arg)->route->asked;
}

/* Who asks may have to come back: it had its turn while the other links were not up yet. */
static bool may_get_ask_reply(void *arg)
{
	const struct redis *r = arg;

	return redis_is_connected(r) && redis_is_connected(r->route->asker) &&
	       !feedback_is_offered(arg);
}

/* A server that hangs is being asked who has which slot. */
static void test_closed_while_asked(void **state)
{
	struct redis_settings settings = { 0 };
	struct redis *r;
	struct server s;

	(void)state;
	slots_start(&s);
	(void)snprintf(settings.place.url, sizeof(settings.place.url), "%s", s.url);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
	assert_true(drive(r, 10000, may_get_ask_reply, r));
	server_signal(&s, SIGSTOP);
	assert_true(drive(r, 10000, feedback_is_offered, r));
	redis_close(r);
	server_signal(&s, SIGCONT);
	server_stop(&s);
}

static void test_no_command_has_two_slots(void **state)
{
	struct node n, beside;
	struct server s;

	(void)state;
	slots_start(&s);
	node_start(&n, &s, "a", 1);
	beside_open(&beside, &n, &s);
	shards_save(&n, &beside);
	documents_change(&n);
	documents_read(&n);
	bindings_save(&n);
	others_do(&n);
	all_loaded(&n);
	keys_check_all(&n, &s);
	assert_string_equal(server_ask(&s, "HLEN td:{s18}:rec"), "0");
	assert_string_equal(server_ask(&s, "XLEN td:{s18}:cdr"), "1");
	assert_null(strstr(server_ask(&s, "INFO errorstats"), "CROSSSLOT"));
	store_shard_close(beside.store);
	node_close(&n);
	server_stop(&s);
}

/* Each shard's link asks the replicas of its own server. */
static void test_replicas_are_asked(void **state)
{
	uint64_t behind = node_metric("tandem_store_batches_behind_total", NULL);
	struct server s;
	struct node n;

	(void)state;
	slots_start(&s);
	node_open(&n, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .deadline_ms = 600, .save_replicas = 1 });
	assert_true(drive(n.redis, 10000, is_up, n.redis));
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	node_save(&n, 5, 1, "record");
	NODE_EXPECT(&n, "o");
	assert_int_equal(node_metric("tandem_store_batches_behind_total", NULL), behind + 1);
	node_close(&n);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_command_has_two_slots),
		cmocka_unit_test(test_closed_while_asked),
		cmocka_unit_test(test_replicas_are_asked),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
