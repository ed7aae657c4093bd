/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the command table, and what they share. */
#ifndef APP_COMMAND_COMMAND_HANDLERS_H
#define APP_COMMAND_COMMAND_HANDLERS_H

#include <stdbool.h>

#include "app/document/document.h"
#include "app/schema/command.h"
#include "base/addr.h"
#include "base/fair.h"
#include "sig/shard/shard.h"

struct call_order;
struct call_view;
struct effect;
struct request_ordered;
struct node;
struct ended_call;
struct extension;
struct shard_order;

command_fn command_extension_get, command_extension_list, command_extension_page,
	command_extension_greeting, command_presence_get;
/* What pages are told about a user. 0 or -errno. */
struct web_asks;
int command_watch_open(struct node *node, struct web_asks **out);
void command_watch_close(struct node *node);
/* EFFECT_USER. */
void command_user_told(const struct effect *e, void *arg);
/* EFFECT_PUBLISH. */
void command_publish(const struct effect *e, void *arg);
/* Changes an extension by a command of g_presence_documents. False: the run has failed. */
bool command_presence_make(struct command_run *run, struct extension *e);
json_t *command_presence_show(const struct node *node, uint16_t tenant, const void *value);
/* A word that the tenant's extensions may have. False: the run has failed. */
bool command_presence_may(struct command_run *run, const char *state);
/* An extension was changed by command: sends an event if its presence changed. */
void command_presence_saved(struct command_run *run, const void *value, json_t *view);
command_fn command_call_list, command_call_show, command_call_leg_list, command_call_leg_show,
	command_call_doctor, command_call_hangup;
/* Orders that need no more than their arguments; the others. */
command_fn command_call_order;
command_fn command_call_originate, command_call_play, command_call_stream, command_call_stop,
	command_call_collect, command_call_record_message, command_call_join, command_call_split,
	command_call_link, command_call_park, command_call_pickup, command_call_retrieve;
command_fn command_call_trace_start, command_call_trace_stop, command_call_trace_list,
	command_call_trace_read, command_call_trace_delete;
command_fn command_park_list, command_document_list;
command_fn command_conference_list, command_conference_get, command_conference_add,
	command_conference_join, command_conference_invite, command_conference_member,
	command_conference_monitor, command_conference_order, command_conference_play,
	command_conference_record, command_conference_stop, command_conference_stream;
command_fn command_recording_list, command_recording_get, command_recording_look;
command_fn command_recording_link, command_store_list, command_store_one, command_store_retry;
command_fn command_message_count, command_message_list, command_message_get, command_message_put,
	command_message_delete, command_message_undelete, command_message_forward,
	command_message_link;
/* The work for message.forward or message.link is done. */
struct command_run;
void command_message_on_copied(struct command_run *run);
/* Links to files of recordings (recording.link, message.link). False: the run has failed. */
bool command_recording_has_port(struct command_run *run);
/* NULL: the name is too long. */
json_t *command_recording_linked(struct command_run *run, struct bytes name);
command_fn command_sip_recent;
command_fn command_registration_list;
command_fn command_subscription_end;
command_fn command_subscription_list;
command_fn command_cdr_list;
command_fn command_profile_put, command_profile_get, command_profile_delete, command_profile_list;
command_fn command_tenant_put, command_tenant_show, command_tenant_delete, command_tenant_list,
	command_tenant_status;
command_fn command_range_list, command_hours_check, command_prompt_put, command_prompt_get;
command_fn command_prompt_record;
command_fn command_webhook_get, command_webhook_ask;
command_fn command_group_put, command_session_create;
command_fn command_session_list, command_login;
command_fn command_backup_read, command_backup_restore;
command_fn command_set_apply, command_set_stage, command_set_rollback;
command_fn command_dialplan_put, command_dialplan_show, command_dialplan_delete,
	command_dialplan_check, command_dialplan_digit_map, command_call_why, command_security_list,
	command_audit_list;
command_fn command_toll_show, command_toll_reset;
command_fn command_number_put, command_flow_put, command_flow_get, command_flow_list,
	command_flow_export, command_flow_graph, command_flow_try, command_flow_trace,
	command_call_run, command_call_flow;
command_fn command_node_status, command_node_drain, command_node_undrain, command_shard_take,
	command_node_list, command_shard_list, command_shard_get, command_health,
	command_cluster_status, command_cluster_rebalance, command_node_remove, command_log_level,
	command_help;

/* struct node_hooks.box, .originate */
bool command_box_of(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out);
void command_box_call(struct node *n, const char *tenant, const char *id, json_t *args,
		      void (*done)(json_t *answer, void *arg), void *arg);
/* struct node_hooks.delivered */
void command_recording_on_delivered(struct node *n, uint64_t ticket, const json_t *line,
				    const char *why);

/* Operators see calls and phones of all tenants unless they name one; others their own. */
bool command_may_see(const struct command_run *run, const char *tenant);
/* The argument "call"; fails the run and returns false when it is no call id. */
bool command_call_id(struct command_run *run, uint64_t *call);
/* The call it names, where it ended in the last hour; else NULL. */
const struct ended_call *command_call_ended(const struct command_run *run);
/* Finds the records of the named call, newest first; done owns the list; NULL: no answer. */
typedef void command_cdrs_fn(struct command_run *run, json_t *list);
void command_cdrs_find(struct command_run *run, command_cdrs_fn *done);
/* The call it names; fails the run and returns false if it does not exist. */
bool command_call_view(struct command_run *run, struct call_view *view);

/* The run waits for what becomes of an order. False: it has failed. */
bool command_order_begin(struct command_run *run, struct shard_order *by);
/* Gives the order to a call, or to the one that the command names, and answers when it is saved. */
void command_order_to(struct command_run *run, uint64_t call, struct call_order *order);
void command_order_give(struct command_run *run, struct call_order *order);
/* Names of files by commas. False: the run has failed. */
struct prompt_terms;
bool command_files_read(struct command_run *run, struct prompt_terms *out);
/* Answers a refusal with its reason; an accepted order waits for command_ordered. of_with: the
 * refusal is about the other call. */
void command_order_end(struct command_run *run, const struct shard_order *by, bool of_with,
		       enum refusal refused);
void command_refused(struct command_run *run, enum refusal refused, bool of_with);
/* An argument that names a leg; SHARD_LEG_NONE where it is not given. */
enum shard_leg command_order_leg(const struct command_run *run, const char *name);
/* EFFECT_ORDERED. */
void command_ordered(const struct effect *e, void *node);
/* Once the control API is open: reads the streams of tenants as their documents say. */
void command_tenants_listen(struct node *n);
struct tenant_value;
/* Its document. False: there is no such tenant. */
bool command_tenant_value(const struct node *n, const char *name, struct tenant_value *out);
/* Classes of numbers outside that a new extension of it may call (MGT-09). */
uint8_t command_tenant_first_classes(const struct node *n, uint16_t tenant);
/* ... and the most BLF entries of an extension of the tenant. */
uint32_t command_tenant_blf_lamps(const struct node *n, uint16_t tenant);
/* ... and the default capacity of a mailbox in messages; 0: no limit. */
uint16_t command_tenant_mailbox_messages(const struct node *n, uint16_t tenant);
/* Adds what is played to the call, if anything. */
void command_play_put(json_t *json, const struct shard *core, uint64_t call);
/* A warning where the number is one for emergencies. */
void command_warn_emergency(const struct node *n, uint16_t tenant, struct bytes number,
			    json_t *out);
/* It belongs to a user of the tenant, or is an outside number. */
bool command_number_known(const struct node *n, uint16_t tenant, struct bytes number);
/* struct node_hooks.number_wrong */
bool command_number_wrong(const struct node *n, uint16_t tenant, struct bytes number, char *why);
/* The number leads to a flow: then the run has failed. */
bool command_number_leads(struct command_run *run, struct bytes number);
/* Loads a time zone; false: the run has failed. The other one: 0 or -errno, which is logged. */
bool command_zone_is_there(struct command_run *run, const char *name);
int command_zone_read(struct node *node, const char *name);
/* At start: flows that every tenant has. 0 or -errno. */
int command_flows_ship(struct node *n) NODISCARD;
/* Twice a second: keeps the texts of all tenants' flows from expiring. */
void command_flows_beat(struct node *n, uint64_t now_ns);
/* Likewise: BLF of opening hours. */
void command_hours_beat(struct node *n);
/* EFFECT_HELP. */
void command_helper(const struct effect *e, void *node);
/* A recorded message's file is complete: stores it as the prompt that it was recorded for. */
void command_prompt_said(struct node *n, uint64_t call, uint8_t number, uint64_t ms);
/* Its text is in Redis by its hash; then the document of the run is put. */
struct flow_program;
void command_flow_text_put(struct command_run *run, const struct flow_program *p);
/* Keeps the program text of a document that a set has put. */
void command_flow_text_keep(struct node *n, const struct snapshot_document *d);
/* The extension logs in to the group of the run, or out. False: the run has failed. */
bool command_group_log(struct command_run *run, struct extension *e);
/* The group that a number leads to; empty: none. */
struct bytes command_group_of_number(const struct node *n, uint16_t tenant, struct bytes number);
/* EFFECT_PROGRAM. */
void command_flow_program(const struct effect *e, void *node);
/* The web application of a call has sent something unasked. */
void command_helper_told(struct node *n, const json_t *line);
/* Webhooks of a tenant count as its document says; "": of all tenants. */
void command_webhooks_tell(struct node *n, const char *tenant);
/* A webhook is switched off: its server wants no more events. */
void command_webhook_told(struct node *n, const json_t *line);
/* EFFECT_SET. */
void command_feature(const struct effect *e, void *node);
/* Answers to orders are not delivered any more. */
void command_orders_drop(struct node *node);
/* The locations are open: commands look users up. */
void command_looks_join(struct node *node);
/* Words for the legs of a call: caller and callee. */
extern const char *const g_call_legs[];
extern const char *const g_subscription_endings[];
/* A phone dials it for a feature, by the tenant's codes. */
bool command_is_code(const struct command_run *run, struct bytes number);
#define COMMAND_NO_EXTENSION "there is no such extension: extension.list shows all of them"
#define COMMAND_NUMBER_IS_CODE \
	"number begins with a feature code: see codes in the node file, and dialplan.show"

extern const struct document_kind g_extension_documents, g_login_documents, g_presence_documents,
	g_profile_documents, g_range_documents, g_tenant_documents, g_trunk_documents,
	g_did_documents, g_route_documents, g_dial_documents, g_location_documents,
	g_room_documents, g_hours_documents, g_hours_override, g_prompt_documents, g_flow_documents,
	g_number_documents, g_group_documents, g_account_documents, g_token_documents,
	g_webhook_documents, g_session_documents, g_set_documents;

/* What the reason of a refusal (sig_refused_name) means, and what to do. False: it is unknown. */
bool refusal_words(const char *name, const char **sentence, const char **next);

struct shard_room_order;

/* struct command.order of command_conference_member: enum order_member, and on or off. */
#define CONFERENCE_ORDER(member, on) ((uint8_t)((member)*2 + (on)))
#define CONFERENCE_MEMBER(order)     ((uint8_t)((order) / 2))
#define CONFERENCE_ON(order)         ((order) % 2 != 0)

/* The principal of a command. */
struct command_principal {
	char tenant[COMMAND_TENANT_MAX];
	enum command_role role;              /* of a user: the lowest */
	char user[COMMAND_USER_MAX];         /* the extension that asks; "": it is no user */
	char patterns[COMMAND_PATTERNS_MAX]; /* by the token; "": as the role may */
	struct addr source;                  /* ADDR_NONE: not known */
	int file;                            /* 1 + a descriptor that is handed over; 0: none */
	const char *door, *by;               /* as in command_run; NULL: the node itself */
};

static inline struct command_right command_right_of(const struct command_run *run)
{
	return (struct command_right){ run->role, run->user, run->patterns };
}

/* Holder of the table places that the run takes: tenant, token and user. Points into the run. */
struct fair_who command_holder(const struct command_run *run);
/* The principal of that command with that role in its tenant, for its consequences.
 * Points into the run. */
struct command_principal command_in_name(const struct command_run *run, enum command_role role);
/* Notes the end of that command for the audit; NULL: it changes nothing. */
command_ended_fn *command_audit_of(const struct command_run *run);

/* Checks the user of the run: its extension exists, and the named call is its own. No user: nothing
 * to check. 0, or -EINVAL and *error. */
int command_user_check(struct command_run *run, struct command_error *error) NODISCARD;
/* A session of that name is valid as long as its user keeps the password of its start. */
bool command_session_counts(const struct node *node, const char *tenant, const char *user,
			    const char *name);
/* The parties by the record of a call. A number that came by a trunk is never one of ours. */
struct call_parties {
	const char *from, *from_trunk, *to, *to_trunk, *forwarded_to;
};
/* The user was a party of that call, or the run has no user. */
bool command_user_was(const struct command_run *run, struct call_parties p);
/* Reduces a call to what the user may see, in place. Without a user: all. */
void command_user_view(const struct command_run *run, json_t *call);
/* Hides parties of a call or its record, as an object, that withhold their identity from the
 * token's user, also from filters (party_is_shown). NULL is fine. */
void command_party_hide(const struct command_run *run, json_t *call);

/* Finds, checks and starts a command. done is called once, maybe before this returns. id: the same
 * id again is the same command; unique among all principals. args: borrowed, may be NULL. */
void command_start(struct node *node, const struct command_principal *who, struct bytes name,
		   struct bytes id, const json_t *args, command_done_fn *done, void *arg);

#endif
