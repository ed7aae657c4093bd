/* SPDX-License-Identifier: Apache-2.0 */
/* Two flows between parties that are libsrtp2's. */
#ifndef TESTS_UNIT_ENGINE_WORKER_SECURE_RIG_H
#define TESTS_UNIT_ENGINE_WORKER_SECURE_RIG_H

#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/engine/rig.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum { GRANTED = (1 << 15) + SRTP_RESERVE };

/* What a party does with SRTP; NULL: it is plain. */
struct party {
	srtp_t out, in;
};

struct secure_rig {
	struct rig *r;
	struct party party[2];
};

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
};

static inline void parties_open(struct secure_rig *x, const enum media_suite suite[2])
{
	for (uint8_t side = A; side <= B; side++) {
		struct flow_spec *s = &x->r->spec[side];

		*s = rig_spec(side);
		s->srtp_limit = GRANTED;
		s->srtcp_limit = SRTCP_RESERVE;
		if (suite[side] == MEDIA_SUITE_NONE)
			continue;
		s->key_in = key_from(suite[side], (uint8_t)(1 + side));
		s->key_out = key_from(suite[side], (uint8_t)(101 + side));
		x->party[side].out = libsrtp_open(s->key_in, ssrc_any_outbound);
		x->party[side].in = libsrtp_open(s->key_out, ssrc_any_inbound);
	}
}

static inline struct secure_rig secure_open(enum media_suite a, enum media_suite b)
{
	struct secure_rig x = { .r = rig_open_empty(64) };

	parties_open(&x, (const enum media_suite[]){ a, b });
	for (int side = A; side <= B; side++)
		rig_open_flow(x.r, &x.r->spec[side]);
	assert_int_equal(x.r->w.flows.count, 2);
	return x;
}

static inline void secure_close(struct secure_rig *x)
{
	for (int side = A; side <= B; side++) {
		if (x->party[side].out)
			(void)srtp_dealloc(x->party[side].out);
		if (x->party[side].in)
			(void)srtp_dealloc(x->party[side].in);
	}
	rig_close(x->r);
}

static inline struct packet made(const struct secure_rig *x, int side, enum channel c,
				 struct bytes plain)
{
	struct packet p = { .n = plain.n };

	memcpy(p.p, plain.p, plain.n);
	if (x->party[side].out)
		assert_true(libsrtp_protect(x->party[side].out, c == CHANNEL_RTCP, p.p, &p.n));
	return p;
}

static inline struct packet made_rtp(const struct secure_rig *x, int side, const struct rtp *rtp)
{
	uint8_t memory[PACKET_MAX];

	return made(x, side, CHANNEL_RTP, rtp_write(memory, rtp));
}

static inline void put(struct secure_rig *x, int side, enum channel c, const struct packet *p)
{
	struct addr from = c == CHANNEL_RTP ? party(side) : party_rtcp(side);

	put_bytes(x->r, side, c, &from, bytes_mem(p->p, p->n));
}

/* What a party makes of the next packet of this kind that it gets; reports of ours to others are passed over. False: none came. */
static inline bool heard_on(struct secure_rig *x, int side, enum channel c, struct packet *out)
{
	const struct sim_packet *p = port_sim_sent(x->r->sim);

	while (p && (p->slot != (uint32_t)side || p->channel != c))
		p = port_sim_sent(x->r->sim);
	if (!p)
		return false;
	memcpy(out->p, p->data, p->length);
	out->n = p->length;
	if (x->party[side].in)
		assert_true(
			libsrtp_unprotect(x->party[side].in, c == CHANNEL_RTCP, out->p, &out->n));
	return true;
}

static inline bool heard(struct secure_rig *x, int side, struct packet *out)
{
	return heard_on(x, side, CHANNEL_RTP, out);
}

static inline bool relayed(struct secure_rig *x, int side, const struct rtp *rtp,
			   struct packet *out)
{
	struct packet p = made_rtp(x, side, rtp);

	put(x, side, CHANNEL_RTP, &p);
	worker_step(&x->r->w);
	return heard(x, side ^ 1, out);
}

#endif
