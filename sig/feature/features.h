/* SPDX-License-Identifier: Apache-2.0 */
/* The features of the node, for shard_settings.features. */
#ifndef SIG_FEATURE_FEATURES_H
#define SIG_FEATURE_FEATURES_H

#include "sig/host/feature.h"

extern const struct feature sig_features[];

#endif
