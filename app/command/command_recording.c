/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that are finished, and their deliveries: tandem-store knows them (app/node/node_store.h). And links to record pages. */
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "app/node/node_store.h"
#include "app/record/entry.h"
#include "app/record/wav_head.h"
#include "app/web/web_file.h"
#include "base/clock.h"
#include "base/log.h"

enum { LINK_SECONDS = 300 };

/* Whose it is stands in its name. Whether there is one is said by whoever is asked for it. */
static bool recording_may_see(const struct command_run *run, struct bytes name)
{
	struct bytes tenant;

	return bytes_cut(&name, '/', &tenant) && (!run->of_tenant || bytes_is(tenant, run->tenant));
}

/* Only the name of a recording that is there is signed: tandem-store looks. */
void command_recording_link(struct command_run *run)
{
	if (!run->node->files_web)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "recordings.port is 0: give it a port, and restart the node");
	else if (!recording_may_see(run, command_value(run, "name")->text))
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such recording: recording.list has them");
	else
		command_store_one(run);
}

bool command_recording_found(struct command_run *run, const json_t *found)
{
	const struct node *n = run->node;
	struct bytes name = bytes_str(json_string_value(json_object_get(found, "name")));
	uint64_t expires_utc_ms = clock_utc_ms();
	uint32_t seconds = LINK_SECONDS;
	char path[WEB_FILE_PATH_MAX];
	struct writer w = writer_over(path, sizeof(path) - 1);

	if (run->command->fn != command_recording_link)
		return false;
	command_take_u32(run, "seconds", &seconds);
	expires_utc_ms += (uint64_t)seconds * 1000;
	web_file_link(&w, &n->files, name, expires_utc_ms);
	if (w.overflow || !name.n) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "the name is too long for a link");
	} else {
		path[w.n] = '\0';
		LOG_INFO("recordings", 0, "a link to a recording is given out",
			 LOG_BYTES("file", name), LOG_STR("by", run->id),
			 LOG_U64("seconds", seconds));
		command_answer(run,
			       json_pack("{s:o, s:s, s:i, s:I}", "name", command_text_json(name),
					 "path", path, "port", (int)n->settings.recordings.port,
					 "expires_utc_ms", (json_int_t)expires_utc_ms));
	}
	return true;
}

static void page_link_give(struct command_run *run, const struct extension *e)
{
	const struct node *n = run->node;
	struct web_page_of of = { .page = e->page };
	char path[WEB_PAGE_PATH_MAX];
	struct writer w = writer_over(path, sizeof(path) - 1);

	(void)bytes_cstr(bytes_str(tenants_name(n->tenants, e->core.tenant)), of.tenant,
			 sizeof(of.tenant));
	(void)bytes_cstr(bytes_str(e->core.number), of.number, sizeof(of.number));
	web_page_link(&w, n->pages.key, &of);
	path[w.n] = '\0';
	LOG_INFO("recordings", 0, "the link to a record page is given out",
		 LOG_STR("tenant", of.tenant), LOG_STR("extension", of.number),
		 LOG_STR("by", run->id));
	command_answer(run, json_pack("{s:s, s:s, s:i}", "number", of.number, "path", path, "port",
				      (int)n->settings.recordings.port));
}

void command_extension_page(struct command_run *run)
{
	const struct node *n = run->node;
	struct extension e;

	if (!extensions_find(&n->extensions, document_tenant(run),
			     command_value(run, "number")->text, &e)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", COMMAND_NO_EXTENSION);
		return;
	}
	if (!e.core.record_page || !e.page)
		command_fail(run, COMMAND_CONFLICT, "number",
			     "it has no page: extension.put with record_page=true makes one");
	else if (!n->files_web)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "recordings.port is 0: give it a port, and restart the node");
	else if (!n->pages.asks)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "http.tls is false, and record pages are for TLS alone: set it, and "
			     "restart the node");
	else
		page_link_give(run, &e);
	extension_wipe(&e);
}

/* Nobody asks what all nodes know. */
static bool recording_is_of_node(const struct command_run *run)
{
	return command_value(run, "node")->given || !run->node->settings.recordings.list_days;
}

/* For who looks: folders and Redis have recordings by the day. */
static void recording_time_put(json_t *args, const char *day, const char *ms, uint64_t utc_ms)
{
	char text[WAV_TIME_LEN + 1];

	wav_time_put(text, utc_ms);
	(void)json_object_set_new(args, day, json_stringn(text, strlen("2026-11-25")));
	(void)json_object_set_new(args, ms, json_integer((json_int_t)utc_ms));
}

/* False: the run has failed. */
static bool recording_span_take(struct command_run *run)
{
	struct command_span span;

	if (!command_span_take(run, &span))
		return false;
	if (span.since_utc_ms)
		recording_time_put(run->args, ENTRY_SINCE_DAY, ENTRY_SINCE_MS, span.since_utc_ms);
	if (span.until_utc_ms != UINT64_MAX)
		recording_time_put(run->args, ENTRY_UNTIL_DAY, ENTRY_UNTIL_MS, span.until_utc_ms);
	if (span.number.n)
		(void)json_object_set_new(run->args, "party", command_text_json(span.number));
	return true;
}

void command_recording_list(struct command_run *run)
{
	if (recording_is_of_node(run))
		command_store_list(run);
	else if (recording_span_take(run))
		command_recorded_list(run);
}

/* This node knows more of its own. */
void command_recording_get(struct command_run *run)
{
	if (recording_is_of_node(run) || node_store_runs(run->node))
		command_store_one(run);
	else
		command_recorded_get(run);
}

bool command_recording_elsewhere(struct command_run *run, enum command_error_code code)
{
	if (code != COMMAND_NOT_FOUND || run->command->fn != command_recording_get ||
	    recording_is_of_node(run))
		return false;
	command_recorded_get(run);
	return true;
}

void command_store_list(struct command_run *run)
{
	if (!recording_span_take(run))
		return;
	if (node_store_runs(run->node))
		node_store_ask(run->node, run);
	else
		command_answer(run, json_array()); /* there is no folder */
}

void command_store_one(struct command_run *run)
{
	if (node_store_runs(run->node))
		node_store_ask(run->node, run);
	else
		command_fail(run, COMMAND_NOT_FOUND, "name", "this node has no recordings");
}

void command_store_retry(struct command_run *run)
{
	if (node_store_runs(run->node))
		node_store_ask(run->node, run);
	else
		command_answer(run, json_pack("{s:i}", "retried", 0));
}
