/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer/line.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>

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

int peer_line_notice(struct peer_line *l, const struct peer_self *self, struct bytes items,
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
	return head->voice == PEER_OF_KEEPER ? PEER_NOTICE : PEER_TRUE;
}

static bool number_hear(struct peer_line *l, uint64_t number)
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
static void incarnation_begin(struct peer_line *l, const struct peer_self *self,
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
		incarnation_begin(l, self, head);
	else if (!number_hear(l, head->number))
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
