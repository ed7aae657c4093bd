/* SPDX-License-Identifier: Apache-2.0 */
/* The list of features. The core knows them by this list alone: at each hook of a call it asks
 * those that have it, in this order but for the ranks that a module states (sig/call/module.h). A
 * feature has its files and its row here. */

#include "sig/feature/features.h"

#include <assert.h>

#include "base/compiler.h"
#include "sig/call/module.h"
#include "sig/call/number_claim.h"
#include "sig/shard/hooks.h"
#include "sig/subscription/package.h"

/* Each is in the file of its name. */
extern const struct module account_module, announce_module, application_module, auto_answer_module,
	call_waiting_module, charge_module, conference_module, contact_module, flow_module,
	focus_module, forward_module, hold_module, join_module, last_caller_module,
	media_stream_module, meetme_module, page_module, park_module, pick_module, queue_module,
	recording_module, remote_shard_module, replace_module, retrieve_module, set_module,
	transfer_module, wake_module;
extern const struct event_package messages_package, presence_package;
extern const struct object_type room_object;
extern const struct number_claim conference_numbers[], focus_numbers[], meetme_numbers[],
	park_numbers[], replace_numbers[], retrieve_numbers[], transfer_numbers[];
extern const struct services park_services, pick_services, queue_services, room_services;
extern const struct shard_hooks group_hooks, account_hooks, focus_hooks, instant_message_hooks,
	join_hooks, message_waiting_hooks, page_hooks, pick_hooks, presence_hooks, queue_hooks,
	recording_hooks, room_hooks, watch_hooks;
extern const struct dialled_code account_dialled_codes[], park_dialled_codes[];

const struct feature sig_features[] = {
	{ "blf", .package = &dialog_package, .shard = &watch_hooks },
	{ "presence", .package = &presence_package, .shard = &presence_hooks },
	{ "registrations", .package = &reg_package },
	{ "flow", .call = &flow_module },
	{ "call_waiting", .call = &call_waiting_module },
	{ "application", .call = &application_module },
	{ "transfer", .call = &transfer_module, .numbers = transfer_numbers },
	{ "replace", .call = &replace_module, .numbers = replace_numbers },
	{ "join", .call = &join_module, .shard = &join_hooks },
	{ "park", .call = &park_module, .numbers = park_numbers, .codes = park_dialled_codes,
	  .services = &park_services },
	{ "retrieve", .call = &retrieve_module, .numbers = retrieve_numbers },
	{ "set", .call = &set_module },
	{ "meetme", .call = &meetme_module, .numbers = meetme_numbers },
	{ "room", .objects = &room_object, .services = &room_services, .shard = &room_hooks },
	{ "remote_shard", .call = &remote_shard_module },
	{ "conference", .call = &conference_module, .package = &conference_package,
	  .numbers = conference_numbers },
	{ "focus", .call = &focus_module, .numbers = focus_numbers, .shard = &focus_hooks },
	{ "hold", .call = &hold_module },
	{ "pick", .call = &pick_module, .services = &pick_services, .shard = &pick_hooks },
	{ "recording", .call = &recording_module, .shard = &recording_hooks },
	{ "media_stream", .call = &media_stream_module },
	{ "account", .call = &account_module, .codes = account_dialled_codes,
	  .shard = &account_hooks },
	{ "auto_answer", .call = &auto_answer_module },
	{ "forward", .call = &forward_module },
	{ "announce", .call = &announce_module },
	{ "charge", .call = &charge_module },
	{ "wake", .call = &wake_module },
	{ "last_caller", .call = &last_caller_module },
	{ "contact", .call = &contact_module },
	{ "phone_features", .package = &features_package },
	{ "messages", .package = &messages_package, .shard = &message_waiting_hooks },
	{ "instant_message", .shard = &instant_message_hooks },
	{ "group", .shard = &group_hooks },
	{ "queue", .call = &queue_module, .services = &queue_services, .shard = &queue_hooks },
	{ "page", .call = &page_module, .shard = &page_hooks },
	{ "user_page", .package = &user_package },
	{ 0 },
};

static_assert(COUNT_OF(sig_features) - 1 <= MODULES_MAX, "each may have hooks of calls");
