/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/jitter.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/jitter_state.h"

enum {
	CLOCK_MIN = 8000,
	CLOCK_MAX = 192000,
	FRAME_MS = 20, /* until a packet says otherwise */
	OCTETS_MAX = UINT16_MAX,
	TICK_MS_MAX = 60,
	REBASE_S = 2, /* no network holds a packet so long, and lets later ones be as late */
	FIRST_CIRCLE = 1 << 16, /* of numbers: none is below zero that was overtaken by the first */
};

/* ---- open, close ---- */

static bool settings_are_fit(const struct jitter_settings *s)
{
	return s->clock_hz >= CLOCK_MIN && s->clock_hz <= CLOCK_MAX && s->clock_hz % 1000 == 0 &&
	       s->slots >= 2 && s->slots <= JITTER_SLOTS_MAX && (s->slots & (s->slots - 1)) == 0 &&
	       s->tick_ms >= 1 && s->tick_ms <= TICK_MS_MAX && s->octets > 0 &&
	       s->octets <= OCTETS_MAX && s->min_ms <= s->start_ms && s->start_ms <= s->max_ms &&
	       s->max_ms > 0 && s->max_ms <= JITTER_DELAY_MS_MAX;
}

static size_t lines(size_t octets)
{
	return (octets + JITTER_LINE - 1) / JITTER_LINE * JITTER_LINE;
}

static size_t stride_of(const struct jitter_settings *s)
{
	return lines(sizeof(struct jitter_slot) + s->octets);
}

static void jitter_parts_set(struct jitter *j, uint32_t slots)
{
	j->places = j->few;
	if (slots > JITTER_FEW)
		j->places = (uint16_t *)(void *)jitter_slot(j, (uint16_t)slots);
	j->unused = j->places + slots;
	for (uint32_t i = 0; i < slots; i++) {
		j->places[i] = JITTER_NONE;
		j->unused[j->unused_n++] = (uint16_t)(slots - 1 - i);
	}
}

size_t jitter_octets(const struct jitter_settings *s)
{
	size_t places = s->slots > JITTER_FEW ? 2 * s->slots * sizeof(uint16_t) : 0;

	return settings_are_fit(s) ? lines(sizeof(struct jitter) + s->slots * stride_of(s) + places)
				   : 0;
}

struct jitter *jitter_open_in(void *memory, const struct jitter_settings *s)
{
	struct jitter *j = memory;

	memset(j, 0, sizeof(*j)); /* a slot is written before it is read */
	j->settings = *s;
	j->mask = s->slots - 1;
	j->stride = (uint32_t)stride_of(s);
	jitter_parts_set(j, s->slots);
	j->frame = jitter_units_of_ms(j, FRAME_MS);
	jitter_delay_open(&j->delay, s->clock_hz, jitter_units_of_ms(j, s->min_ms),
			  jitter_units_of_ms(j, s->start_ms), jitter_units_of_ms(j, s->max_ms));
	return j;
}

int jitter_open(struct jitter **out, const struct jitter_settings *s)
{
	size_t octets = jitter_octets(s);
	void *memory = octets ? aligned_alloc(JITTER_LINE, octets) : NULL;

	if (!octets)
		return -EINVAL;
	if (!memory)
		return -ENOMEM;
	*out = jitter_open_in(memory, s);
	return 0;
}

void jitter_close(struct jitter *j)
{
	free(j);
}

enum { SHORT = 3 * JITTER_LINE /* a packet that is no longer than 160 octets */ };

static void octets_fetch(const void *from, size_t octets)
{
	for (size_t i = 0; i < octets; i += JITTER_LINE)
		__builtin_prefetch((const char *)from + i, 1);
}

/* Up to the shortest delays that are counted. */
void jitter_fetch(const struct jitter *j)
{
	octets_fetch(j, offsetof(struct jitter, delay.bins) + JITTER_LINE);
}

void jitter_fetch_put(const struct jitter *j)
{
	if (j->unused_n)
		octets_fetch(jitter_slot(j, j->unused[j->unused_n - 1]), SHORT);
}

void jitter_fetch_get(const struct jitter *j)
{
	uint16_t n = j->places[j->next & j->mask];

	if (n != JITTER_NONE)
		octets_fetch(jitter_slot(j, n), SHORT);
}

/* ---- whose packet it is, and where it goes ---- */

void jitter_drop_before(struct jitter *j, uint64_t index)
{
	for (uint64_t i = j->next; i < index && j->kept; i++) {
		struct jitter_slot *s = jitter_find(j, i);

		if (!s)
			continue;
		jitter_slot_give(j, s);
		j->counts.dropped += s->units > 0;
	}
	if (index > j->next)
		jitter_pass(j, index - 1, false);
}

/* The first packet of a source; it is counted. */
static void jitter_begin(struct jitter *j, const struct jitter_packet *p)
{
	for (uint32_t i = 0; i <= j->mask && j->kept; i++) {
		struct jitter_slot *s =
			j->places[i] == JITTER_NONE ? NULL : jitter_slot(j, j->places[i]);

		if (!s)
			continue;
		jitter_slot_give(j, s);
		j->counts.dropped += s->units > 0;
	}
	j->numbers.highest += FIRST_CIRCLE;
	j->numbers.base += FIRST_CIRCLE;
	j->ssrc = p->ssrc;
	j->next = j->numbers.highest;
	j->newest = p->timestamp;
	j->newest_at = 0;
	j->concealed = j->passed = 0;
	j->played = 0;
	j->begun = j->playing = j->hushed = false;
	jitter_delay_rebase(&j->delay, jitter_units(j, p->arrival_ns), 0);
}

/* JITTER_KEPT: it may be; its number is counted. */
static enum jitter_put jitter_number(struct jitter *j, const struct jitter_packet *p)
{
	bool first = !j->numbers.started, other = !first && p->ssrc != j->ssrc;

	if (other)
		j->numbers = (struct seq_count){ 0 };
	switch (seq_update(&j->numbers, p->sequence)) {
	case SEQ_JUMP:
		j->counts.far++;
		return JITTER_FAR;
	case SEQ_RESTART:
		other = true;
		break;
	case SEQ_FORWARD:
	case SEQ_LATE:
		break;
	}
	if (first || other)
		jitter_begin(j, p);
	j->counts.restarts += other;
	return other ? JITTER_RESTARTED : JITTER_KEPT;
}

/* As long as nothing was played, one that was overtaken may still be the first. */
static void jitter_make_room(struct jitter *j, uint64_t index)
{
	if (index < j->next && !j->begun && j->numbers.highest - index <= j->mask)
		j->next = index;
	if (index > j->next + j->mask)
		jitter_drop_before(j, index - j->mask);
}

static enum jitter_put jitter_place(struct jitter *j, uint64_t index)
{
	if (index >= j->next)
		return jitter_find(j, index) ? JITTER_DUPLICATE : JITTER_KEPT;
	if (j->next - 1 - index < 64 && (j->played >> (j->next - 1 - index) & 1))
		return JITTER_DUPLICATE;
	return JITTER_LATE;
}

/* ---- its time ---- */

/*
 * Timestamps that go on elsewhere, and those that stood still over a pause: the sender's numbers go on, so does what is heard.
 * late: behind the quickest.
 */
static bool jitter_is_elsewhere(const struct jitter *j, const struct jitter_packet *p, int64_t late)
{
	int64_t far = (int64_t)j->settings.clock_hz * REBASE_S;

	if (late > far || late < -(int64_t)j->delay.max)
		return true;
	if (j->playing || j->kept || !j->begun)
		return false;
	return late > (p->marker ? jitter_delay_target(&j->delay) : j->delay.max);
}

/* The timestamp, counted on. newest: no packet with a higher number came. */
static int64_t jitter_time(struct jitter *j, const struct jitter_packet *p, bool newest)
{
	int64_t arrival = jitter_units(j, p->arrival_ns);
	int64_t at = j->newest_at + (int32_t)(p->timestamp - j->newest);

	if (!newest)
		return at;
	if (p->units > 0 && jitter_is_elsewhere(j, p, arrival - at - j->delay.floor)) {
		at = arrival - j->delay.floor;
		j->counts.rebased++;
	}
	j->newest = p->timestamp;
	j->newest_at = at;
	return at;
}

/* Nothing of a packet that was overtaken is believed that is so far off. */
static bool jitter_is_sane(const struct jitter *j, int64_t late)
{
	return late >= -(int64_t)j->delay.max && late <= (int64_t)j->settings.clock_hz * REBASE_S;
}

static void jitter_store(struct jitter *j, const struct jitter_packet *p, uint64_t index,
			 int64_t at)
{
	uint16_t n = j->unused[--j->unused_n];
	struct jitter_slot *s = jitter_slot(j, n);

	assert(j->places[index & j->mask] == JITTER_NONE);
	j->places[index & j->mask] = n;
	*s = (struct jitter_slot){
		.index = index,
		.at = at,
		.timestamp = p->timestamp,
		.units = p->units,
		.length = (uint16_t)p->payload.n,
		.number = n,
		.payload_type = p->payload_type,
		.pauses = p->pauses,
	};
	if (p->payload.n)
		memcpy(jitter_octets_of(s), p->payload.p, p->payload.n);
	j->kept++;
}

static enum jitter_put jitter_take(struct jitter *j, const struct jitter_packet *p)
{
	uint64_t index = seq_unwrap(j->numbers.highest, p->sequence);
	int64_t arrival = jitter_units(j, p->arrival_ns), at;

	jitter_make_room(j, index);

	enum jitter_put place = jitter_place(j, index);

	if (place == JITTER_DUPLICATE)
		return place;
	at = jitter_time(j, p, place == JITTER_KEPT && index == j->numbers.highest);
	if (p->units > 0 && !jitter_is_sane(j, arrival - at - j->delay.floor))
		return JITTER_LATE;
	if (p->units > 0)
		jitter_delay_note(&j->delay, arrival, at, p->units);
	if (place == JITTER_LATE || (p->units > 0 && arrival - at - j->delay.floor > j->delay.max))
		return JITTER_LATE;
	jitter_store(j, p, index, at);
	return JITTER_KEPT;
}

enum jitter_put jitter_put(struct jitter *j, const struct jitter_packet *p)
{
	if (p->payload.n > j->settings.octets)
		return JITTER_TOO_LARGE;

	enum jitter_put number = jitter_number(j, p);

	if (number == JITTER_FAR)
		return number;

	enum jitter_put taken = jitter_take(j, p);

	j->counts.late += taken == JITTER_LATE;
	j->counts.duplicate += taken == JITTER_DUPLICATE;
	return taken == JITTER_KEPT ? number : taken;
}
