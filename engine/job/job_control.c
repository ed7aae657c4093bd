/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/job_control.h"

#include <errno.h>

#include "engine/job/turn.h"
#include "engine/walk/control.h"
#include "engine/walk/worker.h"

static void count_publish(const struct worker *w)
{
	metric_set(w->metrics->jobs, w->jobs.count);
}

/* Its sound stays the caller's where it cannot. */
static int job_begin(struct worker *w, struct job *j)
{
	int err = j->kind->begin ? j->kind->begin(w, j) : 0;

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
	struct job *j;

	if (c->work.kind == MEDIA_WORK_ROOM && c->call == 0)
		event.error = -EINVAL; /* its members would not meet */
	else
		event.error = job_open(&w->jobs, c->job, &c->work, &j);
	if (!event.error)
		event.error = job_begin(w, j);
	if (event.error)
		control_answer(w, &event);
	else
		j->call = c->call;
	count_publish(w);
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
		turn_forget(&w->jobs, j);
		event.sound = job_close(&w->jobs, j);
		count_publish(w);
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
