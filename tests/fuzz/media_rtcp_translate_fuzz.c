/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: source SSRC, reported SSRC, timestamp and sequence offset (4 octets each), then RTCP.
 * Oracle: what is translated is still RTCP of the same packets, and the inverse mapping gives back the input.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtcp_translate.h"

enum { HEAD_LEN = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rtcp_mapping inverse(const struct rtcp_mapping *m)
{
	return (struct rtcp_mapping){ .source_in = m->source_out,
				      .source_out = m->source_in,
				      .timestamp_offset = -m->timestamp_offset,
				      .report_in = m->report_out,
				      .report_out = m->report_in,
				      .sequence_offset = -m->sequence_offset };
}

/* An SSRC that the datagram does not hold, or the way back is not known. */
static uint32_t fresh(uint32_t from, struct bytes in)
{
	uint8_t raw[4];

	do {
		be32_put(raw, ++from);
	} while (in.n && memmem(in.p, in.n, raw, sizeof(raw)));
	return from;
}

static void check_same_shape(struct bytes a, struct bytes b)
{
	struct rtcp_packet in_a, in_b;

	assert(rtcp_check(b) == 0);
	while (rtcp_next(&a, &in_a)) {
		assert(rtcp_next(&b, &in_b));
		assert(in_a.type == in_b.type && in_a.count == in_b.count &&
		       in_a.body.n == in_b.body.n);
	}
}

static void check(struct bytes in, const struct rtcp_mapping *m)
{
	struct rtcp_mapping back = inverse(m);
	uint8_t *p = malloc(in.n ? in.n : 1);

	assert(p);
	if (in.n)
		memcpy(p, in.p, in.n);
	if (rtcp_translate(p, in.n, m) == 0) {
		check_same_shape(in, bytes_mem(p, in.n));
		assert(rtcp_translate(p, in.n, &back) == 0);
	}
	assert(bytes_eq(bytes_mem(p, in.n), in));
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_mapping m;
	struct bytes in;

	if (size < HEAD_LEN)
		return 0;
	in = bytes_mem(data + HEAD_LEN, size - HEAD_LEN);
	m.source_in = be32_get(data);
	m.report_in = be32_get(data + 4);
	m.timestamp_offset = be32_get(data + 8);
	m.sequence_offset = be32_get(data + 12);
	m.source_out = fresh(m.source_in, in);
	m.report_out = fresh(m.source_out, in);
	check(in, &m);
	return 0;
}
