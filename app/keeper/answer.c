/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/keeper/descriptors.h"
#include "app/keeper/order.h"

static_assert((int)KEEPER_FDS_MAX < (int)DESCRIPTORS_MAX, "all of an answer at once");

void keeper_answer_send(int to, const struct keeper_answer *answer, const int *fds, uint32_t count)
{
	struct keeper_answer copy = *answer;

	copy.fd_count = count;
	(void)!descriptors_send(to, bytes_mem(&copy, sizeof(copy)), fds, count, 0);
}

int keeper_answer_receive(int from, struct keeper_answer *answer)
{
	int fds[KEEPER_FDS_MAX + 1];
	uint32_t count = KEEPER_FDS_MAX;
	ssize_t n = descriptors_receive(from, answer, sizeof(*answer), fds, &count, MSG_DONTWAIT);

	if (n == -EAGAIN)
		return -EAGAIN;
	if (n == (ssize_t)sizeof(*answer) && count == answer->fd_count &&
	    answer->word_n <= sizeof(answer->word)) {
		memcpy(answer->fds, fds, sizeof(int) * count);
		return 0;
	}
	while (count)
		(void)close(fds[--count]);
	return -EPIPE;
}
