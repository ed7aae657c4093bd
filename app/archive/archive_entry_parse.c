/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads entries of Redis streams: call records, the audit, events (archive_entry.h). A record is a
 * JSON object in the field "cdr"; one of an older program has a field for each member. JSON is read
 * by jansson, which refuses what is no UTF-8, and texts with NUL, as PostgreSQL does. What has no
 * column of its own stays in the detail of the leg, so nothing of a record is lost.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/archive/archive_entry.h"
#include "base/json_member.h"
#include "sig/sip/id.h"

enum { NAME_MAX_OCTETS = 64 };

#define AROUND_UTC_MS UINT64_C(2208988800000) /* 2040: ids have 40 bits of ms */

/* ---- texts ---- */

/* At most so many octets, and no part of a character. */
static struct bytes text_fit(struct bytes text, size_t most)
{
	size_t n = text.n;

	if (n <= most)
		return text;
	n = most;
	while (n && (text.p[n] & 0xc0) == 0x80)
		n--;
	return bytes_sub(text, 0, n);
}

static struct bytes entry_text(const json_t *json, const char *name, size_t most)
{
	const json_t *value = json_object_get(json, name);
	const char *text = json_string_value(value);

	return text_fit(bytes_mem(text, text ? json_string_length(value) : 0), most);
}

void archive_fold(struct writer *w, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool latin = i && text.p[i - 1] == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97;

		writer_u8(w, (c >= 'A' && c <= 'Z') || latin ? c | 0x20 : c);
	}
}

/* ---- ids ---- */

/* A day of the month does not count: days since 1970 as a year and a month (Hinnant). */
static int64_t month_of(uint64_t utc_ms)
{
	int64_t days = (int64_t)(utc_ms / 86400000) + 719468, era = days / 146097;
	int64_t day = days - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t part = (5 * (day - (365 * year + year / 4 - year / 100)) + 2) / 153;
	int64_t month = part < 10 ? part + 3 : part - 9;

	return (year + era * 400 + (month <= 2)) * 100 + month;
}

int64_t archive_month(uint64_t call)
{
	return id_is_derived(call) ? 0 : month_of(id_utc_ms(call, AROUND_UTC_MS));
}

/* CALL, or CALL.N of a later pair. */
static int leg_id_get(struct archive_leg *out, struct bytes id)
{
	struct bytes digits = bytes_from(id, ID_TEXT_LEN + 1);
	uint32_t leg = 1;

	if (id_call_get(bytes_sub(id, 0, ID_TEXT_LEN), &out->call))
		return -EBADMSG;
	if (id.n > ID_TEXT_LEN &&
	    (id.p[ID_TEXT_LEN] != '.' || digits.n > 2 || bytes_u32(digits, &leg) || leg < 2))
		return -EBADMSG;
	out->leg = leg;
	return leg <= ARCHIVE_LEGS_MAX ? 0 : -EBADMSG;
}

static struct bytes field_find(const struct archive_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++) {
		if (bytes_is(entry->fields[i].name, name))
			return entry->fields[i].value;
	}
	return (struct bytes){ 0 };
}

/* Half of SHA-256 is long enough: nobody gains by two entries of one id. */
static void own_digest(char out[ARCHIVE_OWN_MAX], const struct bytes *parts, size_t count)
{
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 }, size[4];
	struct writer w = writer_over(out, ARCHIVE_OWN_MAX);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL)) {
		for (size_t i = 0; i < count; i++) {
			be32_put(size, (uint32_t)parts[i].n);
			(void)EVP_DigestUpdate(ctx, size, sizeof(size));
			(void)EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
		}
		(void)EVP_DigestFinal_ex(ctx, hash, NULL);
	}
	EVP_MD_CTX_free(ctx);
	writer_hex(&w, bytes_mem(hash, 16));
	writer_u8(&w, '\0');
}

void archive_own(char out[ARCHIVE_OWN_MAX], const struct archive_entry *entry)
{
	struct bytes parts[2 + 2 * 8] = { entry->stream, entry->id };
	size_t n = 2;

	if (entry->kind == ARCHIVE_CDRS &&
	    !bytes_cstr(field_find(entry, "id"), out, ARCHIVE_OWN_MAX) && out[0])
		return;
	for (size_t i = 0; i < entry->count && n < COUNT_OF(parts); i++) {
		parts[n++] = entry->fields[i].name;
		parts[n++] = entry->fields[i].value;
	}
	own_digest(out, parts, n);
}

/* ---- call records ---- */

static json_t *field_json(struct bytes value)
{
	return json_loadb((const char *)value.p, value.n, 0, NULL);
}

/* One value of a record of an older program; no text has a NUL. */
static void record_member_add(json_t *json, const char *name, struct bytes value)
{
	uint64_t number;

	if (!bytes_u64(value, &number) && number <= INT64_MAX &&
	    (strstr(name, "_ms") || !strcmp(name, "sip_status") || !strcmp(name, "q850")))
		(void)json_object_set_new(json, name, json_integer((json_int_t)number));
	else if (bytes_find(value, 0) == value.n)
		(void)json_object_set_new(json, name, json_stringn((const char *)value.p, value.n));
}

/* over: it counts where the record has that member, too. */
static void record_field_add(json_t *json, const struct archive_field *f, bool over)
{
	bool whole = bytes_is(f->name, "cdr"), beside = bytes_is(f->name, "findings");
	json_t *part = whole || beside ? field_json(f->value) : NULL;
	char name[NAME_MAX_OCTETS];

	if (whole && json_is_object(part))
		(void)json_object_update(json, part);
	else if (beside && part && (over || !json_object_get(json, "findings")))
		(void)json_object_set(json, "findings", part);
	else if (!whole && !beside && !bytes_cstr(f->name, name, sizeof(name)) &&
		 (over || !json_object_get(json, name)))
		record_member_add(json, name, f->value);
	json_decref(part);
}

/* Nearly all of a record is in "cdr", which is taken as it is: no member is copied. */
static json_t *record_json(const struct archive_entry *entry)
{
	size_t at = 0;
	json_t *json;

	while (at < entry->count && !bytes_is(entry->fields[at].name, "cdr"))
		at++;
	json = at < entry->count ? field_json(entry->fields[at].value) : NULL;
	if (!json_is_object(json)) {
		json_decref(json);
		json = json_object();
	}
	for (size_t i = 0; json && i < entry->count; i++) {
		if (i != at)
			record_field_add(json, &entry->fields[i], i > at || at == entry->count);
	}
	return json;
}

/* Takes out what has a column. */
static void columns_delete(json_t *json)
{
	static const char *const names[] = { "id", "linked",
#define X(member, json_name) json_name,
					     ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, json_name, most) json_name,
						     ARCHIVE_LEG_TEXTS(X)
#undef X
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		(void)json_object_del(json, names[i]);
}

static bool is_nothing(const json_t *value)
{
	return (json_is_string(value) && !json_string_length(value)) ||
	       (json_is_integer(value) && !json_integer_value(value)) || json_is_null(value);
}

/* What has no column, of a record that is not needed any more. One that is too long is left out: no
 * program of ours makes such. */
static char *detail_text(json_t *json)
{
	json_t *value;
	const char *name;
	void *next;
	char *text;

	columns_delete(json);
	json_object_foreach_safe(json, next, name, value)
	{
		if (is_nothing(value))
			(void)json_object_del(json, name);
	}
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	if (text && strlen(text) > ARCHIVE_BODY_MAX)
		text[0] = '\0';
	return text;
}

static int64_t lowest_mos(const json_t *json)
{
	static const char *const names[] = { "a_mos_in_hundredths", "a_mos_out_hundredths",
					     "b_mos_in_hundredths", "b_mos_out_hundredths" };
	uint64_t lowest = 0;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		uint64_t mos = json_count(json, names[i]);

		if (mos && mos <= 500 && (!lowest || mos < lowest))
			lowest = mos;
	}
	return (int64_t)lowest;
}

/* Numbers of INTEGER columns have 31 bits. */
static int64_t small(int64_t number)
{
	return number <= INT32_MAX ? number : 0;
}

static void leg_members(struct archive_leg *out, const json_t *json,
			const struct archive_entry *entry)
{
#define X(member, name) out->member = (int64_t)json_count(json, name);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, name, most) out->member = entry_text(json, name, most);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	out->sip_status = small(out->sip_status);
	out->q850 = small(out->q850);
	out->mos = lowest_mos(json);
	if (!out->tenant.n)
		out->tenant = entry->tenant;
	/* a record that comes again is the same; of two of one pair the later one knows more */
	out->revision = (int64_t)json_count(json, "revision");
	if (!out->revision)
		out->revision = out->ended_ms;
	out->month = archive_month(out->call);
}

static struct bytes leg_text_put(char **at, struct bytes text)
{
	struct bytes moved = bytes_mem(*at, text.n);

	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return moved;
}

/* Copies its texts, as thousands of legs wait for one transaction: the record, with an allocation
 * for each value, is freed while it is at hand. */
static int leg_texts_copy(struct archive_leg *leg, json_t *json)
{
	size_t octets = 1;
	char *at;

#define X(member, name, most) octets += leg->member.n;
	ARCHIVE_LEG_TEXTS(X)
#undef X
	leg->text = at = malloc(octets);
	if (!at)
		return -ENOMEM;
#define X(member, name, most) leg->member = leg_text_put(&at, leg->member);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	leg->detail_text = detail_text(json);
	leg->detail = bytes_str(leg->detail_text);
	return leg->detail_text ? 0 : -ENOMEM;
}

int archive_leg_parse(struct archive_leg *out, const struct archive_entry *entry)
{
	struct archive_leg leg = { 0 };
	json_t *json = record_json(entry);
	int err = json ? leg_id_get(&leg, field_find(entry, "id")) : -ENOMEM;

	if (!err && !json_is_integer(json_object_get(json, "end_utc_ms")))
		err = -EBADMSG;
	if (!err) {
		leg_members(&leg, json, entry);
		err = leg_texts_copy(&leg, json);
	}
	json_decref(json);
	if (err)
		archive_leg_drop(&leg);
	else
		*out = leg;
	return err;
}

void archive_leg_drop(struct archive_leg *leg)
{
	free(leg->text);
	free(leg->detail_text);
	leg->text = leg->detail_text = NULL;
}

/* ---- the audit, and events ---- */

static int64_t stream_ms(struct bytes id)
{
	uint64_t ms;

	return bytes_u64(bytes_sub(id, 0, bytes_find(id, '-')), &ms) || ms > INT64_MAX
		       ? 0
		       : (int64_t)ms;
}

static int64_t stream_seq(struct bytes id)
{
	uint64_t seq;
	size_t dash = bytes_find(id, '-');

	return dash == id.n || bytes_u64(bytes_from(id, dash + 1), &seq) || seq > INT64_MAX
		       ? -1
		       : (int64_t)seq;
}

/* An event of a mailbox has an id by what it says: a node that is killed tells it again. */
static void message_own(struct archive_event *e)
{
	char version[24];
	struct writer w = writer_over(version, sizeof(version));
	struct bytes parts[] = {
		e->tenant, e->type, e->subject, entry_text(e->json, "message", 63), { 0 }
	};

	writer_u64(&w, json_count(e->json, "version"));
	parts[4] = writer_done(&w);
	own_digest(e->own, parts, COUNT_OF(parts));
}

/* Likewise one of a call: each version has one event of a kind. */
static void call_own(struct archive_event *e)
{
	char version[24];
	struct writer w = writer_over(version, sizeof(version));
	struct bytes parts[] = { e->tenant, e->type, entry_text(e->json, "call", 63), { 0 } };

	writer_u64(&w, json_count(e->json, "version"));
	parts[3] = writer_done(&w);
	own_digest(e->own, parts, COUNT_OF(parts));
}

static int event_of_stream(struct archive_event *e)
{
	e->type = entry_text(e->json, "type", 63);
	e->who = entry_text(e->json, "by", 63);
	if (bytes_starts(e->type, "message.")) {
		e->kind = ARCHIVE_KIND_MESSAGE;
		e->subject = entry_text(e->json, "mailbox", 63);
		if (entry_text(e->json, "message", 63).n)
			message_own(e);
	} else if (bytes_starts(e->type, "agent.") || bytes_starts(e->type, "queue.")) {
		e->kind = ARCHIVE_KIND_AGENT;
		e->subject =
			entry_text(e->json, bytes_is(e->type, "agent.state") ? "to" : "agent", 63);
		if (entry_text(e->json, "call", 63).n)
			call_own(e);
	} else {
		return -ENOENT;
	}
	return 0;
}

/* A security event is fields, and no JSON. */
static json_t *security_json(const struct archive_entry *entry)
{
	json_t *json = json_object();
	char name[NAME_MAX_OCTETS];
	uint64_t number;

	for (size_t i = 0; json && i < entry->count; i++) {
		const struct archive_field *f = &entry->fields[i];

		if (bytes_cstr(f->name, name, sizeof(name)))
			continue;
		if (!strcmp(name, "count") && !bytes_u64(f->value, &number) && number <= INT64_MAX)
			(void)json_object_set_new(json, name, json_integer((json_int_t)number));
		else
			record_member_add(json, name, f->value);
	}
	return json;
}

static int event_members(struct archive_event *e, const struct archive_entry *entry)
{
	if (entry->kind == ARCHIVE_EVENTS)
		return event_of_stream(e);
	if (entry->kind == ARCHIVE_SECURITY) {
		e->kind = ARCHIVE_KIND_SECURITY;
		e->type = entry_text(e->json, "type", 63);
		e->subject = entry_text(e->json, "user", 63);
		e->who = entry_text(e->json, "source", 63);
		return e->type.n ? 0 : -EBADMSG;
	}
	e->kind = entry->kind == ARCHIVE_AUDIT ? ARCHIVE_KIND_AUDIT : ARCHIVE_KIND_AUDIT_CALLS;
	e->type = entry_text(e->json, "command", 63);
	e->subject = entry_text(e->json, "object", 63);
	e->who = entry_text(e->json, "by", 63);
	return e->type.n ? 0 : -EBADMSG;
}

int archive_event_parse(struct archive_event *out, const struct archive_entry *entry)
{
	struct archive_event e = { .json = entry->kind == ARCHIVE_SECURITY
						   ? security_json(entry)
						   : field_json(field_find(entry, "event")),
				   .utc_ms = stream_ms(entry->id),
				   .seq = stream_seq(entry->id),
				   .tenant = text_fit(entry->tenant, 31) };
	int err = json_is_object(e.json) ? 0 : -EBADMSG;

	if (!err) {
		archive_own(e.own, entry);
		err = event_members(&e, entry);
	}
	if (!err) {
		e.text = json_dumps(e.json, JSON_COMPACT);
		err = e.text ? 0 : -ENOMEM;
		if (e.text && strlen(e.text) > ARCHIVE_BODY_MAX)
			err = -EBADMSG;
		e.body = bytes_str(e.text);
	}
	if (err)
		archive_event_drop(&e);
	else
		*out = e;
	return err;
}

/* Octets as hex, where they are no text. */
static json_t *entry_octets_json(struct bytes octets)
{
	struct bytes cut = text_fit(octets, ARCHIVE_BODY_MAX / 8);
	json_t *text = memchr(cut.p ? (const char *)cut.p : "", 0, cut.n)
			       ? NULL
			       : json_stringn((const char *)cut.p, cut.n);
	char hex[2 * 512];
	struct writer w = writer_over(hex, sizeof(hex));

	if (text)
		return text;
	writer_hex(&w, bytes_sub(octets, 0, sizeof(hex) / 2));
	return json_stringn(hex, w.n);
}

int archive_event_broken(struct archive_event *out, const struct archive_entry *entry)
{
	struct archive_event e = { .json = json_array(),
				   .kind = ARCHIVE_KIND_BROKEN,
				   .utc_ms = stream_ms(entry->id),
				   .seq = stream_seq(entry->id),
				   .tenant = text_fit(entry->tenant, 31) };

	for (size_t i = 0; i < entry->count && i < 6; i++) {
		(void)json_array_append_new(e.json, entry_octets_json(entry->fields[i].name));
		(void)json_array_append_new(e.json, entry_octets_json(entry->fields[i].value));
	}
	archive_own(e.own, entry);
	e.text = e.json ? json_dumps(e.json, JSON_COMPACT) : NULL;
	e.body = bytes_str(e.text);
	if (e.text && strlen(e.text) > 4 * ARCHIVE_BODY_MAX)
		e.body = (struct bytes){ 0 };
	if (!e.text) {
		archive_event_drop(&e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void archive_event_drop(struct archive_event *event)
{
	json_decref(event->json);
	free(event->text);
	event->json = NULL;
	event->text = NULL;
}
