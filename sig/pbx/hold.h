/* SPDX-License-Identifier: Apache-2.0 */
/* By command a party holds the other one, or nobody hears it. */
#ifndef SIG_PBX_HOLD_H
#define SIG_PBX_HOLD_H

#include "sig/call/module.h"

extern const struct module hold_module;

#endif
