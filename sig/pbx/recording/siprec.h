/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings with an external recorder (docs/adr/0045-an-external-recorder.md): their sessions, by
 * the values of sig/model/recording.h. The call goes on whatever becomes of them. */
#ifndef SIG_PBX_RECORDING_SIPREC_H
#define SIG_PBX_RECORDING_SIPREC_H

#include "sig/model/call.h"
#include "sig/model/deadline.h"
#include "sig/model/event.h"
#include "sig/model/recording.h"
#include "sig/pbx/recording/siprec_body.h"

/* After each step, of a recording at that recorder: sends INVITEs and changes, and forks the
 * streams that it accepts. */
void siprec_settle(struct call_host *h, struct call *c, struct recording *r);
/* It is over: sends BYE to the recorder. */
void siprec_end(struct call_host *h, struct call *c, struct recording *r);
/* This process has the call no longer: the recorder is told nothing. */
void siprec_leave(struct call_host *h, const struct call *c, struct recording *r);
/* Of its dialogs. */
void siprec_step(struct call_host *h, struct call *c, const struct call_event *ev);
/* After a restart. */
void siprec_resume(struct call_host *h, struct call *c);
/* The request is in a dialog of a recording. */
bool siprec_has_dialog(const struct call *c, const struct sip_message *m);
/* What the party of the leg says is copied for a recorder. */
bool siprec_taps(const struct call *c, uint8_t leg);
/* What a name leads to. */
void siprec_replied(struct call_host *h, struct call *c, const struct reply *reply);
/* Of its session. */
extern const struct deadline siprec_deadlines[];
/* The earliest of them all, or next. */
uint64_t siprec_next(const struct call *c, uint64_t next);

#endif
