/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_order.h"
#include "app/command/command_start.h"
#include "app/schema/command.h"

#include <errno.h>

#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "tests/unit/test.h"

#define MARK "<!-- From here on written by tandemctl help api. -->\n"

/* The order of a command with these arguments. */
static struct call_order order_of(struct command_run *run, const char *command, json_t *args)
{
	struct call_order order = { 0 };
	struct command_error e = { 0 };

	run->command = command_find(bytes_str(command));
	if (command_check(run->command, args, run->values, &e))
		fail_msg("%s: %s", command, e.message);
	field_order(run, &order);
	return order;
}

static void test_order(void **state)
{
	static struct command_run run;
	json_t *args = json_pack("{s:s, s:s, s:s, s:i}", "call", "0000000000000", "leg", "b", "to",
				 "tel:+43-1-23", "ring_s", 7);
	struct call_order order = order_of(&run, "call.transfer", args);

	(void)state;
	assert_int_equal(order.leg, SHARD_LEG_CALLEE);
	assert_true(bytes_is(order.to, "+43123"));
	assert_int_equal(order.seconds, 7);
	json_decref(args);

	args = json_pack("{s:s}", "call", "0000000000000");
	order = order_of(&run, "call.reject", args);
	assert_int_equal(order.status, 486);
	assert_int_equal(order.phrase.n, 0);
	order = order_of(&run, "call.account_code", args);
	assert_int_equal(order.to.n, 0);
	json_decref(args);

	args = json_pack("{s:s, s:s, s:s, s:s}", "call", "0000000000000", "leg", "a", "state",
			 "pause", "to", "siprec");
	order = order_of(&run, "call.record", args);
	assert_int_equal(order.leg, SHARD_LEG_CALLER);
	assert_int_equal(order.record, ORDER_RECORD_PAUSE);
	assert_int_equal(order.record_to, ORDER_RECORD_TO_SIPREC);
	json_decref(args);
}

static void test_presets(void **state)
{
	static struct command_run run;
	struct prompt_terms terms = { .ends = "#" };
	struct command_error e;
	json_t *args = json_pack("{s:s, s:i}", "call", "0000000000000", "max", 5);

	(void)state;
	run.command = command_find(BYTES_LIT("call.collect"));
	assert_int_equal(command_check(run.command, args, run.values, &e), 0);
	field_order(&run, &terms);
	assert_int_equal(terms.max, 5);
	assert_int_equal(terms.min, 1);
	assert_int_equal(terms.first_ms, 5000);
	assert_int_equal(terms.inter_ms, 3000);
	assert_string_equal(terms.ends, "#");
	assert_false(command_value(&run, "first_ms")->given);
	json_decref(args);
}

static void test_secret_is_not_repeated(void **state)
{
	struct command_value values[COMMAND_ARGS_MAX];
	struct command_error e = { 0 };
	json_t *args = json_loads("{\"number\":\"1\",\"password\":\"hunter2\\u0007\"}", 0, NULL),
	       *json;
	char *text;

	(void)state;
	assert_int_equal(command_check(command_find(BYTES_LIT("extension.put")), args, values, &e),
			 -EINVAL);
	json = command_error_json(&e);
	text = json_dumps(json, 0);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "\"argument\": \"password\""));
	free(text);
	json_decref(json);
	json_decref(args);
}

/* The table keeps its own rules. */
static void test_table(void **state)
{
	(void)state;
	COMMAND_EACH (c) {
		size_t count = 0;

		ROW_ASSERT(c->name, command_find(bytes_str(c->name)) == c); /* no name twice */
		ROW_ASSERT(c->name, c->fn && c->help[0] && c->result[0]);
		for (const struct command_arg *arg = c->args; arg->name; arg++, count++) {
			ROW_ASSERT(c->name, command_arg_find(c, bytes_str(arg->name)) == arg);
			ROW_ASSERT(c->name, arg->help && arg->min <= arg->max);
			/* on of call.hold makes it call.resume */
			ROW_ASSERT(c->name, c->fn != command_call_order || arg->field.kind ||
						    arg->place == PLACE_ID || c->off);
			ROW_ASSERT(c->name, (arg->type == ARG_ENUM || arg->type == ARG_LIST) ==
						    (arg->names != NULL));
			ROW_ASSERT(c->name, arg->type != ARG_LIST || arg->max <= COMMAND_LIST_MAX);
		}
		ROW_ASSERT(c->name, count <= COMMAND_ARGS_MAX);
	}
	for (int code = 0; code < COMMAND_ERROR_CODES; code++)
		assert_non_null(command_error_name((enum command_error_code)code));
}

/* What is named by an id of a shard, or by a file or the name of a node, is left to the node that has it. The other call of a join is where the first
 * one is, and who joins a conference where that is. */
static void test_places(void **state)
{
	(void)state;
	COMMAND_EACH (c) {
		bool file = bytes_starts(bytes_str(c->name), "call.trace.");

		for (const struct command_arg *arg = c->args; arg->name; arg++) {
			bool joins =
				!strcmp(c->name, "conference.join") && !strcmp(arg->name, "call");
			bool said =
				!strcmp(c->name, "prompt.put") && !strcmp(arg->name, "recording");
			/* the call is over, or another command is given for it */
			bool any = bytes_starts(bytes_str(c->name), "history.") ||
				   bytes_starts(bytes_str(c->name), "agent.");
			bool id = said || (arg->charset == CHARSET_ID && !joins && !any &&
					   strcmp(arg->name, "with") && strcmp(arg->name, "etag"));
			bool name = file && !strcmp(arg->name, "name");
			bool node = !strcmp(arg->name, "node");

			ROW_ASSERT(c->name, arg->place == (id     ? PLACE_ID
							   : name ? PLACE_TRACE
							   : node ? PLACE_NODE
								  : PLACE_ANY));
		}
	}
}

/* Whoever mistypes a name reads all that there are. */
static void test_names_are_all_said(void **state)
{
	(void)state;
	COMMAND_EACH (c) {
		struct command_value values[COMMAND_ARGS_MAX];
		struct command_error e = { 0 };
		json_t *args = json_pack("{s:s}", "no such name", "x");

		assert_int_equal(command_check(c, args, values, &e), -EINVAL);
		ROW_ASSERT(c->name, strstr(e.message, " and nothing else"));
		for (const struct command_arg *arg = c->args; arg->name; arg++)
			ROW_ASSERT(arg->name, strstr(e.message, arg->name));
		json_decref(args);
	}
}

static json_t *g_answer;
static char g_message[512];

static void on_answer(json_t *answer, void *arg)
{
	assert_null(g_answer);
	assert_ptr_equal(arg, &g_answer);
	g_answer = answer;
}

static const char *start(enum command_role role, const char *name, const char *args)
{
	static char code[64];
	struct command_principal who = { .tenant = "default", .role = role };
	json_t *json = json_loads(args, 0, NULL);
	const char *text;

	command_start(NULL, &who, bytes_str(name), BYTES_LIT("t"), json, on_answer, &g_answer);
	json_decref(json);
	assert_non_null(g_answer);
	text = json_string_value(json_object_get(json_object_get(g_answer, "error"), "code"));
	(void)snprintf(code, sizeof(code), "%s", text ? text : "ok");
	text = json_string_value(json_object_get(json_object_get(g_answer, "error"), "message"));
	(void)snprintf(g_message, sizeof(g_message), "%s", text ? text : "");
	json_decref(g_answer);
	g_answer = NULL;
	return code;
}

static void test_permission(void **state)
{
	(void)state;
	assert_string_equal(start(COMMAND_FOR_READER, "log.level", "{}"), "not_allowed");
	assert_string_equal(start(COMMAND_FOR_OPERATOR, "log.level", "{}"), "ok");
	assert_string_equal(start(COMMAND_FOR_READER, "help", "{}"), "ok");
	assert_string_equal(start(COMMAND_FOR_READER, "help", "{\"command\":\"call.list\"}"), "ok");
	assert_string_equal(start(COMMAND_FOR_READER, "help", "{\"command\":\"nothing\"}"),
			    "not_found");
	assert_string_equal(start(COMMAND_FOR_OPERATOR, "reboot", "{}"), "unknown_command");
	assert_string_equal(start(COMMAND_FOR_OPERATOR, "help", "{\"x\":1}"), "unknown_argument");
	assert_string_equal(start(COMMAND_FOR_APPLICATION, "call.hangup",
				  "{\"call\":\"vvvvvvvvvvvvv\"}"),
			    "bad_argument"); /* more than 64 bits */
}

/* The least role of each command. Who adds one says here who may. */
static const struct {
	const char *name;
	enum command_role role;
} ROLES[] = {
	{ "extension.put", COMMAND_FOR_ADMIN },
	{ "extension.get", COMMAND_FOR_READER },
	{ "extension.secret", COMMAND_FOR_ADMIN },
	{ "extension.page", COMMAND_FOR_ADMIN },
	{ "extension.presence", COMMAND_FOR_APPLICATION },
	{ "presence.set", COMMAND_FOR_APPLICATION },
	{ "presence.get", COMMAND_FOR_READER },
	{ "presence.publish", COMMAND_FOR_APPLICATION },
	{ "extension.greeting", COMMAND_FOR_APPLICATION },
	{ "extension.delete", COMMAND_FOR_ADMIN },
	{ "extension.list", COMMAND_FOR_READER },
	{ "profile.put", COMMAND_FOR_ADMIN },
	{ "profile.get", COMMAND_FOR_READER },
	{ "profile.delete", COMMAND_FOR_ADMIN },
	{ "profile.list", COMMAND_FOR_READER },
	{ "profile.range.put", COMMAND_FOR_ADMIN },
	{ "profile.range.delete", COMMAND_FOR_ADMIN },
	{ "profile.range.list", COMMAND_FOR_READER },
	{ "dialplan.put", COMMAND_FOR_ADMIN },
	{ "dialplan.show", COMMAND_FOR_READER },
	{ "dialplan.delete", COMMAND_FOR_ADMIN },
	{ "dialplan.check", COMMAND_FOR_READER },
	{ "dialplan.digit_map", COMMAND_FOR_READER },
	{ "toll.show", COMMAND_FOR_READER },
	{ "toll.reset", COMMAND_FOR_ADMIN },
	{ "tenant.put", COMMAND_FOR_OPERATOR },
	{ "tenant.show", COMMAND_FOR_OPERATOR },
	{ "tenant.delete", COMMAND_FOR_OPERATOR },
	{ "tenant.list", COMMAND_FOR_OPERATOR },
	{ "tenant.status", COMMAND_FOR_READER },
	{ "did.put", COMMAND_FOR_ADMIN },
	{ "did.show", COMMAND_FOR_READER },
	{ "did.delete", COMMAND_FOR_ADMIN },
	{ "did.list", COMMAND_FOR_READER },
	{ "location.put", COMMAND_FOR_ADMIN },
	{ "location.show", COMMAND_FOR_READER },
	{ "location.delete", COMMAND_FOR_ADMIN },
	{ "location.list", COMMAND_FOR_READER },
	{ "room.put", COMMAND_FOR_ADMIN },
	{ "room.show", COMMAND_FOR_READER },
	{ "room.delete", COMMAND_FOR_ADMIN },
	{ "room.list", COMMAND_FOR_READER },
	{ "token.create", COMMAND_FOR_ADMIN },
	{ "token.put", COMMAND_FOR_ADMIN },
	{ "token.get", COMMAND_FOR_ADMIN },
	{ "token.delete", COMMAND_FOR_ADMIN },
	{ "token.list", COMMAND_FOR_ADMIN },
	{ "webhook.put", COMMAND_FOR_ADMIN },
	{ "webhook.get", COMMAND_FOR_READER },
	{ "webhook.delete", COMMAND_FOR_ADMIN },
	{ "webhook.list", COMMAND_FOR_READER },
	{ "webhook.dead", COMMAND_FOR_READER },
	{ "webhook.replay", COMMAND_FOR_ADMIN },
	{ "webhook.test", COMMAND_FOR_ADMIN },
	{ "session.create", COMMAND_FOR_READER },
	{ "session.open", COMMAND_FOR_ADMIN },
	{ "session.renew", COMMAND_FOR_ADMIN },
	{ "session.list", COMMAND_FOR_ADMIN },
	{ "session.delete", COMMAND_FOR_ADMIN },
	{ "login.get", COMMAND_FOR_READER },
	{ "login.callback", COMMAND_FOR_READER },
	{ "login.redeem", COMMAND_FOR_READER },
	{ "set.apply", COMMAND_FOR_ADMIN },
	{ "set.stage", COMMAND_FOR_ADMIN },
	{ "backup.read", COMMAND_FOR_OPERATOR },
	{ "backup.restore", COMMAND_FOR_OPERATOR },
	{ "set.rollback", COMMAND_FOR_ADMIN },
	{ "set.show", COMMAND_FOR_ADMIN },
	{ "set.list", COMMAND_FOR_ADMIN },
	{ "set.delete", COMMAND_FOR_ADMIN },
	{ "hours.put", COMMAND_FOR_ADMIN },
	{ "hours.get", COMMAND_FOR_READER },
	{ "hours.delete", COMMAND_FOR_ADMIN },
	{ "hours.list", COMMAND_FOR_READER },
	{ "hours.override", COMMAND_FOR_APPLICATION },
	{ "hours.check", COMMAND_FOR_READER },
	{ "contact.add", COMMAND_FOR_APPLICATION },
	{ "contact.put", COMMAND_FOR_APPLICATION },
	{ "contact.get", COMMAND_FOR_READER },
	{ "contact.delete", COMMAND_FOR_APPLICATION },
	{ "contact.list", COMMAND_FOR_READER },
	{ "contact.find", COMMAND_FOR_READER },
	{ "contact.pin", COMMAND_FOR_APPLICATION },
	{ "contact.import", COMMAND_FOR_APPLICATION },
	{ "contact.export", COMMAND_FOR_READER },
	{ "contact.note.add", COMMAND_FOR_APPLICATION },
	{ "contact.note.put", COMMAND_FOR_APPLICATION },
	{ "contact.note.delete", COMMAND_FOR_APPLICATION },
	{ "contact.note.list", COMMAND_FOR_READER },
	{ "contact.backup", COMMAND_FOR_OPERATOR },
	{ "contact.restore", COMMAND_FOR_OPERATOR },
	{ "directory.list", COMMAND_FOR_READER },
	{ "directory.profile.put", COMMAND_FOR_ADMIN },
	{ "directory.profile.get", COMMAND_FOR_READER },
	{ "directory.profile.delete", COMMAND_FOR_ADMIN },
	{ "directory.profile.list", COMMAND_FOR_READER },
	{ "directory.add", COMMAND_FOR_APPLICATION },
	{ "directory.put", COMMAND_FOR_APPLICATION },
	{ "directory.get", COMMAND_FOR_READER },
	{ "directory.delete", COMMAND_FOR_APPLICATION },
	{ "directory.import", COMMAND_FOR_APPLICATION },
	{ "directory.export", COMMAND_FOR_READER },
	{ "picture.put", COMMAND_FOR_APPLICATION },
	{ "picture.get", COMMAND_FOR_READER },
	{ "picture.delete", COMMAND_FOR_APPLICATION },
	{ "sync.put", COMMAND_FOR_APPLICATION },
	{ "sync.get", COMMAND_FOR_READER },
	{ "sync.list", COMMAND_FOR_READER },
	{ "sync.delete", COMMAND_FOR_APPLICATION },
	{ "sync.copy", COMMAND_FOR_ADMIN },
	{ "sync.run", COMMAND_FOR_APPLICATION },
	{ "sync.state", COMMAND_FOR_READER },
	{ "greeting.put", COMMAND_FOR_ADMIN },
	{ "greeting.record", COMMAND_FOR_ADMIN },
	{ "greeting.hear", COMMAND_FOR_ADMIN },
	{ "greeting.delete", COMMAND_FOR_ADMIN },
	{ "greeting.list", COMMAND_FOR_READER },
	{ "prompt.put", COMMAND_FOR_ADMIN },
	{ "prompt.get", COMMAND_FOR_READER },
	{ "prompt.delete", COMMAND_FOR_ADMIN },
	{ "prompt.record", COMMAND_FOR_ADMIN },
	{ "prompt.list", COMMAND_FOR_READER },
	{ "route.put", COMMAND_FOR_ADMIN },
	{ "route.show", COMMAND_FOR_READER },
	{ "route.delete", COMMAND_FOR_ADMIN },
	{ "route.list", COMMAND_FOR_READER },
	{ "trunk.put", COMMAND_FOR_OPERATOR },
	{ "trunk.show", COMMAND_FOR_READER },
	{ "trunk.delete", COMMAND_FOR_OPERATOR },
	{ "trunk.list", COMMAND_FOR_READER },
	{ "flow.put", COMMAND_FOR_ADMIN },
	{ "flow.get", COMMAND_FOR_READER },
	{ "flow.export", COMMAND_FOR_READER },
	{ "flow.graph", COMMAND_FOR_READER },
	{ "flow.delete", COMMAND_FOR_ADMIN },
	{ "flow.list", COMMAND_FOR_READER },
	{ "flow.try", COMMAND_FOR_READER },
	{ "flow.trace", COMMAND_FOR_ADMIN },
	{ "call.run", COMMAND_FOR_APPLICATION },
	{ "call.flow", COMMAND_FOR_READER },
	{ "number.put", COMMAND_FOR_ADMIN },
	{ "number.get", COMMAND_FOR_READER },
	{ "number.delete", COMMAND_FOR_ADMIN },
	{ "number.list", COMMAND_FOR_READER },
	{ "account.put", COMMAND_FOR_ADMIN },
	{ "account.get", COMMAND_FOR_READER },
	{ "account.delete", COMMAND_FOR_ADMIN },
	{ "account.list", COMMAND_FOR_READER },
	{ "call.account_code", COMMAND_FOR_APPLICATION },
	{ "group.put", COMMAND_FOR_ADMIN },
	{ "group.get", COMMAND_FOR_READER },
	{ "group.delete", COMMAND_FOR_ADMIN },
	{ "group.list", COMMAND_FOR_READER },
	{ "group.login", COMMAND_FOR_APPLICATION },
	{ "group.logout", COMMAND_FOR_APPLICATION },
	{ "device.put", COMMAND_FOR_ADMIN },
	{ "device.get", COMMAND_FOR_READER },
	{ "device.delete", COMMAND_FOR_ADMIN },
	{ "device.list", COMMAND_FOR_READER },
	{ "device.sync", COMMAND_FOR_APPLICATION },
	{ "device.roll", COMMAND_FOR_ADMIN },
	{ "device.profile.put", COMMAND_FOR_ADMIN },
	{ "device.profile.get", COMMAND_FOR_READER },
	{ "device.profile.delete", COMMAND_FOR_ADMIN },
	{ "device.profile.list", COMMAND_FOR_READER },
	{ "device.login", COMMAND_FOR_APPLICATION },
	{ "device.logout", COMMAND_FOR_APPLICATION },
	{ "device.mine", COMMAND_FOR_READER },
	{ "queue.put", COMMAND_FOR_ADMIN },
	{ "queue.get", COMMAND_FOR_READER },
	{ "queue.delete", COMMAND_FOR_ADMIN },
	{ "queue.list", COMMAND_FOR_READER },
	{ "queue.status", COMMAND_FOR_READER },
	{ "queue.report", COMMAND_FOR_READER },
	{ "queue.log", COMMAND_FOR_READER },
	{ "callback.create", COMMAND_FOR_APPLICATION },
	{ "callback.call", COMMAND_FOR_APPLICATION },
	{ "callback.delete", COMMAND_FOR_APPLICATION },
	{ "callback.list", COMMAND_FOR_READER },
	{ "agent.login", COMMAND_FOR_APPLICATION },
	{ "agent.logout", COMMAND_FOR_APPLICATION },
	{ "agent.ready", COMMAND_FOR_APPLICATION },
	{ "agent.not_ready", COMMAND_FOR_APPLICATION },
	{ "agent.wrapup", COMMAND_FOR_APPLICATION },
	{ "agent.disposition", COMMAND_FOR_APPLICATION },
	{ "agent.get", COMMAND_FOR_READER },
	{ "agent.list", COMMAND_FOR_READER },
	{ "page.put", COMMAND_FOR_ADMIN },
	{ "page.get", COMMAND_FOR_READER },
	{ "page.delete", COMMAND_FOR_ADMIN },
	{ "page.list", COMMAND_FOR_READER },
	{ "page.ring", COMMAND_FOR_APPLICATION },
	{ "page.play", COMMAND_FOR_APPLICATION },
	{ "page.choice.put", COMMAND_FOR_ADMIN },
	{ "page.choice.get", COMMAND_FOR_READER },
	{ "page.choice.delete", COMMAND_FOR_ADMIN },
	{ "page.choice.list", COMMAND_FOR_READER },
	{ "bell.put", COMMAND_FOR_ADMIN },
	{ "bell.get", COMMAND_FOR_READER },
	{ "bell.delete", COMMAND_FOR_ADMIN },
	{ "bell.list", COMMAND_FOR_READER },
	{ "crm.put", COMMAND_FOR_ADMIN },
	{ "crm.get", COMMAND_FOR_READER },
	{ "crm.delete", COMMAND_FOR_ADMIN },
	{ "crm.list", COMMAND_FOR_READER },
	{ "crm.softphone", COMMAND_FOR_READER },
	{ "crm.call", COMMAND_FOR_READER },
	{ "crm.definition", COMMAND_FOR_ADMIN },
	{ "supervisor.put", COMMAND_FOR_ADMIN },
	{ "supervisor.get", COMMAND_FOR_READER },
	{ "supervisor.delete", COMMAND_FOR_ADMIN },
	{ "supervisor.list", COMMAND_FOR_READER },
	{ "supervisor.monitor", COMMAND_FOR_APPLICATION },
	{ "call.list", COMMAND_FOR_READER },
	{ "call.show", COMMAND_FOR_READER },
	{ "call.leg.list", COMMAND_FOR_READER },
	{ "call.leg.show", COMMAND_FOR_READER },
	{ "call.doctor", COMMAND_FOR_READER },
	{ "call.hangup", COMMAND_FOR_APPLICATION },
	{ "call.originate", COMMAND_FOR_APPLICATION },
	{ "call.answer", COMMAND_FOR_APPLICATION },
	{ "call.keep", COMMAND_FOR_APPLICATION },
	{ "call.play", COMMAND_FOR_APPLICATION },
	{ "call.play_control", COMMAND_FOR_APPLICATION },
	{ "call.stream", COMMAND_FOR_APPLICATION },
	{ "call.stop", COMMAND_FOR_APPLICATION },
	{ "call.collect", COMMAND_FOR_APPLICATION },
	{ "call.record_message", COMMAND_FOR_APPLICATION },
	{ "call.split", COMMAND_FOR_APPLICATION },
	{ "call.park", COMMAND_FOR_APPLICATION },
	{ "call.retrieve", COMMAND_FOR_APPLICATION },
	{ "call.hold", COMMAND_FOR_APPLICATION },
	{ "call.resume", COMMAND_FOR_APPLICATION },
	{ "call.mute", COMMAND_FOR_APPLICATION },
	{ "call.record", COMMAND_FOR_APPLICATION },
	{ "call.transfer", COMMAND_FOR_APPLICATION },
	{ "call.transfer_cancel", COMMAND_FOR_APPLICATION },
	{ "call.deflect", COMMAND_FOR_APPLICATION },
	{ "call.pickup", COMMAND_FOR_APPLICATION },
	{ "call.link", COMMAND_FOR_APPLICATION },
	{ "call.accept", COMMAND_FOR_APPLICATION },
	{ "call.reject", COMMAND_FOR_APPLICATION },
	{ "call.join", COMMAND_FOR_APPLICATION },
	{ "conference.list", COMMAND_FOR_READER },
	{ "conference.get", COMMAND_FOR_READER },
	{ "conference.add", COMMAND_FOR_APPLICATION },
	{ "conference.invite", COMMAND_FOR_APPLICATION },
	{ "conference.join", COMMAND_FOR_APPLICATION },
	{ "conference.monitor", COMMAND_FOR_APPLICATION },
	{ "conference.drop", COMMAND_FOR_APPLICATION },
	{ "conference.mute", COMMAND_FOR_APPLICATION },
	{ "conference.unmute", COMMAND_FOR_APPLICATION },
	{ "conference.hold", COMMAND_FOR_APPLICATION },
	{ "conference.resume", COMMAND_FOR_APPLICATION },
	{ "conference.deaf", COMMAND_FOR_APPLICATION },
	{ "conference.gain", COMMAND_FOR_APPLICATION },
	{ "conference.coach", COMMAND_FOR_APPLICATION },
	{ "conference.host", COMMAND_FOR_APPLICATION },
	{ "conference.mute_all", COMMAND_FOR_APPLICATION },
	{ "conference.unmute_all", COMMAND_FOR_APPLICATION },
	{ "conference.hold_all", COMMAND_FOR_APPLICATION },
	{ "conference.resume_all", COMMAND_FOR_APPLICATION },
	{ "conference.lock", COMMAND_FOR_APPLICATION },
	{ "conference.unlock", COMMAND_FOR_APPLICATION },
	{ "conference.end", COMMAND_FOR_APPLICATION },
	{ "conference.play", COMMAND_FOR_APPLICATION },
	{ "conference.stream", COMMAND_FOR_APPLICATION },
	{ "conference.stop", COMMAND_FOR_APPLICATION },
	{ "conference.record", COMMAND_FOR_APPLICATION },
	{ "park.list", COMMAND_FOR_READER },
	{ "call.dtmf", COMMAND_FOR_APPLICATION },
	{ "call.trace.start", COMMAND_FOR_OPERATOR },
	{ "call.trace.stop", COMMAND_FOR_OPERATOR },
	{ "call.trace.list", COMMAND_FOR_OPERATOR },
	{ "call.trace.read", COMMAND_FOR_OPERATOR },
	{ "call.trace.delete", COMMAND_FOR_OPERATOR },
	{ "recording.list", COMMAND_FOR_READER },
	{ "recording.get", COMMAND_FOR_READER },
	{ "recording.link", COMMAND_FOR_APPLICATION },
	{ "recording.put", COMMAND_FOR_APPLICATION },
	{ "recording.delete", COMMAND_FOR_APPLICATION },
	{ "recording.look", COMMAND_FOR_OPERATOR },
	{ "message.list", COMMAND_FOR_READER },
	{ "message.count", COMMAND_FOR_READER },
	{ "message.get", COMMAND_FOR_READER },
	{ "message.put", COMMAND_FOR_APPLICATION },
	{ "message.delete", COMMAND_FOR_APPLICATION },
	{ "message.undelete", COMMAND_FOR_APPLICATION },
	{ "message.forward", COMMAND_FOR_APPLICATION },
	{ "message.introduce", COMMAND_FOR_APPLICATION },
	{ "message.link", COMMAND_FOR_APPLICATION },
	{ "delivery.list", COMMAND_FOR_ADMIN },
	{ "delivery.retry", COMMAND_FOR_ADMIN },
	{ "sip.recent", COMMAND_FOR_OPERATOR },
	{ "call.why", COMMAND_FOR_OPERATOR },
	{ "security.list", COMMAND_FOR_OPERATOR },
	{ "audit.list", COMMAND_FOR_ADMIN },
	{ "registration.list", COMMAND_FOR_READER },
	{ "subscription.list", COMMAND_FOR_READER },
	{ "subscription.end", COMMAND_FOR_ADMIN },
	{ "cdr.list", COMMAND_FOR_READER },
	{ "history.list", COMMAND_FOR_READER },
	{ "history.get", COMMAND_FOR_READER },
	{ "history.hide", COMMAND_FOR_ADMIN },
	{ "history.clear", COMMAND_FOR_ADMIN },
	{ "history.note", COMMAND_FOR_APPLICATION },
	{ "history.log", COMMAND_FOR_APPLICATION },
	{ "history.unlogged", COMMAND_FOR_READER },
	{ "history.erase", COMMAND_FOR_ADMIN },
	{ "history.export", COMMAND_FOR_ADMIN },
	{ "history.report", COMMAND_FOR_READER },
	{ "archive.list", COMMAND_FOR_ADMIN },
	{ "archive.query", COMMAND_FOR_OPERATOR },
	{ "seat.list", COMMAND_FOR_READER },
	{ "document.history", COMMAND_FOR_ADMIN },
	{ "document.diff", COMMAND_FOR_ADMIN },
	{ "document.restore", COMMAND_FOR_ADMIN },
	{ "capacity.list", COMMAND_FOR_OPERATOR },
	{ "setting.list", COMMAND_FOR_OPERATOR },
	{ "dialplan.number.list", COMMAND_FOR_READER },
	{ "browser.key", COMMAND_FOR_READER },
	{ "browser.add", COMMAND_FOR_APPLICATION },
	{ "browser.list", COMMAND_FOR_READER },
	{ "browser.delete", COMMAND_FOR_APPLICATION },
	{ "node.list", COMMAND_FOR_OPERATOR },
	{ "node.get", COMMAND_FOR_OPERATOR },
	{ "node.status", COMMAND_FOR_OPERATOR },
	{ "node.drain", COMMAND_FOR_OPERATOR },
	{ "node.undrain", COMMAND_FOR_OPERATOR },
	{ "shard.list", COMMAND_FOR_OPERATOR },
	{ "shard.get", COMMAND_FOR_OPERATOR },
	{ "shard.take", COMMAND_FOR_OPERATOR },
	{ "cluster.status", COMMAND_FOR_OPERATOR },
	{ "cluster.rebalance", COMMAND_FOR_OPERATOR },
	{ "node.remove", COMMAND_FOR_OPERATOR },
	{ "health", COMMAND_FOR_READER },
	{ "lint", COMMAND_FOR_READER },
	{ "log.level", COMMAND_FOR_OPERATOR },
	{ "help", COMMAND_FOR_READER },
};

/* Whoever is refused hears which role it takes; whoever is not is refused for its arguments alone. */
static void test_roles(void **state)
{
	char wanted[64];
	size_t i = 0;

	(void)state;
	COMMAND_EACH (c) {
		ROW_ASSERT(c->name, i < COUNT_OF(ROLES) && !strcmp(c->name, ROLES[i].name));
		ROW_ASSERT(c->name, c->role == ROLES[i].role);
		(void)snprintf(wanted, sizeof(wanted), "%s needs the role %s;", c->name,
			       command_role_name(c->role));
		for (enum command_role role = 0; role <= COMMAND_FOR_OPERATOR; role++) {
			const char *code = start(role, c->name, "{\"no such name\":1}");

			ROW_ASSERT(c->name, !strcmp(code, role < c->role ? "not_allowed"
									 : "unknown_argument"));
			ROW_ASSERT(c->name, role >= c->role || strstr(g_message, wanted));
		}
		i++;
	}
	assert_int_equal(i, COUNT_OF(ROLES));
}

/* What a token's commands are, for single commands and for documents of sets alike. */
static const struct {
	const char *patterns, *command;
	bool may;
} LIMITS[] = {
	{ "", "token.put", true },
	{ "call.*", "call.list", true },
	{ "call.*", "extension.get", false },
	{ "set.*", "extension.put", false },
	{ "*", "token.put", false },
	{ "token.*,session.*", "token.delete", false },
	{ "token.*,session.*", "session.renew", false },
	{ "webhook.*", "webhook.get", true },
	{ "webhook.*", "webhook.put", false },
	{ "webhook.*,events", "webhook.put", true },
};

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(LIMITS); i++) {
		struct command_right right = { COMMAND_FOR_ADMIN, "", LIMITS[i].patterns };
		struct command_error error = { 0 };
		const struct command *c = command_find(bytes_str(LIMITS[i].command));
		bool may = command_may(c, &right, &error);

		ROW_ASSERT(LIMITS[i].patterns, may == LIMITS[i].may);
		ROW_ASSERT(LIMITS[i].patterns, may || error.code == COMMAND_NOT_ALLOWED);
		right.role = COMMAND_FOR_READER;
		ROW_ASSERT(LIMITS[i].patterns,
			   !command_may(c, &right, &error) || c->role == COMMAND_FOR_READER);
	}
}

/* Backups and tenant.status have kinds in the order of their start, whatever that of the help is. */
static void test_kinds(void **state)
{
	static const char *const names[] = {
		"tenant",      "profile",   "profile_range",
		"dialplan",    "extension", "trunk",
		"location",    "did",       "route",
		"room",        "hours",     "directory_profile",
		"prompt",      "flow",      "number",
		"group",       "account",   "queue",
		"agent",       "page",      "crm",
		"supervisor",  "token",     "webhook",
		"session",     "set",       "sync",
		"device",      "callback",  "bell",
		"page_choice", "browser",   "device_profile",
	};

	(void)state;
	document_setup();
	for (size_t i = 0; i < COUNT_OF(names); i++)
		ROW_ASSERT(names[i], !strcmp(g_document_kinds[i]->name, names[i]));
	assert_null(g_document_kinds[COUNT_OF(names)]);
}

/* What undoes a switch is for the same roles, and takes the same without on. */
static void test_switches(void **state)
{
	(void)state;
	COMMAND_EACH (c) {
		const struct command *off = c->off ? command_find(bytes_str(c->off)) : NULL;

		if (!c->off)
			continue;
		ROW_ASSERT(c->name, off && off->role == c->role && !off->off);
		for (const struct command_arg *arg = c->args; arg->name; arg++) {
			bool is_on = !strcmp(arg->name, "on");

			ROW_ASSERT(c->name, is_on == !command_arg_find(off, bytes_str(arg->name)));
		}
		for (const struct command_arg *arg = off->args; arg->name; arg++)
			ROW_ASSERT(c->name, command_arg_find(c, bytes_str(arg->name)));
	}
}

/* Only operators speak for a tenant; for others the argument is none. */
static void test_tenant_is_for_operators(void **state)
{
	(void)state;
	for (enum command_role role = 0; role < COMMAND_FOR_OPERATOR; role++)
		assert_string_equal(start(role, "help", "{\"tenant\":\"other\"}"),
				    "unknown_argument");
}

static void test_docs(void **state)
{
	static char want[512 * 1024];
	struct writer w = writer_over(want, sizeof(want) - 1);
	char *text, *mark;
	size_t n;

	(void)state;
	command_write_reference(&w);
	assert_false(w.overflow);
	assert_int_equal(settings_load("../docs/api.md", &text, &n), 0);
	text[n] = '\0';
	mark = strstr(text, MARK);
	assert_non_null(mark);
	if (strcmp(mark + strlen(MARK), want) != 0)
		fail_msg("docs/api.md is old: put the output of tandemctl help api below its last "
			 "comment");
	free(text);
}

/* Whatever the node refuses something for is told in words; a phone by a status. */
static void test_words_of_refusals(void **state)
{
	(void)state;
	for (int reason = REFUSED_NOT + 1; reason < REFUSALS; reason++) {
		const struct refusal_row *r = &refusals[reason];
		const char *words, *next;

		ROW_ASSERT(r->name, r->status >= 400 && r->status < 700 && r->words[0]);
		/* what SIP answers 503 goes by itself: who asks by command may ask again, too */
		if (r->status == 503) {
			unsigned status = command_error_status(command_error_of(r->class));

			ROW_ASSERT(r->name, status == 429 || status == 503);
		}
		ROW_ASSERT(r->name, reason >= REFUSALS_COUNTED || r->next[0]);
		ROW_ASSERT(r->name, refusal_words(r->name, &words, &next) && words == r->words);
	}
}

/* Kinds of documents whose name has two words are put by commands of three. */
static void test_put_of_kinds(void **state)
{
	static const char *const rows[][2] = {
		{ "extension", "extension.put" },
		{ "device_profile", "device.profile.put" },
		{ "directory_profile", "directory.profile.put" },
		{ "profile_range", "profile.range.put" },
	};
	static const char *const none[] = { "", "_", "device_", "_profile", "nobody", "agent" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_non_null(command_put_of(rows[i][0]));
		assert_string_equal(command_put_of(rows[i][0])->name, rows[i][1]);
	}
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_null(command_put_of(none[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_secret_is_not_repeated),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_names_are_all_said),
		cmocka_unit_test(test_permission),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_words_of_refusals),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_tenant_is_for_operators),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_put_of_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
