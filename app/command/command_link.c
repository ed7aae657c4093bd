/* SPDX-License-Identifier: Apache-2.0 */
/* call.link: a link (tel:, callto: or call.center:VERB) that a user has clicked, for a call of its
 * own (CALL-37). Each verb becomes another command, which is then run in the user's name. Without a
 * call id it is for the newest fitting call of all nodes (command_ask_pick). */

#include "app/command/command_call.h"
#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "sig/host/tenant.h"
#include "sig/shard/shard.h"
#include "sig/sip/message.h"

struct link_verb {
	const char *verb, *command;
	enum user_call_want want;
	bool number; /* it has one; it begins a call, or the call goes there */
};

static const struct link_verb link_verbs[] = {
	{ "call", "call.originate", USER_HAS, true },
	{ "transfer", "call.transfer", USER_TALKS, true },
	{ "hold_unhold", "call.hold", USER_TALKS, false },
	{ "mute_unmute", "call.mute", USER_TALKS, false },
	{ "hangup", "call.hangup", USER_HAS, false },
	{ "answer", "call.answer", USER_RINGS, false },
	{ "reject", "call.reject", USER_RINGS, false },
	{ 0 },
};

struct link {
	const struct link_verb *verb;
	char number[128]; /* as a link: tel:NUMBER */
};

static const struct link_verb *link_verb_find(struct bytes name)
{
	for (const struct link_verb *v = link_verbs; v->verb; v++) {
		if (bytes_iis(name, v->verb))
			return v;
	}
	return NULL;
}

/* False: it has no number, or none that can be read. */
static bool link_number_read(struct link *l, struct bytes query)
{
	size_t at = strlen("tel:"), n;
	struct bytes part;

	memcpy(l->number, "tel:", at);
	while (bytes_cut(&query, '&', &part)) {
		if (bytes_starts(part, "number=") &&
		    !sip_user_unescape(bytes_from(part, strlen("number=")), l->number + at,
				       sizeof(l->number) - at - 1, &n)) {
			l->number[at + n] = '\0';
			return n > 0;
		}
	}
	return false;
}

/* tel: and callto: with a number; call.center:VERB and call.center:VERB?number=NUMBER. Or false. */
static bool call_link_read(struct link *l, struct bytes text)
{
	size_t colon = bytes_find(text, ':');
	struct bytes scheme = bytes_sub(text, 0, colon), rest = bytes_from(text, colon + 1), verb;

	*l = (struct link){ 0 };
	if (bytes_iis(scheme, "tel") || bytes_iis(scheme, "callto")) {
		l->verb = link_verbs;
		return !bytes_cstr(text, l->number, sizeof(l->number));
	}
	if (!bytes_iis(scheme, "call.center") && !bytes_iis(scheme, "tcall.center"))
		return false;
	while (bytes_starts(rest, "/"))
		rest = bytes_from(rest, 1);
	verb = bytes_sub(rest, 0, bytes_find(rest, '?'));
	l->verb = link_verb_find(verb);
	return l->verb && (!l->verb->number || link_number_read(l, bytes_from(rest, verb.n + 1)));
}

static json_t *link_args(const struct command_run *run, const struct link *l,
			 const struct user_call *of)
{
	struct bytes user = command_value(run, "number")->text;
	json_t *args = json_object(), *leg = json_string(of->b ? "b" : "a");
	const char *command = l->verb->command;

	if (l->verb == link_verbs)
		(void)json_object_set_new(args, "from", command_text_json(user));
	else
		(void)json_object_set_new(args, "call", command_call_id_json(of->call));
	if (l->verb->number)
		(void)json_object_set_new(args, "to", json_string(l->number));
	if (l->verb->want == USER_TALKS)
		(void)json_object_set(args, "leg", leg);
	if (!strcmp(command, "call.answer"))
		(void)json_object_set_new(args, "number", command_text_json(user));
	if (!strcmp(command, "call.hold"))
		(void)json_object_set_new(args, "on", json_boolean(!of->holds));
	if (!strcmp(command, "call.mute"))
		(void)json_object_set_new(args, "on", json_boolean(!of->muted));
	json_decref(leg);
	return args;
}

static void link_on_done(json_t *answer, void *arg)
{
	command_end(arg, answer);
}

static void link_run(struct command_run *run, const struct link *l, const struct user_call *of)
{
	struct command_principal who = command_in_name(run, run->role);
	json_t *args = link_args(run, l, of);
	char id[COMMAND_ID_MAX];

	(void)snprintf(id, sizeof(id), "link %.*s", COMMAND_ID_MAX - 8, run->id);
	command_start(run->node, &who, bytes_str(l->verb->command), bytes_str(id), args,
		      link_on_done, run);
	json_decref(args);
}

static uint16_t link_tenant(const struct command_run *run)
{
	return tenants_find(run->node->common.tenants, bytes_str(run->tenant));
}

/* call: that one alone; 0: the newest one of this node. */
static void link_here(struct command_run *run, const struct link *l, uint64_t call)
{
	struct bytes user = command_value(run, "number")->text;
	struct user_call of = { 0 };
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(run->node, &cursor);

	if (core && link_tenant(run) != TENANT_NONE)
		shard_user_call(core, link_tenant(run), user, l->verb->want, call, &of);
	if (of.call)
		link_run(run, l, &of);
	else
		command_fail(run, COMMAND_NOT_FOUND, "number",
			     "the extension has no such call: call.list shows the calls that run");
}

static void link_on_picked(struct command_run *run, const struct park_reply *told)
{
	struct link l;

	(void)call_link_read(&l, command_value(run, "link")->text);
	if (told->told == PARK_OK && !node_shard_find(run->node, id_shard(told->owner)))
		command_move(run, told->owner);
	else
		link_here(run, &l, told->owner);
}

/* The newest one of all nodes. */
static void link_anywhere(struct command_run *run, const struct link *l)
{
	struct bytes user = command_value(run, "number")->text;
	const struct remote_pick pick = { .by = user, .of = user, .want = l->verb->want };
	uint16_t tenant = link_tenant(run);
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);

	if (!core || tenant == TENANT_NONE ||
	    !command_ask_pick(run, core, tenant, &pick, link_on_picked))
		link_here(run, l, 0);
}

void command_call_link(struct command_run *run)
{
	uint64_t call;
	struct link l;

	if (!call_link_read(&l, command_value(run, "link")->text))
		command_fail(run, COMMAND_BAD_ARGUMENT, "link",
			     "it is tel:, callto:, or call.center: with call, transfer, "
			     "hold_unhold, mute_unmute, hangup, answer or reject");
	else if (l.verb == link_verbs)
		link_run(run, &l, &(struct user_call){ 0 });
	else if (!command_value(run, "call")->given)
		link_anywhere(run, &l);
	else if (command_call_id(run, &call))
		link_here(run, &l, call);
}
