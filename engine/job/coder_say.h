/* SPDX-License-Identifier: Apache-2.0 */
/* What a coder does in its turn. Private to it. */
#ifndef ENGINE_JOB_CODER_SAY_H
#define ENGINE_JOB_CODER_SAY_H

#include "engine/job/coder.h"

/* There is anything to do. */
bool coder_has_work(const struct coder *c);
/* What the next of it takes, about. */
uint32_t coder_cost_ns(const struct coder *c);
/* One packet is decoded, and one encoded if it is full. */
void coder_say(struct worker *w, struct coder *c);

#endif
