/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greetings of an extension: the prompts that the flows voicemail and mailbox play and record by
 * their names (docs/guides/voicemail.md). Each command is another one about that prompt, which a
 * user has no right to by itself: the state is one of a few words, or of the tenant's own list of
 * presences, so an extension has so many prompts at most. Control thread.
 */
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_start.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/prompt/greetings.h"
#include "app/feature/prompt/prompts.h"
#include "app/node/node.h"

/* What the tenant has beside the usual ones, joined by ','. */
static struct bytes greeting_presences(const struct command_run *run)
{
	return bytes_str(
		tenants_terms(run->node->common.tenants, document_tenant(run))->presence_states);
}

static bool greeting_is_usual(struct bytes state)
{
	for (size_t i = 0; g_greeting_states[i]; i++) {
		if (bytes_is(state, g_greeting_states[i]))
			return true;
	}
	return false;
}

/* Writes the name of the greeting's prompt. False: the run has failed. */
static bool greeting_name(struct command_run *run, struct bytes state,
			  char out[PROMPT_DOCUMENT_MAX])
{
	bool is_name = bytes_is(state, "name");
	struct bytes number = command_value(run, "number")->text;
	struct writer w = writer_over(out, PROMPT_DOCUMENT_MAX - 1);

	WRITER_TEXTS(&w, is_name ? "name-" : "greeting-");
	writer_bytes(&w, number);
	if (!is_name && !bytes_is(state, "usual")) {
		writer_str(&w, "-");
		writer_bytes(&w, state);
	}
	out[w.n] = '\0';
	if (!greeting_is_usual(state) && !bytes_list_has(greeting_presences(run), state))
		command_fail(run, COMMAND_BAD_ARGUMENT, "state",
			     "no such state: one of the usual ones, or of presence_states of "
			     "tenant.put");
	else if (!extensions_has(run->node->api.extensions, document_tenant(run), number))
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
	else if (w.overflow || !command_allows(CHARSET_NAME, number))
		command_fail(run, COMMAND_BAD_ARGUMENT, "number",
			     "no prompt can have this number in its name");
	else
		return true;
	return false;
}

/* ---- other commands ---- */

static json_t *greeting_put_args(const struct command_run *run, const char *name)
{
	return json_pack("{s:s, s:I}", "name", name, "until_utc_ms",
			 (json_int_t)command_value(run, "until_utc_ms")->number);
}

static json_t *greeting_delete_args(const struct command_run *run, const char *name)
{
	(void)run;
	return json_pack("{s:s}", "name", name);
}

static json_t *greeting_record_args(const struct command_run *run, const char *name)
{
	struct bytes number = command_value(run, "number")->text;

	return json_pack("{s:s, s:s%}", "name", name, "from", number.p, number.n);
}

/* The flow plays the prompt that its variable box names. */
static json_t *greeting_hear_args(const struct command_run *run, const char *name)
{
	struct bytes number = command_value(run, "number")->text;

	return json_pack("{s:s%, s:s, s:s}", "from", number.p, number.n, "flow", "greeting",
			 "mailbox", name);
}

/* By struct command.order. */
static const struct {
	const char *command;
	json_t *(*args)(const struct command_run *run, const char *name);
} g_deeds[] = {
	[GREETING_PUT] = { "prompt.put", greeting_put_args },
	[GREETING_RECORD] = { "prompt.record", greeting_record_args },
	[GREETING_HEAR] = { "call.originate", greeting_hear_args },
	[GREETING_DELETE] = { "prompt.delete", greeting_delete_args },
};

static void greeting_on_done(json_t *answer, void *arg)
{
	command_end(arg, answer);
}

void command_greeting(struct command_run *run)
{
	struct command_principal who = command_in_name(run, COMMAND_FOR_ADMIN);
	const struct command_value *state = command_value(run, "state");
	char name[PROMPT_DOCUMENT_MAX], id[COMMAND_ID_MAX];
	json_t *args;

	if (!greeting_name(run, state->given ? state->text : BYTES_LIT("usual"), name))
		return;
	args = g_deeds[run->command->order].args(run, name);
	who.file = run->file;
	(void)snprintf(id, sizeof(id), "greeting %.*s", COMMAND_ID_MAX - 16, run->id);
	command_start(run->node, &who, bytes_str(g_deeds[run->command->order].command),
		      bytes_str(id), args, greeting_on_done, run);
	json_decref(args);
}

/* ---- what there is ---- */

/* False: the run has failed. */
static bool greeting_list_add(struct command_run *run, json_t *list, struct bytes state)
{
	char name[PROMPT_DOCUMENT_MAX];
	struct prompt_value v;
	json_t *row;

	if (!greeting_name(run, state, name))
		return false;
	if (!document_stored(run->node, run->tenant, &g_prompt_documents, bytes_str(name), &v))
		return true;
	row = form_view(&g_prompt_form, &v);
	(void)json_object_set_new(row, "state", command_text_json(state));
	(void)json_array_append_new(list, row);
	return true;
}

void command_greeting_list(struct command_run *run)
{
	struct bytes more = greeting_presences(run), state;
	json_t *list = json_array();
	bool ok = true;

	for (size_t i = 0; ok && g_greeting_states[i]; i++)
		ok = greeting_list_add(run, list, bytes_str(g_greeting_states[i]));
	while (ok && bytes_cut(&more, ',', &state))
		ok = greeting_is_usual(state) || greeting_list_add(run, list, state);
	if (ok)
		command_answer(run, list);
	else
		json_decref(list);
}
