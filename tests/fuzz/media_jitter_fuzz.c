/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: settings (4 octets), then steps: a packet with its number, timestamp and time relative to those before, or a tick.
 * Oracle: each packet that was kept is played once at most, in the order of numbers, with its payload; what was kept was played or dropped, or
 * is there; no more is there than slots; a frame is never without length; the delay wanted is within its bounds; in the end the slots drain.
 */
#include <assert.h>
#include <stdlib.h>

#include "media/rtp/jitter.h"

enum { HEAD_LEN = 4, OCTETS = 8, HZ = 8000, DRAIN_TICKS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	struct jitter *j;
	struct jitter_settings settings;
	uint64_t now_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint32_t kept, silent,
		last_put; /* last_put: of the packets played, when it was put since the last restart */
	uint32_t puts;
	uint16_t last_played;
	bool played;
	uint8_t gone
		[1 << 16]; /* by the number of the put: it was played, or is of before a restart */
};

static struct check g_check;

static void tick(struct check *c, uint32_t queued_ms)
{
	struct jitter_frame f;

	jitter_get(c->j, c->now_ns, queued_ms * UINT64_C(1000000), &f);
	assert(f.units > 0 && f.units <= HZ);
	assert(f.kind == JITTER_PLAY || f.pace == JITTER_STEADY);
	if (f.kind == JITTER_SILENCE || f.payload.n == 0) {
		assert(f.payload.n == 0 && f.kind != JITTER_PLAY);
		return;
	}
	assert(f.payload.n == OCTETS);

	uint32_t put = be32_get(f.payload.p);
	uint16_t sequence = be16_get(f.payload.p + 4);

	assert(put < c->puts && !c->gone[put]);
	if (f.kind == JITTER_LOST) {
		assert(c->settings.fec);
		return;
	}
	assert(!c->played || (int16_t)(sequence - c->last_played) > 0);
	c->gone[put] = 1;
	c->last_played = sequence;
	c->played = true;
	c->kept--;
}

static void restarted(struct check *c)
{
	for (uint32_t i = 0; i < c->puts; i++)
		c->gone[i] = 1;
	c->played = false;
}

/* Of what was not kept nothing is seen again. */
static void put_check(struct check *c, enum jitter_put put, bool sounds)
{
	switch (put) {
	case JITTER_RESTARTED:
		restarted(c);
		break;
	case JITTER_KEPT:
		break;
	case JITTER_LATE:
	case JITTER_DUPLICATE:
	case JITTER_FAR:
	case JITTER_TOO_LARGE:
		c->gone[c->puts++] = 1;
		return;
	}
	c->gone[c->puts++] = !sounds;
	c->kept += sounds;
	c->silent += !sounds;
}

static void packet(struct check *c, uint8_t kind, uint8_t by)
{
	uint8_t octets[OCTETS + 1] = { 0 };
	struct jitter_packet p = {
		.arrival_ns = c->now_ns,
		.ssrc = c->ssrc,
		.timestamp = c->timestamp,
		.sequence = c->sequence,
		.units = kind & 0x10 ? 0 : 80 * (1 + (kind >> 5 & 3)),
		.marker = by & 1,
		.pauses = by & 2,
		.payload = bytes_mem(octets, kind & 0x80 && by == 0xff ? OCTETS + 1 : OCTETS),
	};

	be32_put(octets, c->puts);
	be16_put(octets + 4, c->sequence);
	put_check(c, jitter_put(c->j, &p), p.units > 0);
	c->sequence++;
	c->timestamp += p.units;
}

/* Of a restart what was there counts as dropped, and so do silent packets that are passed. */
static void totals_check(const struct check *c)
{
	const struct jitter_counts *n = jitter_counts(c->j);

	assert(jitter_kept(c->j) <= c->settings.slots);
	assert(c->kept >= n->dropped && c->kept - n->dropped <= jitter_kept(c->j));
	assert(jitter_target_ms(c->j) >= c->settings.min_ms &&
	       jitter_target_ms(c->j) <= c->settings.max_ms);
}

static void step(struct check *c, uint8_t kind, uint8_t by)
{
	switch (kind & 0xf) {
	case 0:
		c->sequence = (uint16_t)(c->sequence + (int8_t)by);
		break;
	case 1:
		c->sequence = (uint16_t)(c->sequence + (int8_t)by * 256);
		break;
	case 2:
		c->timestamp += (uint32_t)((int8_t)by * 80);
		break;
	case 3:
		c->timestamp += (uint32_t)((int8_t)by * (1 << 24));
		break;
	case 4:
		c->ssrc = by & 1;
		break;
	case 5:
		c->now_ns += (uint64_t)by * by * 1000000;
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		tick(c, kind >> 4);
		c->now_ns += by % 32 * UINT64_C(1000000);
		break;
	default:
		packet(c, kind, by);
	}
	totals_check(c);
}

static bool check_open(struct check *c, const uint8_t *head)
{
	c->settings = (struct jitter_settings){
		.clock_hz = HZ,
		.slots = 2U << (head[0] & 7),
		.octets = OCTETS,
		.tick_ms = head[0] & 0x10 ? 20 : 10,
		.min_ms = head[1],
		.start_ms = head[2],
		.max_ms = head[3] * 2U,
		.fec = head[0] & 8,
	};
	c->ssrc = c->timestamp = c->kept = c->silent = c->puts = 0;
	c->sequence = 65530;
	c->now_ns = 1000000000;
	c->played = false;
	return jitter_open(&c->j, &c->settings) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check *c = &g_check;

	if (size <= HEAD_LEN || size > 2 * sizeof(c->gone) || !check_open(c, data))
		return 0;
	for (size_t at = HEAD_LEN; at + 2 <= size; at += 2)
		step(c, data[at], data[at + 1]);
	for (uint32_t i = 0; i < DRAIN_TICKS && jitter_kept(c->j); i++) {
		c->now_ns += 20000000;
		tick(c, 0);
	}
	assert(jitter_kept(c->j) == 0);
	assert(c->kept == jitter_counts(c->j)->dropped);
	jitter_close(c->j);
	return 0;
}
