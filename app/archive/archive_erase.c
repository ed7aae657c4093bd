/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erasure of persons and tenants, and retention (archive.h). An erasure is a row that stays: what
 * is saved later is compared with all of them, so a stream that is read again brings nothing back.
 * The row has a digest in place of the number. A person's conversations stay as those of the
 * others, without his name; a tenant's go.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/archive/archive.h"

enum { ERASED_AT_ONCE = 200, RETAINED_AT_ONCE = 500, OWNER_KINDS = 2 };

void archive_who(char out[ARCHIVE_WHO_MAX], struct bytes tenant, struct bytes number)
{
	uint8_t text[256], hash[EVP_MAX_MD_SIZE] = { 0 };
	struct writer w = writer_over(text, sizeof(text));
	struct writer hex = writer_over(out, ARCHIVE_WHO_MAX);

	out[0] = '\0';
	if (!number.n)
		return;
	writer_bytes(&w, tenant);
	writer_u8(&w, '\0');
	writer_bytes(&w, number);
	(void)EVP_Digest(text, w.n, hash, NULL, EVP_sha256(), NULL);
	writer_hex(&hex, bytes_mem(hash, 32));
	writer_u8(&hex, '\0');
}

/* ---- which ---- */

static int erasure_order(const void *one, const void *other)
{
	const struct archive_erasure *a = one, *b = other;
	int order = strcmp(a->tenant, b->tenant);

	return order ? order : strcmp(a->who, b->who);
}

struct erasure_read {
	struct archive_erasure *list;
	size_t count, cap;
};

static bool erasure_row(const struct sql_value *row, void *arg)
{
	struct erasure_read *r = arg;
	struct archive_erasure *e = &r->list[r->count];

	if (r->count == r->cap)
		return false;
	(void)bytes_cstr(row[0].text, e->tenant, sizeof(e->tenant));
	(void)bytes_cstr(row[1].text, e->who, sizeof(e->who));
	e->until_ms = sql_int(&row[2]);
	r->count++;
	return true;
}

static bool pair_row(const struct sql_value *row, void *arg)
{
	int64_t *pair = arg;

	pair[0] = sql_int(&row[0]);
	pair[1] = sql_int(&row[1]);
	return false;
}

static int erasures_read(struct archive *a, size_t count, int64_t sum)
{
	struct erasure_read r = { .list = calloc(count + 1, sizeof(*r.list)), .cap = count };
	int err = r.list ? sql_run(a->sql, "SELECT tenant, who, until_ms FROM erasure", NULL, 0,
				   erasure_row, &r)
			 : -ENOMEM;

	if (err) {
		free(r.list);
		return err;
	}
	qsort(r.list, r.count, sizeof(*r.list), erasure_order);
	free(a->erasures);
	a->erasures = r.list;
	a->erasure_count = r.count;
	a->erasure_sum = sum;
	return 0;
}

/* Who erases waits for this transaction, and this one for his. */
int archive_erasures_load(struct archive *a)
{
	int64_t seen[2] = { 0 };
	int err = sql_is_postgres(a->sql) ? sql_script(a->sql, "LOCK TABLE erasure IN SHARE MODE")
					  : 0;

	if (!err)
		err = sql_run(
			a->sql,
			"SELECT count(*), COALESCE(SUM(until_ms % 1000000007), 0) FROM erasure",
			NULL, 0, pair_row, seen);
	if (err || ((size_t)seen[0] == a->erasure_count && seen[1] == a->erasure_sum))
		return err;
	return erasures_read(a, (size_t)seen[0], seen[1]);
}

static bool is_erased(const struct archive *a, struct bytes tenant, struct bytes number,
		      int64_t ended_ms)
{
	const struct archive_erasure *found;
	struct archive_erasure e;

	if (!a->erasure_count || bytes_cstr(tenant, e.tenant, sizeof(e.tenant)))
		return false;
	archive_who(e.who, tenant, number);
	found = bsearch(&e, a->erasures, a->erasure_count, sizeof(e), erasure_order);
	return found && found->until_ms >= ended_ms;
}

/* In place: it is the leg's memory, and gets shorter. */
static struct bytes numbers_without(const struct archive *a, const struct archive_leg *l,
				    struct bytes list)
{
	struct writer w = writer_over((void *)(uintptr_t)list.p, list.n);
	struct bytes rest = list, one;

	while (bytes_cut(&rest, ',', &one)) {
		if (is_erased(a, l->tenant, one, l->ended_ms))
			continue;
		if (w.n)
			writer_u8(&w, ',');
		memmove(w.p + w.n, one.p, one.n);
		w.n += one.n;
	}
	return writer_done(&w);
}

/* The detail has what parties sent and pressed: it goes as well. */
static void leg_blank(const struct archive *a, struct archive_leg *l)
{
	struct bytes *const numbers[] = { &l->from_number, &l->to_number, &l->answered_by,
					  &l->forwarded_to, &l->dnis };
	bool any = false;
	size_t missed = l->missed.n;

	if (l->from_number.n && is_erased(a, l->tenant, l->from_number, l->ended_ms))
		l->from_name = (struct bytes){ 0 };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		if (!numbers[i]->n || !is_erased(a, l->tenant, *numbers[i], l->ended_ms))
			continue;
		*numbers[i] = (struct bytes){ 0 };
		any = true;
	}
	if (missed)
		l->missed = numbers_without(a, l, l->missed);
	if (any || l->missed.n != missed)
		l->detail = BYTES_LIT("{}");
}

bool archive_leg_may_stay(const struct archive *a, struct archive_leg *leg)
{
	static const struct bytes whole = { 0 };

	if (!a->erasure_count)
		return true;
	if (is_erased(a, leg->tenant, whole, leg->ended_ms))
		return false;
	leg_blank(a, leg);
	return true;
}

bool archive_event_may_stay(const struct archive *a, const struct archive_event *e)
{
	static const struct bytes whole = { 0 };
	bool of_person = e->kind == ARCHIVE_KIND_MESSAGE || e->kind == ARCHIVE_KIND_AGENT;

	if (!a->erasure_count)
		return true;
	return !is_erased(a, e->tenant, whole, e->utc_ms) &&
	       !(of_person && ((e->subject.n && is_erased(a, e->tenant, e->subject, e->utc_ms)) ||
			       (e->who.n && is_erased(a, e->tenant, e->who, e->utc_ms))));
}

/* ---- a person ---- */

struct calls_found {
	struct {
		int64_t month, call;
	} list[OWNER_KINDS * ERASED_AT_ONCE];
	size_t count;
};

static bool call_found_row(const struct sql_value *row, void *arg)
{
	struct calls_found *f = arg;

	f->list[f->count].month = sql_int(&row[0]);
	f->list[f->count++].call = sql_int(&row[1]);
	return f->count < COUNT_OF(f->list);
}

struct legs_found {
	struct archive_leg list[OWNER_KINDS * ERASED_AT_ONCE * 2 + ARCHIVE_LEGS_MAX];
	size_t count;
	int err;
};

static bool leg_found_row(const struct sql_value *row, void *arg)
{
	struct legs_found *f = arg;

	f->err =
		f->count < COUNT_OF(f->list) ? archive_leg_read(&f->list[f->count], row) : -ENOBUFS;
	f->count += !f->err;
	return !f->err;
}

static bool call_was_found(const struct calls_found *f, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (f->list[k].call == f->list[i].call)
			return true;
	}
	return false;
}

/* As many calls as have room; the others are found next time. */
static int legs_find(struct archive *a, const struct calls_found *calls, struct legs_found *out)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));
	int err = 0;

	WRITER_TEXTS(&w, "SELECT ", archive_leg_columns,
		     " FROM leg l WHERE l.month = $1 AND l.call = $2");
	writer_u8(&w, '\0');
	for (size_t i = 0; i < calls->count && !err; i++) {
		const struct sql_value params[] = { sql_number(calls->list[i].month),
						    sql_number(calls->list[i].call) };

		if (COUNT_OF(out->list) - out->count < ARCHIVE_LEGS_MAX)
			break;
		if (!call_was_found(calls, i))
			err = sql_run(a->sql, text, params, 2, leg_found_row, out);
		err = err ? err : out->err;
	}
	return err;
}

static int person_blank(struct archive *a, const struct sql_value *params, bool *more)
{
	struct calls_found *calls = calloc(1, sizeof(*calls));
	struct legs_found *legs = calloc(1, sizeof(*legs));
	int err = calls && legs ? 0 : -ENOMEM;

	if (!err)
		err = sql_run(
			a->sql,
			"SELECT month, call FROM listing WHERE tenant = $1 AND owner IN ($2, $3) "
			"AND ended_ms <= $4 LIMIT 200",
			params, 4, call_found_row, calls);
	if (!err)
		err = legs_find(a, calls, legs);
	for (size_t i = 0; legs && i < legs->count; i++)
		(void)archive_leg_may_stay(a, &legs->list[i]);
	if (!err)
		err = archive_legs_save(a, legs->list, legs->count, ARCHIVE_REPLACE);
	*more = !err && calls->count;
	for (size_t i = 0; legs && i < legs->count; i++)
		archive_leg_drop(&legs->list[i]);
	free(legs);
	free(calls);
	return err;
}

static int person_erase(struct archive *a, struct bytes tenant, struct bytes number,
			int64_t until_ms, bool *more)
{
	static const char *const texts[] = {
		"DELETE FROM note WHERE tenant = $1 AND owner IN ($2, $3) AND at_ms <= $4",
		"DELETE FROM hidden WHERE tenant = $1 AND owner IN ($2, $3) AND at_ms <= $4",
		"DELETE FROM cleared WHERE tenant = $1 AND owner IN ($2, $3) AND until_ms <= $4",
		"DELETE FROM logged WHERE tenant = $1 AND owner IN ($2, $3) AND asked_ms <= $4",
	};
	char user[ARCHIVE_OWNER_MAX], outside[ARCHIVE_OWNER_MAX];
	struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(NULL)),
				      sql_text(bytes_str(NULL)), sql_number(until_ms) };
	const struct sql_value of_events[] = { sql_text(tenant), sql_text(number),
					       sql_number(until_ms) };
	int err = 0;

	(void)snprintf(user, sizeof(user), "u" BYTES_FMT, BYTES_ARG(number));
	(void)snprintf(outside, sizeof(outside), "n" BYTES_FMT, BYTES_ARG(number));
	params[1] = sql_text(bytes_str(user));
	params[2] = sql_text(bytes_str(outside));
	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, COUNT_OF(params), NULL, NULL);
	if (!err)
		err = sql_run(a->sql,
			      "DELETE FROM event WHERE tenant = $1 AND kind IN (3, 4) AND "
			      "utc_ms <= $3 AND (subject = $2 OR who = $2)",
			      of_events, COUNT_OF(of_events), NULL, NULL);
	return err ? err : person_blank(a, params, more);
}

/* ---- whole conversations ---- */

struct kept_rows {
	struct kept_row {
		int64_t month, call, ended_ms;
		char *owners;
	} list[RETAINED_AT_ONCE];
	size_t count;
	int err;
};

static bool kept_row_read(const struct sql_value *row, void *arg)
{
	struct kept_rows *rows = arg;
	struct kept_row *r = &rows->list[rows->count];

	*r = (struct kept_row){ sql_int(&row[0]), sql_int(&row[1]), sql_int(&row[2]),
				malloc(row[3].text.n + 1) };
	if (!r->owners) {
		rows->err = -ENOMEM;
		return false;
	}
	(void)bytes_cstr(row[3].text, r->owners, row[3].text.n + 1);
	return ++rows->count < RETAINED_AT_ONCE;
}

static int conversation_delete(struct archive *a, struct bytes tenant, const struct kept_row *r)
{
	static const char *const texts[] = {
		"DELETE FROM leg WHERE month = $1 AND call = $2",
		"DELETE FROM conversation WHERE month = $1 AND call = $2",
	};
	const struct sql_value params[] = { sql_number(r->month), sql_number(r->call) };
	int err = archive_lists_delete(a, tenant, bytes_str(r->owners), r->ended_ms, r->call);

	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, 2, NULL, NULL);
	return err;
}

static int conversations_delete(struct archive *a, struct bytes tenant, int64_t before_ms,
				bool *more)
{
	const struct sql_value params[] = { sql_text(tenant), sql_number(before_ms) };
	struct kept_rows *rows = calloc(1, sizeof(*rows));
	int err = rows ? sql_run(a->sql,
				 "SELECT l.month, l.call, l.ended_ms, c.owners FROM listing l "
				 "JOIN conversation c ON c.month = l.month AND c.call = l.call "
				 "WHERE l.tenant = $1 AND l.owner = '' AND l.ended_ms < $2 "
				 "ORDER BY l.ended_ms LIMIT 500",
				 params, 2, kept_row_read, rows)
		       : -ENOMEM;

	if (!err)
		err = rows->err;
	for (size_t i = 0; rows && i < rows->count; i++) {
		if (!err)
			err = conversation_delete(a, tenant, &rows->list[i]);
		free(rows->list[i].owners);
	}
	*more = !err && rows->count == RETAINED_AT_ONCE;
	free(rows);
	return err;
}

/* What is beside conversations: when the last of those has gone. */
static int orphans_delete(struct archive *a, struct bytes tenant, int64_t before_ms)
{
	static const char *const texts[] = {
		"DELETE FROM event WHERE tenant = $1 AND kind IN (0, 1, 2, 3, 4) AND utc_ms < $2",
		"DELETE FROM note WHERE tenant = $1 AND at_ms < $2",
		"DELETE FROM hidden WHERE tenant = $1 AND at_ms < $2",
		"DELETE FROM cleared WHERE tenant = $1 AND until_ms < $2",
		"DELETE FROM logged WHERE tenant = $1 AND asked_ms < $2",
	};
	const struct sql_value params[] = { sql_text(tenant), sql_number(before_ms) };
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, 2, NULL, NULL);
	return err;
}

static int tenant_delete(struct archive *a, struct bytes tenant, int64_t before_ms, bool *more)
{
	int err = conversations_delete(a, tenant, before_ms, more);

	return err || *more ? err : orphans_delete(a, tenant, before_ms);
}

/* ---- contacts ---- */

static int book_erase(struct archive *a, const struct sql_value params[3])
{
#define OF_BOOK "tenant = $1 AND owner = $2 AND changed_ms <= $3"
	/* what the books had is counted in that of the tenant, too */
	static const char count[] = "UPDATE contact_book SET revision = revision + 1, pruned = "
				    "revision + 1, entries = "
				    "entries - (SELECT COUNT(*) FROM contact WHERE " OF_BOOK
				    ") WHERE tenant = $1 AND owner IN ('t', $2)";
	static const char numbers[] = "DELETE FROM contact_number WHERE tenant = $1 AND owner = $2 "
				      "AND id IN (SELECT id FROM contact WHERE " OF_BOOK ")";
	static const char contacts[] = "DELETE FROM contact WHERE " OF_BOOK;
	static const char notes[] = "DELETE FROM contact_note WHERE tenant = $1 AND owner = $2 AND "
				    "at_ms <= $3";
#undef OF_BOOK
	static const char gone[] = "DELETE FROM contact_gone WHERE tenant = $1 AND owner = $2 AND "
				   "at_ms <= $3";
	static const char *const texts[] = { count, numbers, contacts, notes, gone };
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, 3, NULL, NULL);
	return err;
}

/* All books of a tenant, as they were by then. */
static int books_erase(struct archive *a, struct bytes tenant, int64_t until_ms)
{
#define OF_BOOKS "c.tenant = $1 AND c.changed_ms <= $2"
	static const char *const texts[] = {
		"UPDATE contact_book SET revision = revision + 1, pruned = revision + 1, "
		"entries = entries - (SELECT COUNT(*) FROM contact c WHERE " OF_BOOKS
		" AND (c.owner = contact_book.owner OR (contact_book.owner = 't' AND "
		"c.owner <> '" CONTACT_COLLEAGUES "'))) "
		"WHERE tenant = $1 AND EXISTS (SELECT 1 FROM contact c WHERE " OF_BOOKS ")",
		"DELETE FROM contact_number WHERE tenant = $1 AND EXISTS (SELECT 1 FROM contact c "
		"WHERE " OF_BOOKS
		" AND c.owner = contact_number.owner AND c.id = contact_number.id)",
		"DELETE FROM contact WHERE tenant = $1 AND changed_ms <= $2",
		"DELETE FROM contact_note WHERE tenant = $1 AND at_ms <= $2",
		"DELETE FROM contact_gone WHERE tenant = $1 AND at_ms <= $2",
	};
#undef OF_BOOKS
	const struct sql_value params[] = { sql_text(tenant), sql_number(until_ms) };
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, COUNT_OF(params), NULL, NULL);
	return err;
}

/* The contacts and notes of an extension as they were by then, or with number empty all of a
 * tenant. Contacts of others with that number stay. */
static int contacts_erase(struct archive *a, struct bytes tenant, struct bytes number,
			  int64_t until_ms)
{
	char owner[ARCHIVE_OWNER_MAX];
	struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(NULL)),
				      sql_number(until_ms) };

	if (!number.n)
		return books_erase(a, tenant, until_ms);
	(void)snprintf(owner, sizeof(owner), "u" BYTES_FMT, BYTES_ARG(number));
	params[1] = sql_text(bytes_str(owner));
	return book_erase(a, params);
}

/* ---- from outside ---- */

/* The later time counts. */
static int erasure_put(struct archive *a, struct bytes tenant, struct bytes number,
		       int64_t until_ms)
{
	char who[ARCHIVE_WHO_MAX];
	struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(NULL)),
				      sql_number(until_ms) };

	archive_who(who, tenant, number);
	params[1] = sql_text(bytes_str(who));
	return sql_run(a->sql,
		       "INSERT INTO erasure (tenant, who, until_ms) VALUES ($1, $2, $3) "
		       "ON CONFLICT (tenant, who) DO UPDATE SET until_ms = excluded.until_ms "
		       "WHERE excluded.until_ms > erasure.until_ms",
		       params, COUNT_OF(params), NULL, NULL);
}

int archive_erase(struct archive *a, struct bytes tenant, struct bytes number, int64_t until_ms,
		  bool *more)
{
	int err;

	*more = false;
	if (number.n >= ARCHIVE_OWNER_MAX - 1 || tenant.n > 31)
		return -EINVAL;
	err = sql_begin(a->sql);
	if (!err)
		err = erasure_put(a, tenant, number, until_ms);
	if (!err)
		err = archive_erasures_load(a);
	if (!err)
		err = number.n ? person_erase(a, tenant, number, until_ms, more)
			       : tenant_delete(a, tenant, until_ms + 1, more);
	if (!err)
		err = contacts_erase(a, tenant, number, INT64_MAX);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	return err;
}

static int user_forget(struct archive *a, struct bytes tenant, struct bytes number,
		       int64_t until_ms)
{
	static const char *const texts[] = {
		"DELETE FROM note WHERE tenant = $1 AND owner = $2 AND at_ms <= $3",
		"DELETE FROM logged WHERE tenant = $1 AND owner = $2 AND asked_ms <= $3",
	};
	char owner[ARCHIVE_OWNER_MAX];
	struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(NULL)),
				      sql_number(until_ms) };
	int err;

	(void)snprintf(owner, sizeof(owner), "u" BYTES_FMT, BYTES_ARG(number));
	params[1] = sql_text(bytes_str(owner));
	err = archive_clear(a, tenant, params[1].text, until_ms);
	for (size_t i = 0; i < COUNT_OF(texts) && !err; i++)
		err = sql_run(a->sql, texts[i], params, COUNT_OF(params), NULL, NULL);
	return err ? err : contacts_erase(a, tenant, number, until_ms);
}

int archive_forget(struct archive *a, const struct archive_event *e)
{
	const char *outcome = json_string_value(json_object_get(e->json, "outcome"));
	const json_t *one;
	size_t i;
	int err = 0;

	if (e->kind != ARCHIVE_KIND_AUDIT || !outcome || strcmp(outcome, "ok") != 0)
		return 0;
	if (bytes_is(e->type, "tenant.delete") && bytes_is(e->tenant, ARCHIVE_OPERATORS) &&
	    json_is_true(json_object_get(json_object_get(e->json, "arguments"), "erase"))) {
		a->erases = true;
		return erasure_put(a, e->subject, (struct bytes){ 0 }, e->utc_ms);
	}
	if (bytes_is(e->type, "extension.delete"))
		return user_forget(a, e->tenant, e->subject, e->utc_ms);
	json_array_foreach(json_object_get(e->json, "changes"), i, one)
	{
		const char *change = json_string_value(json_object_get(one, "change"));
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *name = json_string_value(json_object_get(one, "name"));

		if (!err && change && kind && name && !strcmp(change, "deleted") &&
		    !strcmp(kind, "extension"))
			err = user_forget(a, e->tenant, bytes_str(name), e->utc_ms);
	}
	return err;
}

/* A part of the first tenant that has one. */
static int tenants_erase(struct archive *a, bool *more)
{
	int err = 0;

	for (size_t i = 0; i < a->erasure_count && !err && !*more; i++) {
		const struct archive_erasure *e = &a->erasures[i];
		struct bytes tenant = bytes_str(e->tenant);

		if (e->who[0])
			continue;
		err = tenant_delete(a, tenant, e->until_ms + 1, more);
		if (!err)
			err = books_erase(a, tenant, e->until_ms);
	}
	return err;
}

int archive_erase_tenants(struct archive *a, bool *more)
{
	int err = sql_begin(a->sql);

	*more = false;
	if (!err)
		err = archive_erasures_load(a);
	if (!err)
		err = tenants_erase(a, more);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	a->erases = a->erases && err;
	return err;
}

/* They name addresses and users of all tenants, and no erasure of a person looks for these.
 * Strangers cause them, so their number has a bound, too. */
int archive_retain_security(struct archive *a, int64_t now_ms, uint32_t newest)
{
	const struct sql_value params[] = { sql_text(BYTES_LIT(ARCHIVE_OPERATORS)),
					    sql_number(ARCHIVE_KIND_SECURITY),
					    sql_number(now_ms - ARCHIVE_SECURITY_MS) },
			       many[] = { params[0], params[1], sql_number(newest - 1LL) };
	int err =
		sql_run(a->sql, "DELETE FROM event WHERE tenant = $1 AND kind = $2 AND utc_ms < $3",
			params, COUNT_OF(params), NULL, NULL);

	return err ? err
		   : sql_run(a->sql,
			     "DELETE FROM event WHERE tenant = $1 AND kind = $2 AND utc_ms < "
			     "(SELECT utc_ms FROM event WHERE tenant = $1 AND kind = $2 "
			     "ORDER BY utc_ms DESC LIMIT 1 OFFSET $3)",
			     many, COUNT_OF(many), NULL, NULL);
}

int archive_retain(struct archive *a, struct bytes tenant, int64_t before_ms, bool *more)
{
	int err = sql_begin(a->sql);

	*more = false;
	if (!err)
		err = tenant_delete(a, tenant, before_ms, more);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	return err;
}
