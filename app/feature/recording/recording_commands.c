/* SPDX-License-Identifier: Apache-2.0 */
/* Finished recordings and their deliveries, and signed links to record pages. The index of all
 * nodes is in Redis (docs/adr/0050): a list goes through it by tenant and day, page by page. What
 * the folder of one node has, and orders about it, its tandem-store answers
 * (app/feature/recording/deliver.h). */

#include <stdlib.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_request.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/recording/deliver.h"
#include "app/node/node.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/record/aes128gcm.h"
#include "app/record/entry.h"
#include "app/record/record_facts.h"
#include "app/settings/settings.h"
#include "app/web/web_page.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"

/* Recordings as Redis has them, of all nodes (docs/adr/0050). A list goes from tenant to tenant,
 * and in each from the last day and name to the first, page by page, one query at a time, until it
 * has enough rows. */

enum {
	DAY_LEN = 10,
	FILE_MAX = 160,
	LISTINGS_MAX = 8,
	RECORDED_NAME_MAX = TENANT_NAME_MAX + DAY_LEN + FILE_MAX,
};
#define LISTING_NS (10 * NS_PER_S) /* the client waits no longer */

static unsigned g_listings; /* under way; control thread */

struct recorded_listing {
	struct command_run *run;
	struct entry_list list;
	uint64_t until_ns;
	bool broken; /* some entry was, and that was said */
	/* where it is */
	char (*tenants)[TENANT_NAME_MAX];
	uint32_t tenant, tenant_count;
	char days[STORE_RECORDING_DAYS][DAY_LEN + 1];
	uint32_t day, day_count;
	char file[FILE_MAX]; /* the last one of the page before; "": of none */
	char mailbox[sizeof(ENTRY_MAILBOX) + ENTRY_MAILBOX_MAX]; /* as parties are looked for */
	/* where it begins */
	char first_tenant[TENANT_NAME_MAX], first_day[DAY_LEN + 1], first_file[FILE_MAX];
};

/* ---- what is wanted ---- */

static const char *recorded_arg(const struct recorded_listing *l, const char *name)
{
	return json_text(l->run->args, name);
}

static bool recorded_is(const char *want, const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return !want[0] || (text && !strcmp(text, want));
}

static bool recorded_is_wanted(const struct recorded_listing *l, const json_t *json)
{
	const char *party = recorded_arg(l, "party"), *mailbox = recorded_arg(l, "mailbox");
	const json_t *heard = json_object_get(l->run->args, "heard");

	return (!mailbox[0] || (entry_lies_in(json, mailbox) &&
				(recorded_arg(l, "state")[0] || entry_is_there(json)))) &&
	       (!heard || entry_has_audio(json) == json_is_true(heard)) &&
	       entry_is_between(json, l->run->args) &&
	       recorded_is(recorded_arg(l, "state"), json, "state") &&
	       recorded_is(recorded_arg(l, "call"), json, "call") &&
	       (!party[0] || entry_is_of(json, party));
}

static struct store_recordings recorded_query(struct recorded_listing *l)
{
	struct store_recordings q = { .tenant = bytes_str(l->tenants[l->tenant]),
				      .day = bytes_str(l->days[l->day]),
				      .before = bytes_str(l->file) };

	if (recorded_arg(l, "call")[0]) {
		q.what = bytes_str(recorded_arg(l, "call"));
	} else if (recorded_arg(l, "mailbox")[0]) {
		(void)snprintf(l->mailbox, sizeof(l->mailbox), ENTRY_MAILBOX "%s",
			       recorded_arg(l, "mailbox"));
		q.by = STORE_RECORDINGS_BY_PARTY;
		q.what = bytes_str(l->mailbox);
	} else if (recorded_arg(l, "party")[0]) {
		q.by = STORE_RECORDINGS_BY_PARTY;
		q.what = bytes_str(recorded_arg(l, "party"));
	} else if (recorded_arg(l, "state")[0]) {
		q.by = STORE_RECORDINGS_BY_STATE;
		q.what = bytes_str(recorded_arg(l, "state"));
	}
	return q;
}

/* ---- its end ---- */

static void listing_free(struct recorded_listing *l)
{
	free(l->tenants);
	free(l);
	g_listings--;
}

static void listing_answer(struct recorded_listing *l)
{
	struct command_run *run = l->run;
	json_t *list = entry_list_end(&l->list);

	listing_free(l);
	command_answer(run, list);
}

static void listing_fail(struct recorded_listing *l, const char *why)
{
	struct command_run *run = l->run;

	json_decref(entry_list_end(&l->list));
	listing_free(l);
	command_fail(run, COMMAND_UNAVAILABLE, NULL, "%s", why);
}

/* ---- a page ---- */

static void listing_days_read(struct recorded_listing *l, struct bytes until, bool before);
static void listing_page_read(struct recorded_listing *l);

static json_t *recorded_read(struct recorded_listing *l, struct bytes file, struct bytes entry)
{
	char name[RECORDED_NAME_MAX];
	struct writer w = writer_over(name, sizeof(name));
	json_t *json;

	WRITER_TEXTS(&w, l->tenants[l->tenant], "/", l->days[l->day], "/");
	writer_bytes(&w, file);
	json = w.overflow ? NULL : entry_parse(writer_done(&w), entry);
	if (!json && !l->broken) {
		l->broken = true;
		LOG_ERROR("recordings", 0,
			  "what Redis has of a recording cannot be read: it is left out, see HGET",
			  LOG_STR("tenant", l->tenants[l->tenant]), LOG_STR("day", l->days[l->day]),
			  LOG_BYTES("file", file));
	}
	return json;
}

static void on_recorded(struct bytes file, struct bytes entry, void *arg)
{
	struct recorded_listing *l = arg;
	json_t *json = entry_list_is_full(&l->list) ? NULL : recorded_read(l, file, entry);

	(void)bytes_cstr(bytes_sub(file, 0, FILE_MAX - 1), l->file, sizeof(l->file));
	if (!json)
		return;
	(void)json_object_del(json, "node_id");
	entry_list_add(&l->list, json, recorded_is_wanted(l, json));
}

static void listing_tenant_next(struct recorded_listing *l)
{
	if (++l->tenant == l->tenant_count)
		listing_answer(l);
	else
		listing_days_read(l, bytes_str(recorded_arg(l, ENTRY_UNTIL_DAY)), false);
}

static void listing_day_next(struct recorded_listing *l)
{
	l->file[0] = '\0';
	if (++l->day < l->day_count)
		listing_page_read(l);
	else if (l->day_count == STORE_RECORDING_DAYS)
		listing_days_read(l, bytes_str(l->days[l->day_count - 1]), true);
	else
		listing_tenant_next(l);
}

static void on_page(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct recorded_listing *l = arg;

	(void)key;
	if (result != STORE_OK)
		listing_fail(l, "Redis did not answer: name a node to hear what its folder says");
	else if (entry_list_is_full(&l->list))
		listing_answer(l);
	else if (clock_now_ns() > l->until_ns)
		listing_fail(l, "it takes too long: name fewer days by since and until");
	else if (count == STORE_RECORDINGS_PAGE)
		listing_page_read(l);
	else
		listing_day_next(l);
}

static void listing_page_read(struct recorded_listing *l)
{
	const struct store_recordings q = recorded_query(l);

	store_recordings_read(l->run->node->redis->store, &q, on_recorded, on_page, l);
}

/* ---- days ---- */

static void on_day(struct bytes day, struct bytes none, void *arg)
{
	struct recorded_listing *l = arg;

	(void)none;
	if (l->day_count < STORE_RECORDING_DAYS &&
	    !bytes_cstr(day, l->days[l->day_count], sizeof(l->days[0])))
		l->day_count++;
}

static void on_days(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct recorded_listing *l = arg;

	(void)key;
	(void)count;
	if (result != STORE_OK) {
		listing_fail(l, "Redis did not answer: name a node to hear what its folder says");
		return;
	}
	if (!l->day_count) {
		listing_tenant_next(l);
		return;
	}
	if (!strcmp(l->tenants[l->tenant], l->first_tenant) && !strcmp(l->days[0], l->first_day))
		memcpy(l->file, l->first_file, sizeof(l->file));
	listing_page_read(l);
}

static void listing_days_read(struct recorded_listing *l, struct bytes until, bool before)
{
	char last[DAY_LEN + 1];
	struct store_recording_days of = { .tenant = bytes_str(l->tenants[l->tenant]),
					   .since = bytes_str(recorded_arg(l, ENTRY_SINCE_DAY)),
					   .before = before };

	/* Copy first: until may point into days, which is overwritten below. */
	(void)bytes_cstr(bytes_sub(until, 0, DAY_LEN), last, sizeof(last));
	if (!before && l->first_day[0] && !strcmp(l->tenants[l->tenant], l->first_tenant) &&
	    (!last[0] || strcmp(l->first_day, last) < 0))
		memcpy(last, l->first_day, sizeof(last));
	of.until = bytes_str(last);
	l->day = l->day_count = 0;
	l->file[0] = '\0';
	store_recording_days(l->run->node->redis->store, &of, on_day, on_days, l);
}

/* ---- its beginning ---- */

/* TENANT/DATE/FILE, the last one of the page before. */
static void listing_after(struct recorded_listing *l)
{
	struct bytes after = bytes_str(recorded_arg(l, "after")), tenant, day;

	if (!bytes_cut(&after, '/', &tenant) || !bytes_cut(&after, '/', &day) ||
	    bytes_cstr(tenant, l->first_tenant, sizeof(l->first_tenant)) ||
	    bytes_cstr(day, l->first_day, sizeof(l->first_day)) ||
	    bytes_cstr(after, l->first_file, sizeof(l->first_file)))
		l->first_tenant[0] = l->first_day[0] = l->first_file[0] = '\0';
}

static int tenant_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void listing_tenant_add(struct recorded_listing *l, const char *name)
{
	if (strcmp(name, l->first_tenant) >= 0)
		(void)snprintf(l->tenants[l->tenant_count++], TENANT_NAME_MAX, "%s", name);
}

/* The tenants that the principal may see, by name. False: out of memory. */
static bool listing_tenants(struct recorded_listing *l)
{
	const struct command_run *run = l->run;
	uint32_t count = 1;

	for (uint16_t i = TENANT_DEFAULT; tenants_next(run->node->common.tenants, &i); i++)
		count++;
	l->tenants = calloc(count, sizeof(l->tenants[0]));
	if (!l->tenants)
		return false;
	if (run->of_tenant) {
		listing_tenant_add(l, run->tenant);
		return true;
	}
	for (uint16_t i = TENANT_DEFAULT; tenants_next(run->node->common.tenants, &i); i++)
		listing_tenant_add(l, tenants_name(run->node->common.tenants, i));
	qsort(l->tenants, l->tenant_count, sizeof(l->tenants[0]), tenant_order);
	return true;
}

static bool recorded_fails(struct command_run *run)
{
	if (!run->node->redis->store || !redis_is_connected(run->node->redis->link))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis is away: name a node to hear what its folder says");
	else if (g_listings >= LISTINGS_MAX)
		command_fail(run, COMMAND_BUSY, NULL, "too many lists at once: try again");
	else
		return false;
	return true;
}

/* Lists recordings of all nodes, by the index in Redis. */
static void command_recorded_list(struct command_run *run)
{
	struct recorded_listing *l;

	if (recorded_fails(run))
		return;
	l = calloc(1, sizeof(*l));
	if (l) {
		*l = (struct recorded_listing){ .run = run,
						.until_ns = clock_now_ns() + LISTING_NS };
		entry_list_start(&l->list, command_limit(run));
		g_listings++;
		listing_after(l);
	}
	if (!l || !listing_tenants(l)) {
		if (l) {
			json_decref(entry_list_end(&l->list));
			listing_free(l);
		}
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
	} else if (!l->tenant_count) {
		listing_answer(l);
	} else {
		listing_days_read(l, bytes_str(recorded_arg(l, ENTRY_UNTIL_DAY)), false);
	}
}

/* ---- one ---- */

struct recorded_one {
	struct command_run *run;
	json_t *json;
};

static void on_one(struct bytes entry, struct bytes none, void *arg)
{
	struct recorded_one *one = arg;

	(void)none;
	one->json = entry_parse(command_value(one->run, "name")->text, entry);
}

static void on_one_read(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct recorded_one one = *(struct recorded_one *)arg;

	(void)key;
	(void)count;
	free(arg);
	if (one.json) {
		(void)json_object_del(one.json, "node_id");
		command_answer(one.run, one.json);
	} else if (result != STORE_OK) {
		command_fail(one.run, COMMAND_UNAVAILABLE, NULL, "Redis did not answer");
	} else {
		command_fail(one.run, COMMAND_NOT_FOUND, "name",
			     "there is no such recording: recording.list has them");
	}
}

static void command_recorded_get(struct command_run *run)
{
	struct bytes file = command_value(run, "name")->text, tenant, day;
	struct recorded_one *one;

	if (!bytes_cut(&file, '/', &tenant) || !bytes_cut(&file, '/', &day) ||
	    (run->of_tenant && !bytes_is(tenant, run->tenant))) {
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such recording: recording.list has them");
		return;
	}
	if (recorded_fails(run))
		return;
	one = malloc(sizeof(*one));
	if (!one) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*one = (struct recorded_one){ run, NULL };
	store_recording_get(run->node->redis->store, tenant, day, file, on_one, on_one_read, one);
}

/* Authorizes by the tenant in the recording's name; only the node that has the file can tell
 * whether it exists. */
static bool recording_may_see(const struct command_run *run, struct bytes name)
{
	struct bytes tenant;

	return bytes_cut(&name, '/', &tenant) && (!run->of_tenant || bytes_is(tenant, run->tenant));
}

bool command_recording_has_port(struct command_run *run)
{
	bool has = run->node->web->files_web;

	if (!has)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "recordings.port is 0: give it a port, and restart the node");
	return has;
}

/* Only the name of a recording that is there is signed: tandem-store looks. */
void command_recording_link(struct command_run *run)
{
	if (!command_recording_has_port(run))
		return;
	if (!recording_may_see(run, command_value(run, "name")->text))
		command_fail(run, COMMAND_NOT_FOUND, "name",
			     "there is no such recording: recording.list has them");
	else
		command_store_one(run);
}

json_t *command_recording_linked(struct command_run *run, struct bytes name)
{
	const struct node *n = run->node;
	uint64_t seconds = command_value(run, "seconds")->number;
	uint64_t expires_utc_ms = clock_utc_ms() + seconds * 1000;
	char path[WEB_FILE_PATH_MAX];
	struct writer w = writer_over(path, sizeof(path) - 1);

	web_file_link(&w, &n->web->files, name, expires_utc_ms);
	if (w.overflow || !name.n)
		return NULL;
	path[w.n] = '\0';
	LOG_INFO("recordings", 0, "a link to a recording is given out", LOG_BYTES("file", name),
		 LOG_STR("by", run->user[0] ? run->user : run->id), LOG_U64("seconds", seconds));
	return json_pack("{s:o, s:s, s:i, s:I}", "name", command_text_json(name), "path", path,
			 "port", (int)n->settings->recordings.port, "expires_utc_ms",
			 (json_int_t)expires_utc_ms);
}

/* What is encrypted for nodes comes plain. */
static struct bytes recording_plain(const json_t *of)
{
	const char *name = json_text(of, "name");

	return bytes_mem(name, aes128gcm_stem(name));
}

/* Whether it was recording.link: then it is answered with a link to what was found. */
static bool command_recording_found(struct command_run *run, const json_t *found)
{
	const json_t *of = run->kept ? run->args : found;
	json_t *link;

	if (run->command->fn != command_recording_link)
		return false;
	link = command_recording_linked(run, recording_plain(of));
	if (link)
		command_answer(run, link);
	else
		command_fail(run, COMMAND_NOT_FOUND, "name", "the name is too long for a link");
	return true;
}

/* Nobody asks what all nodes know. */
static bool recording_is_of_node(const struct command_run *run)
{
	return command_value(run, "node")->given || !run->node->settings->recordings.list_days;
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
static bool recording_span_read(struct command_run *run)
{
	struct command_span span;

	if (!command_span_read(run, &span))
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
	else if (recording_span_read(run))
		command_recorded_list(run);
}

/* This node knows more of its own. */
void command_recording_get(struct command_run *run)
{
	if (recording_is_of_node(run) || node_deliver_runs())
		command_store_one(run);
	else
		command_recorded_get(run);
}

/* recording.link of one that this node does not have: it is fetched, once. */
static bool recording_fetch(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text, tenant = { 0 };
	struct bytes stem = entry_stem(json_string_value(json_object_get(run->args, "name")));
	struct bytes plain = recording_plain(run->args);
	uint64_t ticket = run->kept ? 0 : waiting_put(run->node->api.waiting, run);
	char of[TENANT_NAME_MAX] = "";
	json_t *args;
	bool sent;

	(void)bytes_cut(&name, '/', &tenant);
	if (!ticket)
		return false;
	run->kept = malloc(1);
	args = json_pack("{s:s%, s:s%}", "recording", (const char *)stem.p, stem.n, "name",
			 (const char *)plain.p, plain.n);
	sent = run->kept && args && !bytes_cstr(tenant, of, sizeof(of)) &&
	       node_deliver_query(run->node, ticket, "recording.fetch", of, args);
	json_decref(args);
	if (!sent)
		(void)waiting_pop(run->node->api.waiting, ticket);
	return sent;
}

/* recording.get of another node's recording: the index of all nodes answers. Or false. */
static bool command_recording_remote(struct command_run *run, enum command_error_code code)
{
	if (code == COMMAND_NOT_FOUND && run->command->fn == command_recording_link)
		return recording_fetch(run);
	if (code != COMMAND_NOT_FOUND || run->command->fn != command_recording_get ||
	    recording_is_of_node(run))
		return false;
	command_recorded_get(run);
	return true;
}

/* The process of recordings answers. */
static void recording_request(struct command_run *run)
{
	struct node *n = run->node;
	uint64_t ticket = waiting_put(n->api.waiting, run);

	if (ticket && node_deliver_query(n, ticket, run->command->name,
					 run->of_tenant ? run->tenant : "", run->args))
		return;
	if (ticket)
		(void)waiting_pop(n->api.waiting, ticket);
	command_fail(run, COMMAND_BUSY, NULL, "too many questions at once: try again");
}

static enum command_error_code recording_error(const char *name)
{
	for (unsigned i = 0; i < COMMAND_ERROR_CODES; i++) {
		if (!strcmp(name, command_error_name((enum command_error_code)i)))
			return (enum command_error_code)i;
	}
	return COMMAND_INTERNAL;
}

void command_recording_on_delivered(struct node *n, uint64_t ticket, const json_t *line,
				    const char *why)
{
	struct command_run *run = waiting_pop(n->api.waiting, ticket);
	const char *error = json_string_value(json_object_get(line, "error"));
	const char *message = json_string_value(json_object_get(line, "message"));

	if (!run)
		return; /* too late */
	if (!line)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "%s", why);
	else if (error && command_recording_remote(run, recording_error(error)))
		return;
	else if (error)
		command_fail(run, recording_error(error), NULL, "%s", message ? message : error);
	else if (run->delivered)
		run->delivered(run);
	else if (!command_recording_found(run, json_object_get(line, "result")))
		command_answer(run, json_incref(json_object_get(line, "result")));
}

void command_store_list(struct command_run *run)
{
	if (!recording_span_read(run))
		return;
	if (node_deliver_runs())
		recording_request(run);
	else
		command_answer(run, json_array()); /* there is no folder */
}

void command_store_one(struct command_run *run)
{
	if (node_deliver_runs())
		recording_request(run);
	else
		command_fail(run, COMMAND_NOT_FOUND, "name", "this node has no recordings");
}

/* Its process runs where there is a recording: another program has just put one there. */
void command_recording_look(struct command_run *run)
{
	g_deliver.any = true;
	if (!node_deliver_runs())
		child_beat(&g_deliver.child, clock_now_ns());
	node_deliver_look();
	command_answer(run, json_object());
}

void command_store_retry(struct command_run *run)
{
	if (node_deliver_runs())
		recording_request(run);
	else
		command_answer(run, json_pack("{s:i}", "retried", 0));
}
