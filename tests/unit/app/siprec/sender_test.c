/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in, packets out, through the thread: what is sent to a recorder, and what is not (REC-02). */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/siprec/sender.h"
#include "base/rand.h"
#include "engine/srtp/srtp.h"
#include "media/tap.h"

enum { QUEUE = 1024, RTP = 12 + 160, CALL = 77, WAIT_MS = 5000, QUIET_MS = 150 };

struct fed {
	struct tap_packet packet;
	uint8_t octets[RTP];
};

static struct {
	pthread_mutex_t lock;
	struct fed queue[QUEUE];
	uint32_t head, tail;
} g_feed = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct sender *g_sender;
static int g_fd[FORK_STREAMS]; /* the recorder's */
static struct media_fork g_fork;

static uint32_t feed_read(void *source, uint32_t max, sender_packet_fn *fn, void *arg)
{
	uint32_t n = 0;

	(void)source;
	(void)pthread_mutex_lock(&g_feed.lock);
	for (; n < max && g_feed.head != g_feed.tail; n++)
		fn(&g_feed.queue[g_feed.head++ % QUEUE].packet, arg);
	(void)pthread_mutex_unlock(&g_feed.lock);
	return n;
}

static struct addr bound(int *fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	struct addr a;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&at), 0);
	return a;
}

static int setup(void **state)
{
	(void)state;
	memset(&g_fork, 0, sizeof(g_fork));
	g_feed.head = g_feed.tail = 0;
	for (uint8_t i = 0; i < FORK_STREAMS; i++)
		g_fork.stream[i] = (struct fork_stream){ .on = 1,
							 .leg = i,
							 .remote = bound(&g_fd[i]),
							 .local = { .family = ADDR_V4,
								    .ip = { 127, 0, 0, 1 } },
							 .payloads = { 1 << 8 } };
	return sender_open(&g_sender, feed_read, NULL);
}

static int teardown(void **state)
{
	(void)state;
	sender_close(g_sender);
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		(void)close(g_fd[i]);
	return 0;
}

/* One packet whose payload has that octet. */
static void say(struct tap_packet head, uint8_t type, uint16_t sequence, uint32_t ssrc,
		uint8_t what)
{
	struct fed f = { .packet = head };
	struct writer w = writer_over(f.octets, sizeof(f.octets));

	f.packet.length = RTP;
	writer_u8(&w, 0x80);
	writer_u8(&w, type);
	writer_be16(&w, sequence);
	writer_be32(&w, 160U * sequence);
	writer_be32(&w, ssrc);
	memset(f.octets + 12, what, 160);
	(void)pthread_mutex_lock(&g_feed.lock);
	g_feed.queue[g_feed.tail++ % QUEUE] = f;
	(void)pthread_mutex_unlock(&g_feed.lock);
}

static struct tap_packet said(uint8_t leg)
{
	return (struct tap_packet){
		.call = CALL, .leg = leg, .side = TAP_FROM_PARTY, .kind = TAP_SOUND
	};
}

static size_t arrives(unsigned stream, uint8_t out[2048], int ms)
{
	struct pollfd p = { .fd = g_fd[stream], .events = POLLIN };
	ssize_t n = poll(&p, 1, ms) == 1 ? recv(g_fd[stream], out, 2048, 0) : 0;

	return n < 0 ? 0 : (size_t)n;
}

static void assert_arrives(unsigned stream, uint16_t sequence, uint32_t ssrc, uint8_t what)
{
	uint8_t got[2048];

	assert_int_equal(arrives(stream, got, WAIT_MS), RTP);
	assert_int_equal(got[2] << 8 | got[3], sequence);
	assert_int_equal((uint32_t)got[8] << 24 | got[9] << 16 | got[10] << 8 | got[11], ssrc);
	assert_int_equal(got[12], what);
	assert_int_equal(got[RTP - 1], what);
}

static void each_to_its_own(void **state)
{
	uint8_t got[2048];
	struct tap_packet heard = said(0), rtcp = said(0), other = said(0), line = said(0);

	(void)state;
	heard.side = TAP_TO_PARTY;
	rtcp.kind = TAP_RTCP;
	other.call++;
	line.line = 1;
	assert_true(sender_set(g_sender, CALL, 1, &g_fork));
	say(heard, 8, 1, 5, 'h');
	say(rtcp, 8, 1, 5, 'r');
	say(other, 8, 1, 5, 'o');
	say(line, 8, 1, 5, 'l');
	say(said(0), 9, 1, 5, 'p'); /* a payload type that is not taken */
	say(said(0), 8, 65535, 5, 'a');
	say(said(1), 8, 7, 6, 'b');
	assert_arrives(0, 65535, 5, 'a');
	assert_arrives(1, 7, 6, 'b');
	assert_int_equal(arrives(0, got, QUIET_MS), 0);
	assert_int_equal(arrives(1, got, 0), 0);
}

/* Paused, and over. */
static void stops(void **state)
{
	struct media_fork off = g_fork;
	uint8_t got[2048];

	(void)state;
	off.stream[0].on = 0;
	assert_true(sender_set(g_sender, CALL, 1, &g_fork));
	say(said(0), 8, 1, 5, 'a');
	assert_arrives(0, 1, 5, 'a');
	assert_true(sender_set(g_sender, CALL, 1, &off));
	(void)poll(NULL, 0, QUIET_MS); /* orders are taken each round */
	say(said(0), 8, 2, 5, 's');
	say(said(1), 8, 2, 6, 'b');
	assert_arrives(1, 2, 6, 'b');
	assert_int_equal(arrives(0, got, QUIET_MS), 0);
	assert_true(sender_set(g_sender, CALL, 1, &g_fork));
	(void)poll(NULL, 0, QUIET_MS);
	say(said(0), 8, 3, 5, 'a');
	assert_arrives(0, 3, 5, 'a');
	assert_true(sender_end(g_sender, CALL, 1));
	assert_true(sender_end(g_sender, CALL, 1)); /* nobody's */
	(void)poll(NULL, 0, QUIET_MS);
	say(said(0), 8, 4, 5, 'x');
	assert_int_equal(arrives(0, got, QUIET_MS), 0);
}

/* What is asked is told; of a session that there is not, nothing. */
static void figures(void **state)
{
	struct pollfd p = { .fd = sender_told_fd(g_sender), .events = POLLIN };
	struct media_fork nobody = g_fork;
	struct sender_results told[2];

	(void)state;
	nobody.stream[1].remote =
		(struct addr){ .family = ADDR_V4, .ip = { 255, 255, 255, 255 }, .port = 9 };
	assert_true(sender_set(g_sender, CALL, 3, &nobody));
	say(said(0), 8, 1, 5, 'a');
	say(said(0), 8, 2, 5, 'a');
	say(said(1), 8, 1, 6, 'b'); /* a broadcast: the system refuses it */
	assert_arrives(0, 1, 5, 'a');
	assert_arrives(0, 2, 5, 'a');
	assert_true(sender_query(g_sender, CALL, 4));
	assert_true(sender_query(g_sender, CALL, 3));
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(sender_results(g_sender, told, 2), 1);
	assert_int_equal(told[0].call, CALL);
	assert_int_equal(told[0].number, 3);
	assert_int_equal(told[0].error, 0);
	assert_int_equal(told[0].figures.sent, 2);
	assert_int_equal(told[0].figures.unsent, 1);
	assert_int_equal(told[0].figures.reported_on, 0);
}

/* The port is somebody else's: told, and nothing is left of it. */
static void port_taken(void **state)
{
	struct media_fork wrong = g_fork;
	struct pollfd p = { .fd = sender_told_fd(g_sender), .events = POLLIN };
	struct sender_results told[2];
	int fd;

	(void)state;
	wrong.stream[1].local = bound(&fd);
	assert_true(sender_set(g_sender, CALL, 3, &wrong));
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(sender_results(g_sender, told, 2), 1);
	assert_int_equal(told[0].call, CALL);
	assert_int_equal(told[0].number, 3);
	assert_int_equal(told[0].error, -EADDRINUSE);
	(void)close(fd);
	assert_true(sender_set(g_sender, CALL, 3, &wrong)); /* free by now */
	say(said(1), 8, 1, 6, 'b');
	assert_arrives(1, 1, 6, 'b');
}

/* ---- SRTP ---- */

static void assert_opens(struct srtp_stream *keys, unsigned stream, uint16_t sequence, uint8_t what)
{
	uint8_t got[2048];
	struct srtp_job job = { .stream = keys, .data = got, .capacity = sizeof(got) };

	job.length = (uint16_t)arrives(stream, got, WAIT_MS);
	assert_int_equal(job.length, RTP + 10);
	assert_int_not_equal(got[12], what);
	srtp_jobs_unprotect(&job, 1);
	assert_int_equal(job.verdict, VERDICT_NONE);
	assert_int_equal(got[2] << 8 | got[3], sequence);
	assert_int_equal(got[12], what);
}

/* Also when the sequence turns over, another source speaks for a while, and an update comes that changes no key. */
static void enciphered(void **state)
{
	struct media_key *key = &g_fork.stream[0].key;
	struct rand_source rand;
	struct srtp_stream *keys;
	uint8_t got[2048];

	(void)state;
	rand_open_seed(&rand, 1);
	*key = (struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };
	rand_fill(&rand, key->octets, key->length);
	assert_int_equal(srtp_stream_open(&keys, key), 0);
	assert_true(sender_set(g_sender, CALL, 1, &g_fork));
	say(said(0), 8, 65534, 5, 'a');
	say(said(0), 8, 65535, 5, 'b');
	say(said(0), 8, 0, 5, 'c');
	say(said(0), 8, 100, 9, 'd');
	assert_opens(keys, 0, 65534, 'a');
	assert_opens(keys, 0, 65535, 'b');
	assert_opens(keys, 0, 0, 'c');
	assert_opens(keys, 0, 100, 'd');
	assert_true(sender_set(g_sender, CALL, 1, &g_fork));
	say(said(0), 8, 1, 5, 'e');
	assert_opens(keys, 0, 1, 'e');
	say(said(0), 8, 1, 5, 'f'); /* an index is used once (RFC 3711 9.1) */
	assert_int_equal(arrives(0, got, QUIET_MS), 0);
	srtp_stream_close(keys);
}

/* Orders about many sessions while packets come: for the sanitizers. */
static void many(void **state)
{
	struct rand_source rand;
	uint8_t got[2048];

	(void)state;
	rand_open_seed(&rand, 2);
	for (unsigned i = 0; i < 4000; i++) {
		uint64_t call = CALL + rand_below(&rand, 40);
		uint8_t number = (uint8_t)(1 + rand_below(&rand, 3));
		struct tap_packet p = said((uint8_t)rand_below(&rand, 3));
		struct media_fork fork = g_fork;

		p.call = CALL + rand_below(&rand, 40);
		fork.stream[0].on = (uint8_t)rand_below(&rand, 2);
		if (rand_below(&rand, 3))
			(void)sender_set(g_sender, call, number, &fork);
		else
			(void)sender_end(g_sender, call, number);
		say(p, 8, (uint16_t)i, 5, 'm');
		if (i % 200 == 0)
			(void)poll(NULL, 0, 10);
		while (arrives(0, got, 0) || arrives(1, got, 0))
			continue;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_to_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(stops, setup, teardown),
		cmocka_unit_test_setup_teardown(figures, setup, teardown),
		cmocka_unit_test_setup_teardown(port_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(enciphered, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
	};

	sender_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
