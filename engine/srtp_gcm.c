/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp_gcm.h"

#include <assert.h>
#include <string.h>

#include "engine/srtp_cipher_inside.h"
#include "engine/srtp_evp.h"

/* RFC 7714 8.1, 9.1: two octets of zero, the SSRC, the index of 48 bits, XOR the salt. */
static void iv_write_gcm(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index,
			 uint8_t iv[SALT_GCM_LEN])
{
	assert(index < BIT64(48));
	be32_put(iv, be32_get(c->salt) ^ ssrc >> 16);
	be32_put(iv + 4, be32_get(c->salt + 4) ^ (ssrc << 16 | (uint32_t)(index >> 32)));
	be32_put(iv + 8, be32_get(c->salt + 8) ^ (uint32_t)index);
}

struct gcm {
	struct srtp_mb_aead job;
	uint8_t iv[SALT_GCM_LEN], associated[RTCP_HEAD_LEN + SRTP_WORD_LEN], behind[SRTP_WORD_LEN];
};

/*
 * RFC 7714 8.2: the head of RTP is what is authenticated only. Of SRTCP (9.2, 9.3) it is the head or, where nothing is
 * encrypted, all, and the word in either case.
 */
static void gcm_begin(struct gcm *x, const struct srtp_unit *u, uint8_t *tag)
{
	iv_write_gcm(u->cipher, u->ssrc, u->index, x->iv);
	x->job = (struct srtp_mb_aead){ .key = u->cipher + 1,
					.iv = x->iv,
					.associated = u->p,
					.associated_n = u->head,
					.p = u->p + u->head,
					.n = u->n - u->head,
					.tag = tag };
	if (!(u->cipher->kind & KIND_RTCP))
		return;
	x->job.associated_n += SRTP_WORD_LEN;
	if (u->head > RTCP_HEAD_LEN) {
		memcpy(x->behind, u->p + u->n, SRTP_WORD_LEN);
		be32_put(u->p + u->n, u->word);
	} else {
		memcpy(x->associated, u->p, RTCP_HEAD_LEN);
		be32_put(x->associated + RTCP_HEAD_LEN, u->word);
		x->job.associated = x->associated;
	}
}

static void gcm_end(const struct gcm *x, const struct srtp_unit *u)
{
	if (u->cipher->kind & KIND_RTCP && u->head > RTCP_HEAD_LEN)
		memcpy(u->p + u->n, x->behind, SRTP_WORD_LEN);
}

static void gcm_seal(struct gcm *x, const struct srtp_unit *u)
{
	if (u->cipher->evp)
		srtp_evp_seal(u->cipher->evp, &x->job);
	else
		srtp_mb_seal(&x->job, u->cipher->kind & KIND_LONG);
	gcm_end(x, u);
}

static void gcm_seal_alone(const struct srtp_unit *u, uint8_t tag[TAG_GCM])
{
	struct gcm x;

	gcm_begin(&x, u, tag);
	gcm_seal(&x, u);
}

/* Plain and tag are made in one go, so one that is not authentic must be put back. */
static void gcm_check(struct gcm *x, struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];

	if (u->cipher->evp) {
		x->job.tag = u->tag;
		u->authentic = srtp_evp_open(u->cipher->evp, &x->job);
	} else {
		x->job.tag = tag;
		srtp_mb_open(&x->job, u->cipher->kind & KIND_LONG);
		u->authentic = srtp_tag_eq(tag, u->tag, TAG_GCM);
	}
	gcm_end(x, u);
	if (!u->authentic)
		gcm_seal_alone(u, tag);
}

/* What was just written in parts is slow to be read as a whole, so none is done right after it was made ready. */
enum { CHUNK = 16 };

static uint32_t part_begin(struct gcm *x, struct srtp_unit *const *list, uint32_t count)
{
	uint32_t n = count < CHUNK ? count : CHUNK;

	for (uint32_t i = 0; i < n; i++)
		gcm_begin(&x[i], list[i], list[i]->tag);
	return n;
}

void srtp_gcm_seal(struct srtp_unit *const *list, uint32_t count)
{
	struct gcm x[CHUNK];

	for (uint32_t n; count > 0; list += n, count -= n) {
		n = part_begin(x, list, count);
		for (uint32_t i = 0; i < n; i++)
			gcm_seal(&x[i], list[i]);
	}
}

void srtp_gcm_check(struct srtp_unit *const *list, uint32_t count)
{
	struct gcm x[CHUNK];

	for (uint32_t n; count > 0; list += n, count -= n) {
		n = part_begin(x, list, count);
		for (uint32_t i = 0; i < n; i++)
			gcm_check(&x[i], list[i]);
	}
}

void srtp_gcm_undo(const struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];

	gcm_seal_alone(u, tag);
}
