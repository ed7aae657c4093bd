/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts of a tenant: their documents, and how the octets come before them. The thread of sounds reads the file and looks whether it can be
 * played; Redis has the octets; then the document is put as any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/schema/prompt_field.h"
#include "app/sound/sound_prompt.h"
#include "app/sound/sounds.h"
#include "base/clock.h"

enum { PROMPTS_MAX = 1000 }; /* of a tenant */

/* The document that the command names. False: the run has failed. */
static bool prompt_aim(struct command_run *run, char document[DOCUMENT_NAME_MAX])
{
	struct bytes name = command_value(run, "name")->text;
	struct bytes language = command_value(run, "language")->text;

	prompt_document_name(document, name, language);
	if (shelf_version(&run->node->api.documents->keep.shelf, bytes_str(run->tenant),
			  BYTES_LIT("prompt"), bytes_str(document)))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "name",
		     "there is no such prompt in that language: prompt.list shows those that there "
		     "are");
	return false;
}

/* What was read of the file is kept by the run: a change may be made more than once. */
static bool prompt_make(struct command_run *run, void *value)
{
	memcpy(value, run->kept, sizeof(struct prompt_value));
	((struct prompt_value *)value)->changed_utc_ms = clock_utc_ms();
	return true;
}

static void prompt_name_of(const void *value, char name[DOCUMENT_NAME_MAX])
{
	const struct prompt_value *v = value;

	prompt_document_name(name, bytes_str(v->name), bytes_str(v->language));
}

static json_t *prompt_show(const struct node *node, uint16_t tenant, const void *value)
{
	const struct prompt_value *v = value;
	const struct node_prompt *p =
		node_prompt_find(node, tenants_name(node->common.tenants, tenant),
				 bytes_str(v->name), bytes_str(v->language));
	json_t *json = form_view(&g_prompt_form, value);

	if (json)
		(void)json_object_set_new(json, "here",
					  json_boolean(p && p->state == NODE_PROMPT_HERE &&
						       !strcmp(p->value.sha256, v->sha256)));
	return json;
}

static int prompt_apply(struct node *node, uint16_t tenant, const void *value)
{
	return node_prompt_put(node, tenants_name(node->common.tenants, tenant), value);
}

static void prompt_forget(struct node *node, uint16_t tenant, const char *name)
{
	node_prompt_delete(node, tenants_name(node->common.tenants, tenant), name);
}

const struct document_kind g_prompt_documents = {
	.name = "prompt",
	.argument = "name",
	.limit = "the memory of the node",
	.size = sizeof(struct prompt_value),
	.form = &g_prompt_form,
	.make = prompt_make,
	.aim = prompt_aim,
	.name_of = prompt_name_of,
	.show = prompt_show,
	.apply = prompt_apply,
	.forget = prompt_forget,
};

/* ---- a file comes ---- */

static void on_blob(enum store_result result, bool there, struct bytes octets, void *arg)
{
	struct command_run *run = arg;

	(void)there;
	(void)octets;
	if (result == STORE_OK)
		document_put(run);
	else if (result == STORE_UNKNOWN)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis did not answer in time: the prompt is as it was");
	else
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis did not accept the octets: the prompt is as it was");
}

static void prompt_refuse(struct command_run *run, const struct prompt_work *w)
{
	if (w->disk)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "%s", w->fault.reason);
	else if (w->fault.at)
		command_fail(run, COMMAND_BAD_ARGUMENT, "file", "the file, octet %llu: %s",
			     (unsigned long long)w->fault.at, w->fault.reason);
	else
		command_fail(run, COMMAND_BAD_ARGUMENT, "file", "the file: %s", w->fault.reason);
}

static void on_file(struct prompt_work *w)
{
	struct command_run *run = w->arg;
	struct prompt_value *v = run->kept;
	const struct store_blob blob = { bytes_str(run->tenant), "prompt", v->sha256 };

	memcpy(v->sha256, w->hash, sizeof(v->sha256));
	v->octets = (uint32_t)w->n;
	v->length_ms = w->length_ms;
	if (w->fault.reason)
		prompt_refuse(run, w);
	else
		store_blob_put(run->node->redis.store, &blob, bytes_mem(w->octets, w->n), on_blob,
			       run);
	prompt_work_free(w);
}

/* False: the run has failed. */
static bool prompt_fits(struct command_run *run, const struct prompt_value *v)
{
	const struct command_value *recording = command_value(run, "recording");
	const struct shelf *shelf = &run->node->api.documents->keep.shelf;
	char document[DOCUMENT_NAME_MAX];

	prompt_name_of(v, document);
	if (v->name[0] == '.')
		command_fail(run, COMMAND_BAD_ARGUMENT, "name", "a name does not begin with '.'");
	else if (!sound_language_is_good(bytes_str(v->language)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "language", SOUND_LANGUAGE_WRONG);
	else if (recording->given && (run->file || !sound_recording_is_good(recording->text)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "recording",
			     "a recording is CALL-NUMBER, and comes in place of a file");
	else if (!run->file && !recording->given)
		command_fail(
			run, COMMAND_BAD_ARGUMENT, "file",
			"no file came with the command: tandemctl hands it over, on the machine of "
			"a node, by the node's own socket");
	else if (!shelf_version(shelf, bytes_str(run->tenant), BYTES_LIT("prompt"),
				bytes_str(document)) &&
		 shelf_count_of(shelf, bytes_str(run->tenant), BYTES_LIT("prompt")) >= PROMPTS_MAX)
		command_fail(run, COMMAND_FULL, NULL, "a tenant has at most %d prompts",
			     PROMPTS_MAX);
	else
		return true;
	return false;
}

void command_prompt_put(struct command_run *run)
{
	struct prompt_value *v = calloc(1, sizeof(*v));
	struct prompt_work *w = calloc(1, sizeof(*w));

	run->kept = v;
	if (w)
		w->fd = -1;
	if (v && w) {
		(void)bytes_cstr(command_value(run, "name")->text, v->name, sizeof(v->name));
		(void)bytes_cstr(command_value(run, "language")->text, v->language,
				 sizeof(v->language));
		if (!prompt_fits(run, v)) {
			free(w);
			return;
		}
		*w = (struct prompt_work){
			.kind = PROMPT_WORK_READ, .fd = run->file - 1, .done = on_file, .arg = run
		};
		(void)sound_name_set(&w->of, bytes_str(run->tenant),
				     command_value(run, "recording")->text, PROMPT_LENGTH_RATE);
		run->file = 0;
	}
	if (v && w && run->node->media.sounds && sounds_work(run->node->media.sounds, w))
		return;
	prompt_work_free(w);
	command_fail(run, COMMAND_BUSY, NULL, "too many prompts are put at once");
}

void command_prompt_get(struct command_run *run)
{
	char document[DOCUMENT_NAME_MAX];
	struct prompt_value v;

	if (!prompt_aim(run, document))
		return;
	if (document_stored(run->node, run->tenant, &g_prompt_documents, bytes_str(document), &v))
		command_answer(run, prompt_show(run->node, document_tenant(run), &v));
	else
		command_fail(run, COMMAND_CONFLICT, "name", "a later program has changed it");
}
