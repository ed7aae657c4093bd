/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a head that is read and written again reads back the same, and no name leads out of a folder; errors leave the output alone. */
#include <assert.h>
#include <string.h>

#include "app/ctl/ctl_tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its checksum is made right, so that what lies behind that is reached. */
static void sum_write(uint8_t block[TAR_BLOCK])
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		block[148 + i] = (uint8_t)('0' + (sum & 7));
	block[154] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_head first, again;
	uint8_t block[TAR_BLOCK] = { 0 };

	memset(&first, 0, sizeof(first));
	memset(&again, 0, sizeof(again));
	memcpy(block, data, size < TAR_BLOCK ? size : TAR_BLOCK);
	if (size > TAR_BLOCK)
		sum_write(block);
	if (tar_head_parse(&first, block)) {
		assert(!memcmp(&first, &again, sizeof(first)));
		return 0;
	}
	if (!first.name[0])
		return 0;
	assert(first.name[0] != '/' && first.name[0] != '.' && !strstr(first.name, "/."));
	assert(tar_head_write(block, &first) && !tar_head_parse(&again, block));
	assert(!memcmp(&first, &again, sizeof(first)));
	return 0;
}
