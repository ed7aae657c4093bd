/* SPDX-License-Identifier: Apache-2.0 */
#include "app/keeper/sockets_message.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static size_t message_octets(uint32_t count)
{
	return offsetof(struct sockets_message, of) +
	       count * sizeof(((struct sockets_message *)NULL)->of[0]);
}

void sockets_let_go(struct sockets *s)
{
	for (uint32_t i = 0; i < SOCKETS_PER_FLOW; i++) {
		if (s->fd[i] >= 0)
			(void)close(s->fd[i]);
		s->fd[i] = -1;
	}
}

bool sockets_are(const struct sockets *s)
{
	return s->fd[0] >= 0 || s->fd[1] >= 0;
}

int sockets_send(int to, struct sockets_head head, const struct sockets *of, uint32_t count,
		 int flags)
{
	static struct sockets_message m;
	int fds[DESCRIPTORS_MAX];
	uint32_t n = 0;

	assert(count <= SOCKETS_BATCH);
	m.head = head;
	m.head.count = count;
	for (uint32_t i = 0; i < count; i++) {
		m.of[i].since_ns = of[i].since_ns;
		for (uint32_t j = 0; j < SOCKETS_PER_FLOW; j++) {
			m.of[i].local[j] = of[i].fd[j] >= 0 ? of[i].local[j] : (struct addr){ 0 };
			if (of[i].fd[j] >= 0)
				fds[n++] = of[i].fd[j];
		}
	}
	return descriptors_send(to, bytes_mem(&m, message_octets(count)), fds, n, flags);
}

static bool sockets_fill(const struct sockets_message *m, struct sockets *of, const int *fds,
			 uint32_t n)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < m->head.count; i++) {
		of[i].since_ns = m->of[i].since_ns;
		for (uint32_t j = 0; j < SOCKETS_PER_FLOW; j++) {
			bool there = m->of[i].local[j].family != ADDR_NONE;

			of[i].local[j] = m->of[i].local[j];
			of[i].fd[j] = -1;
			if (there && used == n)
				return false;
			if (there)
				of[i].fd[j] = fds[used++];
		}
	}
	return used == n;
}

int sockets_receive(int from, struct sockets_message *m, struct sockets of[SOCKETS_BATCH],
		    int flags)
{
	int fds[DESCRIPTORS_MAX];
	uint32_t n;
	ssize_t got;

	do { /* it is said once: what whoever is gone had not read is lost, what it said is not */
		n = DESCRIPTORS_MAX;
		got = descriptors_receive(from, m, sizeof(*m), fds, &n, flags);
	} while (got == -ECONNRESET);
	if (got == -EAGAIN || got == -EMFILE)
		return -EAGAIN; /* what there is no room for is not held */
	if (got >= (ssize_t)message_octets(0) && m->head.count <= SOCKETS_BATCH &&
	    (size_t)got == message_octets(m->head.count) && sockets_fill(m, of, fds, n))
		return 0;
	while (n)
		(void)close(fds[--n]);
	return -EPIPE;
}

/* ---- what else goes on in the kernel ---- */

struct remains_message {
	uint64_t ended_ns;
	uint32_t fd_count, word_n;
	uint8_t word[REMAINS_WORD_MAX];
};

int remains_send(int to, const struct remains *r, uint64_t ended_ns)
{
	struct remains_message m = { .ended_ns = ended_ns,
				     .fd_count = r->fd_count,
				     .word_n = r->word_n };

	memcpy(m.word, r->word, r->word_n);
	return descriptors_send(to, bytes_mem(&m, sizeof(m)), r->fds, r->fd_count, 0);
}

int remains_receive(int from, struct remains *r, uint64_t *ended_ns)
{
	int fds[REMAINS_FDS_MAX + 1];
	uint32_t n = REMAINS_FDS_MAX;
	struct remains_message m;
	ssize_t got = descriptors_receive(from, &m, sizeof(m), fds, &n, 0);

	if (got == (ssize_t)sizeof(m) && m.fd_count == n && m.word_n <= sizeof(m.word)) {
		*r = (struct remains){ .fd_count = n, .word_n = m.word_n };
		memcpy(r->fds, fds, sizeof(int) * n);
		memcpy(r->word, m.word, m.word_n);
		*ended_ns = m.ended_ns;
		return 0;
	}
	while (n && got >= 0)
		(void)close(fds[--n]);
	return -EPIPE;
}
