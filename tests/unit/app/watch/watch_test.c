/* SPDX-License-Identifier: Apache-2.0 */
/* Traces and copies beside the control thread: what is written, what bounds it, what is lost. Run under ThreadSanitizer, too. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

#include "app/settings/settings.h"
#include "app/watch/watch.h"
#include "engine/engine.h"

#define CALL UINT64_C(0x0007000000001234)

struct eyes {
	struct watch *w;
	struct engine *engine;
	struct rig *rig;
	struct shard_local local;
	char dir[64];
	int collector; /* a socket */
	struct hep_settings hep;
	struct watch_limits limits;
};

static int setup(void **state)
{
	struct eyes *e = calloc(1, sizeof(*e));
	const struct engine_settings media = {
		.workers = 1, .slots = 8, .commands = 16, .events = 16, .port = ENGINE_PORT_EPOLL
	};
	struct watch_settings settings = { 0 };
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	assert_non_null(e);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	(void)snprintf(e->dir, sizeof(e->dir), "/tmp/tandem-watch-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	e->rig = rig_open();
	watch_setup();
	assert_int_equal(engine_open(&e->engine, &media), 0);
	assert_int_equal(addr_parse(&e->local.bind, BYTES_LIT("127.0.0.1:0")), 0);
	e->collector = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)addr_to_sockaddr(&e->local.bind, &sa);
	assert_int_equal(bind(e->collector, (struct sockaddr *)&sa, sizeof(struct sockaddr_in)), 0);
	assert_int_equal(getsockname(e->collector, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(addr_from_sockaddr(&e->hep.collector, (struct sockaddr *)&sa), 0);
	e->local.bind.port = 5060;
	e->limits =
		(struct watch_limits){ .quota = 1 << 20, .files = 3, .keep_ns = 3600 * NS_PER_S };
	settings = (struct watch_settings){ .state_dir = e->dir,
					    .engine = e->engine,
					    .locals = &e->local,
					    .local_count = 1,
					    .limits = e->limits };
	assert_int_equal(watch_open(&e->w, &settings), 0);
	*state = e;
	return 0;
}

static void folder_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *f;

	while (dir && (f = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), f->d_name, 0);
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

static int teardown(void **state)
{
	struct eyes *e = *state;
	char path[96];

	watch_close(e->w);
	engine_close(e->engine);
	rig_close(e->rig);
	(void)close(e->collector);
	(void)snprintf(path, sizeof(path), "%s/trace", e->dir);
	folder_empty(path);
	folder_empty(e->dir);
	free(e);
	return 0;
}

static void say(struct eyes *e, uint64_t call, const char *text)
{
	struct sip_hop hop = { 0 };

	assert_int_equal(addr_parse(&hop.remote, BYTES_LIT("192.0.2.9:5070")), 0);
	watch_message(e->w, &hop, true, call, bytes_str(text));
}

static struct trace_order order_of(uint64_t call)
{
	return (struct trace_order){ .call = call, .octets = 200000, .seconds = 60 };
}

static bool call_seen(uint64_t call, struct call_view *out, void *arg)
{
	return shard_call_view(arg, call, out);
}

/* The call is none that the shard has: two looks with a second between them end its trace. */
static void tick_to_the_end(struct eyes *e, uint64_t call)
{
	struct instant now = clock_instant();
	struct trace_view v;

	watch_tick(e->w, call_seen, e->rig->shard, now);
	now.ns += 2 * NS_PER_S;
	for (int i = 0; i < 1000 && watch_trace_by_call(e->w, call, &v); i++) {
		watch_tick(e->w, call_seen, e->rig->shard, now);
		(void)usleep(2000);
	}
	assert_false(watch_trace_by_call(e->w, call, &v));
	watch_tick(e->w, call_seen, e->rig->shard, now);
}

static struct bytes file_read(struct eyes *e, const char *name)
{
	static uint8_t octets[1 << 20];
	size_t n = sizeof(octets);
	uint64_t size;

	assert_int_equal(trace_store_read(watch_trace_store(e->w), bytes_str(name), 0, octets, &n,
					  &size),
			 0);
	assert_int_equal(n, size);
	return bytes_mem(octets, n);
}

/* Blocks of that type; each is whole. */
static uint32_t blocks(struct bytes file, uint32_t type)
{
	uint32_t n = 0;

	while (file.n) {
		uint32_t length;

		assert_true(file.n >= 12);
		length = be32_get(file.p + 4);
		assert_true(length <= file.n && be32_get(file.p + length - 4) == length);
		n += be32_get(file.p) == type;
		file = bytes_from(file, length);
	}
	return n;
}

static bool has(struct bytes file, const char *text)
{
	return memmem(file.p, file.n, text, strlen(text)) != NULL;
}

static void a_trace_of_messages(void **state)
{
	struct eyes *e = *state;
	struct trace_order order = order_of(CALL);
	struct trace_view v;
	struct bytes file;
	char name[TRACE_NAME_MAX];
	struct stat st;
	char path[160];

	assert_false(watch_wants(e->w));
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	(void)snprintf(name, sizeof(name), "%s", v.name);
	assert_true(watch_wants(e->w));
	say(e, CALL,
	    "MESSAGE one\r\nAuthorization: Digest response=\"abcd\"\r\n\r\na=x inline:KEY1|\r\n");
	say(e, CALL + 1, "of another call");
	say(e, 0, "of none");
	tick_to_the_end(e, CALL);
	assert_false(watch_wants(e->w));
	file = file_read(e, name);
	assert_int_equal(blocks(file, 6), 1);
	assert_int_equal(blocks(file, 5), 1);
	assert_true(has(file, "response=\"xxxx\"") && has(file, "inline:xxxx|"));
	assert_false(has(file, "another"));
	(void)snprintf(path, sizeof(path), "%s/trace/%s", e->dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	say(e, CALL, "too late");
	assert_int_equal(trace_store_delete(watch_trace_store(e->w), bytes_str(name)), 0);
}

static void who_may_and_how_many(void **state)
{
	struct eyes *e = *state;
	struct trace_order order = order_of(CALL), other;
	struct trace_view v, again;

	order.decrypted = true;
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), -EPERM);
	e->limits.decrypted = true;
	watch_configure(e->w, &e->limits, &(struct hep_settings){ 0 });
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &again), 0);
	assert_ptr_equal(v.name, again.name);
	other = order;
	other.seconds++;
	assert_int_equal(watch_trace_start(e->w, &other, clock_instant(), &v), -EALREADY);
	other = order_of(CALL + 1);
	other.octets = (1 << 20) - 100000;
	assert_int_equal(watch_trace_start(e->w, &other, clock_instant(), &v), -EDQUOT);
	for (uint64_t i = 1; i <= 2; i++) {
		other = order_of(CALL + i);
		assert_int_equal(watch_trace_start(e->w, &other, clock_instant(), &v), 0);
	}
	other = order_of(CALL + 3);
	assert_int_equal(watch_trace_start(e->w, &other, clock_instant(), &v), -EDQUOT);
	assert_int_equal(watch_trace_stop(e->w, BYTES_LIT("nobody")), -ENOENT);
	/* what is no longer permitted ends */
	e->limits.decrypted = false;
	watch_configure(e->w, &e->limits, &(struct hep_settings){ 0 });
	for (int i = 0; i < 1000 && watch_trace_by_call(e->w, CALL, &v); i++)
		(void)usleep(2000);
	assert_false(watch_trace_by_call(e->w, CALL, &v));
	assert_true(watch_trace_by_call(e->w, CALL + 1, &v));
	assert_int_equal(watch_trace_stop(e->w, bytes_str(v.name)), 0);
}

/* The node ends: all that was said is there, and the file is whole. */
static void the_end_of_the_node(void **state)
{
	struct eyes *e = *state;
	struct trace_order order = order_of(CALL);
	struct trace_store store = *watch_trace_store(e->w);
	struct trace_entry entry;
	struct trace_view v;
	struct watch_settings again = { .state_dir = e->dir,
					.engine = e->engine,
					.locals = &e->local,
					.local_count = 1,
					.limits = e->limits };

	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	for (int i = 0; i < 100; i++)
		say(e, CALL, "a message");
	watch_close(e->w);
	assert_int_equal(trace_store_list(&store, &entry, 1), 1);
	assert_int_equal(watch_open(&e->w, &again), 0);
	assert_false(watch_trace_by_call(e->w, CALL, &v));
	assert_int_equal(blocks(file_read(e, entry.name), 6), 100);
	assert_int_equal(blocks(file_read(e, entry.name), 5), 1);
}

/* It waits for a call of somebody, begins with what was before, and is then a trace as any other. */
static void the_next_call(void **state)
{
	static struct call_view call = {
		.call = CALL, .from = "1002", .to = "1001", .tenant = "acme"
	};
	struct eyes *e = *state;
	struct trace_order order = {
		.user = "1001", .tenant = "acme", .side = TRACE_FROM, .octets = 100000, .seconds = 9
	};
	struct watch_past past = { .call = CALL, .utc_ms = 1700000000000, .sent = true };
	struct trace_view v, again;
	char name[TRACE_NAME_MAX];
	struct bytes file;

	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &again), 0);
	assert_ptr_equal(v.name, again.name);
	(void)snprintf(name, sizeof(name), "%s", v.name);
	assert_true(watch_waits(e->w) && watch_wants(e->w));
	say(e, 0, "of none");
	watch_tick(e->w, call_seen, e->rig->shard, clock_instant());
	assert_false(watch_catch(e->w, &call, clock_instant(), &v));
	(void)snprintf(call.from, sizeof(call.from), "1001");
	(void)snprintf(call.tenant, sizeof(call.tenant), "other");
	assert_false(watch_catch(e->w, &call, clock_instant(), &v));
	(void)snprintf(call.tenant, sizeof(call.tenant), "acme");
	assert_true(watch_catch(e->w, &call, clock_instant(), &v));
	assert_int_equal(v.call, CALL);
	assert_false(watch_waits(e->w));
	past.message = BYTES_LIT("INVITE of before inline:KEY|");
	watch_past(e->w, &past);
	past.decrypted = true; /* for others */
	watch_past(e->w, &past);
	say(e, CALL, "of now");
	tick_to_the_end(e, CALL);
	file = file_read(e, name);
	assert_int_equal(blocks(file, 6), 2);
	assert_true(has(file, "next call from 1001") && has(file, "inline:xxx|"));
	assert_false(has(file, "of none"));
	assert_false(watch_wants(e->w));
}

static void one_that_waits_is_stopped(void **state)
{
	struct trace_order order = {
		.user = "1001", .shard = 7, .side = TRACE_TO, .octets = 100000, .seconds = 9
	};
	struct eyes *e = *state;
	char name[TRACE_NAME_MAX];
	struct trace_entry entry;
	struct trace_view v;
	uint64_t id, utc_ms;

	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	(void)snprintf(name, sizeof(name), "%s", v.name);
	assert_int_equal(trace_name_read(bytes_str(name), &id, &utc_ms), 0);
	assert_int_equal(id_shard(id), 7); /* whose node has the file */
	assert_int_equal(trace_store_list(watch_trace_store(e->w), &entry, 1), 1);
	assert_int_equal(entry.call, 0);
	assert_int_equal(watch_trace_stop(e->w, bytes_str(name)), 0);
	for (int i = 0; i < 1000 && watch_waits(e->w); i++) {
		watch_tick(e->w, call_seen, e->rig->shard, clock_instant());
		(void)usleep(2000);
	}
	assert_false(watch_waits(e->w));
	assert_int_equal(watch_trace_stop(e->w, bytes_str(name)), -ENOENT);
}

static void octets_bound_it(void **state)
{
	struct eyes *e = *state;
	struct trace_order order = order_of(CALL);
	static char text[3000];
	struct trace_entry entry;
	struct trace_view v;

	memset(text, 'a', sizeof(text) - 1);
	order.octets = 65536;
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	for (int i = 0; i < 100; i++)
		say(e, CALL, text);
	for (int i = 0; i < 1000 && watch_trace_by_call(e->w, CALL, &v); i++)
		(void)usleep(2000);
	assert_int_equal(trace_store_list(watch_trace_store(e->w), &entry, 1), 1);
	assert_in_range(entry.octets, 60000, 65536);
	assert_int_equal(blocks(file_read(e, entry.name), 5), 1);
}

static size_t collected(struct eyes *e, uint8_t *out, size_t cap)
{
	struct pollfd p = { .fd = e->collector, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 3000) != 1)
		return 0;
	n = recv(e->collector, out, cap, 0);
	return n > 0 ? (size_t)n : 0;
}

static void copies_for_a_collector(void **state)
{
	struct eyes *e = *state;
	uint8_t octets[2000];
	struct bytes got = { .p = octets };
	char id[BASE32_U64_LEN + 1] = { 0 };

	e->hep.capture_id = 9;
	watch_configure(e->w, &e->limits, &e->hep);
	assert_true(watch_wants(e->w));
	say(e, CALL, "one inline:KEY");
	got.n = collected(e, octets, sizeof(octets));
	base32_u64_put(id, CALL);
	assert_true(got.n > 6 && !memcmp(octets, "HEP3", 4));
	assert_true(has(got, "one inline:xxx") && has(got, id));
	say(e, 0, "two");
	got.n = collected(e, octets, sizeof(octets));
	assert_true(has(got, "two") && !has(got, id));
	e->hep.collector.family = ADDR_NONE;
	watch_configure(e->w, &e->limits, &e->hep);
	assert_false(watch_wants(e->w));
}

/* More than the thread can take: what is lost is counted, and nobody waited. */
static void a_flood(void **state)
{
	struct eyes *e = *state;
	struct trace_order order = order_of(CALL);
	static char text[60000];
	struct trace_view v;

	memset(text, 'b', sizeof(text) - 1);
	order.octets = 1 << 19;
	assert_int_equal(watch_trace_start(e->w, &order, clock_instant(), &v), 0);
	for (int i = 0; i < 3000; i++)
		say(e, CALL, text);
	for (int i = 0; i < 1000 && watch_trace_by_call(e->w, CALL, &v); i++)
		(void)usleep(2000);
	assert_false(watch_trace_by_call(e->w, CALL, &v));
}

static void names(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "../keys",
					   "0000000000000-1.pcapn",
					   "0000000000000-1.pcapng/",
					   "0000000000000-01.pcapng",
					   "0000000000000-.pcapng",
					   "0000000000000.pcapng",
					   "/tmp/0000000000000-1.pcapng",
					   "000000000000V-1.pcapng",
					   "0000000000000-9999999999999999.pcapng" };
	char name[TRACE_NAME_MAX];
	uint64_t call, utc_ms;

	(void)state;
	trace_name_write(name, CALL, UINT64_C(1700000000000));
	assert_int_equal(trace_name_read(bytes_str(name), &call, &utc_ms), 0);
	assert_true(call == CALL && utc_ms == UINT64_C(1700000000000));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (trace_name_read(bytes_str(bad[i]), &call, &utc_ms) != -EINVAL)
			fail_msg("%s is no name", bad[i]);
	}
}

#define EYES_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EYES_TEST(a_trace_of_messages),    EYES_TEST(who_may_and_how_many),
		EYES_TEST(the_end_of_the_node),    EYES_TEST(octets_bound_it),
		EYES_TEST(the_next_call),          EYES_TEST(one_that_waits_is_stopped),
		EYES_TEST(copies_for_a_collector), EYES_TEST(a_flood),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
