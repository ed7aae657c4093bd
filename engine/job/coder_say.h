/* SPDX-License-Identifier: Apache-2.0 */
/* What a transcoder does in its turn. Private to it. */
#ifndef ENGINE_JOB_CODER_SAY_H
#define ENGINE_JOB_CODER_SAY_H

#include "engine/job/coder.h"

/* There is anything to do. */
bool transcoder_has_work(const struct transcoder *c);
/* What the next of it takes, about. */
uint32_t transcoder_cost_ns(const struct transcoder *c);
/* One packet is decoded, and one encoded if it is full. */
void transcoder_send(struct worker *w, struct transcoder *c);

#endif
