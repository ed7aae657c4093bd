/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations over two shards with real workers: A - HERE = THERE - B, where HERE and THERE send to each other's ports. Some have all
 * flows on one worker, which hands packets over, and some have two workers. Packets come from two threads while a third one commands. For TSan.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/engine/parties.h"

enum { CHAINS = 6, FLOWS = 4, HERE = 1, THERE = 2, FAR = 3, ROUNDS = 40, PACKET = 172 };

/* Of a conversation: its flows' ports, and the two who speak. */
struct chain {
	struct party party[2];
	struct addr ports[FLOWS];
	uint64_t calls[2];
	uint32_t slot; /* the first one */
};

struct load {
	struct chain *chains;
	int side;
	atomic_bool ends;
	pthread_t id;
	atomic_uint_fast64_t sent;
};

static uint64_t handed(void)
{
	return metric_value(
		metric_register(METRIC_COUNTER, "tandem_media_handed_packets_total", NULL, ""));
}

static struct addr any_port(void)
{
	return (struct addr){ .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };
}

/* What the flow is, whose sockets are bound by now. */
static struct media_command flow_of(const struct chain *c, uint32_t flow, uint32_t generation)
{
	bool inner = flow == HERE || flow == THERE;
	uint32_t side = flow / 2;
	struct media_command open = { .kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1 };

	open.spec = (struct flow_spec){
		.id = { .slot = c->slot + flow, .generation = generation },
		.peer = { .slot = c->slot + (flow ^ 1), .generation = generation },
		.call = c->calls[side],
		.local_rtp = c->ports[flow],
		.remote_rtp = inner ? c->ports[flow ^ 3] : c->party[side].at,
		.ssrc_out = 0xabc0 + flow,
		.latch = LATCH_SAME_IP,
		.own = inner,
		.receive = 1,
		.send = 1,
		.leg = (uint8_t)(flow & 1),
		.rule_count = 1,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 } },
	};
	return open;
}

static void flow_open(struct engine *e, const struct chain *c, uint32_t flow, int fd,
		      uint32_t generation)
{
	struct media_command open = flow_of(c, flow, generation);

	open.rtp_fd = fd;
	command(e, &open);
}

/* Which two workers have its calls. */
static void chain_open(struct engine *e, struct chain *c, uint32_t index)
{
	const struct addr any = any_port(), none = { 0 };
	int fds[FLOWS], rtcp_fd;

	c->slot = index * FLOWS;
	for (uint32_t side = 0; side < 2; side++) {
		c->calls[side] = 100 + 2 * index + side;
		assert_true(
			engine_worker_keep(e, c->calls[side], (index + side * (index & 1)) % 2));
		c->party[side] = party_open();
	}
	for (uint32_t i = 0; i < FLOWS; i++) {
		assert_int_equal(engine_bind(&any, &none, 0, &fds[i], &rtcp_fd), 0);
		c->ports[i] = bound_to(fds[i]);
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		flow_open(e, c, i, fds[i], 1);
	c->party[A].ours = c->ports[0];
	c->party[B].ours = c->ports[FAR];
}

/* All that was commanded is done. */
static void settle(struct engine *e)
{
	struct media_event event;

	engine_mark(e);
	for (int i = 0; i < WAIT_MS && !engine_is_past_mark(e); i++) {
		while (engine_events(e, &event, 1) == 1)
			assert_int_not_equal(event.kind, MEDIA_FLOW_FAILED);
		(void)usleep(1000);
	}
	assert_true(engine_is_past_mark(e));
}

static void *speak(void *arg)
{
	struct load *l = arg;

	for (uint16_t n = 0; !atomic_load(&l->ends); n++) {
		for (uint32_t i = 0; i < CHAINS; i++)
			rtp_send(&l->chains[i].party[l->side], 1 + (uint32_t)l->side, n);
		(void)atomic_fetch_add(&l->sent, CHAINS);
		(void)usleep(500);
	}
	return NULL;
}

static void loads_begin(struct load loads[2], struct chain *chains)
{
	for (int side = A; side <= B; side++) {
		loads[side].chains = chains;
		loads[side].side = side;
		atomic_store(&loads[side].ends, false);
		atomic_store(&loads[side].sent, 0);
		assert_int_equal(pthread_create(&loads[side].id, NULL, speak, &loads[side]), 0);
	}
}

/* How many packets they have sent. */
static uint64_t loads_end(struct load loads[2])
{
	uint64_t sent = 0;

	for (int side = A; side <= B; side++) {
		while (atomic_load(&loads[side].sent) < CHAINS * ROUNDS)
			(void)usleep(1000);
		atomic_store(&loads[side].ends, true);
		assert_int_equal(pthread_join(loads[side].id, NULL), 0);
		sent += atomic_load(&loads[side].sent);
	}
	return sent;
}

/* A flow closes and another one opens at its port, while its neighbour, of this worker or of the other one, sends there. */
static void flow_again(struct engine *e, const struct chain *c, uint32_t flow, uint32_t generation)
{
	const struct addr none = { 0 };
	int fd, rtcp_fd, err = -EADDRINUSE;

	flow_command(e, MEDIA_FLOW_CLOSE, c->slot + flow, generation);
	for (int i = 0; i < WAIT_MS && err == -EADDRINUSE; i++) {
		settle(e);
		(void)usleep(1000); /* the socket is closed a little later */
		err = engine_bind(&c->ports[flow], &none, 0, &fd, &rtcp_fd);
	}
	assert_int_equal(err, 0);
	flow_open(e, c, flow, fd, generation);
}

/* As re-INVITEs, diagnoses and restarts of one side do. */
static void commands_come(struct engine *e, const struct chain *chains)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct chain *c = &chains[round % CHAINS];
		struct media_command update = flow_of(c, round % FLOWS, 1);

		update.kind = MEDIA_FLOW_UPDATE;
		update.spec.send = round % 8 < 4;
		command(e, &update);
		flow_command(e, MEDIA_FLOW_QUERY, c->slot + HERE, 1);
		flow_again(e, &chains[(round + 1) % CHAINS], round & 1 ? HERE : THERE, 1);
		settle(e);
	}
	for (uint32_t i = 0; i < CHAINS * FLOWS; i++) {
		struct media_command update = flow_of(&chains[i / FLOWS], i % FLOWS, 1);

		update.kind = MEDIA_FLOW_UPDATE;
		command(e, &update);
	}
	settle(e);
}

/* What was said before may come still. */
static void is_attached(const struct party *from, const struct party *to, uint32_t ssrc,
			uint32_t out)
{
	int sequence = -1;

	while (rtp_receive(to, out, 20) >= 0)
		continue;
	for (uint16_t i = 0; i < 100 && sequence < 0; i++) {
		rtp_send(from, ssrc, (uint16_t)(5000 + i));
		sequence = rtp_receive(to, out, 20);
	}
	assert_in_range(sequence, 0, UINT16_MAX);
}

static void both_ways_of_both_kinds(enum engine_port port)
{
	struct engine *e = open_engine(port);
	/* a test that fails leaves its threads behind */
	static struct chain chains[CHAINS];
	static struct load loads[2];
	uint64_t before = handed(), sent;

	for (uint32_t i = 0; i < CHAINS; i++)
		chain_open(e, &chains[i], i);
	settle(e);
	loads_begin(loads, chains);
	commands_come(e, chains);
	sent = loads_end(loads);
	/* of half of them, each packet once */
	assert_in_range(handed() - before, 1, sent / 2);
	for (uint32_t i = 0; i < CHAINS; i++) {
		is_attached(&chains[i].party[A], &chains[i].party[B], 1, 0xabc0 + FAR);
		is_attached(&chains[i].party[B], &chains[i].party[A], 2, 0xabc0);
	}
	engine_close(e);
	for (uint32_t i = 0; i < CHAINS * 2; i++)
		(void)close(chains[i / 2].party[i % 2].fd);
}

FOR_EACH_PORT(both_ways_of_both_kinds)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS_OF(both_ways_of_both_kinds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
