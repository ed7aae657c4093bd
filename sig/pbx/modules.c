/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/module.h"

#include <stddef.h>

#include "sig/call/call_waiting.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/join.h"
#include "sig/pbx/park.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/replace.h"
#include "sig/pbx/set.h"
#include "sig/pbx/transfer.h"

#define MODULES (const struct module *const[])

const struct module_lists modules = {
	.all = MODULES{ &attend_module, &transfer_module, &replace_module, &set_module,
			&meet_module, &park_module, &remote_shard_module, &conference_module,
			&focus_module, &call_waiting_module, NULL },
	.settle = MODULES{ &attend_module, &transfer_module, &replace_module, &meet_module,
			   &park_module, &conference_module, &focus_module, &call_waiting_module,
			   NULL },
	.due_ns = MODULES{ &attend_module, &transfer_module, &replace_module, &meet_module,
			   &park_module, NULL },
	.resumed = MODULES{ &transfer_module, &park_module, &conference_module, &focus_module,
			    &call_waiting_module, NULL },
	.established = MODULES{ &transfer_module, &set_module, &conference_module, NULL },
	.unanswered = MODULES{ &transfer_module, NULL },
	.leg_left = MODULES{ &transfer_module, NULL },
	.over = MODULES{ &transfer_module, &park_module, &conference_module, NULL },
	.prompted = MODULES{ &conference_module, NULL },
	.dialled = MODULES{ &conference_module, NULL },
	.headers = MODULES{ &transfer_module, &park_module, &remote_shard_module, NULL },
};
