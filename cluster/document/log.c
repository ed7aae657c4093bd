/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the log of documents with XREAD BLOCK on a link of its own, and checks each entry before it
 * is handed on. app/document/directory.c opens it: by this stream each node learns the changes that
 * other nodes make. Entries that are malformed are logged and left out; the gap in versions then
 * makes the directory read all documents again.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/document/log.h"
#include "cluster/document/mirror.h"

static const char *const g_events[] = {
	[DOCUMENT_PUT] = "put",
	[DOCUMENT_DELETE] = "delete",
	[DOCUMENT_RESTORE] = "restore",
};

const char *document_event_name(enum document_event event)
{
	assert((size_t)event < COUNT_OF(g_events));
	return g_events[event];
}

void document_entry_start(struct document_entry *e)
{
	*e = (struct document_entry){ 0 };
}

static void entry_event(struct document_entry *e, struct bytes name, struct bytes value)
{
	for (size_t i = 0; i < COUNT_OF(g_events); i++) {
		if (bytes_is(name, g_events[i])) {
			e->event = (enum document_event)i;
			e->json = value;
			e->events++;
		}
	}
}

void document_entry_field(struct document_entry *e, struct bytes name, struct bytes value)
{
	if (bytes_is(name, "history")) {
		e->history = value;
	} else if (bytes_is(name, "tenant")) {
		e->tenant = value;
	} else if (bytes_is(name, "kind")) {
		e->kind = value;
	} else if (bytes_is(name, "name")) {
		e->name = value;
	} else if (bytes_is(name, "version")) {
		e->versioned = true;
		e->bad_version = bytes_u64(value, &e->version) != 0;
	} else {
		entry_event(e, name, value);
	}
}

static bool entry_name_fits(struct bytes text)
{
	return text.n > 0 && text.n <= SNAPSHOT_NAME_MAX && bytes_find(text, 0) == text.n;
}

const char *document_entry_check(const struct document_entry *e)
{
	if (!entry_name_fits(e->tenant) || bytes_find(e->tenant, ':') < e->tenant.n)
		return "tenant is no name";
	if (!entry_name_fits(e->kind) || !entry_name_fits(e->name))
		return "kind or name is not valid";
	if (!e->versioned || e->bad_version)
		return "version is no number";
	if (e->events != 1)
		return "not one change";
	if ((e->event == DOCUMENT_DELETE) != (e->json.n == 0))
		return "a document without a text, or a deletion with one";
	return e->json.n > SNAPSHOT_TEXT_MAX ? "longer than any document" : NULL;
}

int stream_id_read(struct stream_id *out, struct bytes text)
{
	size_t dash = bytes_find(text, '-');
	struct stream_id id;

	if (dash == text.n || bytes_u64(bytes_sub(text, 0, dash), &id.ms) ||
	    bytes_u64(bytes_from(text, dash + 1), &id.number))
		return -EINVAL;
	*out = id;
	return 0;
}

bool stream_id_is_below(struct stream_id a, struct stream_id b)
{
	return a.ms < b.ms || (a.ms == b.ms && a.number < b.number);
}

#define BLOCK_TEXT     "1000"
#define BLOCK_LIMIT_NS (5 * NS_PER_S) /* a peer that does not even say "nothing" is gone */
#define LOG_PAUSE_NS   (1 * NS_PER_S)
#define BATCH          "128"
#define BEGINNING      "0-0"

enum { ID_MAX = 48 };

struct document_log {
	struct document_log_user user;
	struct redis *link;
	char after[ID_MAX];
	bool asked;        /* a question waits for its answer */
	bool sought;       /* since it was asked: its answer does not say where to go on */
	uint64_t pause_ns; /* nothing is read before */
};

static void log_read(struct document_log *log);

/* Where reading goes on. */
static void after_set(struct document_log *log, struct bytes id)
{
	struct stream_id unused;

	if (stream_id_read(&unused, id) || bytes_cstr(id, log->after, sizeof(log->after)))
		(void)snprintf(log->after, sizeof(log->after), "%s", BEGINNING);
}

static void log_entry_read(struct document_log *log, struct bytes id,
			   const struct redisReply *fields)
{
	struct document_entry e;
	const char *wrong;

	document_entry_start(&e);
	for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2)
		document_entry_field(&e, redis_reply_text(redis_reply_at(fields, i)),
				     redis_reply_text(redis_reply_at(fields, i + 1)));
	if (!log->sought)
		after_set(log, id);
	wrong = document_entry_check(&e);
	if (wrong) { /* what it would have changed is missing then, which the next one shows */
		LOG_ERROR("documents", 0, "an entry of the log cannot be read", LOG_BYTES("id", id),
			  LOG_STR("reason", wrong));
		return;
	}
	log->user.entry(&e, log->user.arg);
}

static void log_on_read(int err, const struct redisReply *reply, void *arg)
{
	struct document_log *log = arg;
	const struct redisReply *entries = redis_reply_at(redis_reply_at(reply, 0), 1);
	struct bytes text;

	log->asked = false;
	if (err)
		return;
	if (redis_is_error(reply, &text)) {
		LOG_WARN("documents", 0, "the log cannot be read", LOG_BYTES("error", text));
		log->pause_ns = clock_now_ns() + LOG_PAUSE_NS;
		return;
	}
	for (size_t i = 0; i < redis_reply_count(entries); i++) {
		const struct redisReply *entry = redis_reply_at(entries, i);

		log_entry_read(log, redis_reply_text(redis_reply_at(entry, 0)),
			       redis_reply_at(entry, 1));
	}
	if (redis_reply_count(entries))
		log->user.read(log->user.arg);
	log_read(log);
}

static void log_read(struct document_log *log)
{
	const struct bytes args[] = { BYTES_LIT("XREAD"),         BYTES_LIT("COUNT"),
				      BYTES_LIT(BATCH),           BYTES_LIT("BLOCK"),
				      BYTES_LIT(BLOCK_TEXT),      BYTES_LIT("STREAMS"),
				      BYTES_LIT("td:{docs}:log"), bytes_str(log->after) };

	if (log->asked || !redis_is_connected(log->link) || clock_now_ns() < log->pause_ns)
		return;
	log->sought = false;
	log->asked = redis_command(log->link, args, COUNT_OF(args), BLOCK_LIMIT_NS, log_on_read,
				   log) == 0;
	log->pause_ns = log->asked ? 0 : clock_now_ns() + LOG_PAUSE_NS;
}

static void log_on_state(bool connected, void *arg)
{
	struct document_log *log = arg;

	if (!connected)
		return;
	log->pause_ns = 0;
	log->user.connected(log->user.arg);
	log_read(log);
}

int document_log_open(struct document_log **out, const struct redis_place *place,
		      struct bytes after, const struct document_log_user *user)
{
	struct redis_settings settings = { .place = *place,
					   .deadline_ns = NS_PER_S,
					   .pending_max = 4,
					   .labels = "link=\"documents\"" };
	struct document_log *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	log->user = *user;
	after_set(log, after);
	err = redis_open(&log->link, &settings, log_on_state, log);
	if (err) {
		free(log);
		return err;
	}
	*out = log;
	return 0;
}

void document_log_close(struct document_log *log)
{
	if (!log)
		return;
	redis_close(log->link);
	free(log);
}

void document_log_seek(struct document_log *log, struct bytes after)
{
	after_set(log, after);
	log->sought = true;
}

bool document_log_is_newer(const struct document_log *log, struct bytes newest)
{
	struct stream_id mine, theirs;

	return !stream_id_read(&theirs, newest) && !stream_id_read(&mine, bytes_str(log->after)) &&
	       stream_id_is_below(theirs, mine);
}

void document_log_flush(struct document_log *log)
{
	redis_flush(log->link);
}

void document_log_expire(struct document_log *log, uint64_t now_ns)
{
	redis_expire(log->link, now_ns);
	log_read(log);
}

uint64_t document_log_next_ns(const struct document_log *log)
{
	uint64_t next = redis_next_ns(log->link);
	bool idle = !log->asked && redis_is_connected(log->link);

	return idle && log->pause_ns < next ? log->pause_ns : next;
}
