/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP against libsrtp2. The input is a script: one octet says what happens, those after it how. Both sides must make the same
 * packets and take the same ones, made by the other or by nobody. Where they are meant to differ ours refuses: what lies
 * before the first index is never sent.
 */
#include <assert.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/net/packet.h"
#include "engine/srtp/srtp.h"
#include "media/crypto.h"
#include "media/rtp/seq.h"

enum {
	SSRC = 0x01020304,
	WINDOW = 128,
	SUITES = 4,
	KEEP = 8,
	TIE = 1 << 15, /* as far ahead as behind: either is right (RFC 3711 3.3.1) */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t n;
};

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
	bool is_rtcp;
};

struct fuzz {
	struct srtp_stream *out, *in;
	srtp_t their_out, their_in;
	uint64_t first;
	struct packet kept[KEEP]; /* as sent */
	uint32_t made;
};

static struct fuzz g_fuzz;

static uint8_t take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

static uint16_t take_16(struct script *s)
{
	uint8_t high = take(s);

	return (uint16_t)(high << 8 | take(s));
}

/* ---- both sides ---- */

static bool ours(struct srtp_stream *s, struct packet *p, void (*run)(struct srtp_job *, uint32_t))
{
	struct srtp_job j = { .stream = s,
			      .data = p->p,
			      .length = (uint16_t)p->n,
			      .capacity = PACKET_MAX,
			      .is_rtcp = p->is_rtcp };
	struct packet before = *p;

	run(&j, 1);
	p->n = j.length;
	if (j.verdict == VERDICT_NONE)
		return true;
	assert(p->n == before.n && memcmp(p->p, before.p, p->n) == 0);
	return false;
}

static bool theirs(srtp_t s, struct packet *p, bool protects)
{
	int n = (int)p->n;
	srtp_err_status_t status;

	if (protects)
		status = p->is_rtcp ? srtp_protect_rtcp(s, p->p, &n) : srtp_protect(s, p->p, &n);
	else
		status =
			p->is_rtcp ? srtp_unprotect_rtcp(s, p->p, &n) : srtp_unprotect(s, p->p, &n);
	p->n = (size_t)n;
	return status == srtp_err_status_ok;
}

static bool same(const struct packet *a, const struct packet *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static void hear(struct fuzz *f, const struct packet *p)
{
	struct packet a = *p, b = *p;
	uint64_t highest = srtp_stream_highest(f->in, SSRC);
	bool taken;

	if (!p->is_rtcp && p->n >= 4 && (uint16_t)(be16_get(p->p + 2) - highest) == TIE)
		return;
	taken = ours(f->in, &a, srtp_jobs_unprotect);
	assert(taken == theirs(f->their_in, &b, false));
	assert(!taken || same(&a, &b));
}

static void made_keep(struct fuzz *f, const struct packet *p)
{
	f->kept[f->made++ % KEEP] = *p;
}

/* ---- steps ---- */

static void do_protect(struct fuzz *f, struct script *s, uint16_t sequence, bool heard)
{
	uint8_t flags = take(s);
	uint64_t index = seq_unwrap(srtp_stream_next(f->out) - 1, sequence);
	struct packet a = { .n = 12U + take(s) * (flags & 0x80 ? 7U : 1U) }, b;
	bool made;

	if ((uint16_t)(sequence - (srtp_stream_next(f->out) - 1)) == TIE)
		return;
	memset(a.p, flags, a.n);
	a.p[0] = (uint8_t)(0x80 | (flags & 0x1f));
	be16_put(a.p + 2, sequence);
	be32_put(a.p + 8, SSRC);
	b = a;
	made = ours(f->out, &a, srtp_jobs_protect);
	if (index >= SRTP_INDEX_END / 2 || index < f->first) {
		assert(!made);
		return;
	}
	assert(made == theirs(f->their_out, &b, true));
	if (!made)
		return;
	assert(same(&a, &b));
	made_keep(f, &a);
	if (heard)
		hear(f, &a);
}

static void do_protect_rtcp(struct fuzz *f, struct script *s)
{
	struct packet a = { .n = take(s), .is_rtcp = true }, b;
	bool made;

	memset(a.p, 0x33, a.n);
	if (a.n >= 8)
		be32_put(a.p + 4, SSRC);
	b = a;
	made = ours(f->out, &a, srtp_jobs_protect);
	assert(made == theirs(f->their_out, &b, true));
	if (!made)
		return;
	assert(same(&a, &b));
	made_keep(f, &a);
	hear(f, &a);
}

/* One that was sent before, perhaps damaged or cut. */
static void do_again(struct fuzz *f, struct script *s)
{
	struct packet p = f->kept[take(s) % KEEP];
	uint8_t how = take(s);

	if (how & 1 && p.n > 0)
		p.p[take(s) % p.n] ^= take(s);
	if (how & 2 && p.n > 0)
		p.n -= take(s) % p.n;
	if (p.n > 0)
		hear(f, &p);
}

static void do_raw(struct fuzz *f, struct script *s)
{
	struct packet p = { .is_rtcp = take(s) & 1, .n = take(s) };

	if (p.n > s->n)
		p.n = s->n;
	memcpy(p.p, s->p, p.n);
	s->p += p.n;
	s->n -= p.n;
	if (p.n > 0) /* libsrtp2 reads the head of the empty packet */
		hear(f, &p);
}

static void do_next(struct fuzz *f, struct script *s)
{
	uint16_t next = (uint16_t)srtp_stream_next(f->out);

	switch (take(s) % 8) {
	case 0:
	case 1:
		do_protect(f, s, next, true);
		break;
	case 2:
		do_protect(f, s, next, false);
		break;
	case 3:
		do_protect(f, s, (uint16_t)(next - take(s)), true);
		break;
	case 4:
		do_protect(f, s, take_16(s), true);
		break;
	case 5:
		do_protect_rtcp(f, s);
		break;
	case 6:
		do_again(f, s);
		break;
	case 7:
		do_raw(f, s);
		break;
	}
}

/* ---- a run ---- */

static srtp_t theirs_open(struct media_key key, srtp_ssrc_type_t direction)
{
	srtp_policy_t policy = { .ssrc.type = direction, .key = key.octets, .window_size = WINDOW };
	srtp_t s;

	srtp_crypto_policy_set_rtp_default(&policy.rtp);
	srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
	if (key.suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	if (key.suite == MEDIA_SUITE_AEAD_AES_128_GCM)
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
	if (key.suite == MEDIA_SUITE_AEAD_AES_256_GCM)
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
	if (key.suite >= MEDIA_SUITE_AEAD_AES_128_GCM)
		policy.rtcp = policy.rtp;
	if (srtp_create(&s, &policy))
		abort();
	return s;
}

static void fuzz_open(struct fuzz *f, struct script *s)
{
	struct media_key key = { .suite = (uint8_t)(1 + take(s) % SUITES) };
	static bool inited;

	if (!inited && srtp_init())
		abort();
	inited = true;
	key.length = crypto_key_length(key.suite);
	memset(key.octets, 0x77, key.length);
	memset(f, 0, sizeof(*f));
	f->first = 1U + take_16(s) % (SRTP_FIRST_BELOW - 1);
	if (srtp_stream_open(&f->out, &key) || srtp_stream_open(&f->in, &key))
		abort();
	srtp_stream_start(f->out, f->first, 1); /* libsrtp2 begins SRTCP at 1 */
	srtp_stream_limit(f->out, SRTP_INDEX_END, SRTCP_INDEX_END);
	f->their_out = theirs_open(key, ssrc_any_outbound);
	f->their_in = theirs_open(key, ssrc_any_inbound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *f = &g_fuzz;
	struct script s = { .p = data, .n = size };

	fuzz_open(f, &s);
	while (s.n > 0)
		do_next(f, &s);
	srtp_stream_close(f->out);
	srtp_stream_close(f->in);
	(void)srtp_dealloc(f->their_out);
	(void)srtp_dealloc(f->their_in);
	return 0;
}
