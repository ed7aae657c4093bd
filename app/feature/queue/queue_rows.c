/* SPDX-License-Identifier: Apache-2.0 */
/* The row of queues in the list of features, with their commands, those of agents, and the feature
 * codes of agents' phones. */

#include "app/command/command_flow.h"
#include "app/command/table/table.h"
#include "app/feature/queue/queue.h"

#undef FIELD_OF
#define FIELD_OF struct queue_value
static const struct command_arg g_queue_args[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the queue."),
	END,
};
#undef FIELD_OF
static const struct command_arg g_queue_status_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL, "Name of the queue.",
		 .required = true),
	TEXT_ARG("node", CHARSET_TEXT, 1, 63, "all", "Only what the node of that name has counted.",
		 .place = PLACE_NODE),
	BOOL_ARG("sums", "false", "Without callers and agents."),
	END,
};
#define AGENT_NUMBER                                                                       \
	TEXT_ARG("number", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, NULL, "The extension.", \
		 .required = true)
static const struct command_arg g_agent_args[] = { AGENT_NUMBER, END };
static const struct command_arg g_agent_login_args[] = {
	AGENT_NUMBER,
	TEXT_ARG("at", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, "the phones of the extension",
		 "A number outside where queues ring him, in the name of the extension, until he "
		 "logs in without it. Who answers there takes the call by the key 1."),
	END,
};
static const struct command_arg g_agent_get_args[] = { NUMBER_ARG("The extension."), END };
static const struct command_arg g_not_ready_args[] = {
	AGENT_NUMBER,
	TEXT_ARG("reason", CHARSET_TEXT, 0, AGENT_REASON_MAX - 1, "empty", "Why, such as lunch."),
	END,
};

static const struct command_arg g_wrapup_args[] = {
	AGENT_NUMBER,
	TEXT_ARG("queue", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL, "The queue of the call.",
		 .required = true),
	TEXT_ARG("call", CHARSET_ID, ID_TEXT_LEN, ID_TEXT_LEN, NULL, "The call that is over.",
		 .required = true),
	U64_ARG("wrapup_s", 0, 3600, "0", "So long he is not rung."),
	BOOL_ARG("manual", "false", "He is not rung until he says that he is ready."),
	END,
};
static const struct command_arg g_disposition_args[] = {
	AGENT_NUMBER,
	TEXT_ARG("disposition", CHARSET_TEXT, 1, DISPOSITION_MAX - 1, NULL,
		 "One of the dispositions of the queue, or its place among them, from 1 on.",
		 .required = true),
	TEXT_ARG("call", CHARSET_ID, ID_TEXT_LEN, ID_TEXT_LEN, "the last one",
		 "Only if that is his last call."),
	END,
};

#define CALLBACK_ARGS                                                              \
	TEXT_ARG("queue", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL, "The queue.", \
		 .required = true),                                                \
		TEXT_ARG("number", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, NULL,   \
			 "The number that is called back.", .required = true)
static const struct command_arg g_callback_create_args[] = {
	CALLBACK_ARGS,
	TEXT_ARG("times", CHARSET_TEXT, 11, 11, "any",
		 "When the caller wants to be called, by the time of the tenant: 09:00-17:00."),
	U64_ARG("since_utc_ms", 0, INT64_MAX, "now", "Since when the caller has his place."),
	U64_ARG("priority", 0, QUEUE_PRIORITY_MAX, "that of the queue", "His priority."),
	BOOL_ARG("keyed", "false", "The caller has keyed the number (callback_keyed)."),
	BOOL_ARG("hides", "false", "The caller withholds the number: agents do not see it."),
	END,
};
static const struct command_arg g_callback_call_args[] = {
	CALLBACK_ARGS,
	U64_ARG("tries", 0, UINT8_MAX, NULL, "Only if it was called so often before."),
	END,
};
static const struct command_arg g_callback_delete_args[] = {
	CALLBACK_ARGS,
	TEXT_ARG("reason", CHARSET_NAME, 1, 16, "deleted",
		 "Why, as the event queue.callback has it."),
	END,
};
static const struct command_arg g_callback_list_args[] = {
	TEXT_ARG("queue", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL, "Only those of that queue."),
	END,
};

static const char *const g_queue_reports[] = { "queue",   "agent",       "reason",
					       "quarter", "disposition", NULL };
static const struct command_arg g_queue_report_args[] = {
	ENUM_ARG("by", g_queue_reports, "queue",
		 "What each row is of; reason: why agents were not ready; quarter: of an hour; "
		 "disposition: what came of calls."),
	SPAN_TIMES("happened"),
	TEXT_ARG("queue", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL,
		 "Only calls of that queue, and no times of agents."),
	U64_ARG("within_s", 0, 3600, "20", "Who is answered by then is answered in time."),
	U64_ARG("short_s", 0, 3600, "5", "Who gives up before is counted apart."),
	END,
};

static const struct command_arg g_queue_log_args[] = {
	SPAN_TIMES("happened"),
	TEXT_ARG("queue", CHARSET_NAME, 1, QUEUE_NAME_MAX - 1, NULL,
		 "Only that queue, and its agents' and others' states."),
	END,
};

static const struct command g_queue_commands[] = {
	{ "queue.put", COMMAND_FOR_ADMIN, g_queue_fields,
	  "Makes a queue, or changes the given fields: no agent and no caller changes by that. A "
	  "number leads to it by number.put with to=queue:NAME, and a flow by the verb queue.",
	  "the queue; warnings, of extensions and numbers that are not there yet",
	  BY(command_flow_kind_put), .documents = BY(&g_queue_documents) },
	{ "queue.get", COMMAND_FOR_READER, g_queue_args, "Shows a queue as it was put.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_queue_documents),
	  .shows = g_queue_fields },
	{ "queue.delete", COMMAND_FOR_ADMIN, g_queue_args,
	  "Deletes a queue. Callers who wait there leave it by the branch failed of the verb.",
	  "name", BY(document_delete), .documents = BY(&g_queue_documents) },
	{ "queue.list", COMMAND_FOR_READER, g_no_args, "Lists queues by name.", "a list of queues",
	  BY(command_document_list), .documents = BY(&g_queue_documents),
	  .columns = "name,strategy,members,priority" },
	{ "queue.status", COMMAND_FOR_READER, g_queue_status_args,
	  "Who waits in a queue now, at all nodes, and what its agents do. A node that does not "
	  "say within 2 s what it has counted is named in missing, as by call.list.",
	  "name, waiting, callbacks (callback.list); joined, answered, left, wait_s (of all those "
	  "answered) and answer_s (of each, on the average), counted by all nodes, each since it "
	  "started; callers (a list of call, node: that has the call, empty while none has it, "
	  "position, priority, rings, waited_s, estimate_s: by the last answers of the node that "
	  "is asked, 0: unknown) and agents (as agent.list)",
	  BY(queue_status) },
	{ "queue.report", COMMAND_FOR_READER, g_queue_report_args,
	  "Adds up how calls went through queues and what agents did, at all nodes, out of the "
	  "archive: by queue, agent, reason, disposition or quarter of an hour.",
	  "by, since_utc_ms, until_utc_ms, rows: a list of a key (queue, agent, reason; quarter, "
	  "as "
	  "2026-11-30T14:15Z; disposition), offered, answered, in_time (of them within within_s), "
	  "abandoned, "
	  "abandoned_short (before short_s), other (who left by a key, after the longest wait, or "
	  "as "
	  "no agent was there), disposed (what came of them agents said), wait_s and wait_max_s "
	  "(of those answered), talk_s (of agents, when "
	  "that ended), ready_s, not_ready_s, wrapup_s (of agents; who wraps up is ready), "
	  "occupancy_percent "
	  "(talk and wrap-up of ready; absent: nobody was ready)",
	  BY(queue_report), .transient = true },
	{ "queue.log", COMMAND_FOR_READER, g_queue_log_args,
	  "What befell queues and agents as lines of Asterisk's queue_log, which reporting tools "
	  "read, out of the archive: the oldest first, 20,000 events at most. What of Asterisk's "
	  "fields is not known is empty.",
	  "since_utc_ms, until_utc_ms, lines (a list): ENTERQUEUE, CONNECT, COMPLETEAGENT, "
	  "COMPLETECALLER, "
	  "ABANDON, EXITWITHTIMEOUT, EXITWITHKEY, EXITEMPTY (no agent was there, or the call went "
	  "on elsewhere), AGENTLOGIN, AGENTLOGOFF, PAUSEALL, UNPAUSEALL, CALLSTATUS (with the "
	  "disposition)",
	  BY(queue_log), .transient = true },
	{ "callback.create", COMMAND_FOR_APPLICATION, g_callback_create_args,
	  "Has a number called back when it is its turn in a queue (callback of queue.put). A "
	  "number that has a callback there, in whatever spelling, keeps it as it is. not_allowed: "
	  "the number is no extension, and callback_payer of the queue may not call it, or did.put "
	  "has it. conflict: callback_max, or the number has callbacks in three queues.",
	  "the callback", BY(document_put), .documents = BY(&g_callback_documents),
	  .shows = g_callback_fields, .by_flow = true },
	{ "callback.call", COMMAND_FOR_APPLICATION, g_callback_call_args,
	  "Calls it back now: it is one of its tries. When it answers, it waits in the queue at "
	  "its "
	  "place. conflict: its phone may be ringing, or it is over.",
	  "the callback, and call", BY(callback_call), .documents = BY(&g_callback_documents),
	  .shows = g_callback_fields },
	{ "callback.delete", COMMAND_FOR_APPLICATION, g_callback_delete_args,
	  "The number is not called back. A call to it that has begun goes on.", "callback",
	  BY(document_delete), .documents = BY(&g_callback_documents) },
	{ "callback.list", COMMAND_FOR_READER, g_callback_list_args,
	  "Lists callbacks, in the order of their queues.",
	  "a list of queue, number, position (among all who wait), priority, waited_s, times, "
	  "tries, "
	  "calls (its phone may be ringing), next_utc_ms (not before; 0: at any time)",
	  BY(callback_list), .columns = "queue,number,position,waited_s,tries,calls" },
	{ "agent.login", COMMAND_FOR_APPLICATION, g_agent_login_args,
	  "Logs an extension in as an agent, ready for calls of the queues of which it is a "
	  "member. On all nodes, and over a restart. not_allowed: the extension may not call at, "
	  "or the number is the tenant's own.",
	  "number, state, reason", BY(document_put), .documents = BY(&g_agent_documents),
	  .own = "number" },
	{ "agent.logout", COMMAND_FOR_APPLICATION, g_agent_args,
	  "Logs an agent out. A call that he has goes on.", "number", BY(document_delete),
	  .documents = BY(&g_agent_documents), .own = "number" },
	{ "agent.ready", COMMAND_FOR_APPLICATION, g_agent_args,
	  "An agent who is logged in takes calls of queues again.", "number, state, reason",
	  BY(document_put), .documents = BY(&g_agent_documents), .own = "number" },
	{ "agent.not_ready", COMMAND_FOR_APPLICATION, g_not_ready_args,
	  "An agent who is logged in takes no calls of queues. A call that he has goes on.",
	  "number, state, reason", BY(document_put), .documents = BY(&g_agent_documents),
	  .own = "number", .by_flow = true },
	{ "agent.wrapup", COMMAND_FOR_APPLICATION, g_wrapup_args,
	  "The agent's call of a queue is over: he wraps up, if he is ready. Nodes give this "
	  "command "
	  "by themselves, by what the queue has (wrapup, wrapup_s, dispositions of queue.put). "
	  "conflict: that call was told of before.",
	  "as agent.ready", BY(document_put), .documents = BY(&g_agent_documents), .by_flow = true,
	  .often = true },
	{ "agent.disposition", COMMAND_FOR_APPLICATION, g_disposition_args,
	  "Says what came of the agent's last call of a queue that has dispositions, and ends his "
	  "wrap-up. Once more: the last one counts. conflict: it is another call, or there was "
	  "none.",
	  "as agent.ready", BY(document_put), .documents = BY(&g_agent_documents),
	  .own = "number" },
	{ "agent.get", COMMAND_FOR_READER, g_agent_get_args,
	  "Shows an agent, or a member of queues who is not logged in, with his queues.",
	  "number, state (out: not logged in), reason, and where he is logged in what agent.list "
	  "has, at (the phone outside where he is rung, or empty), last_queue, last_call, "
	  "disposition (of that call; empty: he has not said), "
	  "dispositions (a list: that queue's), wrapup_until_utc_ms (while he wraps up; 0: until "
	  "he "
	  "says more); queues (a list of name, waiting, waited_s: of who waits longest, agents: "
	  "logged "
	  "in, ready: of them)",
	  BY(agent_get), .own = "number" },
	{ "agent.list", COMMAND_FOR_READER, g_no_args, "Lists the agents who are logged in.",
	  "a list of number, state, reason, now (busy: he has a call; ready, not_ready, reserved, "
	  "wrapup, or resting: he did not answer), calls (of queues, since this node started), "
	  "talk_s (in them), missed (in a row) and call (for which he is reserved)",
	  BY(agent_list), .columns = "number,state,reason,now,calls,missed" },
	{ .name = NULL },
};

const struct app_feature g_queue_feature = {
	.name = "queue",
	.commands = g_queue_commands,
	.metrics = BY(g_queue_metric_rows),
	.second = BY(queue_second),
	.documents = KINDS(&g_queue_documents, &g_agent_documents, &g_callback_documents),
	.codes = CODES({ "agent.login", FEATURE_AGENT_IN, agent_code_args },
		       { "agent.logout", FEATURE_AGENT_OUT, agent_code_args },
		       { "agent.ready", FEATURE_AGENT_READY, agent_code_args },
		       { "agent.not_ready", FEATURE_AGENT_NOT_READY, agent_code_args },
		       { "agent.disposition", FEATURE_AGENT_DISPOSITION, agent_code_args }),
};
