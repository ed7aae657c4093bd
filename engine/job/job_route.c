/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/job_route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "media/sound.h"

int job_routes_open(struct job_routes *r, uint32_t capacity)
{
	*r = (struct job_routes){ .capacity = capacity };
	if (capacity == 0)
		return 0;
	r->list = calloc(capacity, sizeof(*r->list));
	return r->list ? 0 : -ENOMEM;
}

void job_routes_close(struct job_routes *r)
{
	free(r->list);
	*r = (struct job_routes){ 0 };
}

void job_route_open(struct job_routes *r, uint32_t slot, struct job_workers on)
{
	assert(slot < r->capacity && on.count > 0 && r->list[slot].open == 0);
	r->list[slot] = (struct job_route){ .on = on, .open = on.count };
}

struct job_workers job_route_find(const struct job_routes *r, uint32_t slot)
{
	assert(slot < r->capacity);
	return r->list[slot].on.count ? r->list[slot].on : (struct job_workers){ .count = 1 };
}

void job_route_closed(struct job_routes *r, struct media_event *event)
{
	struct job_route *route;

	if (event->kind != MEDIA_JOB_CLOSED || !event->last)
		return;
	assert(event->job.slot < r->capacity);
	route = &r->list[event->job.slot];
	assert(route->open > 0);
	media_sound_drop(event->sound);
	event->sound = NULL;
	event->last = --route->open == 0;
}
