/* SPDX-License-Identifier: Apache-2.0 */
/* queue.log: what befell queues and agents as lines of Asterisk's queue_log, which reporting tools
 * read: time, call, queue, agent, event and what each event has, with '|' between them. They come
 * out of the archive, so a call that went over a kill stands there once. Control thread. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/feature/queue/queue.h"
#include "base/json_member.h"

enum {
	LOG_EVENTS_MAX = 20000,
	LOG_LINE_MAX = 512,
	LOG_BEFORE_MS = 86400000, /* who logged in before the range by so long is known */
};

/* What cannot stand in a line. */
static void log_word_write(struct writer *w, const char *text)
{
	for (; *text; text++)
		writer_u8(w, *text == '|' || *text == '\n' || *text == '\r' ? ' ' : (uint8_t)*text);
}

static void log_line_start(struct writer *w, const json_t *event, const char *queue,
			   const char *agent, const char *word)
{
	writer_u64(w, json_count(event, "utc_ms") / 1000);
	writer_str(w, "|");
	writer_str(w, *json_text(event, "call") ? json_text(event, "call") : "NONE");
	WRITER_TEXTS(w, "|", queue, "|");
	if (*agent)
		WRITER_TEXTS(w, "Agent/", agent);
	else
		writer_str(w, "NONE");
	WRITER_TEXTS(w, "|", word);
}

/* ---- callers ---- */

static void log_left_write(struct writer *w, const json_t *event)
{
	const char *reason = json_text(event, "reason"), *queue = json_text(event, "queue");
	const char *waited = json_text(event, "queue_wait_s");

	if (!strcmp(reason, "answered")) {
		log_line_start(w, event, queue, json_text(event, "agent"), "CONNECT");
		WRITER_TEXTS(w, "|", waited, "|", json_text(event, "call"), "|");
	} else if (!strcmp(reason, "abandoned")) {
		log_line_start(w, event, queue, "", "ABANDON");
		WRITER_TEXTS(w, "|||", waited);
	} else if (!strcmp(reason, "timeout")) {
		log_line_start(w, event, queue, "", "EXITWITHTIMEOUT");
		WRITER_TEXTS(w, "|||", waited);
	} else if (!strcmp(reason, "key")) {
		log_line_start(w, event, queue, "", "EXITWITHKEY");
		WRITER_TEXTS(w, "||||", waited);
	} else {
		log_line_start(w, event, queue, "", "EXITEMPTY");
		WRITER_TEXTS(w, "|||", waited);
	}
}

static void log_ended_write(struct writer *w, const json_t *event)
{
	bool agent = !strcmp(json_text(event, "reason"), "agent");

	log_line_start(w, event, json_text(event, "queue"), json_text(event, "agent"),
		       agent ? "COMPLETEAGENT" : "COMPLETECALLER");
	WRITER_TEXTS(w, "|", json_text(event, "queue_wait_s"), "|");
	writer_u64(w, json_count(event, "ms") / 1000);
	writer_str(w, "|");
}

/* ---- agents ---- */

/* before: the state that he had; "": unknown. Wrap-up has no event there. */
static void log_state_write(struct writer *w, const json_t *event, const char *before)
{
	const char *state = json_text(event, "state"), *number = json_text(event, "to");
	bool in = *before && strcmp(before, g_agent_states[AGENT_OUT]) != 0;
	bool paused = !strcmp(before, g_agent_states[AGENT_NOT_READY]);

	if (!strcmp(state, g_agent_states[AGENT_OUT])) {
		log_line_start(w, event, "NONE", number, "AGENTLOGOFF");
		writer_str(w, "||");
	} else if (!strcmp(state, g_agent_states[AGENT_NOT_READY])) {
		log_line_start(w, event, "NONE", number, "PAUSEALL");
		writer_str(w, "|");
		log_word_write(w, json_text(event, "reason"));
	} else if (paused) {
		log_line_start(w, event, "NONE", number, "UNPAUSEALL");
		writer_str(w, "|");
	} else if (!in) {
		log_line_start(w, event, "NONE", number, "AGENTLOGIN");
		writer_str(w, "|");
	}
}

bool queue_log_line(struct writer *w, const json_t *event, const char *before)
{
	const char *type = json_text(event, "type");

	if (!strcmp(type, "queue.joined")) {
		log_line_start(w, event, json_text(event, "queue"), "", "ENTERQUEUE");
		writer_str(w, "||");
		log_word_write(w, json_text(event, "from"));
		writer_str(w, "|");
	} else if (!strcmp(type, "queue.left")) {
		log_left_write(w, event);
	} else if (!strcmp(type, "queue.ended")) {
		log_ended_write(w, event);
	} else if (!strcmp(type, "agent.state")) {
		log_state_write(w, event, before);
	} else if (!strcmp(type, "agent.disposition")) {
		log_line_start(w, event, json_text(event, "queue"), json_text(event, "agent"),
			       "CALLSTATUS");
		writer_str(w, "|");
		log_word_write(w, json_text(event, "reason"));
	}
	return writer_done(w).n && !w->overflow;
}

/* ---- the command ---- */

static json_t *log_events(const struct command_run *run)
{
	return json_object_get(run->args, "log");
}

static void log_keep(struct command_run *run, const json_t *event)
{
	struct bytes only = command_value(run, "queue")->text;

	if (!only.n || !strcmp(json_text(event, "type"), "agent.state") ||
	    bytes_is(only, json_text(event, "queue")))
		(void)json_array_append(log_events(run), (json_t *)(uintptr_t)event);
}

static void log_answer(struct command_run *run)
{
	json_t *events = log_events(run), *states = json_object(), *lines = json_array();
	const struct queue_events *e = run->kept;
	char space[LOG_LINE_MAX];

	for (size_t i = json_array_size(events); i-- > 0;) { /* the oldest one first */
		const json_t *event = json_array_get(events, i);
		const char *who = json_text(event, "to");
		bool of_agent = !strcmp(json_text(event, "type"), "agent.state");
		struct writer w = writer_over(space, sizeof(space));

		if (queue_log_line(&w, event, of_agent ? json_text(states, who) : "") &&
		    (int64_t)json_count(event, "utc_ms") >= e->since_ms + LOG_BEFORE_MS)
			(void)json_array_append_new(lines, command_text_json(writer_done(&w)));
		if (of_agent)
			(void)json_object_set(states, who, json_object_get(event, "state"));
	}
	json_decref(states);
	command_answer(run, json_pack("{s:I, s:I, s:o}", "since_utc_ms",
				      (json_int_t)(e->since_ms + LOG_BEFORE_MS), "until_utc_ms",
				      (json_int_t)e->until_ms, "lines", lines));
}

void queue_log(struct command_run *run)
{
	struct command_span span;

	if (!command_span_read_past(run, &span))
		return;
	(void)json_object_set_new(run->args, "log", json_array());
	queue_events_read(
		run, &(struct queue_events){ .each = log_keep,
					     .end = log_answer,
					     .since_ms = (int64_t)span.since_utc_ms - LOG_BEFORE_MS,
					     .until_ms = (int64_t)span.until_utc_ms,
					     .most = LOG_EVENTS_MAX });
}
