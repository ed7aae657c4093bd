/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works next. Jobs whose time has come stand in line. Between two polls of the port a slice is done: of the first in line, and of
 * those behind it as long as both together are no more than a slice. Who has more to do goes to the end of the line. Coders (coder.h) and
 * overlays (overlay.h) have lines of their own, and ears (ear.h): where several wait, they take turns.
 */
#ifndef ENGINE_JOB_TURN_H
#define ENGINE_JOB_TURN_H

#include "engine/walk/worker.h"

/* worker.turn: who had it last. */
enum turn_line {
	TURN_JOBS,
	TURN_TRANSCODERS,
	TURN_OVERLAYS,
	TURN_DETECTORS,
	TURN_LINES,
};

enum {
	TURN_SLICE = 64,      /* packets; what else is done is counted as so many (track.c) */
	TURN_PACKET_NS = 200, /* of one through protect and out */
	TURN_NEAR = 3,        /* of those who wait, so many have what they need brought near */
};

/* Its timer expired, or there is something to do at once. */
void turn_want(struct job_table *t, struct job *j);
/* It closes. */
void turn_forget(struct job_table *t, struct job *j);
/* A slice of work of one line, if any waits. */
void turn_take(struct worker *w);

/* Somebody is in line: the worker does not sleep. */
static inline bool turn_is_wanted(const struct worker *w)
{
	return w->jobs.line.first || transcoder_is_wanted(&w->transcoders) ||
	       overlay_is_wanted(&w->overlays) || detector_is_wanted(&w->detectors);
}

#endif
