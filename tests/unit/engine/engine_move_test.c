/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that go from worker to worker while their parties talk: threads, rings and real sockets. Run under TSan too. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/engine/parties.h"

enum { MOVES = 20, TALK_US = 2000, TALKS_BETWEEN = 25 };

/* A by itself, B by an update that says so. */
static void flow_move(struct engine *e, const struct media_command *c, int side)
{
	struct media_command update = *c;

	if (side == A) {
		assert_int_equal(engine_move(e, &c->spec), 0);
		return;
	}
	update.kind = MEDIA_FLOW_UPDATE;
	update.moves = 1;
	assert_true(engine_command(e, &update));
}

static void call_move(struct engine *e, struct media_command c[2], uint64_t call)
{
	for (int side = A; side <= B; side++) {
		struct flow_spec *spec = &c[side].spec;

		spec->call = call;
		flow_move(e, &c[side], side);
		/* nothing overtakes it */
		assert_int_equal(engine_move(e, spec), -EAGAIN);
		assert_false(engine_command(e, &(struct media_command){ .kind = MEDIA_FLOW_QUERY,
									.id = spec->id }));
	}
}

/* The time without a packet, at its longest; how many came. B hears what A sends every 2 ms. */
static uint64_t talk(struct engine *e, const struct party party[2], uint16_t *sequence, int packets,
		     int *heard, uint32_t *moved)
{
	uint64_t longest_ns = 0, last_ns = clock_now_ns();
	struct media_event event;

	for (int i = 0; i < packets; i++) {
		rtp_send(&party[A], 1, (*sequence)++);
		(void)usleep(TALK_US);
		while (rtp_receive(&party[B], 0xabc1, 0) >= 0) {
			uint64_t now_ns = clock_now_ns();

			longest_ns = now_ns - last_ns > longest_ns ? now_ns - last_ns : longest_ns;
			last_ns = now_ns;
			(*heard)++;
		}
		while (engine_events(e, &event, 1) == 1) {
			assert_int_not_equal(event.kind, MEDIA_FLOW_FAILED);
			assert_int_not_equal(event.kind, MEDIA_FLOW_YIELDED);
			*moved += event.kind == MEDIA_FLOW_MOVED && event.error == 0;
		}
	}
	return longest_ns;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* To the worker of another call, and on to the next, while A talks. */
static void a_call_moves_between_workers(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[2], idle[WORKERS - 1];
	struct media_command c[2];
	uint64_t gaps_ns[MOVES];
	uint16_t sequence = 0;
	uint32_t moved = 0;
	int heard = 0;

	for (int side = A; side <= B; side++) {
		party[side] = party_open();
		c[side] = open_command(&party[side], (uint32_t)side, 1);
		command(e, &c[side]);
	}
	for (uint32_t i = 0; i < WORKERS - 1; i++) { /* calls 101, 102, ... */
		struct media_command other;

		idle[i] = party_open();
		other = open_command(&idle[i], 4 + 2 * i, 1);
		command(e, &other);
	}
	rtp_send(&party[B], 2, 0); /* who was never heard gets but a trickle */
	assert_int_equal(rtp_receive(&party[A], 0xabc0, WAIT_MS), 0);
	(void)talk(e, party, &sequence, 50, &heard, &moved);
	for (int i = 0; i < MOVES; i++) {
		call_move(e, c, 101 + (uint64_t)i % 2);
		gaps_ns[i] = talk(e, party, &sequence, TALKS_BETWEEN, &heard, &moved);
	}
	assert_int_equal(moved, 2 * MOVES);
	assert_in_range(heard, sequence - 5 * MOVES, sequence);
	qsort(gaps_ns, MOVES, sizeof(gaps_ns[0]), by_size);
	print_message("# without a packet at a move: median %u us, most %u us; %d of %u heard\n",
		      (uint32_t)(gaps_ns[MOVES / 2] / 1000), (uint32_t)(gaps_ns[MOVES - 1] / 1000),
		      heard, sequence);
	assert_true(gaps_ns[MOVES / 2] < 20 * NS_PER_MS);
	assert_int_equal(engine_move(e, &c[A].spec), -EALREADY);
	/* one that is on its way when all ends leaves no socket behind */
	c[A].spec.call = 101 + MOVES % 2;
	assert_int_equal(engine_move(e, &c[A].spec), 0);
	engine_close(e);
	for (uint32_t i = 0; i < WORKERS - 1; i++)
		(void)close(idle[i].fd);
	for (int side = A; side <= B; side++)
		(void)close(party[side].fd);
}

/* To the worker of a room, whose call it is not; it goes back to that of its call. */
static void a_flow_goes_to_the_home_that_it_is_given(void **state)
{
	enum { ROOM = 4000 };
	struct engine *e = open_engine(ENGINE_PORT_EPOLL);
	struct party party[2];
	struct media_command c[2];
	uint8_t worker[2];
	uint16_t sequence = 0;
	uint32_t moved = 0;
	int heard = 0;

	(void)state;
	for (int side = A; side <= B; side++) {
		party[side] = party_open();
		c[side] = open_command(&party[side], (uint32_t)side, 1);
		c[side].spec.call = 1 + (uint64_t)side;
		command(e, &c[side]);
		worker[side] = engine_worker_for(e, c[side].spec.call);
	}
	assert_int_not_equal(worker[A], worker[B]);
	assert_true(engine_worker_keep(e, ROOM, worker[B]));
	c[A].spec.home = ROOM;
	assert_int_equal(engine_move(e, &c[A].spec), 0);
	(void)talk(e, party, &sequence, 10, &heard, &moved);
	assert_int_equal(moved, 1);
	assert_int_equal(engine_move(e, &c[A].spec), -EALREADY);
	c[A].spec.home = 0;
	assert_int_equal(engine_move(e, &c[A].spec), 0);
	(void)talk(e, party, &sequence, 10, &heard, &moved);
	assert_int_equal(moved, 2);
	engine_close(e);
	for (int side = A; side <= B; side++)
		(void)close(party[side].fd);
}

static struct addr port_share(struct engine *e, uint64_t call)
{
	const struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct addr shared;
	int fd, none;

	assert_int_equal(engine_bind(&any, &(struct addr){ 0 }, 46, &fd, &none), 0);
	shared = bound_to(fd);
	assert_true(engine_shared_port(e, engine_worker_for(e, call), 0, fd));
	return shared;
}

/* The lines of a browser, which come by the transport of the first one. */
static struct media_command line_of(struct party *browser, uint32_t slot, const struct addr *shared)
{
	struct media_command c = open_command(browser, slot, 1);

	(void)close(c.rtp_fd);
	(void)close(c.rtcp_fd);
	c.rtp_fd = c.rtcp_fd = -1;
	c.spec.call = 99;
	c.spec.local_rtp = *shared;
	c.spec.shared_port = c.spec.rtcp_mux = c.spec.ice.on = 1;
	memset(c.spec.ice.ufrag, 'a', sizeof(c.spec.ice.ufrag));
	memset(c.spec.ice.pwd, 'k', sizeof(c.spec.ice.pwd));
	if (slot > 0) {
		c.spec.bundle = (struct flow_id){ .slot = 0, .generation = 1 };
		c.spec.rules[0].in = c.spec.rules[0].out = (uint8_t)(100 + slot);
	}
	return c;
}

static void line_move(struct engine *e, struct media_command *c, const struct addr *shared)
{
	c->kind = MEDIA_FLOW_UPDATE;
	c->moves = 1;
	c->spec.call = 101;
	c->spec.local_rtp = *shared;
	c->spec.peer = (struct flow_id){ .slot = 5, .generation = 1 };
	memset(c->spec.ice.ufrag, 'c', sizeof(c->spec.ice.ufrag));
	memset(c->spec.ice.pwd, 'm', sizeof(c->spec.ice.pwd));
	assert_true(engine_command(e, c));
}

static void all_moved(struct engine *e, uint32_t flows)
{
	struct media_event list[16];

	for (int i = 0; i < WAIT_MS && flows > 0; i++) {
		uint32_t n = engine_events(e, list, 16);

		for (uint32_t k = 0; k < n; k++) {
			assert_int_not_equal(list[k].kind, MEDIA_FLOW_FAILED);
			if (list[k].kind == MEDIA_FLOW_MOVED) {
				assert_int_equal(list[k].error, 0);
				flows--;
			}
		}
		(void)usleep(1000);
	}
	assert_int_equal(flows, 0);
}

/* A browser joins the call of another worker: it is heard again when its checks come to the port of that one, under other credentials. */
static void a_browser_moves_to_another_port(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct addr shared[2] = { port_share(e, 99), port_share(e, 101) };
	struct party browser = party_open(), phone = party_open();
	struct media_command line[3], c;

	for (uint32_t i = 0; i < 3; i++) {
		line[i] = line_of(&browser, 2 * i, &shared[0]);
		line[i].spec.id.slot = i ? 5 + i : 0;
		line[i].spec.ssrc_out = 0xabc0 + i;
		command(e, &line[i]);
	}
	c = open_command(&phone, 5, 1);
	c.spec.peer.slot = 0;
	command(e, &c);
	browser.ours = shared[0];
	browser_checks(&browser, 0);
	for (uint32_t i = 0; i < 3; i++)
		line_move(e, &line[i], &shared[1]);
	(void)usleep(20000); /* all have left before any goes on */
	all_moved(e, 3);
	rtp_send(&phone, 2, 16); /* nobody proved an address yet */
	assert_int_equal(rtp_receive(&browser, 0xabc0, 50), -1);
	browser.ours = shared[1];
	browser_checks(&browser, 2);
	rtp_send(&browser, 1, 7);
	assert_int_equal(rtp_receive(&phone, 0xabc5, WAIT_MS), 7);
	rtp_send(&phone, 2, 17);
	assert_int_equal(rtp_receive(&browser, 0xabc0, WAIT_MS), 17);
	engine_close(e);
	(void)close(browser.fd);
	(void)close(phone.fd);
}

FOR_EACH_PORT(a_call_moves_between_workers)
FOR_EACH_PORT(a_browser_moves_to_another_port)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS_OF(a_call_moves_between_workers),
		TESTS_OF(a_browser_moves_to_another_port),
		cmocka_unit_test(a_flow_goes_to_the_home_that_it_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
