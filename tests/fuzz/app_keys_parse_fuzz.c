/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: a key that is read, written again, reads back the same; errors leave the output alone. */
#include <assert.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/settings/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys first = { .id = 0 }, again;
	uint8_t base64[64];
	char text[128];
	struct writer w = writer_over(text, sizeof(text));

	if (keys_parse(&first, (struct bytes){ data, size })) {
		assert(first.id == 0 && first.cluster[0] == 0);
		return 0;
	}
	assert(first.id >= 1);
	(void)EVP_EncodeBlock(base64, first.cluster, KEYS_LEN);
	writer_fmt(&w, "cluster %u %s", first.id, (const char *)base64);
	assert(!keys_parse(&again, writer_done(&w)));
	assert(first.id == again.id && !memcmp(first.cluster, again.cluster, KEYS_LEN));
	return 0;
}
