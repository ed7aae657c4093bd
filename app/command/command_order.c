/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to calls: hold, mute, play, stream, collect, record, end, and call.originate. Each goes to
 * the shard that has the call, and is answered when its effect is saved (command_ordered). The id
 * of an originated call follows from the command's id, so that a command repeated after a crash
 * finds its call. Feature codes that phones dial become commands here, too (command_feature). */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_extension.h"
#include "app/command/command_group.h"
#include "app/command/command_order.h"
#include "app/command/command_request.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/node.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/schema/feature.h"
#include "app/schema/flow_field.h"
#include "app/settings/settings.h"
#include "app/sound/sound_prompt.h"
#include "base/log.h"
#include "sig/call/prompts.h"
#include "sig/host/calendars.h"
#include "sig/host/groups.h"
#include "sig/host/spoken_value.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"
#include "sig/model/flow_run.h"
#include "sig/model/plan.h"
#include "sig/pbx/media_stream.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/id.h"

/* Feature codes: a phone changes its own extension, by the command extension.put in its name. */

struct feature_run {
	struct node *node;
	uint64_t call;
	uint64_t serial;
	char tenant[TENANT_NAME_MAX];
	char number[sizeof(((struct shard_extension *)NULL)->number)];
	enum feature_action feature;
	uint64_t rings; /* 0: as they are */
};

static void feature_end(struct feature_run *run, enum set_state state, const char *reason)
{
	const struct reply reply = { .ask = ASK_SET,
				     .of = run->call,
				     .set = { .state = state, .serial = run->serial } };

	if (state == SET_DONE)
		LOG_INFO("feature", run->call, "an extension was changed by its phone",
			 LOG_STR("number", run->number),
			 LOG_STR("feature", feature_key(run->feature)));
	else
		LOG_WARN("feature", run->call, "an extension was not changed by its phone",
			 LOG_STR("number", run->number),
			 LOG_STR("feature", feature_key(run->feature)), LOG_STR("reason", reason));
	answers_reply(&run->node->shards->answers, &reply);
	free(run);
}

/* What Redis did not take may be taken another time. */
static bool is_failure(const char *code)
{
	static const enum command_error_code failures[] = { COMMAND_BUSY, COMMAND_UNAVAILABLE,
							    COMMAND_UNCERTAIN, COMMAND_INTERNAL };

	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		if (!strcmp(code, command_error_name(failures[i])))
			return true;
	}
	return false;
}

static void feature_on_done(json_t *answer, void *arg)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		feature_end(arg, SET_DONE, "");
	else
		feature_end(arg, code && !is_failure(code) ? SET_REFUSED : SET_FAILED,
			    code ? code : "out of memory");
	json_decref(answer);
}

/* The targets that a call may be forwarded to. */
struct feature_reach {
	uint32_t n;
	char numbers[PLAN_STEPS_MAX][FORWARD_TARGET_MAX];
};

/* Adds each target once. A number that is too long is no target. */
static void feature_reach_add(struct feature_reach *r, struct bytes number)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (bytes_is(number, r->numbers[i]))
			return;
	}
	if (r->n < COUNT_OF(r->numbers) && number.n &&
	    !bytes_cstr(number, r->numbers[r->n], FORWARD_TARGET_MAX))
		r->n++;
}

static void feature_reach_on(struct feature_reach *r, const struct extensions *x, uint16_t tenant,
			     const char *number)
{
	static struct extension
		e; /* of the loop's thread: two of them are too much for its stack */
	struct bytes all, next;

	memset(&e, 0, sizeof(e));
	(void)extensions_find(x, tenant, bytes_str(number), &e);
	all = bytes_str(e.forward.always);
	while (bytes_cut(&all, ',', &next))
		feature_reach_add(r, next);
	extension_wipe(&e);
}

/* Whether forwards from there lead back to the extension. */
static bool is_call_back(const struct extensions *x, uint16_t tenant, const char *number,
			 struct bytes target)
{
	struct feature_reach r = { 0 };

	feature_reach_add(&r, target);
	for (uint32_t i = 0; i < r.n; i++) {
		if (!strcmp(r.numbers[i], number))
			return true;
		feature_reach_on(&r, x, tenant, r.numbers[i]);
	}
	return false;
}

static bool feature_may_be_called(const struct extensions *x, uint16_t tenant, struct bytes number)
{
	struct extension e = { 0 };
	bool may = extensions_find(x, tenant, number, &e) && e.core.enabled;

	extension_wipe(&e);
	return may;
}

/* NULL: calls may go there. */
static const char *target_wrong(const struct feature_run *run, uint16_t tenant, struct bytes target)
{
	const struct extensions *x = run->node->api.extensions;

	if (!feature_may_be_called(x, tenant, target))
		return "no such extension";
	return is_call_back(x, tenant, run->number, target) ? "its calls come back" : NULL;
}

static bool feature_of_groups(enum feature_action feature)
{
	return feature == FEATURE_GROUP_IN || feature == FEATURE_GROUP_OUT;
}

static json_t *feature_value_json(const struct feature_run *run, struct bytes number)
{
	switch (feature_value(run->feature)) {
	case FEATURE_NUMBER:
		return json_stringn((const char *)number.p, number.n);
	case FEATURE_NOTHING:
		return json_string("");
	case FEATURE_TRUE:
		return json_true();
	case FEATURE_FALSE:
		return json_false();
	case FEATURE_SLOT: /* of no document */
	case FEATURE_MAYBE:
	case FEATURE_CALL:
		break;
	}
	return NULL;
}

static bool feature_of_hours(enum feature_action feature)
{
	return feature == FEATURE_HOURS_AUTO || feature == FEATURE_HOURS_OPEN ||
	       feature == FEATURE_HOURS_CLOSED;
}

/* NULL: its phones may set those. */
static const char *hours_wrong(const struct feature_run *run, uint16_t tenant, struct bytes code)
{
	const struct calendar *c =
		calendars_by_code(run->node->common.shared_tables->calendars, tenant, code);
	struct extension e = { 0 };
	bool may;

	if (!c)
		return "no such hours";
	may = extensions_find(run->node->api.extensions, tenant, bytes_str(run->number), &e) &&
	      groups_out_has(bytes_str(e.hours), bytes_str(c->name));
	extension_wipe(&e);
	return may ? NULL : "it may not set these hours";
}

/* Checked before. */
static json_t *feature_hours_args(const struct feature_run *run, struct bytes code)
{
	static const char *const states[] = { "none", "open", "closed" };
	const struct calendar *c =
		calendars_by_code(run->node->common.shared_tables->calendars,
				  tenants_find(run->node->common.tenants, bytes_str(run->tenant)),
				  code);

	return c ? json_pack("{s:s, s:s}", "name", c->name, "state",
			     states[run->feature - FEATURE_HOURS_AUTO])
		 : NULL;
}

/* Checked before. */
static json_t *feature_groups_args(const struct feature_run *run, struct bytes number)
{
	uint16_t tenant = tenants_find(run->node->common.tenants, bytes_str(run->tenant));
	struct bytes group = command_group_of_number(run->node, tenant, number);

	return number.n ? json_pack("{s:s, s:s%}", "number", run->number, "group", group.p, group.n)
			: json_pack("{s:s}", "number", run->number);
}

/* NULL: the code is of none of the features that have a list of theirs. */
static const struct code_command *feature_code_command(enum feature_action feature)
{
	FEATURE_EACH (f) {
		for (const struct code_command *c = f->codes; c && c->command; c++) {
			if (c->code == feature)
				return c;
		}
	}
	return NULL;
}

static json_t *feature_args(const struct feature_run *run, struct bytes number)
{
	const struct code_command *c = feature_code_command(run->feature);

	if (c)
		return c->args(run->feature, run->number, number);
	if (feature_of_groups(run->feature))
		return feature_groups_args(run, number);
	if (feature_of_hours(run->feature))
		return feature_hours_args(run, number);
	return json_pack("{s:s, s:o, s:o*}", "number", run->number, feature_field(run->feature),
			 feature_value_json(run, number), "forward_rings",
			 run->rings ? json_integer((json_int_t)run->rings) : NULL);
}

static const char *feature_command(enum feature_action feature)
{
	const struct code_command *c = feature_code_command(feature);

	if (c)
		return c->command;
	if (feature_of_hours(feature))
		return "hours.override";
	if (!feature_of_groups(feature))
		return "extension.put";
	return feature == FEATURE_GROUP_IN ? "group.login" : "group.logout";
}

static void feature_put(struct feature_run *run, struct bytes number)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN,
					 .door = "phone",
					 .by = run->number };
	json_t *args = feature_args(run, number);
	char id[COMMAND_ID_MAX];

	if (!args) {
		feature_end(run, SET_FAILED, "out of memory");
		return;
	}
	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", run->tenant);
	(void)snprintf(id, sizeof(id), "feature %" PRIx64, run->serial);
	command_start(run->node, &who, bytes_str(feature_command(run->feature)), bytes_str(id),
		      args, feature_on_done, run);
	json_decref(args);
}

void command_feature(const struct effect *e, void *arg)
{
	struct feature_run *run = calloc(1, sizeof(*run));
	const struct request_set *set = e->request;
	struct bytes number = text_bytes(&set->number);
	const char *wrong = NULL;
	uint16_t tenant;

	if (!run) {
		LOG_ERROR("feature", e->call, "out of memory"); /* the call has a time */
		return;
	}
	*run = (struct feature_run){ .node = arg,
				     .call = e->call,
				     .serial = e->serial,
				     .feature = (enum feature_action)set->feature,
				     .rings = set->rings };
	if (bytes_cstr(text_bytes(&set->user), run->number, sizeof(run->number)) ||
	    bytes_cstr(text_bytes(&set->tenant), run->tenant, sizeof(run->tenant)))
		wrong = "no such extension";
	tenant = tenants_find(run->node->common.tenants, bytes_str(run->tenant));
	if (tenant == TENANT_NONE) /* deleted meanwhile: its calls go on */
		wrong = "no such tenant";
	else if (!wrong && feature_value(run->feature) == FEATURE_NUMBER)
		wrong = target_wrong(run, tenant, number);
	else if (!wrong && feature_of_groups(run->feature) && number.n &&
		 !command_group_of_number(run->node, tenant, number).n)
		wrong = "no such group";
	else if (!wrong && feature_of_hours(run->feature))
		wrong = hours_wrong(run, tenant, number);
	if (wrong)
		feature_end(run, SET_REFUSED, wrong);
	else
		feature_put(run, number);
}

#define FILE_GREETING "greeting:"

bool command_order_start(struct command_run *run, struct shard_order *by)
{
	by->id = id_order(bytes_str(run->id));
	by->ticket = waiting_put(run->node->api.waiting, run);
	if (!by->ticket)
		command_fail(run, COMMAND_BUSY, NULL, "too many orders at once");
	return by->ticket;
}

static json_t *result_of(const struct command_run *run, uint64_t call, uint32_t number)
{
	json_t *json = json_pack("{s:o}", "id", command_call_id_json(call));
	const char *slot = shard_call_slot(node_core(run->node, call), call);

	if (json && slot[0] && command_arg_find(run->command, BYTES_LIT("group")))
		(void)json_object_set_new(json, "slot", json_string(slot));

	if (json && number)
		(void)json_object_set_new(json, "order", json_integer(number));
	if (json && command_arg_find(run->command, BYTES_LIT("action")))
		command_play_put(json, node_core(run->node, call), call);
	return json;
}

static void order_failed(struct command_run *run, const struct request_ordered *order)
{
	char owner[ID_TEXT_LEN + 1] = "";

	if (order->owner)
		id_call_put(owner, order->owner);
	if (order->status == 486 && !order->owner)
		command_fail(run, COMMAND_CONFLICT, "group", "all slots of the group are taken");
	else if (order->status == 486)
		command_fail(run, COMMAND_CONFLICT, "slot", "call %s waits there", owner);
	else if (order->status == 503)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis did not answer, or the tenant has no further slots");
	else
		command_fail(run, COMMAND_CONFLICT, "call", "the call is over");
}

void command_ordered(const struct effect *e, void *arg)
{
	const struct request_ordered *order = e->request;
	struct node *node = arg;
	struct command_run *run = waiting_pop(node->api.waiting, order->ticket);

	if (run && order->status)
		order_failed(run, order);
	else if (run && order->saved)
		command_answer(run, result_of(run, e->call, order->number));
	else if (run)
		command_fail(run, COMMAND_UNCERTAIN, NULL,
			     "it was done, and a kill now may undo it: Redis did not answer");
}

void command_orders_drop(struct node *node)
{
	struct command_run *run;

	while ((run = waiting_take_any(node->api.waiting)))
		command_fail(run, COMMAND_UNCERTAIN, NULL, "the node is stopping");
}

/* As the command calls it. NULL: it has none of that name. */
static const char *refusal_argument(const struct command_run *run, const char *name, bool of_with)
{
	const char *const names[] = { of_with && !strcmp(name, "leg") ? "with_leg" : "",
				      of_with ? "with" : "", name,
				      !strcmp(name, "to") ? "by" : "" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (command_arg_find(run->command, bytes_str(names[i])))
			return names[i];
	}
	return NULL;
}

void command_refused(struct command_run *run, enum refusal refused, bool of_with)
{
	const struct refusal_row *row = &refusals[refused];
	bool whole = row->words[strlen(row->words) - 1] == '.';

	command_fail(run, command_error_of((enum refusal_class)row->class),
		     row->argument ? refusal_argument(run, row->argument, of_with) : NULL, "%s%s%s",
		     row->words,
		     !row->next[0] ? ""
		     : whole       ? " "
				   : ": ",
		     row->next);
}

void command_order_end(struct command_run *run, const struct shard_order *by, bool of_with,
		       enum refusal refused)
{
	if (!refused)
		return;
	(void)waiting_pop(run->node->api.waiting, by->ticket);
	command_refused(run, refused, of_with);
}

enum shard_leg command_order_leg(const struct command_run *run, const char *name)
{
	const struct command_value *leg = command_value(run, name);

	if (!leg->given)
		return SHARD_LEG_NONE;
	return leg->number ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER;
}

void command_order_to(struct command_run *run, uint64_t call, struct call_order *order)
{
	struct shard_order by;

	order->by = &by;
	order->user = bytes_str(run->user);
	if (command_order_start(run, &by))
		command_order_end(run, &by, false,
				  shard_call_order(node_core(run->node, call), call, order,
						   clock_instant()));
}

void command_order_give(struct command_run *run, struct call_order *order)
{
	uint64_t call;

	if (command_call_id(run, &call))
		command_order_to(run, call, order);
}

/* ---- orders that depend on a user's phones ---- */

static void look_found(void *owner, uint64_t token, struct instant now)
{
	struct node *n = owner;
	struct command_run *run = waiting_pop(n->api.waiting, token);

	(void)now;
	if (run)
		run->command->fn(run);
}

void command_looks_join(struct node *node)
{
	*node->common.looks = (struct locations_user){ .owner = node, .found = look_found };
	locations_join(node->common.locations, node->common.looks);
}

bool command_awaits_user(struct command_run *run, const char *of, struct bytes user)
{
	struct node *n = run->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(of));
	uint64_t ticket;

	if (tenant == TENANT_NONE || !extensions_has(n->api.extensions, tenant, user) ||
	    locations_know(n->common.locations, tenant, user))
		return false;
	ticket = waiting_put(n->api.waiting, run);
	if (!ticket)
		return false;
	locations_set_now(n->common.locations, clock_instant());
	if (locations_request(n->common.locations, tenant, user, n->common.looks, ticket))
		return true;
	(void)waiting_pop(n->api.waiting, ticket);
	return false;
}

/* Rejects a transfer order at once if its target has no registered contact; the call continues. */
static bool order_awaits_user(struct command_run *run, const struct call_order *order)
{
	static struct call_view view; /* large for a stack */
	uint64_t call;

	if (order->kind != ORDER_TRANSFER && order->kind != ORDER_DEFLECT)
		return false;
	return !id_call_get(command_value(run, "call")->text, &call) &&
	       node_call_view(run->node, call, &view) &&
	       command_awaits_user(run, view.tenant, order->to);
}

void command_call_order(struct command_run *run)
{
	struct call_order order = { .kind = (enum call_order_kind)run->command->order };

	field_order(run, &order);
	order.has_seconds = command_arg_find(run->command, BYTES_LIT("away_s")) &&
			    command_value(run, "away_s")->given;
	if (order_awaits_user(run, &order))
		return;
	command_order_give(run, &order);
}

void command_call_hangup(struct command_run *run)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_start(run, &by))
		command_order_end(run, &by, false,
				  shard_hangup(node_core(run->node, call), call, &by,
					       clock_instant()));
}

/* What is left of it is to be a name. */
static bool file_is_good(struct bytes name)
{
	struct spoken_value words;

	if (bytes_starts(name, PROMPT_DIGITS)) {
		name = bytes_from(name, strlen(PROMPT_DIGITS));
		return name.n > 0 && name.n <= PROMPT_DIGITS_MAX &&
		       command_allows(CHARSET_DIGITS, name);
	}
	if (spoken_value_is(name))
		return name.n <= PROMPT_NAME_MAX &&
		       spoken_value_make(&words, name, BYTES_LIT("en"));
	if (bytes_starts(name, PROMPT_RECORDING))
		return sound_recording_is_good(bytes_from(name, strlen(PROMPT_RECORDING)));
	if (bytes_starts(name, FILE_GREETING)) {
		name = bytes_from(name, strlen(FILE_GREETING));
		return name.n > 0 && command_allows(CHARSET_NUMBER, name);
	}
	if (bytes_starts(name, PROMPT_BY_NAME))
		name = bytes_from(name, strlen(PROMPT_BY_NAME));
	return name.n > 0 && name.p[0] != '.' && command_allows(CHARSET_NAME, name);
}

/* greeting:NUMBER is what that extension's callers hear now. False: there is no such extension. */
static bool order_file_read(const struct command_run *run, struct bytes name,
			    char out[PROMPT_NAME_MAX + 1])
{
	const struct presence_word *said;
	struct extension e;

	if (!bytes_starts(name, FILE_GREETING))
		return !bytes_cstr(name, out, PROMPT_NAME_MAX + 1);
	if (!extensions_find(run->node->api.extensions, document_tenant(run),
			     bytes_from(name, strlen(FILE_GREETING)), &e))
		return false;
	said = presence_current(&e.presence, clock_utc_ms());
	greeting_of(e.greetings, said ? said->state : "", out);
	extension_wipe(&e);
	return true;
}

/* Names of files by commas. False: the run has failed. */
bool command_files_read(struct command_run *run, struct prompt_terms *out)
{
	struct bytes rest = command_value(run, "file")->text, name;

	while (bytes_cut(&rest, ',', &name)) {
		if (out->file_count == PROMPT_FILES_MAX || !file_is_good(name) ||
		    !order_file_read(run, name, out->files[out->file_count++])) {
			command_fail(
				run, COMMAND_BAD_ARGUMENT, "file",
				"file must be 1 to %d names of files, prompt:NAME, digits:KEYS, "
				"recording:CALL-NUMBER, greeting:NUMBER of an extension, or a "
				"value such as number:21, with commas between them",
				PROMPT_FILES_MAX);
			return false;
		}
	}
	return true;
}

static void order_prompts(struct command_run *run, const struct prompt_terms *terms)
{
	struct shard_order by;
	uint64_t call;

	if (command_call_id(run, &call) && command_order_start(run, &by))
		command_order_end(run, &by, false,
				  shard_call_prompt(node_core(run->node, call), call, terms, &by,
						    clock_instant()));
}

void command_call_play(struct command_run *run)
{
	struct prompt_terms terms = { 0 };

	field_order(run, &terms);
	if (command_files_read(run, &terms))
		order_prompts(run, &terms);
}

static void order_media_stream_start(struct command_run *run,
				     const struct media_stream_terms *terms)
{
	struct call_order order = { .kind = ORDER_MEDIA_STREAM,
				    .leg = command_order_leg(run, "leg"),
				    .media_stream = terms };

	command_order_give(run, &order);
}

/* Of a call of two. */
static void stream_listen(struct command_run *run)
{
	const struct command_value *hear = command_value(run, "hear");
	struct media_stream_terms terms = {
		.sides = (uint8_t)(hear->given ? hear->number + MEDIA_STREAM_FROM_PARTY
					       : MEDIA_STREAM_BOTH)
	};

	if (bytes_cstr(command_value(run, "endpoint")->text, terms.endpoint,
		       sizeof(terms.endpoint)))
		command_fail(run, COMMAND_BAD_ARGUMENT, "endpoint", "endpoint is too long");
	else
		order_media_stream_start(run, &terms);
}

/* Checks an endpoint name against the call's tenant. False: the command has failed. */
static bool stream_endpoint(struct command_run *run)
{
	struct bytes name = command_value(run, "endpoint")->text;
	uint16_t tenant;
	uint64_t call;

	if (!command_call_id(run, &call))
		return false;
	if (!shard_call_tenant(node_core(run->node, call), call, &tenant) ||
	    lives_know(&run->node->media->lives,
		       bytes_str(tenants_name(run->node->common.tenants, tenant)), name))
		return true;
	command_fail(run, COMMAND_NOT_FOUND, "endpoint",
		     "live.endpoints has no endpoint of that name for this tenant");
	return false;
}

void command_call_stream(struct command_run *run)
{
	struct prompt_terms terms = { .times = 1, .file_count = 1 };
	struct writer w = writer_over(terms.files[0], PROMPT_NAME_MAX);

	writer_str(&w, PROMPT_LIVE);
	writer_bytes(&w, command_value(run, "endpoint")->text);
	if (!stream_endpoint(run))
		return;
	if (command_value(run, "leg")->given)
		stream_listen(run);
	else if (w.overflow)
		command_fail(run, COMMAND_BAD_ARGUMENT, "endpoint", "endpoint is too long");
	else
		order_prompts(run, &terms);
}

void command_call_stop(struct command_run *run)
{
	if (command_value(run, "leg")->given)
		order_media_stream_start(run, &(struct media_stream_terms){ 0 });
	else
		order_prompts(run, &(struct prompt_terms){ 0 });
}

void command_call_collect(struct command_run *run)
{
	struct prompt_terms terms = { .times = 1, .interruptible = true, .ends = "#" };
	const struct command_value *tag = command_value(run, "tag");
	uint32_t most = run->node->settings->ivr.max_digits;

	field_order(run, &terms);
	if (!command_value(run, "max")->given)
		terms.max = (uint8_t)most;
	if (tag->given && !call_tag_is_good(tag->text))
		command_fail(run, COMMAND_BAD_ARGUMENT, "tag",
			     "tag must be TAB.FIELD, of letters, digits, '_' and '-'");
	else if (terms.min > terms.max)
		command_fail(run, COMMAND_BAD_ARGUMENT, "min", "min must not be above max");
	else if (terms.max > most)
		command_fail(run, COMMAND_BAD_ARGUMENT, "max",
			     "max must be at most %u: ivr.max_digits of tandem.yaml", most);
	else if (command_files_read(run, &terms))
		order_prompts(run, &terms);
}

void command_call_record_message(struct command_run *run)
{
	struct prompt_terms terms = { .times = 1, .interruptible = true, .ends = "#" };
	bool beep = command_value(run, "beep")->number;

	field_order(run, &terms);
	(void)bytes_cstr(command_value(run, "mailbox")->text, terms.mailbox, sizeof(terms.mailbox));
	if (!command_files_read(run, &terms))
		return;
	if (beep && terms.file_count == PROMPT_FILES_MAX)
		command_fail(run, COMMAND_BAD_ARGUMENT, "file",
			     "file must be %d names of files at most, or beep=false",
			     PROMPT_FILES_MAX - 1);
	else {
		if (beep)
			(void)bytes_cstr(BYTES_LIT(PROMPT_BEEP), terms.files[terms.file_count++],
					 PROMPT_NAME_MAX + 1);
		order_prompts(run, &terms);
	}
}

/* The id follows from the command's: a command repeated after a crash finds its call. */
static uint64_t call_id_of(const struct command_run *run)
{
	return id_call_derive(node_shard_of_command(run->node, bytes_str(run->id)),
			      bytes_str(run->id));
}

static void originate(struct command_run *run)
{
	const struct command_value *flow = command_value(run, "flow");
	const struct command_value *shows = command_value(run, "caller_id");
	const struct command_value *box = command_value(run, "mailbox");
	char from[64], to[sizeof(FLOW_WORD) + FLOW_NAME_MAX + 128], caller_id[64], payer[64];
	struct shard_order by;
	struct shard_originate o = { .call = call_id_of(run),
				     .from = from,
				     .to = to,
				     .caller_id = shows->given ? caller_id : NULL,
				     .payer = payer,
				     .by = &by };

	o.tenant = tenants_find(run->node->common.tenants, bytes_str(run->tenant));
	if (o.tenant == TENANT_NONE) {
		command_fail(run, COMMAND_NOT_FOUND, "from", "there is no such tenant");
		return;
	}
	if (!command_value(run, "payer")->given && /* else it is a number outside */
	    !extensions_has(run->node->api.extensions, o.tenant,
			    command_value(run, "from")->text)) {
		command_fail(run, COMMAND_NOT_FOUND, "from", COMMAND_NO_EXTENSION);
		return;
	}
	if (!command_order_start(run, &by))
		return;
	field_order(run, &o);
	(void)bytes_cstr(command_value(run, "from")->text, from, sizeof(from));
	(void)bytes_cstr(command_value(run, "payer")->text, payer, sizeof(payer));
	(void)bytes_cstr(shows->text, caller_id, sizeof(caller_id));
	(void)snprintf(to, sizeof(to), "%s" BYTES_FMT "%s" BYTES_FMT, flow->given ? FLOW_WORD : "",
		       BYTES_ARG(flow->given ? flow->text : command_value(run, "to")->text),
		       flow->given && box->given ? FLOW_BOX : "",
		       BYTES_ARG(flow->given ? box->text : (struct bytes){ 0 }));
	command_order_end(run, &by, false,
			  shard_call_originate(node_core(run->node, o.call), &o, clock_instant()));
}

void command_call_originate(struct command_run *run)
{
	bool given = command_value(run, "to")->given;

	if (given == command_value(run, "flow")->given)
		command_fail(run, given ? COMMAND_BAD_ARGUMENT : COMMAND_MISSING_ARGUMENT, "to",
			     "say who is called then: to, or flow");
	/* the call itself looks up the callee */
	else if (!command_awaits_user(run, run->tenant, command_value(run, "from")->text))
		originate(run);
}
