/* SPDX-License-Identifier: Apache-2.0 */
/* Who may take calls that ring at others. */
#include "sig/shard/shard_state.h"

bool shard_may_pick(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of)
{
	return bytes_eq(by, of) && shard_extension_find(s, tenant, by);
}
