/* SPDX-License-Identifier: Apache-2.0 */
/* For CPUs that are not x86-64. */
#include "dsp/voice_wide.h"

size_t voice_energy_wide(const int16_t *pcm, size_t n, uint64_t *sum)
{
	(void)pcm;
	(void)n;
	(void)sum;
	return 0;
}

size_t voice_product_wide(const int16_t *a, const int16_t *b, size_t n, int64_t *sum)
{
	(void)a;
	(void)b;
	(void)n;
	(void)sum;
	return 0;
}
