/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of jobs, the flows that hear each, and the turns between batches. Jobs (tracks, feeds,
 * rooms) make packets instead of a flow's peer; this file opens and closes them by command, links
 * listeners, hands a listener's audio to its job, and shares the worker's time among jobs,
 * transcoders, overlays and detectors in slices (worker.h). A job's sound goes back to control with
 * MEDIA_JOB_CLOSED, which alone counts references.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "dsp/mix/mix.h"
#include "engine/worker/control.h"
#include "engine/worker/job.h"
#include "engine/worker/originate.h"
#include "engine/worker/source.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"
#include "media/job.h"

void turn_queue(struct job_table *t, struct job *j)
{
	job_line_put(&t->line, &j->place);
}

static void waiting_near(const struct worker *w)
{
	struct job_place *p = w->jobs.line.first;

	for (uint32_t i = 1; p && i <= TURN_NEAR; i++, p = p->behind) {
		const struct job *j = CONTAINER_OF(p, struct job, place);

		if (j->kind->near)
			j->kind->near(w, j, i);
	}
}

static void jobs_turn(struct worker *w)
{
	struct job_table *t = &w->jobs;
	uint32_t left = TURN_SLICE;

	while (t->line.first && left > 0) {
		struct job *j = CONTAINER_OF(t->line.first, struct job, place);

		if (j->kind->effort(j, w->now_ns) > left && left < TURN_SLICE)
			break;
		(void)job_line_pop(&t->line);
		waiting_near(w);
		left -= j->kind->turn(w, j, left);
		if (j->kind->effort(j, w->now_ns) > 0)
			turn_queue(t, j);
	}
}

static bool line_is_queued(const struct worker *w, enum turn_line line)
{
	switch (line) {
	case TURN_JOBS:
		return w->jobs.line.first != NULL;
	case TURN_TRANSCODERS:
		return transcoder_is_queued(&w->transcoders);
	case TURN_OVERLAYS:
		return overlay_is_queued(&w->overlays);
	case TURN_DETECTORS:
		return detector_is_queued(&w->detectors);
	case TURN_LINES:
		break;
	}
	return false;
}

static void line_turn(struct worker *w, enum turn_line line)
{
	switch (line) {
	case TURN_JOBS:
		jobs_turn(w);
		break;
	case TURN_TRANSCODERS:
		transcoder_turn(w);
		break;
	case TURN_OVERLAYS:
		overlay_turn(w);
		break;
	case TURN_DETECTORS:
		detector_turn(w);
		break;
	case TURN_LINES:
		break;
	}
}

void turn_slice(struct worker *w)
{
	for (uint8_t i = 1; i <= TURN_LINES; i++) {
		enum turn_line line = (enum turn_line)((w->turn + i) % TURN_LINES);

		if (!line_is_queued(w, line))
			continue;
		w->turn = (uint8_t)line;
		line_turn(w, line);
		break;
	}
	originate_flush(w);
}

static const struct job_kind *const g_kinds[MEDIA_WORK_KINDS] = {
	[MEDIA_WORK_TRACK] = &job_track,         [MEDIA_WORK_DELAY] = &job_delay,
	[MEDIA_WORK_FEED] = &job_feed,           [MEDIA_WORK_ROOM] = &job_room,
	[MEDIA_WORK_ROOM_PLAY] = &job_room_play, [MEDIA_WORK_ROOM_TAP] = &job_room_tap,
	[MEDIA_WORK_ROOM_FEED] = &job_room_feed,
};

int job_table_open(struct job_table *t, uint32_t capacity)
{
	void *memory;

	*t = (struct job_table){ .capacity = capacity };
	if (capacity == 0)
		return 0;
	/* as flow_table_open does */
	memory = mmap(NULL, (size_t)capacity * sizeof(*t->list), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	t->list = memory == MAP_FAILED ? NULL : memory;
	t->pcm = calloc(JOB_SAMPLES_MAX, sizeof(*t->pcm));
	t->space = mix_space_open();
	if (t->list && t->pcm && t->space)
		return 0;
	job_table_close(t);
	return -ENOMEM;
}

void job_table_close(struct job_table *t)
{
	for (uint32_t i = 0; t->list && t->count > 0 && i < t->capacity; i++)
		if (t->list[i].id.generation != 0)
			media_sound_unref(job_close(t, &t->list[i]));
	if (t->list)
		(void)munmap(t->list, (size_t)t->capacity * sizeof(*t->list));
	mix_space_close(t->space);
	free(t->pcm);
	*t = (struct job_table){ 0 };
}

/* 0 with *out, -ERANGE (no such slot), -EBUSY (slot in use), or why its kind refuses the work. */
static int job_open(struct job_table *t, struct job_id id, const struct media_work *work,
		    struct job **out)
{
	struct job *j;
	int err;

	assert(id.generation != 0);
	if (id.slot >= t->capacity)
		return -ERANGE;
	j = &t->list[id.slot];
	if (j->id.generation != 0)
		return -EBUSY;
	*j = (struct job){ .kind = g_kinds[work->kind],
			   .timer = { .kind = TIMER_JOB, .owner = id.slot } };
	err = j->kind->open(j, work);
	if (err)
		return err;
	j->id = id;
	t->count++;
	t->receivers += j->kind->receive != NULL;
	*out = j;
	return 0;
}

struct media_sound *job_close(struct job_table *t, struct job *j)
{
	assert(j->id.generation != 0 && !j->place.waits && j->first == 0);
	j->id = (struct job_id){ 0 };
	t->count--;
	t->receivers -= j->kind->receive != NULL;
	return j->kind->close(j);
}

/* The last flow that listened has left. */
static void job_rest(struct worker *w, struct job *j)
{
	wheel_stop(&w->wheel, &j->timer);
	job_line_forget(&w->jobs.line, &j->place);
	j->next = 0;
}

/* Its sound stays the caller's where it cannot. */
static int job_kind_start(struct worker *w, struct job *j)
{
	int err = j->kind->start ? j->kind->start(w, j) : 0;

	if (err)
		(void)job_close(&w->jobs, j);
	return err;
}

void job_control_open(struct worker *w, const struct media_command *c)
{
	struct media_event event = {
		.kind = MEDIA_JOB_CLOSED,
		.job = c->job,
		.call = c->call,
		.sound = media_work_sound(&c->work),
		.last = 1,
	};
	struct job *j = NULL;

	if (c->work.kind == MEDIA_WORK_ROOM && c->call == 0)
		event.error = -EINVAL; /* its members would not meet */
	else
		event.error = job_open(&w->jobs, c->job, &c->work, &j);
	if (!event.error)
		event.error = job_kind_start(w, j);
	if (event.error)
		control_answer(w, &event);
	else
		j->call = c->call;
	metric_set(w->metrics->jobs, w->jobs.count);
}

static void listeners_leave(struct worker *w, const struct job *j)
{
	while (j->first)
		listener_leave(w, &w->flows.list[j->first - 1]);
}

void job_control_close(struct worker *w, struct job_id id)
{
	struct media_event event = { .kind = MEDIA_JOB_CLOSED, .job = id };
	struct job *j = job_find(&w->jobs, id);

	if (j) {
		listeners_leave(w, j);
		event.last = 1;
		event.call = j->call;
		event.place = j->kind->place(j);
		wheel_stop(&w->wheel, &j->timer);
		job_line_forget(&w->jobs.line, &j->place);
		event.sound = job_close(&w->jobs, j);
		metric_set(w->metrics->jobs, w->jobs.count);
	} else {
		metric_add(w->metrics->stale_commands, 1);
	}
	control_answer(w, &event);
}

void job_control_query(struct worker *w, struct job_id id)
{
	const struct job *j = job_find(&w->jobs, id);
	struct media_event event = { .kind = MEDIA_JOB_PLACE, .job = id };

	if (!j) {
		metric_add(w->metrics->stale_commands, 1);
		return;
	}
	event.call = j->call;
	event.place = j->kind->place(j);
	control_answer(w, &event);
}

static struct flow *listener_at(struct worker *w, uint32_t slot_plus_1)
{
	return slot_plus_1 ? &w->flows.list[slot_plus_1 - 1] : NULL;
}

static void link_in(struct worker *w, struct job *j, struct flow *f)
{
	struct flow *next = listener_at(w, j->first);

	f->listener.next = j->first;
	f->listener.before = 0;
	j->first = f->id.slot + 1;
	if (next)
		next->listener.before = j->first;
}

static void link_out(struct worker *w, struct job *j, struct flow *f)
{
	struct listener *l = &f->listener;
	struct flow *next = listener_at(w, l->next), *before = listener_at(w, l->before);

	if (next)
		next->listener.before = l->before;
	if (before)
		before->listener.next = l->next;
	else
		j->first = l->next;
	if (j->next == f->id.slot + 1)
		j->next = l->next;
}

void listener_leave(struct worker *w, struct flow *f)
{
	struct job *j;

	if (f->listener.job == 0)
		return;
	j = &w->jobs.list[f->listener.job - 1];
	if (f->listener.member)
		j->kind->leave(w, j, f);
	link_out(w, j, f);
	f->notice |= f->listener.begun;
	f->listener = (struct listener){ 0 };
	f->making &= (uint8_t)~MAKING_SOUND;
	if (j->first == 0)
		job_rest(w, j);
}

static void listener_join(struct worker *w, struct flow *f, struct job *j)
{
	f->listener.job = j->id.slot + 1;
	f->making |= MAKING_SOUND;
	link_in(w, j, f);
	if (!wheel_is_running(&j->timer) && !j->place.waits)
		j->kind->wake(w, j);
}

/* A sound is no packet of an opaque line. */
static struct job *job_named(const struct worker *w, const struct flow_spec *spec)
{
	return spec->kind == MEDIA_OPAQUE ? NULL : job_find(&w->jobs, spec->source.job);
}

int listener_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct job *j = job_named(w, spec);

	if (!j || f->listener.job != j->id.slot + 1)
		listener_leave(w, f);
	if (!j) {
		if (spec->kind != MEDIA_OPAQUE && spec->source.job.generation != 0)
			metric_add(w->metrics->stale_commands, 1);
		return 0;
	}
	f->listener.payload_type = spec->source.payload_type;
	if (f->listener.job == 0)
		listener_join(w, f, j);
	return j->kind->member ? j->kind->member(w, j, f, spec) : 0;
}

/* The party gets the packet, or one like it in its time. */
static bool listener_is_open(const struct worker *w, struct flow *f)
{
	if (!f->send || !flow_rtp_to(f) || (f->secure & SECURE_OUT && !f->srtp_out))
		return false;
	return flow_has_received(f) || trickle_admit(f, w->now_ns);
}

/* Behind everything sent before. The stream's feeder begins a new run when it returns. */
static void listener_start(struct worker *w, struct flow *f, const struct job_frame *frame)
{
	originate_start(w, f, frame->clock_hz);
	f->sink.feeder = (struct flow_id){ 0 };
	f->listener.timestamp_offset = sink_timestamp_anew(&f->sink, (enum media_kind)f->kind,
							   frame->clock_hz, w->now_ns) -
				       frame->timestamp;
	f->listener.begun = 1;
	f->listener.marked = 0;
	f->sink.units = (uint16_t)frame->units;
	f->notice = 1;
}

bool listener_send(struct worker *w, struct flow *f, const struct job_frame *frame)
{
	struct listener *l = &f->listener;
	struct made_rtp rtp = { .payload_type = frame->payload_type == PAYLOAD_NONE
							? l->payload_type
							: frame->payload_type,
				.clock_hz = frame->clock_hz,
				.payload = frame->payload };

	if (f->making & MAKING_DIGIT)
		return false; /* the sound's time advances */
	if (!listener_is_open(w, f)) {
		l->begun = 0;
		return false;
	}
	if (!l->begun)
		listener_start(w, f, frame);
	rtp.marker = frame->marker || !l->marked;
	rtp.timestamp = frame->timestamp + l->timestamp_offset;
	if (UNLIKELY(f->making & MAKING_TONE))
		overlay_mix_made(w, f, &rtp);
	if (!originate_rtp(w, f, &rtp))
		return false;
	l->marked = 1;
	return true;
}

/* The job that takes it, or NULL. Digits are reported and not handed on; a room counts their
 * numbers as received. */
static struct job *pkt_receiver(const struct worker *w, const struct pkt *p)
{
	struct job *j;

	if (p->verdict != VERDICT_ALONE || p->flow->listener.job == 0)
		return NULL;
	j = &w->jobs.list[p->flow->listener.job - 1];
	return j->kind->receive && (!p->event || j->kind->member) ? j : NULL;
}

/* Relayed audio that a tone is mixed into. */
static bool is_with_tone(const struct pkt *p)
{
	return p->verdict == VERDICT_RELAY && p->kind == PKT_RTP && !p->event &&
	       p->peer->making & MAKING_TONE;
}

static void receivers_fetch(struct batch *b, struct job *const receivers[BATCH_MAX], bool first)
{
	BATCH_REST(p, b)
	{
		const struct job *j = receivers[p - b->list];

		if (j && j->kind->fetch)
			j->kind->fetch(j, p, first);
	}
}

void consume_stage(struct worker *w, struct batch *b)
{
	struct job *receivers[BATCH_MAX];

	if (LIKELY((w->jobs.receivers | w->transcoders.open | w->overlays.sounding) == 0))
		return;
	BATCH_REST(p, b)
	receivers[p - b->list] = pkt_receiver(w, p);
	receivers_fetch(b, receivers, true);
	receivers_fetch(b, receivers, false);
	BATCH_REST(p, b)
	{
		struct job *j = receivers[p - b->list];

		if (p->verdict == VERDICT_TRANSCODED)
			p->verdict = (uint8_t)transcoder_queue(w, p);
		else if (is_with_tone(p))
			p->verdict = (uint8_t)overlay_receive(w, p);
		if (j)
			p->verdict = (uint8_t)j->kind->receive(w, j, p);
	}
}
