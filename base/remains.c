/* SPDX-License-Identifier: Apache-2.0 */
#include "base/remains.h"

#include <unistd.h>

void remains_close(struct remains *r)
{
	for (uint32_t i = 0; i < r->fd_count; i++)
		if (r->fds[i] >= 0)
			(void)close(r->fds[i]);
	*r = (struct remains){ .fd_count = 0 };
}
