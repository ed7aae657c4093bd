/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closes the descriptors that a dead process left behind and its successor did not take over. The
 * keeper process holds duplicates of them (docs/adr/0064), so sockets, maps and XDP programs
 * survive a crash of the node. Descriptors that were taken are -1 in the list.
 */

#include "base/remains.h"

#include <unistd.h>

void remains_close(struct remains *r)
{
	for (uint32_t i = 0; i < r->fd_count; i++)
		if (r->fds[i] >= 0)
			(void)close(r->fds[i]);
	*r = (struct remains){ .fd_count = 0 };
}
