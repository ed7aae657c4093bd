/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of one extension in two nodes of a cluster, which tell each other of them: a second one waits wherever it comes. */
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

struct nodes {
	struct rig *near, *far;
	struct phone a, b, c,
		d; /* a calls b in near; c and d call in far; b may be rung from there, too */
	struct phone b_far;
	bool cut; /* neither hears the other */
	uint32_t told;
};

static struct nodes *g_nodes; /* of send */

static void engaged_hear(void *arg, uint64_t process, struct bytes outcome)
{
	struct rig *from = arg, *to = from == g_nodes->near ? g_nodes->far : g_nodes->near;

	(void)process;
	g_nodes->told++;
	if (!g_nodes->cut)
		shard_on_remote(to->shard->shared_tables, from->settings.number, outcome, to->now);
}

static bool engaged_is_heard(void *arg, uint64_t process)
{
	(void)arg;
	(void)process;
	return !g_nodes->cut;
}

static uint32_t engaged_others(void *arg)
{
	(void)arg;
	return 1;
}

static void engaged_settings(struct rig *r, struct shard_forward f)
{
	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1002", &f), 0);
}

static void engaged_join(struct rig *r)
{
	const struct shard_remote with = { .send = engaged_hear,
					   .is_attached = engaged_is_heard,
					   .others = engaged_others,
					   .arg = r };

	assert_int_equal(shard_remote_open(r->shard->shared_tables, &with), 0);
	shard_resume(r->shard, r->now);
}

static struct rig *engaged_rig(uint16_t number)
{
	struct shard_settings s = rig_settings();

	s.number = number;
	s.call_waiting_tone =
		(struct media_overlay){ .tone = { 425, -100, 200, 0 }, .every_ms = 4000 };
	return rig_open_with(&s);
}

/* What they have for each other goes until nobody says anything more. */
static void engaged_run(struct nodes *n)
{
	uint32_t before;

	do {
		before = n->told;
		remote_watch_flush(n->near->shard->shared_tables->remote);
		rig_wait_ms(n->near, 5);
		remote_watch_flush(n->far->shard->shared_tables->remote);
		rig_wait_ms(n->far, 5);
	} while (n->told != before);
}

static void both_set(struct nodes *n, struct shard_forward f)
{
	engaged_settings(n->near, f);
	engaged_settings(n->far, f);
	engaged_run(n);
}

static int nodes_setup(void **state)
{
	struct nodes *n = g_nodes = calloc(1, sizeof(*n));

	if (!n)
		return -1;
	n->near = engaged_rig(7);
	n->far = engaged_rig(8);
	engaged_join(n->near);
	engaged_join(n->far);
	phones_open(n->near, &n->a, &n->b);
	phone_open(&n->b_far, n->far, "1002", "192.0.2.12:5060");
	(void)snprintf(n->b_far.tag, sizeof(n->b_far.tag), "far");
	phone_open(&n->c, n->far, "1004", "192.0.2.14:5060");
	phone_open(&n->d, n->far, "1003", "192.0.2.13:5060");
	phone_bind(&n->b_far);
	phone_bind(&n->c);
	phone_bind(&n->d);
	both_set(n, (struct shard_forward){ .call_waiting = CALL_WAITING_SINGLE });
	*state = n;
	return 0;
}

static int nodes_teardown(void **state)
{
	struct nodes *n = *state;

	rig_close(n->near);
	rig_close(n->far);
	free(n);
	return 0;
}

static void talk_near(struct nodes *n)
{
	phones_talk(&n->a, &n->b);
	engaged_run(n);
}

static void waits_far(struct nodes *n, struct phone *p)
{
	phone_invite(p, "1002", PHONE_SDP_A);
	assert_true(phone_hears(p, "SIP/2.0 180").n);
	assert_int_equal(rig_take(n->far, &n->b.addr, "INVITE ").n, 0);
	engaged_run(n);
}

static void refused_far(struct phone *p)
{
	phone_invite(p, "1002", PHONE_SDP_A);
	assert_true(phone_hears(p, "SIP/2.0 486").n);
	phone_write(p, "ACK", "", "");
}

static void hangs_up_near(struct nodes *n)
{
	phone_request(&n->a, "BYE", "", "");
	trio_assert_left(&n->b);
	engaged_run(n);
}

static void waits_for_a_call_of_another_node(void **state)
{
	struct nodes *n = *state;

	talk_near(n);
	waits_far(n, &n->c);
	assert_int_equal(line_last_spec(n->near, 1).overlay.tone.ms, 200);
	refused_far(&n->d);
	hangs_up_near(n);
	assert_true(phone_rings(&n->b_far).n);
}

static void tone_ends_when_it_gives_up(void **state)
{
	struct nodes *n = *state;

	talk_near(n);
	waits_far(n, &n->c);
	phone_cancel(&n->c);
	engaged_run(n);
	assert_int_equal(line_last_spec(n->near, 1).overlay.tone.ms, 0);
}

static void one_waits_in_the_cluster(void **state)
{
	struct nodes *n = *state;
	struct phone e;

	phone_open(&e, n->near, "1004", "192.0.2.24:5060");
	talk_near(n);
	waits_far(n, &n->c);
	refused_far(&e);
}

/* Who called first is rung first, wherever. */
static void in_the_order_of_the_cluster(void **state)
{
	struct nodes *n = *state;
	struct phone e;

	both_set(n, (struct shard_forward){ .call_waiting = CALL_WAITING_MULTIPLE });
	phone_open(&e, n->near, "1004", "192.0.2.24:5060");
	talk_near(n);
	waits_far(n, &n->c);
	rig_wait_ms(n->near, 50);
	phone_invite(&e, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&e, "SIP/2.0 180").n);
	engaged_run(n);
	hangs_up_near(n);
	assert_int_equal(rig_take(n->near, &n->b.addr, "INVITE ").n, 0);
	assert_true(phone_rings(&n->b_far).n);
}

static void smart_do_not_disturb_counts_them(void **state)
{
	struct nodes *n = *state;

	both_set(n, (struct shard_forward){ .smart_do_not_disturb = true });
	talk_near(n);
	refused_far(&n->c);
	hangs_up_near(n);
	phone_invite(&n->c, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&n->b_far).n);
}

/* Who hears a flow of another node is waited for; who has a party there is busy. */
static void live_at_another_node(void **state)
{
	struct nodes *n = *state;

	both_set(n, (struct shard_forward){ .live_call = true, .call_waiting = CALL_WAITING_OFF });
	put_flow(n->near, "[{\"play\":\"welcome\"}]");
	phone_invite(&n->b, "700", PHONE_SDP_B);
	assert_true(phone_hears(&n->b, "SIP/2.0 200").n);
	phone_ack(&n->b);
	engaged_run(n);
	waits_far(n, &n->c);
	phone_request(&n->b, "BYE", "", "");
	engaged_run(n);
	assert_true(phone_rings(&n->b_far).n);
	phone_cancel(&n->c);
	engaged_run(n);
	talk_near(n);
	refused_far(&n->d);
}

static void far_seconds(struct nodes *n, uint64_t seconds)
{
	while (seconds-- > 0) {
		rig_wait_ms(n->far, 1000);
		shard_remote_second(n->far->shard->shared_tables, n->far->now.ns);
	}
	rig_wait_ms(n->far, 10);
}

/* Calls of a node that is heard no more are another one's in a moment; where nobody goes on with them, they are over some time. */
static void of_a_node_that_is_gone(void **state)
{
	struct nodes *n = *state;

	talk_near(n);
	waits_far(n, &n->c);
	n->cut = true;
	far_seconds(n, 7);
	assert_int_equal(rig_take(n->far, &n->b_far.addr, "INVITE ").n, 0);
	far_seconds(n, (REMOTE_LOST_NS + REMOTE_KEPT_NS) / NS_PER_S - 6);
	assert_true(phone_rings(&n->b_far).n);
}

/* Lost messages do no lasting harm: the next round repairs it. */
static void told_again(void **state)
{
	struct nodes *n = *state;

	n->cut = true;
	talk_near(n);
	n->cut = false;
	for (int i = 0; i < 21; i++)
		shard_remote_second(n->far->shard->shared_tables, n->far->now.ns);
	engaged_run(n);
	waits_far(n, &n->c);
}

/* Nothing is asked of others for extensions without any of this. */
static void others_are_not_asked(void **state)
{
	struct nodes *n = *state;

	both_set(n, (struct shard_forward){ 0 });
	n->told = 0;
	for (int i = 0; i < 21; i++)
		shard_remote_second(n->far->shard->shared_tables, n->far->now.ns);
	remote_watch_flush(n->far->shard->shared_tables->remote);
	assert_int_equal(n->told, 0);
}

#define NODES_TEST(fn) cmocka_unit_test_setup_teardown(fn, nodes_setup, nodes_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODES_TEST(waits_for_a_call_of_another_node),
		NODES_TEST(tone_ends_when_it_gives_up),
		NODES_TEST(one_waits_in_the_cluster),
		NODES_TEST(in_the_order_of_the_cluster),
		NODES_TEST(smart_do_not_disturb_counts_them),
		NODES_TEST(live_at_another_node),
		NODES_TEST(of_a_node_that_is_gone),
		NODES_TEST(told_again),
		NODES_TEST(others_are_not_asked),
	};

	return cmocka_run_group_tests_name("sig/shard_engaged", tests, NULL, NULL);
}
