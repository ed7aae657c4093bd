/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/room_record.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/record/unknown.h"
#include "sig/room.pb-c.h"

typedef Tandem__Room__Room pb_room;
typedef Tandem__Room__Comes pb_comes;

/* What a record points at while it is packed. */
struct packed_room {
	pb_room whole;
	pb_comes comes[ROOM_COMES_MAX];
	pb_comes *list[ROOM_COMES_MAX];
};

static void room_pack_comes(struct packed_room *p, const struct room *r)
{
	for (uint8_t i = 0; i < r->comes_count; i++) {
		tandem__room__comes__init(&p->comes[i]);
		p->comes[i].call = r->comes[i].call;
		p->comes[i].host = r->comes[i].host;
		p->comes[i].leaves = r->comes[i].leaves;
		p->list[i] = &p->comes[i];
	}
	p->whole.comes = p->list;
	p->whole.n_comes = r->comes_count;
}

static void room_pack(const struct call_host *h, struct packed_room *p, const struct room *r)
{
	struct bytes number = bytes_str(r->number);
	pb_room *out = &p->whole;

	tandem__room__room__init(out);
	out->id = r->id;
	out->version = r->version;
	out->format = ROOM_RECORD_FORMAT;
	out->tenant = (char *)(uintptr_t)tenants_name(h->settings->tenants, r->tenant);
	out->kind = r->kind;
	out->number =
		(ProtobufCBinaryData){ .len = number.n, .data = (uint8_t *)(uintptr_t)number.p };
	out->host = r->host;
	out->last = r->last;
	out->locked = r->locked;
	out->max_members = r->max_members;
	out->talkers = r->talkers;
	out->created_utc_ms = r->created_utc_ms;
	room_pack_comes(p, r);
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

static bool room_comes_read(struct room *r, const pb_room *in)
{
	if (in->n_comes > ROOM_COMES_MAX)
		return false;
	for (; r->comes_count < in->n_comes; r->comes_count++) {
		const pb_comes *from = in->comes[r->comes_count];

		if (!from->call || id_shard(from->call) != id_shard(in->id) ||
		    from->host > SHARD_LEG_CALLEE || from->leaves > SHARD_LEG_CALLEE)
			return false;
		r->comes[r->comes_count] = (struct room_comes){ .call = from->call,
								.host = (uint8_t)from->host,
								.leaves = (uint8_t)from->leaves };
	}
	return true;
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
	r->tenant = tenants_claim(h->settings->tenants, bytes_str(in->tenant));
	if (r->tenant == TENANT_NONE)
		return "tenant";
	r->id = in->id;
	r->version = r->acked = in->version;
	r->kind = (uint8_t)in->kind;
	r->host = (uint16_t)in->host;
	r->last = (uint16_t)in->last;
	r->locked = in->locked;
	r->max_members = (uint16_t)in->max_members;
	r->talkers = (uint8_t)in->talkers;
	r->created_utc_ms = in->created_utc_ms;
	if (!room_number_read(r, &in->number) || (r->kind == ROOM_MEETME) != (r->number[0] != '\0'))
		return "number that is called";
	return room_comes_read(r, in) ? NULL : "comes";
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
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}
