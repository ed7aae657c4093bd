/* SPDX-License-Identifier: Apache-2.0 */
/* What parties of handshakes say and hear. */
#ifndef TESTS_UNIT_ENGINE_WORKER_DTLS_TALK_H
#define TESTS_UNIT_ENGINE_WORKER_DTLS_TALK_H

#include "tests/unit/test.h"

#include "tests/unit/engine/ice/ice_party.h"
#include "tests/unit/engine/srtp/libsrtp.h"
#include "tests/unit/engine/worker/dtls_rig.h"

static const char PARTY[] = "192.0.2.10:4000";

static inline struct bytes sealed(const struct media_key *key, const struct rtp *rtp,
				  uint8_t out[PACKET_MAX])
{
	srtp_t srtp = libsrtp_open(*key, ssrc_any_outbound);
	struct bytes plain = rtp_write(out, rtp);
	size_t n = plain.n;

	assert_true(libsrtp_protect(srtp, false, out, &n));
	(void)srtp_dealloc(srtp);
	return bytes_mem(out, n);
}

/* What A says under that key is heard by B, who is plain. */
static inline bool is_heard_by_b(struct dtls_rig *x, const struct media_key *key, uint16_t sequence)
{
	const struct rtp rtp = { .ssrc = 1, .sequence = sequence };
	const struct addr from = rig_addr(PARTY);
	uint8_t out[PACKET_MAX];
	const struct sim_packet *p;

	put_bytes(x->r, A, CHANNEL_RTP, &from, sealed(key, &rtp, out));
	worker_step(&x->r->w);
	while ((p = port_sim_sent(x->r->sim)) != NULL)
		if (p->slot == B)
			return p->length == 17 && memcmp(p->data + 12, "voice", 5) == 0;
	return false;
}

/* And what B says by A, under this one. */
static inline bool is_heard_by_a(struct dtls_rig *x, const struct media_key *key, uint16_t sequence)
{
	const struct rtp rtp = { .ssrc = 2, .sequence = sequence };
	const struct sim_packet *p;
	bool good = false;

	put_rtp(x->r, B, &rtp);
	worker_step(&x->r->w);
	while ((p = port_sim_sent(x->r->sim)) != NULL) {
		srtp_t srtp;
		uint8_t data[PACKET_MAX];
		size_t n = p->length;

		if (p->slot != A)
			continue;
		srtp = libsrtp_open(*key, ssrc_any_inbound);
		memcpy(data, p->data, n);
		good = libsrtp_unprotect(srtp, false, data, &n) && n == 17;
		(void)srtp_dealloc(srtp);
	}
	return good;
}

static inline void assert_media_passes(struct dtls_rig *x, const struct dtls_party *p,
				       uint16_t sequence)
{
	assert_true(is_heard_by_b(x, &p->dtls.key_out, sequence));
	assert_true(is_heard_by_a(x, &p->dtls.key_in, sequence));
}

static inline enum media_dtls_role other(enum media_dtls_role role)
{
	return role == DTLS_SERVER ? DTLS_CLIENT : DTLS_SERVER;
}

#endif
