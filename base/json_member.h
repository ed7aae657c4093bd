/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads members of a jansson object. A missing member, another type or a NULL object gives the
 * empty value.
 */
#ifndef BASE_JSON_MEMBER_H
#define BASE_JSON_MEMBER_H

#include <jansson.h>
#include <stdint.h>

/* Returns "" if it is missing. Valid as long as the object. */
static inline const char *json_text(const json_t *of, const char *name)
{
	const char *text = json_string_value(json_object_get(of, name));

	return text ? text : "";
}

/* Negative ones are 0. */
static inline uint64_t json_count(const json_t *of, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(of, name));

	return n > 0 ? (uint64_t)n : 0;
}

static inline bool json_flag(const json_t *of, const char *name)
{
	return json_is_true(json_object_get(of, name));
}

#endif
