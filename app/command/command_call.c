/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.list, call.show and the legs of a call, live or ended within the last hour. They read the
 * shard of the call directly, ask the media worker for the counters of its flows (queries.c), and
 * go through other nodes for lists (command_nodes.h). A caller sees calls of its own tenant alone,
 * and a user only its own: any other call is answered as not found.
 */

#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_nodes.h"
#include "app/command/command_session.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/command/queries.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/schema/fields.h"
#include "app/schema/profile.h"
#include "app/settings/settings.h"
#include "sig/identity/shown.h"
#include "sig/sip/id.h"

bool command_may_see(const struct command_run *run, const char *tenant)
{
	return !run->of_tenant || !strcmp(run->tenant, tenant);
}

static void no_such_call(struct command_run *run)
{
	command_fail(run, COMMAND_NOT_FOUND, "call", "there is no call " BYTES_FMT,
		     BYTES_ARG(command_value(run, "call")->text));
}

/* A call of another tenant counts as not found. */
static bool call_is_seen(const struct command_run *run, uint64_t call)
{
	const struct ended_call *ended;
	uint16_t tenant;

	if (shard_call_tenant(node_core(run->node, call), call, &tenant))
		return command_may_see(run, tenants_name(run->node->common.tenants, tenant));
	ended = ended_find(&run->node->shards->ended, call, clock_now_ns());
	return !ended || command_may_see(run, ended->cdr.tenant);
}

bool command_call_id(struct command_run *run, uint64_t *call)
{
	if (id_call_get(command_value(run, "call")->text, call)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "call",
			     "call must be an id as call.list shows it");
		return false;
	}
	if (call_is_seen(run, *call))
		return true;
	no_such_call(run);
	return false;
}

const struct ended_call *command_call_ended(const struct command_run *run)
{
	const struct ended_call *ended;
	uint64_t call;

	if (id_call_get(command_value(run, "call")->text, &call))
		return NULL;
	ended = ended_find(&run->node->shards->ended, call, clock_now_ns());
	return ended && command_may_see(run, ended->cdr.tenant) ? ended : NULL;
}

bool command_call_view(struct command_run *run, struct call_view *view)
{
	uint64_t call;

	if (!command_call_id(run, &call))
		return false;
	if (node_call_view(run->node, call, view))
		return true;
	no_such_call(run);
	return false;
}

static json_t *call_view_json(const struct node *n, const struct call_view *v)
{
	return json_pack(
		"{s:o, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, "
		"s:b, s:s}",
		"id", command_call_id_json(v->call), "state", call_state_name(v->state), "a_state",
		party_state_name(v->states[0]), "b_state", party_state_name(v->states[1]),
		"application", v->application, "waits", v->waits, "tenant", v->tenant, "from",
		command_text_json(bytes_str(v->from)), "to", command_text_json(bytes_str(v->to)),
		"answered_by", command_text_json(bytes_str(v->answered_by)), "from_name",
		command_text_json(bytes_str(v->from_name)), "setup_utc_ms",
		(json_int_t)v->setup_utc_ms, "answer_utc_ms", (json_int_t)v->answer_utc_ms,
		"version", (json_int_t)v->version, "saved", v->saved, "restored", v->restored,
		"node", n->settings->node.name);
}

static bool call_is_listed(const struct command_run *run, const struct shard *core,
			   const struct call_view *view, const struct command_span *span)
{
	const struct command_value *application = command_value(run, "application");
	bool ending = command_value(run, "ending")->number;

	if (!command_may_see(run, view->tenant) || (view->state == CALL_ENDING && !ending))
		return false;
	if (run->user[0]) {
		struct call_part part = shard_call_part(core, view->call, bytes_str(run->user));

		if (!part.side && !part.rings && !part.gives)
			return false;
	}
	if (application->given && !bytes_is(application->text, view->application))
		return false;
	return command_span_has(span, view->setup_utc_ms) &&
	       (command_span_is_of(span,
				   party_is_shown(!strcmp(view->from_name, PARTY_HIDDEN_NAME),
						  bytes_str(view->from), bytes_str(run->user))
					   ? view->from
					   : PARTY_HIDDEN,
				   view->to) ||
		command_span_is_of(span, view->answered_by, ""));
}

static bool call_look(const struct command_run *run, const struct command_span *span,
		      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct call_view view;
	struct shard *core;

	while ((core = command_walk_shard(run, at)) &&
	       !shard_call_head_next(core, &at->place, &view))
		command_walk_past(at);
	if (!core)
		return false;
	out->wanted = call_is_listed(run, core, &view, span);
	out->utc_ms = view.setup_utc_ms;
	id_call_put(out->key, view.call);
	out->json = show && out->wanted ? call_view_json(run->node, &view) : NULL;
	command_party_hide(run, out->json);
	return true;
}

static void call_list_here(struct command_run *run)
{
	command_walk_start(run, call_look);
}

void command_call_list(struct command_run *run)
{
	struct command_span span;

	if (command_span_read(run, &span))
		command_nodes_request(run, call_list_here);
}

static json_t *leg_json(const struct call_view_leg *leg)
{
	struct bytes rest = bytes_str(leg->codecs), name;
	json_t *codecs = json_array();

	while (bytes_cut(&rest, ',', &name))
		(void)json_array_append_new(codecs, command_text_json(name));
	/* g_profile_transport begins with "any" */
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:o}", "trunk", leg->trunk, "transport",
			 g_profile_transport[leg->transport + 1], "srtp",
			 leg->suite[0] ? leg->suite : "plain", "holds", leg->held, "muted",
			 leg->muted, "profile", leg->profile, "codecs", codecs);
}

static json_t *call_leg_json(uint64_t number, const struct call_leg_view *leg)
{
	const char party[2] = { leg->party };
	json_t *json =
		json_pack("{s:I, s:s?, s:s, s:s, s:o, s:o, s:o, s:o}", "leg", (json_int_t)number,
			  "party", leg->party ? party : NULL, "state", leg->state, "direction",
			  leg->outbound ? "out" : "in", "user", command_text_json(leg->user),
			  "trunk", command_text_json(leg->trunk), "sip_call_id",
			  command_text_json(leg->sip_call_id), "peer",
			  command_addr_json(&leg->remote));

	(void)json_object_update_new(json, leg_json(&leg->facts));
	return json;
}

void command_call_leg_list(struct command_run *run)
{
	struct call_leg_view leg;
	struct call_view view;
	json_t *list;

	if (!command_call_view(run, &view))
		return;
	list = json_array();
	for (uint64_t i = 0; shard_call_leg(node_core(run->node, view.call), view.call, &i, &leg);
	     i++)
		(void)json_array_append_new(list, call_leg_json(i, &leg));
	command_answer(run, list);
}

void command_call_leg_show(struct command_run *run)
{
	uint64_t number = command_value(run, "leg")->number, found = number;
	struct call_leg_view leg;
	struct call_view view;

	if (!command_call_view(run, &view))
		return;
	if (shard_call_leg(node_core(run->node, view.call), view.call, &found, &leg) &&
	    found == number)
		command_answer(run, call_leg_json(number, &leg));
	else
		command_fail(run, COMMAND_NOT_FOUND, "leg", "the call has no such leg");
}

static json_t *flows_json(const struct node *node, const struct call_view *v, const struct query *q)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->flow_count; i++)
		(void)json_array_append_new(list, call_flow_json(node, v, i, q));
	return list;
}

void command_play_put(json_t *json, const struct shard *core, uint64_t call)
{
	struct call_play play;

	if (!shard_call_play(core, call, clock_instant(), &play))
		return;
	(void)json_object_set_new(json, "play",
				  json_pack("{s:s, s:I, s:I, s:b}", "file", play.file, "place_ms",
					    (json_int_t)play.place_ms, "played_ms",
					    (json_int_t)play.played_ms, "paused", play.paused));
}

static void conference_put(json_t *json, const struct shard *core, uint64_t call)
{
	uint64_t room = shard_call_room(core, call);

	if (room)
		(void)json_object_set_new(json, "conference", command_call_id_json(room));
}

static json_t *recordings_json(const struct call_view *v)
{
	char id[ID_TEXT_LEN + 1] = "";
	json_t *list = json_array();

	id_call_put(id, v->call);
	for (uint32_t i = 0; i < v->recording_count; i++) {
		const struct call_view_recording *r = &v->recordings[i];

		(void)json_array_append_new(
			list, json_pack("{s:o, s:s, s:s, s:s, s:s, s:I}", "recording",
					json_sprintf("%s-%u", id, (unsigned)r->number), "leg",
					r->leg ? "b" : "a", "state", r->paused ? "paused" : "on",
					"to", r->to, "cause", r->cause, "begun_utc_ms",
					(json_int_t)r->begun_utc_ms));
	}
	return list;
}

static void call_facts_put(json_t *json, const struct shard *core, uint64_t call)
{
	struct call_facts facts;

	if (!shard_call_facts(core, call, &facts))
		return;
	for (const struct call_fact *fact = call_facts; fact->name; fact++)
		(void)json_object_set_new(
			json, fact->name,
			command_text_json(bytes_str((const char *)&facts + fact->at)));
}

static void on_stats(const struct query *q, void *arg)
{
	struct command_run *run = arg;
	static struct call_view view; /* large for a stack */
	json_t *json;

	if (!command_call_view(run, &view))
		return;
	json = call_view_json(run->node, &view);
	for (size_t leg = 0; leg < 2; leg++) {
		const struct text *id = view.sip_call_id[leg];

		(void)json_object_set_new(json, leg ? "b_sip_call_id" : "a_sip_call_id",
					  id ? command_text_json(text_bytes(id)) : json_null());
		(void)json_object_set_new(json, leg ? "b_peer" : "a_peer",
					  command_addr_json(&view.remote[leg]));
		(void)json_object_set_new(json, leg ? "b" : "a", leg_json(&view.legs[leg]));
	}
	(void)json_object_set_new(json, "recordings", recordings_json(&view));
	(void)json_object_set_new(json, "flows", flows_json(run->node, &view, q));
	command_play_put(json, node_core(run->node, view.call), view.call);
	call_facts_put(json, node_core(run->node, view.call), view.call);
	conference_put(json, node_core(run->node, view.call), view.call);
	command_user_view(run, json);
	command_answer(run, json);
}

/* The call's CDR. Its texts are large, so they have a stack frame of their own. */
static void ended_cdr_put(json_t *json, const struct cdr *cdr)
{
	struct fields fields;

	fields_of_cdr(&fields, cdr);
	for (size_t i = 0; i < fields.count; i++) {
		struct bytes value = fields.list[i].value;
		uint64_t number;

		if (fields.is_number[i] && !bytes_u64(value, &number))
			(void)json_object_set_new(json, fields.list[i].name,
						  json_integer((json_int_t)number));
		else
			(void)json_object_set_new(json, fields.list[i].name,
						  command_text_json(value));
	}
}

static json_t *ended_json(const struct ended_call *c)
{
	json_t *json =
		json_pack("{s:o, s:s}", "id", command_call_id_json(c->call), "state", "ended");
	json_t *flows = json_array();

	ended_cdr_put(json, &c->cdr);
	for (uint32_t i = 0; i < c->flow_count; i++)
		(void)json_array_append_new(flows, call_flow_ended_json(c->flows[i]));
	(void)json_object_set_new(json, "flows", flows);
	return json;
}

static void live_show(struct command_run *run)
{
	struct call_view view;

	if (command_call_view(run, &view) && !call_query(run->node, &view, on_stats, run))
		command_fail(run, COMMAND_BUSY, NULL, "too many call.show at once");
}

void command_call_show(struct command_run *run)
{
	const struct ended_call *ended = command_call_ended(run);
	json_t *json = ended ? ended_json(ended) : NULL;

	command_user_view(run, json);
	if (ended)
		command_answer(run, json);
	else
		live_show(run);
}
