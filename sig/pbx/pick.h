/* SPDX-License-Identifier: Apache-2.0 */
/* Call pickup: a ringing call is taken by another phone. That phone has a call of its own, which is
 * answered as one with Replaces (replace.h). When its ACK has come, the ringing call cancels its
 * branches, the node answers its caller, and the two calls become one by a transfer. Until then all
 * is as before: the phones ring on, and one of them may still be faster. The last step of the
 * call's plan names the user who took it, for the CDR and for a successor. */
#ifndef SIG_PBX_PICK_H
#define SIG_PBX_PICK_H

#include "sig/call/module.h"

enum { PICK_NAME_MAX = 24 };

/* The user part of an INVITE to the shard of the ringing call, and back. Returns false for any
 * other text. */
void pick_name_put(char out[PICK_NAME_MAX], uint64_t call);
bool pick_name_get(struct bytes user, uint64_t *call);
/* A call was answered to take this one's party, and will ask for it when its ACK has come. No other
 * may. */
bool pick_is_promised(const struct call_host *h, const struct call *c);
/* That call takes it now. REFUSED_NOT also where nothing rings; else all is as before. */
enum refusal pick_up(struct call_host *h, struct call *c, uint64_t by) NODISCARD;
/* It was taken, and is to be joined with the call that took it. */
bool pick_is_on(const struct call *c);
/* Its parties are joined. */
bool pick_is_done(const struct call *c);
void pick_notify(struct call_host *h, const struct call *c);
/* The call that took it is gone. */
void pick_fail(struct call_host *h, struct call *c);

#endif
