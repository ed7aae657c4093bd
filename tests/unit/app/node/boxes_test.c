/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to mailboxes while Redis is away: who waits, who does not, and that each is answered once. */
#include "app/feature/mailbox/boxes.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "tests/unit/test.h"

static struct node_life g_life;
static struct node_redis g_redis;
static struct node g_node = { .life = &g_life, .redis = &g_redis };

static void count_unknown(const struct node_box_answer *answer, void *arg)
{
	assert_int_equal(answer->result, BOX_UNKNOWN);
	(*(unsigned *)arg)++;
}

static void ask(bool lasting, uint32_t wait_ms, unsigned *answers)
{
	const struct node_box_request of = {
		.tenant = BYTES_LIT("default"),
		.box = BYTES_LIT("1002"),
		.order = { .act = BOX_SEND,
			   .id = "000ah25ssti00-1",
			   .wait_ms = wait_ms,
			   .lasting = lasting },
	};

	node_box_request(&g_node, &of, count_unknown, answers);
}

static int boxes_begin(void **state)
{
	(void)state;
	g_life.phase = NODE_RUNNING;
	return 0;
}

/* What a caller left who has hung up is asked for again, and takes no place of those who wait. */
static void test_lasting(void **state)
{
	unsigned left = 0, waits = 0;

	(void)state;
	ask(true, 0, &left);
	for (int i = 0; i < 3; i++)
		node_boxes_second(&g_node, 0);
	assert_int_equal(g_boxes.count, 0);
	ask(false, 60000, &waits);
	assert_int_equal(waits, 0);
	assert_int_equal(g_boxes.count, 1);
	node_boxes_close(&g_node);
	assert_int_equal(left, 1);
	assert_int_equal(waits, 1);
}

/* Redis is closed behind the boxes: who is told then that it is away waits no longer. */
static void test_stopping(void **state)
{
	unsigned left = 0, waits = 0;

	(void)state;
	g_life.phase = NODE_STOPPING;
	ask(true, 0, &left);
	ask(false, 60000, &waits);
	assert_int_equal(left, 1);
	assert_int_equal(waits, 1);
	assert_null(g_boxes.waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lasting, boxes_begin),
		cmocka_unit_test_setup(test_stopping, boxes_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
