/* SPDX-License-Identifier: Apache-2.0 */
/* Tries a call's way through a flow: the interpreter of calls, with given facts and results. */
#ifndef APP_SCHEMA_FLOW_TRY_H
#define APP_SCHEMA_FLOW_TRY_H

#include "sig/flow/program.h"

struct flow_trial {
	/* Results of verbs in order: an outcome, or digits and other values for the next verb that
	 * takes them. Verbs without branches pass by themselves. */
	const struct bytes *words;
	size_t count;
	/* As struct flow_world; tags and branches are part of the way. */
	void (*fact)(void *arg, struct bytes name, struct writer *w);
	void (*hours)(void *arg, struct bytes name, struct writer *w);
	/* Where redirect leads; NULL: nowhere. */
	const struct flow_program *(*named)(void *arg, struct bytes flow);
	void *arg;
};

/* A list of objects: verbs (verb_write), {"left","by"}, {"tag","value"}, {"flow"} and {"end"}. It
 * ends with the first verb without a given result. New reference, NULL: out of memory. */
json_t *flow_try(const struct flow_program *p, const struct flow_trial *trial);

#endif
