/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rare paths of sequence counting (RFC 3550 A.1, A.3): jumps, restarts, reordering far back,
 * and the numbers for reports. The usual step, a packet one ahead of the last, is inline in seq.h.
 * SRTP, receiver reports, recording and the jitter buffer count with it. Interarrival jitter (RFC
 * 3550 6.4.1) is here, too.
 */

#include "media/rtp/seq.h"
#include "base/clock.h"

uint32_t jitter_arrival(uint64_t arrival_ns, uint32_t clock_hz)
{
	return (uint32_t)(arrival_ns / NS_PER_S * clock_hz +
			  arrival_ns % NS_PER_S * clock_hz / NS_PER_S);
}

uint32_t jitter_timestamp_units(const struct arrival_jitter *j)
{
	return (uint32_t)(j->scaled >> 4);
}

uint32_t jitter_us(const struct arrival_jitter *j)
{
	uint64_t us = j->clock_hz ? (j->scaled >> 4) * 1000000 / j->clock_hz : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

#define INDEX_MASK   UINT64_C(0xffffffffffff)
#define HALF_CIRCLE  0x8000
#define WHOLE_CIRCLE 0x10000

uint64_t seq_unwrap_back(uint64_t highest, uint16_t sequence)
{
	uint16_t last = (uint16_t)highest;
	uint64_t index = (highest & ~UINT64_C(0xffff)) | sequence;

	if (last < HALF_CIRCLE && sequence - last > HALF_CIRCLE) {
		index -= WHOLE_CIRCLE;
	} else if (last >= HALF_CIRCLE && last - HALF_CIRCLE > sequence) {
		index += WHOLE_CIRCLE;
	}
	return index & INDEX_MASK;
}

static uint32_t run_expected(const struct seq_count *s)
{
	return s->started ? (uint32_t)(s->highest - s->base + 1) : 0;
}

static void seq_run_start(struct seq_count *s, uint16_t sequence)
{
	s->expected_before += run_expected(s);
	s->received_before += s->received;
	s->highest = s->base = sequence;
	s->received = 1;
	s->jumped = 0;
	s->started = 1;
}

/* Two packets in a row, far away: the source restarted without telling, or came back after long. */
static enum seq_step jump(struct seq_count *s, uint16_t sequence)
{
	if (s->jumped && sequence == s->follows_jump) {
		seq_run_start(s, sequence);
		return SEQ_RESTART;
	}
	s->jumped = 1;
	s->follows_jump = (uint16_t)(sequence + 1);
	return SEQ_JUMP;
}

enum seq_step seq_update_odd(struct seq_count *s, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - (uint16_t)s->highest);

	if (!s->started) {
		seq_run_start(s, sequence);
		return SEQ_FORWARD;
	}
	if (ahead >= SEQ_DROPOUT_MAX && ahead <= WHOLE_CIRCLE - SEQ_MISORDER_MAX)
		return jump(s, sequence);
	s->received++;
	return SEQ_LATE;
}

static uint32_t all_expected(const struct seq_count *s)
{
	return s->expected_before + run_expected(s);
}

int64_t seq_lost(const struct seq_count *s)
{
	return (int32_t)(all_expected(s) - s->received_before - s->received);
}

uint32_t seq_lost_24(const struct seq_count *s)
{
	int64_t lost = seq_lost(s);

	if (lost > 0x7fffff)
		lost = 0x7fffff;
	if (lost < -0x800000)
		lost = -0x800000;
	return (uint32_t)lost & 0xffffff;
}

uint8_t seq_fraction_lost(struct seq_count *s)
{
	uint32_t all = all_expected(s), all_received = s->received_before + s->received;
	uint32_t expected = all - s->expected_prior, received = all_received - s->received_prior;

	s->expected_prior = all;
	s->received_prior = all_received;
	if (expected == 0 || received >= expected)
		return 0;
	return (uint8_t)((uint64_t)(expected - received) * 256 / expected);
}

uint32_t seq_extended_highest(const struct seq_count *s)
{
	return (uint32_t)s->highest;
}
