/* SPDX-License-Identifier: Apache-2.0 */
/* A CDR is in the stream once, whatever fails. */
#include "tests/unit/cluster/node.h"

#include <dirent.h>

#include <sys/stat.h>

#include "cluster/redis/script.h"
#include "cluster/store/state.h"

/* The ids in the stream, in any order: each must be there exactly once. */
static void expect_cdrs(const struct server *s, uint64_t first, size_t count)
{
	redisContext *c = redisConnectUnix(s->socket);
	redisReply *reply = redisCommand(c, "XRANGE td:{s17}:cdr - +");
	unsigned seen[512] = { 0 };

	assert_non_null(reply);
	assert_true(count <= COUNT_OF(seen));
	assert_int_equal(reply->elements, count);
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *fields = reply->element[i]->element[1];
		uint64_t call = 0;

		assert_int_equal(fields->elements, 6);
		assert_string_equal(fields->element[0]->str, "id");
		assert_int_equal(base32_u64_get(bytes_str(fields->element[1]->str), &call), 0);
		assert_string_equal(fields->element[2]->str, "from");
		assert_string_equal(fields->element[3]->str, "1001");
		assert_string_equal(fields->element[5]->str, "1002");
		assert_in_range(call, first, first + count - 1);
		assert_int_equal(seen[call - first]++, 0);
	}
	freeReplyObject(reply);
	redisFree(c);
}

static size_t spool_files(const struct server *s, const char *suffix)
{
	char path[64];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/spool", s->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, suffix) != NULL;
	assert_int_equal(closedir(dir), 0);
	return n;
}

static bool spool_is_gone(void *arg)
{
	return spool_files(arg, ".cdr") == 0;
}

/* All answered so far; nothing of it matters but that it came. */
static void settle(struct node *n, size_t count)
{
	assert_true(drive(n->redis, 10000, node_has_answered, &(struct node_goal){ n, count }));
	n->n = 0;
	n->answers[0] = 0;
}

static void expect_ok(struct node *n, size_t count)
{
	assert_true(drive(n->redis, 10000, node_has_answered, &(struct node_goal){ n, count }));
	assert_int_equal(strspn(n->answers, "o"), count);
	settle(n, count);
}

static void test_repeated_end(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	for (int i = 0; i < 5; i++)
		node_end(&n, 42);
	expect_ok(&n, 5);
	expect_cdrs(&s, 42, 1);
	/* never saved, but ended: it has a CDR, too */
	node_end(&n, 43);
	expect_ok(&n, 1);
	expect_cdrs(&s, 42, 2);
	node_without_server(&n, &s);
}

/* No answer in time: it goes to the spool while Redis still has the command. Both arrive; one counts. */
static void test_unanswered(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 200 });
	store_acquire(n.store, node_done, &n);
	expect_ok(&n, 1);
	node_save(&n, 42, 1, "first");
	expect_ok(&n, 1);
	server_signal(&s, SIGSTOP);
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	assert_int_equal(spool_files(&s, ".cdr"), 1);
	/* degraded: straight to the spool */
	node_end(&n, 44);
	expect_ok(&n, 1);
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 42, 3);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	node_without_server(&n, &s);
}

/* Redis gone while calls end: their CDRs wait on disk, also through a restart of the node. */
static void test_redis_away(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	node_save(&n, 43, 1, "first");
	expect_ok(&n, 2);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 42);
	node_end(&n, 43);
	node_end(&n, 44);
	expect_ok(&n, 3);
	node_close(&n);
	assert_int_equal(spool_files(&s, ".cdr"), 1);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	/* the calls ended: loading brings none of them back to life */
	store_load_calls(n.store, node_each, node_done, &n);
	expect_ok(&n, 1);
	assert_int_equal(n.loaded, 0);
	expect_cdrs(&s, 42, 3);
	assert_int_equal(spool_files(&s, ".cdr"), 0);
	node_without_server(&n, &s);
}

static void load_done(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;

	node_done(result, key, version, arg);
	store_load_calls(n->store, node_each, node_done, n);
}

/* As a node starts: it loads its calls at once, and none whose end still lies in the spool comes back to life. */
static void test_load_waits_for_the_spool(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "ended");
	node_save(&n, 43, 1, "alive");
	expect_ok(&n, 2);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 42);
	expect_ok(&n, 1);
	node_close(&n);
	server_start(&s, NULL);
	node_open(&n, &s, &(struct node_settings){ .name = "a", .incarnation = 2 });
	store_acquire(n.store, load_done, &n);
	expect_ok(&n, 2);
	assert_int_equal(n.loaded, 1);
	assert_true(node_has(&n, "000000000001b=alive"));
	node_without_server(&n, &s);
}

/* Redis takes none of it for a while: the file stays, the calls stay unloaded, until it does. */
static void test_replay_refused(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	server_start(&s, NULL);
	(void)server_ask(&s, "SET td:{s17}:cdr nonsense");
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "u");
	assert_int_equal(spool_files(&s, ".cdr"), 1);
	(void)server_ask(&s, "DEL td:{s17}:cdr");
	assert_true(drive(n.redis, 5000, spool_is_gone, &s));
	expect_cdrs(&s, 42, 2);
	node_without_server(&n, &s);
}

/* A crash between Redis' answer and the removal of the file: the file comes a second time. */
static void test_spool_replayed_twice(void **state)
{
	struct server s;
	struct node n;
	char command[256];

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	for (uint64_t call = 100; call < 200; call++)
		node_end(&n, call);
	expect_ok(&n, 100);
	node_close(&n);
	(void)snprintf(command, sizeof(command), "cp -r %s/spool %s/copy", s.dir, s.dir);
	assert_int_equal(system(command), 0);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 100, 100);
	/* further ends come and go, and another life begins, before the file is back */
	for (uint64_t call = 200; call < 250; call++)
		node_end(&n, call);
	expect_ok(&n, 50);
	node_close(&n);
	(void)snprintf(command, sizeof(command), "cp %s/copy/* %s/spool", s.dir, s.dir);
	assert_int_equal(system(command), 0);
	node_start(&n, &s, "a", 3);
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 100, 150);
	node_without_server(&n, &s);
}

/* Acknowledged, then lost by a Redis that was killed before it wrote its file: the owner sends it again. */
static void test_acknowledged_and_lost(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	expect_ok(&n, 1);
	assert_string_equal(server_ask(&s, "CONFIG SET appendonly no"), "OK");
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	expect_cdrs(&s, 42, 2);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	server_start(&s, NULL);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "1");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "0");
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	node_end(&n, 44);
	expect_ok(&n, 1);
	expect_cdrs(&s, 42, 3);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	node_without_server(&n, &s);
}

/* The same with what came out of the spool: a primary that was paused takes it, and another one has its place already. */
static void test_taken_and_lost(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	expect_ok(&n, 1);
	assert_string_equal(server_ask(&s, "CONFIG SET appendonly no"), "OK");
	server_signal(&s, SIGSTOP);
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 42, 2);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	server_start(&s, NULL);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "1");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "0");
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	node_end(&n, 44);
	expect_ok(&n, 1);
	expect_cdrs(&s, 42, 3);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	node_without_server(&n, &s);
}

static bool is_fenced(void *arg)
{
	return store_is_fenced(((struct node *)arg)->store);
}

/* The lease as another node claims it while this one does not reach Redis. */
static void lease_lost(const struct server *s)
{
	(void)server_ask(s, "HSET td:{s17}:lease counter 2 incarnation 0000000000000009 fence x "
			    "link 0 identity other");
}

/* Calls end while Redis is away, and another node has the shard when it is back: it has read their records, and nobody told it. */
static void test_left_to_another(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	node_save(&n, 43, 1, "first");
	expect_ok(&n, 2);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	server_start(&s, NULL);
	lease_lost(&s);
	assert_true(drive(n.redis, 5000, is_fenced, &n));
	/* it has ended one by itself meanwhile */
	(void)server_ask(&s, "XADD td:{s17}:cdr * id %s from 1001 to 1002", node_id(42));
	(void)server_ask(&s, "ZADD td:{s17}:ended 8589934592 %s", node_id(42));
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 42, 2);
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "0");
	/* it is not forgotten with what that owner ends */
	assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended %s", node_id(43)), "12884901887");
	node_without_server(&n, &s);
}

/* What was on its way then is no word of the owner any more, and has happened all the same. */
static void test_fenced_on_its_way(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	expect_ok(&n, 1);
	lease_lost(&s);
	(void)server_ask(&s, "SET td:{s17}:fence x");
	node_end(&n, 42);
	NODE_EXPECT(&n, "f");
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 42, 1);
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "0");
	node_without_server(&n, &s);
}

/* So long after the end of a call its last figures may come. */
static void end_late(struct node *n, uint64_t call, uint64_t ended_ns)
{
	const struct store_field fields[] = { { "from", BYTES_LIT("1001") },
					      { "to", BYTES_LIT("1002") } };

	store_call_end(n->store, call,
		       &(struct store_ended){
			       .cdr = fields, .fields = COUNT_OF(fields), .ended_ns = ended_ns },
		       node_done, n);
}

/* A node whose lease was past by then has said goodbye to nobody: the call goes on elsewhere. */
static void test_ended_too_late(void **state)
{
	const struct members named = { .ids = { 7 }, .count = 1 };
	struct server s;
	struct node n;
	uint64_t ended_ns;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .lease_ms = 300 });
	store_acquire(n.store, node_done, &n);
	expect_ok(&n, 1);
	node_save(&n, 42, 1, "first");
	expect_ok(&n, 1);
	store_lease_name(n.store, &named);
	node_save(&n, 43, 1, "first");
	expect_ok(&n, 1);
	ended_ns = clock_now_ns();
	server_kill(&s);
	assert_false(drive(n.redis, 1000, never, NULL));
	end_late(&n, 42, clock_now_ns());
	end_late(&n, 43, ended_ns); /* not this one: its parties have heard it in time */
	expect_ok(&n, 2);
	assert_int_equal(spool_files(&s, ".cdr"), 1);
	server_start(&s, NULL);
	lease_lost(&s);
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 43, 1);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "1");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "1");
	node_without_server(&n, &s);
}

static void end_again(struct node *n, uint64_t call)
{
	const struct store_field fields[] = { { "from", BYTES_LIT("1001") },
					      { "to", BYTES_LIT("1002") } };

	store_call_end(n->store, call,
		       &(struct store_ended){ .cdr = fields,
					      .fields = COUNT_OF(fields),
					      .ended_ns = clock_now_ns(),
					      .again = true },
		       node_done, n);
}

/* A call that was restored has ended. Who had it before may be repaired days later, and have its end in the spool. */
static void test_restored_is_remembered(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	end_again(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	/* above all other numbers of the epoch */
	assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended %s", node_id(42)), "6442450943");
	assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended %s", node_id(43)), "4294967297");
	expect_cdrs(&s, 42, 2);
	node_without_server(&n, &s);
}

/* So many calls that those of one epoch have no numbers left: none may look as if it had ended too late. */
static void test_numbers_used_up(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	n.store->ends.next = (UINT64_C(1) << 32) + 0x7ffffffe;
	node_end(&n, 42);
	node_end(&n, 43);
	expect_ok(&n, 2);
	assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended %s", node_id(42)), "6442450942");
	assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended %s", node_id(43)), "8589934592");
	node_without_server(&n, &s);
}

/* It has left ends to another node, has the shard again, and cannot read its spool then: who loads is told, and it is tried again in time. */
static void test_unreadable_after_another(void **state)
{
	struct server s;
	struct node n;
	char path[96];

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 42);
	expect_ok(&n, 1);
	server_start(&s, NULL);
	lease_lost(&s);
	assert_true(drive(n.redis, 5000, is_fenced, &n));
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	(void)server_ask(&s, "HSET td:{s17}:lease incarnation 0000000000000001");
	store_acquire(n.store, node_done, &n);
	expect_ok(&n, 1);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	node_end(&n, 43);
	expect_ok(&n, 1);
	(void)snprintf(path, sizeof(path), "%s/spool/0000000000000002.cdr", s.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "u");
	assert_int_equal(rmdir(path), 0);
	node_without_server(&n, &s);
}

/* Calls end all the time while Redis is killed, started, stopped and let go. */
static void test_storm(void **state)
{
	enum { ROUNDS = 60, CALLS = 8 };
	struct server s;
	struct node n;
	uint64_t call = 1000;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 20 });
	store_acquire(n.store, node_done, &n);
	expect_ok(&n, 1);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	for (int round = 0; round < ROUNDS; round++) {
		if (round % 12 == 3)
			server_signal(&s, SIGSTOP);
		if (round % 12 == 6)
			server_signal(&s, SIGCONT);
		if (round % 12 == 8)
			server_kill(&s);
		if (round % 12 == 10)
			server_start(&s, NULL);
		for (int i = 0; i < CALLS; i++) {
			node_end(&n, call);
			node_end(&n, call++); /* and again */
		}
		(void)drive(n.redis, 25, never, NULL);
	}
	settle(&n, 2 * CALLS * ROUNDS);
	assert_true(drive(n.redis, 10000, node_is_healthy, &n));
	assert_true(drive(n.redis, 10000, spool_is_gone, &s));
	expect_cdrs(&s, 1000, CALLS * ROUNDS);
	node_without_server(&n, &s);
}

/* A spool file with a damaged entry: the others are sent, the file is kept for people. */
static void test_damaged_file(void **state)
{
	struct server s;
	struct node n;
	char path[96];
	int fd;

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	for (uint64_t call = 42; call < 45; call++)
		node_end(&n, call);
	expect_ok(&n, 3);
	node_close(&n);
	(void)snprintf(path, sizeof(path), "%s/spool/0000000000000001.cdr", s.dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "X", 1, 40), 1); /* within the fields of the first */
	assert_int_equal(close(fd), 0);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	assert_true(drive(n.redis, 5000, spool_is_gone, &s));
	expect_cdrs(&s, 43, 2);
	assert_int_equal(spool_files(&s, ".broken"), 1);
	node_without_server(&n, &s);
}

static void on_script(int err, const struct redisReply *reply, void *arg)
{
	bool *answered = arg;

	assert_int_equal(err, 0);
	assert_true(bytes_is(redis_reply_text(redis_reply_at(reply, 0)), "OK"));
	*answered = true;
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

/* What Redis remembers of ended calls does not grow for ever: below the settled number it forgets. */
static void test_markers_are_forgotten(void **state)
{
	struct server s;
	struct node n;
	struct scripts scripts;
	char fence[64];
	bool answered = false;
	struct bytes args[] = {
		BYTES_LIT("td:{s17}:lease"),
		BYTES_LIT("td:{s17}:calls"),
		BYTES_LIT("td:{s17}:call:x"),
		BYTES_LIT("td:{s17}:cdr"),
		BYTES_LIT("td:{s17}:ended"),
		BYTES_LIT("td:{s17}:rec"),
		{ 0 },
		BYTES_LIT("x"),
		BYTES_LIT("4294967596"),
		BYTES_LIT("4294967594"),
		BYTES_LIT("1000"),
	};
	struct script_call call = { SCRIPT_CALL_END, args, 6, COUNT_OF(args), NS_PER_S };

	(void)state;
	node_with_server(&n, &s);
	for (uint64_t i = 1; i <= 300; i++)
		node_end(&n, i);
	expect_ok(&n, 300);
	/* numbers begin at epoch << 32 */
	assert_string_equal(server_ask(&s, "ZCARD td:{s17}:ended"), "300");
	assert_string_equal(server_ask(&s, "ZCOUNT td:{s17}:ended 4294967296 4294967595"), "300");
	(void)snprintf(fence, sizeof(fence), "%s", server_ask(&s, "HGET td:{s17}:lease fence"));
	args[6] = bytes_str(fence);
	assert_int_equal(scripts_open(&scripts), 0);
	assert_int_equal(script_run(&scripts, n.redis, &call, on_script, &answered), 0);
	assert_true(drive(n.redis, 2000, is_true, &answered));
	assert_string_equal(server_ask(&s, "ZCARD td:{s17}:ended"), "3");
	node_without_server(&n, &s);
}

static void test_too_large(void **state)
{
	static char huge[300000];
	const struct store_field field = { "note", { (uint8_t *)huge, sizeof(huge) } };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_call_end(
		n.store, 42,
		&(struct store_ended){ .cdr = &field, .fields = 1, .ended_ns = clock_now_ns() },
		node_done, &n);
	NODE_EXPECT(&n, "r");
	node_without_server(&n, &s);
}

/* Who read the stream before it was emptied reads none of its CDRs twice; a Redis that was killed gets them again. */
static void test_emptied_stream(void **state)
{
	enum { CALLS = 28 };
	char oks[CALLS + 1];
	struct server s;
	struct node n;

	(void)state;
	memset(oks, 'o', CALLS);
	oks[CALLS] = 0;
	node_with_server(&n, &s);
	for (uint64_t call = 1; call <= CALLS; call++)
		node_end(&n, call);
	NODE_EXPECT(&n, oks);
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "28");
	(void)server_ask(&s, "FLUSHALL");
	node_save(&n, 99, 1, "finds out");
	NODE_EXPECT(&n, "o");
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_false(drive(n.redis, 200, never, NULL));
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "0");
	node_end(&n, 100);
	NODE_EXPECT(&n, "o");
	(void)server_ask(&s, "DEL td:{s17}:cdr td:{s17}:ended"); /* not yet in its file */
	server_kill(&s);
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_false(drive(n.redis, 200, never, NULL));
	assert_true(atoi(server_ask(&s, "XLEN td:{s17}:cdr")) > 0);
	node_without_server(&n, &s);
}

static void note_open(struct node *n, uint64_t call)
{
	const struct store_field fields[] = { { "from", BYTES_LIT("1001") } };

	store_call_open(n->store, call, fields, COUNT_OF(fields));
}

/* Answered while Redis was away, and killed: the next start writes the CDRs of those that nothing else tells of. */
static void test_answered_meanwhile(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	node_save(&n, 1, 1, "saved");
	NODE_EXPECT(&n, "o");
	server_kill(&s);
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	note_open(&n, 1);
	note_open(&n, 2);
	note_open(&n, 3);
	node_end(&n, 3); /* ended, and spooled */
	NODE_EXPECT(&n, "o");
	node_close(&n);
	server_start(&s, NULL);
	for (uint64_t again = 0; again < 2; again++) {
		node_start(&n, &s, "a", 2 + again);
		store_load_calls(n.store, node_each, node_done, &n);
		NODE_EXPECT(&n, "o");
		assert_int_equal(n.loaded, 1); /* 1 goes on */
		assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "2");
		assert_string_equal(server_ask(&s, "ZSCORE td:{s17}:ended 0000000000001"), "(nil)");
		node_close(&n);
	}
	server_stop(&s);
}

/* The process lives, and has saved the call or ended it: nothing is left for the next one. */
static void test_answered_and_saved(void **state)
{
	char dir[160], command[256];
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	note_open(&n, 1);
	note_open(&n, 2);
	assert_false(drive(n.redis, 200, never, NULL));
	(void)snprintf(dir, sizeof(dir), "%s/spool-open", s.dir);
	(void)snprintf(command, sizeof(command), "test -n \"$(ls %s)\"", dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	node_save(&n, 1, 1, "saved");
	node_end(&n, 2);
	NODE_EXPECT(&n, "oo");
	assert_false(drive(n.redis, 500, never, NULL));
	assert_int_not_equal(system(command), 0); /* NOLINT(cert-env33-c) */
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered_meanwhile),
		cmocka_unit_test(test_answered_and_saved),
		cmocka_unit_test(test_emptied_stream),
		cmocka_unit_test(test_repeated_end),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_redis_away),
		cmocka_unit_test(test_load_waits_for_the_spool),
		cmocka_unit_test(test_replay_refused),
		cmocka_unit_test(test_spool_replayed_twice),
		cmocka_unit_test(test_acknowledged_and_lost),
		cmocka_unit_test(test_taken_and_lost),
		cmocka_unit_test(test_left_to_another),
		cmocka_unit_test(test_fenced_on_its_way),
		cmocka_unit_test(test_ended_too_late),
		cmocka_unit_test(test_restored_is_remembered),
		cmocka_unit_test(test_numbers_used_up),
		cmocka_unit_test(test_unreadable_after_another),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_markers_are_forgotten),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
