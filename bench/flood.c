/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile packets at the media ports of a server, at a rate, from addresses and ports that are no party's.
 *
 *   flood --kind hello --rate 50000 --seconds 8 --from 127.0.0.9 --from 127.0.0.1 < targets     each line: ip:port ssrc sequence
 *
 * ssrc and sequence are of the stream that the party sends there, as far as somebody can guess them. All that comes back is looked at:
 * whatever could be media has leaked, the rest is answers. One line of JSON at the end.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "bench/stun_ask.h"
#include "engine/dtls/certificate.h"
#include "engine/dtls/dtls.h"
#include "media/stun/stun.h"

enum {
	SOURCES_MAX = 16,
	SOCKETS_EACH = 4,
	BATCH = 32,
	PACKET_ROOM = 9000,
	HELLOS = 64,
	RTP_PACKET = 172,
	SRTP_PACKET = 182,
	GUESS_SPAN = 256, /* sequence numbers around where the stream is */
};

static const char MARK[] = "FOREIGN"; /* load_check.c looks for it */

struct target {
	struct sockaddr_storage to;
	socklen_t to_n;
	uint32_t ssrc;
	uint16_t sequence;
};

struct flood {
	struct target *targets;
	uint32_t target_count;
	int fds[SOURCES_MAX * SOCKETS_EACH];
	uint32_t fd_count;
	uint8_t hello[HELLOS][DTLS_MTU];
	uint16_t hello_n[HELLOS];
	uint64_t random;
	double rate, seconds;
	uint64_t sent, refused, leaked, answers;
};

struct shot {
	uint8_t *p;
	const struct target *at;
};

typedef size_t write_fn(struct flood *f, const struct shot *s);

_Noreturn static void fail(const char *what, int err)
{
	(void)fprintf(stderr, "flood: %s: %s\n", what, strerror(err));
	exit(1);
}

static uint64_t rand_next(struct flood *f) /* xorshift64 */
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static void noise(struct flood *f, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t r = rand_next(f);

		memcpy(p + i, &r, n - i < sizeof(r) ? n - i : sizeof(r));
	}
}

static void mark(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)MARK[i % (sizeof(MARK) - 1)];
}

/* ---- what is sent ---- */

static void rtp_head(uint8_t *p, uint32_t ssrc, uint16_t sequence, uint32_t timestamp)
{
	p[0] = 0x80;
	p[1] = 0;
	be16_put(p + 2, sequence);
	be32_put(p + 4, timestamp);
	be32_put(p + 8, ssrc);
}

static size_t write_rtp(struct flood *f, const struct shot *s)
{
	uint64_t r = rand_next(f);

	rtp_head(s->p, (uint32_t)r, (uint16_t)(r >> 32), (uint32_t)(r >> 16));
	mark(s->p + 12, RTP_PACKET - 12);
	return RTP_PACKET;
}

static size_t write_guessed(struct flood *f, const struct shot *s)
{
	uint64_t r = rand_next(f);

	rtp_head(s->p, s->at->ssrc, (uint16_t)(s->at->sequence + r % GUESS_SPAN),
		 (uint32_t)(r >> 16));
	mark(s->p + 12, RTP_PACKET - 12);
	return RTP_PACKET;
}

static size_t write_srtp(struct flood *f, const struct shot *s)
{
	size_t n = write_guessed(f, s);

	noise(f, s->p + 12, SRTP_PACKET - 12);
	if (rand_next(f) % 2)
		be32_put(s->p + 8, (uint32_t)rand_next(f));
	return n + SRTP_PACKET - RTP_PACKET;
}

/* A sender report and a BYE with a reason, in the name of the stream (RFC 3550 6.4.1, 6.6). */
static size_t write_rtcp(struct flood *f, const struct shot *s)
{
	static const uint8_t BYE[] = { 0x81, 203, 0, 3 };

	(void)f;
	memset(s->p, 0, 28);
	memcpy(s->p, "\x80\xc8\x00\x06", 4);
	be32_put(s->p + 4, s->at->ssrc);
	mark(s->p + 8, 20);
	memcpy(s->p + 28, BYE, sizeof(BYE));
	be32_put(s->p + 32, s->at->ssrc);
	s->p[36] = 7;
	mark(s->p + 37, 7);
	return 44;
}

static size_t write_hello(struct flood *f, const struct shot *s)
{
	uint32_t i = (uint32_t)(rand_next(f) % HELLOS);

	memcpy(s->p, f->hello[i], f->hello_n[i]);
	return f->hello_n[i];
}

/* One fragment of a ClientHello: lengths, offset and size are whatever comes (RFC 6347 4.2.2); every fourth datagram is longer than
 * any handshake has. */
static size_t write_oversized(struct flood *f, const struct shot *s)
{
	uint64_t r = rand_next(f);
	size_t n = r % 4 == 0 ? 1501 + r % 7000 : 100 + r % 1300;
	bool lies = (r >> 32) % 8 == 0;

	mark(s->p, n);
	memcpy(s->p, "\x16\xfe\xfd", 3);
	memset(s->p + 3, 0, 8);
	be16_put(s->p + 11, lies ? (uint16_t)(r >> 40) : (uint16_t)(n - 13));
	s->p[13] = 1;
	be32_put(s->p + 14, (uint32_t)(r >> 16) << 8); /* length, and the number's first octet */
	be16_put(s->p + 17, 0);
	be32_put(s->p + 19, (uint32_t)rand_next(f)); /* offset, and the size's first octet */
	be16_put(s->p + 23, (uint16_t)(n - 25));
	return n;
}

static size_t write_stun(struct flood *f, const struct shot *s)
{
	uint8_t transaction[STUN_TRANSACTION_LEN], key[16];
	struct writer w = writer_over(s->p, PACKET_ROOM);
	char username[24];

	noise(f, transaction, sizeof(transaction));
	noise(f, key, sizeof(key));
	(void)snprintf(username, sizeof(username), "%08x:%08x", (unsigned)rand_next(f), 1U);
	stun_start(&w, STUN_BINDING_REQUEST, bytes_mem(transaction, sizeof(transaction)));
	stun_put_username(&w, bytes_str(username));
	stun_put_priority(&w, UINT32_MAX);
	stun_put_role(&w, true, rand_next(f));
	stun_put_use_candidate(&w);
	stun_put_integrity(&w, bytes_mem(key, sizeof(key)));
	stun_put_fingerprint(&w);
	return w.n;
}

static const struct {
	const char *name;
	write_fn *write;
} KINDS[] = {
	{ "rtp", write_rtp },   { "guessed", write_guessed }, { "srtp", write_srtp },
	{ "rtcp", write_rtcp }, { "hello", write_hello },     { "oversized", write_oversized },
	{ "stun", write_stun },
};

/* ---- before ---- */

static void hellos_make(struct flood *f)
{
	static const struct media_fingerprint NOBODY = { .hash = MEDIA_HASH_SHA256 };
	char path[] = "/tmp/tandem-flood-XXXXXX";
	int fd = mkstemp(path);
	struct dtls_context *x = NULL;
	struct certificate c;

	if (fd < 0 || close(fd) < 0 || unlink(path) < 0 ||
	    certificate_open(&c, path, (uint64_t)time(NULL) * 1000) || dtls_context_open(&x, &c))
		fail("certificate", EINVAL);
	(void)unlink(path);
	for (uint32_t i = 0; i < HELLOS; i++) {
		struct dtls d;

		if (dtls_open(&d, x, DTLS_CLIENT, &NOBODY, clock_now_ns()))
			fail("ClientHello", ENOMEM);
		f->hello_n[i] = dtls_output(&d, f->hello[i]);
		dtls_close(&d);
	}
	dtls_context_close(x);
	certificate_close(&c);
}

static void source_open(struct flood *f, const char *text)
{
	int size = 1 << 20;
	struct sockaddr_storage ss;
	char full[80];
	struct addr a;

	(void)snprintf(full, sizeof(full), "%s:0", text);
	if (addr_parse(&a, bytes_str(full)) || f->fd_count == COUNT_OF(f->fds))
		fail(text, EINVAL);
	for (int i = 0; i < SOCKETS_EACH; i++) {
		int fd = socket(a.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC,
				0);

		if (fd < 0 || bind(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&a, &ss)))
			fail(text, errno);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		f->fds[f->fd_count++] = fd;
	}
}

static void targets_read(struct flood *f)
{
	char line[256], text[80];
	unsigned long ssrc, sequence;
	uint32_t room = 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct addr a;

		if (sscanf(line, "%79s %lu %lu", text, &ssrc, &sequence) != 3 ||
		    addr_parse(&a, bytes_str(text)))
			fail("line that is no target", EINVAL);
		if (f->target_count == room) {
			room = room ? room * 2 : 256;
			f->targets = reallocarray(f->targets, room, sizeof(*f->targets));
			if (!f->targets)
				fail("memory", ENOMEM);
		}

		struct target *t = &f->targets[f->target_count++];

		t->to_n = addr_to_sockaddr(&a, &t->to);
		t->ssrc = (uint32_t)ssrc;
		t->sequence = (uint16_t)sequence;
	}
	if (f->target_count == 0)
		fail("no targets", EINVAL);
}

/* ---- run ---- */

static void burst_send(struct flood *f, write_fn *write, uint32_t n)
{
	static uint8_t memory[BATCH][PACKET_ROOM];
	struct mmsghdr list[BATCH];
	struct iovec parts[BATCH];
	int fd = f->fds[rand_next(f) % f->fd_count];
	int done;

	for (uint32_t i = 0; i < n; i++) {
		struct target *t = &f->targets[rand_next(f) % f->target_count];
		struct shot shot = { .p = memory[i], .at = t };

		parts[i] = (struct iovec){ .iov_base = memory[i], .iov_len = write(f, &shot) };
		list[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &t->to,
							 .msg_namelen = t->to_n,
							 .msg_iov = &parts[i],
							 .msg_iovlen = 1 } };
	}
	done = sendmmsg(fd, list, n, MSG_DONTWAIT);
	f->sent += done > 0 ? (uint32_t)done : 0;
	f->refused += n - (done > 0 ? (uint32_t)done : 0);
}

static void answers_take(struct flood *f)
{
	static uint8_t p[PACKET_ROOM];

	for (uint32_t i = 0; i < f->fd_count; i++) {
		ssize_t n;

		while ((n = recv(f->fds[i], p, sizeof(p), MSG_DONTWAIT)) > 0) {
			bool media = p[0] >> 6 == 2; /* RFC 7983 */

			f->leaked += media;
			f->answers += !media;
		}
	}
}

static void run(struct flood *f, write_fn *write)
{
	uint64_t start_ns = clock_now_ns(), received_ns = start_ns, now_ns;
	uint64_t end_ns = start_ns + (uint64_t)(f->seconds * NS_PER_S);

	while ((now_ns = clock_now_ns()) < end_ns) {
		uint64_t due = (uint64_t)((double)(now_ns - start_ns) / NS_PER_S * f->rate);
		uint64_t done = f->sent + f->refused;
		uint64_t n = due > done ? due - done : 0;

		for (; n > 0; n -= n < BATCH ? n : BATCH)
			burst_send(f, write, n < BATCH ? (uint32_t)n : BATCH);
		if (now_ns - received_ns > 10 * NS_PER_MS) {
			answers_take(f);
			received_ns = now_ns;
		}
		(void)usleep(500);
	}
	(void)usleep(300000);
	answers_take(f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },
		{ 0 },
	};
	static struct flood f = { .rate = 50000, .seconds = 8 };
	write_fn *write = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "k:r:s:f:", options, NULL)) != -1) {
		if (c == 'r')
			f.rate = strtod(optarg, NULL);
		else if (c == 's')
			f.seconds = strtod(optarg, NULL);
		else if (c == 'f')
			source_open(&f, optarg);
		for (size_t i = 0; c == 'k' && i < COUNT_OF(KINDS); i++)
			if (strcmp(KINDS[i].name, optarg) == 0)
				write = KINDS[i].write;
	}
	if (!write || f.fd_count == 0 || f.rate <= 0)
		fail("usage: flood --kind KIND --from IP [--from IP] [--rate N] [--seconds S]",
		     EINVAL);
	if (getrandom(&f.random, sizeof(f.random), 0) != sizeof(f.random) || f.random == 0)
		fail("randomness", errno);
	log_level_set(LOG_LEVEL_WARN);
	targets_read(&f);
	hellos_make(&f);
	run(&f, write);
	(void)printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"leaked\": %" PRIu64
		     ", \"answers\": %" PRIu64 "}\n",
		     f.sent, f.refused, f.leaked, f.answers);
	return 0;
}
