/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: source SSRC, reported SSRC, timestamp and sequence offset (4 octets each), then RTCP.
 * Oracle: what is translated is RTCP of the packets that are for the other one, and the inverse mapping gives those of the
 * input back.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/rtcp_write.h"

enum { HEAD_LEN = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rtcp_mapping inverse(const struct rtcp_mapping *m)
{
	return (struct rtcp_mapping){ .sender = m->source_out,
				      .source_in = m->source_out,
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

static bool is_for_the_other(const struct rtcp_packet *p, uint32_t source)
{
	uint32_t sender;
	bool any = false;

	switch (p->type) {
	case RTCP_TYPE_SR:
		return rtcp_sender(p, &sender) && sender == source;
	case RTCP_TYPE_BYE:
		for (uint8_t i = 0; i < p->count; i++)
			any |= be32_get(p->body.p + 4 * i) == source;
		return any;
	case RTCP_TYPE_RTPFB:
		return p->count == 1 || (p->count >= 3 && p->count <= 5) || p->count == 15;
	case RTCP_TYPE_PSFB:
		return p->count == 1 || p->count == 2 || (p->count >= 4 && p->count <= 6) ||
		       p->count == 15;
	default:
		return p->type >= RTCP_TYPE_SR && p->type <= RTCP_TYPE_XR;
	}
}

/* The packets of a whole compound that are for the other one; 0: none but descriptions are left of more. */
static size_t wanted(struct bytes in, uint32_t source, uint8_t *out)
{
	struct bytes rest = in;
	struct rtcp_packet packet;
	size_t n = 0;
	bool says = false;

	for (const uint8_t *from = rest.p; rtcp_next(&rest, &packet); from = rest.p) {
		size_t len = (size_t)(in.p + in.n - rest.n - from);

		if (!is_for_the_other(&packet, source))
			continue;
		memcpy(out + n, from, len);
		n += len;
		says |= packet.type != RTCP_TYPE_SDES;
	}
	return says || n == in.n ? n : 0;
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
	uint8_t *p = malloc(in.n ? in.n : 1), *want = malloc(in.n ? in.n : 1);
	size_t n = in.n, want_n;
	int err;

	assert(p && want);
	if (in.n)
		memcpy(p, in.p, in.n);
	err = rtcp_translate(p, &n, m);
	if (err == -EBADMSG) {
		assert(rtcp_check(in) && n == in.n && bytes_eq(bytes_mem(p, n), in));
	} else {
		want_n = wanted(in, m->source_in, want);
		assert((err == -ENOMSG) == (want_n == 0));
	}
	if (!err) {
		assert(n == want_n);
		check_same_shape(bytes_mem(want, n), bytes_mem(p, n));
		assert(rtcp_translate(p, &n, &back) == 0 && n == want_n);
		assert(memcmp(p, want, n) == 0);
	}
	free(p);
	free(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_mapping m;
	struct bytes in;

	if (size < HEAD_LEN)
		return 0;
	in = bytes_mem(data + HEAD_LEN, size - HEAD_LEN);
	m.sender = m.source_in = be32_get(data);
	m.report_in = be32_get(data + 4);
	m.timestamp_offset = be32_get(data + 8);
	m.sequence_offset = be32_get(data + 12);
	m.source_out = fresh(m.source_in, in);
	m.report_out = fresh(m.source_out, in);
	check(in, &m);
	return 0;
}
