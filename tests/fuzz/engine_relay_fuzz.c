/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and packets in any order through a worker on port_sim. The input is a script: one octet says what happens, those
 * after it how. Checked after every step:
 *  - every packet has exactly one verdict, and every buffer comes back;
 *  - nothing is sent but to the address signalled for the flow or latched by it, under the rule of its mode;
 *  - what is relayed came from the latched source, and to no other is a socket connected;
 *  - RTP is sent under the flow's own SSRC, goes on by one where its source changes, and no two packets, ours among
 *    them, get one number;
 *  - what leaves once more is octet by octet what left before, to a party that was told of video, and no more often than was counted;
 *  - no header extension leaves where none may;
 *  - what is sent to a party with keys authenticates there, under an index that it has not seen;
 *  - a flow with ICE, and those bundled with it, send to and relay from addresses that a check with its credentials came from
 *    lately, and no check with others is answered by a success;
 *  - a report block is delivered once, and of a bundle to the other party of the m-line that it is about;
 *  - a close is answered once, whatever control reads of the events;
 *  - a party that hears a job gets its packets, digits, and nothing of its peer, and no other party does;
 *  - a job has the flows that have it, and no timer without them; each sound that was handed over comes back once;
 *  - what is transcoded, and what a tone is mixed into, waits within its bounds and in line, and leaves under numbers of its own.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/engine_relay.h"

enum { COMMANDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz g_fuzz;

struct addr relay_address(uint8_t choice)
{
	struct addr a = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 } };

	choice %= 8;
	if (choice == 7)
		return (struct addr){ 0 };
	if (choice == 6)
		a = (struct addr){ .family = ADDR_V6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } };
	a.port = (uint16_t)(1000 + choice % 3);
	a.ip[3] = (uint8_t)(a.ip[3] + choice / 3);
	return a;
}

struct media_ice relay_ice(uint32_t slot, uint8_t how)
{
	struct media_ice ice = { .on = 1 };

	memset(ice.ufrag, 'a' + (int)slot, sizeof(ice.ufrag));
	memset(ice.pwd, 'k' + (int)slot, sizeof(ice.pwd));
	ice.ufrag[0] = ice.pwd[0] = how & 2 ? '1' : '0';
	return ice;
}

enum { WHAT_JOB = 250, WHAT_MOVE = 254, WHATS = 13 };

static void do_next(struct fuzz *f, struct script *s)
{
	uint8_t what = take(s);

	if (what >= WHAT_MOVE) {
		relay_move(f, s);
		return;
	}
	if (what >= WHAT_JOB) {
		relay_job(f, s);
		return;
	}
	switch (what % WHATS) {
	case 0:
		relay_raw(f, s);
		break;
	case 1:
	case 2:
		relay_rtp(f, s);
		break;
	case 3:
		relay_rtcp(f, s);
		break;
	case 4:
		f->sim->now_ns += take(s) * (take(s) + UINT64_C(1)) * NS_PER_MS;
		break;
	case 5:
		relay_open(f, s);
		break;
	case 6:
		relay_update(f, s);
		break;
	case 7:
		relay_by_id(f, s, MEDIA_FLOW_CLOSE);
		break;
	case 8:
		relay_by_id(f, s, MEDIA_FLOW_QUERY);
		break;
	case 10:
		relay_by_id(f, s, MEDIA_FLOW_DIGIT_SEND);
		break;
	case 11:
		relay_stun(f, s);
		break;
	case 12:
		if (s->n > 0 && *s->p & 4)
			relay_nack(f, s);
		else
			relay_stun(f, s);
		break;
	case 9:
		relay_events_read(f, take(s) % 4);
		relay_step(f);
		break;
	}
}

/* One socket for all runs: only its address is of any use. */
static int shared_socket(struct addr *local)
{
	static int fd = -1;
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (fd < 0) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)))
			abort();
	}
	if (getsockname(fd, (struct sockaddr *)&ss, &n) ||
	    addr_from_sockaddr(local, (struct sockaddr *)&ss))
		abort();
	return fd;
}

static void fuzz_open(struct fuzz *f)
{
	struct worker_settings settings = { .slots = SLOTS,
					    .shared_ports = 1,
					    .jobs = JOBS,
					    .commands = COMMANDS,
					    .events = EVENTS,
					    .metrics = &f->metrics };
	int err;

	memset(f, 0, sizeof(*f));
	media_metrics_register_of(&f->metrics, 0);
	err = worker_open(&f->w, &settings);
	err |= port_sim_open(&f->sim, SLOTS + 1, NS_PER_S, 1);
	if (err)
		abort();
	relay_sounds_open(f);
	rand_open_seed(&f->w.rand, 1);
	f->w.port = &f->sim->port;
	err = shared_port_add(&f->w, 0, shared_socket(&f->shared));
	assert(err == 0);
	f->in = metric_value(f->metrics.packets_in);
	f->out = metric_value(f->metrics.packets_out);
	f->made = metric_value(f->metrics.made);
	f->dropped = relay_dropped(f);
	f->answered = metric_value(f->metrics.nacked[NACK_ANSWERED]);
}

/* Two flows that are peers, as most scripts want them. */
static void flows_open(struct fuzz *f)
{
	for (uint32_t slot = 0; slot < 2; slot++) {
		const uint8_t how[] = { (uint8_t)slot,
					(uint8_t)(slot * 4),
					0x70,
					(uint8_t)(0x10 | (slot ^ 1)),
					(uint8_t)(slot * 3),
					(uint8_t)(slot * 3) };
		struct script s = { .p = how, .n = sizeof(how) };

		relay_open(f, &s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *f = &g_fuzz;
	struct script s = { .p = data, .n = size };

	fuzz_open(f);
	if (take(&s) & 1)
		flows_open(f);
	while (s.n > 0)
		do_next(f, &s);
	while (f->sim->in_head != f->sim->in_tail)
		relay_step(f);
	relay_commands_settle(f);
	relay_events_read(f, UINT32_MAX);
	assert(f->closed == f->closes);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		srtp_stream_close(f->party_out[slot]);
		srtp_stream_close(f->party_in[slot]);
	}
	worker_close(&f->w);
	relay_sounds_close(f);
	return 0;
}
