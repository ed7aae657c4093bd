/* SPDX-License-Identifier: Apache-2.0 */
/* Members hear that they speak with a focus (RFC 4579 4.2): by the Contact of what they are told next, or by an UPDATE. */
#ifndef SIG_FEATURE_FOCUS_H
#define SIG_FEATURE_FOCUS_H

#include "sig/call/feature.h"

extern const struct call_feature focus_feature;

#endif
