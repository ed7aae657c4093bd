/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works next. Jobs whose time has come stand in line. Between two polls of the port a slice is done: of the first in line, and of
 * those behind it as long as both together are no more than a slice. Who has more to do goes to the end of the line.
 */
#ifndef ENGINE_JOB_TURN_H
#define ENGINE_JOB_TURN_H

#include "engine/job/job.h"

struct worker;

enum {
	TURN_SLICE = 64, /* packets; what else is done is counted as so many (track.c) */
};

/* Its timer expired, or there is something to do at once. */
void turn_want(struct job_table *t, struct job *j);
/* It closes. */
void turn_forget(struct job_table *t, struct job *j);
/* A slice of work, if any waits. */
void turn_take(struct worker *w);

/* Somebody is in line: the worker does not sleep. */
static inline bool turn_is_wanted(const struct job_table *t)
{
	return t->first != 0;
}

#endif
