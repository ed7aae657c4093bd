/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "dsp/comfort.h"

enum { STEP = 258, MIDDLE = 127, INDEX_MAX = 254, LEVEL_MASK = 0x7f };

int comfort_parse(struct comfort *out, struct bytes payload)
{
	struct comfort c = { 0 };

	if (payload.n == 0)
		return -EBADMSG;
	c.level = payload.p[0] & LEVEL_MASK;
	while (c.order < COMFORT_ORDER_MAX && c.order + 1U < payload.n) {
		uint8_t index = payload.p[c.order + 1];

		if (index > INDEX_MAX)
			break;
		c.reflections[c.order++] = (int16_t)(STEP * (index - MIDDLE));
	}
	*out = c;
	return 0;
}

/* The nearest index. */
static uint8_t comfort_index(int16_t reflection)
{
	int index = (reflection + STEP * MIDDLE + STEP / 2) / STEP;

	if (index < 0)
		return 0;
	return (uint8_t)(index < INDEX_MAX ? index : INDEX_MAX);
}

size_t comfort_write(const struct comfort *c, uint8_t out[COMFORT_OCTETS_MAX])
{
	out[0] = c->level & LEVEL_MASK;
	for (uint32_t i = 0; i < c->order; i++)
		out[i + 1] = comfort_index(c->reflections[i]);
	return c->order + 1U;
}
