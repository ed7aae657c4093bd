/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications may die. A call that waits for one is told to it again and again, so that one that comes back hears of it. A caller that one
 * has goes on to where calls go that nobody answers (forward_no_answer of whom it called) when the application has given no order to the call
 * for as long as it said; where there is nobody, or nobody answers there either, the call ends. While the caller is with somebody else, waits in a slot or is in
 * a conference nobody need say anything.
 */
#ifndef SIG_PBX_APPLICATION_H
#define SIG_PBX_APPLICATION_H

#include "sig/call/module.h"

enum { ATTEND_AGAIN_S = 10 };

extern const struct module application_module;

#endif
