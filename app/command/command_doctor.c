/* SPDX-License-Identifier: Apache-2.0 */
/* call.doctor: two looks at a call's counters, some time apart, and what they show (diagnosis.h). */
#include <stdlib.h>

#include "app/command/command_handlers.h"
#include "app/command/diagnosis.h"
#include "app/command/queries.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/sip/id.h"

enum { WINDOW_MS = 1000, FINDINGS_TEXT_MAX = 65536 };

struct doctor {
	struct command_run *run;
	uint64_t call;
	struct query first;
};

static void doctor_end(struct doctor *d, json_t *result)
{
	command_answer(d->run, result);
	free(d);
}

static void doctor_fail(struct doctor *d, enum command_error_code code, const char *argument,
			const char *text)
{
	command_fail(d->run, code, argument, "%s", text);
	free(d);
}

/* ---- what is known ---- */

static bool is_of_talk(const struct call_view *v, uint32_t flow)
{
	uint8_t leg = v->flows[flow].leg;

	/* those of caller and callee come first: the first other leg is the callee */
	for (uint32_t i = 0; i < v->flow_count && leg; i++) {
		if (v->flows[i].leg)
			return v->flows[i].leg == leg;
	}
	return true;
}

static void take_sample(struct diagnosis_sample *to, const struct query_flow *from)
{
	to->stats = from->stats;
	to->detail = from->detail;
}

static void doctor_fill_flow(struct diagnosis_flow *f, const struct doctor *d,
			     const struct call_view *v, uint32_t i, const struct query *second)
{
	const struct node *n = d->run->node;
	const struct query_flow *then = call_query_find(&d->first, v->flows[i].id);
	const struct query_flow *now = call_query_find(second, v->flows[i].id);
	size_t party = v->flows[i].leg ? 1 : 0;

	*f = (struct diagnosis_flow){
		.leg = (uint8_t)party,
		.line = v->flows[i].line,
		.kind = v->flows[i].kind,
		.answered = now != NULL,
		.latch = n->settings.media.latch,
		.expected = v->flows[i].remote,
		.sip_peer = v->remote[party],
		.holds = v->legs[party].held,
		.muted = v->legs[party].muted,
		.coded_to = v->flows[i].coded_to,
		.opus_hz = settings_to_opus_hz(&n->settings),
	};
	f->agreed = shard_call_line(node_core(n, d->call), d->call, v->flows[i].leg,
				    v->flows[i].line, &f->facts, &f->contact);
	if (!now)
		return;
	(void)shard_call_place(node_core(n, d->call), d->call, v->flows[i].leg, &f->place);
	f->latched = now->resume.source_rtp;
	take_sample(&f->now, now);
	take_sample(&f->before, then ? then : now); /* it is newer than the first look */
}

static bool doctor_recording_suffers(const struct doctor *d, const struct call_view *v)
{
	uint32_t reasons = health_reasons(&d->run->node->health, clock_now_ns());
	bool files = false;

	for (uint32_t i = 0; i < v->recording_count; i++)
		files |= !v->recordings[i].recorder.external;
	return files && reasons & (HEALTH_RECORDINGS_DISK | HEALTH_RECORDINGS_FULL);
}

static void doctor_fill_recorder(struct diagnosis_recorder *out, const struct doctor *d,
				 const struct call_view_recording *r)
{
	const struct call_view_recorder *from = &r->recorder;
	const struct sender_figures *f = node_siprec_figures(d->run->node, d->call, r->number);
	uint64_t now_ms = clock_utc_ms();

	*out = (struct diagnosis_recorder){
		.leg = r->leg,
		.number = r->number,
		.taken = from->taken,
		.lost = from->lost,
		.refused = from->refused,
		.status = from->status,
		.reason = from->reason,
		.at = from->at,
		.for_ms = now_ms > r->begun_utc_ms ? now_ms - r->begun_utc_ms : 0,
		.speak = from->speak,
		.takes = from->takes,
	};
	if (!f)
		return;
	out->sent = f->sent;
	out->unsent = f->unsent;
	out->heard_of = f->heard_of;
	out->deaf = f->deaf;
}

static void doctor_fill_recorders(struct diagnosis *x, const struct doctor *d,
				  const struct call_view *v)
{
	static_assert((int)DIAGNOSIS_RECORDERS_MAX == (int)CALL_VIEW_RECORDINGS_MAX, "all of them");

	for (uint32_t i = 0; i < v->recording_count; i++) {
		if (v->recordings[i].recorder.external)
			doctor_fill_recorder(&x->recorders[x->recorder_count++], d,
					     &v->recordings[i]);
	}
}

/* caller: where the first party is. */
static void diagnosis_fill(struct diagnosis *x, const struct doctor *d, const struct call_view *v,
			   const struct query *second, struct party_place *caller)
{
	struct shard_counts counts;

	node_counts(d->run->node, &counts);
	*x = (struct diagnosis){ .degraded = counts.degraded,
				 .recording_suffers = doctor_recording_suffers(d, v),
				 .established = v->state == CALL_ESTABLISHED };
	if (!x->established && caller->kind == PARTY_WAITS)
		x->waits_for = caller->application;
	doctor_fill_recorders(x, d, v);
	for (uint32_t i = 0; i < v->flow_count && x->flow_count < DIAGNOSIS_FLOWS_MAX; i++) {
		if (is_of_talk(v, i))
			doctor_fill_flow(&x->flows[x->flow_count++], d, v, i, second);
	}
}

/* ---- what is said ---- */

static json_t *diagnosis_json(const struct diagnosis *x)
{
	struct doctor_space {
		struct finding list[FINDINGS_MAX];
		char text[FINDINGS_TEXT_MAX];
	} *space = calloc(1, sizeof(*space));
	struct bytes text;
	json_t *json;

	if (!space)
		return json_array();
	text = findings_write(space->list, diagnose(x, space->list), space->text,
			      sizeof(space->text));
	json = json_loadb((const char *)text.p, text.n, 0, NULL);
	free(space);
	return json ? json : json_array();
}

/* ---- two looks ---- */

static void ended_answer(struct command_run *run, const struct ended_call *c);

/* It may have ended meanwhile. */
static bool doctor_look(struct doctor *d, struct call_view *view)
{
	const struct ended_call *ended = command_call_ended(d->run);

	if (node_call_view(d->run->node, d->call, view) && view->state != CALL_ENDING)
		return true;
	if (!ended) {
		doctor_fail(d, COMMAND_NOT_FOUND, "call", "the call is over");
	} else {
		ended_answer(d->run, ended);
		free(d);
	}
	return false;
}

static void on_second(const struct query *q, void *arg)
{
	struct doctor *d = arg;
	struct party_place caller;
	struct call_view view;
	struct diagnosis *x;
	json_t *json;

	if (!doctor_look(d, &view))
		return;
	x = calloc(1, sizeof(*x));
	if (!x) {
		doctor_fail(d, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	(void)shard_call_place(node_core(d->run->node, d->call), d->call, CALL_VIEW_CALLER,
			       &caller);
	diagnosis_fill(x, d, &view, q, &caller);
	json = json_pack("{s:o, s:o}", "id", command_call_id_json(d->call), "findings",
			 diagnosis_json(x));
	free(x);
	doctor_end(d, json);
}

static void on_pause(const struct query *q, void *arg)
{
	struct doctor *d = arg;
	struct call_view view;

	(void)q;
	if (doctor_look(d, &view) && !call_query(d->run->node, &view, on_second, d))
		doctor_fail(d, COMMAND_BUSY, NULL, "too many questions about calls at once");
}

static void on_first(const struct query *q, void *arg)
{
	struct doctor *d = arg;
	struct queries *queries = &d->run->node->queries;
	struct query *pause = queries_take(queries);
	uint32_t window_ms = WINDOW_MS;

	command_take_u32(d->run, "window_ms", &window_ms);
	d->first = *q;
	if (pause)
		queries_pause(pause, clock_now_ns() + window_ms * NS_PER_MS, on_pause, d);
	else
		doctor_fail(d, COMMAND_BUSY, NULL, "too many questions about calls at once");
}

/* Nothing moves any more: one look is enough. */
static void ended_answer(struct command_run *run, const struct ended_call *c)
{
	struct diagnosis *x = calloc(1, sizeof(*x));
	uint64_t talk_ms = c->cdr.answer_utc_ms && c->cdr.end_utc_ms > c->cdr.answer_utc_ms
				   ? c->cdr.end_utc_ms - c->cdr.answer_utc_ms
				   : 0;

	if (!x) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	ended_diagnosis(c, x);
	command_answer(run,
		       json_pack("{s:o, s:{s:s, s:I, s:I}, s:o}", "id",
				 command_call_id_json(c->call), "ended", "cause", c->cdr.reason,
				 "sip_status", (json_int_t)c->cdr.sip_status, "talk_ms",
				 (json_int_t)talk_ms, "findings", diagnosis_json(x)));
	free(x);
}

/* ---- of a process before ---- */

/* Its record has what was found when it ended; of a call that was not answered it says all. */
static json_t *past_findings(const json_t *cdr)
{
	json_t *findings = json_object_get(cdr, "findings"), *found;
	struct diagnosis *x;

	if (json_is_array(findings))
		return json_incref(findings);
	x = calloc(1, sizeof(*x));
	if (!x)
		return json_array();
	x->ended = true;
	x->established = json_integer_value(json_object_get(cdr, "answer_utc_ms")) != 0;
	x->refused = x->established
			     ? 0
			     : (uint16_t)json_integer_value(json_object_get(cdr, "sip_status"));
	x->because = json_string_value(json_object_get(cdr, "cause"));
	found = diagnosis_json(x);
	free(x);
	return found;
}

static void past_answer(struct command_run *run, json_t *list)
{
	json_t *cdr = json_array_get(list, 0);
	uint64_t end_ms = (uint64_t)json_integer_value(json_object_get(cdr, "end_utc_ms"));

	if (!list) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	} else if (!cdr || clock_utc_ms() > end_ms + ENDED_NS / NS_PER_MS) {
		command_fail(run, COMMAND_NOT_FOUND, "call", "there is no call " BYTES_FMT,
			     BYTES_ARG(command_value(run, "call")->text));
	} else {
		command_answer(run, json_pack("{s:O, s:{s:O*, s:O*, s:O*}, s:o}", "id",
					      json_object_get(cdr, "id"), "ended", "cause",
					      json_object_get(cdr, "cause"), "sip_status",
					      json_object_get(cdr, "sip_status"), "talk_ms",
					      json_object_get(cdr, "talk_ms"), "findings",
					      past_findings(cdr)));
	}
	json_decref(list);
}

void command_call_doctor(struct command_run *run)
{
	const struct ended_call *ended = command_call_ended(run);
	struct call_view view;
	struct doctor *d;
	uint64_t call;

	if (ended) {
		ended_answer(run, ended);
		return;
	}
	if (!command_call_id(run, &call))
		return;
	if (!node_call_view(run->node, call, &view)) {
		command_cdrs_find(run, past_answer);
		return;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*d = (struct doctor){ .run = run, .call = view.call };
	for (uint32_t i = 0; i < view.recording_count; i++)
		node_siprec_ask(run->node, view.call, view.recordings[i].number);
	if (!call_query(run->node, &view, on_first, d))
		doctor_fail(d, COMMAND_BUSY, NULL, "too many questions about calls at once");
}
