/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the archive has of a person, as text that a person or a program can read: a JSON object
 * in each line. It comes in parts, one kind of records behind the other, each along an index, and
 * its place says where the next part begins. What an owner took out of a list is there, too.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive_request.h"
#include "base/json_member.h"
#include "sig/sip/id.h"

enum {
	EXPORT_TEXT_FULL = 64 << 10, /* octets behind which a part ends, */
	EXPORT_TEXT_ROOM = 1 << 20,  /* and with whatever one record has */
	EXPORT_CALLS = 50,
	EXPORT_ROWS = 100, /* of all else, of one statement */
	PLACE_TEXT_MAX = 192,
};

struct person_export {
	struct archive *a;
	struct bytes tenant;
	char owner[ARCHIVE_OWNER_MAX]; /* of lists */
	struct bytes number;
	struct writer w;
	json_int_t records;
	uint32_t rows;              /* of the last statement */
	char place[PLACE_TEXT_MAX]; /* behind the last record of this kind */
	bool full;
};

/* Takes the record. */
static void record_put(struct person_export *e, const char *kind, json_t *record)
{
	char *text;

	(void)json_object_set_new(record, "record", json_string(kind));
	text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		WRITER_TEXTS(&e->w, text, "\n");
	free(text);
	json_decref(record);
	e->records++;
}

static void record_text_set(json_t *record, const char *name, const struct sql_value *value)
{
	(void)json_object_set_new(record, name,
				  json_stringn((const char *)value->text.p, value->text.n));
}

/* A number in front of the rest of a place; 0: the beginning. */
static int64_t place_number(struct bytes *place)
{
	struct bytes number = { 0 };
	uint64_t value = 0;

	if (!bytes_cut(place, ' ', &number) || bytes_u64(number, &value) || value > INT64_MAX)
		return 0;
	return (int64_t)value;
}

/* ---- conversations of a list ---- */

struct export_calls {
	struct export_call {
		int64_t ended_ms, call;
		json_t *note;
	} list[EXPORT_CALLS];
	size_t count;
};

static bool on_exported_call(const struct sql_value *row, void *arg)
{
	struct export_calls *calls = arg;

	calls->list[calls->count++] = (struct export_call){
		sql_int(&row[0]), sql_int(&row[1]),
		row[2].text.n ? json_stringn((const char *)row[2].text.p, row[2].text.n) : NULL
	};
	return calls->count < EXPORT_CALLS;
}

static int export_call(struct person_export *e, struct export_call *c)
{
	char id[ID_TEXT_LEN];
	json_t *legs = NULL;
	int err = archive_legs(e->a, e->tenant, (uint64_t)c->call, &legs);

	id_call_put(id, (uint64_t)c->call);
	if (!err)
		record_put(e, "conversation",
			   json_pack("{s:s%, s:I, s:O, s:O*}", "call", id, sizeof(id), "end_utc_ms",
				     (json_int_t)c->ended_ms, "pairs", legs, "note", c->note));
	json_decref(legs);
	(void)snprintf(e->place, sizeof(e->place), "%" PRId64 " %" PRId64, c->ended_ms, c->call);
	return err;
}

static int export_conversations(struct person_export *e, char letter, struct bytes place)
{
	struct export_calls calls = { .count = 0 };
	int64_t ended_ms = place_number(&place), call = place_number(&place);
	struct sql_value params[] = { sql_text(e->tenant), sql_text(e->number),
				      sql_number(ended_ms), sql_number(call) };
	int err;

	(void)snprintf(e->owner, sizeof(e->owner), "%c" BYTES_FMT, letter, BYTES_ARG(e->number));
	params[1] = sql_text(bytes_str(e->owner));
	err = sql_run(e->a->sql,
		      "SELECT l.ended_ms, l.call, COALESCE(n.text, '') FROM (SELECT ended_ms, call "
		      "FROM listing WHERE tenant = $1 AND owner = $2 AND ended_ms >= $3 AND "
		      "(ended_ms > $3 OR call > $4) ORDER BY ended_ms, call LIMIT 50) l LEFT JOIN "
		      "note n ON n.tenant = $1 AND n.owner = $2 AND n.call = l.call "
		      "ORDER BY l.ended_ms, l.call",
		      params, COUNT_OF(params), on_exported_call, &calls);
	e->full = calls.count == EXPORT_CALLS;
	for (size_t i = 0; i < calls.count; i++) {
		if (!err && e->w.n < EXPORT_TEXT_FULL)
			err = export_call(e, &calls.list[i]);
		else
			e->full = true;
		json_decref(calls.list[i].note);
	}
	return err;
}

static int export_user(struct person_export *e, struct bytes place)
{
	return export_conversations(e, 'u', place);
}

static int export_outside(struct person_export *e, struct bytes place)
{
	return export_conversations(e, 'n', place);
}

/* ---- the book, and notes ---- */

/* False: this part is full. */
static bool export_has_room(struct person_export *e)
{
	e->full = e->full || e->w.n >= EXPORT_TEXT_FULL;
	e->rows += !e->full;
	return !e->full;
}

/* One statement along an index, with its LIMIT of rows. */
static int export_rows(struct person_export *e, const char *text, const struct sql_value *params,
		       size_t n, sql_row_fn *fn)
{
	int err;

	e->rows = 0;
	err = sql_run(e->a->sql, text, params, n, fn, e);
	e->full = e->full || e->rows == EXPORT_ROWS;
	return err;
}
static_assert(EXPORT_ROWS == 100 && EXPORT_CALLS == 50, "LIMIT");

static bool on_card(const struct sql_value *row, void *arg)
{
	struct person_export *e = arg;
	json_t *card;

	if (!export_has_room(e))
		return false;
	card = json_loadb((const char *)row[1].text.p, row[1].text.n, 0, NULL);
	if (!card)
		card = json_object();
	record_text_set(card, "contact", &row[0]);
	(void)json_object_set_new(card, "changed_utc_ms", json_integer(sql_int(&row[2])));
	record_put(e, "contact", card);
	(void)bytes_cstr(row[0].text, e->place, sizeof(e->place));
	return true;
}

static int export_contacts(struct person_export *e, struct bytes place)
{
	const struct sql_value params[] = { sql_text(e->tenant), sql_text(bytes_str(e->owner)),
					    sql_text(place) };

	return export_rows(e,
			   "SELECT id, card, changed_ms FROM contact WHERE tenant = $1 AND "
			   "owner = $2 AND id > $3 ORDER BY id LIMIT 100",
			   params, COUNT_OF(params), on_card);
}

static bool on_contact_note(const struct sql_value *row, void *arg)
{
	struct person_export *e = arg;
	json_t *note;

	if (!export_has_room(e))
		return false;
	note = json_pack("{s:I, s:b}", "written_utc_ms", (json_int_t)sql_int(&row[2]), "archived",
			 (int)sql_int(&row[3]));
	record_text_set(note, "about", &row[0]);
	record_text_set(note, "text", &row[4]);
	record_put(e, "note", note);
	(void)snprintf(e->place, sizeof(e->place), "%" PRId64 " " BYTES_FMT, sql_int(&row[1]),
		       BYTES_ARG(row[0].text));
	return true;
}

static int export_notes(struct person_export *e, struct bytes place)
{
	int64_t note = place_number(&place);
	const struct sql_value params[] = { sql_text(e->tenant), sql_text(bytes_str(e->owner)),
					    sql_text(place), sql_number(note) };

	return export_rows(e,
			   "SELECT about, note, at_ms, archived, text FROM contact_note WHERE "
			   "tenant = $1 AND owner = $2 AND about >= $3 AND (about > $3 OR "
			   "note > $4) ORDER BY about, note LIMIT 100",
			   params, COUNT_OF(params), on_contact_note);
}

/* ---- events ---- */

static bool on_event(const struct sql_value *row, void *arg)
{
	struct person_export *e = arg;
	json_t *event;

	if (!export_has_room(e))
		return false;
	event = json_loadb((const char *)row[4].text.p, row[4].text.n, 0, NULL);
	if (!json_is_object(event)) {
		json_decref(event);
		event = json_object();
		record_text_set(event, "text", &row[4]);
	}
	(void)json_object_set_new(event, "utc_ms", json_integer(sql_int(&row[0])));
	record_text_set(event, "type", &row[2]);
	record_text_set(event, "by", &row[3]);
	record_put(e, "event", event);
	(void)snprintf(e->place, sizeof(e->place), "%" PRId64 " " BYTES_FMT, sql_int(&row[0]),
		       BYTES_ARG(row[1].text));
	return true;
}

static int export_events(struct person_export *e, struct bytes place, const char *text)
{
	int64_t utc_ms = place_number(&place);
	const struct sql_value params[] = { sql_text(e->tenant), sql_text(e->number),
					    sql_number(utc_ms), sql_text(place) };

	return export_rows(e, text, params, COUNT_OF(params), on_event);
}

#define EVENTS_BEHIND                                                                         \
	" AND utc_ms >= $3 AND (utc_ms > $3 OR own > $4) AND kind <> 5 ORDER BY utc_ms, own " \
	"LIMIT 100"
#define EVENTS_OF "SELECT utc_ms, own, type, who, body FROM event WHERE tenant = $1 AND "

static int export_events_about(struct person_export *e, struct bytes place)
{
	return export_events(e, place, EVENTS_OF "subject = $2" EVENTS_BEHIND);
}

static int export_events_by(struct person_export *e, struct bytes place)
{
	return export_events(e, place, EVENTS_OF "who = $2 AND subject <> $2" EVENTS_BEHIND);
}

/* ---- parts ---- */

typedef int export_fn(struct person_export *e, struct bytes place);

static const struct {
	const char *name;
	export_fn *export;
} g_exports[] = {
	{ "user", export_user },  { "outside", export_outside },    { "contact", export_contacts },
	{ "note", export_notes }, { "about", export_events_about }, { "by", export_events_by },
};

/* The kind of a place, which is cut off it. COUNT_OF: no place. */
static size_t export_place_kind(struct bytes *place)
{
	struct bytes name;
	size_t i = 0;

	if (!place->n)
		return 0;
	if (!bytes_cut(place, ' ', &name))
		return COUNT_OF(g_exports);
	while (i < COUNT_OF(g_exports) && !bytes_is(name, g_exports[i].name))
		i++;
	return i;
}

int archive_history_export(struct archive *a, const json_t *args, json_t **result,
			   char why[SQL_WHY_MAX])
{
	struct person_export e = { .a = a,
				   .tenant = archive_arg(args, "tenant"),
				   .number = archive_arg(args, "number"),
				   .w = writer_over(malloc(EXPORT_TEXT_ROOM), EXPORT_TEXT_ROOM) };
	struct bytes place = archive_arg(args, "after");
	char next[PLACE_TEXT_MAX + 16] = "";
	size_t kind = export_place_kind(&place);
	int err = e.w.p ? 0 : -ENOMEM;

	if (!err && kind == COUNT_OF(g_exports)) {
		(void)snprintf(why, SQL_WHY_MAX, "after is no next of a part before");
		err = -EINVAL;
	}
	for (; !err && !e.full && kind < COUNT_OF(g_exports); kind++, place = BYTES_LIT("")) {
		e.place[0] = '\0';
		(void)snprintf(e.owner, sizeof(e.owner), "u" BYTES_FMT, BYTES_ARG(e.number));
		if (export_has_room(&e))
			err = g_exports[kind].export(&e, place);
		if (e.full) /* also before the first one of a kind */
			(void)snprintf(next, sizeof(next), "%s %s", g_exports[kind].name, e.place);
	}
	if (!err && e.w.overflow)
		err = -EIO;
	if (!err)
		*result = json_pack("{s:s%, s:I, s:s*}", "text", e.w.p, e.w.n, "records", e.records,
				    "next", next[0] ? next : NULL);
	free(e.w.p);
	return err;
}
