/* SPDX-License-Identifier: Apache-2.0 */
/* call.doctor and call.why. call.doctor takes two samples of a call's counters, some time apart,
 * and diagnosis.h tells from them why a party is not heard; for a call that is over it uses what
 * was found at its end. call.why says why calls and phones were refused, from the newest SIP
 * messages (app/watch/recent.h) and call records. */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_order.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/command/queries.h"
#include "app/doctor/diagnosis.h"
#include "app/doctor/ended.h"
#include "app/node/node.h"
#include "app/node/node_record.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_watch.h"
#include "app/settings/settings.h"
#include "app/siprec/sender.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "sig/host/cdr.h"
#include "sig/sip/id.h"

/* Bounds on the search, as it runs on the control thread. */
enum {
	WHY_ROWS_MAX = 200,
	WHY_MESSAGES_MAX = 1000,
	WHY_TEXT_MAX = 255,
	SIP_OK = 200,
	STATUS_AT = 8,
	STATUS_LEN = 3
};

bool refusal_words(const char *name, const char **sentence, const char **next)
{
	for (size_t i = 1; i < REFUSALS; i++) {
		if (strcmp(refusals[i].name, name) != 0)
			continue;
		*sentence = refusals[i].words;
		*next = refusals[i].next;
		return true;
	}
	return false;
}

/* ---- messages ---- */

/* Of a final response that is no 2xx; 0: it is another message. */
static uint32_t refusal_status(struct bytes message)
{
	uint32_t status = 0;

	if (!bytes_starts(message, "SIP/2.0 ") ||
	    bytes_u32(bytes_sub(message, STATUS_AT, STATUS_LEN), &status))
		return 0;
	return status >= 300 ? status : 0;
}

/* What a stranger writes may be as long as a message. */
static struct bytes why_cut(struct bytes text)
{
	return bytes_sub(text, 0, WHY_TEXT_MAX);
}

/* The user of a URI in a header; all of it where it has none. */
static struct bytes why_user(struct bytes message, const char *name, const char *compact)
{
	struct bytes value = recent_header(message, name, compact), rest = value;
	size_t at = bytes_find(value, '@');

	while (rest.n && !bytes_starts(rest, "sip:") && !bytes_starts(rest, "sips:"))
		rest = bytes_from(rest, 1);
	if (!rest.n || at == value.n)
		return value;
	rest = bytes_from(rest, bytes_find(rest, ':') + 1);
	return bytes_sub(rest, 0, bytes_find(rest, '@'));
}

/* The words of a reason; a constant sentence stands for itself. */
static void why_words_put(json_t *row, const char *why, bool ours, uint32_t status)
{
	const char *sentence = why, *next = "cdr.list and doctor of that call say more.";

	if (!ours && status == 487) { /* RFC 3261 9.2: so a request ends that was cancelled */
		why = "other_party";
		sentence = "The request was cancelled: that is no refusal.";
		next = "sip.recent shows the CANCEL. The node sends one where somebody else has "
		       "answered, the time to ring is over, or the caller has hung up.";
	} else if (!ours) {
		why = "other_party";
		sentence = "The other party said so.";
		next = "Look at its response in sip.recent (Reason, Warning), and at its own log.";
	} else if (!why) {
		why = sentence = "";
	} else {
		(void)refusal_words(why, &sentence, &next);
	}
	(void)json_object_set_new(row, "reason", json_string(why));
	(void)json_object_set_new(row, "sentence", json_string(sentence));
	(void)json_object_set_new(row, "next", json_string(next));
}

static json_t *why_row(const struct recent_message *m, uint32_t status)
{
	struct bytes cseq = recent_header(m->octets, "cseq", NULL), method = { 0 };
	json_t *row;

	while (bytes_cut(&cseq, ' ', &method))
		; /* the last word */
	row = json_pack("{s:I, s:s, s:o, s:I, s:o, s:o, s:o, s:o}", "utc_ms", (json_int_t)m->utc_ms,
			"by", m->sent ? "node" : "other", "method",
			command_text_json(why_cut(method)), "status", (json_int_t)status, "from",
			command_text_json(why_cut(why_user(m->octets, "from", "f"))), "to",
			command_text_json(why_cut(why_user(m->octets, "to", "t"))), "remote",
			command_addr_json(&m->hop.remote), "sip_call_id",
			command_text_json(why_cut(recent_call_id(m->octets))));
	if (row)
		why_words_put(row, m->why, m->sent, status);
	return row;
}

/* The newest row of a dialog; -1: none. */
static int why_newest(const json_t *list, struct bytes call_id)
{
	int at = (int)json_array_size(list) - 1;

	while (at >= 0 && !bytes_is(why_cut(call_id),
				    json_text(json_array_get(list, (size_t)at), "sip_call_id")))
		at--;
	return at;
}

/* A challenge that was answered with credentials is no refusal. */
static void why_answered(json_t *list, const struct recent_message *m)
{
	int at = why_newest(list, recent_call_id(m->octets));

	if (!m->sent && at >= 0 &&
	    !strcmp(json_text(json_array_get(list, (size_t)at), "reason"), "challenged") &&
	    (recent_header(m->octets, "authorization", NULL).n ||
	     recent_header(m->octets, "proxy-authorization", NULL).n))
		(void)json_array_remove(list, (size_t)at);
}

/* It was said before, in answer to the same request. */
static bool why_is_again(const json_t *list, const struct recent_message *m, uint32_t status)
{
	int at = why_newest(list, recent_call_id(m->octets));
	const json_t *row = json_array_get(list, at < 0 ? SIZE_MAX : (size_t)at);

	return row && !m->why && json_integer_value(json_object_get(row, "status")) == status;
}

static void why_add_message(json_t *list, const struct recent_message *m)
{
	uint32_t status = refusal_status(m->octets);

	if (!status)
		why_answered(list, m);
	else if (!why_is_again(list, m, status))
		(void)json_array_append_new(list, why_row(m, status));
	if (json_array_size(list) > WHY_ROWS_MAX)
		(void)json_array_remove(list, 0);
}

static json_t *why_find(const struct node *node, struct recent_choice *choice,
			const struct command_span *span)
{
	struct recent_cursor cursor = { 0 };
	json_t *list = json_array();
	struct recent_message m;
	uint32_t skip;

	choice->since_utc_ms = span->since_utc_ms;
	choice->until_utc_ms = span->until_utc_ms;
	recent_choose(&node->watch->recent, choice);
	skip = recent_surplus(&node->watch->recent, choice, WHY_MESSAGES_MAX, SIZE_MAX);
	while (recent_next(&node->watch->recent, &cursor, &m)) {
		if (!recent_is_chosen(choice, &m))
			continue;
		if (skip)
			skip--;
		else
			why_add_message(list, &m);
	}
	return list;
}

/* ---- the answer ---- */

static void why_answer(struct command_run *run, json_t *list)
{
	json_t *out = json_array();

	/* of one millisecond the last one first */
	for (size_t i = json_array_size(list); i-- > 0;)
		command_newest_put(out, json_incref(json_array_get(list, i)), "utc_ms",
				   command_limit(run));
	json_decref(list);
	command_answer(run, out);
}

static json_t *why_end(const char *by, json_int_t status, const char *from, const char *to,
		       json_int_t utc_ms)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:s, s:s, s:n, s:n}", "utc_ms", utc_ms, "by", by,
			 "method", "INVITE", "status", status, "from", from, "to", to, "remote",
			 "sip_call_id");
}

static void why_end_words(json_t *row, const char *reason, const char *sentence, const char *next)
{
	(void)json_object_set_new(row, "reason", json_string(reason));
	(void)json_object_set_new(row, "sentence", json_string(sentence));
	(void)json_object_set_new(row, "next", json_string(next));
}

/* The words of a record that was answered, and ended as calls do; else what is its cause. */
static const char *why_good(const char *cause, json_int_t status, const char *by)
{
	if (status != SIP_OK || strcmp(cause, call_cause_text(CAUSE_HANGUP)) != 0)
		return cause;
	if (!strcmp(by, "a"))
		return "Nothing went wrong: the call was answered, and the caller hung up.";
	return !strcmp(by, "b")
		       ? "Nothing went wrong: the call was answered, and the callee hung up."
		       : "Nothing went wrong: the call was answered, and tandem hung up.";
}

static json_t *why_record(const json_t *cdr)
{
	const char *cause = json_text(cdr, "cause"), *by = json_text(cdr, "ended_by");
	json_int_t status = json_integer_value(json_object_get(cdr, "sip_status"));
	const char *sentence = why_good(cause, status, by), *reason = strstr(cause, ": ");
	const char *next = "doctor of that call says more of its media.";
	json_t *row = why_end(by, status, json_text(cdr, "from"), json_text(cdr, "to"),
			      json_integer_value(json_object_get(cdr, "end_utc_ms")));

	/* "refused by the node: REASON" is named as in sip.recent */
	if (reason)
		(void)refusal_words(cause = reason + 2, &sentence, &next);
	why_end_words(row, cause, sentence, next);
	return row;
}

/* Nobody refused anything of a call that runs. */
static void why_running(struct command_run *run, uint64_t call, json_t *list)
{
	struct call_view view;
	json_t *row;

	if (!node_call_view(run->node, call, &view)) {
		json_decref(list);
		command_fail(
			run, COMMAND_NOT_FOUND, "call",
			"no call has that id: call.list shows the calls that run, cdr.list those "
			"that ended");
		return;
	}
	row = why_end("node", 0, view.from, view.to, (json_int_t)view.setup_utc_ms);
	why_end_words(row, "nothing_wrong",
		      "Nothing is wrong so far: the call runs, and nobody refused anything of it.",
		      "doctor of that call says whether both hear each other.");
	(void)json_array_append_new(list, row);
	why_answer(run, list);
}

/* Of a call of before: its records say how it ended. */
static void why_past(struct command_run *run, json_t *records)
{
	struct recent_choice choice = { 0 };
	struct command_span span;
	json_t *list, *cdr;
	size_t i;

	if (!records) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
		return;
	}
	(void)command_span_read(run, &span);
	(void)command_call_id(run, &choice.call);
	list = why_find(run->node, &choice, &span);
	json_array_foreach(records, i, cdr)
	{
		json_t *row = why_record(cdr);

		if (command_span_has(&span,
				     (uint64_t)json_integer_value(json_object_get(row, "utc_ms"))))
			(void)json_array_append(list, row);
		json_decref(row);
	}
	if (!json_array_size(list) && !json_array_size(records))
		why_running(run, choice.call, list);
	else
		why_answer(run, list);
	json_decref(records);
}

void command_call_why(struct command_run *run)
{
	struct recent_choice choice = { 0 };
	struct command_span span;

	if (!command_span_read(run, &span))
		return;
	if (command_value(run, "call")->given) {
		if (command_call_id(run, &choice.call))
			command_cdrs_find(run, why_past);
		return;
	}
	choice.user = span.number;
	why_answer(run, why_find(run->node, &choice, &span));
}

enum { FINDINGS_TEXT_MAX = 65536 };

struct doctor {
	struct command_run *run;
	uint64_t call;
	struct query first;
	struct ticket pause; /* until the second one */
};

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
		.latch = n->settings->media.latch,
		.expected = v->flows[i].remote,
		.sip_peer = v->remote[party],
		.holds = v->legs[party].held,
		.muted = v->legs[party].muted,
		.transcoded_to = v->flows[i].transcoded_to,
		.opus_hz = settings_to_opus_hz(n->settings),
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
	uint32_t reasons = health_reasons(&d->run->node->web->health, clock_now_ns());
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
	out->reported_on = f->reported_on;
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

/* ---- the answer ---- */

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
	command_answer(d->run, json);
	free(d);
}

static void on_pause(struct ticket *pause)
{
	struct doctor *d = CONTAINER_OF(pause, struct doctor, pause);
	struct call_view view;

	if (doctor_look(d, &view) && !call_query(d->run->node, &view, on_second, d))
		doctor_fail(d, COMMAND_BUSY, NULL, "too many questions about calls at once");
}

static void on_first(const struct query *q, void *arg)
{
	struct doctor *d = arg;
	uint64_t window_ms = command_value(d->run, "window_ms")->number;

	d->first = *q;
	ticket_wait(d->run->node->api.tickets, &d->pause, clock_now_ns() + window_ms * NS_PER_MS,
		    on_pause);
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
		node_siprec_query(run->node, view.call, view.recordings[i].number);
	if (!call_query(run->node, &view, on_first, d))
		doctor_fail(d, COMMAND_BUSY, NULL, "too many questions about calls at once");
}
