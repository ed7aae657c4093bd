/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two-way load through a relay, and a strict receiver. One thread, one io_uring, or AF_XDP.
 *
 *   rtpload --seconds 10 < calls        each line: a_local a_target b_local b_target   (ip:port)
 *                                       and with SRTP: a_sends a_hears b_sends b_hears (SDES keys in hex, load_srtp.h);
 *                                       for a party without it "- -", for a WebRTC party ICE and DTLS (load_webrtc.h)
 *
 * A sends from a_local to a_target (the relay's port that faces A) and hears B there; B likewise. Audio: every stream is
 * 50 packets/s of 172 bytes, or fewer (--interval-ms). Video (--video): 30 frames/s, each a burst of packets of 1200 bytes, a large one each second. The
 * streams are spread evenly over the time of a frame. Each payload carries stream, number and send
 * time and a pattern, so a lost, doubled, reordered, misrouted or altered packet is told apart. Result: one JSON
 * object in one line on stdout, with how much was sent. Latency is measured from handing the packet to io_uring until the packet
 * is reaped, so it is an upper bound with the resolution of --tick-us.
 * With --speech (load_speech.h) payloads are speech, and what is missing is told by the numbers of packets alone.
 * With --xdp packets go by AF_XDP (load_port.c); their latency ends when their batch is received.
 *
 * SRTP is made and read by our own code, as the load would cost more than the server otherwise; by libsrtp2 in every
 * LIBSRTP_EACH-th call, so that what is measured is SRTP by another's judgement.
 */
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/load.h"
#include "bench/load/speech.h"

#define START_NS       (50 * NS_PER_MS) /* before the first frame */
#define DRAIN_TURN_NS  NS_PER_MS
#define WEBRTC_TICK_NS (20 * NS_PER_MS)

/* Frames of all endpoints, numbered in the order in which they are due. */
struct schedule {
	uint64_t start_ns, next, end;
};

static volatile sig_atomic_t g_ended; /* was told to: then with a report */

static void on_end(int number)
{
	(void)number;
	g_ended = 1;
}

static void wire_open(struct load *l)
{
	const char *interface = l->options.interface;
	int *fds = calloc(l->count, sizeof(*fds));

	if (!fds)
		load_fail("memory", ENOMEM);
	for (uint32_t i = 0; i < l->count; i++)
		fds[i] = l->list[i].fd;
	l->wire = interface ? load_port_open(interface, fds, l->count)
			    : load_ring_open(fds, l->count);
	free(fds);
}

/* Those that are due; of each endpoint one at the most, as its buffers are free again with the next turn of the wire. */
static void frames_send(struct load *l, struct schedule *s, uint64_t now_ns)
{
	uint32_t most = l->options.tick_frames;
	uint64_t stop = s->next + (most > 0 && most < l->count ? most : l->count);

	for (; s->next < s->end && s->next < stop; s->next++) {
		uint64_t due_ns = s->start_ns + s->next * l->options.kind.frame_ns / l->count;

		if (due_ns > now_ns)
			break;
		if (now_ns - due_ns > l->t.lag_max_ns)
			l->t.lag_max_ns = now_ns - due_ns;
		load_frame_send(l, (uint32_t)(s->next % l->count), now_ns);
	}
}

/* Checks and handshakes, and what whoever waits for interim reports is told. */
static void tick(struct load *l, uint64_t now_ns)
{
	uint64_t tell_ns = l->options.tell_ns;

	for (uint32_t i = 0; l->webrtc > 0 && i < l->count; i++)
		if (l->list[i].webrtc)
			load_webrtc_tick(l->list[i].webrtc, now_ns);
	if (tell_ns == 0 || now_ns - l->told_ns < tell_ns)
		return;
	l->told_ns = now_ns;
	load_report(l, now_ns);
}

static void turn_until(struct load *l, uint64_t then_ns)
{
	uint64_t now_ns = clock_now_ns();

	l->wire->ops->turn(l->wire, then_ns > now_ns ? then_ns - now_ns : 0, load_check, l);
}

static void run(struct load *l)
{
	double frames = l->options.seconds * NS_PER_S / (double)l->options.kind.frame_ns;
	struct schedule s = { .start_ns = clock_now_ns() + START_NS,
			      .end = (uint64_t)frames * l->count };
	uint64_t ticked_ns = 0;

	l->warm_ns = s.start_ns + (uint64_t)(l->options.warm_up * (double)NS_PER_S);
	while (s.next < s.end && !g_ended) {
		uint64_t now_ns = clock_now_ns();

		frames_send(l, &s, now_ns);
		if (now_ns - ticked_ns >= WEBRTC_TICK_NS) {
			ticked_ns = now_ns;
			tick(l, now_ns);
		}
		turn_until(l, now_ns + l->options.tick_ns);
	}
	l->sent_ns = clock_now_ns();
	for (uint64_t end_ns = l->sent_ns + l->options.drain_ns; clock_now_ns() < end_ns;)
		turn_until(l, clock_now_ns() + DRAIN_TURN_NS);
}

int main(int argc, char **argv)
{
	static struct load l;

	l.start_ns = clock_now_ns();
	load_options_read(&l.options, argc, argv, l.start_ns);
	if (l.options.speech)
		load_speech_open();
	load_calls_read(&l, l.options.calls);
	wire_open(&l);
	(void)signal(SIGTERM, on_end);
	run(&l);
	load_report(&l, clock_now_ns());
	return 0;
}
