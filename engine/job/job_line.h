/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for a turn (turn.h), the first who came first. Each stands there once. The worker's thread; nothing is allocated. */
#ifndef ENGINE_JOB_JOB_LINE_H
#define ENGINE_JOB_JOB_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* In whoever may wait; all zero: it does not. */
struct job_place {
	struct job_place *behind; /* NULL: it is the last */
	bool waits;
};

/* All zero: nobody waits. */
struct job_line {
	struct job_place *first, *last; /* NULL: none waits */
};

/* At the end, unless it stands there. */
static inline void job_line_put(struct job_line *l, struct job_place *p)
{
	if (p->waits)
		return;
	*p = (struct job_place){ .waits = true };
	if (l->last)
		l->last->behind = p;
	else
		l->first = p;
	l->last = p;
}

/* The first one; somebody waits. */
static inline struct job_place *job_line_take(struct job_line *l)
{
	struct job_place *p = l->first;

	l->first = p->behind;
	if (!l->first)
		l->last = NULL;
	p->waits = false;
	return p;
}

/* Seldom, and the line is short: it is walked. */
static inline void job_line_forget(struct job_line *l, struct job_place *p)
{
	struct job_place *before = NULL;

	if (!p->waits)
		return;
	for (struct job_place *at = l->first; at != p; at = at->behind)
		before = at;
	if (before)
		before->behind = p->behind;
	else
		l->first = p->behind;
	if (l->last == p)
		l->last = before;
	p->waits = false;
}

#endif
