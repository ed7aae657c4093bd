/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: what needs a restart keeps its value, and is named. */
#include <assert.h>
#include <string.h>

#include "app/settings.h"

struct keep {
	uint8_t *now;
	const uint8_t *before;
	struct writer *changed;
};

/* Bytes of the value itself, without a list's count. */
static size_t value_size(const struct conf_field *field)
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
		return sizeof(uint32_t) * field->max_items;
	case CONF_STRING_LIST:
	case CONF_LIST:
		return field->size * field->max_items;
	case CONF_MAP:
		break;
	}
	assert(false && "a section has no value");
	return 0;
}

static bool is_list(const struct conf_field *field)
{
	return field->type == CONF_U32_LIST || field->type == CONF_STRING_LIST ||
	       field->type == CONF_LIST;
}

/* True when the bytes differed. */
static bool put_back(const struct keep *k, size_t offset, size_t size)
{
	if (!memcmp(k->now + offset, k->before + offset, size))
		return false;
	memcpy(k->now + offset, k->before + offset, size);
	return true;
}

static void keep_fields(const struct keep *k, const char *section, const struct conf_field *fields)
{
	for (const struct conf_field *field = fields; field->key; field++) {
		bool differs;

		if (field->type == CONF_MAP) {
			struct keep inner = { k->now + field->offset, k->before + field->offset,
					      k->changed };

			keep_fields(&inner, field->key, field->fields);
			continue;
		}
		if (!field->at_start)
			continue;
		differs = put_back(k, field->offset, value_size(field));
		if (is_list(field) && put_back(k, field->count_offset, sizeof(uint32_t)))
			differs = true;
		if (differs) {
			writer_fmt(k->changed, "%s%s%s%s", k->changed->n ? " " : "", section,
				   section[0] ? "." : "", field->key);
		}
	}
}

void settings_keep_at_start(struct settings *now, const struct settings *before,
			    struct writer *changed)
{
	struct keep k = { (uint8_t *)now, (const uint8_t *)before, changed };

	keep_fields(&k, "", g_settings_fields);
}
