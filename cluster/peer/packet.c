/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer/packet.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { VERSION = 1, NUMBER_AT = 26, NONCE_LEN = 12 };

static_assert(NUMBER_AT + 8 == PEER_HEAD_LEN, "the number is the last of the head");

static void packet_head_write(struct writer *w, const struct peer_head *head)
{
	writer_u8(w, VERSION);
	writer_u8(w, (uint8_t)head->voice);
	writer_be64(w, head->from);
	writer_be64(w, head->to);
	writer_be64(w, head->incarnation);
	writer_be64(w, head->number);
}

int peer_head_read(struct peer_head *head, struct bytes packet)
{
	if (packet.n < 1 || packet.n > PEER_PACKET_MAX)
		return -EBADMSG;
	if (packet.p[0] != VERSION)
		return -EPROTONOSUPPORT;
	if (packet.n < PEER_HEAD_LEN + PEER_TAG_LEN || packet.p[1] >= PEER_VOICES)
		return -EBADMSG;
	*head = (struct peer_head){ .voice = (enum peer_voice)packet.p[1],
				    .from = be64_get(packet.p + 2),
				    .to = be64_get(packet.p + 10),
				    .incarnation = be64_get(packet.p + 18),
				    .number = be64_get(packet.p + NUMBER_AT) };
	return 0;
}

void peer_key_derive(uint8_t key[PEER_KEY_LEN], const uint8_t cluster[PEER_KEY_LEN],
		     const struct peer_head *head)
{
	struct peer_head of = *head;
	uint8_t label[PEER_HEAD_LEN];
	struct writer w = writer_over(label, sizeof(label));
	unsigned n = PEER_KEY_LEN;

	of.number = 0;
	packet_head_write(&w, &of);
	assert(!w.overflow && w.n == sizeof(label));
	if (!HMAC(EVP_sha256(), cluster, PEER_KEY_LEN, label, sizeof(label), key, &n))
		assert(false && "HMAC-SHA-256 is always there");
	assert(n == PEER_KEY_LEN);
}

/* Ready for the text. NULL: out of memory. */
static EVP_CIPHER_CTX *packet_gcm_begin(const uint8_t key[PEER_KEY_LEN],
					const uint8_t head[PEER_HEAD_LEN], int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_LEN] = { 0 };
	int n;

	memcpy(nonce + NONCE_LEN - 8, head + NUMBER_AT, 8);
	if (ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, head, PEER_HEAD_LEN) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static bool packet_text(EVP_CIPHER_CTX *ctx, struct bytes in, uint8_t *out)
{
	int n = 0;

	return in.n == 0 ||
	       (EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 && (size_t)n == in.n);
}

int peer_packet_seal(const uint8_t key[PEER_KEY_LEN], const struct peer_head *head,
		     struct bytes plain, uint8_t out[PEER_PACKET_MAX], size_t *n)
{
	struct writer w = writer_over(out, PEER_HEAD_LEN);
	EVP_CIPHER_CTX *ctx;
	int rest;
	bool ok;

	assert(plain.n <= PEER_PLAIN_MAX);
	packet_head_write(&w, head);
	ctx = packet_gcm_begin(key, out, 1);
	ok = ctx && packet_text(ctx, plain, out + PEER_HEAD_LEN) &&
	     EVP_CipherFinal_ex(ctx, out + PEER_HEAD_LEN + plain.n, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PEER_TAG_LEN,
				 out + PEER_HEAD_LEN + plain.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	*n = PEER_HEAD_LEN + plain.n + PEER_TAG_LEN;
	return ok ? 0 : -ENOMEM;
}

int peer_packet_open(const uint8_t key[PEER_KEY_LEN], struct bytes packet,
		     uint8_t out[PEER_PLAIN_MAX], size_t *n)
{
	EVP_CIPHER_CTX *ctx = packet_gcm_begin(key, packet.p, 0);
	uint8_t tag[PEER_TAG_LEN], rest[PEER_TAG_LEN];
	int written, err = -ENOMEM;

	assert(packet.n >= PEER_HEAD_LEN + PEER_TAG_LEN && packet.n <= PEER_PACKET_MAX);
	*n = packet.n - PEER_HEAD_LEN - PEER_TAG_LEN;
	memcpy(tag, packet.p + packet.n - PEER_TAG_LEN, PEER_TAG_LEN);
	if (ctx && packet_text(ctx, bytes_sub(packet, PEER_HEAD_LEN, *n), out) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, PEER_TAG_LEN, tag) == 1)
		err = EVP_CipherFinal_ex(ctx, rest, &written) == 1 ? 0 : -EBADMSG;
	EVP_CIPHER_CTX_free(ctx);
	if (err)
		OPENSSL_cleanse(out, *n);
	return err;
}
