/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/waiting.h"

#include <stddef.h>

uint64_t waiting_put(struct waiting *w, struct command_run *run)
{
	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		if (w->list[i].run)
			continue;
		w->list[i].run = run;
		w->list[i].generation++;
		return (uint64_t)w->list[i].generation << 32 | (i + 1);
	}
	return 0;
}

static struct command_run *waiting_run_take(struct waiting *w, uint32_t i)
{
	struct command_run *run = w->list[i].run;

	w->list[i].run = NULL;
	return run;
}

struct command_run *waiting_take(struct waiting *w, uint64_t ticket)
{
	uint32_t i = (uint32_t)ticket - 1;

	if (i >= WAITING_MAX || w->list[i].generation != (uint32_t)(ticket >> 32))
		return NULL;
	return waiting_run_take(w, i);
}

struct command_run *waiting_take_any(struct waiting *w)
{
	for (uint32_t i = 0; i < WAITING_MAX; i++) {
		if (w->list[i].run)
			return waiting_run_take(w, i);
	}
	return NULL;
}
