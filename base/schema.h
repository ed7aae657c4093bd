/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a struct is stored: a constant array of rows, one for each member that is part of a record.
 * One writer and one reader walk the rows, to and from the octets of protobuf (varints,
 * length-delimited), without a struct in between. Fields are written in the order of the rows, so
 * their tags ascend; zero and empty values are left out, as in proto3. A record is read as if it
 * came from a stranger: every value is within its bounds, or the row's reason says why the record
 * is refused. Pure: what depends on the caller comes by the two contexts.
 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/addr.h"
#include "base/clock.h"

struct schema_reader;
struct schema_writer;

enum schema_type {
	SCHEMA_END,     /* the row behind the last one */
	SCHEMA_UINT,    /* unsigned, or an enum, of 1, 2, 4 or 8 octets */
	SCHEMA_SINT,    /* signed (sint32, sint64) */
	SCHEMA_FIXED32, /* uint32_t */
	SCHEMA_FIXED64, /* uint64_t */
	SCHEMA_BOOL,    /* bool */
	SCHEMA_TIME,    /* uint64_t: ms of UTC, by the clock of its writer */
	/* uint64_t: ns of this process, 0 is off; in the record ms of UTC. max: ms from now. */
	SCHEMA_DEADLINE,
	SCHEMA_TEXT,    /* struct text */
	SCHEMA_CSTR,    /* char[] that ends in a NUL */
	SCHEMA_OCTETS,  /* uint8_t[], always all of them */
	SCHEMA_CHARS,   /* char[], with a counter of their number */
	SCHEMA_ADDR,    /* struct addr, as text */
	SCHEMA_IGNORED, /* a field of the message that this struct has not: it is no unknown one */
	SCHEMA_HAND,    /* the row's own functions write and read it */
	SCHEMA_MESSAGE, /* a struct with rows of its own */
	/* Likewise, but its fields belong to the message around it, with no other tag between;
	 * `tag` is the first. */
	SCHEMA_GROUP,
};

enum schema_flag {
	SCHEMA_LINE = 1, /* of a text: nothing that could end a header's line */
	/* The record has the number plus 1; all bits set means no value, and is 0 there. */
	SCHEMA_PLUS_ONE = 2,
	SCHEMA_POINTER = 4,  /* a message, or a list, behind a pointer: allocated when it is read */
	SCHEMA_LIST = 8,     /* up to `most`, with a counter of their number */
	SCHEMA_SECRET = 16,  /* never shown; the writer notes that it wrote one */
	SCHEMA_COUNT32 = 32, /* of a list: its counter is a uint32_t */
	SCHEMA_IF = 64,      /* of one value: `is` is called with the struct it is in */
	SCHEMA_LATE = 128,   /* of a record that is read in two turns: in the second one */
	SCHEMA_CONTEXT = 256, /* the member is in what is beside the struct (`beside`) */
	/* A number of bits: max has all of them, and bits of a later program are dropped. */
	SCHEMA_BITS = 512,
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
	/* of the member in its struct; size: of a list's element, or of the pointer's target */
	uint16_t offset, size;
	uint16_t count; /* offset of a counter, uint8_t, of a list or of chars */
	uint16_t most;  /* elements of a list */
	/* Bounds of the number in the record, or of a text's length; max 0: what the member
	 * holds. */
	uint64_t min, max;
	const char *wrong;       /* why a value is refused; NULL: as what it is in, else its name */
	const struct schema *of; /* rows of a message, or of HAND rows' */
	/* Message, group or element: whether it is written; NULL: always. Of a value: SCHEMA_IF. */
	bool (*is)(const struct schema_writer *w, const void *object);
	/* Checks what bounds cannot express of the member, message or element that was read; may
	 * also complete it. False: refused, with the reason of schema_wrong, or else `wrong`. */
	bool (*check)(struct schema_reader *r, void *object);
	/* Of HAND rows; object is the struct that the row is of. */
	void (*write)(struct schema_writer *w, const struct schema *row, const void *object);
	bool (*read)(struct schema_reader *r, const struct schema *row, void *object,
		     const struct schema_wire *in);
	/* Of BESIDE rows: the struct within the writer's or reader's `beside`; NULL: that
	 * itself. */
	void *(*beside)(void *beside, const struct schema_place *place);
	/* An element's name among its siblings, at any position; NULL: it is named by its
	 * position. */
	uint64_t (*called)(const void *element, size_t position);
};

/* Where a member is. */
#define SCHEMA_AT(type, member) \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
/* Where a list or a message is, of which size is that of one element or of what is pointed at. */
#define SCHEMA_OF(type, member, element) .offset = offsetof(type, member), .size = sizeof(element)

/* The messages around a field, from the innermost one: unknown fields are stored by this path. */
struct schema_place {
	const struct schema_place *up; /* NULL: the record, or the message with the path `path` */
	uint64_t path;
	const struct schema *row;
	const void *element; /* NULL: it is in no list */
	size_t position;
};

/* ---- write ---- */

/* Writes from the end to the beginning: each length is known, and no message moves. */
struct schema_writer {
	uint8_t *start, *at; /* what was written begins at `at`; room begins at `start` */
	bool overflow;
	bool secret; /* a row of SCHEMA_SECRET was written */
	struct instant now;
	int64_t shift_ms;           /* what makes our times the record's */
	const struct text *unknown; /* as schema_reader stored them */
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
/* A message of the row, at that place, unless its `is` returns false. */
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
	struct text *unknown; /* fields of a later program are stored here, by their paths */
	size_t unknown_room;  /* octets of the reader's own buffer; 0: not allocated yet */
	const struct schema_place *place;
	void *arg;          /* for the rows' functions */
	void *beside;       /* ... and of BESIDE rows */
	const char *reason; /* NULL: all well so far */
	const char *field;  /* the name of what is refused */
	/* For a check: the pointer to its message, which may be dropped: freed, and NULL. */
	void **behind;
};

/* Keeps the first reason. Always false. */
bool schema_wrong(struct schema_reader *r, const char *reason);
enum schema_turn {
	SCHEMA_WHOLE,
	SCHEMA_FIRST,  /* all but rows of SCHEMA_LATE, which may look at it, */
	SCHEMA_SECOND, /* and these */
	/* Rows of some fields only: other fields are not unknown, and missing ones are allowed. */
	SCHEMA_SOME,
	SCHEMA_UNKNOWN, /* nothing is read: unknown fields are stored */
};
/* Reads a message into *object, which is zero at first. False: refused, with the reason of the row,
 * or of the message around it, or else the field's name. */
bool schema_read(struct schema_reader *r, const struct schema *rows, void *object, struct bytes in,
		 enum schema_turn turn);
/* Likewise for a message of the row at that place, without the row's `check`. */
bool schema_read_message(struct schema_reader *r, const struct schema *row, void *object,
			 const struct schema_wire *in, const struct schema_place *place);
/* A number of a message that is not read yet; 0 if it is absent. */
uint64_t schema_wire_number(struct bytes message, uint32_t tag);

/* A path below `path`: of the field with that tag, or of the element with that name. */
uint64_t schema_path(uint64_t path, uint64_t name);

#endif
