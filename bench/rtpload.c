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
 * With --xdp packets go by AF_XDP (load_port.h); their latency ends when their batch is received.
 *
 * SRTP is made and read by our own code, as the load would cost more than the server otherwise; by libsrtp2 in every
 * LIBSRTP_EACH-th call, so that what is measured is SRTP by another's judgement.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <liburing.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "bench/load_port.h"
#include "bench/load_srtp.h"
#include "bench/load_webrtc.h"

enum {
	RTP_HEAD = 12,
	PACKET_ROOM = 1200,
	BURST_MAX = 20, /* packets of a frame */
	FRAMES_PER_LARGE = 30,
	LIBSRTP_EACH = 32,
	BUFFERS = 16384,
	BUFFER_SIZE = PACKET_ROOM + 48,
	SQ_ENTRIES = 2048,
	REAP_MAX = 256,
	BUSY_TRIES = 250,
	BUSY_MS = 20,
	WINDOW = 1024, /* packets: later ones are told from duplicates within this many */
	BUCKETS_PER_OCTAVE = 32,
	BUCKETS = 64 * BUCKETS_PER_OCTAVE,
	MAGIC = 0x52544c44,
	KIND_SEND = 1 << 30, /* user_data: endpoint, or this bit and endpoint */
	WEBRTC_PER_S = 100,  /* parties that begin their handshakes */
};

#define SILENT_NS      (2 * NS_PER_S)
#define WEBRTC_TICK_NS (20 * NS_PER_MS)
#define FOREIGN        "FOREIGN" /* what flood.c puts into its packets */

/* The first bytes of the payload, host order: only we read them. */
struct stamp {
	uint32_t magic, stream, number, timestamp;
	uint64_t sent_ns;
};

struct kind {
	uint8_t payload_type;
	uint32_t packet; /* octets, with the head */
	uint64_t frame_ns;
	uint32_t frame_units; /* of the RTP clock */
	uint32_t burst, burst_large;
};

static const struct kind AUDIO = { .packet = RTP_HEAD + 160,
				   .frame_ns = 20 * NS_PER_MS,
				   .frame_units = 160,
				   .burst = 1,
				   .burst_large = 1 };
/* About 1 Mbit/s of H.264: three packets a frame, and a key frame of twenty each second. */
static const struct kind VIDEO = { .payload_type = 96,
				   .packet = PACKET_ROOM,
				   .frame_ns = NS_PER_S / 30,
				   .frame_units = 3000,
				   .burst = 3,
				   .burst_large = BURST_MAX };

struct endpoint {
	int fd;
	struct load_srtp *srtp;                           /* NULL: plain */
	struct load_webrtc *webrtc;                       /* NULL: another party */
	uint8_t packet[PACKET_ROOM];                      /* of the stream we send, in clear */
	uint8_t (*wire)[PACKET_ROOM + LOAD_SRTP_TRAILER]; /* a frame on its way */
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t sent, frames;
	/* of the stream we receive */
	bool heard;
	uint64_t heard_ns; /* or when the load began */
	uint32_t ssrc;
	uint16_t sequence_delta; /* sequence - number: constant through a faithful relay */
	uint32_t timestamp_delta;
	uint32_t next; /* number after the highest received */
	uint64_t seen[WINDOW / 64];
	int64_t transit_ns;
	double jitter_ns;
};

struct totals {
	uint64_t sent, send_errors, received, duplicated, reordered, corrupted, misrouted;
	uint64_t srtp_refused, rtcp, rtcp_foreign;
	uint64_t ssrc_changes, sequence_jumps, timestamp_jumps, receive_errors;
	uint64_t latency[BUCKETS];
	uint64_t latency_max_ns, lag_max_ns;
};

struct load {
	struct load_port *port; /* NULL: the ring */
	struct io_uring ring;
	struct io_uring_buf_ring *buffers;
	uint8_t *memory;
	struct endpoint *list;
	uint32_t count;
	struct kind kind;
	double seconds;
	uint64_t start_ns, told_ns, tell_ns; /* tell_ns: between interim reports, 0: none */
	uint32_t webrtc;                     /* parties */
	uint64_t tick_ns;
	uint64_t drain_ns;
	uint32_t
		ssrc; /* of the first stream, of each run another: numbers heard before are replays */
	struct totals t;
};

static volatile sig_atomic_t g_ended; /* was told to: then with a report */

_Noreturn static void fail(const char *what, int err)
{
	(void)fprintf(stderr, "rtpload: %s: %s\n", what, strerror(err));
	exit(1);
}

static uint32_t bucket_of(uint64_t ns)
{
	if (ns < BUCKETS_PER_OCTAVE)
		return (uint32_t)ns;

	uint32_t octave = 63 - (uint32_t)__builtin_clzll(ns) - 5;

	return (octave + 1) * BUCKETS_PER_OCTAVE + (uint32_t)(ns >> octave) - BUCKETS_PER_OCTAVE;
}

static double bucket_us(uint32_t b)
{
	uint32_t octave = b / BUCKETS_PER_OCTAVE;

	if (octave == 0)
		return b / 1e3;
	return ldexp(b % BUCKETS_PER_OCTAVE + BUCKETS_PER_OCTAVE + 0.5, (int)octave - 1) / 1e3;
}

static double latency_us(const struct totals *t, double share)
{
	uint64_t want = (uint64_t)((double)t->received * share);
	uint64_t sum = 0;

	for (uint32_t b = 0; b < BUCKETS; b++) {
		sum += t->latency[b];
		if (sum > want)
			return bucket_us(b);
	}
	return 0;
}

/* ---- sockets ---- */

/* The kernel may take the ring of a load before us apart some time after its exit, and its sockets with it. */
static bool bind_soon(int fd, const struct addr *local)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(local, &ss);
	int err = 0;

	for (int i = 0; i < BUSY_TRIES; i++) {
		err = bind(fd, (const struct sockaddr *)&ss, n) ? errno : 0;
		if (err != EADDRINUSE)
			break;
		(void)usleep(BUSY_MS * 1000);
	}
	errno = err;
	return err == 0;
}

static int socket_open(const char *local, const char *target)
{
	struct addr l, r;
	struct sockaddr_storage ss;
	int size = 1 << 20;

	if (addr_parse(&l, bytes_str(local)) || addr_parse(&r, bytes_str(target)))
		fail("address", EINVAL);

	int fd = socket(l.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket", errno);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!bind_soon(fd, &l))
		fail(local, errno);
	if (connect(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&r, &ss)))
		fail(target, errno);
	return fd;
}

static void endpoint_open(const struct load *l, struct endpoint *e, uint32_t index,
			  const char *local, const char *target)
{
	struct stamp stamp = { .magic = MAGIC, .stream = index };

	memset(e, 0, sizeof(*e));
	e->heard_ns = l->start_ns;
	e->fd = socket_open(local, target);
	e->wire = calloc(l->kind.burst_large, sizeof(*e->wire));
	if (!e->wire)
		fail("memory", ENOMEM);
	e->sequence = (uint16_t)(1 + index * 7919 % 32767); /* RFC 4568 6.4 */
	e->timestamp = index * 104729;
	e->packet[0] = 0x80;
	e->packet[1] = l->kind.payload_type;
	be32_put(e->packet + 8, l->ssrc + index);
	for (uint32_t i = RTP_HEAD; i < l->kind.packet; i++)
		e->packet[i] = (uint8_t)(index * 31 + i);
	memcpy(e->packet + RTP_HEAD, &stamp, sizeof(stamp));
}

static void endpoint_webrtc(struct load *l, struct endpoint *e, const char *ice, const char *dtls,
			    const char *target)
{
	uint64_t begin_ns = l->start_ns + l->webrtc++ * NS_PER_S / WEBRTC_PER_S;
	struct addr server;

	if (!addr_parse(&server, bytes_str(target)))
		e->webrtc = load_webrtc_open(ice, dtls, e->fd, &server, begin_ns);
	if (!e->webrtc)
		fail("a WebRTC party", EINVAL);
}

static void endpoint_secure(struct load *l, uint32_t index, const char *sends, const char *hears,
			    const char *target)
{
	struct endpoint *e = &l->list[index];

	if (strchr(hears, ',')) {
		endpoint_webrtc(l, e, sends, hears, target);
		return;
	}
	if (strcmp(sends, "-") == 0)
		return;
	e->srtp = load_srtp_open(sends, hears, index / 2 % LIBSRTP_EACH == 0);
	if (!e->srtp)
		fail("SRTP keys", EINVAL);
}

static void calls_read(struct load *l, FILE *in)
{
	char line[2048], text[8][256];
	uint32_t room = 0;
	int n;

	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		n = sscanf(line, "%255s %255s %255s %255s %255s %255s %255s %255s", text[0],
			   text[1], text[2], text[3], text[4], text[5], text[6], text[7]);
		if (n != 4 && n != 8)
			fail("line without four addresses, or four keys", EINVAL);
		if (l->count + 2 > room) {
			room = room ? room * 2 : 256;
			l->list = reallocarray(l->list, room, sizeof(*l->list));
			if (!l->list)
				fail("memory", ENOMEM);
		}
		for (uint32_t side = 0; side < 2; side++) {
			uint32_t index = l->count + side;

			endpoint_open(l, &l->list[index], index, text[side * 2],
				      text[side * 2 + 1]);
			if (n == 8)
				endpoint_secure(l, index, text[4 + side * 2], text[5 + side * 2],
						text[side * 2 + 1]);
		}
		l->count += 2;
	}
	if (l->count == 0)
		fail("no calls", EINVAL);
}

/* ---- ring ---- */

static struct io_uring_sqe *sqe_get(struct load *l)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	if (!sqe) {
		(void)io_uring_submit(&l->ring);
		sqe = io_uring_get_sqe(&l->ring);
	}
	if (!sqe)
		fail("no room to submit", EBUSY);
	return sqe;
}

static void receive_arm(struct load *l, uint32_t index)
{
	struct io_uring_sqe *sqe = sqe_get(l);

	io_uring_prep_recv_multishot(sqe, (int)index, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
	sqe->buf_group = 0;
	io_uring_sqe_set_data64(sqe, index);
}

static void ring_setup(struct load *l)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = BUFFERS * 2,
	};
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
	int err = io_uring_queue_init_params(SQ_ENTRIES, &l->ring, &params);

	if (err)
		fail("io_uring", -err);
	if (posix_memalign((void **)&l->buffers, 4096, BUFFERS * sizeof(struct io_uring_buf)) ||
	    posix_memalign((void **)&l->memory, 4096, (size_t)BUFFERS * BUFFER_SIZE))
		fail("memory", ENOMEM);
	reg.ring_addr = (uintptr_t)l->buffers;
	err = io_uring_register_buf_ring(&l->ring, &reg, 0);
	if (err)
		fail("buffer ring", -err);
	io_uring_buf_ring_init(l->buffers);
	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(l->buffers, l->memory + (size_t)i * BUFFER_SIZE, BUFFER_SIZE,
				      (unsigned short)i, BUFFERS - 1, i);
	io_uring_buf_ring_advance(l->buffers, BUFFERS);
	err = io_uring_register_files_sparse(&l->ring, l->count);
	for (uint32_t i = 0; !err && i < l->count; i++) {
		int n = io_uring_register_files_update(&l->ring, i, &l->list[i].fd, 1);

		err = n < 0 ? n : 0;
		receive_arm(l, i);
	}
	if (err)
		fail("register files", -err);
}

/* ---- send ---- */

/* MSG_DONTWAIT: it is sent or refused before submit returns, so the buffer is free again and only
 * refusals need a completion. */
static void ring_send(struct load *l, uint32_t index, const uint8_t *wire, size_t n)
{
	struct io_uring_sqe *sqe = sqe_get(l);

	io_uring_prep_send(sqe, (int)index, wire, n, MSG_DONTWAIT);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
	io_uring_sqe_set_data64(sqe, KIND_SEND | index);
}

static void packet_send(struct load *l, uint32_t index, uint8_t *wire, bool last, uint64_t now_ns)
{
	struct endpoint *e = &l->list[index];
	struct stamp stamp = { .magic = MAGIC,
			       .stream = index,
			       .number = e->sent,
			       .timestamp = e->timestamp,
			       .sent_ns = now_ns };
	size_t n = l->kind.packet;

	memcpy(wire, e->packet, n);
	if (last && l->kind.burst_large > 1) /* RFC 6184 5.1 */
		wire[1] |= 0x80;
	be16_put(wire + 2, e->sequence++);
	be32_put(wire + 4, e->timestamp);
	memcpy(wire + RTP_HEAD, &stamp, sizeof(stamp));
	if (e->srtp)
		n = load_srtp_protect(e->srtp, wire, n);
	if (n == 0)
		fail("SRTP", EPROTO);
	if (!l->port)
		ring_send(l, index, wire, n);
	else if (!load_port_send(l->port, index, wire, n))
		l->t.send_errors++;
	e->sent++;
	l->t.sent++;
}

static bool is_ready(struct endpoint *e, uint64_t now_ns)
{
	if (!e->webrtc)
		return true;
	e->srtp = load_webrtc_srtp(e->webrtc, now_ns);
	return e->srtp != NULL;
}

/* Nobody speaks before both can hear. */
static void frame_send(struct load *l, uint32_t index, uint64_t now_ns)
{
	struct endpoint *e = &l->list[index];

	if (!is_ready(e, now_ns) || !is_ready(&l->list[index ^ 1], now_ns))
		return;
	bool large = (e->frames++ + index) % FRAMES_PER_LARGE == 0;
	uint32_t burst = large ? l->kind.burst_large : l->kind.burst;

	for (uint32_t i = 0; i < burst; i++)
		packet_send(l, index, e->wire[i], i + 1 == burst, now_ns);
	e->timestamp += l->kind.frame_units;
}

/* ---- receive ---- */

static bool packet_is_new(struct load *l, struct endpoint *e, uint32_t number)
{
	uint64_t bit = BIT64(number % 64);
	uint64_t *word = &e->seen[number % WINDOW / 64];

	if (number < e->next) {
		if (e->next - number > WINDOW || (*word & bit)) {
			l->t.duplicated++;
			return false;
		}
		l->t.reordered++;
	}
	for (; e->next <= number; e->next++)
		e->seen[e->next % WINDOW / 64] &= ~BIT64(e->next % 64);
	*word |= bit;
	return true;
}

static void identity_check(struct load *l, struct endpoint *e, const uint8_t *p,
			   const struct stamp *stamp, uint64_t now_ns)
{
	uint16_t sequence_delta = (uint16_t)(be16_get(p + 2) - stamp->number);
	uint32_t timestamp_delta = be32_get(p + 4) - stamp->timestamp;
	uint32_t ssrc = be32_get(p + 8);

	if (e->heard) {
		l->t.ssrc_changes += e->ssrc != ssrc;
		l->t.sequence_jumps += e->sequence_delta != sequence_delta;
		l->t.timestamp_jumps += e->timestamp_delta != timestamp_delta;
	}
	e->heard = true;
	e->heard_ns = now_ns;
	e->ssrc = ssrc;
	e->sequence_delta = sequence_delta;
	e->timestamp_delta = timestamp_delta;
}

static void latency_note(struct load *l, struct endpoint *e, uint64_t sent_ns, uint64_t now_ns)
{
	uint64_t ns = now_ns > sent_ns ? now_ns - sent_ns : 0;
	int64_t moved = (int64_t)ns - e->transit_ns;

	if (e->transit_ns) /* RFC 3550 A.8 */
		e->jitter_ns += (fabs((double)moved) - e->jitter_ns) / 16;
	e->transit_ns = (int64_t)ns;
	l->t.latency[bucket_of(ns)]++;
	if (ns > l->t.latency_max_ns)
		l->t.latency_max_ns = ns;
}

/* Reports of the server come by the port of RTP where RTCP has no own. */
static bool is_other(struct load *l, struct endpoint *e, uint8_t *p, size_t n, uint64_t now_ns)
{
	if (!e->webrtc)
		return false;
	if (load_webrtc_receive(e->webrtc, p, n, now_ns))
		return true;
	if (n < 2 || p[1] < 192 || p[1] > 223) /* RFC 5761 4 */
		return false;
	n = e->srtp ? load_srtcp_unprotect(e->srtp, p, n) : 0;
	l->t.rtcp++;
	l->t.srtp_refused += n == 0;
	l->t.rtcp_foreign += n > 0 && memmem(p, n, FOREIGN, strlen(FOREIGN));
	return true;
}

static void packet_receive(struct load *l, uint32_t index, uint8_t *p, size_t n, uint64_t now_ns)
{
	struct endpoint *e = &l->list[index];
	const struct endpoint *from = &l->list[index ^ 1];
	size_t fixed = RTP_HEAD + sizeof(struct stamp);
	struct stamp stamp;

	if (is_other(l, e, p, n, now_ns))
		return;
	if (e->srtp)
		n = load_srtp_unprotect(e->srtp, p, n);
	l->t.srtp_refused += n == 0;
	if (n != l->kind.packet) {
		l->t.corrupted++;
		return;
	}
	memcpy(&stamp, p + RTP_HEAD, sizeof(stamp));
	if (stamp.magic == MAGIC && stamp.stream != (index ^ 1)) {
		l->t.misrouted++;
		return;
	}
	if (stamp.magic != MAGIC || stamp.number >= from->sent ||
	    memcmp(p + fixed, from->packet + fixed, n - fixed) != 0) {
		l->t.corrupted++;
		return;
	}
	if (!packet_is_new(l, e, stamp.number))
		return;
	l->t.received++;
	identity_check(l, e, p, &stamp, now_ns);
	latency_note(l, e, stamp.sent_ns, now_ns);
}

static void completion(struct load *l, const struct io_uring_cqe *cqe, uint64_t now_ns,
		       int *returned)
{
	uint32_t index = (uint32_t)cqe->user_data & (KIND_SEND - 1);

	if (cqe->user_data & KIND_SEND) {
		l->t.send_errors++;
		return;
	}
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		uint8_t *p = l->memory + (size_t)id * BUFFER_SIZE;

		if (cqe->res >= 0)
			packet_receive(l, index, p, (size_t)cqe->res, now_ns);
		io_uring_buf_ring_add(l->buffers, p, BUFFER_SIZE, id, BUFFERS - 1, (*returned)++);
	}
	if (cqe->res < 0)
		l->t.receive_errors++;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		receive_arm(l, index);
}

static void reap(struct load *l)
{
	struct io_uring_cqe *cqes[REAP_MAX];
	unsigned n;

	while ((n = io_uring_peek_batch_cqe(&l->ring, cqes, REAP_MAX)) > 0) {
		uint64_t now_ns = clock_now_ns();
		int returned = 0;

		for (unsigned i = 0; i < n; i++)
			completion(l, cqes[i], now_ns, &returned);
		io_uring_buf_ring_advance(l->buffers, returned);
		io_uring_cq_advance(&l->ring, n);
	}
}

/* ---- run ---- */

static void ring_turn(struct load *l, uint64_t left)
{
	struct __kernel_timespec ts = { .tv_sec = (long long)(left / NS_PER_S),
					.tv_nsec = (long long)(left % NS_PER_S) };
	struct io_uring_cqe *cqe;

	(void)io_uring_submit_and_get_events(&l->ring);
	if (left > 0)
		(void)io_uring_wait_cqes(&l->ring, &cqe, BUFFERS, &ts, NULL);
	reap(l);
}

static void port_setup(struct load *l, const char *interface)
{
	int *fds = calloc(l->count, sizeof(*fds));

	if (!fds)
		fail("memory", ENOMEM);
	for (uint32_t i = 0; i < l->count; i++)
		fds[i] = l->list[i].fd;
	l->port = load_port_open(interface, fds, l->count);
	free(fds);
	if (!l->port)
		fail(interface, ENODEV);
}

static void port_receive(void *context, uint32_t index, uint8_t *p, size_t n)
{
	packet_receive(context, index, p, n, clock_now_ns());
}

static void sleep_until(struct load *l, uint64_t then_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left = then_ns > now_ns ? then_ns - now_ns : 0;

	if (!l->port) {
		ring_turn(l, left);
		return;
	}
	load_port_turn(l->port, left, port_receive, l);
	l->t.send_errors += load_port_errors(l->port);
}

static bool is_silent(const struct endpoint *e, uint64_t now_ns)
{
	return now_ns > e->heard_ns + SILENT_NS;
}

static void report(struct load *l, uint64_t now_ns)
{
	const struct totals *t = &l->t;
	double jitter_max = 0, jitter_sum = 0;
	uint32_t silent = 0, silent_now = 0, silent_calls = 0, unkeyed = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		jitter_sum += l->list[i].jitter_ns;
		jitter_max = fmax(jitter_max, l->list[i].jitter_ns);
		silent += !l->list[i].heard;
		silent_now += is_silent(&l->list[i], now_ns);
		silent_calls += i % 2 == 0 && (is_silent(&l->list[i], now_ns) ||
					       is_silent(&l->list[i + 1], now_ns));
		unkeyed += l->list[i].webrtc && !load_webrtc_srtp(l->list[i].webrtc, now_ns);
	}
	(void)printf("{\"calls\": %u, \"streams\": %u, \"silent_streams\": %u, \"seconds\": %.1f, ",
		     l->count / 2, l->count, silent, l->seconds);
	(void)printf("\"sent\": %" PRIu64 ", \"send_errors\": %" PRIu64 ", \"received\": %" PRIu64
		     ", \"lost\": %" PRId64 ", ",
		     t->sent, t->send_errors, t->received,
		     (int64_t)(t->sent - t->send_errors) - (int64_t)t->received);
	(void)printf("\"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
		     ", \"corrupted\": %" PRIu64 ", \"misrouted\": %" PRIu64 ", ",
		     t->duplicated, t->reordered, t->corrupted, t->misrouted);
	(void)printf(
		"\"srtp_refused\": %" PRIu64 ", \"rtcp\": %" PRIu64 ", \"rtcp_foreign\": %" PRIu64
		", \"silent_now\": %u, \"silent_calls\": %u, \"webrtc\": %u, \"unkeyed\": %u, ",
		t->srtp_refused, t->rtcp, t->rtcp_foreign, silent_now, silent_calls, l->webrtc,
		unkeyed);
	(void)printf("\"ssrc_changes\": %" PRIu64 ", \"sequence_jumps\": %" PRIu64
		     ", \"timestamp_jumps\": %" PRIu64 ", \"receive_errors\": %" PRIu64 ", ",
		     t->ssrc_changes, t->sequence_jumps, t->timestamp_jumps, t->receive_errors);
	(void)printf(
		"\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}, "
		"\"jitter_us\": {\"mean\": %.1f, \"max\": %.1f}, ",
		latency_us(t, 0.5), latency_us(t, 0.99), latency_us(t, 0.999),
		(double)t->latency_max_ns / 1e3, jitter_sum / l->count / 1e3, jitter_max / 1e3);
	(void)printf("\"schedule_lag_us_max\": %.1f, \"cpu_seconds\": %.3f, \"elapsed\": %.3f}\n",
		     (double)t->lag_max_ns / 1e3, (double)clock_process_cpu_ns() / 1e9,
		     (double)(now_ns - l->start_ns) / 1e9);
	(void)fflush(stdout);
}

/* Checks and handshakes, and what whoever waits for interim reports is told. */
static void webrtc_tick(struct load *l, uint64_t now_ns)
{
	for (uint32_t i = 0; l->webrtc > 0 && i < l->count; i++)
		if (l->list[i].webrtc)
			load_webrtc_tick(l->list[i].webrtc, now_ns);
	if (l->tell_ns == 0 || now_ns - l->told_ns < l->tell_ns)
		return;
	l->told_ns = now_ns;
	report(l, now_ns);
}

static void run(struct load *l)
{
	uint64_t start_ns = clock_now_ns() + 50 * NS_PER_MS;
	uint64_t ticked_ns = 0;
	uint64_t frame_ns = l->kind.frame_ns;
	uint64_t total = (uint64_t)(l->seconds * NS_PER_S / (double)frame_ns) * l->count;
	uint64_t cursor = 0; /* frames */

	while (cursor < total && !g_ended) {
		uint64_t now_ns = clock_now_ns();
		uint64_t stop =
			cursor + l->count; /* each frame's buffers once between two submits */

		for (; cursor < total && cursor < stop; cursor++) {
			uint64_t due_ns = start_ns + cursor * frame_ns / l->count;

			if (due_ns > now_ns)
				break;
			if (now_ns - due_ns > l->t.lag_max_ns)
				l->t.lag_max_ns = now_ns - due_ns;
			frame_send(l, (uint32_t)(cursor % l->count), now_ns);
		}
		if (now_ns - ticked_ns >= WEBRTC_TICK_NS) {
			ticked_ns = now_ns;
			webrtc_tick(l, now_ns);
		}
		sleep_until(l, now_ns + l->tick_ns);
	}
	for (uint64_t end_ns = clock_now_ns() + l->drain_ns; clock_now_ns() < end_ns;)
		sleep_until(l, clock_now_ns() + NS_PER_MS);
}

static void on_end(int number)
{
	(void)number;
	g_ended = 1;
}

static uint64_t utc_ms(void)
{
	return (uint64_t)time(NULL) * 1000;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "calls", required_argument, NULL, 'c' },
		{ "tick-us", required_argument, NULL, 't' },
		{ "drain-ms", required_argument, NULL, 'd' },
		{ "video", no_argument, NULL, 'v' },
		{ "xdp", required_argument, NULL, 'X' },
		{ "interval-ms", required_argument, NULL, 'i' },
		{ "tell-ms", required_argument, NULL, 'r' },
		{ "ssrc", required_argument, NULL, 'x' },
		{ "identity", required_argument, NULL, 'p' },
		{ 0 },
	};
	static struct load l = { .seconds = 10,
				 .tick_ns = 200 * NS_PER_US,
				 .drain_ns = 300 * NS_PER_MS };
	const char *interface = NULL;
	FILE *in = stdin;
	int c;

	l.kind = AUDIO;
	l.start_ns = clock_now_ns();
	l.ssrc = (uint32_t)(l.start_ns / NS_PER_MS) << 11;

	while ((c = getopt_long(argc, argv, "s:c:t:d:vi:r:x:p:", options, NULL)) != -1) {
		if (c == 's')
			l.seconds = strtod(optarg, NULL);
		else if (c == 't')
			l.tick_ns = strtoul(optarg, NULL, 10) * NS_PER_US;
		else if (c == 'X')
			interface = optarg;
		else if (c == 'd')
			l.drain_ns = strtoul(optarg, NULL, 10) * NS_PER_MS;
		else if (c == 'v')
			l.kind = VIDEO;
		else if (c == 'i')
			l.kind.frame_ns = strtoul(optarg, NULL, 10) * NS_PER_MS;
		else if (c == 'r')
			l.tell_ns = strtoul(optarg, NULL, 10) * NS_PER_MS;
		else if (c == 'x')
			l.ssrc = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p' && load_webrtc_identity(optarg, utc_ms()))
			continue;
		else if (c != 'c' || !(in = fopen(optarg, "r")))
			fail("usage: rtpload [--seconds S] [--calls FILE] [--tick-us N] "
			     "[--drain-ms N] [--video] [--xdp INTERFACE] [--interval-ms N] "
			     "[--tell-ms N] [--ssrc N] "
			     "[--identity FILE]",
			     EINVAL);
	}
	calls_read(&l, in);
	if (interface)
		port_setup(&l, interface);
	else
		ring_setup(&l);

	(void)signal(SIGTERM, on_end);
	run(&l);
	report(&l, clock_now_ns());
	return 0;
}
