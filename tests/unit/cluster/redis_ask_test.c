/* SPDX-License-Identifier: Apache-2.0 */
/* A slot of a Redis Cluster is on its way from one server to another: what is not at the first any more is asked of the second. */
#include "tests/unit/cluster/node.h"
#include "tests/unit/cluster/slots.h"

#include "cluster/redis/route.h"

enum { ID_MAX = 64, ANSWERS = 3 };

static const struct bytes KEY = BYTES_LIT("td:{moves}:a"), OTHER = BYTES_LIT("td:{moves}:b");

/* ---- two servers ---- */

struct two {
	struct server first, second;
	const struct server *source, *target; /* of the slot */
	char source_id[ID_MAX], target_id[ID_MAX];
	unsigned slot;
};

static void id_read(char id[ID_MAX], const struct server *s)
{
	(void)snprintf(id, ID_MAX, "%s", server_ask(s, "CLUSTER MYID"));
}

static void two_start(struct two *t)
{
	struct slots_ports other;

	(void)slots_run(&t->first, 0, 8191);
	other = slots_run(&t->second, 8192, 16383);
	assert_string_equal(server_ask(&t->first, "CLUSTER MEET 127.0.0.1 %u %u", other.commands,
				       other.bus),
			    "OK");
	slots_wait(&t->first);
	slots_wait(&t->second);
	t->slot = redis_slot(KEY);
	t->source = t->slot < 8192 ? &t->first : &t->second;
	t->target = t->slot < 8192 ? &t->second : &t->first;
	id_read(t->source_id, t->source);
	id_read(t->target_id, t->target);
}

static void two_stop(struct two *t)
{
	server_stop(&t->first);
	server_stop(&t->second);
}

static void move_begin(const struct two *t)
{
	assert_string_equal(server_ask(t->target, "CLUSTER SETSLOT %u IMPORTING %s", t->slot,
				       t->source_id),
			    "OK");
	assert_string_equal(server_ask(t->source, "CLUSTER SETSLOT %u MIGRATING %s", t->slot,
				       t->target_id),
			    "OK");
}

static unsigned keys_at(const struct server *s, const struct two *t)
{
	return (unsigned)strtoul(server_ask(s, "CLUSTER COUNTKEYSINSLOT %u", t->slot), NULL, 10);
}

/* ---- commands ---- */

struct said {
	size_t n;
	char text[ANSWERS][64];
};

static void on_said(int err, const struct redisReply *reply, void *arg)
{
	struct said *said = arg;
	struct bytes text = redis_reply_text(reply);

	assert_true(said->n < ANSWERS);
	if (err)
		text = bytes_str(strerror(-err));
	(void)bytes_cstr(text, said->text[said->n++], sizeof(said->text[0]));
}

static void set(struct redis *r, struct bytes key, const char *value, struct said *said)
{
	const struct bytes args[] = { BYTES_LIT("SET"), key, bytes_str(value) };

	assert_int_equal(redis_command(r, args, COUNT_OF(args), 5 * NS_PER_S, on_said, said), 0);
}

static void get(struct redis *r, struct bytes key, struct said *said)
{
	const struct bytes args[] = { BYTES_LIT("GET"), key };

	assert_int_equal(redis_command(r, args, COUNT_OF(args), 5 * NS_PER_S, on_said, said), 0);
}

static bool has_two(void *arg)
{
	return ((struct said *)arg)->n >= 2;
}

static struct redis *connected(const struct two *t)
{
	struct redis_settings settings = { 0 };
	struct redis *r;

	(void)snprintf(settings.place.url, sizeof(settings.place.url), "%s", t->first.url);
	assert_int_equal(redis_open(&r, &settings, NULL, NULL), 0);
	assert_true(drive(r, 10000, is_up, r));
	return r;
}

/* What is there stays there, what is not is written where the slot goes; and nothing is lost, nor begins anew. */
static void test_asks(void **state)
{
	struct said sets = { 0 }, gets = { 0 }, both = { 0 };
	uint64_t losses;
	struct redis *r;
	struct two t;

	(void)state;
	two_start(&t);
	r = connected(&t);
	set(r, KEY, "here", &both);
	get(r, KEY, &both);
	assert_true(drive(r, 5000, has_two, &both));
	losses = node_metric("tandem_redis_losses_total", NULL);
	move_begin(&t);
	set(r, OTHER, "there", &sets);
	set(r, KEY, "still here", &sets);
	assert_true(drive(r, 5000, has_two, &sets));
	assert_string_equal(sets.text[0], "OK");
	assert_string_equal(sets.text[1], "OK");
	assert_int_equal(keys_at(t.source, &t), 1);
	assert_int_equal(keys_at(t.target, &t), 1);
	get(r, KEY, &gets);
	assert_true(drive(r, 5000, is_up, r));
	get(r, OTHER, &gets);
	assert_true(drive(r, 5000, has_two, &gets));
	assert_string_equal(gets.text[0], "still here");
	assert_string_equal(gets.text[1], "there");
	assert_int_equal(node_metric("tandem_redis_losses_total", NULL), losses);
	redis_close(r);
	two_stop(&t);
}

/* Its server stands still: who waits for it hears of its end, whether it was asked at first or because of another one. */
static void test_closed_amid(void **state)
{
	struct said said = { 0 };
	struct redis *r;
	struct two t;

	(void)state;
	two_start(&t);
	r = connected(&t);
	move_begin(&t);
	server_signal(t.target, SIGSTOP);
	set(r, OTHER, "there", &said);
	assert_false(drive(r, 300, has_two, &said));
	server_signal(t.source, SIGSTOP);
	set(r, KEY, "here", &said);
	assert_false(drive(r, 100, has_two, &said));
	redis_close(r);
	assert_int_equal(said.n, 2);
	assert_string_equal(said.text[0], strerror(ENOTCONN));
	assert_string_equal(said.text[1], strerror(ENOTCONN));
	two_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asks, loop_setup, loop_teardown),
		cmocka_unit_test_setup_teardown(test_closed_amid, loop_setup, loop_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
