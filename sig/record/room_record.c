/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/room_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sig/host/settings.h"
#include "sig/record/proto.h"
#include "sig/room.pb-c.h"
#include "sig/sip/id.h"

typedef Tandem__Room__Room pb_room;
typedef Tandem__Room__Comes pb_comes;
typedef Tandem__Room__Play pb_play;
typedef Tandem__Room__Recording pb_recording;

/* What a record points at while it is packed. */
struct packed_room {
	pb_room whole;
	pb_comes comes[ROOM_COMES_MAX];
	pb_comes *list[ROOM_COMES_MAX];
	pb_play play;
	ProtobufCBinaryData files[ROOM_FILES_MAX];
	pb_recording recording;
};

static ProtobufCBinaryData room_pack_text(const char *text)
{
	return (ProtobufCBinaryData){ .len = strlen(text), .data = (uint8_t *)(uintptr_t)text };
}

static void room_pack_play(const struct call_host *h, struct packed_room *p,
			   const struct room_play *in)
{
	pb_play *out = &p->play;

	if (!in->count && !in->order)
		return;
	tandem__room__play__init(out);
	for (uint8_t i = 0; i < in->count; i++)
		p->files[i] = room_pack_text(in->files[i]);
	out->files = p->files;
	out->n_files = in->count;
	out->at = in->at;
	out->times = in->times;
	out->time = in->time;
	out->since_utc_ms = steady_add(in->since_utc_ms, h->wall_ms);
	out->order = in->order;
	p->whole.play = out;
}

static void room_pack_recording(const struct call_host *h, struct packed_room *p,
				const struct room_recording *in)
{
	pb_recording *out = &p->recording;

	if (!in->last)
		return;
	tandem__room__recording__init(out);
	out->last = in->last;
	out->number = in->number;
	out->ordered = in->ordered;
	out->by_page = in->by_page;
	out->paused = in->paused;
	out->segment = in->segment;
	out->begun_utc_ms = steady_add(in->begun_utc_ms, h->wall_ms);
	out->tone_utc_ms = steady_add(in->tone_utc_ms, h->wall_ms);
	p->whole.recording = out;
}

static void room_pack_comes(struct packed_room *p, const struct room *r)
{
	for (uint8_t i = 0; i < r->comes_count; i++) {
		tandem__room__comes__init(&p->comes[i]);
		p->comes[i].call = r->comes[i].call;
		p->comes[i].host = r->comes[i].host;
		p->comes[i].leaves = r->comes[i].leaves;
		p->comes[i].user = room_pack_text(r->comes[i].user);
		p->comes[i].dialog = r->comes[i].dialog;
		p->comes[i].referrer = r->comes[i].referrer;
		p->comes[i].refer = r->comes[i].refer;
		p->list[i] = &p->comes[i];
	}
	p->whole.comes = p->list;
	p->whole.n_comes = r->comes_count;
}

/* Who knows of no other shards would set it aside. */
static uint32_t room_format(const struct room *r)
{
	bool others = r->object.follows != 0;

	for (uint8_t i = 0; i < r->comes_count; i++)
		others |= id_shard(r->comes[i].call) != id_shard(r->object.id);
	return others ? ROOM_RECORD_SHARDS : ROOM_RECORD_ONE;
}

static void room_pack(const struct call_host *h, struct packed_room *p, const struct room *r)
{
	struct bytes number = bytes_str(r->number);
	pb_room *out = &p->whole;

	tandem__room__room__init(out);
	out->id = r->object.id;
	out->version = r->object.version;
	out->format = room_format(r);
	out->follows = r->object.follows;
	out->tenant = (char *)(uintptr_t)tenants_name(h->settings->tenants, r->object.tenant);
	out->kind = r->kind;
	out->number =
		(ProtobufCBinaryData){ .len = number.n, .data = (uint8_t *)(uintptr_t)number.p };
	out->host = r->host;
	out->last = r->last;
	out->locked = r->locked;
	out->max_members = r->max_members;
	out->made = r->made;
	out->name = (ProtobufCBinaryData){ .len = strlen(r->name),
					   .data = (uint8_t *)(uintptr_t)r->name };
	out->invited =
		(ProtobufCBinaryData){ .len = r->invited.n, .data = (uint8_t *)r->invited.p };
	out->everybody = r->talkers == CONFERENCE_TALKERS_ALL;
	out->talkers = out->everybody ? 0 : r->talkers;
	out->created_utc_ms = r->object.created_utc_ms;
	out->stream = (char *)(uintptr_t)r->parts.live.endpoint;
	room_pack_comes(p, r);
	room_pack_play(h, p, &r->parts.play);
	room_pack_recording(h, p, &r->parts.recording);
}

static uint64_t room_unknown_name(const ProtobufCMessage *element, size_t position)
{
	(void)element;
	return position;
}

int room_encode(const struct call_host *h, const struct room *r, struct text *out)
{
	ProtobufCMessageUnknownField *unknown;
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct packed_room p;
	uint8_t *to;
	int err;

	room_pack(h, &p, r);
	err = unknown_restore(&r->unknown, &p.whole.base, 0, room_unknown_name, &unknown);
	if (err)
		return err;
	to = writer_room(&w, tandem__room__room__get_packed_size(&p.whole));
	if (to)
		(void)tandem__room__room__pack(&p.whole, to);
	free(unknown);
	return to ? text_set(out, writer_done(&w)) : -EMSGSIZE;
}

static bool room_number_read(struct room *r, const ProtobufCBinaryData *in)
{
	struct bytes number = bytes_mem(in->data, in->len);

	return room_number_is(number) && !bytes_cstr(number, r->number, sizeof(r->number));
}

static bool room_come_read(struct room_comes *out, const pb_comes *in)
{
	struct bytes user = bytes_mem(in->user.data, in->user.len);

	if (!in->call || in->host > SHARD_LEG_CALLEE || in->leaves > SHARD_LEG_CALLEE ||
	    in->dialog > ID_LEG_MAX + 1 || (user.n && memchr(user.p, 0, user.n)))
		return false;
	*out = (struct room_comes){ .call = in->call,
				    .host = (uint8_t)in->host,
				    .leaves = (uint8_t)in->leaves,
				    .dialog = (uint8_t)in->dialog,
				    .referrer = in->referrer,
				    .refer = in->refer };
	return !bytes_cstr(user, out->user, sizeof(out->user));
}

static bool room_comes_read(struct room *r, const pb_room *in)
{
	if (in->n_comes > ROOM_COMES_MAX)
		return false;
	for (; r->comes_count < in->n_comes; r->comes_count++) {
		if (!room_come_read(&r->comes[r->comes_count], in->comes[r->comes_count]))
			return false;
	}
	return true;
}

/* Each a text of its own. */
static bool room_files_decode(struct room_play *p, const pb_play *in)
{
	for (; p->count < in->n_files; p->count++) {
		struct bytes file = bytes_mem(in->files[p->count].data, in->files[p->count].len);

		if (!file.n || memchr(file.p, 0, file.n) ||
		    bytes_cstr(file, p->files[p->count], ROOM_FILE_MAX))
			return false;
	}
	return true;
}

static bool room_play_decode(const struct call_host *h, struct room_play *p, const pb_play *in)
{
	if (!in)
		return true;
	p->order = in->order;
	if (!in->n_files)
		return true;
	if (in->n_files > ROOM_FILES_MAX || in->at >= in->n_files || in->times > ROOM_TIMES_MAX ||
	    (in->times && in->time >= in->times) || (!in->times && in->time))
		return false;
	p->at = (uint8_t)in->at;
	p->times = (uint8_t)in->times;
	p->time = (uint8_t)in->time;
	p->since_utc_ms = steady_add(in->since_utc_ms, -h->wall_ms);
	return room_files_decode(p, in);
}

static bool room_recording_decode(const struct call_host *h, struct room_recording *x,
				  const pb_recording *in)
{
	if (!in)
		return true;
	if (!in->last || in->last > ROOM_RECORDING_NUMBER_MAX ||
	    (in->number && in->number != in->last) || in->segment > UINT16_MAX)
		return false;
	x->last = (uint8_t)in->last;
	x->number = (uint8_t)in->number;
	x->ordered = in->ordered;
	x->by_page = in->by_page && in->ordered;
	x->paused = in->paused;
	x->segment = (uint16_t)in->segment;
	x->begun_utc_ms = steady_add(in->begun_utc_ms, -h->wall_ms);
	x->tone_utc_ms = steady_add(in->tone_utc_ms, -h->wall_ms);
	return true;
}

static const char *room_parts_decode(const struct call_host *h, struct room_parts *p,
				     const pb_room *in)
{
	if (!room_play_decode(h, &p->play, in->play))
		return "play";
	if (bytes_cstr(bytes_str(in->stream), p->live.endpoint, sizeof(p->live.endpoint)))
		return "stream";
	p->live.resumed = true;
	return room_recording_decode(h, &p->recording, in->recording) ? NULL : "recording";
}

/* Of a factory's. */
static bool room_name_read(struct room *r, const pb_room *in)
{
	const struct bytes name = { in->name.data, in->name.len },
			   invited = { in->invited.data, in->invited.len };
	uint64_t id;

	if (!name.n && !invited.n)
		return true;
	return r->made && invited.n <= ROOM_INVITED_MAX &&
	       (!name.n || (conf_name_is_secret(name) && conf_name_get(name, &id) &&
			    id_shard(id) == id_shard(in->id) &&
			    !bytes_cstr(name, r->name, sizeof(r->name)))) &&
	       !text_set(&r->invited, invited);
}

static const char *room_read(const struct call_host *h, struct room *r, const pb_room *in)
{
	if (!in->id || id_shard(in->id) != h->settings->number)
		return "id is of another shard";
	if (!in->version || in->version > INT64_MAX)
		return "version";
	if (in->kind >= ROOM_KINDS || in->host > MEMBER_NUMBER_MAX ||
	    in->last > MEMBER_NUMBER_MAX || !in->max_members ||
	    in->max_members > CONFERENCE_MEMBERS_MAX || in->talkers > CONFERENCE_TALKERS_MAX)
		return "number";
	r->object.tenant = tenants_claim(h->settings->tenants, bytes_str(in->tenant));
	if (r->object.tenant == TENANT_NONE)
		return "tenant";
	r->object.id = in->id;
	r->object.version = r->object.acked = in->version;
	r->kind = (uint8_t)in->kind;
	r->host = (uint16_t)in->host;
	r->last = (uint16_t)in->last;
	r->made = in->made && r->kind == ROOM_STATION;
	if (!room_name_read(r, in))
		return "name";
	r->locked = in->locked;
	r->max_members = (uint16_t)in->max_members;
	r->talkers = in->everybody ? CONFERENCE_TALKERS_ALL : (uint8_t)in->talkers;
	r->object.created_utc_ms = in->created_utc_ms;
	if (!room_number_read(r, &in->number) || (r->kind == ROOM_MEETME) != (r->number[0] != '\0'))
		return "number that is called";
	r->object.follows = in->follows;
	if (r->object.follows && id_shard(r->object.follows) == id_shard(in->id))
		return "follows";
	return room_comes_read(r, in) ? room_parts_decode(h, &r->parts, in) : "comes";
}

int room_decode(const struct call_host *h, struct room *r, struct bytes record, const char **reason)
{
	pb_room *in = tandem__room__room__unpack(NULL, record.n, record.p);
	bool later = in && in->format > ROOM_RECORD_FORMAT;

	*reason = !in ? "no room" : later ? "of a later program" : NULL;
	if (!*reason)
		*reason = room_read(h, r, in);
	if (!*reason && unknown_keep(&r->unknown, &in->base, 0, room_unknown_name))
		*reason = "out of memory";
	if (in)
		tandem__room__room__free_unpacked(in, NULL);
	if (!*reason)
		return 0;
	text_wipe(&r->unknown);
	text_clear(&r->invited);
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}
