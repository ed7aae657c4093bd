/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/listener.h"

#include "engine/flow/source.h"
#include "engine/job/job.h"
#include "engine/walk/event.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"

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
	return flow_has_received(f) || trickle_take(f, w->now_ns);
}

/* Behind all that was sent before. Whoever fed the stream begins a new run when it does again. */
static void listener_begin(struct worker *w, struct flow *f, const struct job_frame *frame)
{
	originate_begin(w, f, frame->clock_hz);
	f->sink.feeder = (struct flow_id){ 0 };
	f->listener.timestamp_offset = sink_timestamp_anew(&f->sink, (enum media_kind)f->kind,
							   frame->clock_hz, w->now_ns) -
				       frame->timestamp;
	f->listener.begun = 1;
	f->listener.marked = 0;
	if (f->sink.units == 0) /* its first sound is told at once: a kill may be near */
		f->noticed_ns = 0;
	f->sink.units = (uint16_t)frame->units;
	f->notice = 1;
}

bool listener_hear(struct worker *w, struct flow *f, const struct job_frame *frame)
{
	struct listener *l = &f->listener;
	struct made_rtp rtp = { .payload_type = frame->payload_type == PAYLOAD_NONE
							? l->payload_type
							: frame->payload_type,
				.clock_hz = frame->clock_hz,
				.payload = frame->payload };

	if (f->making & MAKING_DIGIT)
		return false; /* its time goes on */
	if (!listener_is_open(w, f)) {
		l->begun = 0;
		return false;
	}
	if (!l->begun)
		listener_begin(w, f, frame);
	rtp.marker = frame->marker || !l->marked;
	rtp.timestamp = frame->timestamp + l->timestamp_offset;
	if (UNLIKELY(f->making & MAKING_TONE))
		overlay_hear(w, f, &rtp);
	if (!originate_rtp(w, f, &rtp))
		return false;
	l->marked = 1;
	if (UNLIKELY(f->notice)) /* the party may say nothing */
		event_notice(w, f, w->now_ns);
	return true;
}
