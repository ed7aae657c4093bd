/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/rtp_parse.h"
#include "media/rtp/telephone_event.h"

#define MS UINT64_C(1000000)

/* Digits in the order in which they are done. */
struct heard {
	char digits[32];
	uint32_t durations[32];
	uint32_t count, begun;
};

static void hear(struct heard *h, const struct event_done *done)
{
	assert_in_range(h->count, 0, 30);
	h->durations[h->count] = done->duration;
	h->digits[h->count++] = telephone_event_digit(done->event);
}

/* One packet in hex, up to a space or the end; 50 ms apart. Returns what follows. */
static const char *feed(struct event_tracker *t, const char *hex, uint64_t now_ns, struct heard *h)
{
	size_t len = strcspn(hex, " "), n = 0;
	uint8_t packet[128];
	struct rtp_head head;
	struct event_step out;

	assert_int_equal(hex_decode(bytes_mem(hex, len), packet, sizeof(packet), &n), 0);
	assert_int_equal(rtp_parse(&head, bytes_mem(packet, n)), 0);
	assert_int_equal(event_tracker_packet(t, head.payload, head.timestamp, head.marker, now_ns,
					      &out),
			 head.payload.n < TELEPHONE_EVENT_LEN ? -EBADMSG : 0);
	h->begun += out.begun;
	for (uint8_t i = 0; i < out.done_count; i++)
		hear(h, &out.done[i]);
	return hex[len] ? hex + len + 1 : NULL;
}

static void listen(struct heard *h, const char *packets)
{
	struct event_tracker t = { 0 };
	struct event_done done;
	uint64_t now_ns = 1000 * MS;

	memset(h, 0, sizeof(*h));
	for (const char *at = packets; at; now_ns += 50 * MS)
		at = feed(&t, at, now_ns, h);
	if (event_tracker_expire(&t, now_ns + 3000 * MS, &done))
		hear(h, &done);
}

static void test_each_digit_once(void **state)
{
	static const struct {
		const char *name, *packets, *digits;
	} rows[] = {
		{ "RFC 4733 table 5",
		  "80e4000100000000005234a8090a0190 8064000200000000005234a8090a0320 8064000300000000005234a8090a04b0 8064000400000000005234a8090a0640 8064000500000000005234a8098a0640 8064000600000000005234a8098a0640 80e4000700001b80005234a8010a0190 8064000800001b80005234a8010a0320 8064000900001b80005234a8010a04b0 8064000a00001b80005234a8010a0640 8064000b00001b80005234a8010a07d0 8064000c00001b80005234a8018a07d0 8064000d00001b80005234a8018a07d0 80e4000e00002bc0005234a8010a0190 8064000f00002bc0005234a8010a0320 8064001000002bc0005234a8010a04b0 8064001100002bc0005234a8010a0640 8064001200002bc0005234a8018a06e0 8064001300002bc0005234a8018a06e0 8064001400002bc0005234a8018a06e0",
		  "911" },
		{ "RFC 4733 figure 3",
		  "8064001200002bc0005234a8019406e0",
		  "1" },
		{ "long event segment",
		  "80e50001000003e8005234a8050affff 80650002000103e7005234a8050a00a0 80650003000103e7005234a8058a0140",
		  "5" },
		{ "all end packets only",
		  "8065000900000fa0005234a80b8a0320",
		  "#" },
		{ "same digit twice",
		  "80e50001000000a0005234a8070a00a0 80650002000000a0005234a8070a0140 80e5000900000960005234a8070a00a0 8065000a00000960005234a8078a01e0",
		  "77" },
		{ "no marker",
		  "80650001000000a0005234a8000a00a0 80650002000000a0005234a8008a0190",
		  "0" },
		{ "short payload",
		  "80e50001000000a0005234a8050a00",
		  "" },
		{ "rbit",
		  "80e50001000000a0005234a8034a00a0 80650002000000a0005234a803ca0140",
		  "3" },
		{ "packed: the end of one and the next whole (RFC 4733 2.5.1.5)",
		  "8065000100000100005234a8018a00a0 8065000200000100005234a8018a00a0028a0140 "
		  "8065000300000100005234a8018a00a0028a0140",
		  "12" },
		{ "filled with zeroes behind the event",
		  "8065000100000100005234a8058a00a000000000",
		  "5" },
		{ "a packet of the last digit comes late",
		  "8065000200000100005234a8018a00a0 8065000300000400005234a8020a00a0 "
		  "8065000100000100005234a8010a0050 8065000400000400005234a8028a0140",
		  "12" },
		{ "a late packet of a digit nobody saw",
		  "8065000300000400005234a8020a00a0 8065000100000100005234a8010a0050 "
		  "8065000400000400005234a8028a0140",
		  "2" },
		{ "timestamps wrap",
		  "80650001fffffff0005234a8018a00a0 8065000200000100005234a8028a00a0",
		  "12" },
		{ "another event under the same timestamp",
		  "8065000100000100005234a8010a00a0 8065000200000100005234a8028a00a0 "
		  "8065000300000100005234a8018a0140",
		  "1" },
		{ "the same digit, by chance whole segments later, without a marker",
		  "8065000100000000005234a8050a00a0 806500020004fffb005234a8058a00a0", "55" },
		{ "a whole segment lost",
		  "80e50001000003e8005234a8050affff 80650003000203e6005234a8058a0140",
		  "5" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct heard h;

		listen(&h, row->packets);
		if (strcmp(h.digits, row->digits) != 0)
			fail_msg("%s: heard %s", row->name, h.digits);
		ROW_ASSERT(row->name, h.begun == strlen(row->digits));
	}
}

/* Any subset of an event's packets that is not empty gives the digit once. */
static void test_any_loss(void **state)
{
	static const char *const packets_hex[] = {
		"80e4000100000000005234a8090a0190", "8064000200000000005234a8090a0320",
		"8064000300000000005234a8090a04b0", "8064000400000000005234a8098a0640",
		"8064000500000000005234a8098a0640", "8064000600000000005234a8098a0640",
	};

	(void)state;
	for (unsigned mask = 1; mask < 1U << COUNT_OF(packets_hex); mask++) {
		char packets[512] = "";
		struct heard h;

		for (size_t i = 0; i < COUNT_OF(packets_hex); i++) {
			if (mask >> i & 1) {
				(void)snprintf(packets + strlen(packets),
					       sizeof(packets) - strlen(packets), "%s%s",
					       packets[0] ? " " : "", packets_hex[i]);
			}
		}
		listen(&h, packets);
		assert_string_equal(h.digits, "9");
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *name, *packets;
		uint32_t want;
	} rows[] = {
		{ "the longest of one timestamp", "8065000100000100005234a8010a00a0 8065000200000100005234a8010a0050",
		  160 },
		{ "over two segments",
		  "80e50001000003e8005234a8050affff 80650002000103e7005234a8050a00a0 "
		  "80650003000103e7005234a8058a0140",
		  65535 + 320 },
	}, *row;
	struct event_done done = { .duration = 1600 };

	(void)state;
	EACH_ROW(row, rows)
	{
		struct heard h;

		listen(&h, row->packets);
		ROW_ASSERT(row->name, h.count == 1 && h.durations[0] == row->want);
	}
	assert_int_equal(event_duration_ms(&done, 8000), 200);
	assert_int_equal(event_duration_ms(&done, 48000), 33);
}

static void test_silence_ends_an_event(void **state)
{
	static const char *const packet = "80e5000100000100005234a8010a00a0";
	struct event_tracker t = { 0 };
	struct heard h = { 0 };
	struct event_done done;

	(void)state;
	(void)feed(&t, packet, 1000 * MS, &h);
	assert_false(event_tracker_expire(&t, 1199 * MS, &done));
	assert_true(event_tracker_expire(&t, 1200 * MS, &done));
	assert_false(event_tracker_expire(&t, 9000 * MS, &done));
	(void)feed(&t, packet, 9000 * MS, &h); /* repeated very late: still the same event */
	assert_false(event_tracker_expire(&t, 20000 * MS, &done));
	assert_int_equal(h.begun, 1);
	(void)feed(&t, "80e5000100000050005234a8028a00a0", 30000 * MS,
		   &h); /* began anew, lower timestamp */
	assert_string_equal(h.digits, "2");
}

/* A gap within it tells it; what comes of it behind the gap, in whatever segment, tells nothing more. The next one is another. */
static void test_told_at_a_gap_and_no_more(void **state)
{
	static const char *const rows[] = {
		"80e5000100000100005234a8010a00a0 8065000300000100005234a8010a0640 "
		"8065000400000100005234a8018a06e0 80e5000900002000005234a8018a00a0",
		"80e50001000003e8005234a8010affff 80650002000103e7005234a8010a00a0 "
		"80650003000103e7005234a8018a0140 80e5000900022000005234a8018a00a0",
		/* all that comes behind the gap is its end, twice */
		"80e5000100000100005234a8010a00a0 8065000300000100005234a8018a0640 "
		"8065000300000100005234a8018a0640 80e5000900002000005234a8018a00a0",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct event_tracker t = { 0 };
		struct heard h = { 0 };
		struct event_done done;
		uint64_t now_ns = 1000 * MS;
		const char *at = feed(&t, rows[i], now_ns, &h);

		assert_true(event_tracker_is_on(&t, now_ns));
		now_ns += 450 * MS;
		assert_true(event_tracker_expire(&t, now_ns, &done));
		hear(&h, &done);
		assert_false(event_tracker_is_on(&t, now_ns));
		for (; at; now_ns += 50 * MS) {
			at = feed(&t, at, now_ns, &h);
			assert_false(event_tracker_expire(&t, now_ns, &done));
		}
		assert_string_equal(h.digits, "11");
		assert_int_equal(h.begun, 2);
	}
}

static void test_parse(void **state)
{
	struct telephone_event e = { .event = 77 };
	const uint8_t payload[] = { 1, 0x94, 0x06, 0xe0 };

	(void)state;
	assert_int_equal(telephone_event_parse(&e, bytes_mem(payload, 3)), -EBADMSG);
	assert_int_equal(e.event, 77);
	assert_int_equal(telephone_event_parse(&e, bytes_mem(payload, 4)), 0);
	assert_int_equal(e.event, 1);
	assert_int_equal(e.end, 1);
	assert_int_equal(e.volume, 20);
	assert_int_equal(e.duration, 1760);
	for (int i = 0; i < 256; i++) {
		assert_int_equal(telephone_event_digit((uint8_t)i),
				 i < 17 ? "0123456789*#ABCDF"[i] : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_digit_once),
		cmocka_unit_test(test_any_loss),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_silence_ends_an_event),
		cmocka_unit_test(test_told_at_a_gap_and_no_more),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
