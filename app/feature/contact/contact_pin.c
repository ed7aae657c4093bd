/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact.pin: pins who has a number, and holds or mutes the call with him by the same command.
 * Who is in no own contact becomes one. The call comes first: where it can be neither held nor
 * muted, nothing is pinned. Control thread.
 */
#include <stdio.h>

#include "app/archive/contact/contact.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/contact/contacts.h"
#include "app/node/node.h"
#include "base/json_member.h"
#include "base/rand.h"

/* own: the row of contact.find; NULL: there is no own contact yet. */
static json_t *pin_given(const struct command_run *run, const json_t *rows, const json_t *own)
{
	bool pinned = json_is_true(json_object_get(run->args, "pinned"));
	json_t *given = json_pack("{s:b}", "pinned", (int)pinned), *name;

	if (own)
		return given;
	name = json_object_get(json_array_get(rows, 0), "name");
	(void)json_object_set(given, "name", name ? name : json_object_get(run->args, "number"));
	(void)json_object_set_new(given, "phones",
				  json_pack("[O]", json_object_get(run->args, "number")));
	return given;
}

static void pin_on_found(struct command_run *run, const json_t *rows)
{
	json_t *args = contact_args(run);
	const json_t *own = NULL, *row;
	char id[BASE32_U64_LEN + 1] = "";
	size_t i;

	if (!args)
		return;
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		if (!own && !strcmp(json_text(row, "book"), "own"))
			own = row;
	}
	base32_u64_put(id, rand_u64_from(&run->node->rand));
	(void)json_object_set_new(args, "given", pin_given(run, rows, own));
	(void)json_object_set_new(args, "contact",
				  json_string(own ? json_text(own, "contact") : id));
	if (!own)
		(void)json_object_set_new(args, "add", json_true());
	archive_run(run, "contact.put", args, NULL);
}

static void pin_find(struct command_run *run)
{
	json_t *args = contact_args(run);

	if (!args)
		return;
	(void)json_object_set(args, "number", json_object_get(run->args, "number"));
	archive_run(run, "contact.find", args, pin_on_found);
}

static void pin_on_call(json_t *answer, void *arg)
{
	struct command_run *run = arg;

	if (json_is_true(json_object_get(answer, "ok"))) {
		json_decref(answer);
		pin_find(run);
	} else {
		command_end(run, answer);
	}
}

void command_contact_pin(struct command_run *run)
{
	static const char *const commands[] = { "call.hold", "call.mute" };
	const struct command_value *then = command_value(run, "then");
	struct command_principal who = command_in_name(run, run->role);
	json_t *call = json_object_get(run->args, "call"), *leg = json_object_get(run->args, "leg"),
	       *args;
	char id[COMMAND_ID_MAX];

	if (!json_object_get(run->args, "pinned"))
		(void)json_object_set_new(run->args, "pinned", json_true());
	if (!then->given) {
		pin_find(run);
		return;
	}
	if (!call || !leg) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, call ? "leg" : "call",
			     "then needs the call, and the party that holds or is muted");
		return;
	}
	/* As who asks: what its token may not do to calls, it may not do so. */
	(void)snprintf(who.user, sizeof(who.user), "%s", run->user);
	(void)snprintf(who.patterns, sizeof(who.patterns), "%s", run->patterns);
	(void)snprintf(id, sizeof(id), "pin %.*s", COMMAND_ID_MAX - 8, run->id);
	args = json_pack("{s:O, s:O, s:b}", "call", call, "leg", leg, "on", 1);
	command_start(run->node, &who, bytes_str(commands[then->number]), bytes_str(id), args,
		      pin_on_call, run);
	json_decref(args);
}
