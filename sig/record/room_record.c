/* SPDX-License-Identifier: Apache-2.0 */
/* Message Room of room.proto, as rows. */
#include "sig/record/room_record.h"

#include <errno.h>

#include "base/schema.h"
#include "sig/host/settings.h"
#include "sig/sip/id.h"

/* What is no member of a room, or means something else in its record. */
struct room_record_context {
	uint32_t format;
	char tenant[TENANT_NAME_MAX];
	uint8_t talkers;
	bool everybody;
};

/* ---- rows ---- */

static const struct schema room_comes_rows[] = {
	{ "call", 1, SCHEMA_FIXED64, SCHEMA_AT(struct room_pending, call), .min = 1 },
	{ "host", 2, SCHEMA_UINT, SCHEMA_AT(struct room_pending, host), .max = SHARD_LEG_CALLEE },
	{ "leaves", 3, SCHEMA_UINT, SCHEMA_AT(struct room_pending, leaves),
	  .max = SHARD_LEG_CALLEE },
	{ "user", 4, SCHEMA_CSTR, SCHEMA_AT(struct room_pending, user) },
	{ "dialog", 5, SCHEMA_UINT, SCHEMA_AT(struct room_pending, dialog), .max = ID_LEG_MAX + 1 },
	{ "referrer", 6, SCHEMA_FIXED64, SCHEMA_AT(struct room_pending, referrer) },
	{ "refer", 7, SCHEMA_UINT, SCHEMA_AT(struct room_pending, refer) },
	{ 0 },
};

static bool room_play_is(const struct schema_writer *w, const void *object)
{
	const struct room_play *p = object;

	(void)w;
	return p->count || p->order;
}

static bool room_file_check(struct schema_reader *r, void *object)
{
	(void)r;
	return *(const char *)object != '\0';
}

/* Of what is over the order alone is known. */
static bool room_play_check(struct schema_reader *r, void *object)
{
	struct room_play *p = object;

	(void)r;
	if (!p->count)
		*p = (struct room_play){ .order = p->order };
	return !p->count || (p->at < p->count && (p->times ? p->time < p->times : !p->time));
}

static const struct schema room_play_rows[] = {
	{ "files", 1, SCHEMA_CSTR, SCHEMA_LIST,
	  SCHEMA_OF(struct room_play, files, char[ROOM_FILE_MAX]),
	  .count = offsetof(struct room_play, count), .most = ROOM_FILES_MAX,
	  .check = room_file_check },
	{ "at", 2, SCHEMA_UINT, SCHEMA_AT(struct room_play, at) },
	{ "times", 3, SCHEMA_UINT, SCHEMA_AT(struct room_play, times), .max = ROOM_TIMES_MAX },
	{ "time", 4, SCHEMA_UINT, SCHEMA_AT(struct room_play, time) },
	{ "since_utc_ms", 5, SCHEMA_TIME, SCHEMA_AT(struct room_play, since_utc_ms) },
	{ "order", 6, SCHEMA_FIXED64, SCHEMA_AT(struct room_play, order) },
	{ 0 },
};

static bool room_recording_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct room_recording *)object)->last != 0;
}

static bool room_recording_check(struct schema_reader *r, void *object)
{
	struct room_recording *x = object;

	(void)r;
	x->by_page = x->by_page && x->ordered;
	return !x->number || x->number == x->last;
}

static const struct schema room_recording_rows[] = {
	{ "last", 1, SCHEMA_UINT, SCHEMA_AT(struct room_recording, last), .min = 1,
	  .max = ROOM_RECORDING_NUMBER_MAX },
	{ "number", 2, SCHEMA_UINT, SCHEMA_AT(struct room_recording, number) },
	{ "ordered", 3, SCHEMA_BOOL, SCHEMA_AT(struct room_recording, ordered) },
	{ "paused", 4, SCHEMA_BOOL, SCHEMA_AT(struct room_recording, paused) },
	{ "segment", 5, SCHEMA_UINT, SCHEMA_AT(struct room_recording, segment) },
	{ "begun_utc_ms", 6, SCHEMA_TIME, SCHEMA_AT(struct room_recording, begun_utc_ms) },
	{ "tone_utc_ms", 7, SCHEMA_TIME, SCHEMA_AT(struct room_recording, tone_utc_ms) },
	{ "by_page", 8, SCHEMA_BOOL, SCHEMA_AT(struct room_recording, by_page) },
	{ 0 },
};

const struct schema room_rows[] = {
	{ "id", 1, SCHEMA_FIXED64, SCHEMA_AT(struct room, object.id) },
	{ "version", 2, SCHEMA_UINT, SCHEMA_AT(struct room, object.version), .min = 1,
	  .max = INT64_MAX },
	{ "format", ROOM_FORMAT_TAG, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct room_record_context, format) },
	{ "tenant", 4, SCHEMA_CSTR, SCHEMA_CONTEXT, SCHEMA_AT(struct room_record_context, tenant) },
	{ "kind", 5, SCHEMA_UINT, SCHEMA_AT(struct room, kind), .max = ROOM_KINDS - 1,
	  .wrong = "number" },
	{ "number", 6, SCHEMA_CSTR, SCHEMA_AT(struct room, number),
	  .wrong = "number that is called" },
	{ "host", 7, SCHEMA_UINT, SCHEMA_AT(struct room, host), .wrong = "number" },
	{ "last", 8, SCHEMA_UINT, SCHEMA_AT(struct room, last), .wrong = "number" },
	{ "locked", 9, SCHEMA_BOOL, SCHEMA_AT(struct room, locked) },
	{ "max_members", 10, SCHEMA_UINT, SCHEMA_AT(struct room, max_members), .min = 1,
	  .max = CONFERENCE_MEMBERS_MAX, .wrong = "number" },
	{ "talkers", 11, SCHEMA_UINT, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct room_record_context, talkers), .max = CONFERENCE_TALKERS_MAX,
	  .wrong = "number" },
	{ "created_utc_ms", 12, SCHEMA_UINT, SCHEMA_AT(struct room, object.created_utc_ms) },
	{ "comes", 13, SCHEMA_MESSAGE, SCHEMA_LIST,
	  SCHEMA_OF(struct room, comes, struct room_pending), .of = room_comes_rows,
	  .count = offsetof(struct room, pending_count), .most = ROOM_COMES_MAX, .wrong = "comes" },
	{ "play", 14, SCHEMA_MESSAGE, SCHEMA_AT(struct room, parts.play), .of = room_play_rows,
	  .is = room_play_is, .check = room_play_check, .wrong = "play" },
	{ "stream", 15, SCHEMA_CSTR, SCHEMA_AT(struct room, parts.live.endpoint) },
	{ "recording", 16, SCHEMA_MESSAGE, SCHEMA_AT(struct room, parts.recording),
	  .of = room_recording_rows, .is = room_recording_is, .check = room_recording_check,
	  .wrong = "recording" },
	{ "follows", 17, SCHEMA_FIXED64, SCHEMA_AT(struct room, object.follows) },
	{ "everybody", 18, SCHEMA_BOOL, SCHEMA_CONTEXT,
	  SCHEMA_AT(struct room_record_context, everybody) },
	{ "made", 19, SCHEMA_BOOL, SCHEMA_AT(struct room, made) },
	{ "name", 20, SCHEMA_CSTR, SCHEMA_AT(struct room, name) },
	{ "invited", 21, SCHEMA_TEXT, SCHEMA_AT(struct room, invited), .max = ROOM_INVITED_MAX,
	  .wrong = "name" },
	{ 0 },
};

/* ---- writing ---- */

/* A program without other shards would set it aside. */
static uint32_t room_format(const struct room *r)
{
	bool others = r->object.follows != 0;

	for (uint8_t i = 0; i < r->pending_count; i++)
		others |= id_shard(r->comes[i].call) != id_shard(r->object.id);
	return others ? ROOM_RECORD_SHARDS : ROOM_RECORD_ONE;
}

int room_encode(const struct call_host *h, const struct room *r, struct text *out)
{
	uint8_t *end = h->space + HOST_SPACE;
	struct room_record_context beside = { .format = room_format(r),
					      .everybody = r->talkers == CONFERENCE_TALKERS_ALL };
	struct schema_writer w = { .start = h->space,
				   .at = end,
				   .shift_ms = h->wall_ms,
				   .unknown = &r->unknown,
				   .beside = &beside };

	beside.talkers = beside.everybody ? 0 : r->talkers;
	(void)bytes_cstr(bytes_str(tenants_name(h->settings->tenants, r->object.tenant)),
			 beside.tenant, sizeof(beside.tenant));
	schema_write(&w, room_rows, r);
	return w.overflow ? -EMSGSIZE : text_set(out, bytes_mem(w.at, (size_t)(end - w.at)));
}

/* ---- reading ---- */

/* Of a factory's. */
static bool room_name_fits(struct room *r)
{
	struct bytes name = bytes_str(r->name);
	uint64_t id;

	r->made = r->made && r->kind == ROOM_STATION;
	if (!name.n && !r->invited.n)
		return true;
	return r->made && (!name.n || (conf_name_is_secret(name) && conf_name_get(name, &id) &&
				       id_shard(id) == id_shard(r->object.id)));
}

/* NULL, or what is wrong. */
static const char *room_fits(const struct call_host *h, struct room *r,
			     const struct room_record_context *beside)
{
	struct object *o = &r->object;

	if (!o->id || id_shard(o->id) != h->settings->number)
		return "id is of another shard";
	o->tenant = tenants_claim(h->settings->tenants, bytes_str(beside->tenant));
	if (o->tenant == TENANT_NONE)
		return "tenant";
	if (!room_name_fits(r))
		return "name";
	if (!room_number_is(bytes_str(r->number)) ||
	    (r->kind == ROOM_MEETME) != (r->number[0] != '\0'))
		return "number that is called";
	if (o->follows && id_shard(o->follows) == id_shard(o->id))
		return "follows";
	o->acked = o->version;
	r->talkers = beside->everybody ? CONFERENCE_TALKERS_ALL : beside->talkers;
	r->parts.live.resumed = true;
	return NULL;
}

int room_decode(const struct call_host *h, struct room *r, struct bytes record, const char **reason)
{
	bool later = schema_wire_number(record, ROOM_FORMAT_TAG) > ROOM_RECORD_FORMAT;
	struct room_record_context beside = { 0 };
	struct schema_reader in = {
		.now = h->now, .shift_ms = -h->wall_ms, .unknown = &r->unknown, .beside = &beside
	};

	if (later)
		*reason = "of a later program";
	else if (!schema_read(&in, room_rows, r, record, SCHEMA_WHOLE))
		*reason = in.reason;
	else
		*reason = room_fits(h, r, &beside);
	if (!*reason)
		return 0;
	text_wipe(&r->unknown);
	text_clear(&r->invited);
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}
