/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the TCP sockets of the channels between nodes: connecting, hellos, frames, deadlines and
 * queues. app/node/claimant.c owns it; SIP messages of shards that run on another node go this way.
 * A parcel is reported lost if it did not leave, and is never sent a second time by itself, so a
 * SIP transaction decides what to repeat.
 */

#include "cluster/peer/channels.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"

/* For a connect, a hello, the first frame, and for what is sent to be acknowledged. */
#define CHANNEL_PATIENCE_NS (4 * NS_PER_S)

enum { CHANNEL_BACKLOG = 64, CHANNEL_FRAMES_A_ROUND = 64 };

/* A parcel that waits. */
struct channel_parcel {
	struct channel_parcel *next;
	uint64_t incarnation; /* of the process it is for */
	size_t n;
	uint8_t octets[];
};

enum outward_state { OUTWARD_NONE, OUTWARD_CONNECTING, OUTWARD_GREETING, OUTWARD_OPEN };

struct outward {
	struct channels *owner;
	uint64_t id;
	struct addr address;
	enum outward_state state;
	int fd;
	uint64_t since_ns; /* of the state; OPEN: what is sent waits since then; 0: nothing does */
	uint64_t incarnation; /* OPEN: who is there */
	struct channel_key key;
	uint8_t own[CHANNEL_HELLO_LEN], theirs[CHANNEL_HELLO_LEN];
	size_t heard;                        /* of theirs */
	struct channel_parcel *first, *last; /* not sealed yet */
	size_t waiting;                      /* octets of them */
	uint8_t *frame;                      /* CHANNEL_FRAME_MAX: on its way */
	size_t frame_at, frame_n;
};

struct inward {
	struct channels *owner;
	int fd; /* -1: none */
	uint64_t since_ns;
	bool greeted, proven;
	uint64_t id, incarnation;
	struct channel_key key;
	uint8_t *in; /* CHANNEL_FRAME_MAX */
	size_t n;
};

struct channels {
	struct channels_settings settings;
	struct channels_handlers handlers;
	struct channels_counts counts;
	struct addr address;
	int fd;
	uint32_t count;
	struct outward to[CHANNELS_MAX];
	struct inward from[CHANNELS_IN_MAX];
	uint8_t text[PARCEL_MAX];
};

static void hello_make(struct channels *c, uint64_t to, uint8_t out[CHANNEL_HELLO_LEN])
{
	struct channel_hello hello = { .from = c->settings.id,
				       .to = to,
				       .incarnation = c->settings.incarnation };

	rand_fill(c->settings.rand, hello.random, sizeof(hello.random));
	channel_hello_write(out, &hello);
}

static void channel_socket_setup(int fd)
{
	const int on = 1, patience_ms = (int)(CHANNEL_PATIENCE_NS / NS_PER_MS);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
}

/* ---- to others ---- */

static void outward_drop(struct outward *o)
{
	if (o->state == OUTWARD_NONE)
		return;
	loop_unwatch(o->fd);
	(void)close(o->fd);
	OPENSSL_cleanse(&o->key, sizeof(o->key));
	o->state = OUTWARD_NONE;
	o->frame_at = o->frame_n = o->heard = 0;
}

static void parcel_lose(struct channels *c, const struct channel_parcel *waits)
{
	struct parcel p;

	c->counts.lost++;
	if (!parcel_read(&p, bytes_mem(waits->octets, waits->n)))
		c->handlers.lost(&p, waits->incarnation, c->handlers.arg);
}

/* A handler that is told may send again: that goes over a new channel. */
static void outward_fail(struct outward *o)
{
	struct channel_parcel *list = o->first, *next;

	outward_drop(o);
	o->first = o->last = NULL;
	o->waiting = 0;
	for (; list; list = next) {
		next = list->next;
		parcel_lose(o->owner, list);
		free(list);
	}
}

/* Takes the first off: it is sealed, or for a process that is gone. */
static int outward_seal(struct outward *o)
{
	struct channel_parcel *p = o->first;
	int err = 0;

	o->first = p->next;
	o->waiting -= p->n;
	if (!o->first)
		o->last = NULL;
	if (p->incarnation == o->incarnation) {
		o->frame_at = o->frame_n = 0;
		err = channel_seal(&o->key, bytes_mem(p->octets, p->n), o->frame, &o->frame_n);
	}
	if (err || p->incarnation != o->incarnation)
		parcel_lose(o->owner, p);
	free(p);
	return err;
}

/* 0: all of the frame left; -EAGAIN; else it is over. */
static int outward_push(struct outward *o)
{
	while (o->frame_at < o->frame_n) {
		ssize_t n = send(o->fd, o->frame + o->frame_at, o->frame_n - o->frame_at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		o->frame_at += (size_t)n;
		o->since_ns = 0;
	}
	return 0;
}

static void outward_ready(int fd, unsigned events, void *arg);

static int outward_flush(struct outward *o)
{
	int err = outward_push(o);

	while (!err && o->first) {
		err = outward_seal(o);
		if (!err)
			err = outward_push(o);
		if (!err)
			o->owner->counts.sent++;
	}
	if (err == -EAGAIN && !o->since_ns)
		o->since_ns = clock_now_ns();
	if (!err)
		o->since_ns = 0;
	if (err && err != -EAGAIN)
		return err;
	return loop_watch(o->fd, LOOP_READ | (err ? LOOP_WRITE : 0U), outward_ready, o);
}

/* The peer's hello is there: it is the expected node, or its first frame shows that it is not. */
static int outward_greeted(struct outward *o)
{
	struct channels *c = o->owner;
	struct channel_hello hello;

	if (channel_hello_read(&hello, o->theirs) || hello.from != o->id ||
	    hello.to != c->settings.id)
		return -EPROTO;
	channel_key_derive(&o->key, c->settings.key, o->own, o->theirs);
	o->incarnation = hello.incarnation;
	o->state = OUTWARD_OPEN;
	o->since_ns = 0;
	return outward_flush(o);
}

/* After its hello the peer sends nothing: its end is noticed here. */
static int outward_receive(struct outward *o)
{
	uint8_t more;
	bool greets = o->state == OUTWARD_GREETING;
	ssize_t n = recv(o->fd, greets ? o->theirs + o->heard : &more,
			 greets ? CHANNEL_HELLO_LEN - o->heard : 1, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0 || !greets)
		return -ECONNRESET;
	o->heard += (size_t)n;
	return o->heard == CHANNEL_HELLO_LEN ? outward_greeted(o) : 0;
}

static int outward_connected(struct outward *o)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error)
		return error ? -error : -errno;
	o->state = OUTWARD_GREETING;
	hello_make(o->owner, o->id, o->own);
	/* an empty buffer takes it whole */
	if (send(o->fd, o->own, CHANNEL_HELLO_LEN, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    CHANNEL_HELLO_LEN)
		return -EIO;
	return loop_watch(o->fd, LOOP_READ, outward_ready, o);
}

static void outward_ready(int fd, unsigned events, void *arg)
{
	struct outward *o = arg;
	int err = 0;

	(void)fd;
	if (o->state == OUTWARD_CONNECTING) {
		err = outward_connected(o);
	} else {
		if (events & (LOOP_READ | LOOP_ERROR))
			err = outward_receive(o);
		if (!err && o->state == OUTWARD_OPEN && events & LOOP_WRITE)
			err = outward_flush(o);
	}
	if (err)
		outward_fail(o);
}

/* From the own address, so that a firewall between nodes knows the sender. */
static int outward_socket(const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage sa;
	struct addr any_port = *from;
	socklen_t n;
	int fd = socket(to->family == ADDR_V4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	channel_socket_setup(fd);
	any_port.port = 0;
	n = addr_to_sockaddr(&any_port, &sa);
	if (from->family != to->family || bind(fd, (const struct sockaddr *)&sa, n) == 0) {
		n = addr_to_sockaddr(to, &sa);
		if (connect(fd, (const struct sockaddr *)&sa, n) == 0 || errno == EINPROGRESS)
			return fd;
	}
	n = (socklen_t)errno;
	(void)close(fd);
	return -(int)n;
}

static int outward_start(struct outward *o)
{
	int err;

	o->fd = outward_socket(&o->owner->address, &o->address);
	if (o->fd < 0)
		return o->fd;
	err = loop_watch(o->fd, LOOP_WRITE, outward_ready, o);
	if (err) {
		(void)close(o->fd);
		return err;
	}
	o->state = OUTWARD_CONNECTING;
	o->since_ns = clock_now_ns();
	return 0;
}

static struct outward *outward_for(struct channels *c, const struct channel_to *to)
{
	struct outward *o = NULL;

	for (uint32_t i = 0; i < c->count && !o; i++) {
		if (c->to[i].id == to->id)
			o = &c->to[i];
	}
	for (uint32_t i = 0; i < c->count && !o; i++) { /* of a node that has gone */
		if (c->to[i].state == OUTWARD_NONE && c->count == CHANNELS_MAX)
			o = &c->to[i];
	}
	if (!o && c->count == CHANNELS_MAX)
		return NULL;
	o = o ? o : &c->to[c->count++];
	if (!o->frame && !(o->frame = malloc(CHANNEL_FRAME_MAX)))
		return NULL;
	if (o->state == OUTWARD_NONE) {
		o->owner = c;
		o->id = to->id;
		o->address = to->address;
	}
	return o;
}

static int outward_add(struct outward *o, uint64_t incarnation, const struct parcel *p)
{
	size_t n = PARCEL_HEAD_LEN + p->data.n;
	struct channel_parcel *waits = malloc(sizeof(*waits) + n);
	struct writer w;

	if (!waits)
		return -ENOMEM;
	*waits = (struct channel_parcel){ .incarnation = incarnation, .n = n };
	w = writer_over(waits->octets, n);
	parcel_write(&w, p);
	assert(!w.overflow && w.n == n);
	if (o->last)
		o->last->next = waits;
	else
		o->first = waits;
	o->last = waits;
	o->waiting += n;
	return 0;
}

int channels_send(struct channels *c, const struct channel_to *to, const struct parcel *p)
{
	struct outward *o = outward_for(c, to);
	int err;

	if (!o)
		return -ENOBUFS;
	if (o->waiting + p->data.n > CHANNEL_QUEUE_MAX)
		return -ENOBUFS;
	if (o->state == OUTWARD_NONE) {
		err = outward_start(o);
		if (err)
			return err;
	}
	err = outward_add(o, to->incarnation, p);
	if (!err && o->state == OUTWARD_OPEN && o->frame_at == o->frame_n)
		err = loop_watch(o->fd, LOOP_READ | LOOP_WRITE, outward_ready, o);
	return err;
}

/* ---- from others ---- */

static void inward_close(struct inward *in)
{
	if (in->fd < 0)
		return;
	loop_unwatch(in->fd);
	(void)close(in->fd);
	OPENSSL_cleanse(&in->key, sizeof(in->key));
	free(in->in);
	*in = (struct inward){ .owner = in->owner, .fd = -1 };
}

static void inward_refuse(struct inward *in)
{
	in->owner->counts.refused++;
	inward_close(in);
}

/* A peer that brings files waits for an answer: no more than its hello is there. */
static bool inward_is_of_files(const struct inward *in)
{
	static const uint8_t files[] = { CHANNEL_FILES_MAGIC };

	return !in->greeted && in->n == CHANNEL_HELLO_LEN &&
	       !memcmp(in->in, files, sizeof(files)) && in->owner->handlers.files;
}

static void inward_give(struct inward *in)
{
	struct channels *c = in->owner;
	uint8_t hello[CHANNEL_HELLO_LEN];
	int fd = in->fd;

	memcpy(hello, in->in, sizeof(hello));
	loop_unwatch(fd);
	free(in->in);
	*in = (struct inward){ .owner = c, .fd = -1 };
	c->handlers.files(fd, hello, c->handlers.arg);
}

static int inward_greeted(struct inward *in)
{
	struct channels *c = in->owner;
	uint8_t answer[CHANNEL_HELLO_LEN];
	struct channel_hello hello;

	if (channel_hello_read(&hello, in->in) || hello.to != c->settings.id ||
	    hello.from == c->settings.id)
		return -EPROTO;
	in->id = hello.from;
	in->incarnation = hello.incarnation;
	hello_make(c, in->id, answer);
	if (send(in->fd, answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL) != CHANNEL_HELLO_LEN)
		return -EIO;
	channel_key_derive(&in->key, c->settings.key, in->in, answer);
	in->greeted = true;
	return 0;
}

static int inward_frame(struct inward *in, struct bytes frame)
{
	struct channels *c = in->owner;
	struct parcel p;
	size_t n;
	int err = channel_unseal(&in->key, frame, c->text, &n);

	if (err)
		return err;
	in->proven = true;
	err = parcel_read(&p, bytes_mem(c->text, n));
	if (err == -EPROTONOSUPPORT)
		return 0;
	if (err)
		return err;
	c->counts.received++;
	c->handlers.parcel(&p, in->id, in->incarnation, c->handlers.arg);
	return 0;
}

/* Takes what is whole off what has come. */
static int inward_read_frames(struct inward *in)
{
	size_t at = 0, n = 0;
	int err = 0;

	if (!in->greeted) {
		if (in->n < CHANNEL_HELLO_LEN)
			return 0;
		err = inward_greeted(in);
		at = CHANNEL_HELLO_LEN;
	}
	while (!err) {
		err = channel_frame(bytes_mem(in->in + at, in->n - at), &n);
		if (err || !n || in->n - at < n)
			break;
		err = inward_frame(in, bytes_mem(in->in + at, n));
		at += n;
	}
	if (err)
		return err;
	memmove(in->in, in->in + at, in->n - at);
	in->n -= at;
	return 0;
}

static void inward_ready(int fd, unsigned events, void *arg)
{
	struct inward *in = arg;

	(void)events;
	for (uint32_t i = 0; i < CHANNEL_FRAMES_A_ROUND; i++) {
		ssize_t n = recv(fd, in->in + in->n, CHANNEL_FRAME_MAX - in->n, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			inward_close(in);
			return;
		}
		in->n += (size_t)n;
		if (inward_is_of_files(in)) {
			inward_give(in);
			return;
		}
		if (inward_read_frames(in)) {
			inward_refuse(in);
			return;
		}
	}
}

/* Else the place of the eldest that has proved nothing. NULL: all have. */
static struct inward *inward_place(struct channels *c)
{
	struct inward *eldest = NULL;

	for (uint32_t i = 0; i < CHANNELS_IN_MAX; i++) {
		struct inward *in = &c->from[i];

		if (in->fd < 0)
			return in;
		if (!in->proven && (!eldest || in->since_ns < eldest->since_ns))
			eldest = in;
	}
	if (eldest)
		inward_refuse(eldest);
	return eldest;
}

static void inward_open(struct channels *c, int fd)
{
	struct inward *in = inward_place(c);
	uint8_t *space = in ? malloc(CHANNEL_FRAME_MAX) : NULL;

	if (!space || loop_watch(fd, LOOP_READ, inward_ready, in)) {
		free(space);
		(void)close(fd);
		c->counts.refused++;
		return;
	}
	channel_socket_setup(fd);
	*in = (struct inward){ .owner = c, .fd = fd, .since_ns = clock_now_ns(), .in = space };
}

static void channels_accept(int fd, unsigned events, void *arg)
{
	struct channels *c = arg;

	(void)events;
	for (uint32_t i = 0; i < CHANNEL_BACKLOG; i++) {
		int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (got < 0)
			return;
		inward_open(c, got);
	}
}

/* ---- time ---- */

static uint64_t outward_due_ns(const struct outward *o)
{
	if (o->state == OUTWARD_NONE || (o->state == OUTWARD_OPEN && !o->since_ns))
		return UINT64_MAX;
	return o->since_ns + CHANNEL_PATIENCE_NS;
}

static uint64_t inward_due_ns(const struct inward *in)
{
	return in->fd < 0 || in->proven ? UINT64_MAX : in->since_ns + CHANNEL_PATIENCE_NS;
}

void channels_expire(struct channels *c, uint64_t now_ns)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (outward_due_ns(&c->to[i]) <= now_ns)
			outward_fail(&c->to[i]);
	}
	for (uint32_t i = 0; i < CHANNELS_IN_MAX; i++) {
		if (inward_due_ns(&c->from[i]) <= now_ns)
			inward_refuse(&c->from[i]);
	}
}

uint64_t channels_next_ns(const struct channels *c)
{
	uint64_t next = UINT64_MAX, due;

	for (uint32_t i = 0; i < c->count; i++) {
		due = outward_due_ns(&c->to[i]);
		next = due < next ? due : next;
	}
	for (uint32_t i = 0; i < CHANNELS_IN_MAX; i++) {
		due = inward_due_ns(&c->from[i]);
		next = due < next ? due : next;
	}
	return next;
}

/* ---- life ---- */

static int channels_bind(struct channels *c)
{
	struct sockaddr_storage sa;
	const int on = 1;
	socklen_t n = addr_to_sockaddr(&c->settings.listen, &sa);

	c->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* connections of a killed node still close themselves: they are not in the way */
	if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(c->fd, (const struct sockaddr *)&sa, n) < 0 || listen(c->fd, CHANNEL_BACKLOG) < 0)
		return -errno;
	n = sizeof(sa);
	if (getsockname(c->fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(&c->address, (const struct sockaddr *)&sa);
}

int channels_open(struct channels **out, const struct channels_settings *s,
		  const struct channels_handlers *handlers)
{
	struct channels *c = calloc(1, sizeof(*c));
	int err;

	assert(s->id && s->incarnation);
	if (!c)
		return -ENOMEM;
	c->settings = *s;
	c->handlers = *handlers;
	for (uint32_t i = 0; i < CHANNELS_IN_MAX; i++)
		c->from[i] = (struct inward){ .owner = c, .fd = -1 };
	err = channels_bind(c);
	if (!err)
		err = loop_watch(c->fd, LOOP_READ, channels_accept, c);
	if (err) {
		channels_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static void outward_close(struct outward *o)
{
	struct channel_parcel *next;

	outward_drop(o);
	for (struct channel_parcel *p = o->first; p; p = next) {
		next = p->next;
		free(p);
	}
	free(o->frame);
}

void channels_close(struct channels *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->count; i++)
		outward_close(&c->to[i]);
	for (uint32_t i = 0; i < CHANNELS_IN_MAX; i++)
		inward_close(&c->from[i]);
	if (c->fd >= 0) {
		loop_unwatch(c->fd);
		(void)close(c->fd);
	}
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

const struct addr *channels_address(const struct channels *c)
{
	return &c->address;
}

const struct channels_counts *channels_counts(const struct channels *c)
{
	return &c->counts;
}
