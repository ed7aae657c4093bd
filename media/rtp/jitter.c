/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/jitter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/jitter_state.h"

enum {
	CLOCK_MIN = 8000,
	CLOCK_MAX = 192000,
	FRAME_MS = 20, /* until a packet says otherwise */
	OCTETS_MAX = 1 << 16,
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

/* What is aligned most lies first. */
static void jitter_parts_set(struct jitter *j, uint32_t slots)
{
	j->slots = (struct jitter_slot *)(void *)(j + 1);
	j->places = (uint16_t *)(void *)(j->slots + slots);
	j->unused = j->places + slots;
	j->octets = (uint8_t *)(j->unused + slots);
	for (uint32_t i = 0; i < slots; i++) {
		j->places[i] = JITTER_NONE;
		j->unused[j->unused_n++] = (uint16_t)(slots - 1 - i);
	}
}

int jitter_open(struct jitter **out, const struct jitter_settings *s)
{
	if (!settings_are_fit(s))
		return -EINVAL;

	size_t each = sizeof(struct jitter_slot) + 2 * sizeof(uint16_t) + s->octets;
	struct jitter *j = calloc(1, sizeof(*j) + s->slots * each);

	if (!j)
		return -ENOMEM;
	j->settings = *s;
	j->mask = s->slots - 1;
	jitter_parts_set(j, s->slots);
	j->frame = jitter_units_of_ms(j, FRAME_MS);
	jitter_delay_open(&j->delay, s->clock_hz, jitter_units_of_ms(j, s->min_ms),
			  jitter_units_of_ms(j, s->start_ms), jitter_units_of_ms(j, s->max_ms));
	*out = j;
	return 0;
}

void jitter_close(struct jitter *j)
{
	free(j);
}

enum { LINE = 64, PACKET = 3 * LINE };

/* All up to the shortest delays that are counted; of slots the one that a packet in order mostly has. */
void jitter_fetch(const struct jitter *j)
{
	const char *to = (const char *)&j->delay.bins[LINE / sizeof(float)];

	for (const char *p = (const char *)j; p < to; p += LINE)
		__builtin_prefetch(p, 1);
	__builtin_prefetch(&j->counts, 1);
	__builtin_prefetch(j->slots, 1);
	__builtin_prefetch(j->places, 1);
	for (uint32_t i = 0; i < PACKET; i += LINE)
		__builtin_prefetch(j->octets + i, 1);
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
			j->places[i] == JITTER_NONE ? NULL : &j->slots[j->places[i]];

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
	struct jitter_slot *s = &j->slots[n];

	assert(j->places[index & j->mask] == JITTER_NONE);
	j->places[index & j->mask] = n;
	*s = (struct jitter_slot){
		.index = index,
		.at = at,
		.timestamp = p->timestamp,
		.units = p->units,
		.length = (uint32_t)p->payload.n,
		.payload_type = p->payload_type,
		.pauses = p->pauses,
	};
	if (p->payload.n)
		memcpy(jitter_octets_of(j, s), p->payload.p, p->payload.n);
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
