/* SPDX-License-Identifier: Apache-2.0 */
/* What members are sent. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/job/room.h"
#include "engine/walk/event.h"
#include "engine/walk/worker.h"

enum { SAY_AHEAD = 4 }; /* members */

/* ---- packets ---- */

/* Timestamps are those of time, so that one which was not sent is a gap of its length. */
static bool member_packet_say(struct worker *w, struct flow *f, const struct room *r,
			      const struct payloads_sent *sent, uint32_t i, bool begins)
{
	uint32_t tick = (uint32_t)(r->due_ns / (ROOM_TICK_MS * NS_PER_MS));
	const struct job_frame frame = {
		.payload = sent->packets[i].octets,
		.clock_hz = sent->clock_hz,
		.units = sent->units,
		.timestamp = tick * (sent->clock_hz / 1000 * ROOM_TICK_MS) + i * sent->units,
		.payload_type = PAYLOAD_NONE,
		.marker = begins,
	};

	return listener_hear(w, f, &frame);
}

static uint32_t member_say(struct worker *w, struct room *r, struct flow *f, uint32_t index)
{
	struct room_member *m = r->members[index];
	struct payloads_space space;
	struct payloads_sent sent = payloads_of(r->payloads, index, &space);
	uint32_t played = 0;

	for (uint32_t i = 0; i < sent.count; i++) {
		const struct packer_packet *packet = &sent.packets[i];
		bool begins = (i == 0 && sent.begins) || packet->begins || m->said != r->wakes;

		if (packet->kind != PACKER_SOUND && packet->kind != PACKER_EMPTY)
			continue;
		if (!member_packet_say(w, f, r, &sent, i, begins)) {
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
	r->played += played;
	return played ? played : 1;
}

/* The lines of flow.h that something which is sent to it touches. */
static void flow_fetch_to(const struct flow *f)
{
	__builtin_prefetch(f, 0);
	__builtin_prefetch((const char *)f + (size_t)3 * FLOW_LINE, 1);
	__builtin_prefetch(&f->listener, 1);
}

void room_say_fetch_to(const struct worker *w, const struct room *r, uint32_t index)
{
	flow_fetch_to(&w->flows.list[r->members[index]->slot]);
	mix_fetch_said(r->mix, index);
}

static void say_fetch(const struct worker *w, const struct room *r)
{
	uint32_t left = r->unsaid;

	if (left > 2 * SAY_AHEAD) {
		uint32_t index = r->here[left - 1 - 2 * SAY_AHEAD];

		__builtin_prefetch(r->members[index], 1);
		mix_fetch_member(r->mix, index);
		payloads_fetch_member(r->payloads, index);
	}
	if (left > SAY_AHEAD)
		room_say_fetch_to(w, r, r->here[left - 1 - SAY_AHEAD]);
}

void room_say_fetch(const struct worker *w, const struct room *r)
{
	for (uint32_t i = 1; i <= SAY_AHEAD && i <= r->here_n; i++)
		flow_fetch_to(&w->flows.list[r->members[r->here[r->here_n - i]]->slot]);
}

uint32_t room_say(struct worker *w, struct room *r)
{
	const struct room_member *m;
	uint32_t index;

	say_fetch(w, r);
	index = r->here[--r->unsaid];
	m = r->members[index];
	if (!m->encodes || m->since == r->tick)
		return 1;
	return member_say(w, r, &w->flows.list[m->slot], index);
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
	struct media_event event;

	if (!r->talks_due)
		return true;
	event = (struct media_event){ .kind = MEDIA_ROOM_TALKS, .job = j->id, .call = j->call };
	event.talks = talks_read(r);
	r->talks_due = memcmp(&event.talks, &r->talks, sizeof(r->talks)) != 0;
	if (!r->talks_due)
		return true;
	if (w->now_ns < r->talks_ns + ROOM_TALKS_MS * NS_PER_MS || !event_send(w, &event))
		return false;
	r->talks_due = false;
	r->talks = event.talks;
	r->talks_ns = w->now_ns;
	return true;
}
