/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens and closes the mixing job of each conference. effects.c calls it for EFFECT_ROOM_OPEN and
 * EFFECT_ROOM_CLOSE, and the answer tells the room its job. A job closes only after the round in
 * which calls have left it, so no flow refers to a job that is gone; its slot is free once the
 * worker has confirmed.
 */

#include "app/effect/mixers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "engine/engine.h"
#include "sig/sip/id.h"

static struct {
	metric_id begun, failed, running;
} g_mixers_metrics;

void mixers_setup(void)
{
	g_mixers_metrics.begun = metric_register(METRIC_COUNTER, "tandem_conference_mixers_total",
						 NULL, "Mixers that conferences asked for.");
	g_mixers_metrics.failed =
		metric_register(METRIC_COUNTER, "tandem_conference_mixers_failed_total", NULL,
				"Mixers that could not be opened, or of which there "
				"were too many at once.");
	g_mixers_metrics.running = metric_register(METRIC_GAUGE, "tandem_conference_mixers", NULL,
						   "Conferences that are mixed.");
}

int mixers_open(struct mixers *m, uint32_t first_slot, uint32_t capacity)
{
	*m = (struct mixers){ .first_slot = first_slot, .capacity = capacity };
	m->list = calloc(capacity, sizeof(*m->list));
	return m->list ? 0 : -ENOMEM;
}

void mixers_close(struct mixers *m)
{
	free(m->list);
	*m = (struct mixers){ 0 };
}

static void mixer_notify(const struct mixers *m, uint64_t room, uint64_t serial,
			 const struct job_id *job)
{
	struct answer a = {
		.kind = ANSWER_ROOM, .call = room, .version = serial, .ok = job != NULL
	};

	if (job)
		a.job = *job;
	else
		metric_add(g_mixers_metrics.failed, 1);
	answers_add(m->answers, &a);
}

static bool mixer_command_put(struct mixers *m, const struct media_command *c)
{
	struct media_command *copy = malloc(sizeof(*copy));

	if (!copy)
		return false;
	*copy = *c;
	if (media_queue_put(m->queue, copy) == 0)
		return true;
	free(copy);
	return false;
}

static struct mixer *mixer_place_find(struct mixers *m)
{
	for (uint32_t i = 0; m->used < m->capacity && i < m->capacity; i++) {
		if (m->list[i].state == MIXER_FREE)
			return &m->list[i];
	}
	return NULL;
}

static void mixer_count(struct mixers *m, int change)
{
	m->used += (uint32_t)change;
	metric_set(g_mixers_metrics.running, m->used);
}

static bool mixer_has_room(const struct mixers *m, uint64_t room)
{
	for (uint32_t i = 0; m->used && i < m->capacity; i++) {
		if (m->list[i].state != MIXER_FREE && m->list[i].room == room)
			return true;
	}
	return false;
}

static void mixer_worker_leave(const struct mixers *m, uint64_t room)
{
	if (!mixer_has_room(m, room))
		engine_worker_release(m->queue->engine, room);
}

/* Ties the room to its worker: all members' flows go there. */
static bool mixer_open_job(struct mixers *m, const struct media_command *open)
{
	(void)engine_worker_for(m->queue->engine, open->call);
	if (mixer_command_put(m, open))
		return true;
	mixer_worker_leave(m, open->call);
	return false;
}

void mixers_start(struct mixers *m, const struct effect *e)
{
	struct media_command c = { .kind = MEDIA_JOB_OPEN,
				   .rtp_fd = -1,
				   .rtcp_fd = -1,
				   .call = e->call,
				   .work = { .kind = MEDIA_WORK_ROOM,
					     .room = *(const struct media_room *)e->request } };
	struct mixer *x = mixer_place_find(m);

	metric_add(g_mixers_metrics.begun, 1);
	if (++m->generation == 0)
		m->generation = 1;
	if (x)
		c.job = (struct job_id){ .slot = m->first_slot + (uint32_t)(x - m->list),
					 .generation = m->generation };
	if (!x || !mixer_open_job(m, &c)) {
		LOG_ERROR("conference", e->call, "nothing mixes a conference",
			  LOG_STR("reason", x ? "the media workers do not keep up"
					      : "there are too many conferences"));
		mixer_notify(m, e->call, e->serial, NULL);
		return;
	}
	*x = (struct mixer){
		.state = MIXER_OPEN, .room = e->call, .serial = e->serial, .job = c.job
	};
	mixer_count(m, 1);
	mixer_notify(m, x->room, x->serial, &x->job);
}

static void mixer_leave(struct mixers *m, struct mixer *x)
{
	x->state = MIXER_LEFT;
	m->left++;
}

void mixers_end(struct mixers *m, uint64_t room, uint64_t serial)
{
	for (uint32_t i = 0; m->used && i < m->capacity; i++) {
		struct mixer *x = &m->list[i];

		if (x->state == MIXER_OPEN && x->room == room && x->serial == serial) {
			mixer_leave(m, x);
			return;
		}
	}
}

void mixers_leave(struct mixers *m, uint16_t shard)
{
	for (uint32_t i = 0; m->used && i < m->capacity; i++) {
		if (m->list[i].state == MIXER_OPEN && id_shard(m->list[i].room) == shard)
			mixer_leave(m, &m->list[i]);
	}
}

bool mixers_event(struct mixers *m, const struct media_event *event)
{
	uint32_t i = event->job.slot - m->first_slot;
	struct mixer *x = event->job.slot >= m->first_slot && i < m->capacity ? &m->list[i] : NULL;
	uint64_t room;

	if (!x)
		return false;
	if (x->state == MIXER_FREE || !job_id_eq(x->job, event->job) ||
	    event->kind != MEDIA_JOB_CLOSED)
		return true;
	if (x->state == MIXER_OPEN) {
		LOG_ERROR("conference", x->room, "a media worker cannot mix a conference",
			  LOG_STR("error", strerror(-event->error)));
		mixer_notify(m, x->room, x->serial, NULL);
	}
	m->left -= x->state == MIXER_LEFT;
	room = x->room;
	*x = (struct mixer){ 0 };
	mixer_count(m, -1);
	mixer_worker_leave(m, room);
	return true;
}

void mixers_round(struct mixers *m)
{
	for (uint32_t i = 0; m->left && i < m->capacity; i++) {
		struct mixer *x = &m->list[i];
		const struct media_command c = {
			.kind = MEDIA_JOB_CLOSE, .rtp_fd = -1, .rtcp_fd = -1, .job = x->job
		};

		if (x->state != MIXER_LEFT || !mixer_command_put(m, &c))
			continue;
		x->state = MIXER_CLOSING;
		m->left--;
	}
}
