/* SPDX-License-Identifier: Apache-2.0 */
/* Control's commands about jobs. */
#ifndef ENGINE_JOB_JOB_CONTROL_H
#define ENGINE_JOB_JOB_CONTROL_H

#include "media/flow.h"

struct worker;

void job_control_open(struct worker *w, const struct media_command *c);
void job_control_close(struct worker *w, struct job_id id);
void job_control_query(struct worker *w, struct job_id id);

#endif
