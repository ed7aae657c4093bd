/* SPDX-License-Identifier: Apache-2.0 */
/* A struct with a member of every type that a schema has, and its rows. For the one file of a program that includes this. */
#ifndef TANDEM_TEST_SCHEMA_THING_H
#define TANDEM_TEST_SCHEMA_THING_H

#include <stdlib.h>

#include "base/schema.h"

#define THING_NOW_NS  (UINT64_C(5000) * NS_PER_S)
#define THING_NOW_UTC UINT64_C(1750000000000)

struct thing_part {
	uint8_t number;
	struct text name;
};

struct thing {
	uint8_t small, none;
	uint16_t middle;
	int8_t loud;
	uint32_t large, mark;
	uint64_t huge, id;
	bool yes;
	uint64_t at_utc_ms, until_ns;
	struct text line;
	char word[5];
	uint8_t octets[3];
	char keys[4];
	uint8_t key_count;
	struct addr addr;
	struct thing_part flat, *behind;
	struct thing_part list[2], *pointed;
	char words[2][4];
	uint8_t list_count, pointed_count, word_count;
	uint32_t twice;
};

static bool flat_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct thing_part *)object)->number != 0;
}

static bool part_check(struct schema_reader *r, void *object)
{
	return ((const struct thing_part *)object)->number != 13 || schema_wrong(r, "bad luck");
}

static uint64_t part_called(const void *element, size_t position)
{
	(void)position;
	return ((const struct thing_part *)element)->number;
}

/* In the record twice the number. */
static void twice_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	schema_put_number(w, row->tag, 2 * (uint64_t)((const struct thing *)object)->twice);
}

static bool twice_read(struct schema_reader *r, const struct schema *row, void *object,
		       const struct schema_wire *in)
{
	(void)r;
	(void)row;
	((struct thing *)object)->twice = (uint32_t)(in->number / 2);
	return in->number % 2 == 0;
}

static const struct schema part_rows[] = {
	{ "number", 1, SCHEMA_UINT, SCHEMA_AT(struct thing_part, number), .min = 1, .max = 99,
	  .wrong = "part: number" },
	{ "name", 2, SCHEMA_TEXT, SCHEMA_AT(struct thing_part, name), .max = 8 },
	{ 0 },
};

static const struct schema thing_rows[] = {
	{ "small", 1, SCHEMA_UINT, SCHEMA_AT(struct thing, small) },
	{ "none", 2, SCHEMA_UINT, SCHEMA_PLUS_ONE, SCHEMA_AT(struct thing, none), .max = 16 },
	{ "middle", 3, SCHEMA_UINT, SCHEMA_AT(struct thing, middle) },
	{ "loud", 4, SCHEMA_SINT, SCHEMA_AT(struct thing, loud), .max = 12 },
	{ "large", 5, SCHEMA_UINT, SCHEMA_AT(struct thing, large) },
	{ "mark", 6, SCHEMA_FIXED32, SCHEMA_AT(struct thing, mark) },
	{ "huge", 7, SCHEMA_UINT, SCHEMA_AT(struct thing, huge) },
	{ "id", 8, SCHEMA_FIXED64, SCHEMA_AT(struct thing, id) },
	{ "yes", 9, SCHEMA_BOOL, SCHEMA_AT(struct thing, yes) },
	{ "at", 10, SCHEMA_TIME, SCHEMA_AT(struct thing, at_utc_ms) },
	{ "until", 11, SCHEMA_DEADLINE, SCHEMA_AT(struct thing, until_ns), .max = 60000 },
	{ "line", 12, SCHEMA_TEXT, SCHEMA_LINE, SCHEMA_AT(struct thing, line), .max = 10,
	  .wrong = "thing: line" },
	{ "word", 13, SCHEMA_CSTR, SCHEMA_SECRET, SCHEMA_AT(struct thing, word) },
	{ "octets", 14, SCHEMA_OCTETS, SCHEMA_AT(struct thing, octets) },
	{ "keys", 15, SCHEMA_CHARS, SCHEMA_AT(struct thing, keys),
	  .count = offsetof(struct thing, key_count) },
	{ "addr", 16, SCHEMA_ADDR, SCHEMA_AT(struct thing, addr) },
	{ "flat", 17, SCHEMA_MESSAGE, SCHEMA_AT(struct thing, flat), .of = part_rows, .is = flat_is,
	  .check = part_check },
	{ "behind", 18, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct thing, behind, struct thing_part), .of = part_rows },
	{ "list", 19, SCHEMA_MESSAGE, SCHEMA_LIST, SCHEMA_OF(struct thing, list, struct thing_part),
	  .count = offsetof(struct thing, list_count), .most = 2, .of = part_rows,
	  .called = part_called },
	{ "pointed", 20, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER,
	  SCHEMA_OF(struct thing, pointed, struct thing_part),
	  .count = offsetof(struct thing, pointed_count), .most = 3, .of = part_rows },
	{ "words", 21, SCHEMA_CSTR, SCHEMA_LIST, SCHEMA_OF(struct thing, words, char[4]),
	  .count = offsetof(struct thing, word_count), .most = 2 },
	{ "twice", 22, SCHEMA_HAND, .write = twice_write, .read = twice_read },
	{ 0 },
};

static inline void clear_thing(struct thing *t)
{
	text_clear(&t->line);
	text_clear(&t->flat.name);
	if (t->behind)
		text_clear(&t->behind->name);
	free(t->behind);
	for (uint8_t i = 0; i < t->list_count; i++)
		text_clear(&t->list[i].name);
	for (uint8_t i = 0; i < t->pointed_count; i++)
		text_clear(&t->pointed[i].name);
	free(t->pointed);
	*t = (struct thing){ 0 };
}

#endif
