/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web.h"
#include "app/web/web_request.h"
#include "app/web/web_route.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "tests/unit/test.h"

enum { ANSWER_MAX = 65536 };

static struct health g_health;
static struct addr g_address;
static struct web *g_web;

static int open_at(struct web **out, const struct addr *address)
{
	const struct web_settings settings = { .bind = *address,
					       .health = &g_health,
					       .per_source = UINT32_MAX };

	return web_open(out, &settings);
}

static int socket_open(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 10 };

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int dial(void)
{
	struct sockaddr_storage sa;
	uint32_t n = addr_to_sockaddr(&g_address, &sa);
	int fd = socket_open();

	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	return fd;
}

static void free_port(void)
{
	struct sockaddr_storage sa;
	socklen_t size = sizeof(sa);
	uint32_t n;
	int fd = socket_open();

	assert_int_equal(addr_parse(&g_address, BYTES_LIT("127.0.0.1")), 0);
	n = addr_to_sockaddr(&g_address, &sa);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &size), 0);
	assert_int_equal(addr_from_sockaddr(&g_address, (const struct sockaddr *)&sa), 0);
	(void)close(fd);
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Until the other side closes, or as many bytes as fit. */
static char *take(int fd)
{
	static char answer[ANSWER_MAX];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(answer) - 1 &&
	       (got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	return answer;
}

static char *get(const char *request)
{
	int fd = dial();
	char *answer;

	put(fd, request);
	answer = take(fd);
	(void)close(fd);
	return answer;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static int setup(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	web_setup();
	(void)metric_register(METRIC_COUNTER, "tandem_test_total", NULL, "For this test.");
	free_port();
	health_beat(&g_health, clock_now_ns());
	return open_at(&g_web, &g_address);
}

static int teardown(void **state)
{
	(void)state;
	web_close(g_web);
	return 0;
}

static const struct {
	const char *name, *request;
	uint32_t reasons;
	const char *status, *body;
} ROWS[] = {
	{ "healthy", GET("/healthz"), 0, "HTTP/1.1 200", "{\"status\":\"ok\",\"reasons\":[]}" },
	{ "degraded", GET("/healthz"), HEALTH_STORE, "HTTP/1.1 503", "\"redis_away_or_late\"" },
	{ "a silent shard", GET("/healthz"), HEALTH_SHARD_SILENT, "HTTP/1.1 503",
	  "\"shard_silent\"" },
	{ "a lease that Redis may forget", GET("/healthz"), HEALTH_LEASE_UNKEPT, "HTTP/1.1 503",
	  "\"lease_not_kept\"" },
	{ "linked to another Redis", GET("/healthz"), HEALTH_REDIS_OTHER, "HTTP/1.1 503",
	  "\"another_redis\"" },
	{ "two reasons", GET("/healthz"), HEALTH_STORE | HEALTH_STOPPING, "HTTP/1.1 503",
	  "[\"stopping\",\"redis_away_or_late\"]" },
	{ "ready", GET("/readyz"), 0, "HTTP/1.1 200", "ok" },
	{ "degraded is ready", GET("/readyz"), HEALTH_STORE, "HTTP/1.1 200", "degraded" },
	{ "starting is not ready", GET("/readyz"), HEALTH_STARTING, "HTTP/1.1 503", "starting" },
	{ "busy is well", GET("/healthz"), HEALTH_DRAINING, "HTTP/1.1 200",
	  "{\"status\":\"busy\",\"reasons\":[\"draining\"]}" },
	{ "draining", GET("/readyz"), HEALTH_DRAINING, "HTTP/1.1 503", "\"draining\"" },
	{ "calls full", GET("/readyz"), HEALTH_NO_CALLS, "HTTP/1.1 503", "limits_calls_reached" },
	{ "transactions full", GET("/readyz"), HEALTH_NO_TRANSACTIONS, "HTTP/1.1 503",
	  "limits_transactions_reached" },
	{ "no ports", GET("/readyz"), HEALTH_NO_PORTS, "HTTP/1.1 503", "no_media_ports_left" },
	{ "no descriptors", GET("/readyz"), HEALTH_NO_DESCRIPTORS, "HTTP/1.1 503",
	  "no_descriptors_left" },
	{ "busy and degraded", GET("/healthz"), HEALTH_NO_PORTS | HEALTH_STORE, "HTTP/1.1 503",
	  "{\"status\":\"degraded\",\"reasons\":[\"redis_away_or_late\",\"no_media_ports_left\"]"
	  "}" },
	{ "metrics", GET("/metrics"), 0, "HTTP/1.1 200", "tandem_test_total 0" },
	{ "query is ignored", GET("/readyz?x=1"), 0, "HTTP/1.1 200", "ok" },
	{ "unknown path", GET("/"), 0, "HTTP/1.1 404", "not found" },
	{ "below a path", GET("/metrics/x"), 0, "HTTP/1.1 404", "not found" },
	{ "POST",
	  "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0,
	  "HTTP/1.1 405", "only GET" },
};

static void test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		const char *answer;

		health_beat(&g_health, clock_now_ns());
		health_set(&g_health, (enum health_reason)ROWS[i].reasons, true);
		answer = get(ROWS[i].request);
		health_set(&g_health, (enum health_reason)ROWS[i].reasons, false);
		if (strncmp(answer, ROWS[i].status, strlen(ROWS[i].status)) != 0 ||
		    !strstr(answer, ROWS[i].body))
			fail_msg("%s: %s", ROWS[i].name, answer);
	}
}

/* Each in its own words, as long as they count; what is not a string of JSON is made one. */
static void test_words_of_reasons(void **state)
{
	(void)state;
	health_beat(&g_health, clock_now_ns());
	health_set_reason(&g_health, HEALTH_REDIS_REFUSES, "MISCONF \"disk\"");
	health_set_reason(&g_health, HEALTH_PROMPTS, "prompt:closed");
	assert_non_null(
		strstr(get(GET("/healthz")), "\"redis_refuses_writes\":\"MISCONF \\\"disk\\\"\""));
	assert_non_null(strstr(get(GET("/readyz")), "\"prompts_missing\":\"prompt:closed\"}}\n"));
	health_set_reason(&g_health, HEALTH_REDIS_REFUSES, "");
	assert_non_null(strstr(get(GET("/healthz")), "HTTP/1.1 200"));
	assert_non_null(strstr(get(GET("/healthz")), "{\"prompts_missing\":"));
	health_set_reason(&g_health, HEALTH_PROMPTS, NULL);
	assert_non_null(strstr(get(GET("/healthz")), "\"reasons\":[]}\n"));
}

static void test_stalled_control_thread(void **state)
{
	(void)state;
	health_beat(&g_health, clock_now_ns() - 6 * NS_PER_S);
	assert_non_null(strstr(get(GET("/healthz")), "control_thread_stalled"));
	health_beat(&g_health, clock_now_ns());
	assert_null(strstr(get(GET("/healthz")), "control_thread_stalled"));
}

/* Who asks now and then gets a new one. However often it is asked for, nine tenths of the time are for others. */
static void test_metrics_are_not_made_for_each(void **state)
{
	const uint64_t cost_ns = 3 * NS_PER_MS, start_ns = 1000 * NS_PER_S;
	struct web_budget b = { 0 };
	uint64_t spent_ns = 0;

	(void)state;
	for (uint64_t s = 0; s < 600; s += 15) {
		assert_true(web_budget_has(&b, s * NS_PER_S));
		web_budget_spend(&b, s * NS_PER_S, s * NS_PER_S + cost_ns);
	}
	for (uint64_t now_ns = start_ns; now_ns < start_ns + 60 * NS_PER_S; now_ns += cost_ns) {
		if (!web_budget_has(&b, now_ns))
			continue;
		web_budget_spend(&b, now_ns, now_ns + cost_ns);
		spent_ns += cost_ns;
	}
	assert_in_range(spent_ns, 6 * NS_PER_S, 13 * NS_PER_S / 2 + cost_ns);
}

static void test_keepalive(void **state)
{
	int fd = dial();
	char text[4096];

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t n = 0;

		put(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
		while (n < sizeof(text) - 1) {
			ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);

			assert_true(got > 0);
			n += (size_t)got;
			text[n] = '\0';
			if (strstr(text, "]}\n"))
				break;
		}
		assert_non_null(strstr(text, "HTTP/1.1 200"));
	}
	(void)close(fd);
}

static void test_long_header_is_refused(void **state)
{
	static char request[20000];
	int fd = dial();
	size_t n;

	(void)state;
	n = (size_t)snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
	memset(request + n, 'a', sizeof(request) - n);
	(void)send(fd, request, sizeof(request), MSG_NOSIGNAL);
	assert_null(strstr(take(fd), "HTTP/1.1 200"));
	(void)close(fd);
	assert_non_null(strstr(get(GET("/readyz")), "HTTP/1.1 200"));
}

/* Of one address no more than a share, and who came within the last second is left alone. */
static void test_idle_connections_do_not_shut_others_out(void **state)
{
	metric_id refused = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					    "reason=\"requests_of_source\"", "");
	metric_id ended = metric_register(METRIC_COUNTER, "tandem_http_ended_total",
					  "reason=\"made_room\"", "");
	uint64_t refused_before = metric_value(refused), ended_before = metric_value(ended);
	int fds[WEB_HEADS_OF_SOURCE + 40];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial();
		put(fds[i], "G");
	}
	while (metric_value(refused) < refused_before + COUNT_OF(fds) - WEB_HEADS_OF_SOURCE)
		(void)usleep(1000);
	/* a second later they are the ones to go */
	for (int i = 0; i < 500 && !strstr(get(GET("/readyz")), "HTTP/1.1 200"); i++)
		(void)usleep(10000);
	assert_true(metric_value(ended) > ended_before);
	assert_non_null(strstr(get(GET("/readyz")), "HTTP/1.1 200"));
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
}

/* A connection of an address of this machine that has begun a request. */
static int dial_from(uint32_t number)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x7f000601U + number) };
	struct sockaddr_storage sa;
	uint32_t n = addr_to_sockaddr(&g_address, &sa);
	int fd = socket_open();

	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	put(fd, "G");
	return fd;
}

/* Strangers of many addresses who ask for nothing make room for each other before they take the place of one that has asked, however old it is. */
static void test_who_asked_stays(void **state)
{
	enum { STRANGERS = WEB_CONNECTIONS_MAX + 60 };
	metric_id ended = metric_register(METRIC_COUNTER, "tandem_http_ended_total",
					  "reason=\"made_room\"", "");
	uint64_t before = metric_value(ended);
	int fds[STRANGERS], honest = dial();
	char answer[4096];

	(void)state;
	put(honest, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(recv(honest, answer, sizeof(answer), 0) > 0);
	for (uint32_t i = 0; i < STRANGERS; i++)
		fds[i] = dial_from(i);
	while (metric_value(ended) < before + STRANGERS - WEB_CONNECTIONS_MAX)
		(void)usleep(1000);
	put(honest, GET("/readyz"));
	assert_non_null(strstr(take(honest), "HTTP/1.1 200"));
	(void)close(honest);
	for (int i = 0; i < STRANGERS; i++)
		(void)close(fds[i]);
}

/* Where each address has its turn, a newcomer is refused until the oldest has had it, and takes its place then. */
static void test_each_has_its_turn(void **state)
{
	metric_id ended = metric_register(METRIC_COUNTER, "tandem_http_ended_total",
					  "reason=\"made_room\"", "");
	metric_id refused = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					    "reason=\"connections_full\"", "");
	struct web_settings settings = { .health = &g_health,
					 .per_source = UINT32_MAX,
					 .turn_ns = 2 * NS_PER_S };
	uint64_t ended_before, refused_before = metric_value(refused);
	struct addr kept = g_address;
	int fds[WEB_CONNECTIONS_MAX];
	struct web *web;

	(void)state;
	free_port();
	settings.bind = g_address;
	assert_int_equal(web_open(&web, &settings), 0);
	ended_before = metric_value(ended);
	for (uint32_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = dial_from(i);
	(void)close(dial_from(COUNT_OF(fds)));
	while (metric_value(refused) == refused_before)
		(void)usleep(1000);
	assert_int_equal(metric_value(ended), ended_before);
	for (int i = 0; i < 1000 && !strstr(get(GET("/readyz")), "HTTP/1.1 200"); i++)
		(void)usleep(10000);
	assert_true(metric_value(ended) > ended_before);
	assert_non_null(strstr(get(GET("/readyz")), "HTTP/1.1 200"));
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
	web_close(web);
	g_address = kept;
}

static struct web_asks *g_asks;
static unsigned g_asked;

static void on_routed(const void *item, void *arg)
{
	struct web_routed *r = *(struct web_routed *const *)item;
	const struct web_route_answer a = { .id = r->id, .status = 404, .proven = true };

	(void)arg;
	g_asked++;
	web_asks_answer(g_asks, &a);
	web_route_free(r);
}

static void on_time(void *arg)
{
	(void)arg;
	loop_stop();
}

/* They ask once more, and are answered. first: they have sent an octet. */
static void ask_again(const int *fds, size_t n, bool first)
{
	static const char request[] =
		"GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n\r\n";
	unsigned want = g_asked + (unsigned)n;
	char answer[4096];

	for (size_t i = 0; i < n; i++)
		put(fds[i], request + first);
	while (g_asked < want) {
		assert_int_equal(loop_timer(clock_now_ns() + 10 * NS_PER_MS, on_time, NULL), 0);
		assert_int_equal(loop_run(), 0);
	}
	for (size_t i = 0; i < n; i++)
		assert_true(recv(fds[i], answer, sizeof(answer), 0) > 0);
}

/* Who goes on asking without a login has no longer turn than who asks for nothing; who shows one has. */
static void test_who_proves_who_he_is_stays(void **state)
{
	enum { KNOWN = 8 };
	static const struct web_route list[] = { { "GET", "/*", WEB_AUTH_LOGIN, 0, NULL },
						 { .method = NULL } };
	static const char request[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
	struct web_routes routes = { .list = list, .realm = "x" };
	struct web_settings settings = { .routes = &routes,
					 .per_source = UINT32_MAX,
					 .turn_ns = 2 * NS_PER_S };
	struct addr kept = g_address;
	int fds[WEB_CONNECTIONS_MAX];
	char answer[4096];
	uint64_t begun_ns;
	struct web *web;

	(void)state;
	free_port();
	settings.bind = g_address;
	assert_int_equal(loop_open(64), 0);
	assert_int_equal(web_asks_open(&g_asks,
				       (struct web_asks_size){ sizeof(struct web_routed *),
							       sizeof(struct web_route_answer),
							       WEB_ROUTE_ASKS_MAX },
				       on_routed, NULL),
			 0);
	routes.asks = g_asks;
	assert_int_equal(web_open(&web, &settings), 0);
	for (uint32_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = dial_from(i);
	begun_ns = clock_now_ns();
	for (bool first = true; first || !strstr(get(GET("/a")), "HTTP/1.1 401"); first = false) {
		assert_true(clock_now_ns() - begun_ns < 4 * settings.turn_ns);
		ask_again(fds, KNOWN, first);
		for (size_t i = KNOWN; i < COUNT_OF(fds); i++) {
			if (first || recv(fds[i], answer, sizeof(answer), MSG_DONTWAIT) > 0)
				(void)send(fds[i], request + first, strlen(request + first),
					   MSG_NOSIGNAL);
		}
		(void)usleep(100000);
	}
	ask_again(fds, KNOWN, false);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
	web_close(web);
	web_asks_close(g_asks);
	loop_close();
	health_beat(&g_health, clock_now_ns()); /* this took a while */
	g_address = kept;
}

/* Addresses that open connections again and again do not get more of them, and one of another address has room. */
static void test_who_has_many_gets_no_more(void **state)
{
	enum { ADDRESSES = 16, EACH = WEB_CONNECTIONS_MAX / ADDRESSES, AGAIN = 640 };
	metric_id ended = metric_register(METRIC_COUNTER, "tandem_http_ended_total",
					  "reason=\"made_room\"", "");
	metric_id refused = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					    "reason=\"connections_full\"", "");
	uint64_t ended_before, refused_before = metric_value(refused);
	int fds[ADDRESSES * EACH], again[AGAIN], honest[2];
	struct addr kept = g_address;
	struct web *web;

	(void)state;
	free_port(); /* one of its own, without those that other tests have just closed */
	assert_int_equal(open_at(&web, &g_address), 0);
	ended_before = metric_value(ended);
	for (uint32_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = dial_from(i % ADDRESSES);
	for (uint32_t i = 0; i < AGAIN; i++)
		again[i] = dial_from(i % ADDRESSES);
	for (size_t i = 0; i < COUNT_OF(honest); i++)
		honest[i] = dial_from(ADDRESSES);
	for (size_t i = 0; i < COUNT_OF(honest); i++) {
		put(honest[i], &GET("/readyz")[1]);
		assert_non_null(strstr(take(honest[i]), "HTTP/1.1 200"));
		(void)close(honest[i]);
	}
	while (metric_value(refused) < refused_before + AGAIN)
		(void)usleep(1000);
	assert_in_range(metric_value(ended), ended_before, ended_before + COUNT_OF(honest));
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
	for (size_t i = 0; i < AGAIN; i++)
		(void)close(again[i]);
	web_close(web);
	g_address = kept;
}

/* An octet buys no time. */
static void test_who_asks_for_nothing_goes(void **state)
{
	struct addr kept = g_address;
	struct web_settings settings = { .health = &g_health,
					 .per_source = UINT32_MAX,
					 .patience_ns = NS_PER_S };
	struct web *web;
	char octet;
	int fd;

	(void)state;
	free_port();
	settings.bind = g_address;
	assert_int_equal(web_open(&web, &settings), 0);
	fd = dial();
	put(fd, "G");
	assert_true(recv(fd, &octet, 1, 0) == 0); /* 10 s at most */
	(void)close(fd);
	web_close(web);
	g_address = kept;
}

/* Where health and metrics have a listener of their own, this one has none of them. */
static void test_pages_elsewhere(void **state)
{
	struct addr kept = g_address;
	struct web_settings settings = { .per_source = UINT32_MAX };
	struct web *web;

	(void)state;
	free_port();
	settings.bind = g_address;
	assert_int_equal(web_open(&web, &settings), 0);
	assert_non_null(strstr(get(GET("/readyz")), "HTTP/1.1 404"));
	assert_non_null(strstr(get(GET("/metrics")), "http.health_port"));
	web_close(web);
	g_address = kept;
}

static void test_port_busy(void **state)
{
	struct web *second = NULL;

	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_int_equal(open_at(&second, &g_address), -EADDRINUSE);
	assert_null(second);
}

static void test_foreign_address(void **state)
{
	struct web *second = NULL;
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, BYTES_LIT("192.0.2.1:18080")), 0);
	assert_int_equal(open_at(&second, &a), -EADDRNOTAVAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_words_of_reasons),
		cmocka_unit_test(test_words_of_reasons),
		cmocka_unit_test(test_stalled_control_thread),
		cmocka_unit_test(test_metrics_are_not_made_for_each),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_long_header_is_refused),
		cmocka_unit_test(test_idle_connections_do_not_shut_others_out),
		cmocka_unit_test(test_who_asked_stays),
		cmocka_unit_test(test_each_has_its_turn),
		cmocka_unit_test(test_who_proves_who_he_is_stays),
		cmocka_unit_test(test_who_has_many_gets_no_more),
		cmocka_unit_test(test_who_asks_for_nothing_goes),
		cmocka_unit_test(test_pages_elsewhere),
		cmocka_unit_test(test_port_busy),
		cmocka_unit_test(test_foreign_address),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
