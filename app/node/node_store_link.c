/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON to the process that stores recordings, and from it. It never delays the node: what does not go at once waits here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/node/node.h"
#include "app/node/node_store.h"
#include "base/log.h"
#include "base/loop.h"

enum { PIECE = 65536, READS_MAX = 16 };

int node_store_put(struct node_store_buffer *b, const void *p, size_t n)
{
	size_t cap = b->cap ? b->cap : PIECE;
	char *more;

	if (b->n + n > NODE_STORE_LINE_MAX)
		return -ENOBUFS;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->cap) {
		more = malloc(cap);
		if (!more)
			return -ENOMEM;
		if (b->n)
			memcpy(more, b->p, b->n);
		if (b->p)
			explicit_bzero(b->p, b->cap);
		free(b->p);
		b->p = more;
		b->cap = cap;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

/* Secrets were in it. */
void node_store_clear(struct node_store_buffer *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct node_store_buffer){ 0 };
}

static void buffer_drop(struct node_store_buffer *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
	explicit_bzero(b->p + b->n, n);
	if (!b->n)
		node_store_clear(b);
}

static int store_link_flush(struct node *n)
{
	struct node_store *s = &n->recordings;
	ssize_t sent = 1;

	while (s->out.n && sent > 0) {
		sent = send(s->link, s->out.p, s->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0)
			buffer_drop(&s->out, (size_t)sent);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	return loop_watch(s->link, LOOP_READ | (s->out.n ? LOOP_WRITE : 0), node_store_on_link, n);
}

void node_store_send(struct node *n, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	int err = -ENOMEM;

	json_decref(line);
	if (text) {
		text[length] = '\n'; /* in the place of its end */
		err = node_store_put(&n->recordings.out, text, length + 1);
		explicit_bzero(text, length + 1);
		free(text);
	}
	if (!err)
		err = store_link_flush(n);
	if (err) {
		LOG_ERROR("recordings", 0, "tandem-store cannot be told",
			  LOG_STR("error", strerror(-err)));
		node_store_died(n);
	}
}

static void store_link_line(struct node *n, size_t length)
{
	json_t *line = json_loadb(n->recordings.in.p, length, 0, NULL);

	buffer_drop(&n->recordings.in, length);
	if (line)
		node_store_heard(n, line);
	json_decref(line);
}

/* A handler may have ended the link: then nothing is left in the buffer. */
static void store_link_lines(struct node *n)
{
	struct node_store_buffer *in = &n->recordings.in;
	const char *end;

	while (in->n && (end = memchr(in->p, '\n', in->n)))
		store_link_line(n, (size_t)(end - in->p) + 1);
}

static int store_link_read(struct node *n)
{
	struct node_store *s = &n->recordings;
	static char piece[PIECE];
	int err = 0;

	for (unsigned i = 0; !err && i < READS_MAX && s->link >= 0; i++) {
		ssize_t got = recv(s->link, piece, sizeof(piece), MSG_DONTWAIT);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (got == 0)
			return -EPIPE;
		err = node_store_put(&s->in, piece, (size_t)got);
		if (!err)
			store_link_lines(n);
	}
	return err;
}

void node_store_on_link(int fd, unsigned events, void *arg)
{
	struct node *n = arg;
	int err = 0;

	if (fd != n->recordings.link)
		return;
	if (events & (LOOP_READ | LOOP_ERROR))
		err = store_link_read(n);
	if (!err && n->recordings.link >= 0 && (events & LOOP_WRITE))
		err = store_link_flush(n);
	if (err && n->recordings.link >= 0)
		node_store_died(n);
}
