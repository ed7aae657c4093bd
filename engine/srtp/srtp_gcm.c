/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp/srtp_gcm.h"

#include <assert.h>
#include <string.h>

#include "engine/srtp/srtp_cipher_inside.h"
#include "engine/srtp/srtp_evp.h"

/* RFC 7714 8.1, 9.1: two octets of zero, the SSRC, the index of 48 bits, XOR the salt. */
static void iv_write_gcm(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index,
			 uint8_t iv[SALT_GCM_LEN])
{
	assert(index < BIT64(48));
	be32_put(iv, be32_get(c->salt) ^ ssrc >> 16);
	be32_put(iv + 4, be32_get(c->salt + 4) ^ (ssrc << 16 | (uint32_t)(index >> 32)));
	be32_put(iv + 8, be32_get(c->salt + 8) ^ (uint32_t)index);
}

/* What was just written in parts is slow to be read as a whole, so none is done right after it was made ready. */
enum { GCM_CHUNK = 16 };

/* What a packet wants beside its job. */
struct place {
	uint8_t iv[SALT_GCM_LEN], associated[RTCP_HEAD_LEN + SRTP_WORD_LEN], behind[SRTP_WORD_LEN];
};

struct part {
	uint32_t count;
	struct srtp_unit *of[GCM_CHUNK];
	struct srtp_mb_aead jobs[GCM_CHUNK];
	struct place places[GCM_CHUNK];
	uint8_t tags[GCM_CHUNK][TAG_GCM];
};

/* RFC 7714 9.2, 9.3: authenticated is the head or, where nothing is encrypted, all, and the word in either case. */
static void gcm_rtcp_begin(struct srtp_mb_aead *j, struct place *x, const struct srtp_unit *u)
{
	j->associated_n += SRTP_WORD_LEN;
	if (u->head > RTCP_HEAD_LEN) {
		memcpy(x->behind, u->p + u->n, SRTP_WORD_LEN);
		be32_put(u->p + u->n, u->word);
	} else {
		memcpy(x->associated, u->p, RTCP_HEAD_LEN);
		be32_put(x->associated + RTCP_HEAD_LEN, u->word);
		j->associated = x->associated;
	}
}

/* RFC 7714 8.2: the head of RTP is what is authenticated only. */
static inline void gcm_packet_begin(struct srtp_mb_aead *j, struct place *x,
				    const struct srtp_unit *u, uint8_t *tag)
{
	const struct srtp_cipher *c = u->cipher;

	iv_write_gcm(c, u->ssrc, u->index, x->iv);
	j->key = c + 1;
	j->iv = x->iv;
	j->associated = u->p;
	j->associated_n = u->head;
	j->n = u->n - u->head;
	j->p = u->p + u->head;
	j->tag = tag;
	j->is_long = c->kind & KIND_LONG;
	if (UNLIKELY(c->kind & KIND_RTCP))
		gcm_rtcp_begin(j, x, u);
}

static inline void gcm_end(const struct place *x, const struct srtp_unit *u)
{
	if (UNLIKELY(u->cipher->kind & KIND_RTCP) && u->head > RTCP_HEAD_LEN)
		memcpy(u->p + u->n, x->behind, SRTP_WORD_LEN);
}

static NOINLINE void seal_alone(const struct srtp_unit *u, uint8_t tag[TAG_GCM])
{
	struct srtp_mb_aead job;
	struct place x;

	gcm_packet_begin(&job, &x, u, tag);
	if (u->cipher->evp)
		srtp_evp_seal(u->cipher->evp, &job);
	else
		srtp_mb_seal(&job, 1);
	gcm_end(&x, u);
}

/* Plain and tag are made in one go, so one that is not authentic must be put back. */
static NOINLINE void gcm_put_back(const struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];

	seal_alone(u, tag);
}

static NOINLINE void check_alone(struct srtp_unit *u)
{
	struct srtp_mb_aead job;
	struct place x;

	gcm_packet_begin(&job, &x, u, u->tag);
	u->authentic = srtp_evp_open(u->cipher->evp, &job);
	gcm_end(&x, u);
	if (!u->authentic)
		gcm_put_back(u);
}

static inline void gcm_part_add(struct part *x, struct srtp_unit *u, uint8_t *tag)
{
	x->of[x->count] = u;
	gcm_packet_begin(&x->jobs[x->count], &x->places[x->count], u, tag);
	x->count++;
}

static void part_seal(struct part *x)
{
	srtp_mb_seal(x->jobs, x->count);
	for (uint32_t i = 0; i < x->count; i++)
		gcm_end(&x->places[i], x->of[i]);
	x->count = 0;
}

static void part_check(struct part *x)
{
	srtp_mb_open(x->jobs, x->count);
	for (uint32_t i = 0; i < x->count; i++) {
		struct srtp_unit *u = x->of[i];

		gcm_end(&x->places[i], u);
		u->authentic = srtp_tag_eq(x->tags[i], u->tag, TAG_GCM);
		if (UNLIKELY(!u->authentic))
			gcm_put_back(u);
	}
	x->count = 0;
}

void srtp_gcm_seal(struct srtp_unit *const *list, uint32_t count)
{
	struct part x;

	x.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (UNLIKELY(list[i]->cipher->evp != NULL)) {
			seal_alone(list[i], list[i]->tag);
			continue;
		}
		gcm_part_add(&x, list[i], list[i]->tag);
		if (x.count == GCM_CHUNK)
			part_seal(&x);
	}
	part_seal(&x);
}

void srtp_gcm_check(struct srtp_unit *const *list, uint32_t count)
{
	struct part x;

	x.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (UNLIKELY(list[i]->cipher->evp != NULL)) {
			check_alone(list[i]);
			continue;
		}
		gcm_part_add(&x, list[i], x.tags[x.count]);
		if (x.count == GCM_CHUNK)
			part_check(&x);
	}
	part_check(&x);
}

void srtp_gcm_undo(const struct srtp_unit *u)
{
	gcm_put_back(u);
}
