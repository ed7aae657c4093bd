/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of table/ name: functions of commands, file by file, and kinds of documents. */
#ifndef APP_COMMAND_COMMANDS_H
#define APP_COMMAND_COMMANDS_H

#include "app/schema/command.h"

command_fn command_extension_get, command_extension_list, command_extension_greeting,
	command_registration_list, command_subscription_end, command_subscription_list;
command_fn command_extension_page;
command_fn command_presence_get;
command_fn command_call_list, command_call_show, command_call_leg_list, command_call_leg_show;
command_fn command_call_doctor, command_call_why;
/* Orders that need no more than their arguments; the others. */
command_fn command_call_order;
command_fn command_call_hangup, command_call_originate, command_call_play, command_call_stream,
	command_call_stop, command_call_collect, command_call_record_message;
command_fn command_call_join, command_call_split, command_call_park, command_call_pickup,
	command_call_retrieve, command_park_list;
command_fn command_call_link;
command_fn command_call_trace_start, command_call_trace_stop, command_call_trace_list,
	command_call_trace_read, command_call_trace_delete, command_sip_recent;
command_fn command_document_list;
command_fn command_conference_list, command_conference_get, command_conference_add,
	command_conference_join, command_conference_invite, command_conference_member,
	command_conference_monitor, command_conference_order, command_conference_play,
	command_conference_record, command_conference_stop, command_conference_stream;
command_fn command_cdr_list, command_security_list, command_audit_list;
command_fn command_profile_get, command_profile_list, command_tenant_put, command_tenant_show,
	command_tenant_list, command_tenant_status, command_range_list, command_toll_show,
	command_toll_reset;
command_fn command_hours_check;
command_fn command_webhook_get, command_webhook_request;
command_fn command_session_create, command_session_list, command_extension_secret;
command_fn command_login;
command_fn command_backup_read, command_backup_restore;
command_fn command_set_apply, command_set_stage, command_set_rollback;
command_fn command_dialplan_show, command_dialplan_check, command_dialplan_digit_map;
command_fn command_number_put, command_flow_put, command_flow_get, command_flow_list,
	command_flow_export, command_flow_graph, command_flow_try, command_call_run,
	command_call_flow;
command_fn command_flow_trace;
command_fn command_node_status, command_node_drain, command_node_undrain, command_shard_claim,
	command_node_list, command_shard_list, command_shard_get, command_health,
	command_cluster_status, command_cluster_rebalance, command_node_remove, command_log_level;

extern const struct document_kind g_extension_documents, g_login_documents, g_presence_documents,
	g_profile_documents, g_range_documents, g_tenant_documents, g_trunk_documents,
	g_did_documents, g_route_documents, g_dial_documents, g_location_documents,
	g_room_documents, g_hours_documents, g_flow_documents, g_number_documents,
	g_token_documents, g_webhook_documents, g_session_documents, g_set_documents;

/* struct command.order of command_conference_member: enum order_member, and on or off. */
#define CONFERENCE_ORDER(member, on) ((uint8_t)((member)*2 + (on)))
#define CONFERENCE_MEMBER(order)     ((uint8_t)((order) / 2))
#define CONFERENCE_ON(order)         ((order) % 2 != 0)

#endif
