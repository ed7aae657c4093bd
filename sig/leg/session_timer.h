/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4028 with one party: how long its session lasts without a refresh, and which side refreshes.
 * Both legs of a call have their own, and so has a recording session. If the settings switch it
 * off, nothing here has an effect. Nothing is sent from here. */
#ifndef SIG_LEG_SESSION_TIMER_H
#define SIG_LEG_SESSION_TIMER_H

#include "sig/model/call.h"

/* The party's INVITE or UPDATE: what our 2xx will say. False: it wants less than we take (422). */
bool session_timer_on_request(const struct call_host *h, struct session_timer *t,
			      const struct sip_message *m) NODISCARD;
/* Lines of our 2xx to it, and of a 422. */
void session_timer_write_answer(struct writer *w, const struct session_timer *t);
void session_timer_write_too_small(struct writer *w);
/* Lines of our INVITE or UPDATE. */
void session_timer_write_request(struct writer *w, const struct call_host *h,
				 const struct session_timer *t);
/* The 2xx to it came, or ours left: the time begins anew. */
void session_timer_answered(const struct call_host *h, struct session_timer *t,
			    const struct sip_message *m);
void session_timer_start(const struct call_host *h, struct session_timer *t);
/* Our request was answered 422: true when it can be sent again, with more. */
bool session_timer_raise(struct session_timer *t, const struct sip_message *m) NODISCARD;
/* After a restart: refreshes missed meanwhile get some more time. confirmed: the party is
 * established. */
void session_timer_resume(const struct call_host *h, struct session_timer *t, bool confirmed);
void session_timer_stop(struct session_timer *t);

#endif
