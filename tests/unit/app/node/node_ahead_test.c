/* SPDX-License-Identifier: Apache-2.0 */
/* A shard that is about to come: which ports are bound ahead, when its owner is asked, and what its flows say before it is live. */
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/settings/settings.h"
#include "sig/sip/id.h"
#include "tests/unit/netns.h"
#include "tests/unit/test.h"

enum { NUMBER = 17, OTHER = 18, PORT = 20000, PAIRS = 50, MANY = 100, EVENTS_MAX = 4096 };

/* ---- what stands around it ---- */

static struct settings g_settings;
static struct node_life g_life;
static struct node_shards g_shards;
static struct node g_node = { .settings = &g_settings, .life = &g_life, .shards = &g_shards };
static struct node_shard *const g_shard = &g_shards.list[0];

static struct {
	store_peek_fn *each; /* of the question that is open; NULL: none is */
	store_done_fn *done;
	void *arg;
	uint32_t asked, told; /* questions; how often whoever waits was told */
	uint16_t network;     /* of the record's places */
	uint32_t opened;      /* rounds of flows */
	uint32_t heard, durations[EVENTS_MAX + 1];
} g;

void __wrap_store_peek_calls(struct store_shard *s, store_peek_fn *each, store_done_fn *done,
			     void *arg);
void __wrap_shard_record_places(struct shard *s, struct bytes record, struct instant now,
				shard_place_fn *each, void *arg);
void __wrap_shard_media_event(struct shard *s, const struct media_event *event, struct instant now);
struct effects *__wrap_shard_effects(struct shard *s);
void __wrap_effects_open_prebound(struct effects_to *to, struct effects *e);

void __wrap_store_peek_calls(struct store_shard *s, store_peek_fn *each, store_done_fn *done,
			     void *arg)
{
	(void)s;
	assert_null(g.each); /* one at a time */
	g.each = each;
	g.done = done;
	g.arg = arg;
	g.asked++;
}

/* A record is its port. */
void __wrap_shard_record_places(struct shard *s, struct bytes record, struct instant now,
				shard_place_fn *each, void *arg)
{
	struct shard_place place = { .network = g.network, .rtp = g_settings.networks[0].bind };

	(void)s;
	(void)now;
	memcpy(&place.rtp.port, record.p, sizeof(place.rtp.port));
	place.rtcp = place.rtp;
	place.rtcp.port++;
	each(&place, arg);
}

void __wrap_shard_media_event(struct shard *s, const struct media_event *event, struct instant now)
{
	(void)s;
	(void)now;
	g.durations[g.heard++] = event->duration_ms;
}

struct effects *__wrap_shard_effects(struct shard *s)
{
	(void)s;
	return NULL;
}

void __wrap_effects_open_prebound(struct effects_to *to, struct effects *e)
{
	(void)e;
	assert_true(to->hurries);
	g.opened++;
}

static void on_prepared(struct node_shard *s)
{
	assert_ptr_equal(s, g_shard);
	g.told++;
}

static void peek_record(uint16_t port)
{
	g.each(bytes_mem(&port, sizeof(port)), g.arg);
}

static void peek_end(enum store_result result)
{
	store_done_fn *done = g.done;

	g.each = NULL;
	g.done = NULL;
	done(result, 0, 0, g.arg);
}

static void prepare(void)
{
	node_ahead_prepare(g_shard, on_prepared);
}

static struct media_event event_of(uint16_t shard, uint32_t number)
{
	return (struct media_event){ .kind = MEDIA_FLOW_LATCHED,
				     .call = id_call_derive(shard, BYTES_LIT("c")),
				     .duration_ms = number };
}

static bool keeps(uint16_t shard, uint32_t number)
{
	const struct media_event event = event_of(shard, number);

	return node_ahead_keeps(&g_node, &event);
}

static int setup(void **state)
{
	struct settings_network *at = g_settings.networks;

	(void)state;
	memset(&g, 0, sizeof(g));
	memset(&g_settings, 0, sizeof(g_settings));
	memset(&g_shards, 0, sizeof(g_shards));
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	g_life.phase = NODE_RUNNING;
	g_shards.count = 1;
	g_settings.network_count = 1;
	at->floating = true;
	at->shard = NUMBER;
	at->media_ports.first = PORT;
	at->media_ports.last = PORT + 2 * PAIRS - 1;
	g_shard->node = &g_node; /* all of it is zero: a literal would be on the stack */
	g_shard->number = NUMBER;
	g_shard->state = NODE_SHARD_WAITING;
	g_shard->wants_until_ns = UINT64_MAX;
	return addr_parse(&at->bind, BYTES_LIT("192.0.2.9"));
}

static int teardown(void **state)
{
	(void)state;
	node_ahead_close(g_shard);
	return 0;
}

static void anew(void)
{
	(void)teardown(NULL);
	(void)setup(NULL);
}

/* ---- before it is given ---- */

static void test_bound_then_asked_for(void **state)
{
	(void)state;
	prepare();
	assert_int_equal(g.asked, 1);
	peek_record(PORT);
	peek_record(PORT + 2);
	assert_int_equal(g_shard->ahead.sockets.count, 2);
	assert_int_equal(g.told, 0);
	peek_end(STORE_OK);
	assert_int_equal(g.told, 1);
	assert_int_equal(g_shard->ahead.sockets.count, 2); /* for its flows */
}

/* What cannot be read is bound when it comes. */
static void test_redis_does_not_say(void **state)
{
	(void)state;
	prepare();
	peek_record(PORT);
	peek_end(STORE_UNKNOWN);
	assert_int_equal(g.told, 1);
}

/* Ports of a network that is no shard's, and more than there are. */
static void test_what_is_not_bound(void **state)
{
	(void)state;
	prepare();
	g.network = 1;
	peek_record(PORT);
	assert_int_equal(g_shard->ahead.sockets.count, 0);
	g.network = 0;
	for (uint32_t i = 0; i < PAIRS + 2; i++)
		peek_record((uint16_t)(PORT + 2 * i));
	assert_int_equal(g_shard->ahead.sockets.count, PAIRS);
}

/* The owner may have the ports, where the machine has the address. */
static void test_address_is_here(void **state)
{
	(void)state;
	assert_int_equal(addr_parse(&g_settings.networks[0].bind, BYTES_LIT("127.0.0.1")), 0);
	prepare();
	assert_int_equal(g.asked, 0);
	assert_int_equal(g.told, 1);
}

/* The owner is asked before all is bound, once, and nothing more is bound. */
static void test_takes_too_long(void **state)
{
	uint64_t before_ns = clock_now_ns();

	(void)state;
	prepare();
	assert_true(g_shard->ahead.until_ns >= before_ns + NS_PER_S);
	assert_true(g_shard->ahead.until_ns <= clock_now_ns() + 4 * NS_PER_S);
	peek_record(PORT);
	g_shard->ahead.until_ns = clock_now_ns();
	peek_record(PORT + 2);
	assert_int_equal(g.told, 1);
	peek_record(PORT + 4);
	assert_int_equal(g_shard->ahead.sockets.count, 1);
	peek_end(STORE_OK);
	assert_int_equal(g.told, 1);
}

static void assert_given_up(void)
{
	peek_record(PORT + 2);
	peek_end(STORE_OK);
	assert_int_equal(g.told, 0);
}

/* Its owner did not give it in time, it is here, somebody claimed it, or this node ends. */
static void test_nobody_waits_for_it(void **state)
{
	(void)state;
	prepare();
	g_shard->wants_until_ns = 0;
	assert_given_up();
	anew();
	prepare();
	g_shard->state = NODE_SHARD_LIVE;
	assert_given_up();
	anew();
	prepare();
	g_shard->owned = true;
	assert_given_up();
	anew();
	prepare();
	g_life.phase = NODE_STOPPING;
	assert_given_up();
}

/* What Redis still answers binds nothing, also where the shard is wanted anew: that is asked for at once. */
static void test_closed_amid_the_question(void **state)
{
	(void)state;
	prepare();
	peek_record(PORT);
	node_ahead_close(g_shard);
	assert_int_equal(g_shard->ahead.sockets.count, 0);
	peek_record(PORT + 2);
	assert_int_equal(g_shard->ahead.sockets.count, 0);
	prepare();
	assert_int_equal(g.asked, 1);
	assert_int_equal(g.told, 1);
	peek_record(PORT + 4);
	peek_end(STORE_OK);
	assert_int_equal(g_shard->ahead.sockets.count, 0);
	assert_int_equal(g.told, 1);
	prepare();
	assert_int_equal(g.asked, 2);
	peek_record(PORT);
	peek_end(STORE_OK);
	assert_int_equal(g_shard->ahead.sockets.count, 1);
	assert_int_equal(g.told, 2);
}

/* ---- until it is live ---- */

static void test_opened_while_it_loads(void **state)
{
	(void)state;
	assert_false(node_ahead_round(&g_node));
	assert_int_equal(g.opened, 0);
	g_shard->ahead.loads = true;
	assert_true(node_ahead_round(&g_node)); /* its addresses are not here */
	assert_int_equal(g.opened, 0);
	g_shard->has_addresses = true;
	assert_true(node_ahead_round(&g_node));
	assert_int_equal(g.opened, 1);
	assert_false(g_shard->effects_to.hurries);
	g_shard->state = NODE_SHARD_LIVE;
	assert_false(node_ahead_round(&g_node));
	assert_int_equal(g.opened, 1);
}

/* Told when it is live, in their order and once; then and before it loads nothing is kept. */
static void test_events_wait(void **state)
{
	(void)state;
	assert_false(keeps(NUMBER, 0));
	g_shard->ahead.loads = true;
	assert_false(keeps(OTHER, 0));
	for (uint32_t i = 0; i < MANY; i++)
		assert_true(keeps(NUMBER, i));
	assert_int_equal(g.heard, 0);
	g_shard->state = NODE_SHARD_LIVE;
	assert_false(keeps(NUMBER, MANY));
	node_ahead_notify(g_shard);
	assert_int_equal(g.heard, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(g.durations[i], i);
	node_ahead_notify(g_shard);
	assert_int_equal(g.heard, MANY);
	g_shard->state = NODE_SHARD_WAITING;
	assert_false(keeps(NUMBER, 0));
}

/* Whoever floods loses the newest. */
static void test_too_many_events(void **state)
{
	(void)state;
	g_shard->ahead.loads = true;
	log_setup(-1, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	for (uint32_t i = 0; i < EVENTS_MAX + 10; i++)
		assert_true(keeps(NUMBER, i));
	node_ahead_notify(g_shard);
	assert_int_equal(g.heard, EVENTS_MAX);
	assert_int_equal(g.durations[EVENTS_MAX - 1], EVENTS_MAX - 1);
}

/* The shard did not come: what its flows said is nobody's. */
static void test_events_of_none(void **state)
{
	(void)state;
	g_shard->ahead.loads = true;
	assert_true(keeps(NUMBER, 1));
	node_ahead_close(g_shard);
	assert_false(keeps(NUMBER, 2));
	node_ahead_notify(g_shard);
	assert_int_equal(g.heard, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		TEST(test_bound_then_asked_for),
		TEST(test_redis_does_not_say),
		TEST(test_what_is_not_bound),
		TEST(test_address_is_here),
		TEST(test_takes_too_long),
		TEST(test_nobody_waits_for_it),
		TEST(test_closed_amid_the_question),
		TEST(test_opened_while_it_loads),
		TEST(test_events_wait),
		TEST(test_too_many_events),
		TEST(test_events_of_none),
#undef TEST
	};

	if (!netns_enter()) {
		print_message("1..0 # SKIP no network of its own is allowed here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
