/* SPDX-License-Identifier: Apache-2.0 */
/* A call to a busy user that waits for his other call to end (FEATURES CALL-12, CALL-13): a step of
 * its plan that rings no phone yet. The caller gets 180, or ringback once answered; the user hears
 * a tone mixed into his call. When the user has no call left except those that his phone holds, his
 * phones ring. Phones need no support for it. It waits at most as long as it would ring.
 *
 * With live_call it also waits for who hears a mailbox, pages, transfers or is in a conference,
 * where it would be refused else (CALL-14). */
#ifndef SIG_PBX_CALL_WAITING_H
#define SIG_PBX_CALL_WAITING_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* A party of the call gets the call waiting tone. */
bool call_waiting_tone_plays(const struct call_host *h, const struct call *c);

#endif
