/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "app/command_handlers.h"
#include "app/node.h"
#include "engine/engine.h"
#include "sig/id.h"

#define QUERY_LIMIT_NS (100 * NS_PER_MS)

bool command_call_id(struct command_run *run, uint64_t *call)
{
	if (!id_call_get(command_value(run, "call")->text, call))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "call", "call must be an id as call.list shows it");
	return false;
}

static void no_such_call(struct command_run *run)
{
	command_fail(run, COMMAND_NOT_FOUND, "call", "there is no call " BYTES_FMT,
		     BYTES_ARG(command_value(run, "call")->text));
}

static json_t *view_json(const struct call_view *v)
{
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:b, s:b}", "id",
			 command_call_id_json(v->call), "state", call_state_name(v->state),
			 "tenant", v->tenant, "from", command_text_json(bytes_str(v->from)), "to",
			 command_text_json(bytes_str(v->to)), "setup_utc_ms",
			 (json_int_t)v->setup_utc_ms, "answer_utc_ms", (json_int_t)v->answer_utc_ms,
			 "version", (json_int_t)v->version, "saved", v->saved, "restored",
			 v->restored);
}

void command_call_list(struct command_run *run)
{
	const struct command_value *limit = command_value(run, "limit");
	uint64_t left = limit->given ? limit->number : 100;
	json_t *list = json_array();
	struct call_view view;
	uint32_t cursor = 0;

	while (left-- && shard_call_next(run->node->shard, &cursor, &view))
		(void)json_array_append_new(list, view_json(&view));
	command_answer(run, list);
}

void command_call_hangup(struct command_run *run)
{
	uint64_t call;

	if (!command_call_id(run, &call))
		return;
	if (shard_hangup(run->node->shard, call, clock_instant())) {
		no_such_call(run);
	} else {
		command_answer(run, json_pack("{s:o}", "id", command_call_id_json(call)));
	}
}

static json_t *leg_json(const struct call_view_leg *leg)
{
	struct bytes rest = bytes_str(leg->codecs), name;
	json_t *codecs = json_array();

	while (bytes_cut(&rest, ',', &name))
		(void)json_array_append_new(codecs, command_text_json(name));
	/* g_profile_transport begins with "any" */
	return json_pack("{s:s, s:s, s:b, s:b, s:s, s:o}", "transport",
			 g_profile_transport[leg->transport + 1], "srtp",
			 leg->suite[0] ? leg->suite : "plain", "holds", leg->held, "muted",
			 leg->muted, "profile", leg->profile, "codecs", codecs);
}

static json_t *stats_json(const struct flow_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "packets_in",
			 (json_int_t)s->packets_in, "octets_in", (json_int_t)s->octets_in,
			 "packets_out", (json_int_t)s->packets_out, "octets_out",
			 (json_int_t)s->octets_out, "rtcp_in", (json_int_t)s->rtcp_in, "rtcp_out",
			 (json_int_t)s->rtcp_out, "dropped", (json_int_t)s->dropped, "lost",
			 (json_int_t)s->lost, "jitter_us", (json_int_t)s->jitter_us, "digits",
			 (json_int_t)s->digits, "source_changes", (json_int_t)s->source_changes);
}

static const struct query_flow *stats_find(const struct query *q, struct flow_id id)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (q->flows[i].id.slot == id.slot && q->flows[i].id.generation == id.generation &&
		    q->flows[i].answered)
			return &q->flows[i];
	}
	return NULL;
}

static json_t *flows_json(const struct call_view *v, const struct query *q)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < v->flow_count; i++) {
		const struct query_flow *live = stats_find(q, v->flows[i].id);
		/* a flow whose question could not be asked is marked answered, without an id */
		json_t *stats = live ? stats_json(&live->stats) : json_null();

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:I, s:o}", "leg",
				  v->flows[i].leg ? "b" : "a", "line", v->flows[i].line, "kind",
				  v->flows[i].kind == MEDIA_VIDEO ? "video" : "audio", "local",
				  command_addr_json(&v->flows[i].local), "remote",
				  command_addr_json(&v->flows[i].remote), "latched",
				  command_addr_json(&v->flows[i].resume.source_rtp), "ssrc_out",
				  (json_int_t)v->flows[i].ssrc_out, "stats", stats));
	}
	return list;
}

static void on_stats(const struct query *q, void *arg)
{
	struct command_run *run = arg;
	struct call_view view;
	uint64_t call;
	json_t *json;

	if (!command_call_id(run, &call))
		return;
	if (!shard_call_view(run->node->shard, call, &view)) {
		no_such_call(run);
		return;
	}
	json = view_json(&view);
	for (size_t leg = 0; leg < 2; leg++) {
		const struct text *id = view.sip_call_id[leg];

		(void)json_object_set_new(json, leg ? "b_sip_call_id" : "a_sip_call_id",
					  id ? command_text_json(text_bytes(id)) : json_null());
		(void)json_object_set_new(json, leg ? "b_peer" : "a_peer",
					  command_addr_json(&view.remote[leg]));
		(void)json_object_set_new(json, leg ? "b" : "a", leg_json(&view.legs[leg]));
	}
	(void)json_object_set_new(json, "flows", flows_json(&view, q));
	command_answer(run, json);
}

static void ask(struct node *node, struct query *q, const struct call_view *view)
{
	for (uint32_t i = 0; i < view->flow_count && q->count < QUERY_FLOWS_MAX; i++) {
		struct media_command command = { .kind = MEDIA_FLOW_QUERY,
						 .id = view->flows[i].id };
		struct query_flow *flow = &q->flows[q->count++];

		command.rtp_fd = command.rtcp_fd = -1;
		/* Commands that wait in our queue come first: then this flow may not be there yet. */
		if (node->media_queue.count == 0 && engine_command(node->engine, &command)) {
			flow->id = view->flows[i].id;
		} else {
			flow->answered = true;
		}
	}
}

void command_call_show(struct command_run *run)
{
	struct call_view view;
	struct query *q;
	uint64_t call;

	if (!command_call_id(run, &call))
		return;
	if (!shard_call_view(run->node->shard, call, &view)) {
		no_such_call(run);
		return;
	}
	q = queries_take(&run->node->queries);
	if (!q) {
		command_fail(run, COMMAND_BUSY, NULL, "too many call.show at once");
		return;
	}
	ask(run->node, q, &view);
	queries_start(&run->node->queries, q, clock_now_ns() + QUERY_LIMIT_NS, on_stats, run);
}
