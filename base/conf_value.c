/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"

struct unit {
	const char *name;
	uint64_t ns;
};

/* Largest first, and "ms" before "s", whose end it shares. */
static const struct unit g_units[] = {
	{ "d", 86400 * NS_PER_S }, { "h", 3600 * NS_PER_S }, { "m", 60 * NS_PER_S },
	{ "ms", NS_PER_MS },       { "s", NS_PER_S },
};

/* A schema that leaves max at 0 means the most its type holds. */
static uint64_t most(const struct conf_field *field, uint64_t of_type)
{
	return field->max ? field->max : of_type;
}

static int limits_check(const struct conf_field *field, uint64_t v, uint64_t of_type)
{
	return v < field->min || v > most(field, of_type) ? -ERANGE : 0;
}

int conf_number_read(uint32_t *out, const struct conf_field *field, struct bytes text)
{
	uint32_t v;
	int err = bytes_u32(text, &v);

	if (!err)
		err = limits_check(field, v, UINT32_MAX);
	if (!err)
		*out = v;
	return err;
}

static bool conf_ends_with(struct bytes text, struct bytes end)
{
	return text.n > end.n && bytes_eq(bytes_from(text, text.n - end.n), end);
}

static int duration_read(uint64_t *out, const struct conf_field *field, struct bytes text)
{
	for (size_t i = 0; i < COUNT_OF(g_units); i++) {
		struct bytes unit = bytes_str(g_units[i].name);
		uint64_t v;
		int err;

		if (!conf_ends_with(text, unit))
			continue;
		err = bytes_u64(bytes_sub(text, 0, text.n - unit.n), &v);
		if (!err && __builtin_mul_overflow(v, g_units[i].ns, &v))
			err = -ERANGE;
		if (!err)
			err = limits_check(field, v, UINT64_MAX);
		if (!err)
			*out = v;
		return err;
	}
	return -EINVAL;
}

static int range_read(struct conf_range *out, const struct conf_field *field, struct bytes text)
{
	struct conf_range v;
	struct bytes first;
	int err;

	if (bytes_find(text, '-') == text.n || !bytes_cut(&text, '-', &first))
		return -EINVAL;
	err = conf_number_read(&v.first, field, bytes_trim(first));
	if (!err)
		err = conf_number_read(&v.last, field, bytes_trim(text));
	if (!err && v.first > v.last)
		err = -ERANGE;
	if (!err)
		*out = v;
	return err;
}

static int bool_read(bool *out, struct bytes text)
{
	if (!bytes_is(text, "true") && !bytes_is(text, "false"))
		return -EINVAL;
	*out = bytes_is(text, "true");
	return 0;
}

static int enum_read(int *out, const struct conf_field *field, struct bytes text)
{
	for (int i = 0; field->names[i]; i++) {
		if (bytes_is(text, field->names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int string_read(char *out, const struct conf_field *field, struct bytes text)
{
	if (bytes_find(text, '\0') < text.n)
		return -EINVAL;
	if (text.n >= field->size)
		return -ERANGE;
	return bytes_cstr(text, out, field->size);
}

static uint32_t *count_of(uint8_t *level, const struct conf_field *field)
{
	return (uint32_t *)(void *)(level + field->count_offset);
}

int conf_value_read(uint8_t *level, const struct conf_field *field, struct bytes text, bool plain)
{
	void *out = level + field->offset;

	switch (field->type) {
	case CONF_STRING:
		return string_read(out, field, text);
	case CONF_U32:
		return plain ? conf_number_read(out, field, text) : -EINVAL;
	case CONF_BOOL:
		return plain ? bool_read(out, text) : -EINVAL;
	case CONF_ADDR:
		return addr_parse(out, text);
	case CONF_ENUM:
		return enum_read(out, field, text);
	case CONF_DURATION:
		return duration_read(out, field, text);
	case CONF_RANGE:
		return range_read(out, field, text);
	case CONF_U32_LIST:
	case CONF_STRING_LIST:
	case CONF_MAP:
	case CONF_LIST:
		break;
	}
	return -EINVAL;
}

static void duration_write(struct writer *w, uint64_t ns)
{
	static const size_t largest_first[] = { 0, 1, 2, 4, 3 };

	for (size_t i = 0; i < COUNT_OF(largest_first); i++) {
		const struct unit *unit = &g_units[largest_first[i]];

		if (ns && ns % unit->ns == 0) {
			writer_fmt(w, "%" PRIu64 "%s", ns / unit->ns, unit->name);
			return;
		}
	}
	writer_fmt(w, ns ? "%" PRIu64 "ns" : "%" PRIu64 "s", ns);
}

static void limits_write(struct writer *w, const struct conf_field *field)
{
	writer_fmt(w, "from %" PRIu64 " to %" PRIu64, field->min, most(field, UINT32_MAX));
}

static void duration_limits_write(struct writer *w, const struct conf_field *field)
{
	writer_str(w, "a duration like 250ms, 90s, 5m, 2h or 1d, at least ");
	duration_write(w, field->min);
	if (field->max) {
		writer_str(w, ", at most ");
		duration_write(w, field->max);
	}
}

static void names_write(struct writer *w, const struct conf_field *field)
{
	for (int i = 0; field->names[i]; i++)
		writer_fmt(w, "%s%s", i ? ", " : "one of ", field->names[i]);
}

void conf_value_allowed(struct writer *w, const struct conf_field *field)
{
	switch (field->type) {
	case CONF_STRING:
		writer_fmt(w, "text of at most %zu bytes", field->size - 1);
		break;
	case CONF_U32:
		writer_str(w, "a number ");
		limits_write(w, field);
		break;
	case CONF_BOOL:
		writer_str(w, "true or false");
		break;
	case CONF_ADDR:
		writer_str(w, "an address like 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060");
		break;
	case CONF_ENUM:
		names_write(w, field);
		break;
	case CONF_DURATION:
		duration_limits_write(w, field);
		break;
	case CONF_RANGE:
		writer_str(w, "a range like 20000-39999, ");
		limits_write(w, field);
		break;
	case CONF_U32_LIST:
		writer_fmt(w, "a list of at most %u numbers ", field->max_items);
		limits_write(w, field);
		break;
	case CONF_STRING_LIST:
		writer_fmt(w, "a list of at most %u texts of at most %zu bytes", field->max_items,
			   field->size - 1);
		break;
	case CONF_MAP:
		writer_str(w, "a section with keys of its own");
		break;
	case CONF_LIST:
		writer_fmt(w, "a list of at most %u sections", field->max_items);
		break;
	}
}

size_t conf_value_size(const struct conf_field *field)
{
	switch (field->type) {
	case CONF_STRING:
		return field->size;
	case CONF_U32:
		return sizeof(uint32_t);
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_ADDR:
		return sizeof(struct addr);
	case CONF_ENUM:
		return sizeof(int);
	case CONF_DURATION:
		return sizeof(uint64_t);
	case CONF_RANGE:
		return sizeof(struct conf_range);
	case CONF_U32_LIST:
		return field->max_items * sizeof(uint32_t);
	case CONF_STRING_LIST:
	case CONF_LIST:
		return field->max_items * field->size;
	case CONF_MAP:
		break; /* its fields have their own */
	}
	return 0;
}

bool conf_value_is_list(const struct conf_field *field)
{
	return field->type == CONF_U32_LIST || field->type == CONF_STRING_LIST ||
	       field->type == CONF_LIST;
}

/* "8000, 16000" */
static int list_preset(uint8_t *level, const struct conf_field *field, struct bytes text)
{
	uint32_t *items = (uint32_t *)(void *)(level + field->offset);
	uint32_t *count = count_of(level, field);
	struct bytes item;
	int err = 0;

	while (!err && bytes_cut(&text, ',', &item)) {
		if (*count >= field->max_items)
			return -ERANGE;
		err = conf_number_read(&items[(*count)++], field, bytes_trim(item));
	}
	return err;
}

void conf_value_preset(uint8_t *level, const struct conf_field *field)
{
	int err = 0;

	memset(level + field->offset, 0, conf_value_size(field));
	if (conf_value_is_list(field))
		*count_of(level, field) = 0;
	if (!field->preset)
		return;
	if (field->type == CONF_U32_LIST) {
		err = list_preset(level, field, bytes_str(field->preset));
	} else {
		err = conf_value_read(level, field, bytes_str(field->preset), true);
	}
	assert(err == 0);
	(void)err;
}
