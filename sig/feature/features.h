/* SPDX-License-Identifier: Apache-2.0 */
/* The features that calls have. */
#ifndef SIG_FEATURE_FEATURES_H
#define SIG_FEATURE_FEATURES_H

#include "sig/call/feature.h"

/* All that there are; the last is NULL. For call_host.features. */
extern const struct call_feature *const call_features[];

#endif
