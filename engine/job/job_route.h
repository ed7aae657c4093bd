/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which workers have a job, as control knows it: that of a call, or all. Each of them has a reference of its sound, which comes back with
 * its MEDIA_JOB_CLOSED. Control's thread alone; nothing is allocated after open.
 */
#ifndef ENGINE_JOB_JOB_ROUTE_H
#define ENGINE_JOB_JOB_ROUTE_H

#include "media/flow.h"

struct job_workers {
	uint8_t first, count;
};

struct job_route {
	struct job_workers on; /* also when it is closed by now */
	uint8_t open;          /* so many of them have not said that they closed it */
};

struct job_routes {
	struct job_route *list; /* by slot */
	uint32_t capacity;
};

/* 0 or -ENOMEM. */
int job_routes_open(struct job_routes *r, uint32_t capacity) NODISCARD;
void job_routes_close(struct job_routes *r);
/* Its commands go to these workers from now on. What the slot had before is closed. */
void job_route_open(struct job_routes *r, uint32_t slot, struct job_workers on);
/* Where its commands go. */
struct job_workers job_route_find(const struct job_routes *r, uint32_t slot);
/* Any event of a worker: of a MEDIA_JOB_CLOSED the sound is dropped, and it is known whether it was the last. */
void job_route_closed(struct job_routes *r, struct media_event *event);

#endif
