/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of devices ask Redis for what other nodes have seen: some at once, each not again soon. A
 * phone that does not register is looked for less and less often. */
#define store_kept_get        test_kept_get
#define command_document_look test_document_look
#define device_of             test_device_of
#define device_read           test_device_read
#include "app/feature/provision/device_seen.c"

#include "tests/unit/test.h"

enum { DEVICES = 300 };

static struct node_redis g_redis;
static struct node g_node = { .redis = &g_redis };
static struct device_entry g_devices[DEVICES];
static struct {
	store_kept_fn *done;
	void *arg;
} g_asked[2 * DEVICES];
static uint32_t g_count;

void test_kept_get(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		   void *arg)
{
	(void)s;
	(void)of;
	assert_true(g_count < COUNT_OF(g_asked));
	g_asked[g_count].done = done;
	g_asked[g_count++].arg = arg;
}

bool test_document_look(const struct command_run *run, const struct command_span *span,
			struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	(void)run;
	(void)span;
	(void)show;
	if (at->place == DEVICES)
		return false;
	(void)snprintf(out->key, sizeof(out->key), "%012u", at->place++);
	out->json = json_pack("{s:s}", "generation", "8.5");
	return true;
}

struct device_entry *test_device_of(uint16_t tenant, struct bytes mac)
{
	uint64_t place = 0;

	(void)tenant;
	assert_int_equal(bytes_u64(mac, &place), 0);
	return &g_devices[place];
}

static uint32_t g_reads;

bool test_device_read(struct node *n, const struct device_entry *d, struct device_value *out)
{
	(void)n;
	(void)d;
	(void)out;
	g_reads++;
	return false;
}

/* So many more are asked for. */
static uint32_t list(void)
{
	struct command_run run = { .node = &g_node, .tenant = "default" };
	struct command_walk_entry row = { 0 };
	struct command_walk_at at = { 0 };
	uint32_t before = g_count;

	while (device_row(&run, NULL, &at, true, &row))
		json_decref(row.json);
	return g_count - before;
}

static void test_list(void **state)
{
	char text[] = "1\n2\n3\n4\n5\nrev\n\nphone\n";

	(void)state;
	g_redis.store = (struct store_shared *)&g_node; /* which is not looked at */
	assert_int_equal(tenants_open(&g_node.common.tenants, &(struct hash_key){ 1, 2 }), 0);
	for (uint32_t i = 0; i < DEVICES; i++)
		(void)snprintf(g_devices[i].mac, sizeof(g_devices[i].mac), "%012u", i);
	assert_int_equal(list(), 128);
	assert_int_equal(list(), 0); /* those are under way */
	for (uint32_t i = 0; i < 128; i++)
		g_asked[i].done(i ? STORE_OK : STORE_REFUSED, true, bytes_str(text),
				g_asked[i].arg);
	assert_int_equal(g_devices[0].seen.at[DEVICE_FETCHED], 0);
	assert_int_equal(g_devices[1].seen.at[DEVICE_FETCHED], 3);
	assert_false(g_devices[1].sync_read); /* a list is no look before it is asked */
	assert_int_equal(list(), 128);        /* the next ones */
	for (uint32_t i = 128; i < 256; i++)
		g_asked[i].done(STORE_OK, false, (struct bytes){ 0 }, g_asked[i].arg);
	assert_int_equal(list(), DEVICES - 256);
	assert_int_equal(list(), 0);
	g_devices[7].looked_ns -= 6 * NS_PER_S;
	assert_int_equal(list(), 1);
	for (uint32_t i = 256; i < g_count; i++)
		g_asked[i].done(STORE_OK, false, (struct bytes){ 0 }, g_asked[i].arg);
	tenants_close(g_node.common.tenants);
}

/* How often it is looked for in a minute of beats, so long behind its files. */
static uint32_t looked(uint64_t since_ms)
{
	struct device_entry d = { .awaited = true };
	uint64_t now_ns = clock_now_ns();

	d.seen.at[DEVICE_FETCHED] = clock_utc_ms() - since_ms;
	g_reads = 0;
	for (uint32_t i = 0; i < 120; i++)
		device_await(&g_node, &d, now_ns + i * NS_PER_S / 2);
	assert_int_equal(d.awaited, since_ms < 600000);
	return g_reads;
}

static void test_awaited(void **state)
{
	(void)state;
	assert_int_equal(looked(0), 120);
	assert_in_range(looked(20000), 11, 12);
	assert_int_equal(looked(500000), 6);
	assert_int_equal(looked(600001), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_list),
					    cmocka_unit_test(test_awaited) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
