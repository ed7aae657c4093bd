/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts of a tenant: their documents, and how the octets come before them. The sound thread reads
 * the file and checks that it can be played; Redis stores the octets; then the document is put.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_start.h"
#include "app/document/document.h"
#include "app/feature/prompt/prompts.h"
#include "app/node/node.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/sound/sound_prompt.h"
#include "app/sound/sounds.h"
#include "base/clock.h"
#include "base/fair.h"
#include "base/log.h"
#include "sig/host/programs.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"

enum { PROMPTS_MAX = 1000 }; /* of a tenant */
enum { RECORDED_MAX = 16, RECORDED_OVER_S = 60 /* its file has come, or never will */ };

/* Prompts that are being recorded by phone: their calls, and their documents. */
static struct {
	struct fair fair; /* by tenant, token and user; closed while nothing is taken */
	struct prompt_recorded {
		uint64_t call;    /* 0: none */
		uint64_t over_ns; /* its call was not there then, maybe not yet; 0: it was */
		struct fair_held held;
		char tenant[COMMAND_TENANT_MAX], name[DOCUMENT_NAME_MAX], language[LANGUAGE_MAX];
	} list[RECORDED_MAX];
} g_recorded;

/* Writes the name of the document that the command means. False: the run has failed. */
static bool prompt_aim(struct command_run *run, char document[DOCUMENT_NAME_MAX])
{
	struct bytes name = command_value(run, "name")->text;
	struct bytes language = command_value(run, "language")->text;

	prompt_document_name(document, name, language);
	if (mirror_version(&run->node->api.documents->keep.mirror, bytes_str(run->tenant),
			   BYTES_LIT("prompt"), bytes_str(document)))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "name",
		     "there is no such prompt in that language: prompt.list shows all of them");
	return false;
}

/* Returns the flows that name the prompt, in any language. A new reference. */
static json_t *prompt_flows(const struct node *n, uint16_t tenant, const char *name)
{
	json_t *by = references_to(n, tenants_name(n->common.tenants, tenant), "prompt", name);
	json_t *flows = json_array(), *path;
	const char *who;

	json_object_foreach(by, who, path)
	{
		if (!strncmp(who, "flow/", sizeof("flow/") - 1))
			(void)json_array_append_new(flows, json_string(who + sizeof("flow/") - 1));
	}
	json_decref(by);
	return flows;
}

/* ---- the document ---- */

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
	const struct node_prompt *p = node_prompt_find(tenants_name(node->common.tenants, tenant),
						       bytes_str(v->name), bytes_str(v->language));
	json_t *json = form_view(&g_prompt_form, value);

	if (json)
		(void)json_object_set_new(json, "here",
					  json_boolean(p && p->state == NODE_PROMPT_HERE &&
						       !strcmp(p->value.sha256, v->sha256)));
	if (json)
		(void)json_object_set_new(json, "flows", prompt_flows(node, tenant, v->name));
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
	.several = "prompts",
	.places = 16384,
	.share = PROMPTS_MAX,
	.quota = "max_prompts",
	.item = TENANT_PROMPTS,
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
		store_blob_put(run->node->redis->store, &blob, bytes_mem(w->octets, w->n), on_blob,
			       run);
	prompt_work_free(w);
}

/* False: the run has failed. */
static bool prompt_name_fits(struct command_run *run, const struct prompt_value *v)
{
	char document[DOCUMENT_NAME_MAX];

	prompt_name_of(v, document);
	if (v->name[0] == '.')
		command_fail(run, COMMAND_BAD_ARGUMENT, "name", "a name does not begin with '.'");
	else if (!sound_language_is_good(bytes_str(v->language)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "language", SOUND_LANGUAGE_WRONG);
	else
		return document_fits(run, &g_prompt_documents, bytes_str(document));
	return false;
}

/* False: the run has failed. */
static bool prompt_source_fits(struct command_run *run)
{
	const struct command_value *recording = command_value(run, "recording");

	if (recording->given && (run->file || !sound_recording_is_good(recording->text)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "recording",
			     "a recording is CALL-NUMBER, and comes in place of a file");
	else if (!run->file && !recording->given)
		command_fail(
			run, COMMAND_BAD_ARGUMENT, "file",
			"no file came with the command: tandemctl hands it over, on the machine of "
			"a node, by the node's own socket; by HTTP it is the body, with "
			"Content-Type: audio/wav or audio/ogg");
	else
		return true;
	return false;
}

static void prompt_name_read(const struct command_run *run, struct prompt_value *v)
{
	(void)bytes_cstr(command_value(run, "name")->text, v->name, sizeof(v->name));
	(void)bytes_cstr(command_value(run, "language")->text, v->language, sizeof(v->language));
	if (command_arg_find(run->command, BYTES_LIT("until_utc_ms")))
		v->until_utc_ms = command_value(run, "until_utc_ms")->number;
}

void command_prompt_put(struct command_run *run)
{
	struct prompt_value *v = calloc(1, sizeof(*v));
	struct prompt_work *w = calloc(1, sizeof(*w));

	run->kept = v;
	if (w)
		w->fd = -1;
	if (v && w) {
		prompt_name_read(run, v);
		if (!prompt_name_fits(run, v) || !prompt_source_fits(run)) {
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
	if (v && w && run->node->media->sounds && sounds_work(run->node->media->sounds, w))
		return;
	prompt_work_free(w);
	command_fail(run, COMMAND_BUSY, NULL, "too many prompts are put at once");
}

/* ---- recorded at a phone ---- */

/* A flow of no document: no name of one has a blank. */
#define RECORD_FLOW   BYTES_LIT("prompt record")
#define RECORD_NUMBER BYTES_LIT("prompt.record")

enum { RECORDED_LEAST_MS = 1000 };

/* False: no memory. */
static bool record_flow_exists(struct node *n, struct bytes tenant)
{
	static struct flow_findings unused;
	struct programs *all = n->common.shared_tables->programs;
	struct flow_program *p = program_parse(
		BYTES_LIT("[{\"answer\":{}},{\"pause\":0.5},{\"record\":{}},{\"hangup\":{}}]"),
		NULL, &unused);

	return p && !programs_put(all, tenant, RECORD_FLOW, p) &&
	       !programs_number_put(all, tenant, RECORD_NUMBER, RECORD_FLOW);
}

static void recorded_give(struct prompt_recorded *said)
{
	fair_give(&g_recorded.fair, &said->held);
	said->call = 0;
	if (!g_recorded.fair.taken)
		fair_close(&g_recorded.fair);
}

static struct prompt_recorded *recorded_find(uint64_t call)
{
	for (uint32_t i = 0; i < RECORDED_MAX; i++) {
		if (g_recorded.list[i].call == call)
			return &g_recorded.list[i];
	}
	return NULL;
}

/* A call that ended long ago, and gave no prompt, makes room. */
static void recorded_look(struct node *n)
{
	uint64_t now_ns = clock_now_ns();
	uint16_t tenant;

	for (uint32_t i = 0; i < RECORDED_MAX; i++) {
		struct prompt_recorded *said = &g_recorded.list[i];

		if (!said->call)
			continue;
		if (shard_call_tenant(node_core(n, said->call), said->call, &tenant))
			said->over_ns = 0;
		else if (!said->over_ns)
			said->over_ns = now_ns;
		else if (now_ns - said->over_ns > RECORDED_OVER_S * NS_PER_S)
			recorded_give(said);
	}
}

/* NULL: the run has failed. */
static struct prompt_recorded *recorded_admit(struct command_run *run, uint64_t call)
{
	const struct fair_who who = command_holder(run);
	struct prompt_recorded *said = recorded_find(call); /* the same command again */

	recorded_look(run->node);
	if (!said)
		said = recorded_find(0);
	if (!g_recorded.fair.max)
		fair_open(&g_recorded.fair, RECORDED_MAX, &run->node->rand);
	if (said &&
	    (said->call || fair_admit(&g_recorded.fair, &who, 1, &said->held) == FAIR_FINE)) {
		said->call = call;
		said->over_ns = 0;
		return said;
	}
	command_fail(run, COMMAND_BUSY, NULL, "too many prompts are recorded at once");
	return NULL;
}

/* Writes the id of the command that makes the call. Returns the id of the call, which follows. */
static uint64_t recorded_call(const struct command_run *run, char id[COMMAND_ID_MAX])
{
	(void)snprintf(id, COMMAND_ID_MAX, "prompt %.*s", COMMAND_ID_MAX - 16, run->id);
	return id_call_derive(node_shard_of_command(run->node, bytes_str(id)), bytes_str(id));
}

static void recorded_on_call(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const json_t *call = json_object_get(json_object_get(answer, "result"), "id");
	char id[COMMAND_ID_MAX];
	struct prompt_recorded *said = recorded_find(recorded_call(run, id));
	struct prompt_value v = { 0 };

	if (!call) {
		if (said)
			recorded_give(said);
		command_end(run, answer);
		return;
	}
	prompt_name_read(run, &v);
	command_answer(run, json_pack("{s:s, s:s, s:O}", "name", v.name, "language", v.language,
				      "call", call));
	json_decref(answer);
}

void command_prompt_record(struct command_run *run)
{
	struct command_principal who = command_in_name(run, run->role);
	struct prompt_recorded *said;
	struct prompt_value v = { 0 };
	char id[COMMAND_ID_MAX];
	json_t *args;

	prompt_name_read(run, &v);
	if (!prompt_name_fits(run, &v))
		return;
	if (!record_flow_exists(run->node, bytes_str(run->tenant))) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	said = recorded_admit(run, recorded_call(run, id));
	if (!said)
		return;
	memcpy(said->tenant, run->tenant, sizeof(said->tenant));
	memcpy(said->name, v.name, sizeof(v.name));
	memcpy(said->language, v.language, sizeof(v.language));
	args = json_pack("{s:s%, s:s%}", "from", command_value(run, "from")->text.p,
			 command_value(run, "from")->text.n, "to", RECORD_NUMBER.p,
			 RECORD_NUMBER.n);
	command_start(run->node, &who, BYTES_LIT("call.originate"), bytes_str(id), args,
		      recorded_on_call, run);
	json_decref(args);
}

static void recorded_on_put(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error");
	const struct prompt_recorded *said = arg;

	if (error)
		LOG_WARN("prompt", said->call, "what was said is no prompt",
			 LOG_STR("tenant", said->tenant), LOG_STR("name", said->name),
			 LOG_STR("language", said->language),
			 LOG_STR("reason", json_string_value(json_object_get(error, "message"))),
			 LOG_STR("next", "prompt.record, to say it again"));
	else
		LOG_INFO("prompt", said->call, "what was said is a prompt",
			 LOG_STR("tenant", said->tenant), LOG_STR("name", said->name),
			 LOG_STR("language", said->language));
	json_decref(answer);
	free(arg);
}

static void recorded_put(struct node *n, struct prompt_recorded *said, uint8_t number)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = "phone" };
	char call[ID_TEXT_LEN + 1] = "", id[COMMAND_ID_MAX];
	json_t *args;

	id_call_put(call, said->call);
	args = json_pack("{s:s, s:s, s:o}", "name", said->name, "language", said->language,
			 "recording", json_sprintf("%s-%u", call, number));
	(void)snprintf(id, sizeof(id), "prompt %s", call);
	memcpy(who.tenant, said->tenant, sizeof(who.tenant));
	command_start(n, &who, BYTES_LIT("prompt.put"), bytes_str(id), args, recorded_on_put, said);
	json_decref(args);
}

void command_prompt_recorded(struct node *n, uint64_t call, uint8_t number, uint64_t ms)
{
	struct prompt_recorded *place = call ? recorded_find(call) : NULL,
			       *said = place ? malloc(sizeof(*said)) : NULL;

	if (!said)
		return;
	*said = *place;
	recorded_give(place);
	if (ms >= RECORDED_LEAST_MS)
		recorded_put(n, said, number);
	else
		recorded_on_put(json_pack("{s:{s:s}}", "error", "message", "nothing was said"),
				said);
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
