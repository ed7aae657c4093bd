/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue against a kernel that does as it is told. */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/socket.h>

static int kernel_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
#define sendmmsg kernel_sendmmsg
#include "sig/transport/transport_udp_send.c" /* NOLINT(bugprone-suspicious-include) */

enum { TRACE_MAX = 256 };

/* What the next calls give: how many are taken, or -errno; 0 ends the list, then all is taken. */
static struct kernel {
	const int *script;
	char sent[TRACE_MAX]; /* first letters of what was taken */
	size_t n;
	unsigned calls, errors_read, errors;
	int last_error;
	uint16_t error_port;
	bool watched;
} g_kernel;

static int kernel_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	int take = g_kernel.script && *g_kernel.script ? *g_kernel.script++ : (int)n;

	(void)fd;
	assert_int_equal(flags, MSG_DONTWAIT);
	assert_in_range(n, 1, UDP_BATCH);
	g_kernel.calls++;
	if (take < 0) {
		errno = -take;
		return -1;
	}
	if (take > (int)n)
		take = (int)n;
	for (int i = 0; i < take; i++) {
		const char *text = messages[i].msg_hdr.msg_iov->iov_base;

		g_kernel.sent[g_kernel.n++ % TRACE_MAX] = *text;
	}
	return take;
}

void udp_socket_errors(struct udp_socket *s)
{
	(void)s;
	g_kernel.errors_read++;
}

void udp_socket_watch(struct udp_socket *s, bool blocked)
{
	(void)s;
	g_kernel.watched = blocked;
}

static void on_error(const struct sip_hop *to, int error, void *arg)
{
	(void)arg;
	g_kernel.errors++;
	g_kernel.last_error = error;
	g_kernel.error_port = to->remote.port;
}

static struct transport_udp *open_one(const int *script)
{
	struct transport_udp *t = calloc(1, sizeof(*t) + sizeof(t->sockets[0]));

	assert_non_null(t);
	t->count = 1;
	t->error = on_error;
	t->sockets[0].owner = t;
	for (unsigned i = 0; i < UDP_METRIC_COUNT; i++)
		t->metrics[i] = metric_register(METRIC_COUNTER, "test_total", NULL, "test");
	assert_int_equal(udp_queue_open(&t->sockets[0].queue), 0);
	g_kernel = (struct kernel){ .script = script };
	return t;
}

static void close_one(struct transport_udp *t)
{
	udp_queue_close(&t->sockets[0].queue);
	free(t);
}

/* Each letter is a datagram, to port 1, 2, 3... */
static void queue(struct transport_udp *t, const char *letters)
{
	for (size_t i = 0; letters[i]; i++) {
		struct sip_hop hop = { .remote = { .ip = { 127, 0, 0, 1 },
						   .port = (uint16_t)(i + 1),
						   .family = ADDR_V4 } };

		assert_int_equal(transport_udp_send(t, &hop, bytes_mem(letters + i, 1)), 0);
	}
}

static void test_flush(void **state)
{
	static const struct {
		const char *name;
		int script[8];
		const char *sent;
		unsigned calls, errors_read, errors;
		int last_error;
		uint16_t error_port;
		bool watched;
	} rows[] = {
		{ "all at once", { 0 }, "abcde", 1, 0, 0, 0, 0, false },
		{ "in parts", { 2, 1, 0 }, "abcde", 3, 0, 0, 0, 0, false },
		{ "full at once", { -EAGAIN }, "", 1, 0, 0, 0, 0, true },
		{ "full after some", { 3, -EAGAIN }, "abc", 2, 0, 0, 0, 0, true },
		{ "queue of the device full", { 3, -ENOBUFS }, "abc", 2, 0, 0, 0, 0, true },
		{ "error left by an earlier datagram",
		  { -ECONNREFUSED, 0 },
		  "abcde",
		  2,
		  1,
		  0,
		  0,
		  0,
		  false },
		{ "one that does not go",
		  { 2, -EHOSTUNREACH, -ENETUNREACH, 0 },
		  "abde",
		  4,
		  1,
		  1,
		  ENETUNREACH,
		  3,
		  false },
		{ "two that do not go",
		  { -EPERM, -EPERM, -EPERM, -EINVAL, 0 },
		  "cde",
		  5,
		  2,
		  2,
		  EINVAL,
		  2,
		  false },
		{ "the last does not go", { 4, -EPERM, -EPERM }, "abcd", 3, 1, 1, EPERM, 5, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct transport_udp *t = open_one(row->script);

		queue(t, "abcde");
		transport_udp_flush(t);
		if (strcmp(g_kernel.sent, row->sent) != 0 || g_kernel.calls != row->calls)
			fail_msg("%s: %s in %u", row->name, g_kernel.sent, g_kernel.calls);
		ROW_ASSERT(row->name, g_kernel.errors_read == row->errors_read);
		ROW_ASSERT(row->name, g_kernel.errors == row->errors);
		ROW_ASSERT(row->name, g_kernel.last_error == row->last_error);
		ROW_ASSERT(row->name, g_kernel.error_port == row->error_port);
		ROW_ASSERT(row->name, g_kernel.watched == row->watched);
		close_one(t);
	}
}

/* What waited goes first when there is room again. */
static void test_goes_on(void **state)
{
	static const int script[] = { 2, -EAGAIN, 1, -EAGAIN, 0 };
	struct transport_udp *t = open_one(script);

	(void)state;
	queue(t, "abcd");
	transport_udp_flush(t);
	queue(t, "ef");
	transport_udp_flush(t);
	assert_string_equal(g_kernel.sent, "abc");
	assert_true(g_kernel.watched);
	transport_udp_flush(t);
	assert_string_equal(g_kernel.sent, "abcdef");
	assert_false(g_kernel.watched);
	assert_int_equal(t->sockets[0].queue.used, 0);
	close_one(t);
}

/* Room freed at the front is room: the rest moves up, in order. */
static void test_compacts(void **state)
{
	static const int script[] = { 64, 36, -EAGAIN, 0 };
	struct transport_udp *t = open_one(script);
	struct udp_queue *q = &t->sockets[0].queue;

	(void)state;
	for (unsigned i = 0; i < UDP_QUEUE_MAX; i++)
		queue(t, i < 100 ? "x" : "y");
	transport_udp_flush(t); /* 100 go */
	assert_int_equal(q->head, 100);
	for (unsigned i = 0; i < 100; i++)
		queue(t, "z");
	assert_int_equal(q->head, 0);
	assert_int_equal(q->count, UDP_QUEUE_MAX);
	g_kernel.n = 0;
	transport_udp_flush(t);
	assert_int_equal(g_kernel.n, UDP_QUEUE_MAX);
	assert_int_equal(g_kernel.sent[(UDP_QUEUE_MAX - 101) % TRACE_MAX], 'y');
	assert_int_equal(g_kernel.sent[(UDP_QUEUE_MAX - 100) % TRACE_MAX], 'z');
	close_one(t);
}

/* Who may not speak any more when the kernel is called is silent, whenever that was said; others are heard, in their order. */
static void test_withholds(void **state)
{
	static const int script[] = { 1, -EAGAIN, 0 };
	static const uint8_t places[] = { 1, 1, 2, VALID_ALWAYS, 1, 2 };
	struct transport_udp *t = open_one(script);
	struct validity v;

	(void)state;
	t->validity = &v;
	validity_open(&v, 2);
	validity_set(&v, 1, UINT64_MAX);
	validity_set(&v, 2, UINT64_MAX - 1);
	for (unsigned i = 0; i < COUNT_OF(places); i++) {
		const char letter = (char)('a' + i);
		struct sip_hop hop = { .remote = { .port = 9, .family = ADDR_V4 } };

		assert_int_equal(transport_udp_send_for(t, places[i], &hop, bytes_mem(&letter, 1)),
				 0);
	}
	transport_udp_flush(t);
	validity_set(&v, 1, 1);
	transport_udp_flush(t);
	assert_string_equal(g_kernel.sent, "acdf");
	assert_int_equal(validity_withheld(&v, 1), 2);
	assert_int_equal(validity_withheld(&v, 2), 0);
	assert_int_equal(t->sockets[0].queue.count, 0);

	validity_set(&v, 2, 1);
	assert_int_equal(transport_udp_send_for(t, 2, &(struct sip_hop){ .remote.port = 9 },
						BYTES_LIT("g")),
			 0);
	g_kernel.calls = 0;
	transport_udp_flush(t);
	assert_int_equal(g_kernel.calls, 0);
	assert_false(g_kernel.watched);
	close_one(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_compacts),
		cmocka_unit_test(test_withholds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
