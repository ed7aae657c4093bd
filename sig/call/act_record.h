/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of acts (act.h) that records what the caller says: a message. Its recording is one of the call's (recording.h), so a successor goes
 * on with it. When it is to end the file is awaited for a moment: who is told of it may play it at once.
 */
#ifndef SIG_CALL_ACT_RECORD_H
#define SIG_CALL_ACT_RECORD_H

#include "sig/call/act.h"

/* False: nothing of that leg can be recorded now. */
bool prompt_record_begin(struct call_host *h, struct call *c, uint8_t leg);
/* The file is to be finished, and then the step has that outcome. */
void prompt_record_close(struct call_host *h, struct call *c, enum prompt_outcome outcome);
/* No more is recorded. */
void prompt_record_stop(struct call_host *h, struct call *c);
const char *prompt_record_reason(const struct prompts *a, enum prompt_outcome outcome);

#endif
