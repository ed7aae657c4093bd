/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello, key derivation and AES-256-GCM frames of a channel between nodes (channel.h).
 * peer/channels.c uses it for parcels, app/deliver for copies of recordings. The frame's number is
 * the nonce: it is never used twice under a key, and a frame that is missing, repeated or reordered
 * does not open. Pure: no socket.
 */

#include "cluster/peer/channel.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { CHANNEL_MAGIC_LEN = 4, CHANNEL_NONCE_LEN = 12 };

static const uint8_t g_channel_magic[CHANNEL_MAGIC_LEN] = { 'T', 'D', 'C', '1' };

void channel_hello_write(uint8_t out[CHANNEL_HELLO_LEN], const struct channel_hello *hello)
{
	struct writer w = writer_over(out, CHANNEL_HELLO_LEN);

	writer_bytes(&w, bytes_mem(g_channel_magic, CHANNEL_MAGIC_LEN));
	writer_be64(&w, hello->from);
	writer_be64(&w, hello->to);
	writer_be64(&w, hello->incarnation);
	writer_bytes(&w, bytes_mem(hello->random, CHANNEL_RANDOM_LEN));
	assert(!w.overflow && w.n == CHANNEL_HELLO_LEN);
}

int channel_hello_read(struct channel_hello *hello, const uint8_t in[CHANNEL_HELLO_LEN])
{
	if (memcmp(in, g_channel_magic, CHANNEL_MAGIC_LEN) != 0)
		return -EBADMSG;
	hello->from = be64_get(in + 4);
	hello->to = be64_get(in + 12);
	hello->incarnation = be64_get(in + 20);
	memcpy(hello->random, in + 28, CHANNEL_RANDOM_LEN);
	return hello->from && hello->incarnation ? 0 : -EBADMSG;
}

void channel_key_derive(struct channel_key *k, const uint8_t cluster[PEER_KEY_LEN],
			const uint8_t asks[CHANNEL_HELLO_LEN],
			const uint8_t answers[CHANNEL_HELLO_LEN])
{
	uint8_t label[2 * CHANNEL_HELLO_LEN];
	unsigned n = PEER_KEY_LEN;

	memcpy(label, asks, CHANNEL_HELLO_LEN);
	memcpy(label + CHANNEL_HELLO_LEN, answers, CHANNEL_HELLO_LEN);
	k->number = 0;
	if (!HMAC(EVP_sha256(), cluster, PEER_KEY_LEN, label, sizeof(label), k->key, &n))
		assert(false && "HMAC-SHA-256 is always there");
	assert(n == PEER_KEY_LEN);
}

/* The number is used up, whatever becomes of it. NULL: out of memory. */
static EVP_CIPHER_CTX *channel_gcm_start(struct channel_key *k,
					 const uint8_t head[CHANNEL_FRAME_HEAD], int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[CHANNEL_NONCE_LEN] = { 0 };
	struct writer w = writer_over(nonce + CHANNEL_NONCE_LEN - 8, 8);
	int n;

	writer_be64(&w, k->number++);
	if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, k->key, nonce, encrypt) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, head, CHANNEL_FRAME_HEAD) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int channel_seal(struct channel_key *k, struct bytes text, uint8_t *out, size_t *n)
{
	uint8_t *cipher = out + CHANNEL_FRAME_HEAD;
	size_t follow = text.n + PEER_TAG_LEN;
	EVP_CIPHER_CTX *ctx;
	int done, rest;
	bool ok;

	assert(text.n && text.n <= PARCEL_MAX);
	for (int i = 0; i < CHANNEL_FRAME_HEAD; i++)
		out[i] = (uint8_t)(follow >> (24 - 8 * i));
	ctx = channel_gcm_start(k, out, 1);
	ok = ctx && EVP_CipherUpdate(ctx, cipher, &done, text.p, (int)text.n) == 1 &&
	     EVP_CipherFinal_ex(ctx, cipher + text.n, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PEER_TAG_LEN, cipher + text.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	*n = CHANNEL_FRAME_HEAD + follow;
	return ok ? 0 : -ENOMEM;
}

int channel_frame(struct bytes in, size_t *n)
{
	uint32_t follow;

	*n = 0;
	if (in.n < CHANNEL_FRAME_HEAD)
		return 0;
	follow = be32_get(in.p);
	if (follow <= PEER_TAG_LEN || follow > PARCEL_MAX + PEER_TAG_LEN)
		return -EBADMSG;
	*n = CHANNEL_FRAME_HEAD + (size_t)follow;
	return 0;
}

int channel_unseal(struct channel_key *k, struct bytes frame, uint8_t *out, size_t *n)
{
	EVP_CIPHER_CTX *ctx = channel_gcm_start(k, frame.p, 0);
	uint8_t tag[PEER_TAG_LEN], none[PEER_TAG_LEN];
	int done, rest, err = -ENOMEM;

	assert(frame.n > CHANNEL_FRAME_HEAD + PEER_TAG_LEN && frame.n <= CHANNEL_FRAME_MAX);
	*n = frame.n - CHANNEL_FRAME_HEAD - PEER_TAG_LEN;
	memcpy(tag, frame.p + frame.n - PEER_TAG_LEN, PEER_TAG_LEN);
	if (ctx && EVP_CipherUpdate(ctx, out, &done, frame.p + CHANNEL_FRAME_HEAD, (int)*n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, PEER_TAG_LEN, tag) == 1)
		err = EVP_CipherFinal_ex(ctx, none, &rest) == 1 ? 0 : -EBADMSG;
	EVP_CIPHER_CTX_free(ctx);
	if (err)
		OPENSSL_cleanse(out, *n);
	return err;
}
