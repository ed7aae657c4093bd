/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delayed echo: a party hears its own audio some time later. Packets are stored as they came, so
 * any codec will do, and a lost or unsent packet is a gap of the same length. Bounded: packets
 * faster than any codec's are not stored.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/worker/worker.h"

enum {
	DELAY_MS_MAX = 5000,
	DELAY_PACKET_MS = 10,   /* packets faster than that are not stored */
	DELAY_SPARE = 16,       /* of those that come in a burst */
	DELAY_OCTETS_MAX = 640, /* of a packet: 80 ms of G.711 */
	DELAY_JUMP_MS = 1000,   /* a timestamp so far from its time restarts */
};

struct delay_packet {
	struct flow_id from; /* the flow that gets it back */
	uint64_t at_ns;
	uint32_t timestamp, clock_hz, units;
	uint16_t length;
	uint8_t payload_type, marker;
	uint8_t anew; /* its timestamp is unrelated to earlier ones */
	uint8_t octets[DELAY_OCTETS_MAX];
};

struct delay {
	uint64_t delay_ns;
	/* Of the newest packet, like the next three; generation 0: no packet came yet. */
	struct flow_id from;
	uint64_t at_ns;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint32_t capacity, first, count;
	struct delay_packet list[];
};

static int delay_open(struct job *j, const struct media_work *work)
{
	uint32_t ms = work->delay.ms, capacity = ms / DELAY_PACKET_MS + DELAY_SPARE;
	struct delay *d;

	if (ms == 0 || ms > DELAY_MS_MAX)
		return -EINVAL;
	d = calloc(1, sizeof(*d) + capacity * sizeof(d->list[0]));
	if (!d)
		return -ENOMEM;
	d->delay_ns = ms * NS_PER_MS;
	d->capacity = capacity;
	j->work = d;
	return 0;
}

static struct media_sound *delay_close(struct job *j)
{
	free(j->work);
	return NULL;
}

/* What was stored has no listener. */
static void delay_wake(struct worker *w, struct job *j)
{
	struct delay *d = j->work;

	(void)w;
	d->from = (struct flow_id){ 0 };
	d->first = d->count = 0;
}

/* ---- received audio ---- */

/* Units of the timestamp since the newest one; 0: it does not continue that. */
static uint32_t units_since(const struct delay *d, const struct pkt *p, uint64_t now_ns)
{
	uint32_t units = p->timestamp - d->timestamp;
	int64_t ms = (int64_t)((uint64_t)units * 1000 / p->clock_hz);
	int64_t passed_ms = (int64_t)((now_ns - d->at_ns) / NS_PER_MS);

	if (!flow_id_eq(d->from, p->flow->id) || d->ssrc != p->ssrc)
		return 0;
	return llabs(ms - passed_ms) < DELAY_JUMP_MS ? units : 0;
}

/* One of the newest few, or one before it. */
static bool is_behind(const struct delay *d, const struct pkt *p)
{
	uint16_t behind = (uint16_t)(d->sequence - p->sequence);

	return flow_id_eq(d->from, p->flow->id) && d->ssrc == p->ssrc && behind < SEQ_MISORDER_MAX;
}

static void delay_note(struct delay *d, const struct pkt *p, uint64_t now_ns)
{
	d->from = p->flow->id;
	d->ssrc = p->ssrc;
	d->sequence = p->sequence;
	d->timestamp = p->timestamp;
	d->at_ns = now_ns;
}

static void delay_keep(struct delay *d, const struct pkt *p, uint64_t now_ns)
{
	struct delay_packet *k = &d->list[(d->first + d->count++) % d->capacity];
	const struct payload_rule *rule = flow_rule(p->flow, p->payload_type);
	uint32_t units = units_since(d, p, now_ns);

	assert(rule); /* or the stages had dropped it */
	k->from = p->flow->id;
	k->at_ns = now_ns;
	k->timestamp = p->timestamp;
	k->clock_hz = p->clock_hz;
	k->anew = units == 0;
	k->units = units && units < p->clock_hz / 10 ? units : p->clock_hz / 50;
	k->payload_type = rule->out;
	k->marker = p->marker;
	k->length = p->payload_length;
	memcpy(k->octets, p->data + p->payload_at, p->payload_length);
	delay_note(d, p, now_ns);
}

static uint64_t due_ns(const struct delay *d)
{
	return d->list[d->first].at_ns + d->delay_ns;
}

static enum verdict delay_receive(struct worker *w, struct job *j, const struct pkt *p)
{
	struct delay *d = j->work;

	if (is_behind(d, p))
		return VERDICT_LATE;
	if (d->count == d->capacity || p->payload_length > DELAY_OCTETS_MAX)
		return VERDICT_JOB_FULL;
	delay_keep(d, p, w->batch.now_ns);
	if (!wheel_is_running(&j->timer) && !j->place.waits)
		wheel_start(&w->wheel, &j->timer, due_ns(d));
	return VERDICT_ALONE;
}

/* ---- the echo ---- */

static uint32_t delay_effort(const struct job *j, uint64_t now_ns)
{
	const struct delay *d = j->work;

	return d->count > 0 && now_ns >= due_ns(d);
}

static void delay_packet_send(struct worker *w, const struct job *j, const struct delay_packet *k)
{
	struct flow *f = flow_find(&w->flows, k->from);
	const struct job_frame frame = { .payload = bytes_mem(k->octets, k->length),
					 .clock_hz = k->clock_hz,
					 .units = k->units,
					 .timestamp = k->timestamp,
					 .payload_type = k->payload_type,
					 .marker = k->marker };

	if (!f || f->listener.job != j->id.slot + 1)
		return;
	if (k->anew)
		f->listener.begun = 0;
	metric_add(w->metrics->frames_played, listener_send(w, f, &frame));
}

static uint32_t delay_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct delay *d = j->work;
	uint32_t done = 0;

	for (; done < most && delay_effort(j, w->now_ns) > 0; done++) {
		delay_packet_send(w, j, &d->list[d->first]);
		d->first = (d->first + 1) % d->capacity;
		d->count--;
	}
	if (d->count > 0 && !delay_effort(j, w->now_ns))
		wheel_start(&w->wheel, &j->timer, due_ns(d));
	return done;
}

/* It keeps time, and gets nowhere. */
static uint32_t delay_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_delay = {
	.open = delay_open,
	.close = delay_close,
	.wake = delay_wake,
	.effort = delay_effort,
	.turn = delay_turn,
	.place = delay_place,
	.receive = delay_receive,
};
