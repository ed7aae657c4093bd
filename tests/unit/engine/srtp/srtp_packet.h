/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of SRTP, one at a time. */
#ifndef TESTS_UNIT_ENGINE_SRTP_SRTP_PACKET_H
#define TESTS_UNIT_ENGINE_SRTP_SRTP_PACKET_H

#include "tests/unit/test.h"

#include <errno.h>

#include "base/rand.h"
#include "engine/net/packet.h"
#include "engine/srtp/srtp_stream.h"
#include "tests/unit/engine/srtp/libsrtp.h"

#define SRTP_FN static __attribute__((unused))

enum {
	SSRC = 0xcafebabe,
	FREE = 1 << 30, /* a limit that is not met */
	ROLL = 1 << 16,
};

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
};

SRTP_FN struct srtp_stream *open_with(struct media_key key)
{
	struct srtp_stream *s = NULL;

	assert_int_equal(srtp_stream_open(&s, &key), 0);
	return s;
}

SRTP_FN struct srtp_stream *open_out(struct media_key key, uint64_t next, uint32_t srtcp_next)
{
	struct srtp_stream *s = open_with(key);

	srtp_stream_start(s, next, srtcp_next);
	srtp_stream_limit(s, FREE, FREE);
	return s;
}

SRTP_FN enum verdict protect_one(struct srtp_stream *s, bool is_rtcp, struct packet *p)
{
	struct srtp_job j = { .stream = s,
			      .data = p->p,
			      .length = (uint16_t)p->n,
			      .capacity = PACKET_MAX,
			      .is_rtcp = is_rtcp };

	srtp_jobs_protect(&j, 1);
	p->n = j.length;
	return (enum verdict)j.verdict;
}

SRTP_FN enum verdict unprotect_one(struct srtp_stream *s, bool is_rtcp, struct packet *p)
{
	struct srtp_job j = {
		.stream = s, .data = p->p, .length = (uint16_t)p->n, .is_rtcp = is_rtcp
	};

	srtp_jobs_unprotect(&j, 1);
	p->n = j.length;
	return (enum verdict)j.verdict;
}

SRTP_FN bool same(const struct packet *a, const struct packet *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

SRTP_FN struct packet rtp_of(uint32_t ssrc, uint16_t sequence)
{
	struct packet p = { .n = 12 + 160 };

	memset(p.p, 0x5a, p.n);
	p.p[0] = 0x80;
	p.p[1] = 8;
	be16_put(p.p + 2, sequence);
	be32_put(p.p + 8, ssrc);
	return p;
}

SRTP_FN struct packet rtcp_of(uint32_t ssrc)
{
	struct packet p = { .n = 28 };

	memset(p.p, 0x5a, p.n);
	be32_put(p.p, 0x80c80006);
	be32_put(p.p + 4, ssrc);
	return p;
}

#endif
