/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the link. The child is this program once more: it does what its requests name. */
#include "tests/unit/test.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/child/child_link.h"
#include "app/child/descriptors.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

#define PATIENCE_NS (20 * NS_PER_S)
#define BEAT_NS     (2 * NS_PER_MS)

enum { REQUESTS_MAX = 8, OF_TENANT_MAX = 3, ANSWERS_MAX = 64, LARGE = 7 << 20 };

struct node {
	struct child child;
	bool stops;
	const char *at_start; /* what it is asked then; NULL: nothing */
	unsigned starts, ends, lines;
	struct {
		uintptr_t arg;
		size_t n; /* octets of the text of its result */
		char why[80];
	} answers[ANSWERS_MAX];
	unsigned answer_count;
	bool (*until)(const struct node *n);
	uint64_t until_ns;
};

static struct node g_node;
static char g_program[NAME_MAX + 1];

/* ---- what the child does ---- */

static struct child_peer g_peer = { .fd = CHILD_LINK };

static json_t *text_of(size_t n)
{
	char *text = malloc(n);
	json_t *value;

	memset(text, 'x', n);
	value = json_stringn(text, n);
	free(text);
	return value;
}

static void peer_write(const void *octets, size_t n)
{
	if (send(CHILD_LINK, octets, n, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		_exit(1);
}

static size_t hands_octets(void)
{
	char text[16];
	int fds[2];
	uint32_t count = 1;
	ssize_t n = -EAGAIN;

	while (n == -EAGAIN)
		n = descriptors_receive(CHILD_HANDS, text, sizeof(text), fds, &count, 0);
	return count == 1 && write(fds[0], text, (size_t)n) == n ? (size_t)n : 0;
}

static void peer_on_line(const json_t *line, void *arg)
{
	static const char half[] = "{\"answer\":1,\"resu", filler[65536] = "[";
	static const char outcome[] = "no JSON\n{\"news\":1}\n\n{\"news\"", rest[] = ":2}\n";
	json_t *id = json_object_get(line, "ask");
	const char *what = json_string_value(json_object_get(line, "do"));

	(void)arg;
	if (!strcmp(what, "echo"))
		child_peer_send(&g_peer, json_pack("{s:O, s:O}", "answer", id, "result",
						   json_object_get(line, "text")));
	else if (!strcmp(what, "large"))
		child_peer_send(&g_peer,
				json_pack("{s:O, s:o}", "answer", id, "result", text_of(LARGE)));
	else if (!strcmp(what, "fail"))
		child_peer_send(&g_peer,
				json_pack("{s:O, s:s}", "answer", id, "failed", "it cannot"));
	else if (!strcmp(what, "say")) {
		peer_write(outcome, sizeof(outcome) - 1);
		peer_write(rest, sizeof(rest) - 1);
	} else if (!strcmp(what, "strange"))
		child_peer_send(&g_peer,
				json_pack("{s:I, s:s}", "answer",
					  json_integer_value(id) + REQUESTS_MAX, "result", "x"));
	else if (!strcmp(what, "hands"))
		child_peer_send(&g_peer, json_pack("{s:O, s:o}", "answer", id, "result",
						   text_of(hands_octets())));
	else if (!strcmp(what, "die")) {
		peer_write(half, sizeof(half) - 1);
		_exit(1);
	}
	while (!strcmp(what, "flood"))
		peer_write(filler, sizeof(filler));
	while (!strcmp(what, "sleep"))
		(void)sleep(1);
}

static int peer_main(void)
{
	char name[] = "child", *argv[] = { name, NULL };

	if (child_main_start(1, argv, name, NULL, "no usage") >= 0)
		return 2;
	while (child_peer_read(&g_peer, peer_on_line, NULL))
		(void)usleep(500);
	return 0;
}

/* ---- the node ---- */

static void node_request(uintptr_t number, const char *what, const char *text, uint16_t tenant);

static void on_start(struct node *n)
{
	n->starts++;
	if (n->at_start)
		node_request(0, n->at_start, "", 1);
}

static void on_line(struct node *n, const json_t *line)
{
	assert_int_equal(json_integer_value(json_object_get(line, "news")), ++n->lines);
}

static void on_end(struct node *n)
{
	assert_false(child_runs(&n->child));
	n->ends++;
}

static bool stops(const struct node *n)
{
	return n->stops;
}

static void on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	assert_true(n->answer_count < ANSWERS_MAX);
	n->answers[n->answer_count].arg = (uintptr_t)arg;
	n->answers[n->answer_count].n = json_string_length(result);
	(void)snprintf(n->answers[n->answer_count++].why, sizeof(n->answers[0].why), "%s",
		       result ? "" : why);
}

static const struct child_kind g_kind = {
	.program = g_program,
	.role = "child_link",
	.area = "test",
	.missing = "it cannot be started",
	.ended = "it has ended",
	.died = "died",
	.late = "late",
	.metrics = { [CHILD_UP] = { "test_child_up", "Up." },
		     [CHILD_DEATHS] = { "test_child_deaths_total", "Deaths." },
		     [CHILD_ASKED] = { "test_child_asked_total", "Asked." },
		     [CHILD_FAILED] = { "test_child_failed_total", "Failed." },
		     [CHILD_WAITING] = { "test_child_waiting", "Waiting." } },
	.requests_max = REQUESTS_MAX,
	.of_tenant_max = OF_TENANT_MAX,
	.hands = true,
	.again_ns = 5 * NS_PER_MS,
	.stops = stops,
	.on_start = on_start,
	.on_line = on_line,
	.on_end = on_end,
};

static bool node_may_ask(uintptr_t number, const char *what, json_t *text, uint16_t tenant)
{
	return child_query(&g_node.child, json_pack("{s:s, s:o}", "do", what, "text", text), tenant,
			   clock_now_ns() + PATIENCE_NS, on_answer, (void *)number);
}

static void node_request(uintptr_t number, const char *what, const char *text, uint16_t tenant)
{
	assert_true(node_may_ask(number, what, json_string(text), tenant));
}

static void on_beat(void *arg)
{
	struct node *n = arg;
	uint64_t now_ns = clock_now_ns();

	child_beat(&n->child, now_ns);
	if (n->until(n) || now_ns > n->until_ns)
		loop_stop();
	assert_int_equal(loop_timer(now_ns + BEAT_NS, on_beat, n), 0);
}

static void node_await(bool (*until)(const struct node *n))
{
	g_node.until = until;
	g_node.until_ns = clock_now_ns() + PATIENCE_NS;
	assert_int_equal(loop_timer(0, on_beat, &g_node), 0);
	assert_int_equal(loop_run(), 0);
	assert_true(until(&g_node));
}

static uint64_t metric_of(enum child_metric metric)
{
	return metric_value(g_node.child.metrics[metric]);
}

static bool is_answered(const struct node *n)
{
	return !n->child.request_count;
}

static bool is_restarted(const struct node *n)
{
	return n->ends && child_runs(&n->child);
}

static void answer_is(unsigned i, uintptr_t arg, size_t n, const char *why)
{
	assert_true(i < g_node.answer_count);
	assert_int_equal(g_node.answers[i].arg, arg);
	assert_string_equal(g_node.answers[i].why, why);
	assert_int_equal(g_node.answers[i].n, n);
}

static int setup(void **state)
{
	(void)state;
	g_node = (struct node){ 0 };
	child_open(&g_node.child, &g_node, &g_kind);
	return loop_open(64);
}

static int teardown(void **state)
{
	(void)state;
	g_node.stops = true;
	child_close(&g_node.child);
	loop_close();
	return 0;
}

/* ---- tests ---- */

static void test_answers(void **state)
{
	uint64_t asked = metric_of(CHILD_ASKED), failed = metric_of(CHILD_FAILED);

	(void)state;
	assert_false(child_runs(&g_node.child));
	node_request(1, "echo", "four", 1);
	assert_int_equal(metric_of(CHILD_UP), 1);
	node_request(2, "fail", "", 1);
	node_request(3, "large", "", 1);
	child_beat(&g_node.child, clock_now_ns());
	assert_int_equal(metric_of(CHILD_WAITING), 3);
	node_await(is_answered);
	answer_is(0, 1, 4, "");
	answer_is(1, 2, 0, "it cannot");
	answer_is(2, 3, LARGE, "");
	assert_int_equal(g_node.starts, 1);
	assert_int_equal(metric_of(CHILD_ASKED), asked + 3);
	assert_int_equal(metric_of(CHILD_FAILED), failed + 1);
}

/* An answer to nobody, a line that is no JSON, and one in two parts. */
static void test_lines(void **state)
{
	(void)state;
	node_request(1, "strange", "", 1);
	node_request(2, "say", "", 1);
	node_request(3, "echo", "", 1);
	g_node.child.requests[1].until_ns = g_node.child.requests[2].until_ns = 0;
	node_await(is_answered);
	answer_is(0, 1, 0, "late");
	answer_is(1, 2, 0, "late");
	answer_is(2, 3, 0, "");
	assert_int_equal(g_node.lines, 2);
}

static void test_shares_of_tenants(void **state)
{
	(void)state;
	for (uintptr_t i = 0; i < OF_TENANT_MAX; i++)
		node_request(i, "echo", "", 1);
	assert_false(node_may_ask(9, "echo", json_string(""), 1));
	for (uintptr_t i = OF_TENANT_MAX; i < REQUESTS_MAX; i++)
		node_request(i, "echo", "", (uint16_t)(2 + i / OF_TENANT_MAX));
	assert_false(node_may_ask(9, "echo", json_string(""), 7));
	node_await(is_answered);
	assert_int_equal(g_node.answer_count, REQUESTS_MAX);
	node_request(10, "echo", "", 1);
	node_await(is_answered);
	answer_is(REQUESTS_MAX, 10, 0, "");
}

static void test_descriptors(void **state)
{
	int ends[2];
	char text[8];

	(void)state;
	node_request(1, "hands", "", 1);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(descriptors_send(g_node.child.hands, bytes_str("abc"), &ends[1], 1,
					  MSG_DONTWAIT),
			 0);
	(void)close(ends[1]);
	node_await(is_answered);
	answer_is(0, 1, 3, "");
	assert_int_equal(read(ends[0], text, sizeof(text)), 3);
	(void)close(ends[0]);
}

/* Whatever ends it: what is under way fails, and the next child answers. */
static void test_deaths(void **state)
{
	static const char *const ways[] = { "die", "flood", "sleep" };

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(ways); i++) {
		uint64_t deaths = metric_of(CHILD_DEATHS);
		pid_t before;

		g_node.ends = g_node.answer_count = 0;
		node_request(1, "echo", "", 1);
		node_await(is_answered);
		before = g_node.child.pid;
		node_request(2, ways[i], "", 1);
		for (unsigned k = 0; !strcmp(ways[i], "sleep") && !g_node.ends && k < 100; k++)
			child_send(&g_node.child,
				   json_pack("{s:s, s:o}", "do", "echo", "text", text_of(1 << 20)));
		node_await(is_restarted);
		assert_int_equal(g_node.ends, 1);
		assert_int_equal(metric_of(CHILD_DEATHS), deaths + 1);
		assert_int_not_equal(g_node.child.pid, before);
		assert_int_equal(g_node.answer_count, 2);
		answer_is(1, 2, 0, "died");
		node_request(3, "echo", "x", 1);
		node_await(is_answered);
		answer_is(2, 3, 1, "");
	}
}

/* The request is lost with the child: nobody knows what a part of it would do. */
static void test_request_over_the_limit(void **state)
{
	(void)state;
	node_request(1, "echo", "", 1);
	assert_true(node_may_ask(2, "echo", text_of(CHILD_LINE_MAX), 1));
	assert_int_equal(g_node.ends, 1);
	answer_is(1, 2, 0, "died");
	node_await(is_restarted);
}

static bool has_died_often(const struct node *n)
{
	return n->ends == 4;
}

static void test_back_off(void **state)
{
	uint64_t began_ns = clock_now_ns();

	(void)state;
	g_node.at_start = "die";
	g_node.child.wanted = true;
	node_await(has_died_often);
	assert_int_equal(g_node.child.deaths, 4);
	assert_true(clock_now_ns() - began_ns >= (10 + 20 + 40) * NS_PER_MS);
	assert_int_equal(metric_of(CHILD_UP), 0);
	g_node.at_start = NULL;
	node_await(is_restarted);
}

static void test_end_of_the_node(void **state)
{
	uint64_t deaths = metric_of(CHILD_DEATHS);

	(void)state;
	node_request(1, "sleep", "", 1);
	g_node.stops = true;
	child_close(&g_node.child);
	answer_is(0, 1, 0, "the node stops");
	assert_int_equal(g_node.ends, 1);
	assert_int_equal(metric_of(CHILD_DEATHS), deaths);
	child_send(&g_node.child, json_object()); /* to nobody */
}

static void test_no_program(void **state)
{
	static const struct child_kind none = { .program = "no-such-program",
						.area = "test",
						.missing = "it cannot be started",
						.requests_max = 1,
						.of_tenant_max = 1,
						.stops = stops };

	(void)state;
	child_open(&g_node.child, &g_node, &none);
	assert_false(node_may_ask(1, "echo", json_string(""), 1));
	assert_true(g_node.child.missing_logged);
	assert_false(child_query(&g_node.child, NULL, 1, 0, on_answer, NULL));
}

static void count_lines(const json_t *line, void *arg)
{
	*(unsigned *)arg += json_is_object(line);
}

static void test_end_of_the_child(void **state)
{
	static const char piece[65536] = "[";
	struct child_peer peer;
	unsigned count = 0;
	size_t sent = 0;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	peer = (struct child_peer){ .fd = ends[1] };
	assert_int_equal(send(ends[0], "{}\n{\"a\":", 8, 0), 8);
	assert_true(child_peer_read(&peer, count_lines, &count));
	assert_int_equal(count, 1);
	assert_int_equal(send(ends[0], "1}\n", 3, 0), 3);
	assert_true(child_peer_read(&peer, count_lines, &count));
	assert_int_equal(count, 2);
	do {
		assert_int_equal(send(ends[0], piece, sizeof(piece), 0), sizeof(piece));
		sent += sizeof(piece);
	} while (child_peer_read(&peer, count_lines, &count));
	assert_int_equal(sent, CHILD_LINE_MAX + sizeof(piece));
	child_peer_close(&peer);
	peer.fd = ends[1];
	(void)close(ends[0]);
	assert_false(child_peer_read(&peer, count_lines, &count));
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shares_of_tenants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deaths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_over_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_the_node, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_program, setup, teardown),
		cmocka_unit_test(test_end_of_the_child),
	};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int type = 0;
	socklen_t size = sizeof(type);

	if (!getsockopt(CHILD_LINK, SOL_SOCKET, SO_TYPE, &type, &size) && type == SOCK_STREAM)
		_exit(peer_main());
	self[n > 0 ? n : 0] = '\0';
	(void)snprintf(g_program, sizeof(g_program), "%s", basename(self));
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
