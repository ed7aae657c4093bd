/* SPDX-License-Identifier: Apache-2.0 */
/* sip.recent and call.trace.*: the newest SIP messages, and traces of calls (app/watch/watch.h), in
 * force or finished. call.trace.read asks whether the trace runs before it reads the file, so that
 * the end that it reports is the end. */

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_call.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_watch.h"
#include "app/watch/watch.h"
#include "base/log.h"
#include "sig/sip/id.h"
#include "sig/sip/redact.h"

/* The newest SIP messages, as they may be shown. */

enum { ANSWER_OCTETS = 256 * 1024 };

static json_t *octets_json(struct bytes message)
{
	uint8_t *copy = malloc(message.n);
	json_t *json;

	if (!copy)
		return json_null();
	memcpy(copy, message.p, message.n);
	redact_credentials(copy, message.n);
	redact_keys(copy, message.n);
	redact_digits(copy, message.n);
	json = command_text_json(bytes_mem(copy, message.n));
	explicit_bzero(copy, message.n);
	free(copy);
	return json;
}

static json_t *message_json(const struct node *node, const struct recent_message *m)
{
	struct addr local = watch_local(node->watch->watch, &m->hop);

	return json_pack("{s:I, s:b, s:s, s:o, s:o, s:s*, s:o}", "utc_ms", (json_int_t)m->utc_ms,
			 "sent", m->sent, "transport", sip_transport_name(m->hop.transport),
			 "local", command_addr_json(&local), "remote",
			 command_addr_json(&m->hop.remote), "reason", m->why, "message",
			 octets_json(m->octets));
}

void command_sip_recent(struct command_run *run)
{
	const struct recent *r = &run->node->watch->recent;
	struct recent_choice choice = { 0 };
	struct command_span span;
	struct recent_cursor cursor = { 0 };
	struct recent_message m;
	uint32_t limit = (uint32_t)command_limit(run), skip;
	json_t *list;

	if (command_value(run, "call")->given && !command_call_id(run, &choice.call))
		return;
	if (!command_span_read(run, &span))
		return;
	choice.user = span.number;
	choice.since_utc_ms = span.since_utc_ms;
	choice.until_utc_ms = span.until_utc_ms;
	recent_choose(r, &choice);
	skip = recent_surplus(r, &choice, limit, ANSWER_OCTETS);
	list = json_array();
	while (recent_next(r, &cursor, &m)) {
		if (!recent_is_chosen(&choice, &m))
			continue;
		if (skip)
			skip--;
		else
			(void)json_array_insert_new(list, 0, message_json(run->node, &m));
	}
	command_answer(run, list);
}

enum {
	MIB = 1 << 20,
	CHUNK = 48 * 1024, /* read at once; a multiple of 3 */
};

static json_t *trace_view_json(const struct trace_view *v)
{
	return json_pack("{s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "name", v->name, "call",
			 v->call ? command_call_id_json(v->call) : json_null(), "running", true,
			 "decrypted", v->decrypted, "seconds", (json_int_t)v->seconds, "octets_max",
			 (json_int_t)v->octets_max, "octets", (json_int_t)v->octets, "packets",
			 (json_int_t)v->packets, "lost", (json_int_t)v->lost);
}

static void start_failed(struct command_run *run, int err)
{
	switch (err) {
	case -EPERM:
		command_fail(run, COMMAND_NOT_ALLOWED, "decrypted",
			     "trace.decrypted is false in the settings of the node");
		return;
	case -EALREADY:
		command_fail(run, COMMAND_CONFLICT, "call",
			     "another trace of this call runs: call.trace.stop ends it");
		return;
	case -EMFILE:
		command_fail(run, COMMAND_FULL, NULL, "%d traces run already", WATCH_TRACES_MAX);
		return;
	case -EDQUOT:
		command_fail(
			run, COMMAND_FULL, NULL,
			"trace.quota_mib or trace.files is used up: call.trace.delete makes room");
		return;
	default:
		command_fail(run, COMMAND_INTERNAL, NULL, "the file cannot be made: %s",
			     strerror(-err));
		return;
	}
}

static json_t *call_json(uint64_t call)
{
	return call ? command_call_id_json(call) : json_null();
}

static void command_trace_start(struct command_run *run, const struct trace_order *order)
{
	struct trace_view v;
	bool runs = order->call && watch_trace_by_call(run->node->watch->watch, order->call, &v);
	int err = watch_trace_start(run->node->watch->watch, order, clock_instant(), &v);

	if (err) {
		start_failed(run, err);
		return;
	}
	if (order->call && !runs)
		node_trace_past(run->node, order->call, order->decrypted, false);
	command_answer(run, trace_view_json(&v));
}

/* Of the next call from or to a user. */
static bool trace_user_read(const struct command_run *run, struct trace_order *order)
{
	const struct command_value *from = command_value(run, "from"),
				   *to = command_value(run, "to");

	order->side = from->given ? TRACE_FROM : TRACE_TO;
	if (run->of_tenant)
		(void)bytes_cstr(bytes_str(run->tenant), order->tenant, sizeof(order->tenant));
	return from->given != to->given &&
	       !bytes_cstr(from->given ? from->text : to->text, order->user, sizeof(order->user));
}

void command_call_trace_start(struct command_run *run)
{
	struct trace_order order = { .seconds = (uint32_t)command_value(run, "seconds")->number,
				     .octets = command_value(run, "octets")->number,
				     .decrypted = command_value(run, "decrypted")->number,
				     .shard = run->node->shards->list[0].number };
	static struct call_view call;

	if (command_value(run, "call")->given ==
	    (command_value(run, "from")->given || command_value(run, "to")->given)) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "call",
			     "one of call, from and to says what is traced");
	} else if (!command_value(run, "call")->given) {
		if (trace_user_read(run, &order))
			command_trace_start(run, &order);
		else
			command_fail(run, COMMAND_BAD_ARGUMENT, "to", "give from or to, not both");
	} else if (command_call_view(run, &call)) {
		order.call = call.call;
		command_trace_start(run, &order);
	}
}

static bool stop_find(struct command_run *run, struct trace_view *v)
{
	const struct command_value *name = command_value(run, "name");
	uint64_t call;

	if (name->given)
		return watch_trace_by_name(run->node->watch->watch, name->text, v);
	return !id_call_get(command_value(run, "call")->text, &call) &&
	       watch_trace_by_call(run->node->watch->watch, call, v);
}

void command_call_trace_stop(struct command_run *run)
{
	struct trace_view v;

	if (!command_value(run, "name")->given && !command_value(run, "call")->given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "call", "give call or name");
	} else if (!stop_find(run, &v) ||
		   watch_trace_stop(run->node->watch->watch, bytes_str(v.name))) {
		command_fail(run, COMMAND_NOT_FOUND, "call", "no trace of this call runs");
	} else {
		command_answer(run,
			       json_pack("{s:s, s:o}", "name", v.name, "call", call_json(v.call)));
	}
}

static json_t *trace_entry_json(const struct node *node, const struct trace_entry *e)
{
	struct trace_view v;
	bool runs = watch_trace_by_name(node->watch->watch, bytes_str(e->name), &v);

	return json_pack("{s:s, s:o, s:b, s:I, s:I}", "name", e->name, "call",
			 call_json(runs ? v.call : e->call), "running", runs, "octets",
			 (json_int_t)e->octets, "started_utc_ms", (json_int_t)e->started_utc_ms);
}

void command_call_trace_list(struct command_run *run)
{
	static struct trace_entry list[TRACE_FILES_MAX];
	uint32_t n =
		trace_store_list(watch_trace_store(run->node->watch->watch), list, TRACE_FILES_MAX);
	struct command_span span;
	json_t *json;

	if (!command_span_read(run, &span))
		return;
	json = json_array();
	for (uint32_t i = n; i-- > 0 && json_array_size(json) < command_limit(run);) {
		if (command_span_has(&span, list[i].started_utc_ms))
			(void)json_array_append_new(json, trace_entry_json(run->node, &list[i]));
	}
	command_answer(run, json);
}

static void file_failed(struct command_run *run, int err)
{
	if (err == -EINVAL || err == -ENOENT)
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such trace: call.trace.list shows all of them");
	else
		command_fail(run, COMMAND_INTERNAL, NULL, "%s", strerror(-err));
}

static uint64_t number(const struct command_run *run, const char *name)
{
	const struct command_value *v = command_value(run, name);

	return v->given ? v->number : 0;
}

/* Whether it runs is asked first: what is then at its end stays so. */
void command_call_trace_read(struct command_run *run)
{
	static uint8_t octets[CHUNK];
	static char text[CHUNK / 3 * 4 + 1];
	struct bytes name = command_value(run, "name")->text;
	uint64_t offset = number(run, "offset"), size;
	size_t n = sizeof(octets);
	struct trace_view v;
	bool runs = watch_trace_by_name(run->node->watch->watch, name, &v);
	int err = trace_store_read(watch_trace_store(run->node->watch->watch), name, offset, octets,
				   &n, &size);

	if (err) {
		file_failed(run, err);
		return;
	}
	if (!offset) /* the parts are not logged each, who begins is */
		LOG_INFO("trace", 0, "trace is fetched", LOG_BYTES("file", name),
			 LOG_STR("by", run->id));
	(void)EVP_EncodeBlock((unsigned char *)text, octets, (int)n);
	command_answer(run, json_pack("{s:I, s:I, s:b, s:s}", "offset", (json_int_t)offset, "size",
				      (json_int_t)size, "running", runs, "data", text));
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(text, sizeof(text));
}

void command_call_trace_delete(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text;
	struct trace_view v;
	int err;

	if (watch_trace_by_name(run->node->watch->watch, name, &v)) {
		command_fail(run, COMMAND_CONFLICT, "name", "it runs: call.trace.stop ends it");
		return;
	}
	err = trace_store_delete(watch_trace_store(run->node->watch->watch), name);
	if (err)
		file_failed(run, err);
	else
		command_answer(run, json_pack("{s:o}", "name", command_text_json(name)));
}
