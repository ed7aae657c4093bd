/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/module.h"

#include "sig/call/call_waiting.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/join.h"
#include "sig/pbx/park.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/replace.h"
#include "sig/pbx/set.h"
#include "sig/pbx/transfer.h"

const struct module *const modules[] = {
	&attend_module,
	&transfer_module,
	&replace_module,
	&set_module,
	&meet_module,
	&park_module,
	&remote_shard_module,
	&conference_module,
	&focus_module,
	&call_waiting_module,
	NULL,
};
