/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the XDP program forwards against what the worker does: random sequences of packets of two parties, most of them ordinary. The same
 * packets must be forwarded, with the same octets, and the same must be known of the stream afterwards. Otherwise by design:
 *
 * - The program takes the time of each packet, the worker that of a batch. Here the worker is told the program's time.
 * - The identifier of IPv4 is that of the sequence number.
 * - The payload is not summed: a wrong checksum is as wrong when it leaves.
 * - It leaves to the worker: 3,000 numbers at once, no or half a checksum, a tag, what is too long for its way, octets behind the packet.
 *
 * TANDEM_SEQUENCES=1000000 does more of it.
 */
#include "tests/unit/test.h"

#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/port/forward_rig.h"

/* ThreadSanitizer makes each eight times slower, and there is one thread. */
enum {
	SEQUENCES = THREAD_SANITIZER ? 8000 : 40000,
	PACKETS = 10,
	ODD = 4,
	PAYLOAD_MAX = 700,
	IP_AT = ETHERNET_LEN
};

/* What a change does beside what it shows. */
enum expected {
	AS_WORKER,
	UP,    /* though the worker would relay it */
	WRONG, /* it is forwarded with its wrong checksum; the worker would drop it */
};

struct packet {
	const char *name; /* of what is odd */
	struct forward_rig *t;
	int side;
	bool v6;
	struct addr from, to;
	uint16_t vlan;
	uint8_t payload[PAYLOAD_MAX];
	uint16_t n;
	struct wire wire;
	enum expected expected;
	uint16_t wrong; /* of the checksum */
};

static uint8_t *udp_of(struct packet *p)
{
	return p->wire.at + IP_AT + (p->v6 ? IPV6_LEN : IPV4_LEN);
}

static void v4_sum(struct packet *p)
{
	uint8_t *ip = p->wire.at + IP_AT;

	if (p->v6)
		return;
	memory_put(ip + IPV4_SUM_AT, 0);
	memory_put(ip + IPV4_SUM_AT, (uint16_t)~frame_sum_fold(head_sum(ip, IPV4_LEN)));
}

/* ---- changes of the packet, before it has checksums ---- */

static void odd_ssrc(struct packet *p)
{
	p->payload[8 + below(p->t, 4)] ^= (uint8_t)(1 + below(p->t, 255));
}

static void odd_type(struct packet *p)
{
	p->payload[1] = (uint8_t)below(p->t, 256);
}

static void odd_head(struct packet *p)
{
	p->payload[0] = (uint8_t)below(p->t, 256);
}

static void odd_sequence(struct packet *p)
{
	static const uint16_t AHEAD[] = { 0, 1, 2, 2999, 3000, 3001, 32768, 65535, 65436 };
	uint16_t ahead = below(p->t, 2) ? AHEAD[below(p->t, COUNT_OF(AHEAD))] : any_16(p->t);

	if (ahead == SEQ_DROPOUT_MAX)
		p->expected = UP;
	be16_put(p->payload + 2,
		 (uint16_t)(flow_of(p->t->r, p->side)->source.sequence_high + ahead));
}

static void odd_timestamp(struct packet *p)
{
	be32_put(p->payload + 4,
		 below(p->t, 2) ? any_32(p->t) : p->t->next[p->side].timestamp - 160);
}

static void odd_length(struct packet *p)
{
	p->n = (uint16_t)below(p->t, 20);
}

static void odd_long(struct packet *p)
{
	p->n = (uint16_t)(MTU - (p->v6 ? 48 : 28) - 2 + below(p->t, 5));
	if (p->n + (p->v6 ? 48 : 28) > MTU)
		p->expected = UP;
}

static void odd_source(struct packet *p)
{
	if (below(p->t, 2))
		p->from.port = (uint16_t)(p->from.port % UINT16_MAX + 1);
	else
		p->from.ip[p->v6 ? 15 : 3] ^= (uint8_t)(1 + below(p->t, 255));
}

static void odd_port(struct packet *p)
{
	p->to.port = (uint16_t)(FIRST + below(p->t, 110));
}

static void odd_tag(struct packet *p)
{
	p->vlan = (uint16_t)(1 + below(p->t, 4000));
	p->expected = UP;
}

/* ---- changes of the frame ---- */

static void odd_no_sum(struct packet *p)
{
	memory_put(udp_of(p) + UDP_SUM_AT, 0);
	p->expected = UP;
}

static uint16_t half_sum(struct packet *p)
{
	const uint8_t *from = p->wire.at + IP_AT + (p->v6 ? 8 : IPV4_FROM_AT);
	uint16_t length = be16_get(udp_of(p) + UDP_LENGTH_AT);

	return frame_sum_fold(sum_word(PROTOCOL_UDP) + sum_word(length) +
			      (p->v6 ? head_sum(from, 32) : head_sum(from, 8)));
}

/* Only of the first one, and of the second in a row, it is not believed to be whole. */
static bool half_is_half(const struct packet *p)
{
	const struct xdp_forward *e = entry_of(p->t, p->side);

	return e->packets == 0 || e->why == XDP_FATE_FRAME;
}

static void odd_half_sum(struct packet *p)
{
	uint16_t whole = memory_get(udp_of(p) + UDP_SUM_AT);

	p->expected = half_is_half(p) ? UP : WRONG;
	p->wrong = frame_sum_fold((uint64_t)half_sum(p) + (uint16_t)~whole);
	if (p->expected == UP)
		memory_put(udp_of(p) + UDP_SUM_AT, half_sum(p));
}

static void odd_wrong_sum(struct packet *p)
{
	p->wrong = (uint16_t)(1 + below(p->t, 65000));
	p->expected = WRONG;
}

static void odd_octet(struct packet *p)
{
	static const uint8_t V4[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
			     V6[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	uint8_t at = p->v6 ? V6[below(p->t, COUNT_OF(V6))] : V4[below(p->t, COUNT_OF(V4))];

	p->wire.at[IP_AT + at] = (uint8_t)below(p->t, 256);
	v4_sum(p);
}

static void odd_ip_sum(struct packet *p)
{
	if (!p->v6)
		p->wire.at[IP_AT + IPV4_SUM_AT] ^= (uint8_t)(1 + below(p->t, 255));
}

static void odd_udp_length(struct packet *p)
{
	uint8_t *at = udp_of(p) + UDP_LENGTH_AT;

	be16_put(at, (uint16_t)(be16_get(at) + below(p->t, 3) - 1));
}

static void odd_behind(struct packet *p)
{
	uint32_t more = 1 + below(p->t, 8);

	memset(p->wire.at + p->wire.n, 0xee, more);
	p->wire.n += more;
	if (p->wire.n > 60)
		p->expected = UP;
}

static void odd_short(struct packet *p)
{
	p->wire.n -= 1 + below(p->t, p->wire.n - ETHERNET_LEN);
}

static void odd_ethernet(struct packet *p)
{
	static const uint8_t AT[] = { 0, 12, 13 };

	p->wire.at[AT[below(p->t, COUNT_OF(AT))]] = (uint8_t)below(p->t, 256);
}

struct odd {
	const char *name;
	void (*change)(struct packet *p);
};

static const struct odd OF_PACKET[] = {
	{ "ssrc", odd_ssrc },         { "type", odd_type },           { "head", odd_head },
	{ "sequence", odd_sequence }, { "timestamp", odd_timestamp }, { "length", odd_length },
	{ "long", odd_long },         { "source", odd_source },       { "port", odd_port },
	{ "tag", odd_tag },
};

static const struct odd OF_FRAME[] = {
	{ "no sum", odd_no_sum }, { "half sum", odd_half_sum }, { "wrong sum", odd_wrong_sum },
	{ "octet", odd_octet },   { "ip sum", odd_ip_sum },     { "udp length", odd_udp_length },
	{ "behind", odd_behind }, { "short", odd_short },       { "ethernet", odd_ethernet },
};

static void odd_choose(struct packet *p, const struct odd *list, size_t n)
{
	const struct odd *odd = &list[below(p->t, (uint32_t)n)];

	p->name = odd->name;
	odd->change(p);
}

/* ---- the worker ---- */

/* As a port reads a frame; 0: none that ordinary_stage gets. */
static uint16_t worker_reads(const struct packet *p, struct frame *f)
{
	struct bytes in = bytes_mem(p->wire.at, p->wire.n);
	uint16_t tail_sum;

	if (!p->v6 && frame_ordinary(in, false, &tail_sum) == 0)
		return 0;
	return frame_parse(f, in) == FRAME_FINE && !f->vlan ? f->payload_length : 0;
}

/* What it would send. False: it is not ordinary to it, and nothing has changed. */
static bool worker_takes(struct packet *p, uint64_t now_ns, struct wire *out)
{
	struct forward_rig *t = p->t;
	struct worker *w = &t->r->w;
	struct batch *b = &w->batch;
	int other = !p->side;
	struct frame f;
	uint16_t n = worker_reads(p, &f);
	const struct frame_head head = { .path = &t->path[other],
					 .from = &t->local[other],
					 .to = &t->party[other],
					 .tos = t->tos[other],
					 .hops = t->hops[other] };

	if (n == 0 || !addr_eq(&f.to, &t->local[p->side]))
		return false;
	memcpy(out->memory + HEAD_ROOM, p->wire.at + f.payload_at, n);
	b->list[0] = (struct pkt){ .data = out->memory + HEAD_ROOM,
				   .length = n,
				   .slot = (uint32_t)p->side,
				   .from = f.from };
	b->count = 1;
	b->now_ns = now_ns;
	ordinary_stage(w, b);
	b->count = 0;
	if (b->done == 0)
		return false;
	out->at = frame_write(&head, out->memory + HEAD_ROOM, n);
	out->n = (uint32_t)(out->memory + HEAD_ROOM + n - out->at);
	return true;
}

/* ---- both ---- */

static void same_octets(const struct packet *p, const struct wire *program,
			const struct wire *worker)
{
	const uint8_t *ip = program->at + IP_AT;
	uint8_t *expected = worker->at + IP_AT;

	assert_int_equal(program->n, p->wire.n);
	if (!p->v6) {
		uint16_t id = (uint16_t)(p->t->id + flow_of(p->t->r, !p->side)->sink.sequence);

		assert_int_equal(be16_get(ip + IPV4_ID_AT), id);
		be16_put(expected + IPV4_ID_AT, id);
		memory_put(expected + IPV4_SUM_AT, 0);
		memory_put(expected + IPV4_SUM_AT,
			   (uint16_t)~frame_sum_fold(head_sum(expected, IPV4_LEN)));
	}
	assert_memory_equal(program->at, worker->at, worker->n);
}

static void same_state(struct packet *p)
{
	const struct flow *f = flow_of(p->t->r, p->side), *peer = flow_of(p->t->r, !p->side);
	const struct xdp_forward *e = entry_of(p->t, p->side);

	assert_true(xdp_forward_is_left(e));
	assert_int_equal(e->sequence, (uint32_t)f->count.highest);
	assert_int_equal((uint16_t)e->sequence, f->source.sequence_high);
	assert_int_equal(e->packets, f->received.packets);
	assert_int_equal(e->octets, f->received.octets);
	assert_int_equal(e->received_ns, f->received.last_ns);
	assert_int_equal(e->jitter, f->jitter.scaled);
	assert_int_equal(e->transit, f->jitter.transit);
	assert_int_equal(e->timestamp, peer->sink.timestamp);
	assert_int_equal(e->timestamp_ns, peer->sink.at_ns);
	assert_int_equal((uint16_t)(e->sequence + e->sequence_offset), peer->sink.sequence);
}

/* The change that it has not, it is given again: what the worker would send, with as wrong a checksum. */
static void wrong_put(const struct packet *p, uint8_t *udp)
{
	uint64_t sum = memory_get(udp + UDP_SUM_AT);

	if (p->expected == WRONG)
		memory_put(udp + UDP_SUM_AT, frame_sum_fold(sum + p->wrong));
}

static void packet_make(struct packet *p)
{
	struct forward_rig *t = p->t;
	struct rtp *next = &t->next[p->side];
	bool odd = below(t, ODD) == 0, framed = odd && below(t, 2);

	next->sequence = (uint16_t)(flow_of(t->r, p->side)->source.sequence_high + 1);
	next->timestamp += 160;
	next->marker = below(t, 30) == 0;
	p->n = (uint16_t)(RTP_HEAD_LEN + below(t, 200));
	for (size_t i = RTP_HEAD_LEN; i < sizeof(p->payload); i += 4)
		be32_put(p->payload + i, any_32(t));
	memcpy(p->payload, rtp_write((uint8_t[PACKET_MAX]){ 0 }, next).p, RTP_HEAD_LEN);
	p->from = t->party[p->side];
	p->to = t->local[p->side];
	if (odd && !framed)
		odd_choose(p, OF_PACKET, COUNT_OF(OF_PACKET));
	wire_write(&p->wire, &p->from, &p->to, p->vlan, bytes_mem(p->payload, p->n));
	if (framed)
		odd_choose(p, OF_FRAME, COUNT_OF(OF_FRAME));
}

static bool has_half_sum(struct packet *p)
{
	return memory_get(udp_of(p) + UDP_SUM_AT) == half_sum(p) && half_is_half(p);
}

static void packet_compare(struct packet *p, struct wire *program, struct wire *worker)
{
	struct xdp_forward *e = entry_of(p->t, p->side);
	uint32_t action;
	bool taken;

	wrong_put(p, udp_of(p));
	action = wire_run(p->t, &p->wire, program);
	if (p->expected == WRONG) /* the worker gets it as it should be */
		wire_write(&p->wire, &p->from, &p->to, p->vlan, bytes_mem(p->payload, p->n));
	if (!is_forwarded(action)) {
		assert_int_equal(action, XDP_PASS); /* it has no socket */
		assert_memory_equal(program->at, p->wire.at, p->expected == WRONG ? 0 : p->wire.n);
		taken = p->expected == AS_WORKER && worker_takes(p, clock_now_ns(), worker);
		ROW_ASSERT(p->name, !taken);
	} else {
		assert_int_equal(action,
				 p->t->ifindex[!p->side] == BY_SAME ? XDP_TX : XDP_REDIRECT);
		ROW_ASSERT(p->name, p->expected != UP);
		ROW_ASSERT(p->name, worker_takes(p, e->received_ns, worker));
		wrong_put(p, worker->at + (udp_of(p) - p->wire.at));
		same_octets(p, program, worker);
	}
	same_state(p);
	if (!xdp_forward_is_armed(e)) {
		assert_false(is_forwarded(action));
		xdp_forward_arm(e);
	}
}

static void sequence_run(struct forward_rig *t)
{
	static struct wire program, worker;
	bool v6 = below(t, 3) == 0;

	parties_choose(t, v6);
	for (int i = 0; i < PACKETS; i++) {
		struct packet p = {
			.name = "ordinary", .t = t, .side = below(t, 2) ? A : B, .v6 = v6
		};

		packet_make(&p);
		if (p.expected == AS_WORKER && has_half_sum(&p))
			continue; /* by chance */
		packet_compare(&p, &program, &worker);
	}
}

static void does_what_the_worker_does(void **state)
{
	const char *more = getenv("TANDEM_SEQUENCES");
	uint64_t sequences = more ? strtoull(more, NULL, 10) : SEQUENCES, forwarded;
	struct forward_rig t;

	(void)state;
	forward_open(&t, 64);
	for (uint64_t i = 0; i < sequences; i++)
		sequence_run(&t);
	forwarded = fate_of(&t, XDP_FATE_FORWARDED);
	print_message("# %llu sequences, %llu packets forwarded\n", (unsigned long long)sequences,
		      (unsigned long long)forwarded);
	assert_true(forwarded > sequences * PACKETS * 3 / 4);
	for (enum xdp_fate fate = XDP_FATE_SOURCE; fate <= XDP_FATE_SEQUENCE; fate++)
		assert_true(fate_of(&t, fate) > sequences / 100);
	forward_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_the_worker_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
