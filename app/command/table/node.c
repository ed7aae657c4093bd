/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table for nodes, shards and the cluster, and for what a node has seen: SIP
 * messages, registrations, call records, traces. The array g_command_parts makes one table of the
 * parts of all files, in the order of the help. */

#include "app/command/command_lint.h"
#include "app/command/table/table.h"
#include "base/log.h"

/* What a node has seen: messages, phones, their watchers, and ended calls. */

static const struct command_arg g_sip_args[] = {
	CALL_OR_NONE("Only the dialogs of this call, also when it is over."),
	SPAN_ARGS("Only dialogs with messages that name this user.", "passed"),
	U64_ARG("limit", 1, 500, "50", "Most messages in the answer, the newest ones."),
	NODE_ARG,
	END,
};

static const struct command_arg g_why_args[] = {
	CALL_OR_NONE("Only this call, also when it is over."),
	SPAN_ARGS("Only dialogs with messages that name this user.", "came"),
	U64_ARG("limit", 1, 500, "20", "Most entries in the answer, the newest ones."),
	NODE_ARG,
	END,
};

static const struct command_arg g_security_args[] = {
	TEXT_ARG("type", CHARSET_NAME, 1, 31, NULL, "Only events of this type."),
	SPAN_ARGS("Only events of this user.", "came"),
	TEXT_ARG("source", CHARSET_TEXT, 1, 63, NULL,
		 "Only events with a source that begins so: an address, or an address and port."),
	LIMIT_ARG,
	END,
};

static const struct command_arg g_audit_args[] = {
	BOOL_ARG("calls", "false", "Commands about calls and recordings, in place of all others."),
	BOOL_ARG("operators", "false",
		 "For operators: commands of no tenant, such as tenant.put and node.drain."),
	SPAN_TIMES("ended"),
	LIMIT_ARG,
	END,
};

static const struct command_arg g_registration_args[] = {
	SPAN_ARGS("Only this extension.", "registered, or did so again,"),
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_args[] = {
	SPAN_ARGS("Only those of this extension, and those that watch it.", "began"),
	LIMIT_ARG,
	NODE_ARG,
	END,
};

static const struct command_arg g_subscription_end_args[] = {
	ID_ARG("id", "Id of the subscription, as subscription.list shows it."),
	ENUM_ARG("reason", g_subscription_endings, "deactivated",
		 "Reason that its phone is told (RFC 6665 4.1.3). deactivated: it may subscribe "
		 "again at once; probation: in a minute; giveup: some time; rejected, noresource: "
		 "not again."),
	END,
};

static const struct command_arg g_cdr_args[] = {
	SPAN_ARGS("Only those from or to this number, among the newest 1000 of that time.",
		  "ended"),
	LIMIT_ARG,
	CALL_OR_NONE("Only this call, if it is among the newest 1000 of that time."),
	END,
};

const struct command g_look_commands[] = {
	{ "sip.recent", COMMAND_FOR_OPERATOR, g_sip_args,
	  "Shows the newest SIP messages, without secrets, also of calls that were refused: of a "
	  "call, of a number, or all.",
	  "a list, newest first: utc_ms, sent, transport, local, remote, reason (of a refusal by "
	  "the node), message",
	  BY(command_sip_recent), .transient = true },
	{ "call.why", COMMAND_FOR_OPERATOR, g_why_args,
	  "Says why calls, registrations and other requests were refused lately: by the node, or "
	  "by the other party. Of a call also how it ended. Looks at the messages of sip.recent, "
	  "and of a call at its records. Of a call without any fault it says so.",
	  "a list, newest first: utc_ms, by (node, other; of a record: who ended the call), "
	  "method, status, from, to, remote, sip_call_id, reason (as sip.recent has it), sentence "
	  "and next (what to do)",
	  BY(command_call_why), .transient = true },
	{ "security.list", COMMAND_FOR_OPERATOR, g_security_args,
	  "Lists security events of all nodes and tenants: the newest of the stream td:security. "
	  "It looks through 2,000, of the time that since and until say.",
	  "a list, newest first: utc_ms, type, source, user, detail, count (how many such events "
	  "it tells of), node",
	  BY(command_security_list), .transient = true,
	  LISTS("utc_ms", NULL, true, "utc_ms,type,source,user,detail,count,node") },
	{ "audit.list", COMMAND_FOR_ADMIN, g_audit_args,
	  "Lists commands of the tenant that changed something, or were to: who gave them, and "
	  "what they changed. It looks through 2,000, of the time that since and until say, and "
	  "goes on in the archive behind what Redis has; missing says archive where that does not "
	  "answer.",
	  "a list, newest first: id, utc_ms, command, door (http, redis, local, phone, flow, "
	  "node), role, by (name of the token or client, number of the phone), user (extension on "
	  "behalf of which it was given), source, object (what it was about), outcome (ok, or the "
	  "code of the error), arguments, changes (of a document: its fields, each a list of what "
	  "was and what is; of a set: its changes), node",
	  BY(command_audit_list), .transient = true,
	  .columns = "utc_ms,command,object,outcome,door,by,role",
	  LISTS("id", NULL, true, "utc_ms,command,door,role,by,user,source,object,outcome,node") },
	{ "registration.list", COMMAND_FOR_READER, g_registration_args,
	  "Lists registered phones, as a node knows them, the newest registration first.",
	  "a list: tenant, number, version, contacts: contact, source, user_agent, instance "
	  "(+sip.instance: the device), registered_utc_ms (by its last REGISTER; 0: not known), "
	  "expires_utc_ms, nat, location "
	  "(0: none)",
	  BY(command_registration_list), .own = "number",
	  LISTS("number,tenant", NULL, true, "number,version") },
	{ "subscription.list", COMMAND_FOR_READER, g_subscription_args,
	  "Lists subscriptions of phones at a node (BLF), the newest first: each watcher, and what "
	  "it watches.",
	  "a list: id, tenant, number (that watches), watches, trunk (that it came by), event "
	  "(dialog, presence, reg; user: a page), resources (of a list; 0: no list, or an empty "
	  "one), begun_utc_ms, expires_utc_ms, notified (NOTIFYs, counted on over restarts with "
	  "gaps), source",
	  BY(command_subscription_list),
	  LISTS("id", "begun_utc_ms", true,
		"number,watches,trunk,event,resources,begun_utc_ms,expires_utc_ms,notified,"
		"source") },
	{ "subscription.end", COMMAND_FOR_ADMIN, g_subscription_end_args,
	  "Ends a subscription: a last NOTIFY tells its phone why.", "id",
	  BY(command_subscription_end) },
	{ "cdr.list", COMMAND_FOR_READER, g_cdr_args,
	  "Lists call detail records, the newest first.",
	  "a list: id, from, to, sip_call_id, setup_utc_ms, ringing_utc_ms, answer_utc_ms, "
	  "end_utc_ms (0: never), talk_ms, "
	  "sip_status, q850, ended_by (a, b, node, operator), cause, lines (beside audio and "
	  "video: words of profile.put), "
#define CALL_FACT(member, size, from, name, help) name help ", "
#include "sig/host/call_facts.def"
#undef CALL_FACT
	  "forwarded_to (the extension that the call went on to at last) and forwarded (why: "
	  "always, busy, no_answer, unreachable, deflection), from_trunk and to_trunk (of parties "
	  "that are no phones), and for each leg (a_, b_) packets_in, octets_in, packets_out, "
	  "octets_out, rtcp_in, rtcp_out, dropped, lost, jitter_us, digits, source_changes, "
	  "remote_lost, remote_jitter_us (as it reported by RTCP), rtt_us, codec, "
	  "mos_in_hundredths and mos_out_hundredths (0: not known). A call with a change of "
	  "parties has one for each pair: id is that of the call, then ID.2, ID.3 and so on, and "
	  "linked, in each of them, that of the call. Of one that was recorded: recordings, their "
	  "names. findings: what the doctor found at its end, if anything was wrong",
	  BY(command_cdr_list), .own = "",
	  .columns =
		  "id,from,to,setup_utc_ms,talk_ms,sip_status,ended_by,cause,from_trunk,to_trunk",
	  .rows = &(
		  const struct command_rows){ .key = "id",
					      .down = true,
					      .columns =
#define CALL_FACT(member, size, from, name, help) name ","
#include "sig/host/call_facts.def"
#undef CALL_FACT
						      "from,to,sip_call_id,setup_utc_ms,ringing_"
						      "utc_ms,answer_utc_ms,end_utc_ms,talk_ms,"
						      "sip_status,q850,ended_by,cause,lines,"
						      "forwarded_to,forwarded,from_trunk,to_trunk,"
						      "recordings,conference,linked" } },
	{ .name = NULL },
};

/* Traces of calls. */

#define TRACE_ARG(needed)                                                           \
	TEXT_ARG("name", CHARSET_NAME, 1, 39, NULL, "As call.trace.list shows it.", \
		 .required = (needed), .place = PLACE_TRACE)

static const struct command_arg g_trace_start_args[] = {
	CALL_OR_NONE("Id of the call: 13 characters. Or from, or to."),
	PARTY_OR_NONE("from",
		      "The next call of this extension; it is waited for, an hour at most."),
	PARTY_OR_NONE("to", "The next call to this number."),
	BOOL_ARG("decrypted", "false",
		 "Media of SRTP in clear and keys in SIP as they are; where trace.decrypted allows "
		 "it."),
	U64_ARG("seconds", 1, 3600, "300", "How long it may last."),
	U64_ARG("octets", 65536, 1073741824, "16777216", "How large the file may be."),
	END,
};

static const struct command_arg g_trace_stop_args[] = {
	CALL_OR_NONE("Id of the call. Or name."),
	TRACE_ARG(false),
	END,
};

static const struct command_arg g_trace_read_args[] = {
	TRACE_ARG(true),
	U64_ARG("offset", 0, INT64_MAX, "0", "Octets of the file to skip."),
	END,
};

static const struct command_arg g_trace_list_args[] = { SPAN_TIMES("began"), LIMIT_ARG, NODE_ARG,
							END };
static const struct command_arg g_trace_args[] = { TRACE_ARG(true), END };

const struct command g_trace_commands[] = {
	{ "call.trace.start", COMMAND_FOR_OPERATOR, g_trace_start_args,
	  "Writes the SIP messages and the media of a call into a file of pcapng until a limit, "
	  "the end of the call or call.trace.stop. tandemctl trace does all that and fetches the "
	  "file.",
	  "name, call, running, decrypted, seconds, octets_max, octets, packets, lost (packets "
	  "that the trace has no copy of)",
	  BY(command_call_trace_start) },
	{ "call.trace.stop", COMMAND_FOR_OPERATOR, g_trace_stop_args,
	  "Ends the trace of a call, or one that waits for a call.", "name, call",
	  BY(command_call_trace_stop) },
	{ "call.trace.list", COMMAND_FOR_OPERATOR, g_trace_list_args,
	  "Lists traces, the newest first.", "a list: name, call, running, octets, started_utc_ms",
	  BY(command_call_trace_list),
	  LISTS("name", "started_utc_ms", true, "call,running,octets,started_utc_ms") },
	{ "call.trace.read", COMMAND_FOR_OPERATOR, g_trace_read_args,
	  "Reads on in a trace, also while it runs: up to 48 KiB.",
	  "offset, size (of the file), running, data (base64; empty at the end)",
	  BY(command_call_trace_read), .transient = true },
	{ "call.trace.delete", COMMAND_FOR_OPERATOR, g_trace_args,
	  "Deletes a trace that does not run.", "name", BY(command_call_trace_delete) },
	{ .name = NULL },
};

const struct command_arg g_no_args[] = { END };
const struct command_arg g_get_args[] = { NUMBER_ARG("Number of the extension."), END };
const struct command_arg g_call_args[] = { CALL_ARG, END };

/* In the order of enum order_record. */
const char *const g_record_states[] = { "on", "pause", "resume", "off", NULL };

const char *const g_call_legs[] = { "a", "b", NULL };
const char *const g_subscription_endings[] = { "deactivated", "probation",  "giveup",
					       "rejected",    "noresource", NULL };

static const struct command_arg g_node_args[] = { NODE_ARG, END };

static const struct command_arg g_node_get_args[] = {
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, NULL, "Name of the node, as node.list shows it.",
		 .required = true, .place = PLACE_NODE),
	END,
};

static const struct command_arg g_shard_args[] = {
	U64_ARG("shard", 1, UINT16_MAX, NULL, "Number of the shard, as shard.list shows it.",
		.required = true),
	NODE_ARG,
	END,
};

static const struct command_arg g_drain_args[] = {
	NODE_ARG,
	ON_ARG("false: it takes new calls again, as by node.undrain."),
	END,
};

static const struct command_arg g_take_args[] = {
	U64_ARG("shard", 1, UINT16_MAX, NULL, "Number of the shard.", .required = true),
	NODE_ARG,
	END,
};

static const struct command_arg g_rebalance_args[] = {
	BOOL_ARG("dry", "false", "true: says what would be moved, and moves nothing."),
	NODE_ARG,
	END,
};

static const struct command_arg g_remove_args[] = {
	TEXT_ARG("name", CHARSET_TEXT, 1, 63, NULL,
		 "Name of the node that is gone, or its 16 digits (cluster.status).",
		 .required = true),
	NODE_ARG,
	END,
};

static const struct command_arg g_level_args[] = {
	ENUM_ARG("level", g_log_levels, NULL,
		 "New level, until the next reload or start; without it the present one is "
		 "told."),
	NODE_ARG,
	END,
};

static const struct command_arg g_help_args[] = {
	TEXT_ARG("command", CHARSET_NAME, 1, 63, NULL,
		 "Only this command, or those that begin so: call."),
	END,
};

#define NODE_STATUS_WORDS                                                                        \
	"name, realm (of passwords), shard, version, uptime_ms, status, reasons, redis, epoch, " \
	"counts and limits"
#define SHARD_WORDS                                                                                \
	"shard, home (it is of this node), state (live: this node has it, waiting, lost, "         \
	"elsewhere: this node never has it), owner (of one elsewhere: the heard node that runs "   \
	"it), epoch, named (nodes that may claim it), age_ms (since its last renewal, as far as "  \
	"this node has seen); and where it is live: valid_ms (for so long it may speak; null: it " \
	"never falls silent), kept, why_not_kept (redis_away, redis_cluster: with Redis Cluster "  \
	"no replica is asked, no_link, replicas), live_utc_ms (since then)"

const struct command g_node_commands[] = {
	{ "node.list", COMMAND_FOR_OPERATOR, g_node_args,
	  "Lists the nodes of a cluster as a node of it sees them; in no cluster itself alone.",
	  "a list: name, id, address, state (self, heard, unheard: Redis says that it lives, "
	  "silent, left: it stopped or was removed), shards",
	  BY(command_node_list), LISTS("id", NULL, false, "name,id,address,state,shards") },
	{ "node.get", COMMAND_FOR_OPERATOR, g_node_get_args, "Shows how that node is.",
	  NODE_STATUS_WORDS, BY(command_node_status) },
	{ "node.status", COMMAND_FOR_OPERATOR, g_node_args, "Shows how a node is.",
	  NODE_STATUS_WORDS, BY(command_node_status) },
	{ "node.drain", COMMAND_FOR_OPERATOR, g_drain_args,
	  "Takes no new calls (503 with Retry-After, /readyz says so); calls go on. In a cluster "
	  "other nodes are asked to take its shards, with all calls. Until node.undrain or the "
	  "next start.",
	  "draining, calls", BY(command_node_drain), .of_node = true, .off = "node.undrain" },
	{ "node.undrain", COMMAND_FOR_OPERATOR, g_node_args, "Takes new calls again.",
	  "draining, calls", BY(command_node_undrain), .of_node = true },
	{ "shard.list", COMMAND_FOR_OPERATOR, g_node_args,
	  "Lists the shards that a node has, or may come to have, and those of other nodes.",
	  "a list: " SHARD_WORDS, BY(command_shard_list),
	  LISTS("shard", "shard", false, "shard,home,state,owner,epoch,named,kept") },
	{ "shard.get", COMMAND_FOR_OPERATOR, g_shard_args, "Shows one of them.", SHARD_WORDS,
	  BY(command_shard_get) },
	{ "shard.take", COMMAND_FOR_OPERATOR, g_take_args,
	  "Asks the node that has a shard of the cluster to give it to this one, with all its "
	  "calls. The answer does not wait for that: the log says when it is live. conflict: this "
	  "node has it, or is about to.",
	  "shard, holder", BY(command_shard_claim), .of_node = true },
	{ "cluster.status", COMMAND_FOR_OPERATOR, g_node_args,
	  "Shows a cluster as a node of it sees it.",
	  "name and id (of the node that answers), lease_ms, replicas (cluster.replicas), "
	  "redis_connected, leases_connected (the link that asks the replicas), nodes (as "
	  "node.list has them) and shards (as shard.list has them)",
	  BY(command_cluster_status) },
	{ "cluster.rebalance", COMMAND_FOR_OPERATOR, g_rebalance_args,
	  "Spreads the shards of a cluster evenly over the nodes that are heard and take calls: "
	  "first shards that are elsewhere go home, then the node with most shards gives to the "
	  "node with fewest. Shards at home stay there. As few as possible are moved, by "
	  "shard.take, with all their calls. The answer does not wait for that: the log of this "
	  "node says what was moved, and dry=true what is left. conflict: no other node is heard, "
	  "no node takes calls, or one does not say which shards are its own. busy: one is under "
	  "way.",
	  "dry, moves (a list: shard, from and to: nodes by name, why: home, drains: from takes no "
	  "calls, even) and unowned (numbers of shards that no node which is heard has: they are "
	  "left as they are)",
	  BY(command_cluster_rebalance) },
	{ "node.remove", COMMAND_FOR_OPERATOR, g_remove_args,
	  "Says that a node of the cluster, killed or lost, is gone for good: no lease names it "
	  "any more, so that the other nodes need not wait for it. A node that stops says so "
	  "itself. Of a node that has left, the line in Redis is removed. conflict: it lives.",
	  "name, id", BY(command_node_remove) },
	{ "health", COMMAND_FOR_READER, g_no_args,
	  "Shows whether the node is well, and what is wrong.",
	  "status, reasons and their counts, as /healthz says them", BY(command_health) },
	{ "lint", COMMAND_FOR_READER, g_no_args,
	  "Looks for mistakes in documents: emergency numbers that reach nobody, names that do not "
	  "exist, groups without members, flows and trunks that nothing leads to, forwards in a "
	  "circle, hours that never open, tokens that expired, and all that a put warns of. "
	  "Changes nothing.",
	  "a list: id, place (kind and name), reason, next (what to do)", BY(command_lint),
	  .columns = "place,reason,next", LISTS("id", NULL, false, "place,reason,next") },
	{ "log.level", COMMAND_FOR_OPERATOR, g_level_args, "Shows or sets the level of the log.",
	  "level", BY(command_log_level), .of_node = true },
	{ "help", COMMAND_FOR_READER, g_help_args, "Shows this table.",
	  "a list: name, for, help, result, arguments", BY(command_help), .own = "" },
	{ .name = NULL },
};
