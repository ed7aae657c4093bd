/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes transport-wide congestion control feedback
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01) to browsers, which adapt the bit rate of
 * their video by it. It notes the arrival of every numbered packet of a transport, and packs
 * statuses and deltas into the smallest chunks. Memory is a fixed window of numbers per transport;
 * the engine's worker asks for a report at intervals.
 */

#include "media/rtp/transport_cc.h"

#include <assert.h>
#include <string.h>

#include "media/rtp/rtcp_parse.h"

#define TICK_NS UINT64_C(250000) /* of deltas; the reference time has 256 of them */

/* Of a packet: 3.1.1. As runs and in vectors. */
enum symbol { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };

enum {
	TICKS_OF_REFERENCE = 256,
	RUN_SYMBOL_SHIFT = 13,
	VECTOR_OF_ONE_BIT = 0x8000,
	VECTOR_OF_TWO_BITS = 0xc000,
	ONE_BIT_SYMBOLS = 14,
	TWO_BIT_SYMBOLS = 7,
};

static_assert(65536 % TRANSPORT_CC_KEPT == 0, "numbers wrap where places do");

/* ---- what came ---- */

static uint64_t *word_of(struct transport_cc *t, uint16_t number)
{
	return &t->received[number % TRANSPORT_CC_KEPT / 64];
}

static uint64_t received_bit(uint16_t number)
{
	return UINT64_C(1) << number % 64;
}

static bool number_is_received(const struct transport_cc *t, uint16_t number)
{
	return t->received[number % TRANSPORT_CC_KEPT / 64] & received_bit(number);
}

static uint32_t arrival_of(const struct transport_cc *t, uint16_t number)
{
	return t->arrival[number % TRANSPORT_CC_KEPT];
}

static uint16_t number_distance(uint16_t from, uint16_t to)
{
	return (uint16_t)(to - from);
}

static void transport_cc_restart(struct transport_cc *t, uint16_t number)
{
	memset(t->received, 0, sizeof(t->received));
	t->begin = t->end = number;
	t->started = true;
}

/* Numbers in between are missing so far. Those not reported in time are forgotten. */
static void cc_reach(struct transport_cc *t, uint16_t number)
{
	while (t->end != (uint16_t)(number + 1)) {
		*word_of(t, t->end) &= ~received_bit(t->end);
		t->end++;
	}
	if (number_distance(t->begin, t->end) > TRANSPORT_CC_KEPT)
		t->begin = (uint16_t)(t->end - TRANSPORT_CC_KEPT);
}

void transport_cc_note(struct transport_cc *t, uint16_t number, uint64_t now_ns)
{
	bool is_next = number_distance(t->end, number) < TRANSPORT_CC_KEPT;
	bool is_late = number_distance(number, t->end) <= TRANSPORT_CC_KEPT && !is_next;

	if (!t->started || (!is_next && !is_late)) {
		transport_cc_restart(t, number);
		is_next = true;
	}
	if (is_next)
		cc_reach(t, number);
	else if (number_is_received(t, number))
		return;
	else if (number_distance(number, t->end) > number_distance(t->begin, t->end))
		t->begin = number;
	t->arrival[number % TRANSPORT_CC_KEPT] = (uint32_t)(now_ns / TICK_NS);
	*word_of(t, number) |= received_bit(number);
}

/* ---- the report ---- */

struct report {
	uint16_t count;     /* of statuses */
	uint32_t reference; /* ticks, whole reference times */
	uint8_t symbols[TRANSPORT_CC_KEPT];
};

/* Each delta is to the packet before, by number, and may be negative. */
static enum symbol symbol_of(int32_t delta)
{
	return delta >= 0 && delta <= UINT8_MAX ? SMALL_DELTA : LARGE_DELTA;
}

static uint32_t reference_of(const struct transport_cc *t)
{
	uint16_t first = t->begin;

	while (!number_is_received(t, first)) /* the last one was */
		first++;
	return arrival_of(t, first) / TICKS_OF_REFERENCE * TICKS_OF_REFERENCE;
}

static void arrival_judge(const struct transport_cc *t, struct report *r)
{
	uint32_t before = r->reference = reference_of(t);

	r->count = number_distance(t->begin, t->end);
	for (uint16_t i = 0; i < r->count; i++) {
		uint16_t number = (uint16_t)(t->begin + i);
		int32_t delta = (int32_t)(arrival_of(t, number) - before);

		r->symbols[i] = NOT_RECEIVED;
		if (!number_is_received(t, number))
			continue;
		if (delta != (int16_t)delta) {
			r->count = i;
			return;
		}
		r->symbols[i] = (uint8_t)symbol_of(delta);
		before = arrival_of(t, number);
	}
}

static uint16_t run_length(const struct report *r, uint16_t at)
{
	uint16_t n = 1;

	while (at + n < r->count && r->symbols[at + n] == r->symbols[at])
		n++;
	return n;
}

static bool has_large(const struct report *r, uint16_t at)
{
	for (uint16_t i = at; i < r->count && i < at + ONE_BIT_SYMBOLS; i++)
		if (r->symbols[i] == LARGE_DELTA)
			return true;
	return false;
}

/* As many symbols of that size as fill the 14 bits of a chunk; zeros follow the last status. */
static uint16_t vector(const struct report *r, uint16_t at, uint16_t symbols)
{
	int bits = ONE_BIT_SYMBOLS / symbols;
	uint16_t out = 0;

	for (uint16_t i = 0; i < symbols; i++) {
		uint8_t symbol = at + i < r->count ? r->symbols[at + i] : NOT_RECEIVED;

		out = (uint16_t)(out << bits | symbol);
	}
	return out;
}

/* The most compact chunk from there on; returns how many statuses it has. */
static uint16_t status_chunk_write(struct writer *w, const struct report *r, uint16_t at)
{
	bool large = has_large(r, at);
	uint16_t run = run_length(r, at), symbols = large ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS;

	if (run >= symbols || at + run == r->count) {
		writer_be16(w, (uint16_t)(r->symbols[at] << RUN_SYMBOL_SHIFT | run));
		return run;
	}
	writer_be16(w, (uint16_t)((large ? VECTOR_OF_TWO_BITS : VECTOR_OF_ONE_BIT) |
				  vector(r, at, symbols)));
	return symbols;
}

static void deltas_write(struct writer *w, const struct transport_cc *t, const struct report *r)
{
	uint32_t before = r->reference;

	for (uint16_t i = 0; i < r->count; i++) {
		uint32_t arrival = arrival_of(t, (uint16_t)(t->begin + i));

		if (r->symbols[i] == NOT_RECEIVED)
			continue;
		if (r->symbols[i] == SMALL_DELTA)
			writer_u8(w, (uint8_t)(arrival - before));
		else
			writer_be16(w, (uint16_t)(arrival - before));
		before = arrival;
	}
}

static void transport_cc_head_write(struct writer *w, const struct transport_cc *t,
				    const struct report *r)
{
	writer_be16(w, t->begin);
	writer_be16(w, r->count);
	writer_be32(w, r->reference / TICKS_OF_REFERENCE << 8 | t->packets);
}

struct bytes transport_cc_write(struct transport_cc *t, uint8_t out[TRANSPORT_CC_MAX],
				uint32_t sender_ssrc, uint32_t media_ssrc)
{
	struct writer w = writer_over(out, TRANSPORT_CC_MAX);
	struct report r;

	assert(transport_cc_is_due(t));
	arrival_judge(t, &r);
	writer_be16(&w, 2 << 14 | RTCP_FEEDBACK_TRANSPORT_CC << 8 | RTCP_TYPE_RTPFB);
	writer_be16(&w, 0);
	writer_be32(&w, sender_ssrc);
	writer_be32(&w, media_ssrc);
	transport_cc_head_write(&w, t, &r);
	for (uint16_t at = 0; at < r.count;)
		at = (uint16_t)(at + status_chunk_write(&w, &r, at));
	deltas_write(&w, t, &r);
	while (w.n % 4 != 0)
		writer_u8(&w, 0);
	assert(!w.overflow);
	be16_put(out + 2, (uint16_t)(w.n / 4 - 1));
	t->begin = (uint16_t)(t->begin + r.count);
	t->packets++;
	return writer_done(&w);
}
