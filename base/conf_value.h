/* SPDX-License-Identifier: Apache-2.0 */
/* One scalar of a configuration into its field, and what a field allows in words. Pure. */
#ifndef BASE_CONF_VALUE_H
#define BASE_CONF_VALUE_H

#include "base/conf.h"

/* Not for maps and lists. plain: without quotes in the text. 0, -EINVAL or -ERANGE; the field is then unchanged. */
int conf_value_read(uint8_t *level, const struct conf_field *field, struct bytes text,
		    bool plain) NODISCARD;
/* One number of a CONF_U32_LIST. 0, -EINVAL or -ERANGE. */
int conf_number_read(uint32_t *out, const struct conf_field *field, struct bytes text) NODISCARD;
/* "a number from 1 to 65535" */
void conf_value_allowed(struct writer *w, const struct conf_field *field);
/* The preset, or zero without one. Asserts that the preset is allowed. */
void conf_value_preset(uint8_t *level, const struct conf_field *field);
/* Octets of the value at field->offset, without a list's count; of a section 0: its fields have their own. */
size_t conf_value_size(const struct conf_field *field);
/* It has a count at field->count_offset. */
bool conf_value_is_list(const struct conf_field *field);

#endif
