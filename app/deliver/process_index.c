/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells Redis about recordings, so that each node can list those of all (docs/adr/0050). The folder
 * is the state: NAME.listed is beside what Redis knows. So a crash or an outage of Redis loses
 * nothing, and no second list can differ. The node has the link to Redis: it gets one line for
 * each, and answers. A repeated line changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "app/deliver/upload.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/table.h"

enum {
	DAY_S = 86400,
	LATE_MS = 30000,   /* the node has forgotten it */
	COPIES_MS = 10000, /* the neighbour does not take a message, ... */
	COPIES_PAUSES = 2, /* ... nor in as many pauses between rounds of copies */
	INDEX_FRESH_MS = 60000,
	INDEX_FRESH_ROWS = 512, /* for those alone */
	BOX_AGAIN_MS = 1000 * DAY_S,
	INDEX_AGAIN_MS = 500, /* doubled */
	AGAIN_DOUBLINGS = 6,
};

/* ---- rows ---- */

static uint32_t index_hash(const char *path)
{
	return hash_crc32c(0, bytes_str(path));
}

static struct index_row *index_find(struct process_index *x, const char *path)
{
	uint32_t hash = index_hash(path);

	for (uint32_t i = 0; x->count && i < INDEX_ROWS_MAX; i++) {
		struct index_row *row = &x->rows[i];

		if (row->state != INDEX_FREE && row->hash == hash && !strcmp(row->path, path))
			return row;
	}
	return NULL;
}

static void index_drop(struct process_index *x, struct index_row *row)
{
	x->flight -= row->state == INDEX_ANSWERED;
	row->state = INDEX_FREE;
	x->count--;
}

/* Without room it replaces one that its mailbox has refused: that one is still in the folder. */
static struct index_row *index_free(struct process_index *x)
{
	struct index_row *refused = NULL;

	for (uint32_t i = 0; i < INDEX_ROWS_MAX; i++) {
		struct index_row *row = &x->rows[i];

		if (row->state == INDEX_FREE)
			return row;
		if (row->state == INDEX_WAITS && row->failures &&
		    (!refused || row->again_ms > refused->again_ms))
			refused = row;
	}
	if (refused)
		index_drop(x, refused);
	return refused;
}

/* It has just ended: a caller may wait for its save. */
static bool index_is_fresh(const struct process *p, const char *path, uint64_t now_ms)
{
	char name[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(name, p->terms.folder, path, "json");
	return stat(name, &st) == 0 && (uint64_t)st.st_mtime * 1000 + INDEX_FRESH_MS > now_ms;
}

/* A row stays until Redis has replicated it.
 * Older recordings leave some rows for those that end meanwhile. */
static void index_put(struct process *p, const char *path, enum folder_gone gone, uint64_t now_ms)
{
	struct process_index *x = &p->index;
	struct index_row *row =
		x->count < INDEX_ROWS_MAX - INDEX_FRESH_ROWS || index_is_fresh(p, path, now_ms)
			? index_free(x)
			: NULL;

	if (!row) {
		x->full = true; /* the folder has it */
		return;
	}
	*row = (struct index_row){ .hash = index_hash(path), .state = INDEX_WAITS, .gone = gone };
	(void)bytes_cstr(bytes_str(path), row->path, sizeof(row->path));
	x->count++;
}

static void index_wait(struct process_index *x, struct index_row *row)
{
	x->flight -= row->state == INDEX_ANSWERED;
	row->state = INDEX_WAITS;
	row->changed = false;
}

static void index_row_changed(struct process_index *x, struct index_row *row)
{
	if (row->state == INDEX_ANSWERED)
		row->changed = true; /* one line of each is under way */
	else
		index_wait(x, row);
}

/* ---- how long ---- */

static const char *index_day(const char *path)
{
	return path + strcspn(path, "/") + 1;
}

/* As long as the file is kept, and a day, or as the settings say. */
static uint64_t index_days(const struct process *p, const char *path)
{
	char name[SIDECAR_TENANT_MAX];
	const struct terms_tenant *tenant;
	uint64_t keep;

	folder_tenant(path, name);
	tenant = terms_tenant(&p->terms, name);
	keep = tenant->keep_days ? tenant->keep_days : p->terms.keep_days;
	return keep >= p->terms.list_days ? keep + 1 : p->terms.list_days;
}

/* From now on; 0: no longer. */
static uint64_t index_life_s(const struct process *p, const char *path, uint64_t now_ms)
{
	struct tm tm = { 0 };
	int64_t until, now_s = (int64_t)(now_ms / 1000);

	if (!strptime(index_day(path), "%Y-%m-%d", &tm))
		return 0;
	until = (int64_t)timegm(&tm) + (int64_t)(index_days(p, path) + 1) * DAY_S;
	return until > now_s ? (uint64_t)(until - now_s) : 0;
}

/* ---- what is known of one ---- */

/* Where it has come to. */
static json_t *index_stored(struct process *p, const char *path, const struct job *j)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < j->count; i++) {
		const struct destination *d = terms_destination(&p->terms, j->of[i].to);
		char url[TRANSFER_URL_MAX] = "";
		struct writer w = writer_over(url, sizeof(url));
		json_t *place;

		if (j->of[i].state != DELIVERY_DONE)
			continue;
		place = json_pack("{s:s}", "to", j->of[i].to);
		if (d)
			place_stored(&w, d, path);
		if (url[0] && !w.overflow)
			(void)json_object_set_new(place, "url", json_string(url));
		(void)json_array_append_new(list, place);
	}
	return list;
}

static enum folder_state index_job(const struct process *p, const char *path, struct job *j)
{
	for (unsigned state = FOLDER_JOB; state < FOLDER_STATES; state++) {
		if (!folder_job_read(p->terms.folder, path, (enum folder_state)state, j))
			return (enum folder_state)state;
	}
	j->count = 0;
	return FOLDER_NEW;
}

static enum entry_state index_state(const struct process *p, const struct index_row *row,
				    enum folder_state state)
{
	char tenant[SIDECAR_TENANT_MAX];
	const struct folder_entry entry = { .tenant = tenant, .state = state, .gone = row->gone };

	folder_tenant(row->path, tenant);
	if (row->gone == FOLDER_DELETED)
		return ENTRY_DELETED;
	return row->gone == FOLDER_VANISHED ? ENTRY_LOST : process_state(p, &entry);
}

static json_t *index_entry(struct process *p, const struct index_row *row, const json_t *sidecar,
			   enum entry_state state, const struct job *j, uint64_t now_ms)
{
	char tenant[SIDECAR_TENANT_MAX];
	json_t *json;

	folder_tenant(row->path, tenant);
	json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "name", row->path, "tenant", tenant,
			 "state", g_entry_states[state], "node", p->terms.node, "node_id",
			 p->terms.node_id, "said_utc_ms", (json_int_t)now_ms);
	entry_facts(json, sidecar);
	(void)json_object_set_new(json, "stored", index_stored(p, row->path, j));
	return json;
}

static const char *index_act(const struct index_row *row)
{
	switch (row->gone) {
	case FOLDER_HERE:
		return "put";
	case FOLDER_LOST:
	case FOLDER_DELETED:
		return "end";
	case FOLDER_VANISHED:
		return "state";
	case FOLDER_REPLACED:
	case FOLDER_NOTHING:
		break;
	}
	return "remove";
}

/* It is found as a party is. */
static void index_mailbox(json_t *list, const json_t *sidecar)
{
	const char *mailbox = json_string_value(json_object_get(sidecar, "mailbox"));
	char text[sizeof(ENTRY_MAILBOX) + ENTRY_MAILBOX_MAX] = "";

	if (mailbox && mailbox[0] && strlen(mailbox) <= ENTRY_MAILBOX_MAX)
		(void)snprintf(text, sizeof(text), ENTRY_MAILBOX "%s", mailbox);
	(void)json_array_append_new(list, json_string(text));
}

static void index_parties(json_t *line, const json_t *sidecar)
{
	static const char *const keys[] = { "from", "to" };
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *party = json_string_value(json_object_get(sidecar, keys[i]));

		(void)json_array_append_new(
			list, json_string(party && strlen(party) < SIDECAR_PARTY_MAX ? party : ""));
	}
	index_mailbox(list, sidecar);
	(void)json_object_set_new(line, "parties", list);
}

/* NULL: it says more than there is room for, or memory is out. */
static json_t *index_line(struct process *p, const struct index_row *row, uint64_t now_ms)
{
	json_t *sidecar = process_sidecar(p, row->path, row->gone), *entry, *line = NULL;
	struct job j;
	enum entry_state state = index_state(p, row, index_job(p, row->path, &j));
	char first[FOLDER_DATE_LEN + 1], *text;

	folder_day(first, now_ms / 1000 - index_days(p, row->path) * DAY_S);
	entry = index_entry(p, row, sidecar, state, &j, now_ms);
	text = entry_write(entry);
	if (text)
		line = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "say",
				 (json_int_t)row->number, "act", index_act(row), "name", row->path,
				 "state", g_entry_states[state], "entry", text, "first_day", first,
				 "life_s", (json_int_t)index_life_s(p, row->path, now_ms));
	if (line)
		index_parties(line, sidecar);
	free(text);
	json_decref(entry);
	json_decref(sidecar);
	return line;
}

/* ---- telling ---- */

static void index_known(struct process *p, struct index_row *row)
{
	char date[FOLDER_PATH_MAX];
	int err = folder_look(p->terms.folder, row->path) == row->gone
			  ? folder_listed(p->terms.folder, row->path, row->gone)
			  : 0; /* it is something else by now: the next walk sees that */

	if (err)
		LOG_ERROR(
			"recordings", 0,
			"what Redis knows of a recording cannot be written down: it is told again",
			LOG_STR("file", row->path), LOG_STR("error", strerror(-err)));
	if (row->gone != FOLDER_HERE) {
		(void)snprintf(date, sizeof(date), "%s/%.*s", p->terms.folder,
			       (int)(strrchr(row->path, '/') - row->path), row->path);
		(void)rmdir(date); /* where it was the last one */
	}
	index_drop(&p->index, row);
}

/* Marks a message for an immediate copy to the neighbour. False: no message, or not waited for.
 * Only a round of copies that begins behind the mark has seen it. */
static bool index_is_copied(struct process *p, struct index_row *row)
{
	json_t *sidecar = process_sidecar(p, row->path, row->gone);
	const char *mailbox = json_string_value(json_object_get(sidecar, "mailbox"));
	bool is = mailbox && mailbox[0];
	int err = is ? folder_mark(p->terms.folder, row->path, FOLDER_BOX) : 0;

	json_decref(sidecar);
	if (err)
		LOG_ERROR("recordings", 0, "a message cannot be marked as one: it has no copy",
			  LOG_STR("file", row->path), LOG_STR("error", strerror(-err)));
	if (!is || err || !p->terms.copies.on || !process_copies_neighbour(p))
		return false;
	row->at_ms = clock_utc_ms();
	row->copying = process_copies_wake(p);
	return true;
}

static bool index_is_refused(const struct process *p, const struct index_row *row, uint64_t now_ms)
{
	uint64_t pauses_ms = COPIES_PAUSES * p->terms.copies.every_ms;

	return now_ms >= row->at_ms + (pauses_ms > COPIES_MS ? pauses_ms : COPIES_MS);
}

/* The line of a message is sent when the neighbour has the file, or refuses it (docs/adr/0123). */
static bool index_is_safe(struct process *p, struct index_row *row, uint64_t now_ms)
{
	if (row->gone != FOLDER_HERE)
		return true;
	if (row->state != INDEX_COPIES)
		return !index_is_copied(p, row);
	return process_copies_had_all(p) > row->copying || index_is_refused(p, row, now_ms) ||
	       !process_copies_neighbour(p);
}

/* The row does not fit a line, or memory is out. It is tried again: its sidecar may change. */
static void index_hold(struct index_row *row, uint64_t now_ms)
{
	if (!row->failures)
		LOG_ERROR("recordings", 0, "a recording is in no list: its sidecar says too much",
			  LOG_STR("file", row->path));
	row->failures = 1;
	row->state = INDEX_WAITS;
	row->again_ms = now_ms + (INDEX_AGAIN_MS << AGAIN_DOUBLINGS);
}

static void index_announce(struct process *p, struct index_row *row, uint64_t now_ms)
{
	struct process_index *x = &p->index;
	bool lives = index_life_s(p, row->path, now_ms);
	json_t *line;

	row->gone = folder_look(p->terms.folder, row->path);
	if (row->gone == FOLDER_NOTHING) {
		index_drop(x, row);
		return;
	}
	if (!index_is_safe(p, row, now_ms)) {
		row->state = INDEX_COPIES;
		return;
	}
	row->number = ++x->next_number;
	line = lives ? index_line(p, row, now_ms) : NULL;
	if (!line && lives) {
		index_hold(row, now_ms);
		return;
	}
	if (!line) { /* of a day that is kept no longer */
		index_known(p, row);
		return;
	}
	row->state = INDEX_ANSWERED;
	row->changed = false;
	row->at_ms = now_ms;
	x->flight++;
	process_send_line(p, line);
}

static uint64_t index_pause_ms(unsigned *failures)
{
	uint64_t ms = (uint64_t)INDEX_AGAIN_MS << *failures;

	*failures += *failures < AGAIN_DOUBLINGS;
	return ms;
}

/* until_ms: of a pause. Where the clock was set it is over. */
static bool index_is_due(uint64_t until_ms, uint64_t now_ms)
{
	return now_ms >= until_ms ||
	       until_ms > now_ms + ((uint64_t)INDEX_AGAIN_MS << AGAIN_DOUBLINGS);
}

static void index_row_round(struct process *p, struct index_row *row, uint64_t now_ms)
{
	struct process_index *x = &p->index;
	uint64_t since_ms = now_ms > row->at_ms ? now_ms - row->at_ms : 0;

	if (row->state == INDEX_KNOWN && since_ms >= p->terms.list_settle_ms)
		index_known(p, row);
	else if (row->state == INDEX_ANSWERED && since_ms >= LATE_MS)
		index_wait(x, row);
	if ((row->state == INDEX_WAITS || row->state == INDEX_COPIES) && x->linked &&
	    index_is_due(x->again_ms, now_ms) && index_is_due(row->again_ms, now_ms) &&
	    x->flight < INDEX_FLIGHT_MAX)
		index_announce(p, row, now_ms);
	x->copying |= row->state == INDEX_COPIES;
}

void process_index_round(struct process *p, uint64_t now_ms)
{
	struct process_index *x = &p->index;

	x->copying = false;
	for (uint32_t i = 0; x->count && i < INDEX_ROWS_MAX; i++)
		index_row_round(p, &x->rows[i], now_ms);
	if (x->full && x->count < INDEX_ROWS_MAX / 2) {
		x->full = false;
		p->scan_ms = p->sweep_ms = 0;
	}
}

void process_index_on_answer(struct process *p, const json_t *line, uint64_t now_ms)
{
	struct process_index *x = &p->index;
	uint64_t number = (uint64_t)json_integer_value(json_object_get(line, "said"));
	bool known = json_is_true(json_object_get(line, "ok"));
	struct index_row *row = NULL;

	for (uint32_t i = 0; i < INDEX_ROWS_MAX; i++) {
		if (x->rows[i].state == INDEX_ANSWERED && x->rows[i].number == number)
			row = &x->rows[i];
	}
	if (known)
		x->failures = 0;
	else if (!json_object_get(line, "over") && index_is_due(x->again_ms, now_ms))
		x->again_ms = now_ms + index_pause_ms(&x->failures);
	if (!row)
		return;
	/* a refusal of its mailbox alone does not delay others */
	if (!known && json_object_get(line, "over"))
		row->again_ms = now_ms + index_pause_ms(&row->failures);
	if (!known || row->changed) {
		index_wait(x, row);
		return;
	}
	x->flight--;
	row->state = INDEX_KNOWN;
	row->at_ms = now_ms;
	if (row->daily && json_is_boolean(json_object_get(line, "heard")))
		process_alive(p, row->path, json_is_true(json_object_get(line, "heard")));
	row->daily = false;
	if (json_is_true(json_object_get(line, "over")))
		process_delete(p, row->path, "the message was deleted, and nobody took that back");
}

/* Sends the line of each message once a day; the answer says whether to delete its file. */
void process_index_daily(struct process *p, const struct folder_entry *entry, uint64_t now_ms)
{
	char name[FOLDER_PATH_MAX];
	struct index_row *row;
	struct stat st;

	folder_path(name, p->terms.folder, entry->path, FOLDER_BOX);
	if (!entry->boxed || !entry->listed || stat(name, &st) < 0 ||
	    (uint64_t)st.st_mtime * 1000 + BOX_AGAIN_MS > now_ms)
		return;
	(void)utimensat(AT_FDCWD, name, NULL, 0);
	process_index_changed(p, entry->path);
	row = index_find(&p->index, entry->path);
	if (row)
		row->daily = true;
}

/* ---- what is to be told ---- */

/* Nobody is told any more that it is gone. */
static void index_forget(const struct process *p, const struct folder_entry *entry)
{
	int err = 0;

	if (entry->gone != FOLDER_HERE && entry->gone != FOLDER_LOST)
		err = folder_listed(p->terms.folder, entry->path, entry->gone);
	if (err)
		LOG_WARN("recordings", 0, "what is left of a recording cannot be deleted",
			 LOG_STR("file", entry->path), LOG_STR("error", strerror(-err)));
}

void process_index_saw(struct process *p, const struct folder_entry *entry, uint64_t now_ms)
{
	struct process_index *x = &p->index;
	struct index_row *row;
	bool listed = entry->listed;

	if (x->anew && listed) {
		folder_unlisted(p->terms.folder, entry->path);
		listed = false;
	}
	if (!p->terms.list_days) {
		index_forget(p, entry);
		return;
	}
	if (listed || !index_life_s(p, entry->path, now_ms) ||
	    !folder_path_fits(bytes_str(entry->path)))
		return;
	row = index_find(x, entry->path);
	if (!row)
		index_put(p, entry->path, entry->gone, now_ms);
	else if (row->gone != entry->gone)
		index_row_changed(x, row);
}

void process_index_changed(struct process *p, const char *path)
{
	struct index_row *row;

	folder_unlisted(p->terms.folder, path);
	if (!p->terms.list_days)
		return;
	row = index_find(&p->index, path);
	if (row)
		index_row_changed(&p->index, row);
	else
		index_put(p, path, FOLDER_NOTHING, clock_utc_ms());
}

enum folder_gone process_index_trace(const struct process *p, enum folder_gone gone)
{
	return p->terms.list_days ? gone : FOLDER_NOTHING;
}

uint32_t process_index_open(const struct process *p)
{
	uint32_t open = 0;

	for (uint32_t i = 0; p->index.count && i < INDEX_ROWS_MAX; i++)
		open += p->index.rows[i].state == INDEX_WAITS ||
			p->index.rows[i].state == INDEX_COPIES ||
			p->index.rows[i].state == INDEX_ANSWERED;
	return open;
}

/* ---- which Redis ---- */

static void index_history_path(const struct process *p, char out[FOLDER_PATH_MAX])
{
	(void)snprintf(out, FOLDER_PATH_MAX, "%s/.listed", p->terms.folder);
}

/* Of the Redis that NAME.listed is about; empty: nobody knows. */
static struct bytes index_history_read(const struct process *p, char out[INDEX_HISTORY_MAX])
{
	char path[FOLDER_PATH_MAX];
	ssize_t n = 0;
	int fd;

	index_history_path(p, path);
	fd = file_read_open(path);
	if (fd >= 0) {
		n = read(fd, out, INDEX_HISTORY_MAX);
		(void)close(fd);
	}
	return bytes_mem(out, n > 0 ? (size_t)n : 0);
}

/* What it acknowledged last it may have lost. */
void process_index_redis(struct process *p, const json_t *line)
{
	const json_t *history = json_object_get(line, "redis");
	struct process_index *x = &p->index;
	char before[INDEX_HISTORY_MAX];

	if (!p->configured ||
	    bytes_cstr(bytes_mem(json_string_value(history), json_string_length(history)),
		       x->history, sizeof(x->history)))
		return;
	for (uint32_t i = 0; x->count && i < INDEX_ROWS_MAX; i++) {
		if (x->rows[i].state == INDEX_KNOWN)
			index_wait(x, &x->rows[i]);
		x->rows[i].again_ms = x->rows[i].failures = 0;
	}
	x->linked = true;
	x->again_ms = 0;
	x->failures = 0;
	if (bytes_is(index_history_read(p, before), x->history))
		return;
	x->anew = true;
	p->scan_ms = p->sweep_ms = 0;
}

/* From now on each NAME.listed is of this Redis. */
void process_index_swept(struct process *p)
{
	struct process_index *x = &p->index;
	char path[FOLDER_PATH_MAX];
	int err;

	if (!x->anew)
		return;
	index_history_path(p, path);
	err = file_replace(path, 0600, bytes_str(x->history));
	x->anew = err && err != -ENOENT;
	if (x->anew)
		LOG_ERROR("recordings", 0,
			  "the recordings that Redis knows of cannot be written down: it is told "
			  "of all of them again",
			  LOG_STR("folder", p->terms.folder), LOG_STR("error", strerror(-err)));
}
