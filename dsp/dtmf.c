/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/dtmf.h"

enum { TWIST = 20 };

/* ITU-T Q.23: a row's frequency and a column's. */
static const char g_keys[] = DTMF_DIGITS;
static const uint16_t g_rows[4] = { 697, 770, 852, 941 }, g_columns[4] = { 1209, 1336, 1477, 1633 };

bool dtmf_tone(char digit, uint16_t on_ms, uint16_t off_ms, int16_t level, struct tone *out)
{
	const char *at = digit ? strchr(g_keys, digit) : NULL;

	if (!at)
		return false;

	int16_t low = (int16_t)(level - TWIST);

	*out = (struct tone){
		.count = 2,
		.steps = { { on_ms,
			     { { g_rows[(at - g_keys) / 4], low },
			       { g_columns[(at - g_keys) % 4], level } } },
			   { .ms = off_ms } },
	};
	return true;
}
