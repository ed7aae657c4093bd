/* SPDX-License-Identifier: Apache-2.0 */
/* Why calls and phones were refused: what the newest messages say (app/watch/recent.h), and call records. */
#include "app/command/command_why.h"

#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "sig/host/cause.h"

/* However many are kept: it is the control thread that looks. */
enum {
	WHY_LIMIT = 20,
	WHY_ROWS_MAX = 200,
	WHY_MESSAGES_MAX = 1000,
	WHY_TEXT_MAX = 255,
	SIP_OK = 200,
	STATUS_AT = 8,
	STATUS_LEN = 3
};

static const struct {
	const char *name, *sentence, *next;
} g_why_refusals[] = {
#define REFUSAL(name, sentence, next) { name, sentence, next },
#include "app/command/refusal.def"
#undef REFUSAL
};

bool refusal_words(const char *name, const char **sentence, const char **next)
{
	for (size_t i = 0; i < COUNT_OF(g_why_refusals); i++) {
		if (strcmp(g_why_refusals[i].name, name) != 0)
			continue;
		*sentence = g_why_refusals[i].sentence;
		*next = g_why_refusals[i].next;
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
static void why_words_put(json_t *row, const char *why, bool ours)
{
	const char *sentence = why, *next = "cdr.list and doctor of that call say more.";

	if (!ours) {
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
		why_words_put(row, m->why, m->sent);
	return row;
}

static const char *why_text(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static bool why_is_of(const json_t *row, struct bytes call_id)
{
	return bytes_is(why_cut(call_id), why_text(row, "sip_call_id"));
}

/* The newest row of a dialog; -1: none. */
static int why_newest(const json_t *list, struct bytes call_id)
{
	int at = (int)json_array_size(list) - 1;

	while (at >= 0 && !why_is_of(json_array_get(list, (size_t)at), call_id))
		at--;
	return at;
}

/* A challenge that was answered with credentials is no refusal. */
static void why_answered(json_t *list, const struct recent_message *m)
{
	int at = why_newest(list, recent_call_id(m->octets));

	if (!m->sent && at >= 0 &&
	    !strcmp(why_text(json_array_get(list, (size_t)at), "reason"), "challenged") &&
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

static void why_take(json_t *list, const struct recent_message *m)
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
	recent_choose(&node->recent, choice);
	skip = recent_surplus(&node->recent, choice, WHY_MESSAGES_MAX, SIZE_MAX);
	while (recent_next(&node->recent, &cursor, &m)) {
		if (!recent_is_chosen(choice, &m))
			continue;
		if (skip)
			skip--;
		else
			why_take(list, &m);
	}
	return list;
}

/* ---- the answer ---- */

static void why_answer(struct command_run *run, json_t *list)
{
	uint32_t limit = WHY_LIMIT;
	json_t *out = json_array();

	command_take_u32(run, "limit", &limit);
	/* of one millisecond the last one first */
	for (size_t i = json_array_size(list); i-- > 0;)
		command_newest_put(out, json_incref(json_array_get(list, i)), "utc_ms", limit);
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
	const char *cause = why_text(cdr, "cause"), *by = why_text(cdr, "ended_by");
	json_int_t status = json_integer_value(json_object_get(cdr, "sip_status"));
	const char *sentence = why_good(cause, status, by), *reason = strstr(cause, ": ");
	const char *next = "doctor of that call says more of its media.";
	json_t *row = why_end(by, status, why_text(cdr, "from"), why_text(cdr, "to"),
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
		command_fail(run, COMMAND_NOT_FOUND, "call",
			     "no call has that id: call.list shows those that run, cdr.list those "
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
	(void)command_span_take(run, &span);
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

	if (!command_span_take(run, &span))
		return;
	if (command_value(run, "call")->given) {
		if (command_call_id(run, &choice.call))
			command_cdrs_find(run, why_past);
		return;
	}
	choice.user = span.number;
	why_answer(run, why_find(run->node, &choice, &span));
}
