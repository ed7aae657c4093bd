/* SPDX-License-Identifier: Apache-2.0 */
/* Commands whose answer waits until what they did is saved. Control thread. */
#ifndef APP_COMMAND_WAITING_H
#define APP_COMMAND_WAITING_H

#include "base/bytes.h"

struct command_run;

enum { WAITING_MAX = 128 }; /* as many as run at once */

struct waiting {
	struct {
		struct command_run *run; /* NULL: free */
		uint32_t generation;
	} list[WAITING_MAX];
};

/* The ticket under which it is taken out again, never 0; 0: full. */
uint64_t waiting_put(struct waiting *w, struct command_run *run);
/* NULL: nobody waits with it. */
struct command_run *waiting_take(struct waiting *w, uint64_t ticket);
/* Any; NULL: nobody waits. */
struct command_run *waiting_take_any(struct waiting *w);

#endif
