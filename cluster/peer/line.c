/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals and opens the datagrams of one pair of nodes, and judges them: true, stale, repeated or
 * forged (line.h). peers.c has one line for each node it knows. A nonce is the packet's number,
 * unique under its key; a window of 64 numbers refuses replays; tokens and times prove that the
 * sender answers this very process. Pure: sockets and clocks belong to the caller.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cluster/peer/line.h"

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

/* cluster: the secret of all nodes. The number counts for nothing here. */
static void peer_key_derive(uint8_t key[PEER_KEY_LEN], const uint8_t cluster[PEER_KEY_LEN],
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
static EVP_CIPHER_CTX *packet_gcm_start(const uint8_t key[PEER_KEY_LEN],
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

/* plain: at most PEER_PLAIN_MAX. 0 or -ENOMEM. */
static int peer_packet_seal(const uint8_t key[PEER_KEY_LEN], const struct peer_head *head,
			    struct bytes plain, uint8_t out[PEER_PACKET_MAX], size_t *n)
{
	struct writer w = writer_over(out, PEER_HEAD_LEN);
	EVP_CIPHER_CTX *ctx;
	int rest;
	bool ok;

	assert(plain.n <= PEER_PLAIN_MAX);
	packet_head_write(&w, head);
	ctx = packet_gcm_start(key, out, 1);
	ok = ctx && packet_text(ctx, plain, out + PEER_HEAD_LEN) &&
	     EVP_CipherFinal_ex(ctx, out + PEER_HEAD_LEN + plain.n, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PEER_TAG_LEN,
				 out + PEER_HEAD_LEN + plain.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	*n = PEER_HEAD_LEN + plain.n + PEER_TAG_LEN;
	return ok ? 0 : -ENOMEM;
}

/* Opens a packet after its head was read. 0; -EBADMSG: another key, or changed octets, out is
 * wiped; -ENOMEM. */
static int peer_packet_open(const uint8_t key[PEER_KEY_LEN], struct bytes packet,
			    uint8_t out[PEER_PLAIN_MAX], size_t *n)
{
	EVP_CIPHER_CTX *ctx = packet_gcm_start(key, packet.p, 0);
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

enum { REPLAY_WINDOW = 64 };

static void token_draw(struct peer_line *l, const struct peer_self *self)
{
	do
		l->token = rand_u64_from(self->rand);
	while (!l->token); /* 0: nothing is brought back */
}

static struct peer_head head_to(const struct peer_line *l, const struct peer_self *self,
				enum peer_voice voice)
{
	return (struct peer_head){
		.voice = voice, .from = self->id, .to = l->id, .incarnation = self->incarnation
	};
}

void peer_line_open(struct peer_line *l, const struct peer_self *self, uint64_t id)
{
	struct peer_head head;

	assert(id && id != self->id && self->incarnation);
	*l = (struct peer_line){ .id = id, .sent = self->sent, .noticed = self->noticed };
	token_draw(l, self);
	head = head_to(l, self, PEER_OF_NODE);
	peer_key_derive(l->own_key, self->key, &head);
}

void peer_line_close(struct peer_line *l, struct peer_self *self)
{
	self->sent = l->sent > self->sent ? l->sent : self->sent;
	self->noticed = l->noticed > self->noticed ? l->noticed : self->noticed;
	OPENSSL_cleanse(l, sizeof(*l));
}

/* ---- to the other ---- */

int peer_line_write(struct peer_line *l, const struct peer_self *self,
		    const struct peer_echo *answer, struct bytes items, uint64_t now_ns,
		    uint8_t out[PEER_PACKET_MAX], size_t *n)
{
	struct peer_head head = head_to(l, self, PEER_OF_NODE);
	uint8_t plain[PEER_PLAIN_MAX];
	struct writer w = writer_over(plain, sizeof(plain));
	const struct peer_echo *echo = answer ? answer : &l->echo;

	writer_be64(&w, l->token);
	writer_be64(&w, now_ns);
	writer_be64(&w, echo->token);
	writer_be64(&w, echo->time_ns);
	writer_bytes(&w, items);
	assert(!w.overflow);
	head.number = ++l->sent;
	return peer_packet_seal(l->own_key, &head, writer_done(&w), out, n);
}

int peer_line_gone(struct peer_line *l, const struct peer_self *self, struct bytes items,
		   uint8_t out[PEER_PACKET_MAX], size_t *n)
{
	struct peer_head head = head_to(l, self, PEER_OF_KEEPER);
	uint8_t key[PEER_KEY_LEN];
	int err;

	assert(items.n <= PEER_ITEMS_MAX);
	head.number = ++l->noticed;
	peer_key_derive(key, self->key, &head);
	err = peer_packet_seal(key, &head, items, out, n);
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

/* ---- from the other ---- */

static enum peer_verdict line_open_packet(const struct peer_line *l, const struct peer_self *self,
					  const struct peer_head *head, struct bytes packet,
					  struct peer_read *out)
{
	uint8_t key[PEER_KEY_LEN];
	size_t n = 0;
	int err;

	assert(head->from == l->id && head->to == self->id);
	if (head->voice == PEER_OF_NODE && head->incarnation == l->incarnation)
		memcpy(key, l->key, sizeof(key));
	else
		peer_key_derive(key, self->key, head);
	err = peer_packet_open(key, packet, out->plain, &n);
	OPENSSL_cleanse(key, sizeof(key));
	if (err)
		return err == -ENOMEM ? PEER_NO_MEMORY : PEER_FORGED;
	out->items = bytes_mem(out->plain, n);
	return head->voice == PEER_OF_KEEPER ? PEER_GONE : PEER_TRUE;
}

static bool number_accept(struct peer_line *l, uint64_t number)
{
	uint64_t back = l->newest - number;

	if (number > l->newest) {
		uint64_t ahead = number - l->newest;

		l->window = ahead < REPLAY_WINDOW ? l->window << ahead | 1 : 1;
		l->newest = number;
		return true;
	}
	if (back >= REPLAY_WINDOW || l->window & UINT64_C(1) << back)
		return false;
	l->window |= UINT64_C(1) << back;
	return true;
}

/* What an earlier process sent had this token as well: from now on another one counts. */
static void incarnation_start(struct peer_line *l, const struct peer_self *self,
			      const struct peer_head *head)
{
	l->incarnation = head->incarnation;
	l->newest = head->number;
	l->window = 1;
	l->echo = (struct peer_echo){ 0 };
	peer_key_derive(l->key, self->key, head);
	token_draw(l, self);
}

static enum peer_verdict line_judge(struct peer_line *l, const struct peer_self *self,
				    const struct peer_head *head, const struct peer_echo *back,
				    uint64_t now_ns, struct peer_read *out)
{
	if (back->token != l->token)
		return PEER_UNPROVEN;
	if (back->time_ns > now_ns || now_ns - back->time_ns > self->fresh_ns)
		return PEER_STALE;
	out->begins = head->incarnation != l->incarnation;
	if (out->begins)
		incarnation_start(l, self, head);
	else if (!number_accept(l, head->number))
		return PEER_REPEATED;
	return PEER_TRUE;
}

static struct peer_echo echo_read(struct bytes plain, size_t at)
{
	return (struct peer_echo){ be64_get(plain.p + at), be64_get(plain.p + at + 8) };
}

void peer_line_read(struct peer_line *l, const struct peer_self *self, const struct peer_head *head,
		    struct bytes packet, uint64_t now_ns, struct peer_read *out)
{
	struct peer_echo theirs, back;

	out->begins = false;
	out->incarnation = head->incarnation;
	out->verdict = line_open_packet(l, self, head, packet, out);
	if (out->verdict != PEER_TRUE)
		return;
	if (out->items.n < PEER_MEMORY_LEN || !head->incarnation) {
		out->verdict = PEER_FORGED;
		return;
	}
	theirs = echo_read(out->items, 0);
	back = echo_read(out->items, 16);
	out->items = bytes_from(out->items, PEER_MEMORY_LEN);
	out->answer = theirs;
	out->verdict = line_judge(l, self, head, &back, now_ns, out);
	/* those that overtook others on their way have the newer time */
	if (out->verdict == PEER_TRUE && theirs.time_ns >= l->echo.time_ns)
		l->echo = theirs;
}
