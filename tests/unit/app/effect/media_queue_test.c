/* SPDX-License-Identifier: Apache-2.0 */
#include "app/effect/media_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/engine.h"
#include "tests/unit/test.h"

enum { SEEN_MAX = 4096 };

/* The engine: takes so many commands, and notes them. */
static uint32_t g_room, g_seen_count;
static struct media_command g_seen[SEEN_MAX];

bool engine_command(struct engine *e, const struct media_command *command)
{
	(void)e;
	if (g_room == 0)
		return false;
	g_room--;
	g_seen[g_seen_count++ % SEEN_MAX] = *command;
	return true;
}

static struct media_command *make(enum media_command_kind kind, uint32_t slot, uint8_t mark)
{
	struct media_command *command = calloc(1, sizeof(*command));

	assert_non_null(command);
	command->kind = kind;
	command->id = command->spec.id = (struct flow_id){ .slot = slot, .generation = 1 };
	command->rtp_fd = command->rtcp_fd = -1;
	command->spec.dscp = mark;
	return command;
}

static void begin(struct media_queue *q, uint32_t room)
{
	g_room = room;
	g_seen_count = 0;
	assert_int_equal(media_queue_open(q, NULL, 1), 0);
}

static void test_passes_on_at_once(void **state)
{
	struct media_queue q;

	(void)state;
	begin(&q, 10);
	assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_OPEN, 1, 0)), 0);
	assert_int_equal(g_seen_count, 1);
	assert_int_equal(q.count, 0);
	media_queue_close(&q);
}

static void test_keeps_the_order(void **state)
{
	struct media_queue q;

	(void)state;
	begin(&q, 0);
	assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_OPEN, 1, 1)), 0);
	assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_OPEN, 2, 2)), 0);
	g_room = 1; /* what waits goes first, even when there is room now */
	assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_CLOSE, 1, 3)), 0);
	assert_int_equal(g_seen_count, 0);
	assert_false(media_queue_flush(&q));
	assert_int_equal(g_seen_count, 1);
	g_room = 10;
	assert_true(media_queue_flush(&q));
	assert_int_equal(g_seen_count, 3);
	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(g_seen[i].spec.dscp, i + 1);
	media_queue_close(&q);
}

static void test_updates_take_the_place_of_older_ones(void **state)
{
	struct media_command *moving = make(MEDIA_FLOW_UPDATE, 1, 1);
	struct media_queue q;

	(void)state;
	begin(&q, 0);
	moving->moves = 1; /* what it was to do besides is not forgotten */
	assert_int_equal(media_queue_put(&q, moving), 0);
	assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_UPDATE, 2, 2)), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_UPDATE, 1, 3)), 0);
	assert_int_equal(q.count, 2);
	g_room = 10;
	assert_true(media_queue_flush(&q));
	assert_int_equal(g_seen[0].spec.dscp, 3);
	assert_int_equal(g_seen[0].moves, 1);
	assert_int_equal(g_seen[1].spec.dscp, 2);
	assert_int_equal(g_seen[1].moves, 0);
	media_queue_close(&q);
}

static void test_full(void **state)
{
	struct media_command *last = make(MEDIA_FLOW_CLOSE, 9999, 0);
	struct media_queue q;
	uint32_t slot = 0;

	(void)state;
	begin(&q, 0);
	while (q.count < q.capacity)
		assert_int_equal(media_queue_put(&q, make(MEDIA_FLOW_CLOSE, slot++, 0)), 0);
	assert_int_equal(media_queue_put(&q, last), -EAGAIN);
	g_room = 3; /* the ring of the queue wraps */
	assert_false(media_queue_flush(&q));
	assert_int_equal(media_queue_put(&q, last), 0);
	g_room = SEEN_MAX;
	assert_true(media_queue_flush(&q));
	assert_int_equal(g_seen[g_seen_count - 1].id.slot, 9999);
	media_queue_close(&q);
}

static void test_close_closes_the_sockets(void **state)
{
	struct media_command *open_command = make(MEDIA_FLOW_OPEN, 1, 0);
	struct media_queue q;
	int fds[2];

	(void)state;
	begin(&q, 0);
	assert_int_equal(pipe(fds), 0);
	open_command->rtp_fd = fds[0];
	open_command->rtcp_fd = fds[1];
	assert_int_equal(media_queue_put(&q, open_command), 0);
	media_queue_close(&q);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes_on_at_once),
		cmocka_unit_test(test_keeps_the_order),
		cmocka_unit_test(test_updates_take_the_place_of_older_ones),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_close_closes_the_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
