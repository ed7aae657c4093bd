/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/feature.h"

#include "sig/call/call_waiting.h"
#include "sig/feature/conference.h"
#include "sig/feature/focus.h"
#include "sig/feature/join.h"
#include "sig/feature/park.h"
#include "sig/feature/remote_shard.h"
#include "sig/feature/replace.h"
#include "sig/feature/set.h"
#include "sig/feature/transfer.h"

const struct call_feature *const call_features[] = {
	&attend_feature,
	&transfer_feature,
	&replace_feature,
	&set_feature,
	&meet_feature,
	&park_feature,
	&remote_shard_feature,
	&conference_feature,
	&focus_feature,
	&call_waiting_feature,
	NULL,
};
