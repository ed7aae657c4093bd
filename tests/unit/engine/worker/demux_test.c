/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/stage.h"
#include "engine/worker/worker.h"

static const struct row {
	const char *name;
	const char *hex;
	enum pkt_kind kind;
	enum verdict verdict;
} ROWS[] = {
	{ "rtp", "8000000100000002000000035555", PKT_RTP, VERDICT_NONE },
	{ "rtp without payload", "800000010000000200000003", PKT_RTP, VERDICT_NONE },
	{ "rtp cut", "8000000100000002000000", PKT_UNKNOWN, VERDICT_MALFORMED },
	{ "rtp with a csrc that is not there", "810000010000000200000003", PKT_UNKNOWN,
	  VERDICT_MALFORMED },
	/* unless it is encrypted: flow_stage knows */
	{ "rtp with more padding than packet", "a00000010000000200000003ff", PKT_RTP,
	  VERDICT_NONE },
	{ "rtcp", "80c90001deadbeef", PKT_RTCP, VERDICT_NONE },
	{ "stun", "000100002112a442000000000000000000000000", PKT_STUN, VERDICT_NOT_RTP },
	{ "dtls", "16fefd", PKT_DTLS,
	  VERDICT_NONE }, /* flow_stage knows whose flow has handshakes */
	{ "keepalive", "0d0a0d0a", PKT_UNKNOWN, VERDICT_NOT_RTP },
	{ "one octet", "80", PKT_UNKNOWN, VERDICT_NOT_RTP },
	{ "nothing", "", PKT_UNKNOWN, VERDICT_NOT_RTP },
};

static struct batch g_batch;
static struct flow g_flow; /* an ordinary one */
static struct worker g_worker = { .flows = { .list = &g_flow, .capacity = 1 } };

static struct pkt *demux(const char *hex, uint8_t *memory, size_t cap, enum verdict before)
{
	struct pkt *p = &g_batch.list[0];
	size_t n = 0;

	assert_int_equal(hex_decode(bytes_str(hex), memory, cap, &n), 0);
	*p = (struct pkt){ .data = memory, .length = (uint16_t)n, .verdict = (uint8_t)before };
	g_batch.count = 1;
	demux_stage(&g_worker, &g_batch);
	return p;
}

static void tells_kinds_apart(void **state)
{
	const struct row *row;
	uint8_t memory[64];

	(void)state;
	EACH_ROW(row, ROWS)
	{
		const struct pkt *p = demux(row->hex, memory, sizeof(memory), VERDICT_NONE);

		ROW_ASSERT(row->name, p->kind == row->kind);
		ROW_ASSERT(row->name, p->verdict == row->verdict);
	}
}

static void reads_the_head(void **state)
{
	/* one CSRC, an extension of one word, three octets of payload, two of padding */
	uint8_t memory[64];
	const struct pkt *p = demux("b1e512345678abcdcafebabe"
				    "00000001"
				    "bede0001aabbccdd"
				    "112233"
				    "0002",
				    memory, sizeof(memory), VERDICT_NONE);

	(void)state;
	assert_int_equal(p->kind, PKT_RTP);
	assert_int_equal(p->payload_type, 0x65);
	assert_int_equal(p->marker, 1);
	assert_int_equal(p->sequence, 0x1234);
	assert_int_equal(p->timestamp, 0x5678abcd);
	assert_int_equal(p->ssrc, 0xcafebabe);
	assert_int_equal(p->payload_at, 24);
	assert_int_equal(p->payload_length, 3);
}

static void leaves_decided_packets_alone(void **state)
{
	uint8_t memory[64];
	const struct pkt *p =
		demux("8000000100000002000000035555", memory, sizeof(memory), VERDICT_TRUNCATED);

	(void)state;
	assert_int_equal(p->verdict, VERDICT_TRUNCATED);
	assert_int_equal(p->kind, PKT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_kinds_apart),
		cmocka_unit_test(reads_the_head),
		cmocka_unit_test(leaves_decided_packets_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
