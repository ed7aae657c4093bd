/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "media/payload.h"

static bool is_taken(const uint8_t index[PAYLOAD_RULES_MAX], uint8_t at)
{
	return memchr(index, at, PAYLOAD_RULES_MAX) != NULL;
}

static uint8_t with_number(const struct payload *wanted, const struct payload_list *among)
{
	const struct payload *found = payload_find(among, wanted->number);

	if (!found || (wanted->name.n && !payload_same_codec(wanted, found)))
		return PAYLOAD_NONE;
	return (uint8_t)(found - among->at);
}

/* A browser has H264 under a number per profile: the very one goes before one that will do. */
static uint8_t with_codec(const struct payload *wanted, const struct payload_list *among,
			  const uint8_t index[PAYLOAD_RULES_MAX])
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < among->count; i++) {
		if (!payload_same_format(wanted, &among->at[i]) || is_taken(index, i))
			continue;
		if (payload_same_profile(wanted, &among->at[i]))
			return i;
		if (found == PAYLOAD_NONE)
			found = i;
	}
	return found;
}

void payload_match(const struct payload_list *wanted, const struct payload_list *among,
		   uint8_t index[PAYLOAD_RULES_MAX])
{
	memset(index, PAYLOAD_NONE, PAYLOAD_RULES_MAX);
	for (uint8_t i = 0; i < wanted->count; i++)
		index[i] = with_number(&wanted->at[i], among);
	for (uint8_t i = 0; i < wanted->count; i++) {
		if (index[i] == PAYLOAD_NONE)
			index[i] = with_codec(&wanted->at[i], among, index);
	}
}
