/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of recordings that are not stored yet, from process to process (docs/adr/0048): the link
 * between two nodes, the sender and the receiver. A recording to play that this node lacks is
 * fetched by app/deliver/copy_fetch.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "app/deliver/copy_work.h"
#include "base/clock.h"
#include "base/file.h"

enum {
	PATIENCE_S = 60, /* a machine that is busy gives an idle process little */
};

/* The hello of a channel for parcels begins otherwise (cluster/peer/channel.h). */
static const uint8_t g_files[4] = { CHANNEL_FILES_MAGIC };

static void link_hello(const struct copy_self *self, uint64_t other, struct rand_source *rand,
		       uint8_t out[CHANNEL_HELLO_LEN])
{
	struct channel_hello hello = { .from = self->id,
				       .to = other,
				       .incarnation = self->incarnation };

	rand_fill(rand, hello.random, sizeof(hello.random));
	channel_hello_write(out, &hello);
	memcpy(out, g_files, sizeof(g_files));
}

static int link_hello_read(struct channel_hello *hello, const uint8_t in[CHANNEL_HELLO_LEN])
{
	uint8_t usual[CHANNEL_HELLO_LEN];
	struct channel_hello none = { .from = 1, .incarnation = 1 };

	channel_hello_write(usual, &none);
	memcpy(usual + sizeof(g_files), in + sizeof(g_files), CHANNEL_HELLO_LEN - sizeof(g_files));
	return memcmp(in, g_files, sizeof(g_files)) ? -EBADMSG : channel_hello_read(hello, usual);
}

/* ---- octets ---- */

static int link_write(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int copy_link_read(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!got)
			return -ECONNRESET;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int link_patience(int fd, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

int copy_link_patience(const struct copy_link *l, int seconds)
{
	return link_patience(l->fd, seconds);
}

static int copy_link_setup(int fd)
{
	const int on = 1, never = 0;
	int flags = fcntl(fd, F_GETFL);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* as the node had set it for its own */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &never, sizeof(never));
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* ---- both ends ---- */

static int link_open(const struct addr *to, int seconds)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = copy_link_setup(fd);
	if (!err)
		err = link_patience(fd, seconds);
	if (!err && connect(fd, (const struct sockaddr *)&sa, n) < 0)
		err = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	if (err)
		(void)close(fd);
	return err ? err : fd;
}

void copy_link_close(struct copy_link *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	explicit_bzero(l, sizeof(*l));
	l->fd = -1;
}

int copy_link_connect(struct copy_link *l, const struct copy_self *self, const struct addr *to,
		      uint64_t other, int seconds, struct rand_source *rand)
{
	uint8_t asks[CHANNEL_HELLO_LEN], answers[CHANNEL_HELLO_LEN];
	struct channel_hello hello;
	int err;

	*l = (struct copy_link){ .fd = link_open(to, seconds), .other = other };
	if (l->fd < 0)
		return l->fd;
	link_hello(self, other, rand, asks);
	err = link_write(l->fd, asks, sizeof(asks));
	if (!err)
		err = copy_link_read(l->fd, answers, sizeof(answers));
	if (!err)
		err = link_hello_read(&hello, answers);
	if (!err && (hello.from != other || hello.to != self->id))
		err = -EPROTO;
	if (!err)
		err = link_patience(l->fd, PATIENCE_S);
	if (err) {
		copy_link_close(l);
		return err;
	}
	channel_key_derive(&l->out, self->key, asks, answers);
	channel_key_derive(&l->in, self->key, answers, asks);
	return 0;
}

int copy_link_accept(struct copy_link *l, const struct copy_self *self, int fd,
		     const uint8_t asks[CHANNEL_HELLO_LEN], struct rand_source *rand)
{
	uint8_t answers[CHANNEL_HELLO_LEN];
	struct channel_hello hello;
	int err = link_hello_read(&hello, asks);

	*l = (struct copy_link){ .fd = fd };
	if (!err && (hello.to != self->id || hello.from == self->id))
		err = -EPROTO;
	if (!err)
		err = copy_link_setup(fd);
	if (!err)
		err = link_patience(fd, COPY_HELLO_S);
	if (!err) {
		l->other = hello.from;
		link_hello(self, l->other, rand, answers);
		err = link_write(fd, answers, sizeof(answers));
	}
	if (err) {
		copy_link_close(l);
		return err;
	}
	channel_key_derive(&l->in, self->key, asks, answers);
	channel_key_derive(&l->out, self->key, answers, asks);
	return 0;
}

/* It has said something that counts: it may be slow from now on. */
static void copy_link_proven(struct copy_link *l)
{
	if (!l->proven)
		(void)link_patience(l->fd, PATIENCE_S);
	l->proven = true;
}

/* ---- messages ---- */

int copy_link_send(struct copy_link *l, const struct copy_message *m)
{
	struct writer w = writer_over(l->text, sizeof(l->text));
	size_t n;
	int err;

	copy_message_write(&w, m);
	err = w.overflow ? -EMSGSIZE : channel_seal(&l->out, writer_done(&w), l->frame, &n);
	return err ? err : link_write(l->fd, l->frame, n);
}

int copy_link_receive(struct copy_link *l, struct copy_message *m)
{
	size_t n = 0;
	int err = copy_link_read(l->fd, l->frame, CHANNEL_FRAME_HEAD);

	if (!err)
		err = channel_frame(bytes_mem(l->frame, CHANNEL_FRAME_HEAD), &n);
	if (!err)
		err = copy_link_read(l->fd, l->frame + CHANNEL_FRAME_HEAD, n - CHANNEL_FRAME_HEAD);
	if (!err)
		err = channel_unseal(&l->in, bytes_mem(l->frame, n), l->text, &n);
	return err ? err : copy_message_read(m, bytes_mem(l->text, n));
}

/* Brings to the neighbour what is not stored yet: finished files whole, and of running ones what
 * was written since the last round but one, as late packets go back to their place. Stored or
 * deleted files are dropped there. The folder alone is the state. */

enum {
	FILES_MAX = 65536,
	AGAIN_OCTETS = 1 << 20,
	ALL_ROUNDS = 30,
};

/* What the neighbour has. */
struct send_file {
	char path[QUEUE_PATH_MAX];
	uint64_t sent, from; /* octets; where the next time begins */
	bool whole;
};

struct sender {
	const struct terms *terms;
	struct copy_link *link;
	struct copy_shared *shared;
	struct send_file **files; /* by their paths */
	uint32_t count;
	bool behind; /* something did not get there this time */
	int err;     /* of the link */
	uint8_t octets[COPY_DATA_MAX];
};

/* ---- what is there ---- */

/* Its place, or where it would be. */
static uint32_t sender_place(const struct sender *s, const char *path)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (strcmp(s->files[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: no room or no memory. */
static struct send_file *sender_file(struct sender *s, const char *path)
{
	uint32_t at = sender_place(s, path);
	struct send_file *f;

	if (at < s->count && !strcmp(s->files[at]->path, path))
		return s->files[at];
	f = s->count < FILES_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f || bytes_cstr(bytes_str(path), f->path, sizeof(f->path))) {
		free(f);
		return NULL;
	}
	memmove(s->files + at + 1, s->files + at, (s->count - at) * sizeof(s->files[0]));
	s->files[at] = f;
	s->count++;
	return f;
}

static void sender_forget(struct sender *s, uint32_t at)
{
	free(s->files[at]);
	s->count--;
	memmove(s->files + at, s->files + at + 1, (s->count - at) * sizeof(s->files[0]));
}

/* ---- one message ---- */

/* 0; -ENOSPC: the neighbour does not take it now; else the link is over. */
static int sender_write(struct sender *s, const struct copy_message *m)
{
	struct copy_message answer;
	int err = copy_link_send(s->link, m);

	if (!err)
		err = copy_link_receive(s->link, &answer);
	if (err) {
		s->err = err;
		return err;
	}
	atomic_fetch_add_explicit(&s->shared->sent, m->data.n, memory_order_relaxed);
	if (answer.kind == COPY_DONE)
		return 0;
	s->behind = true;
	if (answer.kind == COPY_FULL)
		atomic_fetch_add_explicit(&s->shared->refused, 1, memory_order_relaxed);
	return -ENOSPC;
}

struct copy_message copy_message_of(enum copy_kind kind, const char *path)
{
	struct copy_message m = { .kind = kind };

	(void)bytes_cstr(bytes_str(path), m.path, sizeof(m.path));
	return m;
}

/* ending: of the owner's file. *end: how far it goes. 0; -ENOENT; or of sender_write. */
static int sender_octets(struct sender *s, const char *path, const char *ending,
			 enum copy_part part, uint64_t from, uint64_t *end)
{
	char name[FOLDER_PATH_MAX];
	struct copy_message m = copy_message_of(COPY_DATA, path);
	ssize_t n;
	int fd, err = 0;

	folder_path(name, s->terms->folder, path, ending);
	fd = file_read_open(name);
	if (fd < 0)
		return -ENOENT;
	m.part = part;
	m.at = from;
	while (!err && (n = pread(fd, s->octets, sizeof(s->octets), (off_t)m.at)) > 0) {
		m.data = bytes_mem(s->octets, (size_t)n);
		err = sender_write(s, &m);
		m.at += (uint64_t)n;
	}
	*end = m.at;
	(void)close(fd);
	return err;
}

/* ---- files ---- */

static void sender_whole(struct sender *s, struct send_file *f)
{
	struct copy_message m = copy_message_of(COPY_FINISH, f->path);
	uint64_t ignored;
	int err = sender_octets(s, f->path, "", COPY_SOUND, 0, &m.at);

	if (!err)
		err = sender_octets(s, f->path, "json", COPY_SIDECAR, 0, &ignored);
	if (!err)
		err = sender_write(s, &m);
	f->whole = !err;
	s->behind |= !f->whole && err != -ENOENT; /* that one is gone */
}

static void sender_grown(struct sender *s, struct send_file *f)
{
	uint64_t end, ignored, before = f->sent;
	int err = before ? 0 : sender_octets(s, f->path, "json.new", COPY_EARLY, 0, &ignored);

	if (!err)
		err = sender_octets(s, f->path, "", COPY_SOUND, f->from, &end);
	f->from = err ? 0 : before; /* all of it, where there is room again */
	f->sent = err ? 0 : end;
}

static bool sender_takes(struct sender *s, const struct folder_entry *entry)
{
	return folder_path_fits(bytes_str(entry->path)) &&
	       (entry->boxed ||
		(terms_tenant(s->terms, entry->tenant)->count && entry->state != FOLDER_DONE));
}

static bool sender_finished(const struct folder_entry *entry, void *arg)
{
	struct sender *s = arg;
	struct send_file *f = sender_takes(s, entry) ? sender_file(s, entry->path) : NULL;

	s->behind |= sender_takes(s, entry) && !f;
	if (f && !f->whole)
		sender_whole(s, f);
	return !s->err;
}

/* Its mark comes at its end: until then the first facts of it tell whether it is in a mailbox. */
static bool sender_is_message(struct sender *s, const struct folder_entry *entry)
{
	static const char box[] = "\"mailbox\":\"";
	char name[FOLDER_PATH_MAX];
	const uint8_t *at;
	ssize_t n;
	int fd;

	if (!folder_path_fits(bytes_str(entry->path)))
		return false;
	folder_path(name, s->terms->folder, entry->path, "json.new");
	fd = file_read_open(name);
	if (fd < 0)
		return false;
	n = read(fd, s->octets, sizeof(s->octets));
	(void)close(fd);
	at = n > 0 ? memmem(s->octets, (size_t)n, box, sizeof(box) - 1) : NULL;
	return at && at + sizeof(box) - 1 < s->octets + n && at[sizeof(box) - 1] != '"';
}

static bool sender_running(const struct folder_entry *entry, void *arg)
{
	struct sender *s = arg;
	bool takes = sender_takes(s, entry) || sender_is_message(s, entry);
	struct send_file *f = takes ? sender_file(s, entry->path) : NULL;

	if (f && !f->whole)
		sender_grown(s, f);
	return !s->err;
}

/* ---- what the other has ---- */

/* NULL: no memory. */
static struct sender *sender_new(const struct terms *terms, struct copy_link *link,
				 struct copy_shared *shared)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sender){ .terms = terms, .link = link, .shared = shared };
	s->files = calloc(FILES_MAX, sizeof(s->files[0]));
	if (s->files)
		return s;
	free(s);
	return NULL;
}

static int sender_list(struct sender *s)
{
	const struct copy_message ask = { .kind = COPY_LIST };
	struct copy_message m;
	int err = copy_link_send(s->link, &ask);

	while (!err && !(err = copy_link_receive(s->link, &m)) && m.kind == COPY_HAS) {
		struct send_file *f = sender_file(s, m.path);

		if (!f)
			return -ENOMEM;
		f->whole = m.whole;
		f->sent = m.at;
		f->from = m.at > AGAIN_OCTETS ? m.at - AGAIN_OCTETS : 0;
	}
	return err ? err : m.kind == COPY_DONE ? 0 : -EPROTO;
}

/* ---- what is stored ---- */

static bool sender_is_there(const struct sender *s, const char *path, const char *ending)
{
	char name[FOLDER_PATH_MAX];

	folder_path(name, s->terms->folder, path, ending);
	return access(name, F_OK) == 0;
}

/* Its successor is here, and not there yet: an encrypted message always has a copy. */
static bool sender_follows(const struct sender *s, const char *path)
{
	char sealed[QUEUE_PATH_MAX];
	uint32_t at;

	if (snprintf(sealed, sizeof(sealed), "%s" AES128GCM_ENDING, path) >= (int)sizeof(sealed) ||
	    !sender_is_there(s, sealed, "json"))
		return false;
	at = sender_place(s, sealed);
	return at == s->count || strcmp(s->files[at]->path, sealed) != 0 || !s->files[at]->whole;
}

static void sender_drop(struct sender *s)
{
	for (uint32_t i = s->count; i-- && !s->err;) {
		const char *path = s->files[i]->path;
		const struct copy_message m = copy_message_of(COPY_DROP, path);

		if (sender_is_there(s, path, "") &&
		    (sender_is_there(s, path, FOLDER_BOX) ||
		     !sender_is_there(s, path, g_folder_states[FOLDER_DONE])))
			continue;
		if (sender_follows(s, path))
			continue;
		if (!sender_write(s, &m))
			sender_forget(s, i);
	}
}

int copy_clear(const struct terms *terms, struct copy_link *link, struct copy_shared *shared)
{
	struct sender *s = sender_new(terms, link, shared);

	if (!s)
		return -ENOMEM;
	s->err = sender_list(s);
	while (!s->err && !s->behind && s->count) {
		const struct copy_message m =
			copy_message_of(COPY_DROP, s->files[s->count - 1]->path);

		if (!sender_write(s, &m))
			sender_forget(s, s->count - 1);
	}
	return s->err || !s->behind ? s->err : -EAGAIN; /* the child ends with it */
}

/* ---- rounds ---- */

static const char *sender_since(char date[FOLDER_DATE_LEN + 1], uint32_t round)
{
	if (round % ALL_ROUNDS == 0)
		return NULL;
	folder_day(date, clock_utc_ms() / 1000 - FOLDER_DAY_S);
	return date;
}

static void copy_sender_round(struct sender *s, uint32_t round)
{
	const struct copy_message beat = { .kind = COPY_BEAT };
	uint64_t began_ms = clock_utc_ms(), number = 1 + atomic_fetch_add(&s->shared->begun, 1);
	char date[FOLDER_DATE_LEN + 1];
	const char *since = sender_since(date, round);

	s->behind = false;
	(void)folder_walk(s->terms->folder, NULL, since, sender_finished, s);
	if (!s->err)
		(void)folder_walk_running(s->terms->folder, since, sender_running, s);
	sender_drop(s);
	if (!s->err)
		(void)sender_write(s, &beat);
	if (s->err || s->behind)
		return;
	atomic_store_explicit(&s->shared->whole_ms, began_ms, memory_order_relaxed);
	atomic_store(&s->shared->whole, number);
}

void copy_wakes(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, COPY_WAKE);
}

int copy_send(const struct terms *terms, struct copy_link *link, struct copy_shared *shared)
{
	struct sender *s = sender_new(terms, link, shared);
	struct timespec pause = { (time_t)(terms->copies.every_ms / 1000),
				  (long)(terms->copies.every_ms % 1000) * 1000000 };
	sigset_t wakes;

	if (!s)
		return -ENOMEM;
	copy_wakes(&wakes);
	s->err = sender_list(s);
	for (uint32_t round = 0; !s->err; round++) {
		copy_sender_round(s, round);
		if (!s->err)
			(void)sigtimedwait(&wakes, NULL, &pause);
	}
	return s->err; /* the child ends with it */
}

/* Keeps copies of another node, while there is room:
 * in .copies/NODE of the folder, under their names there. */

struct taker {
	const struct terms *terms;
	struct copy_link *link;
	struct copy_shared *shared;
	char folder[FOLDER_PATH_MAX];
	struct copy_reader reader;
	int err;
};

void copy_folder(char out[FOLDER_PATH_MAX], const char *folder, uint64_t node)
{
	int n = snprintf(out, FOLDER_PATH_MAX, "%s/.copies", folder);

	if (node && n > 0 && n < FOLDER_PATH_MAX)
		(void)snprintf(out + n, FOLDER_PATH_MAX - (size_t)n, "/%016" PRIx64, node);
}

/* ---- octets ---- */

static bool taker_has_room(struct taker *t, uint64_t more)
{
	uint64_t held = atomic_load_explicit(&t->shared->held, memory_order_relaxed);
	struct statvfs fs;

	if (held + more <= t->terms->copies.octets &&
	    (statvfs(t->folder, &fs) < 0 ||
	     (uint64_t)fs.f_bavail * fs.f_frsize >= t->terms->free_octets + more))
		return true;
	atomic_fetch_add_explicit(&t->shared->full, 1, memory_order_relaxed);
	return false;
}

static int taker_write(struct taker *t, int fd, const struct copy_message *m)
{
	uint64_t size, end = m->at + m->data.n;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	size = (uint64_t)st.st_size;
	if (m->at > size)
		return -EINVAL; /* no holes */
	if (end > size && !taker_has_room(t, end - size))
		return -ENOSPC;
	if (pwrite(fd, m->data.p, m->data.n, (off_t)m->at) != (ssize_t)m->data.n)
		return errno == ENOSPC ? -ENOSPC : -EIO;
	if (end > size)
		atomic_fetch_add_explicit(&t->shared->held, end - size, memory_order_relaxed);
	return 0;
}

static int taker_data(struct taker *t, const struct copy_message *m)
{
	char path[FOLDER_PATH_MAX];
	int fd, err = folder_make(t->folder, m->path);

	if (err)
		return err;
	folder_path(path, t->folder, m->path, copy_ending(m->part));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = taker_write(t, fd, m);
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* ---- whole files ---- */

static int taker_sync(const char *path, uint64_t octets)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if ((uint64_t)st.st_size < octets)
		err = -ENODATA;
	else if (ftruncate(fd, (off_t)octets) < 0 || fdatasync(fd) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

static int taker_finish(struct taker *t, const struct copy_message *m)
{
	char sound[FOLDER_PATH_MAX], part[FOLDER_PATH_MAX], sidecar[FOLDER_PATH_MAX];
	int err;

	folder_path(sound, t->folder, m->path, "");
	folder_path(part, t->folder, m->path, copy_ending(COPY_SIDECAR));
	folder_path(sidecar, t->folder, m->path, "json");
	err = taker_sync(sound, m->at);
	if (!err && rename(part, sidecar) < 0)
		err = -errno;
	folder_path(part, t->folder, m->path, copy_ending(COPY_EARLY));
	if (!err && unlink(part) < 0 && errno != ENOENT)
		err = -errno;
	return err;
}

/* The process counts anew now and then. */
static void taker_holds_less(struct taker *t, uint64_t less)
{
	uint64_t held = atomic_load_explicit(&t->shared->held, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&t->shared->held, &held,
						      held > less ? held - less : 0,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

static int taker_drop(struct taker *t, const struct copy_message *m)
{
	static const char *const endings[] = { "", "json", "json.new", "json.part", "cut" };
	char path[FOLDER_PATH_MAX];

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		struct stat st;

		folder_path(path, t->folder, m->path, endings[i]);
		if (stat(path, &st) < 0)
			continue;
		if (unlink(path) < 0)
			return -errno;
		taker_holds_less(t, (uint64_t)st.st_size);
	}
	*strrchr(path, '/') = '\0';
	(void)rmdir(path); /* the day, where it was the last one */
	return 0;
}

/* ---- what is there ---- */

static bool taker_has(struct taker *t, const char *of, bool whole)
{
	struct copy_message m = { .kind = COPY_HAS, .whole = whole };
	char path[FOLDER_PATH_MAX];
	struct stat st;

	folder_path(path, t->folder, of, "");
	if (bytes_cstr(bytes_str(of), m.path, sizeof(m.path)) || !folder_path_fits(bytes_str(of)) ||
	    stat(path, &st) < 0)
		return true;
	m.at = (uint64_t)st.st_size;
	t->err = copy_link_send(t->link, &m);
	return !t->err;
}

static bool taker_has_whole(const struct folder_entry *entry, void *arg)
{
	return taker_has(arg, entry->path, true);
}

static bool taker_has_some(const struct folder_entry *entry, void *arg)
{
	return taker_has(arg, entry->path, false);
}

/* ---- messages ---- */

static enum copy_kind taker_answer(int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		return COPY_FULL;
	return err ? COPY_FAILED : COPY_DONE;
}

static int taker_do(struct taker *t, const struct copy_message *m)
{
	switch (m->kind) {
	case COPY_LIST:
		if (folder_walk(t->folder, NULL, NULL, taker_has_whole, t))
			(void)folder_walk_running(t->folder, NULL, taker_has_some, t);
		return 0;
	case COPY_DATA:
		return taker_data(t, m);
	case COPY_FINISH:
		return taker_finish(t, m);
	case COPY_DROP:
		return taker_drop(t, m);
	case COPY_BEAT:
		return 0;
	case COPY_FIND:
		t->err = copy_find_answer(t->terms, t->link, m->path);
		return 0;
	case COPY_READ:
	case COPY_KINDS:
	case COPY_HAS:
	case COPY_DONE:
	case COPY_FULL:
	case COPY_FAILED:
		break;
	}
	return -EPROTO;
}

static int taker_start(struct taker *t)
{
	char all[FOLDER_PATH_MAX];

	copy_folder(all, t->terms->folder, 0);
	copy_folder(t->folder, t->terms->folder, t->link->other);
	return mkdir(all, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int copy_receive(const struct terms *terms, struct copy_link *link, struct copy_shared *shared,
		 struct copy_taken *slot)
{
	struct taker t = {
		.terms = terms, .link = link, .shared = shared, .reader = { .of = { .fd = -1 } }
	};
	struct copy_message m;

	t.err = taker_start(&t);
	while (!t.err && !(t.err = copy_link_receive(link, &m))) {
		struct copy_message answer = { 0 };

		copy_link_proven(link);
		atomic_store_explicit(&slot->other, link->other, memory_order_relaxed);
		atomic_store_explicit(&slot->received_ms, clock_utc_ms(), memory_order_relaxed);
		if (m.kind == COPY_READ) {
			t.err = copy_read_answer(&t.reader, terms, link, &m);
			continue;
		}
		answer.kind = taker_answer(taker_do(&t, &m));
		if (!t.err)
			t.err = copy_link_send(link, &answer);
	}
	return t.err;
}
