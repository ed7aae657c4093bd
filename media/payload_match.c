/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "media/payload.h"

static bool payload_is_taken(const uint8_t index[PAYLOAD_RULES_MAX], uint8_t at)
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

/* libre answers a browser's last H264 of its packetization-mode, and means its own profile: a number is believed first where nothing that
 * is said of it speaks against. */
static uint8_t with_number_and_profile(const struct payload *wanted,
				       const struct payload_list *among)
{
	uint8_t at = with_number(wanted, among);

	if (at == PAYLOAD_NONE || wanted->parameters.n == 0 || !payload_is(wanted, "H264"))
		return at;
	return payload_same_format(wanted, &among->at[at]) &&
			       payload_same_profile(wanted, &among->at[at])
		       ? at
		       : PAYLOAD_NONE;
}

/* A browser has H264 under a number per profile: the very one goes before one that will do. */
static uint8_t with_codec(const struct payload *wanted, const struct payload_list *among,
			  const uint8_t index[PAYLOAD_RULES_MAX])
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < among->count; i++) {
		if (!payload_same_format(wanted, &among->at[i]) || payload_is_taken(index, i))
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
		index[i] = with_number_and_profile(&wanted->at[i], among);
	for (uint8_t i = 0; i < wanted->count; i++) {
		if (index[i] == PAYLOAD_NONE)
			index[i] = with_codec(&wanted->at[i], among, index);
	}
	for (uint8_t i = 0; i < wanted->count; i++) {
		uint8_t at = with_number(&wanted->at[i], among);

		if (index[i] == PAYLOAD_NONE && !payload_is_taken(index, at))
			index[i] = at;
	}
}
