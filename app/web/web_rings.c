/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_rings.h"

#include <assert.h>

int web_rings_open(struct ring *in, struct web_rings_size in_size, struct ring *out,
		   struct web_rings_size out_size, loop_fd_fn *on_in, void *arg)
{
	int err;

	in->wake_fd = out->wake_fd = -1;
	err = ring_open(in, in_size.item, in_size.count);
	if (!err)
		err = ring_open(out, out_size.item, out_size.count);
	if (!err)
		err = loop_watch(in->wake_fd, LOOP_READ, on_in, arg);
	if (err) {
		ring_close(in);
		ring_close(out);
		return err;
	}
	if (!ring_sleep(in))
		assert(false && "nobody can have come");
	return 0;
}

void web_rings_close(struct ring *in, struct ring *out)
{
	loop_unwatch(in->wake_fd);
	ring_close(in);
	ring_close(out);
}
