/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one conversation of the legs of a call (archive_conversation.h). Talk times add up, and it
 * ends with its last leg. The first leg counts that names the caller and the callee, and the last
 * one that says what became of the call, such as who answered.
 */

#include "app/archive/archive_conversation.h"

#include <assert.h>

#include "sig/identity/shown.h"

/* ---- the lists ---- */

static struct archive_listed *listed_find(struct archive_conversation *c, struct bytes owner)
{
	for (size_t i = 0; i < c->list_count; i++) {
		if (bytes_eq(c->lists[i].owner, owner))
			return &c->lists[i];
	}
	return NULL;
}

/* Who is in it twice, is in it as he came first; missed is what he missed of any leg. */
static void listed_add(struct archive_conversation *c, char kind, struct bytes name,
		       enum archive_direction direction, uint32_t flags)
{
	struct writer *w = &c->owners_w;
	size_t from = w->n;
	struct archive_listed *had;

	if (!name.n || name.n > ARCHIVE_OWNER_MAX - 3 || memchr(name.p, '\n', name.n) ||
	    w->cap - w->n < ARCHIVE_OWNER_MAX)
		return;
	writer_u8(w, (uint8_t)kind);
	writer_bytes(w, name);
	had = listed_find(c, bytes_mem(w->p + from, w->n - from));
	if (had || c->list_count == ARCHIVE_OWNERS_MAX) {
		w->n = from;
		if (had)
			had->flags |= flags;
		return;
	}
	c->lists[c->list_count++] = (struct archive_listed){
		.owner = bytes_mem(w->p + from, w->n - from),
		.direction = direction,
		.flags = flags,
	};
	writer_u8(w, '\n');
}

/* A party behind a trunk is a number, else a user. */
static void party_add(struct archive_conversation *c, struct bytes number, struct bytes trunk,
		      enum archive_direction of_user, uint32_t flags)
{
	listed_add(c, trunk.n ? 'n' : 'u', number, trunk.n ? c->direction : of_user,
		   trunk.n ? c->flags : flags);
}

/* Who was called, and did not have it. */
static void missed_lists_add(struct archive_conversation *c, struct bytes missed)
{
	uint32_t flags = (c->flags & ~(uint32_t)ARCHIVE_RECORDED) | ARCHIVE_MISSED;
	struct bytes one;

	while (bytes_cut(&missed, ',', &one))
		listed_add(c, 'u', one, ARCHIVE_INCOMING, flags);
}

static void lists_make(struct archive_conversation *c, const struct archive_leg *legs, size_t count)
{
	/* missed_lists_add sets that flag in the lists of those users who missed the call */
	uint32_t flags = c->flags & ~(uint32_t)ARCHIVE_MISSED;

	c->lists[c->list_count++] =
		(struct archive_listed){ .direction = c->direction, .flags = c->flags };
	for (size_t i = 0; i < count; i++) {
		const struct archive_leg *l = &legs[i];

		party_add(c, l->from_number, l->from_trunk, i ? ARCHIVE_INCOMING : ARCHIVE_OUTGOING,
			  flags);
		party_add(c, l->to_number, l->to_trunk, ARCHIVE_INCOMING, flags);
		party_add(c, l->answered_by, l->to_trunk, ARCHIVE_INCOMING, flags);
		party_add(c, l->forwarded_to, l->to_trunk, ARCHIVE_INCOMING, flags);
		missed_lists_add(c, l->missed);
		listed_add(c, 'g', l->grp, ARCHIVE_INCOMING, c->flags);
	}
	c->owners = writer_done(&c->owners_w);
}

/* ---- the row ---- */

static void last_of(struct bytes *to, struct bytes text)
{
	if (text.n)
		*to = text;
}

static void first_of(struct bytes *to, struct bytes text)
{
	if (!to->n)
		*to = text;
}

static void leg_add(struct archive_conversation *c, const struct archive_leg *l)
{
	first_of(&c->from_number, l->from_number);
	first_of(&c->from_name, l->from_name);
	first_of(&c->to_number, l->to_number);
	first_of(&c->dnis, l->dnis);
	last_of(&c->answered_by, l->answered_by);
	last_of(&c->grp, l->grp);
	last_of(&c->account, l->account);
	last_of(&c->flow, l->flow);
	last_of(&c->path, l->path);
	last_of(&c->message, l->message);
	last_of(&c->cause, l->cause);
	if (!c->began_ms || (l->began_ms && l->began_ms < c->began_ms))
		c->began_ms = l->began_ms;
	if (!c->answered_ms || (l->answered_ms && l->answered_ms < c->answered_ms))
		c->answered_ms = l->answered_ms;
	if (l->ended_ms > c->ended_ms)
		c->ended_ms = l->ended_ms;
	c->talk_ms += l->talk_ms <= INT64_MAX - c->talk_ms ? l->talk_ms : 0;
	if (l->mos && (!c->mos || l->mos < c->mos))
		c->mos = l->mos;
	if (l->recordings.n && c->recordings_w.cap - c->recordings_w.n > l->recordings.n) {
		if (c->recordings_w.n)
			writer_u8(&c->recordings_w, ',');
		writer_bytes(&c->recordings_w, l->recordings);
	}
}

static bool leg_is_busy(const struct archive_leg *l)
{
	return l->sip_status == 486 || l->sip_status == 600 || l->q850 == 17;
}

/* Missed is what somebody was called for and nobody took, whatever the caller did then. */
static enum archive_result conversation_result(const struct archive_conversation *c,
					       const struct archive_leg *legs, size_t count)
{
	const struct archive_leg *last = &legs[count - 1];

	if (c->answered_by.n)
		return ARCHIVE_ANSWERED;
	if (c->message.n)
		return ARCHIVE_MESSAGE;
	if (c->answered_ms)
		return c->flags & ARCHIVE_MISSED ? ARCHIVE_NO_ANSWER : ARCHIVE_HANDLED;
	if (leg_is_busy(last))
		return ARCHIVE_BUSY;
	if (last->sip_status == 487)
		return ARCHIVE_CANCELLED;
	return last->sip_status == 408 || last->sip_status == 480 || last->q850 == 19
		       ? ARCHIVE_NO_ANSWER
		       : ARCHIVE_FAILED;
}

/* Nobody finds the number of a caller who withholds it. */
static void words_make(struct archive_conversation *c)
{
	bool hides = bytes_is(c->from_name, PARTY_HIDDEN_NAME);
	const struct bytes texts[] = { c->from_name, hides ? BYTES_LIT("") : c->from_number,
				       c->to_number, c->answered_by,
				       c->dnis,      c->grp,
				       c->account };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (texts[i].n && c->words_w.n)
			writer_u8(&c->words_w, '\n');
		archive_fold(&c->words_w, texts[i]);
	}
	assert(!c->words_w.overflow);
	c->words = writer_done(&c->words_w);
}

void archive_conversation_make(struct archive_conversation *out, const struct archive_leg *legs,
			       size_t count)
{
	struct archive_conversation *c = out;
	bool missed = false;

	assert(count && count <= ARCHIVE_LEGS_MAX);
	memset(c, 0, offsetof(struct archive_conversation, owners_text));
	c->owners_w = writer_over(c->owners_text, sizeof(c->owners_text));
	c->words_w = writer_over(c->words_text, sizeof(c->words_text));
	c->recordings_w = writer_over(c->recordings_text, sizeof(c->recordings_text));
	c->call = legs->call;
	c->month = legs->month;
	c->tenant = legs->tenant;
	c->legs = (int64_t)count;
	for (size_t i = 0; i < count; i++) {
		leg_add(c, &legs[i]);
		missed |= legs[i].missed.n != 0;
	}
	c->recordings = writer_done(&c->recordings_w);
	c->direction = legs->from_trunk.n ? ARCHIVE_INCOMING
		       : legs->to_trunk.n ? ARCHIVE_OUTGOING
					  : ARCHIVE_INTERNAL;
	c->flags = (missed && !c->answered_by.n ? ARCHIVE_MISSED : 0u) |
		   (c->recordings.n ? ARCHIVE_RECORDED : 0u) |
		   (c->message.n ? ARCHIVE_HAS_MESSAGE : 0u);
	c->result = conversation_result(c, legs, count);
	words_make(c);
	lists_make(c, legs, count);
}

const char *archive_result_word(enum archive_result result)
{
	static const char *const words[ARCHIVE_RESULT_COUNT] = {
#define X(id, word) word,
		ARCHIVE_RESULTS(X)
#undef X
	};

	return (unsigned)result < ARCHIVE_RESULT_COUNT ? words[result] : "failed";
}
