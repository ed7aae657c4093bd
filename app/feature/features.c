/* SPDX-License-Identifier: Apache-2.0 */
/* All features of a node's doors, in the order of the help: a new feature is a folder beside this
 * file and a row here. What has no folder of its own yet has its row here as a whole, by area. */

#include "app/command/command_flow.h"
#include "app/command/command_helper.h"
#include "app/command/command_hours.h"
#include "app/command/command_lint.h"
#include "app/command/command_order.h"
#include "app/command/command_presence.h"
#include "app/command/command_request.h"
#include "app/command/command_watch.h"
#include "app/command/table/table.h"
#include "app/node/node.h"
#include "app/node/node_helper.h"
#include "app/node/node_probe.h"
#include "app/settings/settings.h"

/* Each is in its folder, in NAME_rows.c. */
extern const struct app_feature g_account_feature, g_contact_feature, g_prompt_feature,
	g_recording_feature, g_mailbox_feature, g_delivery_feature, g_archive_feature,
	g_group_feature, g_monitor_feature, g_provision_feature, g_seat_feature, g_past_feature,
	g_capacity_feature, g_numbers_feature, g_queue_feature, g_page_feature, g_ldap_feature,
	g_crm_feature, g_push_feature, g_sync_feature, g_setting_feature;

#define AREA static const struct app_feature

AREA g_extension_feature = {
	.name = "extension",
	.commands = g_extension_commands,
	.carriers = CARRIERS({ command_publish, EFFECT_PUBLISH },
			     { command_user_changed, EFFECT_USER }),
};
AREA g_dial_feature = { .name = "dialplan", .commands = g_dial_commands };
/* Tenants come first, and a range names a profile. */
AREA g_tenant_feature = {
	.name = "tenant",
	.commands = g_tenant_commands,
	.documents = KINDS(&g_tenant_documents, &g_profile_documents, &g_range_documents,
			   &g_dial_documents, &g_extension_documents, &g_trunk_documents,
			   &g_location_documents, &g_did_documents, &g_route_documents,
			   &g_room_documents, &g_hours_documents, &g_token_documents,
			   &g_webhook_documents, &g_session_documents, &g_set_documents),
	.second = BY(command_hours_beat),
};
AREA g_trunk_feature = { .name = "trunk", .commands = g_trunk_commands };
AREA g_flow_feature = {
	.name = "flow",
	.commands = g_flow_commands,
	.documents = KINDS(&g_flow_documents, &g_number_documents),
	.carriers = CARRIERS({ command_flow_program, EFFECT_PROGRAM },
			     { command_helper, EFFECT_HELPER }),
	.second = BY(command_flows_beat),
};
AREA g_call_feature = {
	.name = "call",
	.commands = g_call_commands,
	.carriers = CARRIERS({ command_ordered, EFFECT_ORDERED }, { command_feature, EFFECT_SET }),
};
AREA g_sound_feature = { .name = "sound", .commands = g_call_sound_commands };
AREA g_order_feature = { .name = "order", .commands = g_call_order_commands };
AREA g_conference_feature = {
	.name = "conference",
	.commands = g_conference_commands,
	.carriers = CARRIERS({ command_conference_requested, EFFECT_CONFERENCE }),
};
AREA g_park_feature = { .name = "park", .commands = g_call_slot_commands };
AREA g_digit_feature = { .name = "digits", .commands = g_call_digits_commands };
AREA g_trace_feature = { .name = "trace", .commands = g_trace_commands };
AREA g_look_feature = {
	.name = "look",
	.commands = g_look_commands,
	.carriers = CARRIERS({ node_dns_look_up, EFFECT_LOOKUP },
			     { node_dns_look_up, EFFECT_LOOKUP_STOP }),
};
AREA g_node_feature = {
	.name = "node",
	.commands = g_node_commands,
	.children = CHILDREN(&g_helper_child, &g_webhooks_child),
	.metrics = BY(g_webhook_metric_rows),
	.setup = BY(node_helper_setup),
	.second = BY(command_help_beat),
	.close = BY(node_helper_close),
};

const struct app_feature *const g_app_features[] = {
	&g_extension_feature, &g_dial_feature,     &g_tenant_feature,    &g_contact_feature,
	&g_sync_feature,      &g_prompt_feature,   &g_trunk_feature,     &g_flow_feature,
	&g_account_feature,   &g_group_feature,    &g_provision_feature, &g_queue_feature,
	&g_page_feature,      &g_ldap_feature,     &g_crm_feature,       &g_monitor_feature,
	&g_call_feature,      &g_sound_feature,    &g_order_feature,     &g_conference_feature,
	&g_park_feature,      &g_digit_feature,    &g_trace_feature,     &g_recording_feature,
	&g_mailbox_feature,   &g_delivery_feature, &g_look_feature,      &g_archive_feature,
	&g_seat_feature,      &g_past_feature,     &g_capacity_feature,  &g_setting_feature,
	&g_numbers_feature,   &g_push_feature,     &g_node_feature,      NULL,
};

void features_settings_add(void)
{
	FEATURE_EACH (f) {
		if (f->settings)
			settings_add(f->settings);
	}
}
