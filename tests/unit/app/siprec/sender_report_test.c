/* SPDX-License-Identifier: Apache-2.0 */
/* Reports to a recorder and from it (RFC 3550): both streams on one clock, and what it lost (REC-02). */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "app/siprec/sender.h"
#include "base/rand.h"
#include "engine/srtp/srtp.h"
#include "media/rtp/rtcp_write.h"
#include "media/tap.h"

enum { RTP = 12 + 160, CALL = 77, WAIT_MS = 5000, EVERY_MS = 5000, FIRST_TS = 1000 };

static const struct instant g_begin = { .ns = 100 * NS_PER_S, .utc_ms = 1700000000000 };
static struct sender_stream g_stream;
static struct fork_stream g_terms;
static int g_rtp_fd, g_rtcp_fd; /* the recorder's */
static struct sockaddr_in g_reports_from;

static struct addr bound(int *fd, const char *ip)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	struct addr a;

	assert_int_equal(inet_pton(AF_INET, ip, &at.sin_addr), 1);
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
	g_terms = (struct fork_stream){ .on = 1,
					.remote = bound(&g_rtp_fd, "127.0.0.1"),
					.rtcp_remote = bound(&g_rtcp_fd, "127.0.0.1"),
					.local = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } },
					.payloads = { 1 << 8 } };
	sender_stream_init(&g_stream);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sender_stream_close(&g_stream);
	(void)close(g_rtp_fd);
	(void)close(g_rtcp_fd);
	return 0;
}

static struct instant after(uint64_t ms)
{
	return (struct instant){ .ns = g_begin.ns + ms * NS_PER_MS, .utc_ms = g_begin.utc_ms + ms };
}

/* Said at that time, come at another one. */
static void say(uint32_t ssrc, uint64_t audio_ms, uint64_t came_ms, enum tap_kind kind)
{
	struct {
		struct tap_packet head;
		uint8_t octets[RTP];
	} f = { .head = { .call = CALL,
			  .kind = (uint8_t)kind,
			  .clock_hz = 8000,
			  .time_ns = after(came_ms).ns,
			  .length = RTP } };
	struct writer w = writer_over(f.octets, sizeof(f.octets));

	writer_u8(&w, 0x80);
	writer_u8(&w, 8);
	writer_be16(&w, (uint16_t)(100 + audio_ms / 20));
	writer_be32(&w, (uint32_t)(FIRST_TS + 8 * audio_ms));
	writer_be32(&w, ssrc);
	assert_true(sender_stream_send(&g_stream, &f.head));
}

static uint16_t arrives(uint8_t out[2048])
{
	struct pollfd p = { .fd = g_rtcp_fd, .events = POLLIN };
	socklen_t n = sizeof(g_reports_from);
	ssize_t got;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	got = recvfrom(g_rtcp_fd, out, 2048, 0, (struct sockaddr *)&g_reports_from, &n);
	assert_true(got > 0);
	return (uint16_t)got;
}

static void assert_cname(struct bytes *rest, uint32_t ssrc, const char *cname)
{
	struct rtcp_packet sdes;
	struct rtcp_chunk chunk;
	struct bytes text;
	uint8_t type;

	assert_true(rtcp_next(rest, &sdes));
	assert_int_equal(sdes.type, RTCP_TYPE_SDES);
	assert_true(rtcp_chunk_next(&sdes.body, &chunk));
	assert_int_equal(chunk.ssrc, ssrc);
	assert_true(rtcp_item_next(&chunk.items, &type, &text));
	assert_int_equal(type, 1);
	assert_true(bytes_is(text, cname));
}

/* The next report is an SR of that source. */
static struct rtcp_sender_info assert_sr(uint32_t ssrc)
{
	uint8_t got[2048];
	struct bytes rest = bytes_mem(got, arrives(got));
	struct rtcp_packet sr;
	uint32_t sender;

	assert_int_equal(rtcp_check(rest), 0);
	assert_true(rtcp_next(&rest, &sr));
	assert_int_equal(sr.type, RTCP_TYPE_SR);
	assert_true(rtcp_sender(&sr, &sender));
	assert_int_equal(sender, ssrc);
	assert_cname(&rest, ssrc, "000000000000004d");
	return rtcp_sender_info(&sr);
}

static uint32_t report(uint64_t ms)
{
	return sender_report(&g_stream, CALL, after(ms), 0);
}

/* By the packet that came fastest; an event has the timestamp of its beginning. */
static void both_clocks(void **state)
{
	struct rtcp_sender_info info;

	(void)state;
	assert_int_equal(sender_stream_set(&g_stream, &g_terms), 0);
	assert_int_equal(report(0), 0);
	say(5, 0, 90, TAP_SOUND);
	say(5, 20, 50, TAP_SOUND); /* 30 ms on its way */
	say(5, 40, 110, TAP_SOUND);
	say(5, 60, 60, TAP_EVENT);
	assert_int_equal(report(230), 1);
	info = assert_sr(5);
	assert_int_equal(info.ntp, rtcp_ntp(after(230).utc_ms));
	assert_int_equal(info.timestamp, FIRST_TS + 8 * (230 - 30));
	assert_int_equal(info.packets, 4);
	assert_int_equal(info.octets, 4 * 160);
}

static void when_due(void **state)
{
	uint8_t got[2048];

	(void)state;
	assert_int_equal(sender_stream_set(&g_stream, &g_terms), 0);
	say(5, 0, 0, TAP_SOUND);
	say(6, 20, 20, TAP_SOUND); /* the party has another source now */
	assert_int_equal(report(20), 2);
	(void)assert_sr(5);
	(void)assert_sr(6);
	assert_int_equal(report(20 + EVERY_MS / 2 - 1), 0);
	assert_int_equal(report(20 + EVERY_MS / 2), 1); /* an RR keeps the path open */
	(void)arrives(got);
	assert_int_equal(got[1], RTCP_TYPE_RR);
	g_terms.on = 0;
	assert_int_equal(sender_stream_set(&g_stream, &g_terms), 0);
	assert_int_equal(report(10ULL * EVERY_MS), 0);
}

/* ---- what it says ---- */

static struct bytes block(uint8_t out[RTCP_REPORT_MAX], uint32_t ssrc, int32_t lost)
{
	struct rtcp_report r = { .ssrc = 99,
				 .hears = true,
				 .block = { .ssrc = ssrc, .lost = lost },
				 .cname = "recorder-------" };

	return rtcp_report_write(out, &r);
}

static void reach(int fd, struct bytes report)
{
	assert_int_equal(sendto(fd, report.p, report.n, 0, (struct sockaddr *)&g_reports_from,
				sizeof(g_reports_from)),
			 (ssize_t)report.n);
}

/* All that has come is read at once: the loopback is there when sendto returns. */
static struct sender_received hear(void)
{
	struct sender_received heard = { 0 };

	sender_receive(&g_stream, &heard);
	return heard;
}

static void begin(void)
{
	assert_int_equal(sender_stream_set(&g_stream, &g_terms), 0);
	say(5, 0, 0, TAP_SOUND);
	assert_int_equal(report(0), 1);
}

static void what_was_lost(void **state)
{
	uint8_t text[RTCP_REPORT_MAX], got[2048];
	struct sender_received heard;
	int stranger;

	(void)state;
	begin();
	(void)arrives(got);
	reach(g_rtcp_fd, block(text, 5, 7));
	reach(g_rtcp_fd, block(text, 5, 6)); /* one came twice */
	reach(g_rtcp_fd, block(text, 5, 9));
	reach(g_rtcp_fd, block(text, 4, 50)); /* nobody's */
	heard = hear();
	assert_int_equal(heard.reports, 4);
	assert_int_equal(heard.lost, 7 + 3);
	reach(g_rtcp_fd, bytes_str("nothing"));
	(void)bound(&stranger, "127.0.0.2");
	reach(stranger, block(text, 5, 100));
	heard = hear();
	assert_int_equal(heard.reports, 0);
	assert_int_equal(heard.refused, 2);
	assert_int_equal(heard.lost, 0);
	(void)close(stranger);
}

/* ---- SRTCP ---- */

static struct media_key key_of(uint64_t seed)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };
	struct rand_source rand;

	rand_open_seed(&rand, seed);
	rand_fill(&rand, key.octets, key.length);
	return key;
}

static void reach_sealed(struct srtp_stream *keys, struct bytes report)
{
	uint8_t data[2048];
	struct srtp_job job = {
		.stream = keys, .data = data, .capacity = sizeof(data), .is_rtcp = 1
	};

	memcpy(data, report.p, report.n);
	job.length = (uint16_t)report.n;
	srtp_jobs_protect(&job, 1);
	assert_int_equal(job.verdict, VERDICT_NONE);
	reach(g_rtcp_fd, bytes_mem(data, job.length));
}

static void enciphered(void **state)
{
	struct srtp_stream *from_us, *to_us;
	uint8_t got[2048], text[RTCP_REPORT_MAX];
	struct srtp_job job = { .data = got, .capacity = sizeof(got), .is_rtcp = 1 };
	struct sender_received heard;

	(void)state;
	g_terms.key = key_of(1);
	g_terms.key_in = key_of(2);
	assert_int_equal(srtp_stream_open(&from_us, &g_terms.key), 0);
	assert_int_equal(srtp_stream_open(&to_us, &g_terms.key_in), 0);
	srtp_stream_limit(to_us, SRTP_INDEX_END, SRTCP_INDEX_END);
	begin();
	job.length = arrives(got);
	job.stream = from_us;
	srtp_jobs_unprotect(&job, 1);
	assert_int_equal(job.verdict, VERDICT_NONE);
	assert_int_equal(rtcp_check(bytes_mem(got, job.length)), 0);
	assert_int_equal(got[1], RTCP_TYPE_SR);
	reach_sealed(to_us, block(text, 5, 3));
	reach(g_rtcp_fd, block(text, 5, 30)); /* plain */
	heard = hear();
	assert_int_equal(heard.reports, 1);
	assert_int_equal(heard.refused, 1);
	assert_int_equal(heard.lost, 3);
	srtp_stream_close(from_us);
	srtp_stream_close(to_us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_clocks, setup, teardown),
		cmocka_unit_test_setup_teardown(when_due, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(enciphered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
