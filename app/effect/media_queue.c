/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue in front of the engine's command ring. effects.c, mixers.c, player.c and plays.c
 * put commands; the loop flushes it each round, so that a busy worker never blocks the control
 * thread. Commands of one flow or job stay in order.
 */

#include "app/effect/media_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"
#include "media/job.h"

enum { PER_SLOT = 4, SPARE_EVENTS = 64 };

int media_queue_open(struct media_queue *q, struct engine *engine, uint32_t slots)
{
	*q = (struct media_queue){ .engine = engine, .capacity = slots * PER_SLOT + SPARE_EVENTS };
	q->list = calloc(q->capacity, sizeof(*q->list));
	return q->list ? 0 : -ENOMEM;
}

static struct media_command *queue_at(const struct media_queue *q, uint32_t i)
{
	return q->list[(q->head + i) % q->capacity];
}

static void command_free(struct media_command *command)
{
	if (command->kind == MEDIA_JOB_OPEN)
		media_sound_unref(media_work_sound(&command->work));
	if (command->kind == MEDIA_FLOW_OPEN && command->rtp_fd >= 0)
		(void)close(command->rtp_fd);
	if (command->kind == MEDIA_FLOW_OPEN && command->rtcp_fd >= 0)
		(void)close(command->rtcp_fd);
	free(command);
}

void media_queue_close(struct media_queue *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		command_free(queue_at(q, i));
	free(q->list);
	*q = (struct media_queue){ 0 };
}

/* The worker has not seen the older one yet, and would forget it at once. */
static bool replace_update(struct media_queue *q, struct media_command *command)
{
	for (uint32_t i = 0; command->kind == MEDIA_FLOW_UPDATE && i < q->count; i++) {
		struct media_command *waiting = queue_at(q, i);

		if (waiting->kind != MEDIA_FLOW_UPDATE ||
		    !flow_id_eq(waiting->spec.id, command->spec.id))
			continue;
		command->moves |= waiting->moves;
		q->list[(q->head + i) % q->capacity] = command;
		free(waiting);
		return true;
	}
	return false;
}

int media_queue_put(struct media_queue *q, struct media_command *command)
{
	if (q->count == 0 && engine_command(q->engine, command)) {
		free(command); /* its sockets are the worker's now */
		return 0;
	}
	if (replace_update(q, command))
		return 0;
	if (q->count == q->capacity)
		return -EAGAIN;
	q->list[(q->head + q->count) % q->capacity] = command;
	q->count++;
	return 0;
}

bool media_queue_flush(struct media_queue *q)
{
	while (q->count && engine_command(q->engine, queue_at(q, 0))) {
		free(queue_at(q, 0));
		q->head = (q->head + 1) % q->capacity;
		q->count--;
	}
	return q->count == 0;
}
