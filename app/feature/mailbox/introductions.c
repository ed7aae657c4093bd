/* SPDX-License-Identifier: Apache-2.0 */
/* message.introduce (VM-05): the phone of the mailbox's extension rings, what its user says there
 * is a draft in the mailbox, and the message is forwarded behind it. Who hangs up before sends
 * nothing. The wish is of this process: after a kill in between nothing is sent, and the phone is
 * hung up half a minute behind what was said. Control thread. */
#include <string.h>

#include "app/command/command_start.h"
#include "app/feature/mailbox/boxes.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/json_member.h"
#include "base/log.h"
#include "sig/host/programs.h"
#include "sig/shard/shared_tables.h"

enum { SAID_MAX = 16, SAID_LEAST_MS = 1000 };

/* Wishes whose phones ring, or are spoken to. */
static struct {
	struct introduction {
		uint64_t call; /* 0: none */
		char tenant[COMMAND_TENANT_MAX], box[BOX_NAME_MAX + 1], to[256];
		char message[MESSAGE_ID_MAX + 1], draft[MESSAGE_ID_MAX + 1];
	} list[SAID_MAX]; /* the oldest one makes room */
	uint32_t next;
} g_said;

/* A flow of no document: no name of one has a blank. Where the tenant wants a PIN at one's own
 * phone, it is asked for. */
#define SAY_FLOW   BYTES_LIT("message introduce")
#define SAY_NUMBER BYTES_LIT("message.introduce")
static const char g_say_program[] =
	"{\"start\":\"begin\",\"steps\":{"
	"\"begin\":{\"answer\":{},\"next\":\"wait\"},"
	"\"wait\":{\"pause\":0.5,\"next\":\"own\"},"
	"\"own\":{\"login\":{\"box\":\"{caller}\"},\"none\":\"say\",\"invalid\":\"pin\","
	"\"rejected\":\"pin\",\"failed\":\"end\",\"next\":\"say\"},"
	"\"pin\":{\"gather\":{\"prompt\":[\"mailbox-pin\"],\"first_s\":8,\"into\":\"pin\","
	"\"secret\":true},\"invalid\":\"end\",\"timeout\":\"end\",\"failed\":\"end\","
	"\"next\":\"login\"},"
	"\"login\":{\"login\":{\"box\":\"{caller}\",\"pin\":\"{pin}\"},\"none\":\"say\","
	"\"invalid\":\"end\",\"rejected\":\"end\",\"failed\":\"end\",\"next\":\"say\"},"
	"\"say\":{\"record\":{\"mailbox\":\"{caller}\"},\"timeout\":\"end\",\"failed\":\"end\","
	"\"next\":\"sends\"},"
	"\"sends\":{\"pause\":30,\"next\":\"end\"},"
	"\"end\":{\"hangup\":{}}}}";

/* False: no memory. */
static bool say_flow_exists(struct node *n, struct bytes tenant)
{
	static struct flow_findings unused;
	struct programs *all = n->common.shared_tables->programs;
	struct flow_program *p = program_parse(bytes_str(g_say_program), NULL, &unused);

	return p && !programs_put(all, tenant, SAY_FLOW, p) &&
	       !programs_number_put(all, tenant, SAY_NUMBER, SAY_FLOW);
}

static void said_start(struct node *n, const struct introduction *i, const char *command,
		       json_t *args, command_done_fn *done, void *arg)
{
	struct command_principal who = { .role = COMMAND_FOR_APPLICATION, .door = "mailbox" };
	char id[COMMAND_ID_MAX];

	memcpy(who.tenant, i->tenant, sizeof(who.tenant));
	(void)snprintf(id, sizeof(id), "%s %s", command, i->draft);
	command_start(n, &who, bytes_str(command), bytes_str(id), args, done, arg);
	json_decref(args);
}

/* ---- what was said ---- */

struct said_run {
	struct node *node;
	struct introduction of;
};

static void said_on_told(json_t *answer, void *arg)
{
	json_decref(answer); /* who has hung up meanwhile hears nothing */
	free(arg);
}

static void said_on_forwarded(json_t *answer, void *arg)
{
	struct said_run *run = arg;
	const json_t *error = json_object_get(answer, "error");
	char call[ID_TEXT_LEN + 1] = "";

	if (error)
		LOG_WARN("mailbox", run->of.call, "a message with an introduction is not sent",
			 LOG_STR("tenant", run->of.tenant), LOG_STR("mailbox", run->of.box),
			 LOG_STR("reason", json_text(error, "message")),
			 LOG_STR("next", "message.introduce, to say it again"));
	id_call_put(call, run->of.call);
	said_start(run->node, &run->of, "call.run",
		   json_pack("{s:s, s:[{s:[s]}, {s:{}}]}", "call", call, "program", "play",
			     error ? "mailbox-not-sent" : "mailbox-sent", "hangup"),
		   said_on_told, run);
	json_decref(answer);
}

void command_message_said(struct node *n, uint64_t call, uint8_t number, uint64_t ms)
{
	struct introduction *all = g_said.list;
	struct said_run *run;
	uint16_t tenant;
	uint32_t i = 0;
	char id[ID_TEXT_LEN + 1] = "";

	while (i < SAID_MAX && all[i].call != call)
		i++;
	if (i == SAID_MAX)
		return;
	run = calloc(1, sizeof(*run));
	if (!run || ms < SAID_LEAST_MS || !shard_call_tenant(node_core(n, call), call, &tenant)) {
		all[i].call = 0;
		free(run);
		return;
	}
	*run = (struct said_run){ n, all[i] };
	all[i].call = 0;
	id_call_put(id, call);
	(void)snprintf(run->of.draft, sizeof(run->of.draft), "%s-%u", id, number);
	said_start(n, &run->of, "message.forward",
		   json_pack("{s:s, s:s, s:s, s:s}", "mailbox", run->of.box, "message",
			     run->of.message, "to", run->of.to, "introduction", run->of.draft),
		   said_on_forwarded, run);
}

/* ---- the command ---- */

static void introduce_on_call(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const char *call = json_text(json_object_get(answer, "result"), "id");
	struct introduction *said = &g_said.list[g_said.next % SAID_MAX];

	if (id_call_get(bytes_str(call), &said->call)) {
		command_end(run, answer);
		return;
	}
	g_said.next++;
	memcpy(said->tenant, run->tenant, sizeof(said->tenant));
	(void)bytes_cstr(command_value(run, "mailbox")->text, said->box, sizeof(said->box));
	(void)bytes_cstr(command_value(run, "message")->text, said->message, sizeof(said->message));
	(void)bytes_cstr(command_value(run, "to")->text, said->to, sizeof(said->to));
	command_answer(run, json_pack("{s:s}", "call", call));
	json_decref(answer);
}

static void introduce_ring(struct command_run *run)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_APPLICATION);
	struct bytes box = command_value(run, "mailbox")->text;
	char id[COMMAND_ID_MAX];
	json_t *args;

	if (!say_flow_exists(run->node, bytes_str(run->tenant))) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	(void)snprintf(id, sizeof(id), "introduce %.*s", COMMAND_ID_MAX - 16, run->id);
	args = json_pack("{s:s%, s:s%}", "from", box.p, box.n, "to", SAY_NUMBER.p, SAY_NUMBER.n);
	command_start(run->node, &who, BYTES_LIT("call.originate"), bytes_str(id), args,
		      introduce_on_call, run);
	json_decref(args);
}

static void introduce_on_message(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const json_t *row = json_object_get(answer, "result");

	if (!row) {
		command_end(run, answer);
		return;
	}
	if (json_flag(row, "private"))
		command_fail(run, COMMAND_CONFLICT, "message",
			     "it is private: it stays where it is");
	else
		introduce_ring(run);
	json_decref(answer);
}

void command_message_introduce(struct command_run *run)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_READER);
	struct bytes box = command_value(run, "mailbox")->text;
	struct bytes message = command_value(run, "message")->text;
	char id[COMMAND_ID_MAX];
	json_t *args;

	if (!command_message_copies(run))
		return;
	(void)snprintf(id, sizeof(id), "introduced %.*s", COMMAND_ID_MAX - 16, run->id);
	args = json_pack("{s:s%, s:s%}", "mailbox", box.p, box.n, "message", message.p, message.n);
	command_start(run->node, &who, BYTES_LIT("message.get"), bytes_str(id), args,
		      introduce_on_message, run);
	json_decref(args);
}
