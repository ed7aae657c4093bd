/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application changes of an extension beside its calls: its presence, and what callers hear then. Each is the command extension.put in
 * its name, about one field that no administrator need be asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"

struct presence_run {
	struct command_run *run;
	bool greets; /* it is about a greeting */
	bool tells;  /* its presence becomes another one */
	uint16_t tenant;
	char number[sizeof(((struct shard_extension *)NULL)->number)];
	char state[PRESENCE_MAX], file[GREETING_FILE_MAX];
};

static void presence_tell(const struct presence_run *p)
{
	struct node *n = p->run->node;
	struct sig_event *event = calloc(1, sizeof(*event));
	struct effects effects = { 0 };
	struct effect *e = event ? effects_add(&effects, EFFECT_EVENT) : NULL;

	if (!e) {
		free(event);
		return;
	}
	event->kind = SIG_PRESENCE;
	event->version = clock_utc_ms();
	(void)bytes_cstr(bytes_str(tenants_name(n->tenants, p->tenant)), event->tenant,
			 sizeof(event->tenant));
	(void)bytes_cstr(bytes_str(p->number), event->to, sizeof(event->to));
	(void)bytes_cstr(bytes_str(p->state), event->presence, sizeof(event->presence));
	e->event = event;
	effects_carry_out(&n->effects_to, &effects);
	effects_close(&effects);
}

/* As extension.put said it. */
static void presence_failed(struct presence_run *p, const json_t *error)
{
	const char *name = json_string_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "message"));
	unsigned code = 0;

	while (code < COMMAND_INTERNAL &&
	       (!name || strcmp(name, command_error_name((enum command_error_code)code)) != 0))
		code++;
	command_fail(p->run, (enum command_error_code)code, NULL, "%s",
		     text ? text : "out of memory");
}

static void presence_on_done(json_t *answer, void *arg)
{
	struct presence_run *p = arg;

	if (!json_is_true(json_object_get(answer, "ok"))) {
		presence_failed(p, json_object_get(answer, "error"));
	} else {
		if (p->tells)
			presence_tell(p);
		command_answer(p->run, p->greets ? json_pack("{s:s, s:s, s:s}", "number", p->number,
							     "state", p->state, "file", p->file)
						 : json_pack("{s:s, s:s}", "number", p->number,
							     "state", p->state));
	}
	json_decref(answer);
	free(p);
}

static void presence_put(struct presence_run *p, const char *field, const char *value)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN };
	json_t *args = json_pack("{s:s, s:s}", "number", p->number, field, value);
	char id[COMMAND_ID_MAX];

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s",
		       tenants_name(p->run->node->tenants, p->tenant));
	(void)snprintf(id, sizeof(id), "presence %.*s", COMMAND_ID_MAX - 16, p->run->id);
	command_start(p->run->node, &who, BYTES_LIT("extension.put"), bytes_str(id), args,
		      presence_on_done, p);
	json_decref(args);
}

/* NULL: the run has failed. */
static struct presence_run *presence_begin(struct command_run *run, struct extension *e)
{
	struct bytes number = command_value(run, "number")->text;
	struct presence_run *p = calloc(1, sizeof(*p));

	if (!p) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	*p = (struct presence_run){ .run = run, .tenant = document_tenant(run) };
	if (extensions_find(&run->node->extensions, p->tenant, number, e) &&
	    !bytes_cstr(number, p->number, sizeof(p->number)))
		return p;
	free(p);
	command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
	return NULL;
}

void command_extension_presence(struct command_run *run)
{
	struct extension e;
	struct presence_run *p = presence_begin(run, &e);

	if (!p)
		return;
	(void)bytes_cstr(command_value(run, "state")->text, p->state, sizeof(p->state));
	p->tells = strcmp(p->state, e.presence[0] ? e.presence : PRESENCE_USUAL) != 0;
	extension_wipe(&e);
	presence_put(p, "presence", p->state);
}

void command_extension_greeting(struct command_run *run)
{
	struct bytes file = command_value(run, "file")->text;
	char list[GREETINGS_MAX];
	struct extension e;
	struct presence_run *p = presence_begin(run, &e);
	bool fits;

	if (!p)
		return;
	p->greets = true;
	(void)bytes_cstr(command_value(run, "state")->text, p->state, sizeof(p->state));
	fits = !bytes_cstr(file, p->file, sizeof(p->file)) &&
	       greeting_set(e.greetings, p->state, file, list);
	extension_wipe(&e);
	if (!fits) {
		free(p);
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     "it has too many greetings: all of them have %d characters at most",
			     GREETINGS_MAX - 1);
		return;
	}
	presence_put(p, "greetings", list);
}
