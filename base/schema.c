/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes and reads structs as protobuf by the rows of a schema (schema.h). Calls, registrations,
 * subscriptions and rooms are stored in Redis in this form. The writer fills its buffer from the
 * end, so each length is known when it is written. The reader treats a record like input from a
 * stranger: every value is checked against its row. Unknown fields of a newer program are kept by
 * the path of their message and written back, so that nodes of two versions can share a record.
 */

#include "base/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A stored unknown field: path (8), tag (4), wire type (1), length (4), octets. */
enum { ENTRY_HEAD = 17, AT_TAG = 8, AT_KIND = 12, AT_LENGTH = 13 };

/* splitmix64: two paths that are equal by chance would exchange fields unknown to this program. */
uint64_t schema_path(uint64_t path, uint64_t name)
{
	uint64_t x = path ^ name;

	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* Elements of a list are identified by their contents, known once an element was read. */
static uint64_t schema_place_path(const struct schema_place *at)
{
	uint64_t path;

	if (!at || !at->row)
		return at ? at->path : 0;
	path = schema_path(schema_place_path(at->up), at->row->tag);
	if (!at->element)
		return path;
	return schema_path(path, at->row->called ? at->row->called(at->element, at->position)
						 : at->position);
}

static const void *const_member_at(const void *object, size_t offset)
{
	return (const uint8_t *)object + offset;
}

static void *member_at(void *object, size_t offset)
{
	return (uint8_t *)object + offset;
}

/* ---- write ---- */

void schema_put_long(struct schema_writer *w, uint64_t v)
{
	uint8_t *to = schema_room(w, schema_varint_length(v));

	if (!to)
		return;
	for (; v > 0x7f; v >>= 7)
		*to++ = (uint8_t)(v | 0x80);
	*to = (uint8_t)v;
}

void schema_put_octets(struct schema_writer *w, uint32_t tag, struct bytes octets)
{
	schema_put_mem(w, octets.p, octets.n);
	schema_put_varint(w, octets.n);
	schema_put_tag(w, tag, SCHEMA_WIRE_OCTETS);
}

void schema_put_fixed(struct schema_writer *w, uint32_t tag, uint8_t kind, uint64_t v)
{
	uint8_t octets[8];

	if (v == 0)
		return;
	be64_put(octets, __builtin_bswap64(v));
	schema_put_mem(w, octets, kind == SCHEMA_WIRE_32 ? 4 : 8);
	schema_put_tag(w, tag, kind);
}

static ALWAYS_INLINE uint64_t schema_number_get(const void *member, uint16_t size)
{
	if (size == sizeof(uint8_t))
		return *(const uint8_t *)member;
	if (size == sizeof(uint32_t))
		return *(const uint32_t *)member;
	return size == sizeof(uint16_t) ? *(const uint16_t *)member : *(const uint64_t *)member;
}

static uint64_t number_most(uint16_t size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

static int64_t schema_signed_get(const void *member, uint16_t size)
{
	return size == 1   ? *(const int8_t *)member
	       : size == 2 ? *(const int16_t *)member
	       : size == 4 ? *(const int32_t *)member
			   : *(const int64_t *)member;
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

uint64_t schema_utc_ms(const struct schema_writer *w, uint64_t deadline_ns)
{
	if (deadline_ns == 0)
		return 0;
	if (deadline_ns <= w->now.ns)
		return w->now.utc_ms;
	return w->now.utc_ms + (deadline_ns - w->now.ns) / NS_PER_MS;
}

/* In a list it is written also where it is empty. */
static void schema_octets_write(struct schema_writer *w, const struct schema *row,
				struct bytes octets, bool listed)
{
	if (octets.n || listed)
		schema_put_octets(w, row->tag, octets);
}

/* Apart, as all others do without room for text. */
static NOINLINE void addr_field_write(struct schema_writer *w, const struct schema *row,
				      const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		schema_put_octets(w, row->tag, bytes_str(addr_text(a, text)));
}

static void message_write(struct schema_writer *w, const struct schema *row, const void *object,
			  const struct schema_place *place)
{
	const uint8_t *end = w->at;

	w->place = place;
	schema_write(w, row->of, object);
	w->place = place->up;
	schema_put_around(w, row->tag, end);
}

void schema_put_message(struct schema_writer *w, const struct schema *row, const void *object,
			const struct schema_place *place)
{
	if (!row->is || row->is(w, object))
		message_write(w, row, object, place);
}

/* But for lists: one value, where it is not zero. */
static ALWAYS_INLINE void value_write(struct schema_writer *w, const struct schema *row,
				      const void *object, const void *member)
{
	uint64_t number;

	switch ((enum schema_type)row->type) {
	case SCHEMA_UINT:
		number = schema_number_get(member, row->size);
		if (row->flags & SCHEMA_PLUS_ONE)
			number = (number + 1) & number_most(row->size);
		schema_put_number(w, row->tag, number);
		return;
	case SCHEMA_SINT:
		schema_put_number(w, row->tag, zigzag(schema_signed_get(member, row->size)));
		return;
	case SCHEMA_FIXED32:
		schema_put_fixed(w, row->tag, SCHEMA_WIRE_32, *(const uint32_t *)member);
		return;
	case SCHEMA_FIXED64:
		schema_put_fixed(w, row->tag, SCHEMA_WIRE_64, *(const uint64_t *)member);
		return;
	case SCHEMA_BOOL:
		schema_put_number(w, row->tag, *(const bool *)member);
		return;
	case SCHEMA_TIME:
		number = *(const uint64_t *)member;
		schema_put_number(w, row->tag,
				  w->shift_ms ? steady_add(number, w->shift_ms) : number);
		return;
	case SCHEMA_DEADLINE:
		schema_put_number(w, row->tag, schema_utc_ms(w, *(const uint64_t *)member));
		return;
	case SCHEMA_TEXT:
		schema_octets_write(w, row, text_bytes(member), false);
		return;
	case SCHEMA_CSTR:
		schema_octets_write(w, row, bytes_str(member), row->flags & SCHEMA_LIST);
		return;
	case SCHEMA_OCTETS:
		schema_put_octets(w, row->tag, bytes_mem(member, row->size));
		return;
	case SCHEMA_CHARS:
		schema_octets_write(
			w, row,
			bytes_mem(member, *(const uint8_t *)const_member_at(object, row->count)),
			false);
		return;
	case SCHEMA_ADDR:
		addr_field_write(w, row, member);
		return;
	case SCHEMA_HAND:
		row->write(w, row, object);
		return;
	case SCHEMA_IGNORED:
	case SCHEMA_MESSAGE:
	case SCHEMA_GROUP:
	case SCHEMA_END:
		return;
	}
}

static uint32_t list_count(const struct schema *row, const void *count)
{
	return row->flags & SCHEMA_COUNT32 ? *(const uint32_t *)count : *(const uint8_t *)count;
}

static NOINLINE void schema_list_write(struct schema_writer *w, const struct schema *row,
				       const void *object)
{
	const uint8_t *list = const_member_at(object, row->offset);
	size_t n = list_count(row, const_member_at(object, row->count));

	if (row->flags & SCHEMA_POINTER)
		list = *(const uint8_t *const *)(const void *)list;
	while (n-- > 0) {
		const void *element = list + n * row->size;
		struct schema_place place = { w->place, 0, row, element, n };

		if (row->type == SCHEMA_MESSAGE)
			schema_put_message(w, row, element, &place);
		else
			value_write(w, row, object, element);
	}
}

static NOINLINE void single_write(struct schema_writer *w, const struct schema *row,
				  const void *member)
{
	const struct schema_place place = { .up = w->place, .row = row };

	message_write(w, row, member, &place);
}

static void rows_write(struct schema_writer *w, const struct schema *rows, const void *object);

/* One value, a message or a group. */
static ALWAYS_INLINE void one_write(struct schema_writer *w, const struct schema *row,
				    const void *object)
{
	const void *member = const_member_at(object, row->offset);

	if (row->type < SCHEMA_MESSAGE) {
		value_write(w, row, object, member);
		return;
	}
	if (row->flags & SCHEMA_POINTER)
		member = *(const void *const *)member;
	if (!member || (row->is && !row->is(w, member)))
		return;
	if (row->type == SCHEMA_MESSAGE)
		single_write(w, row, member);
	else
		rows_write(w, row->of, member);
}

enum { ROW_IS_RARE = SCHEMA_LIST | SCHEMA_SECRET | SCHEMA_IF | SCHEMA_CONTEXT };

static NOINLINE void rare_write(struct schema_writer *w, const struct schema *row,
				const void *object)
{
	const uint8_t *end = w->at;

	if (row->flags & SCHEMA_CONTEXT)
		object = row->beside ? row->beside(w->beside, w->place) : w->beside;
	if (row->flags & SCHEMA_LIST)
		schema_list_write(w, row, object);
	else if (!(row->flags & SCHEMA_IF) || row->is(w, object))
		one_write(w, row, object);
	w->secret |= (row->flags & SCHEMA_SECRET) && w->at != end;
}

/* In a record: its tag, and its octets. */
static size_t unknown_size(struct bytes entry)
{
	uint64_t tag = (uint64_t)be32_get(entry.p + AT_TAG) << 3;

	return schema_varint_length(tag) + entry.n - ENTRY_HEAD;
}

/* The next of the stored ones. */
static bool unknown_cut(struct bytes *rest, struct bytes *entry)
{
	if (rest->n < ENTRY_HEAD)
		return false;
	*entry = bytes_sub(*rest, 0, ENTRY_HEAD + be32_get(rest->p + AT_LENGTH));
	*rest = bytes_from(*rest, entry->n);
	return true;
}

/* Those of this message, in the order in which they came. */
static void unknown_write(struct schema_writer *w)
{
	uint64_t path = schema_place_path(w->place);
	struct bytes rest = text_bytes(w->unknown), entry;
	size_t n = 0;
	uint8_t *to;

	while (unknown_cut(&rest, &entry))
		n += be64_get(entry.p) == path ? unknown_size(entry) : 0;
	to = schema_room(w, n);
	for (rest = text_bytes(w->unknown); to && unknown_cut(&rest, &entry);) {
		struct schema_writer one = { .start = to, .at = to + unknown_size(entry) };

		if (be64_get(entry.p) != path)
			continue;
		to = one.at;
		schema_put_mem(&one, entry.p + ENTRY_HEAD, entry.n - ENTRY_HEAD);
		schema_put_tag(&one, be32_get(entry.p + AT_TAG), entry.p[AT_KIND]);
	}
}

void schema_write(struct schema_writer *w, const struct schema *rows, const void *object)
{
	if (w->unknown && w->unknown->n)
		unknown_write(w);
	rows_write(w, rows, object);
}

static void rows_write(struct schema_writer *w, const struct schema *rows, const void *object)
{
	const struct schema *row = rows;

	while (row->type != SCHEMA_END)
		row++;
	while (row != rows) {
		row--;
		if (row->flags & ROW_IS_RARE)
			rare_write(w, row, object);
		else
			one_write(w, row, object);
	}
}

/* ---- read ---- */

bool schema_wrong(struct schema_reader *r, const char *reason)
{
	if (!r->reason)
		r->reason = reason;
	return false;
}

/* In at most ten octets. */
static bool varint_get(struct bytes *rest, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && rest->n; shift += 7) {
		uint8_t octet = rest->p[0];

		*rest = bytes_from(*rest, 1);
		*out |= (uint64_t)(octet & 0x7f) << shift;
		if (octet <= 0x7f)
			return true;
	}
	return false;
}

static bool fixed_get(struct bytes *rest, size_t n, uint64_t *out)
{
	*out = 0;
	if (rest->n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		*out |= (uint64_t)rest->p[i] << (8 * i);
	*rest = bytes_from(*rest, n);
	return true;
}

static bool wire_value(struct bytes *rest, struct schema_wire *out)
{
	switch (out->kind) {
	case SCHEMA_WIRE_VARINT:
		return varint_get(rest, &out->number);
	case SCHEMA_WIRE_64:
		return fixed_get(rest, 8, &out->number);
	case SCHEMA_WIRE_32:
		return fixed_get(rest, 4, &out->number);
	case SCHEMA_WIRE_OCTETS:
		if (!varint_get(rest, &out->number) || out->number > rest->n)
			return false;
		out->octets = bytes_sub(*rest, 0, out->number);
		*rest = bytes_from(*rest, out->number);
		return true;
	default:
		return false;
	}
}

/* The next field of a message. False: at the end, or *rest is not a message (then it is not
 * empty). */
static bool schema_wire_next(struct bytes *rest, struct schema_wire *out)
{
	struct bytes in = *rest;
	const uint8_t *begin;
	uint64_t tag;

	*out = (struct schema_wire){ 0 };
	if (!varint_get(&in, &tag) || tag > UINT32_MAX || tag < 8)
		return false;
	out->tag = (uint32_t)tag >> 3;
	out->kind = tag & 7;
	begin = in.p;
	if (!wire_value(&in, out))
		return false;
	out->whole = bytes_mem(begin, (size_t)(in.p - begin));
	*rest = in;
	return true;
}

uint64_t schema_wire_number(struct bytes message, uint32_t tag)
{
	struct schema_wire field;
	uint64_t number = 0;

	while (schema_wire_next(&message, &field)) {
		if (field.tag == tag)
			number = field.number;
	}
	return number;
}

/* A time of the record as a deadline of our clock, in ns: 0 stays 0, past is now, at most
 * most_ms. */
static uint64_t schema_deadline(const struct schema_reader *r, uint64_t utc_ms, uint64_t most_ms)
{
	uint64_t at = steady_add(utc_ms, r->shift_ms);
	uint64_t left = at > r->now.utc_ms ? at - r->now.utc_ms : 0;

	if (utc_ms == 0)
		return 0;
	return r->now.ns + (left < most_ms ? left : most_ms) * NS_PER_MS + 1;
}

static void schema_number_set(void *member, uint16_t size, uint64_t v)
{
	switch (size) {
	case sizeof(uint8_t):
		*(uint8_t *)member = (uint8_t)v;
		return;
	case sizeof(uint16_t):
		*(uint16_t *)member = (uint16_t)v;
		return;
	case sizeof(uint32_t):
		*(uint32_t *)member = (uint32_t)v;
		return;
	default:
		*(uint64_t *)member = v;
	}
}

static bool uint_read(const struct schema *row, void *member, uint64_t v)
{
	if (row->flags & SCHEMA_BITS)
		v &= row->max;
	if (v < row->min || v > (row->max ? row->max : number_most(row->size)))
		return false;
	schema_number_set(member, row->size, row->flags & SCHEMA_PLUS_ONE ? v - 1 : v);
	return true;
}

/* Its bounds are of how large it is, with either sign. */
static bool sint_read(const struct schema *row, void *member, uint64_t v)
{
	int64_t n = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
	int64_t most = (int64_t)(row->max ? row->max : number_most(row->size) >> 1);

	if (n > most || n < -most)
		return false;
	schema_number_set(member, row->size, (uint64_t)n);
	return true;
}

static bool is_line(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] < ' ' || in.p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool length_fits(const struct schema *row, struct bytes in)
{
	return in.n >= row->min && (!row->max || in.n <= row->max) &&
	       (!(row->flags & SCHEMA_LINE) || is_line(in));
}

static bool schema_octets_read(struct schema_reader *r, const struct schema *row, void *object,
			       void *member, struct bytes in)
{
	if (!length_fits(row, in))
		return false;
	if (row->type == SCHEMA_TEXT)
		return !text_set(member, in) || schema_wrong(r, "out of memory");
	if (row->type == SCHEMA_CSTR)
		return (!in.n || !memchr(in.p, 0, in.n)) && !bytes_cstr(in, member, row->size);
	if (row->type == SCHEMA_ADDR)
		return !in.n || !addr_parse(member, in);
	if (in.n > row->size || (row->type == SCHEMA_OCTETS && in.n != row->size))
		return false;
	if (in.n)
		memcpy(member, in.p, in.n);
	if (row->type == SCHEMA_CHARS)
		*(uint8_t *)member_at(object, row->count) = (uint8_t)in.n;
	return true;
}

static bool rows_read(struct schema_reader *r, const struct schema *rows, void *object,
		      struct bytes in, enum schema_turn turn);

bool schema_read_message(struct schema_reader *r, const struct schema *row, void *object,
			 const struct schema_wire *in, const struct schema_place *place)
{
	bool ok;

	if (in->kind != SCHEMA_WIRE_OCTETS)
		return false;
	r->place = place;
	ok = rows_read(r, row->of, object, in->octets, SCHEMA_WHOLE);
	r->place = place->up;
	return ok;
}

static uint8_t wire_kind_of(const struct schema *row)
{
	switch ((enum schema_type)row->type) {
	case SCHEMA_FIXED32:
		return SCHEMA_WIRE_32;
	case SCHEMA_FIXED64:
		return SCHEMA_WIRE_64;
	case SCHEMA_TEXT:
	case SCHEMA_CSTR:
	case SCHEMA_OCTETS:
	case SCHEMA_CHARS:
	case SCHEMA_ADDR:
	case SCHEMA_MESSAGE:
		return SCHEMA_WIRE_OCTETS;
	case SCHEMA_UINT:
	case SCHEMA_SINT:
	case SCHEMA_BOOL:
	case SCHEMA_TIME:
	case SCHEMA_DEADLINE:
	case SCHEMA_IGNORED:
	case SCHEMA_HAND:
	case SCHEMA_GROUP:
	case SCHEMA_END:
		break;
	}
	return SCHEMA_WIRE_VARINT;
}

/* But for messages. */
static bool value_read(struct schema_reader *r, const struct schema *row, void *object,
		       void *member, const struct schema_wire *in)
{
	switch ((enum schema_type)row->type) {
	case SCHEMA_UINT:
	case SCHEMA_FIXED32:
	case SCHEMA_FIXED64:
		return uint_read(row, member, in->number);
	case SCHEMA_SINT:
		return sint_read(row, member, in->number);
	case SCHEMA_BOOL:
		*(bool *)member = in->number != 0;
		return true;
	case SCHEMA_TIME:
		*(uint64_t *)member = steady_add(in->number, r->shift_ms);
		return true;
	case SCHEMA_DEADLINE:
		*(uint64_t *)member = schema_deadline(r, in->number, row->max);
		return true;
	case SCHEMA_TEXT:
	case SCHEMA_CSTR:
	case SCHEMA_OCTETS:
	case SCHEMA_CHARS:
	case SCHEMA_ADDR:
		return schema_octets_read(r, row, object, member, in->octets);
	case SCHEMA_IGNORED:
		return true;
	case SCHEMA_HAND:
		return row->read(r, row, object, in);
	case SCHEMA_MESSAGE:
	case SCHEMA_GROUP:
	case SCHEMA_END:
		break;
	}
	return false;
}

/* One more element, which is zero. NULL: there are as many as there may be, or no memory. */
static void *schema_list_more(struct schema_reader *r, const struct schema *row, void *object)
{
	void *count = member_at(object, row->count);
	uint32_t n = list_count(row, count);
	uint8_t *list = member_at(object, row->offset);

	if (n >= row->most)
		return NULL;
	if (row->flags & SCHEMA_POINTER) {
		uint8_t **behind = (uint8_t **)(void *)list;

		list = reallocarray(*behind, n + 1U, row->size);
		if (!list) {
			(void)schema_wrong(r, "out of memory");
			return NULL;
		}
		*behind = list;
	}
	list += (size_t)n * row->size;
	memset(list, 0, row->size);
	schema_number_set(count, row->flags & SCHEMA_COUNT32 ? sizeof(uint32_t) : sizeof(uint8_t),
			  n + 1);
	return list;
}

/* Unknown fields are kept by the name of their element, so two elements of one name would each get
 * the fields of both. */
static bool name_is_taken(const struct schema *row, const void *list, size_t position)
{
	const uint8_t *first = row->flags & SCHEMA_POINTER ? *(const uint8_t *const *)list : list;

	if (!row->called)
		return false;
	for (size_t i = 0; i < position; i++) {
		if (row->called(first + i * row->size, i) ==
		    row->called(first + position * row->size, position))
			return true;
	}
	return false;
}

static bool schema_list_read(struct schema_reader *r, const struct schema *row, void *object,
			     const struct schema_wire *in)
{
	void *element = schema_list_more(r, row, object);
	struct schema_place place = { .up = r->place, .row = row, .element = element };

	if (!element)
		return false;
	place.position = list_count(row, member_at(object, row->count)) - 1U;
	if (row->type == SCHEMA_MESSAGE ? !schema_read_message(r, row, element, in, &place)
					: !value_read(r, row, object, element, in))
		return false;
	if (name_is_taken(row, member_at(object, row->offset), place.position))
		return schema_wrong(r, "two of one name");
	return !row->check || row->check(r, element);
}

static const struct schema *row_find(const struct schema *rows, const struct schema *from,
				     uint32_t tag);
static bool row_read(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in);

/* By value, or behind a pointer that may be set: repeated messages are merged (proto3). */
static bool one_read(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in)
{
	void *member = member_at(object, row->offset), **behind = NULL;
	struct schema_place place = { .up = r->place, .row = row };
	bool ok;

	if (row->flags & SCHEMA_POINTER) {
		behind = member;
		if (!*behind)
			*behind = calloc(1, row->size);
		member = *behind;
		if (!member)
			return schema_wrong(r, "out of memory");
	}
	if (row->type == SCHEMA_MESSAGE)
		ok = schema_read_message(r, row, member, in, &place);
	else if (row->type == SCHEMA_GROUP)
		ok = row_read(r, row_find(row->of, row->of, in->tag), member, in);
	else
		ok = value_read(r, row, object, member, in);
	r->behind = behind;
	return ok && (!row->check || row->check(r, member));
}

static bool row_read(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in)
{
	bool ok = row->type == SCHEMA_IGNORED || row->type == SCHEMA_HAND ||
		  row->type == SCHEMA_GROUP || in->kind == wire_kind_of(row);

	if (row->flags & SCHEMA_CONTEXT)
		object = row->beside ? row->beside(r->beside, r->place) : r->beside;
	if (ok)
		ok = row->flags & SCHEMA_LIST ? schema_list_read(r, row, object, in)
					      : one_read(r, row, object, in);
	if (!ok && !r->field)
		r->field = row->name;
	return ok || (row->wrong && schema_wrong(r, row->wrong));
}

/* Room for n octets in all, and a NUL: twice of what is needed, as more of them may come. */
static bool unknown_grow(struct schema_reader *r, size_t n)
{
	struct text all = { .p = n < UINT32_MAX / 2 ? malloc(2 * n + 1) : NULL,
			    .n = r->unknown->n };

	if (!all.p)
		return schema_wrong(r, "out of memory");
	if (all.n)
		memcpy(all.p, r->unknown->p, all.n);
	text_wipe(r->unknown);
	*r->unknown = all;
	r->unknown_room = 2 * n;
	return true;
}

static bool unknown_keep_one(struct schema_reader *r, const struct schema_wire *in)
{
	struct text *kept = r->unknown;
	size_t n = kept->n + ENTRY_HEAD + in->whole.n;
	struct writer w;

	if (n > r->unknown_room && !unknown_grow(r, n))
		return false;
	w = writer_over(kept->p + kept->n, n - kept->n);
	writer_be64(&w, schema_place_path(r->place));
	writer_be32(&w, in->tag);
	writer_u8(&w, in->kind);
	writer_be32(&w, (uint32_t)in->whole.n);
	writer_bytes(&w, in->whole);
	assert(!w.overflow && kept->n + w.n == n);
	kept->p[n] = '\0';
	kept->n = (uint32_t)n;
	return true;
}

static bool row_has(const struct schema *row, uint32_t tag)
{
	return row->type == SCHEMA_GROUP ? tag >= row->tag && row_find(row->of, row->of, tag)
					 : row->tag == tag;
}

/* Mostly it is the one behind the last. */
static const struct schema *row_find(const struct schema *rows, const struct schema *from,
				     uint32_t tag)
{
	const struct schema *row = from;

	while (row->type != SCHEMA_END && !row_has(row, tag))
		row++;
	if (row->type != SCHEMA_END)
		return row;
	for (row = rows; row != from; row++) {
		if (row_has(row, tag))
			return row;
	}
	return NULL;
}

/* One that is not there is zero, or empty: too little for some. */
static bool none_is_missing(struct schema_reader *r, const struct schema *rows, uint64_t seen)
{
	for (const struct schema *row = rows; row->type != SCHEMA_END; row++) {
		if (!row->min || (row->flags & SCHEMA_LATE) || (seen & BIT64(row - rows)))
			continue;
		r->field = row->name;
		return row->wrong && schema_wrong(r, row->wrong);
	}
	return true;
}

static bool is_of_turn(const struct schema *row, enum schema_turn turn)
{
	bool late = row->flags & SCHEMA_LATE;

	return turn == SCHEMA_WHOLE || turn == SCHEMA_SOME || (turn == SCHEMA_FIRST && !late) ||
	       (turn == SCHEMA_SECOND && late);
}

static bool fields_read(struct schema_reader *r, const struct schema *rows, void *object,
			struct bytes in, enum schema_turn turn)
{
	bool keeps = r->unknown && turn != SCHEMA_SECOND && turn != SCHEMA_SOME;
	const struct schema *from = rows;
	struct schema_wire field;
	uint64_t seen = 0;

	while (schema_wire_next(&in, &field)) {
		const struct schema *row = row_find(rows, from, field.tag);

		if (row && is_of_turn(row, turn) && !row_read(r, row, object, &field))
			return false;
		if (!row && keeps && !unknown_keep_one(r, &field))
			return false;
		from = row ? row : from;
		seen |= row ? BIT64(row - rows) : 0;
	}
	if (in.n)
		return schema_wrong(r, "not a record");
	return turn > SCHEMA_FIRST || none_is_missing(r, rows, seen);
}

static bool rows_read(struct schema_reader *r, const struct schema *rows, void *object,
		      struct bytes in, enum schema_turn turn)
{
	const struct schema *row = turn > SCHEMA_FIRST ? NULL : rows;

	for (; row && row->type != SCHEMA_END; row++) {
		if (row->flags & SCHEMA_PLUS_ONE)
			schema_number_set(member_at(object, row->offset), row->size, UINT64_MAX);
	}
	return fields_read(r, rows, object, in, turn);
}

bool schema_read(struct schema_reader *r, const struct schema *rows, void *object, struct bytes in,
		 enum schema_turn turn)
{
	return rows_read(r, rows, object, in, turn) || schema_wrong(r, r->field);
}
