/* SPDX-License-Identifier: Apache-2.0 */
/* What members are sent. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/job/room.h"
#include "engine/walk/event.h"
#include "engine/walk/worker.h"

/* ---- packets ---- */

/* Timestamps are those of time, so that one which was not sent is a gap of its length. */
static bool member_packet_say(struct worker *w, struct flow *f, const struct room *r,
			      const struct codec_format *format, const struct packer_packet *packet,
			      bool begins, uint32_t i)
{
	uint32_t tick = (uint32_t)(r->due_ns / (ROOM_TICK_MS * NS_PER_MS));
	uint32_t units = (uint32_t)((uint64_t)format->samples * format->clock / format->rate);
	const struct job_frame frame = {
		.payload = packet->octets,
		.clock_hz = format->clock,
		.units = units,
		.timestamp = tick * (format->clock / 1000 * ROOM_TICK_MS) + i * units,
		.payload_type = PAYLOAD_NONE,
		.marker = begins,
	};

	return listener_hear(w, f, &frame);
}

static uint32_t member_say(struct worker *w, struct room *r, struct flow *f, uint32_t index)
{
	struct room_member *m = r->members[index];
	struct payloads_sent sent = payloads_of(r->payloads, index);
	struct codec_format format;
	uint32_t played = 0;

	if (sent.count == 0)
		return 1;
	format = payloads_format(r->payloads, index);
	for (uint32_t i = 0; i < sent.count; i++) {
		const struct packer_packet *packet = &sent.packets[i];
		bool begins = (i == 0 && sent.begins) || packet->begins || m->said != r->wakes;

		if (packet->kind != PACKER_SOUND && packet->kind != PACKER_EMPTY)
			continue;
		if (!member_packet_say(w, f, r, &format, packet, begins, i)) {
			m->missed = true;
			if (f->making & MAKING_DIGIT) /* nobody says when it is over */
				payloads_missed(r->payloads, index);
			continue;
		}
		if (m->missed)
			payloads_missed(r->payloads, index);
		m->missed = false;
		m->said = r->wakes;
		played++;
	}
	metric_add(w->metrics->frames_played, played);
	return played ? played : 1;
}

/* The lines of flow.h that something which is sent to it touches. */
static void flow_fetch_to(const struct flow *f)
{
	__builtin_prefetch(f, 0);
	__builtin_prefetch((const char *)f + (size_t)3 * FLOW_LINE, 1);
	__builtin_prefetch(&f->listener, 1);
}

uint32_t room_say(struct worker *w, struct job *j)
{
	struct room *r = j->work;
	struct flow *f = &w->flows.list[j->next - 1];
	uint32_t index = f->listener.member - 1;

	j->next = f->listener.next;
	if (j->next)
		flow_fetch_to(&w->flows.list[j->next - 1]);
	if (!f->listener.member || !r->members[index]->encodes ||
	    r->members[index]->since == r->tick)
		return 1;
	return member_say(w, r, f, index);
}

/* ---- who talks ---- */

static int number_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct media_talks talks_read(const struct room *r)
{
	struct media_talks t = { 0 };

	for (uint32_t i = 0; i < r->places_n && t.count < MEDIA_ROOM_TALKERS_MAX; i++) {
		const struct room_member *m = r->members[r->places[i]];

		if (m && !m->spec.coaches)
			t.numbers[t.count++] = m->spec.number;
	}
	qsort(t.numbers, t.count, sizeof(t.numbers[0]), number_compare);
	return t;
}

bool room_talks_tell(struct worker *w, const struct job *j)
{
	struct room *r = j->work;
	struct media_event event = { .kind = MEDIA_ROOM_TALKS, .job = j->id, .call = j->call };

	event.talks = talks_read(r);
	if (memcmp(&event.talks, &r->talks, sizeof(r->talks)) == 0)
		return true;
	if (w->now_ns < r->talks_ns + ROOM_TALKS_MS * NS_PER_MS || !event_send(w, &event))
		return false;
	r->talks = event.talks;
	r->talks_ns = w->now_ns;
	return true;
}
