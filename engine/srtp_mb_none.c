/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stddef.h>

#include "engine/srtp_mb.h"

struct srtp_mb_key *srtp_mb_key_open(const uint8_t cipher[SRTP_MB_CIPHER_LEN],
				     const uint8_t auth[SRTP_MB_TAG_LEN])
{
	(void)cipher;
	(void)auth;
	return NULL;
}

void srtp_mb_key_close(struct srtp_mb_key *key)
{
	assert(!key);
}

void srtp_mb_prefetch(const struct srtp_mb_key *key)
{
	(void)key;
}

void srtp_mb_crypt(const struct srtp_mb_job *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0);
}

uint32_t srtp_mb_tag_worth(uint32_t count)
{
	(void)count;
	return 0;
}

void srtp_mb_tag(const struct srtp_mb_job *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0);
}
