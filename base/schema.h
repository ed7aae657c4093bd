/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a struct is saved: a constant array of rows, one for each member that is part of a record. One writer and one reader walk the rows,
 * to and from the octets of protobuf (varints, length-delimited), with no struct in between. Fields are written in the order of the rows,
 * so their tags ascend; what is zero or empty is left out, as in proto3. A record is read as if it came from a stranger: every value is
 * within its bounds, or the row's reason says why the record is refused. Pure: what depends on who saves comes by the two contexts.
 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/addr.h"
#include "base/clock.h"

struct schema_reader;
struct schema_writer;

enum schema_type {
	SCHEMA_END,      /* the row behind the last one */
	SCHEMA_UINT,     /* unsigned, or an enum, of 1, 2, 4 or 8 octets */
	SCHEMA_SINT,     /* signed (sint32, sint64) */
	SCHEMA_FIXED32,  /* uint32_t */
	SCHEMA_FIXED64,  /* uint64_t */
	SCHEMA_BOOL,     /* bool */
	SCHEMA_TIME,     /* uint64_t: ms of UTC, by the clock of who wrote it */
	SCHEMA_DEADLINE, /* uint64_t: ns of this process, 0 is off; in the record ms of UTC. max: at most so many ms from now */
	SCHEMA_TEXT,     /* struct text */
	SCHEMA_CSTR,     /* char[] that ends in a NUL */
	SCHEMA_OCTETS,   /* uint8_t[], always all of them */
	SCHEMA_CHARS,    /* char[], of which a counter says how many */
	SCHEMA_ADDR,     /* struct addr, as text */
	SCHEMA_IGNORED,  /* a field of the message that this struct has not: it is no unknown one */
	SCHEMA_HAND,     /* the row's own functions write and read it */
	SCHEMA_MESSAGE,  /* a struct with rows of its own */
	SCHEMA_GROUP, /* likewise, whose fields are those of the message around it: no tag is between theirs; `tag` is their first */
};

enum schema_flag {
	SCHEMA_LINE = 1, /* of a text: nothing that could end a header's line */
	SCHEMA_PLUS_ONE =
		2, /* the record has the number and 1; none is all bits set here, and 0 there */
	SCHEMA_POINTER = 4,  /* a message, or a list, behind a pointer: allocated when it is read */
	SCHEMA_LIST = 8,     /* up to `most`, of which a counter says how many */
	SCHEMA_SECRET = 16,  /* never shown; the writer says that it wrote one */
	SCHEMA_COUNT32 = 32, /* of a list: its counter is a uint32_t */
	SCHEMA_IF = 64,      /* of one value: `is` is asked of the struct that it is in */
	SCHEMA_LATE = 128,   /* of a record that is read in two turns: in the second one */
	SCHEMA_BESIDE = 256, /* the member is in what is beside the struct (`beside`) */
	SCHEMA_BITS =
		512, /* a number of bits: max has all of them, and those of a later program are forgotten */
};

/* A field as it stands in a record. */
struct schema_wire {
	uint32_t tag;
	uint8_t kind;        /* enum schema_wire_kind */
	uint64_t number;     /* of all kinds but SCHEMA_WIRE_OCTETS */
	struct bytes octets; /* of that one */
	struct bytes whole;  /* all that follows the tag */
};

enum schema_wire_kind {
	SCHEMA_WIRE_VARINT,
	SCHEMA_WIRE_64,
	SCHEMA_WIRE_OCTETS,
	SCHEMA_WIRE_32 = 5
};

struct schema_place;

struct schema {
	const char *name;
	uint32_t tag;
	uint8_t type;   /* enum schema_type */
	uint16_t flags; /* enum schema_flag */
	/* of the member in its struct; size: of one element of a list, or of what the pointer points at */
	uint16_t offset, size;
	uint16_t count; /* offset of a counter, uint8_t, of a list or of chars */
	uint16_t most;  /* elements of a list */
	uint64_t min,
		max; /* of the number in the record, of a text's length; max 0: what the member holds */
	const char *wrong;       /* why a value is refused; NULL: as what it is in, else its name */
	const struct schema *of; /* rows of a message, or of HAND rows' */
	/* Of a message, a group or an element: whether it is written; NULL: always. Of a value: SCHEMA_IF. */
	bool (*is)(const struct schema_writer *w, const void *object);
	/* What bounds cannot say, of the member, message or element that was read. It may also complete it. False: it is refused, for
	 * schema_wrong or else for `wrong`. */
	bool (*check)(struct schema_reader *r, void *object);
	/* Of HAND rows; object is the struct that the row is of. */
	void (*write)(struct schema_writer *w, const struct schema *row, const void *object);
	bool (*read)(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in);
	/* Of BESIDE rows: the struct, by what the writer or reader has beside; NULL: it is that. */
	void *(*beside)(void *beside, const struct schema_place *place);
	/* What an element is called among its siblings, wherever it stands; NULL: by its position. */
	uint64_t (*called)(const void *element, size_t position);
};

/* Where a member is. */
#define SCHEMA_AT(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
/* Where a list or a message is, of which size is that of one element or of what is pointed at. */
#define SCHEMA_OF(type, member, element) .offset = offsetof(type, member), .size = sizeof(element)

/* The messages around a field, from the innermost one: unknown fields are kept by this path. */
struct schema_place {
	const struct schema_place *up; /* NULL: the record, or the message whose path is `path` */
	uint64_t path;
	const struct schema *row;
	const void *element; /* NULL: it is in no list */
	size_t position;
};

/* ---- write ---- */

/* From the end to the beginning: then each length is known when it is written, and no message moves to make room for it. */
struct schema_writer {
	uint8_t *start, *at; /* what was written begins at `at`; room begins at `start` */
	bool overflow;
	bool secret; /* a row of SCHEMA_SECRET was written */
	struct instant now;
	int64_t shift_ms;           /* what makes our times the record's */
	const struct text *unknown; /* as schema_reader kept them */
	const struct schema_place *place;
	const void *arg; /* for the rows' functions */
	void *beside;    /* ... and of BESIDE rows; it is only read */
};

/* Before what was written: the fields of object that are not zero. */
void schema_write(struct schema_writer *w, const struct schema *rows, const void *object);

/* For rows of SCHEMA_HAND. */

/* A deadline in ms of UTC, as a record has it. */
uint64_t schema_utc_ms(const struct schema_writer *w, uint64_t deadline_ns);
/* n octets before those written; NULL: they do not fit. */
static ALWAYS_INLINE uint8_t *schema_room(struct schema_writer *w, size_t n)
{
	if (n > (size_t)(w->at - w->start)) {
		w->overflow = true;
		return NULL;
	}
	return w->at -= n;
}

static inline void schema_put_mem(struct schema_writer *w, const void *p, size_t n)
{
	uint8_t *to = n ? schema_room(w, n) : NULL;

	if (to)
		memcpy(to, p, n);
}

/* Seven bits to an octet. */
static inline size_t schema_varint_length(uint64_t v)
{
	unsigned bits = 64U - (unsigned)__builtin_clzll(v | 1);

	return (bits + 6) / 7;
}

/* Of more than two octets. */
void schema_put_long(struct schema_writer *w, uint64_t v);
static ALWAYS_INLINE void schema_put_varint(struct schema_writer *w, uint64_t v)
{
	uint8_t *to;

	if (v <= 0x7f) {
		to = schema_room(w, 1);
		if (to)
			*to = (uint8_t)v;
	} else if (v <= 0x3fff) {
		to = schema_room(w, 2);
		if (to) {
			to[0] = (uint8_t)(v | 0x80);
			to[1] = (uint8_t)(v >> 7);
		}
	} else {
		schema_put_long(w, v);
	}
}

static ALWAYS_INLINE void schema_put_tag(struct schema_writer *w, uint32_t tag, uint8_t kind)
{
	schema_put_varint(w, (uint64_t)tag << 3 | kind);
}

/* Not left out where it is zero. */
void schema_put_octets(struct schema_writer *w, uint32_t tag, struct bytes octets);
static ALWAYS_INLINE void schema_put_number(struct schema_writer *w, uint32_t tag, uint64_t v)
{
	if (v == 0)
		return;
	schema_put_varint(w, v);
	schema_put_tag(w, tag, SCHEMA_WIRE_VARINT);
}
/* kind: SCHEMA_WIRE_64 or SCHEMA_WIRE_32. */
void schema_put_fixed(struct schema_writer *w, uint32_t tag, uint8_t kind, uint64_t v);
/* A message of the row, which stands at that place, unless its `is` says no. */
void schema_put_message(struct schema_writer *w, const struct schema *row, const void *object,
			const struct schema_place *place);
/* Around what was written since `end`, which `at` was before. */
static inline void schema_put_around(struct schema_writer *w, uint32_t tag, const uint8_t *end)
{
	schema_put_varint(w, (uint64_t)(end - w->at));
	schema_put_tag(w, tag, SCHEMA_WIRE_OCTETS);
}

/* ---- read ---- */

struct schema_reader {
	struct instant now;
	int64_t shift_ms;     /* what makes the record's times ours */
	struct text *unknown; /* fields of a later program are kept here, by their paths */
	size_t unknown_room;  /* octets that the reader has there; 0: of its own none yet */
	const struct schema_place *place;
	void *arg;          /* for the rows' functions */
	void *beside;       /* ... and of BESIDE rows */
	const char *reason; /* NULL: all well so far */
	const char *field;  /* the name of what is refused */
	void **behind; /* for a check: the pointer that its message is behind, which may be dropped: freed, and NULL */
};

/* Keeps the first reason. Always false. */
bool schema_wrong(struct schema_reader *r, const char *reason);
enum schema_turn {
	SCHEMA_WHOLE,
	SCHEMA_FIRST,   /* all but rows of SCHEMA_LATE, which may look at it, */
	SCHEMA_SECOND,  /* and these */
	SCHEMA_SOME,    /* rows of some fields: no other one is unknown, and none is missing */
	SCHEMA_UNKNOWN, /* nothing is read: unknown fields are kept */
};
/* A message into *object, which is zero at first. False: it is refused for the row's reason, or else that of the message around it, or else
 * the field's name. */
bool schema_read(struct schema_reader *r, const struct schema *rows, void *object, struct bytes in,
		 enum schema_turn turn);
/* The same of a message of the row, which stands at that place. Whether it fits is for the row's `check`, which is not called. */
bool schema_read_message(struct schema_reader *r, const struct schema *row, void *object,
			 const struct schema_wire *in, const struct schema_place *place);
/* A number of a message, before that is read; 0: it has none. */
uint64_t schema_wire_number(struct bytes message, uint32_t tag);

/* The path of what is in a message, by the path of that and a field's tag, or what an element is called. */
uint64_t schema_path(uint64_t path, uint64_t name);

#endif
