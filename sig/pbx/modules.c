/* SPDX-License-Identifier: Apache-2.0 */
/* The PBX modules of a call, and for each hook of sig/call/module.h the list of modules that have
 * it, in the order in which they are asked. The core of a call knows modules by these lists alone.
 * The order decides which module gets a dialled number or an event first. A feature has its file
 * and its place in these lists. */

#include "sig/call/module.h"

#include <stddef.h>

/* Each is in the file of its name. */
extern const struct module account_module, announce_module, application_module, auto_answer_module,
	call_waiting_module, charge_module, conference_module, flow_module, focus_module,
	forward_module, hold_module, join_module, last_caller_module, media_stream_module,
	meetme_module, park_module, pick_module, recording_module, remote_shard_module,
	replace_module, retrieve_module, set_module, transfer_module;

#define MODULES (const struct module *const[])

const struct module_lists modules = {
	.all = MODULES{ &application_module,  &transfer_module,     &replace_module,
			&set_module,          &join_module,         &park_module,
			&retrieve_module,     &remote_shard_module, &conference_module,
			&meetme_module,       &focus_module,        &call_waiting_module,
			&hold_module,         &pick_module,         &recording_module,
			&media_stream_module, &account_module,      &charge_module,
			&announce_module,     &auto_answer_module,  &forward_module,
			&last_caller_module,  &flow_module,         NULL },
	.orders = MODULES{ &hold_module, &application_module, &transfer_module, &join_module,
			   &park_module, &pick_module, &conference_module, &call_waiting_module,
			   &recording_module, &media_stream_module, &account_module, &flow_module,
			   NULL },
	.events = MODULES{ &park_module, &transfer_module, &join_module, &replace_module,
			   &pick_module, &focus_module, NULL },
	.replied = MODULES{ &flow_module, &park_module, &set_module, &media_stream_module,
			    &recording_module, &last_caller_module, NULL },
	.codes = MODULES{ &recording_module, &account_module, NULL },
	.begun = MODULES{ &account_module, &flow_module, &meetme_module, &last_caller_module,
			  &set_module, &replace_module, NULL },
	.request = MODULES{ &focus_module, &transfer_module, &park_module, &flow_module, NULL },
	.repeated = MODULES{ &flow_module, &transfer_module, &focus_module, NULL },
	.response = MODULES{ &transfer_module, &hold_module, &flow_module, NULL },
	.saved = MODULES{ &flow_module, &call_waiting_module, &retrieve_module, &set_module,
			  &last_caller_module, NULL },
	.overdue = MODULES{ &flow_module, &park_module, &retrieve_module, &set_module,
			    &last_caller_module, NULL },
	.settle = MODULES{ &application_module, &transfer_module, &replace_module, &join_module,
			   &park_module, &conference_module, &focus_module, &call_waiting_module,
			   &flow_module, NULL },
	.follow = MODULES{ &recording_module, &media_stream_module, &charge_module, NULL },
	.tap = MODULES{ &recording_module, &media_stream_module, NULL },
	.overlay = MODULES{ &call_waiting_module, &recording_module, NULL },
	.released = MODULES{ &flow_module, &recording_module, &media_stream_module, NULL },
	.deadlines = MODULES{ &application_module, &transfer_module, &replace_module, &join_module,
			      &park_module, &charge_module, &flow_module, NULL },
	.next = MODULES{ &recording_module, NULL },
	.resumed = MODULES{ &transfer_module, &park_module, &meetme_module, &focus_module,
			    &recording_module, &media_stream_module, &account_module, NULL },
	.dialog = MODULES{ &recording_module, NULL },
	.answering = MODULES{ &recording_module, NULL },
	.screened = MODULES{ &flow_module, NULL },
	.answered = MODULES{ &flow_module, &announce_module, NULL },
	.established = MODULES{ &transfer_module, &set_module, &meetme_module, NULL },
	.unanswered = MODULES{ &flow_module, &transfer_module, NULL },
	.leg_left = MODULES{ &transfer_module, NULL },
	.parted = MODULES{ &flow_module, NULL },
	.over = MODULES{ &flow_module, &transfer_module, &park_module, &conference_module, NULL },
	.prompted = MODULES{ &flow_module, &meetme_module, NULL },
	.message_begin = MODULES{ &recording_module, NULL },
	.message_end = MODULES{ &recording_module, NULL },
	.outside = MODULES{ &flow_module, &charge_module, NULL },
	.tagged = MODULES{ &account_module, NULL },
	.ended = MODULES{ &charge_module, NULL },
	.admit = MODULES{ &forward_module, &last_caller_module, &call_waiting_module, NULL },
	.dialled =
		MODULES{ &flow_module, &call_waiting_module, &park_module, &meetme_module, NULL },
	.answers = MODULES{ &flow_module, &park_module, &meetme_module, NULL },
	.headers = MODULES{ &transfer_module, &retrieve_module, &remote_shard_module,
			    &auto_answer_module, NULL },
};
