/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of recordings and of their deliveries in the list of features, with their commands. A
 * recording is named TENANT/DATE/FILE; with a node given the folder of that node answers, else the
 * index of all nodes. */

#include "app/command/table/table.h"
#include "app/feature/recording/deliver.h"
#include "app/node/node_record.h"
#include "app/record/entry.h"

#define RECORDING_ARG                                                                  \
	TEXT_ARG("name", CHARSET_TEXT, 1, 159, NULL,                                   \
		 "Name of the recording, as recording.list has it: TENANT/DATE/FILE.", \
		 .required = true)
#define AFTER_ARG                                     \
	TEXT_ARG("after", CHARSET_TEXT, 0, 159, NULL, \
		 "Go on after this name, the last one of the page before, to older ones.")
#define RECORDED_ARG                                                                             \
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, NULL,                                              \
		 "Name of a node (node.name): what its folder says. Without it, what all nodes " \
		 "know (recordings.list_days).",                                                 \
		 .place = PLACE_NODE)

static const struct command_arg g_recorded_args[] = { RECORDING_ARG, RECORDED_ARG, END };
static const struct command_arg g_recording_args[] = { RECORDING_ARG, NODE_ARG, END };

static const struct command_arg g_recording_put_args[] = {
	RECORDING_ARG,
	MAILBOX_ARG("The mailbox that it lies in from now on: the number of an extension, or "
		    "another name. Empty: none."),
	BOOL_ARG("heard", NULL, "Whether somebody has heard it."),
	NODE_ARG,
	END,
};
static const struct command_arg g_link_args[] = {
	RECORDING_ARG,
	LINK_SECONDS_ARG,
	NODE_ARG,
	END,
};
static const struct command_arg g_retry_args[] = {
	TEXT_ARG("name", CHARSET_TEXT, 1, 159, NULL,
		 "Name of the recording; without it, all dead letters."),
	NODE_ARG,
	END,
};
static const struct command_arg g_recordings_args[] = {
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME, /* its shard may be elsewhere by now: its files are not */
	  .min = 13,
	  .max = 13,
	  .help = "Id of a call: its recordings alone." },
	TEXT_ARG("party", CHARSET_TEXT, 1, 127, NULL,
		 "The same as number; it may also be a name that is no number."),
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "Only recordings in this state."),
	MAILBOX_ARG("Only those in this mailbox: the number of an extension, or another name."),
	BOOL_ARG("heard", NULL,
		 "true: only those that somebody has heard; false: only others (recording.put)."),
	AFTER_ARG,
	LIMIT_ARG,
	RECORDED_ARG,
	END,
};
static const struct command_arg g_deliveries_args[] = {
	SPAN_ARGS("Only those from or to this number.", "began"),
	ENUM_ARG("state", g_entry_states, NULL, "waits or dead: only those."),
	AFTER_ARG,
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command g_recording_commands[] = {
	{ "recording.list", COMMAND_FOR_READER, g_recordings_args,
	  "Lists finished recordings of all nodes, also of one that is gone, tenant by tenant: the "
	  "newest day first, and of a day the newest call first. Ids of calls made by "
	  "call.originate follow no time. Of a node that is named: recordings that are still "
	  "there.",
	  "a list: name, tenant, state (kept: it goes nowhere; waits, delivered, dead; deleted: "
	  "it is on no node any more; lost: its file is not there, and nobody deleted it by "
	  "command), node (that has or had the file), stored (without a named node; where it is "
	  "by now, a list: to, url), said_utc_ms (when the node said so), call, "
	  "number, segment, last, interrupted, format, begun, ended, from, to, direction, "
	  "duration_ms, octets, account_code, mailbox, heard, encrypted, cause. A message "
	  "(call.record_message) is one row, that of its first segment; parts (a list: name, "
	  "node) are the further ones, where it lies in several",
	  BY(command_recording_list), .own = "mailbox",
	  .columns = "name,from,to,begun,duration_ms,state,mailbox,heard,node", .transient = true,
	  LISTS("name", NULL, false,
		"state,node,call,number,segment,last,interrupted,format,begun,ended,from,to,"
		"direction,duration_ms,octets,account_code,mailbox,heard,encrypted,cause") },
	{ "recording.get", COMMAND_FOR_READER, g_recorded_args,
	  "Shows all that is known of a recording. Where the node that reads the command does not "
	  "have it: what all nodes know.",
	  "what its file NAME.json says, name, state, node, deliveries (a list: to, state, tries, "
	  "first_utc_ms, next_utc_ms, reason); of another node as recording.list has it",
	  BY(command_recording_get), .transient = true },
	{ "recording.link", COMMAND_FOR_APPLICATION, g_link_args,
	  "Makes a link by which anybody fetches the recording from this node, over HTTP, also in "
	  "parts (Range). It must be finished. One that lies on other nodes is brought here "
	  "first. What is encrypted for nodes (NAME.aes128gcm) is given out plain. The log says "
	  "who asked for it. unavailable: recordings.port is 0.",
	  "name, path (behind http://, or https://, and the host), port, expires_utc_ms",
	  BY(command_recording_link), .transient = true },
	{ "recording.put", COMMAND_FOR_APPLICATION, g_recording_put_args,
	  "Changes what is known of a finished recording that lies on the node: its mailbox, and "
	  "whether it was heard. What a destination has stays as it is. Of a message: all segments "
	  "that lie there. conflict: it is encrypted for a certificate, and no node could play it "
	  "in a mailbox.",
	  "name, mailbox, heard", BY(command_store_one) },
	{ "recording.delete", COMMAND_FOR_APPLICATION, g_recording_args,
	  "Deletes a recording from the node, delivered or not. What a destination has stays "
	  "there. Of a message all segments are meant that lie on the node.",
	  "name", BY(command_store_one) },
	{ "recording.look", COMMAND_FOR_OPERATOR, g_no_args,
	  "Looks through recordings.folder at once: another program has put files there, as "
	  "tandemctl restore does.",
	  "nothing", BY(command_recording_look) },
	{ .name = NULL },
};

static const struct command g_delivery_commands[] = {
	{ "delivery.list", COMMAND_FOR_ADMIN, g_deliveries_args,
	  "Lists recordings that are not delivered everywhere, and why, in the order of "
	  "recording.list.",
	  "a list: name, tenant, state, deliveries as in recording.get", BY(command_store_list),
	  .transient = true, LISTS("name", NULL, false, "state") },
	{ "delivery.retry", COMMAND_FOR_ADMIN, g_retry_args, "Tries dead letters again, at once.",
	  "retried (how many)", BY(command_store_retry) },
	{ .name = NULL },
};

const struct app_feature g_recording_feature = {
	.name = "recording",
	.commands = g_recording_commands,
	.metrics = BY(g_copy_metric_rows),
	.carriers =
		CARRIERS({ node_record_carry, EFFECT_RECORD }, { node_siprec_carry, EFFECT_FORK }),
};

const struct app_feature g_delivery_feature = {
	.name = "delivery",
	.commands = g_delivery_commands,
	.children = CHILDREN(&g_store_child),
	.metrics = BY(g_store_metric_rows),
	.setup = BY(node_deliver_setup),
	.second = BY(node_deliver_second),
	.reload = BY(node_deliver_reload),
	.tenants = BY(node_deliver_tenants),
	.recorded = BY(node_deliver_recorded),
	.close = BY(node_deliver_close),
};
