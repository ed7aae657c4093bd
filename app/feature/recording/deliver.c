/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs tandem-store beside the node: its start and end, questions of commands with tickets and
 * deadlines, its figures as metrics, and the lines by which Redis learns about recordings. The
 * process keeps its own work on disk, so nothing is lost when it dies; here are only requests under
 * way, which then fail.
 */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/recording/deliver.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_media.h"
#include "app/node/node_record.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/metric.h"
#include "sig/sip/id.h"

struct deliver g_deliver;

static void node_deliver_tell_redis(struct node *n);

#define ANSWER_NS (10 * NS_PER_S)

enum { QUESTIONS_MAX = 256 };

enum { DELIVERED, FAILED, OCTETS, DEAD, RUNNING, STORE_GAUGES };

static struct {
	metric_id files, octets, waiting, oldest, dead, deleted, lost, full;
	metric_id unlisted, aborted, sealed, seal_failures, uncoded, coded, opus_failures,
		opus_skipped;
	metric_id ended; /* the recorder's */
	uint32_t table;
} g_store_metrics;

const struct metric_def g_store_metric_rows[] = {
	{ &g_store_metrics.files, METRIC_GAUGE, "tandem_recording_files",
	  "Recordings in the folder." },
	{ &g_store_metrics.octets, METRIC_GAUGE, "tandem_recording_folder_bytes",
	  "Octets of recordings in the folder." },
	{ &g_store_metrics.waiting, METRIC_GAUGE, "tandem_recordings_waiting",
	  "Recordings that are not delivered yet, dead letters aside." },
	{ &g_store_metrics.oldest, METRIC_GAUGE, "tandem_recordings_waiting_oldest_seconds",
	  "Age of the oldest of these." },
	{ &g_store_metrics.dead, METRIC_GAUGE, "tandem_recordings_dead",
	  "Recordings with a delivery that is given up (delivery.retry)." },
	{ &g_store_metrics.uncoded, METRIC_GAUGE, "tandem_recordings_uncoded",
	  "Recordings that wait to be coded as Opus (recordings.opus)." },
	{ &g_store_metrics.unlisted, METRIC_GAUGE, "tandem_recordings_unlisted",
	  "Recordings of which Redis does not know yet what they are by now." },
	{ &g_store_metrics.full, METRIC_GAUGE, "tandem_recording_disk_full",
	  "1 while less than recordings.free_mib is left, and nothing may be deleted." },
	{ &g_store_metrics.deleted, METRIC_COUNTER, "tandem_recordings_deleted_total",
	  "Recordings that were deleted from the folder." },
	{ &g_store_metrics.lost, METRIC_COUNTER, "tandem_recordings_deleted_undelivered_total",
	  "Recordings of these that a destination did not get: they were too old." },
	{ &g_store_metrics.sealed, METRIC_COUNTER, "tandem_recordings_encrypted_total",
	  "Recordings that were encrypted." },
	{ &g_store_metrics.seal_failures, METRIC_COUNTER,
	  "tandem_recording_encryption_failures_total",
	  "Tries to encrypt a recording that failed." },
	{ &g_store_metrics.coded, METRIC_COUNTER, "tandem_recordings_coded_total",
	  "Recordings that were coded as Opus." },
	{ &g_store_metrics.opus_failures, METRIC_COUNTER, "tandem_recording_coding_failures_total",
	  "Tries to code a recording as Opus that failed." },
	{ &g_store_metrics.opus_skipped, METRIC_COUNTER, "tandem_recordings_coding_skipped_total",
	  "Recordings that went as WAV: they waited for recordings.opus_wait." },
	{ &g_store_metrics.aborted, METRIC_COUNTER, "tandem_recording_uploads_aborted_total",
	  "Uploads in parts that nobody went on with, ended at the destination." },
	{ &g_store_metrics.ended, METRIC_COUNTER, "tandem_recordings_ended_total",
	  "Recordings with file and sidecar on the disk." },
	{ NULL },
};

void node_deliver_setup(void)
{
	static const struct metric_table_gauge gauges[STORE_GAUGES] = {
		[DELIVERED] = { "tandem_recording_deliveries_total",
				"Recordings that the destination has got, since tandem-store "
				"started.",
				true },
		[FAILED] = { "tandem_recording_delivery_failures_total",
			     "Tries that failed, since tandem-store started.", true },
		[OCTETS] = { "tandem_recording_delivered_bytes_total",
			     "Octets that the destination has got, since tandem-store started.",
			     true },
		[DEAD] = { "tandem_recording_delivery_given_up_total",
			   "Deliveries that became dead letters, since tandem-store started.",
			   true },
		[RUNNING] = { "tandem_recording_deliveries_running", "Deliveries under way." },
	};

	g_store_metrics.table = metric_table_register("destination", gauges, STORE_GAUGES);
}

/* ---- its life ---- */

bool node_deliver_runs(void)
{
	return child_runs(&g_deliver.child);
}

/* Recordings of an earlier start.
 * The disk is read at start and reload alone: a slow one would delay calls. */
static bool store_finds_any(const struct node *n)
{
	DIR *dir = opendir(n->settings->recordings.folder);
	const struct dirent *entry;
	bool any = false;

	while (dir && !any && (entry = readdir(dir)))
		any = entry->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return any;
}

static bool store_is_wanted(struct node *n)
{
	if (!g_deliver.looked) {
		g_deliver.any = store_finds_any(n);
		n->record->folder_error = folder_try(n->settings->recordings.folder);
	}
	g_deliver.looked = true;
	return n->settings->recordings.store_count || n->settings->recordings.copies ||
	       g_deliver.any || metric_value(g_store_metrics.ended) > 0;
}

/* Settings for a new process. */
static void store_on_start(struct node *n)
{
	g_deliver.redis_stale = true;
	node_deliver_reload(n);
}

static void store_on_end(struct node *n)
{
	(void)n;
	free(g_deliver.told);
	g_deliver.told = NULL;
}

void node_deliver_second(struct node *n, uint64_t now_ns)
{
	(void)now_ns;
	if (g_deliver.stale && node_deliver_runs())
		node_deliver_reload(n);
	if (node_deliver_runs())
		node_deliver_tell_nodes(n);
	if (node_deliver_runs())
		node_deliver_tell_redis(n);
}

void node_deliver_reload(struct node *n)
{
	g_deliver.stale = false;
	g_deliver.child.missing_logged = false;
	n->record->folder_error = folder_try(n->settings->recordings.folder);
	g_deliver.any = g_deliver.any || store_finds_any(n);
	if (node_deliver_runs())
		child_send(&g_deliver.child, node_deliver_terms(n));
}

void node_deliver_close(struct node *n)
{
	(void)n;
	redis_leave(&g_deliver.guest);
}

void node_deliver_look(void)
{
	child_send(&g_deliver.child, json_pack("{s:b}", "look", 1));
}

void node_deliver_recorded(struct node *n, uint64_t call, uint8_t number, uint64_t ms)
{
	(void)n;
	(void)call;
	(void)number;
	(void)ms;
	node_deliver_look();
}

void node_deliver_tenants(struct node *n)
{
	(void)n;
	g_deliver.stale = true;
}

/* ---- questions ---- */

static bool store_request(json_t *question, child_answer_fn *done, void *arg)
{
	return child_query(&g_deliver.child, question, 0, clock_now_ns() + ANSWER_NS, done, arg);
}

static void store_on_answer(struct node *n, const json_t *line, const char *why, void *arg)
{
	n->hooks->delivered(n, (uintptr_t)arg, line, why);
}

bool node_deliver_query(struct node *n, uint64_t ticket, const char *command, const char *tenant,
			json_t *args)
{
	if (g_deliver.stale) /* the author of a change sees it applied */
		node_deliver_reload(n);
	return node_deliver_runs() && store_request(json_pack("{s:s, s:s, s:O}", "command", command,
							      "tenant", tenant, "args", args),
						    store_on_answer, (void *)(uintptr_t)ticket);
}

#define NO_RECORDING "no node has such a recording: recording.list has them"

/* Start of the call of CALL-NUMBER, by its id. */
static uint64_t recording_called_ms(const char *recording)
{
	struct bytes rest = bytes_str(recording), call;
	uint64_t id = 0;

	(void)(bytes_cut(&rest, '-', &call) && !id_call_get(call, &id));
	return id_utc_ms(id, clock_utc_ms());
}

static void store_on_fetched(struct node *n, const json_t *line, const char *why, void *arg)
{
	char *recording = arg;

	if (line)
		why = json_object_get(line, "error") ? NO_RECORDING : NULL;
	plays_on_rendered(&n->media->plays, recording, why, clock_now_ns());
	free(recording);
}

bool node_deliver_fetch(struct node *n, const char *tenant, const char *recording)
{
	char *name = node_deliver_runs() ? malloc(strlen(recording) + 1) : NULL;

	(void)n;
	if (!name)
		return false;
	memcpy(name, recording, strlen(recording) + 1);
	if (store_request(json_pack("{s:s, s:s, s:{s:s, s:I}}", "command", "recording.fetch",
				    "tenant", tenant, "args", "recording", recording, "play",
				    (json_int_t)recording_called_ms(recording)),
			  store_on_fetched, name))
		return true;
	free(name);
	return false;
}

/* ---- figures ---- */

void node_deliver_count(metric_id id, uint64_t now, uint64_t *shown)
{
	metric_add(id, now >= *shown ? now - *shown : now);
	*shown = now;
}

static void store_table(const json_t *list)
{
	static const char *const keys[STORE_GAUGES] = { [DELIVERED] = "delivered",
							[FAILED] = "failed",
							[OCTETS] = "octets",
							[DEAD] = "dead",
							[RUNNING] = "running" };
	struct metric_table_row rows[SETTINGS_DESTINATIONS_MAX];
	uint32_t count = 0;

	for (; count < SETTINGS_DESTINATIONS_MAX && count < json_array_size(list); count++) {
		const json_t *of = json_array_get(list, count);
		const char *name = json_string_value(json_object_get(of, "name"));

		(void)snprintf(rows[count].name, sizeof(rows[count].name), "%s", name ? name : "");
		for (unsigned i = 0; i < STORE_GAUGES; i++)
			rows[count].values[i] = json_count(of, keys[i]);
	}
	metric_table_set(g_store_metrics.table, rows, count);
}

static void store_figures(struct node *n, const json_t *f)
{
	metric_set(g_store_metrics.files, json_count(f, "files"));
	metric_set(g_store_metrics.octets, json_count(f, "octets"));
	metric_set(g_store_metrics.waiting, json_count(f, "backlog"));
	metric_set(g_store_metrics.oldest, json_count(f, "oldest_ms") / 1000);
	metric_set(g_store_metrics.dead, json_count(f, "dead"));
	metric_set(g_store_metrics.full, json_is_true(json_object_get(f, "full")));
	n->record->is_full = json_is_true(json_object_get(f, "full"));
	n->record->folder_error = -(int)json_count(f, "folder_error");
	node_deliver_count(g_store_metrics.deleted, json_count(f, "deleted"),
			   &g_deliver.shown.deleted);
	node_deliver_count(g_store_metrics.lost, json_count(f, "lost"), &g_deliver.shown.lost);
	node_deliver_count(g_store_metrics.sealed, json_count(f, "sealed"),
			   &g_deliver.shown.sealed);
	node_deliver_count(g_store_metrics.seal_failures, json_count(f, "seal_failures"),
			   &g_deliver.shown.seal_failures);
	node_deliver_count(g_store_metrics.coded, json_count(f, "coded"), &g_deliver.shown.coded);
	node_deliver_count(g_store_metrics.opus_failures, json_count(f, "opus_failures"),
			   &g_deliver.shown.opus_failures);
	node_deliver_count(g_store_metrics.opus_skipped, json_count(f, "opus_skipped"),
			   &g_deliver.shown.opus_skipped);
	metric_set(g_store_metrics.uncoded, json_count(f, "uncoded"));
	metric_set(g_store_metrics.unlisted, json_count(f, "unlisted"));
	health_set(&n->web->health, HEALTH_RECORDINGS_UNCODED,
		   json_is_true(json_object_get(f, "opus_late")));
	health_set(&n->web->health, HEALTH_RECORDINGS_PLAIN,
		   json_is_true(json_object_get(f, "seal_fails")));
	node_deliver_count(g_store_metrics.aborted, json_count(f, "uploads_aborted"),
			   &g_deliver.shown.uploads_aborted);
	store_table(json_object_get(f, "destinations"));
	node_deliver_copies_figures(n, json_object_get(f, "copies"));
}

/* Recordings in Redis (docs/adr/0050): tandem-store reports each change in a line, and is told when
 * Redis has it. It keeps them until then: here are only those under way. */

#define LATER_MAX_S (UINT64_C(100) * 366 * 86400)

struct store_index_flight {
	struct node *node;
	json_t *line;
	uint64_t number;
	uint64_t start_ns; /* of the process that has said it */
};

/* ---- the link to Redis ---- */

static void store_index_on_state(bool connected, void *arg)
{
	(void)arg;
	g_deliver.redis_stale |= connected;
}

/* Tells which Redis it is, and that the link is new: what was acknowledged last may be lost. */
static void node_deliver_tell_redis(struct node *n)
{
	struct deliver *s = &g_deliver;
	const char *history = n->redis->history;

	if (!s->guest.redis && n->redis->link) {
		s->guest.state = store_index_on_state;
		s->guest.arg = n;
		redis_join(n->redis->link, &s->guest);
		s->redis_stale = true;
	}
	if (!history[0] || !redis_is_connected(n->redis->link) ||
	    !n->settings->recordings.list_days)
		return;
	if (!s->redis_stale && !strcmp(s->history, history))
		return;
	s->redis_stale = false;
	(void)snprintf(s->history, sizeof(s->history), "%s", history);
	child_send(&s->child, json_pack("{s:s}", "redis", history));
}

/* ---- a change ---- */

/* members: what its mailbox says of a message, taken over; NULL: it is no message. */
static void store_index_answer(uint64_t number, bool ok, json_t *members)
{
	json_t *line = json_pack("{s:I, s:b}", "said", (json_int_t)number, "ok", (int)ok);

	if (members)
		(void)json_object_update_new(line, members);
	child_send(&g_deliver.child, line);
}

static void store_index_end(struct store_index_flight *flight, bool ok, json_t *members)
{
	if (g_deliver.child.start_ns == flight->start_ns)
		store_index_answer(flight->number, ok, members);
	else
		json_decref(members);
	json_decref(flight->line);
	free(flight);
}

void node_deliver_answered(void *arg, bool ok, json_t *members)
{
	store_index_end(arg, ok, members);
}

static void store_index_on_reply(enum store_result result, uint64_t key, uint64_t version,
				 void *arg)
{
	struct store_index_flight *flight = arg;

	(void)key;
	(void)version;
	if (result != STORE_OK || !g_deliver.message(flight->node, flight->line, flight))
		store_index_end(flight, result == STORE_OK, NULL);
}

static struct bytes store_index_text(const json_t *line, const char *key)
{
	const json_t *value = json_object_get(line, key);

	return bytes_mem(json_string_value(value), json_string_length(value));
}

/* False: an invalid line. */
static bool store_index_act(const json_t *line, enum store_recording_act *out)
{
	static const struct {
		const char *name;
		enum store_recording_act act;
	} acts[] = { { "put", STORE_RECORDING_PUT },
		     { "end", STORE_RECORDING_END },
		     { "state", STORE_RECORDING_STATE },
		     { "remove", STORE_RECORDING_REMOVE } };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (bytes_is(store_index_text(line, "act"), acts[i].name)) {
			*out = acts[i].act;
			return true;
		}
	}
	return false;
}

static bool store_index_read(const json_t *line, struct store_recording *r)
{
	const json_t *parties = json_object_get(line, "parties");

	r->name = store_index_text(line, "name");
	r->entry = store_index_text(line, "entry");
	r->state = store_index_text(line, "state");
	r->first_day = store_index_text(line, "first_day");
	r->life_s = json_count(line, "life_s");
	for (size_t i = 0; i < COUNT_OF(r->parties); i++) {
		const json_t *party = json_array_get(parties, i);

		r->parties[i] = bytes_mem(json_string_value(party), json_string_length(party));
	}
	return store_index_act(line, &r->act) && bytes_cut(&r->name, '/', &r->tenant) &&
	       bytes_cut(&r->name, '/', &r->day) && r->name.n && r->state.n && r->first_day.n &&
	       r->life_s && r->life_s <= LATER_MAX_S;
}

static void store_index_write(struct node *n, const struct store_recording *r, uint64_t number,
			      const json_t *line)
{
	struct store_index_flight *flight = malloc(sizeof(*flight));

	if (!flight) {
		store_index_answer(number, false, NULL);
		return;
	}
	*flight = (struct store_index_flight){ n, json_deep_copy(line), number,
					       g_deliver.child.start_ns };
	store_recording_announce(n->redis->store, r, store_index_on_reply, flight);
}

const char *node_deliver_id(const struct node *n, char out[NODE_DELIVER_ID_MAX])
{
	(void)snprintf(out, NODE_DELIVER_ID_MAX, "%016" PRIx64, identity_node(n->identity));
	return out;
}

/* Writes a recording to Redis. */
static void node_deliver_write(struct node *n, const json_t *line)
{
	char id[NODE_DELIVER_ID_MAX], mine[NODE_DELIVER_ID_MAX + 16];
	struct store_recording r = { 0 };
	uint64_t number = json_count(line, "say");

	(void)snprintf(mine, sizeof(mine), "\"node_id\":\"%s\"", node_deliver_id(n, id));
	r.mine = bytes_str(mine);
	if (!store_index_read(line, &r)) {
		LOG_ERROR("recordings", 0,
			  "what tandem-store says of a recording is not understood");
		store_index_answer(number, false, NULL);
	} else if (!n->redis->store || !redis_is_connected(n->redis->link)) {
		store_index_answer(number, false, NULL);
	} else {
		store_index_write(n, &r, number, line);
	}
}

static void store_on_line(struct node *n, const json_t *line)
{
	const json_t *figures = json_object_get(line, "figures");

	if (figures)
		store_figures(n, figures);
	else if (json_object_get(line, "say"))
		node_deliver_write(n, line);
}

const struct child_kind g_store_child = {
	.child = &g_deliver.child,
	.program = "tandem-store",
	.area = "recordings",
	.missing = "recordings are not delivered: tandem-store cannot be started; it belongs into "
		   "the folder of tandemd",
	.ended = "tandem-store has ended: it is started again",
	.died = "the process that stores recordings ended: try again",
	.late = "the process that stores recordings does not answer: the machine has no time for "
		"it, or its disk stands still",
	.metrics = { [CHILD_UP] = { "tandem_recording_store_up", "1 while tandem-store runs." },
		     [CHILD_DEATHS] = { "tandem_recording_store_deaths_total",
					"Times that tandem-store ended by itself." } },
	.requests_max = QUESTIONS_MAX,
	.of_tenant_max = QUESTIONS_MAX,
	.whole_answers = true,
	.hands = true,
	.again_ns = NS_PER_S,
	.stops = node_is_stopping,
	.wanted = store_is_wanted,
	.on_start = store_on_start,
	.on_line = store_on_line,
	.on_end = store_on_end,
};
