/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: what needs a restart keeps its value, and is named. */
#include <string.h>

#include "app/settings/settings.h"
#include "base/conf_value.h"

struct keep {
	uint8_t *now;
	const uint8_t *before;
	struct writer *changed;
};

/* True when the bytes differed. */
static bool settings_put_back(const struct keep *k, size_t offset, size_t size)
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
		differs = settings_put_back(k, field->offset, conf_value_size(field));
		if (conf_value_is_list(field) &&
		    settings_put_back(k, field->count_offset, sizeof(uint32_t)))
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
