/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for a head of ours is written again as it was. */
#include <stdlib.h>

#include "app/record/record_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t again[WAV_HEAD_LEN];
	struct wav_head h;

	if (wav_head_parse(&h, bytes_mem(data, n)))
		return 0;
	wav_head_write(again, &h);
	if (memcmp(again, data, WAV_HEAD_LEN) != 0)
		abort();
	return 0;
}
