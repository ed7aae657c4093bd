/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/feature.h"
#include "sig/call/join.h"
#include "sig/call/replace.h"
#include "sig/call/set.h"
#include "sig/call/transfer.h"

const struct call_feature *const call_features[] = {
	&transfer_feature, &replace_feature, &set_feature, &join_feature, NULL,
};
