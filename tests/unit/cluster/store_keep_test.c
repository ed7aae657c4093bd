/* SPDX-License-Identifier: Apache-2.0 */
/* Leases with a Redis that has a replica: what that one has not got does not count. */
#include "tests/unit/cluster/node.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* A machine that stands still for a second must not end it. */
enum { LENGTH_MS = 2400 };

struct pair {
	struct server primary, replica;
	struct redis *leases;
};

static struct store_claim_report g_told;

static void on_tell(const struct store_claim_report *tell, void *arg)
{
	(void)arg;
	g_told = *tell;
}

/* Above those that the kernel gives to connections: what others open takes it no more before Redis has it. */
static unsigned free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned port;
	int fd, taken;

	do {
		port = 61000 + (unsigned)(clock_now_ns() / NS_PER_US + (unsigned)getpid()) % 4500;
		at.sin_port = htons((uint16_t)port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fd >= 0);
		taken = bind(fd, (struct sockaddr *)&at, sizeof(at));
		assert_int_equal(close(fd), 0);
	} while (taken);
	return port;
}

static void pair_start(struct pair *p)
{
	char port[16];
	const char *const primary[] = { "--port", port, "--repl-diskless-sync-delay", "0", NULL };
	const char *const replica[] = { "--replicaof", "127.0.0.1", port, NULL };
	struct redis_settings settings = { .reconnect_max_ns = 100 * NS_PER_MS };

	(void)snprintf(port, sizeof(port), "%u", free_port());
	server_dir(&p->primary);
	server_start(&p->primary, primary);
	server_dir(&p->replica);
	server_start(&p->replica, replica);
	for (unsigned i = 0; !strstr(server_ask(&p->primary, "INFO replication"), "state=online");
	     i++) {
		assert_true(i < 1000);
		nap_ms(20);
	}
	(void)snprintf(settings.place.url, sizeof(settings.place.url), "%s", p->primary.url);
	assert_int_equal(redis_open(&p->leases, &settings, NULL, NULL), 0);
	g_drive.beside[0] = p->leases;
}

static void pair_stop(struct pair *p)
{
	g_drive.beside[0] = NULL;
	redis_close(p->leases);
	server_stop(&p->replica);
	server_stop(&p->primary);
}

static void owner_open(struct node *n, const struct pair *p, uint64_t incarnation)
{
	node_open(n, &p->primary,
		  &(struct node_settings){ .name = "a",
					   .incarnation = incarnation,
					   .lease_ms = LENGTH_MS,
					   .keeps_names = true,
					   .tell = on_tell,
					   .replicas = 1,
					   .leases = p->leases });
	assert_true(drive(n->redis, 10000, is_up, n->redis));
	assert_true(drive(n->redis, 10000, is_up, p->leases));
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, "o");
}

/* The first names wait for a renewal that was kept. */
static bool are_named(void *arg)
{
	struct node *n = arg;

	store_lease_name(n->store, &(struct members){ .ids = { 10, 11 }, .count = 2 });
	return store_lease_named(n->store)->count == 2;
}

static void others_name(struct node *n)
{
	assert_true(drive(n->redis, 10000, are_named, n));
}

static bool is_past(void *arg)
{
	return store_lease_is_past(((struct node *)arg)->store);
}

static uint64_t renewals(bool kept)
{
	return node_metric("tandem_lease_waits_total",
			   kept ? "result=\"kept\"" : "result=\"unkept\"");
}

struct renewed {
	struct node *n;
	uint64_t kept;
};

static bool is_kept_or_past(void *arg)
{
	const struct renewed *renewed = arg;

	return renewals(true) >= renewed->kept || is_past(renewed->n);
}

/* So many renewals are kept, and all the while it holds. */
static void is_renewed(struct node *n, unsigned times)
{
	struct renewed renewed = { n, renewals(true) + times };

	assert_true(drive(n->redis, 10 * LENGTH_MS, is_kept_or_past, &renewed));
	assert_false(is_past(n));
}

static bool may_be_given(void *arg)
{
	return store_lease_may_be_given(((struct node *)arg)->store);
}

static bool is_unkept(void *arg)
{
	struct store_lease_view lease;

	store_lease_view(((struct node *)arg)->store, &lease);
	return !lease.kept;
}

static bool is_given_unkept(void *arg)
{
	return is_unkept(arg) && may_be_given(arg);
}

/* Where it went it would be past at once, and a third one would claim it: its calls would be silent for a lease's length. */
static void test_not_given_unkept(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	others_name(&n);
	assert_true(drive(n.redis, 10000, may_be_given, &n));
	server_signal(&p.replica, SIGSTOP);
	assert_true(drive(n.redis, 10000, is_unkept, &n));
	assert_false(drive(n.redis, LENGTH_MS / 2, is_given_unkept, &n));
	server_signal(&p.replica, SIGCONT);
	node_close(&n);
	pair_stop(&p);
}

/* Nobody acks: as long as the replica has each renewal the owner may speak, and then not. */
static void test_replica_pauses(void **state)
{
	struct pair p;
	struct node n;
	uint64_t unkept;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	others_name(&n);
	is_renewed(&n, 4);
	assert_true(node_is_healthy(&n));
	unkept = renewals(false);
	server_signal(&p.replica, SIGSTOP);
	assert_true(drive(n.redis, 3 * LENGTH_MS, is_past, &n));
	server_signal(&p.replica, SIGCONT);
	assert_true(renewals(false) > unkept);
	node_close(&n);
	pair_stop(&p);
}

static bool acks(void *arg)
{
	struct node *n = arg;

	store_lease_on_ack(n->store, 10, g_told.told_ns);
	return is_past(n);
}

/* What is not kept is held all the same: acks carry it. */
static void test_acks_carry(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	others_name(&n);
	is_renewed(&n, 2); /* the list counts by now */
	server_signal(&p.replica, SIGSTOP);
	assert_false(drive(n.redis, 3 * LENGTH_MS / 2, acks, &n));
	assert_true(node_is_healthy(&n));
	server_signal(&p.replica, SIGCONT);
	node_close(&n);
	pair_stop(&p);
}

/* The link for leases is away, and Redis is not. */
static void test_link_is_lost(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	others_name(&n);
	is_renewed(&n, 2);
	g_drive.beside[0] = NULL;
	redis_close(p.leases);
	assert_true(drive(n.redis, 3 * LENGTH_MS, is_past, &n));
	node_close(&n);
	server_stop(&p.replica);
	server_stop(&p.primary);
}

/* The next process has the names of the one before, and is valid from its first moment. */
static void test_next_process(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	others_name(&n);
	is_renewed(&n, 2);
	node_close(&n);
	owner_open(&n, &p, 2);
	assert_int_equal(store_lease_named(n.store)->count, 2);
	is_renewed(&n, 4);
	node_close(&n);
	pair_stop(&p);
}

static void on_seen(uint16_t shard, const struct store_lease *seen, void *arg)
{
	struct store_lease *out = arg;

	(void)shard;
	*out = *seen;
}

static bool has_seen(void *arg)
{
	const struct store_lease *seen = arg;

	return seen->lease.history != 0;
}

/* By a node of its own, with the links of the owner. */
static void claim_send(struct node *n, uint32_t named)
{
	struct store_claim c = { .shard = NODE_SHARD,
				 .identity = { .id = "b", .place = "b", .where = "host:/b" },
				 .length_ns = LENGTH_MS * NS_PER_MS };
	struct store_lease seen = { 0 };

	store_lease_look(n->shared, NODE_SHARD, 77, on_seen, &seen);
	assert_true(drive(n->redis, 10000, has_seen, &seen));
	c.seen = seen.lease;
	c.grant = (struct lease_grant){ .epoch = { seen.lease.epoch.counter + 1, 9 },
					.renewal = 1,
					.named = { .ids = { 10, 11 }, .count = named } };
	store_lease_claim(n->shared, &c, node_done, n);
}

/* Where the machine is busy the replica is too late for one or the other. */
static bool is_kept(struct node *n)
{
	for (int i = 0; i < 20; i++) {
		claim_send(n, 1);
		NODE_EXPECT(n, "o");
		if (n->version == 1)
			return true;
	}
	return false;
}

/* Who asks nobody else needs the word of the replica. Where others consent theirs is enough. */
static void test_claims_alone(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	owner_open(&n, &p, 1);
	assert_true(is_kept(&n));
	claim_send(&n, 2);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, 0);
	server_signal(&p.replica, SIGSTOP);
	claim_send(&n, 1);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, 0);
	claim_send(&n, 1);
	assert_false(drive(n.redis, 50, node_has_answered, &(struct node_goal){ &n, 1 }));
	node_close(&n);
	assert_string_equal(n.answers, "o");
	assert_int_equal(n.version, 0);
	server_signal(&p.replica, SIGCONT);
	pair_stop(&p);
}

/* A store that is closed while the replicas are asked: nobody hears of the answers. */
static void test_closed_amid(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	server_signal(&p.replica, SIGSTOP);
	node_open(&n, &p.primary,
		  &(struct node_settings){ .name = "a",
					   .incarnation = 1,
					   .lease_ms = 6000,
					   .replicas = 1,
					   .leases = p.leases });
	assert_true(drive(n.redis, 10000, is_up, n.redis));
	assert_true(drive(n.redis, 10000, is_up, p.leases));
	store_acquire(n.store, node_done, &n);
	assert_false(drive(n.redis, 200, node_is_healthy, &n));
	node_close(&n);
	assert_string_equal(n.answers, "u");
	server_signal(&p.replica, SIGCONT);
	pair_stop(&p);
}

/* ---- saves ---- */

static void saver_open(struct node *n, const struct pair *p, uint64_t deadline_ms)
{
	node_open(n, &p->primary,
		  &(struct node_settings){ .name = "a",
					   .incarnation = 1,
					   .deadline_ms = deadline_ms,
					   .save_replicas = 1 });
	assert_true(drive(n->redis, 10000, is_up, n->redis));
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, "o");
}

static bool replica_has(const struct pair *p, uint64_t call)
{
	return !strcmp(server_ask(&p->replica, "HEXISTS td:{s17}:rec %s", node_id(call)), "1");
}

/* Nobody hears of a save, or of the end of a call, that only the primary has. */
static void test_saves_wait(void **state)
{
	uint64_t behind = node_metric("tandem_store_batches_behind_total", NULL);
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	saver_open(&n, &p, 4000);
	node_save(&n, 5, 1, "one");
	NODE_EXPECT(&n, "o");
	/* nothing of it is on its way any more */
	assert_false(drive(n.redis, 200, node_has_answered, &(struct node_goal){ &n, 1 }));
	server_signal(&p.replica, SIGSTOP);
	node_save(&n, 6, 1, "two");
	node_end(&n, 5);
	assert_false(drive(n.redis, 300, node_has_answered, &(struct node_goal){ &n, 1 }));
	server_signal(&p.replica, SIGCONT);
	NODE_EXPECT(&n, "oo");
	assert_true(replica_has(&p, 6));
	assert_false(replica_has(&p, 5));
	assert_int_equal(node_metric("tandem_store_batches_behind_total", NULL), behind);
	node_close(&n);
	pair_stop(&p);
}

static bool saves_within(struct node *n, uint64_t call, uint64_t ms)
{
	node_save(n, call, 1, "more");
	return drive(n->redis, ms, node_has_answered, &(struct node_goal){ n, n->n + 1 });
}

/* A replica that is away costs the first one time, and no call. When it is back saves wait for it again. */
static void test_saves_alone(void **state)
{
	uint64_t behind = node_metric("tandem_store_batches_behind_total", NULL);
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	saver_open(&n, &p, 6000);
	server_signal(&p.replica, SIGSTOP);
	assert_false(saves_within(&n, 5, 1000));
	assert_true(drive(n.redis, 10000, node_has_answered, &(struct node_goal){ &n, 1 }));
	assert_true(saves_within(&n, 6, 1000));
	assert_true(node_is_healthy(&n));
	assert_int_equal(node_metric("tandem_store_batches_behind_total", NULL), behind + 2);
	assert_false(drive(n.redis, 1000, node_has_answered, &(struct node_goal){ &n, 3 }));
	assert_false(saves_within(&n, 7, 1000));
	server_signal(&p.replica, SIGCONT);
	NODE_EXPECT(&n, "ooo");
	assert_true(replica_has(&p, 7));
	assert_int_equal(node_metric("tandem_store_batches_behind_total", NULL), behind + 2);
	node_close(&n);
	pair_stop(&p);
}

/* The link breaks, or the store is closed, behind EXEC and before the replica has it. */
static void test_saves_broken_amid(void **state)
{
	struct pair p;
	struct node n;

	(void)state;
	pair_start(&p);
	saver_open(&n, &p, 4000);
	server_signal(&p.replica, SIGSTOP);
	node_save(&n, 5, 1, "one");
	assert_false(drive(n.redis, 200, node_has_answered, &(struct node_goal){ &n, 1 }));
	(void)server_ask(&p.primary, "CLIENT KILL TYPE normal SKIPME yes");
	NODE_EXPECT(&n, "u");
	assert_true(drive(n.redis, 10000, node_is_healthy, &n));
	node_save(&n, 6, 1, "two");
	assert_false(drive(n.redis, 200, node_has_answered, &(struct node_goal){ &n, 1 }));
	node_close(&n);
	assert_string_equal(n.answers, "u");
	server_signal(&p.replica, SIGCONT);
	pair_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_not_given_unkept, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_replica_pauses, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_acks_carry, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_link_is_lost, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_next_process, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_claims_alone, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_closed_amid, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_saves_wait, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_saves_alone, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_saves_broken_amid, loop_setup, loop_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
