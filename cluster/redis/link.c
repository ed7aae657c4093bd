/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a link: down, dialling, greeting, up; and down again, to be dialled after a back-off.
 * While callbacks run, the end of a link is only noted, and done by the outermost redis_link_leave.
 * A command has a deadline in the queue; an answer that is far too late ends the link, as its peer
 * hangs.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/redis/link.h"

int redis_queue_open(struct redis_queue *q, uint32_t capacity)
{
	assert(capacity > 0);
	*q = (struct redis_queue){ .capacity = capacity, .next_ns = UINT64_MAX };
	q->slots = calloc(capacity, sizeof(*q->slots));
	return q->slots ? 0 : -ENOMEM;
}

void redis_queue_close(struct redis_queue *q)
{
	free(q->slots);
	*q = (struct redis_queue){ 0 };
}

static struct redis_wait *queue_slot(const struct redis_queue *q, uint32_t i)
{
	return &q->slots[((uint64_t)q->head + i) % q->capacity];
}

bool redis_queue_push(struct redis_queue *q, const struct redis_wait *wait)
{
	if (q->count == q->capacity)
		return false;
	*queue_slot(q, q->count++) = *wait;
	if (!wait->expired && wait->deadline_ns < q->next_ns)
		q->next_ns = wait->deadline_ns;
	return true;
}

bool redis_queue_pop(struct redis_queue *q, struct redis_wait *out)
{
	if (q->count == 0)
		return false;
	*out = *queue_slot(q, 0);
	q->head = (q->head + 1) % q->capacity;
	q->count--;
	if (q->count == 0) {
		/* So no more memory is used than there are waits at a time. */
		q->head = 0;
		q->next_ns = UINT64_MAX;
	}
	return true;
}

const struct redis_wait *redis_queue_oldest(const struct redis_queue *q)
{
	return q->count ? queue_slot(q, 0) : NULL;
}

bool redis_queue_expire(struct redis_queue *q, uint64_t now_ns, uint32_t *cursor,
			struct redis_wait *out)
{
	if (*cursor == 0) {
		if (now_ns < q->next_ns)
			return false;
		q->next_ns = UINT64_MAX;
	}
	while (*cursor < q->count) {
		struct redis_wait *wait = queue_slot(q, (*cursor)++);

		if (wait->expired)
			continue;
		if (wait->deadline_ns <= now_ns) {
			wait->expired = true;
			*out = *wait;
			return true;
		}
		if (wait->deadline_ns < q->next_ns)
			q->next_ns = wait->deadline_ns;
	}
	return false;
}

enum {
	READS_PER_EVENT = 16, /* then others have their turn */
	LATER_MAX = 1 << 15,
};

#define GREET_NS (3 * NS_PER_S)
/* Of a Sentinel, or a server that is asked for slots: another one may know. */
#define GREET_ASKED_NS (1 * NS_PER_S)
#define ASK_NS         (1 * NS_PER_S) /* redis_on_primary ends it */
/* An answer this late: the peer is gone or hangs, and its socket does not say so. */
#define STALL_NS (3 * NS_PER_S)

static void link_on_fd(int fd, unsigned events, void *arg);

/* ---- what a callback may ask for ---- */

void redis_link_break(struct redis *r, const char *why, struct bytes detail)
{
	if (r->broken || r->state == REDIS_LINK_DOWN)
		return;
	r->broken = why;
	detail.n = detail.n < sizeof(r->detail) ? detail.n : sizeof(r->detail) - 1;
	(void)bytes_cstr(detail, r->detail, sizeof(r->detail));
}

static void break_errno(struct redis *r, const char *why, int err)
{
	redis_link_break(r, why, bytes_str(strerror(err)));
}

/* Also while the callbacks run new commands are refused: the state is REDIS_LINK_DOWN. */
static void queue_fail(struct redis *r)
{
	struct redis_wait wait;

	while (redis_queue_pop(&r->queue, &wait)) {
		free(wait.said);
		if ((!wait.expired || wait.even_late) && wait.fn)
			wait.fn(-ENOTCONN, NULL, wait.arg);
	}
}

static void socket_drop(struct redis *r)
{
	if (r->socket.fd >= 0)
		loop_unwatch(r->socket.fd);
	redis_socket_close(&r->socket);
	redis_reader_close(r);
	r->writing = false;
	r->depart_ns = 0;
	r->broken = NULL;
	r->state = REDIS_LINK_DOWN;
	redis_buffer_clear(&r->out);
}

/* Links to the servers of a cluster are one link to their user. */
static bool has_gauges(const struct redis *r)
{
	return !r->follows || r->is_of_slot;
}

static void redis_guests_notify(struct redis *r, bool connected)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		guest->state(connected, guest->arg);
	}
}

static void link_notify(struct redis *r, bool connected)
{
	if (has_gauges(r))
		metric_set(r->metrics.up, connected);
	if (r->state_fn && !r->closing)
		r->state_fn(connected, r->arg);
	redis_guests_notify(r, connected);
}

/* ---- the end of a link ---- */

static void loss_log(struct redis *r, const char *why, uint64_t wait_ns)
{
	/* of Sentinels only all of them are worth a word: open.c has it */
	enum log_level level = r->quiet || r->sentinel_count ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;

	LOG_AT(level, "redis", 0, "no link", LOG_STR("why", why), LOG_STR("detail", r->detail),
	       LOG_U64("retry_ms", wait_ns / NS_PER_MS));
	r->quiet = true;
}

/* Taking turns is no trouble. */
static void trouble_note(struct redis *r, const char *why, uint64_t now_ns)
{
	bool refused = r->refused;

	r->refused = false;
	if (r->leaving)
		return;
	r->lost = why;
	memcpy(r->lost_detail, r->detail, sizeof(r->lost_detail));
	if (!refused)
		r->refused_ns = 0;
	else if (!r->refused_ns)
		r->refused_ns = now_ns;
}

static void link_lost(struct redis *r)
{
	const char *why = r->broken;
	uint64_t now_ns = clock_now_ns();
	bool was_up = r->state == REDIS_LINK_UP;
	uint64_t wait_ns;

	socket_drop(r);
	metric_add(r->metrics.losses, 1);
	if (was_up)
		r->quiet = false;
	wait_ns = redis_backoff_next(&r->backoff, was_up ? now_ns - r->up_ns : 0, &r->rand);
	trouble_note(r, why, now_ns);
	if (r->leaving)
		wait_ns = 0;
	r->leaving = false;
	r->wake_ns = now_ns + wait_ns;
	redis_sentinel_hurry(&r->sentinel, true, now_ns);
	if (r->follows)
		redis_route_hurry(r->follows, now_ns);
	loss_log(r, why, wait_ns);
	if (was_up)
		link_notify(r, false);
	queue_fail(r);
}

void redis_link_enter(struct redis *r)
{
	r->depth++;
}

void redis_link_leave(struct redis *r)
{
	assert(r->depth > 0);
	if (r->depth == 1 && r->broken && !r->closing)
		link_lost(r);
	if (has_gauges(r))
		metric_set(r->metrics.pending, r->queue.count);
	if (--r->depth == 0 && r->closing)
		redis_link_destroy(r);
}

/* ---- out ---- */

static void link_watch(struct redis *r)
{
	bool writing = r->state == REDIS_LINK_DIALLING || redis_buffer_bytes(&r->out).n > 0 ||
		       redis_socket_wants_write(&r->socket);
	int err;

	if (writing == r->writing)
		return;
	err = loop_watch(r->socket.fd, writing ? LOOP_READ | LOOP_WRITE : LOOP_READ, link_on_fd, r);
	if (err)
		break_errno(r, "not watchable", -err);
	r->writing = writing;
}

static void out_write(struct redis *r)
{
	struct bytes out;

	while (!r->broken && (out = redis_buffer_bytes(&r->out)).n > 0) {
		ssize_t n = redis_socket_write(&r->socket, out.p, out.n);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			break_errno(r, "write failed", (int)-n);
		} else {
			redis_buffer_eat(&r->out, (size_t)n);
		}
	}
	if (!r->broken)
		link_watch(r);
}

static bool out_may_wait(const struct redis *r)
{
	return r->depart_ns && redis_buffer_bytes(&r->out).n < LATER_MAX &&
	       clock_now_ns() < r->depart_ns;
}

static void redis_guests_flush(struct redis *r)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		if (guest->flush)
			guest->flush(guest->arg);
	}
}

void redis_flush(struct redis *r)
{
	redis_link_enter(r);
	redis_guests_flush(r);
	if (r->socket.fd >= 0 && r->state >= REDIS_LINK_GREETING && !r->broken && !out_may_wait(r))
		out_write(r);
	/* events before what is saved after them: those that are of no slot go first */
	for (int saves = 0; saves < 2; saves++) {
		for (struct redis *one = r->beside; one; one = one->attached_next) {
			if (one->is_of_slot == saves)
				redis_flush(one);
		}
	}
	redis_link_leave(r);
}

void redis_hurry(struct redis *r)
{
	redis_link_enter(r);
	if (r->socket.fd >= 0 && r->state >= REDIS_LINK_GREETING && !r->broken)
		out_write(r);
	for (struct redis *one = r->beside; one && r->route; one = one->attached_next)
		redis_hurry(one);
	redis_link_leave(r);
}

/* ---- Sentinel, and servers of a cluster ---- */

void redis_link_end(struct redis *r, const char *why)
{
	redis_link_enter(r);
	redis_link_break(r, why, (struct bytes){ 0 });
	redis_link_leave(r);
}

void redis_link_aim(struct redis *r, const struct addr *to)
{
	r->addr = *to;
	r->leaving = true;
	if (r->state == REDIS_LINK_DOWN)
		r->wake_ns = clock_now_ns();
	else
		redis_link_end(r, "the slots are with other servers");
}

void redis_link_is(struct redis *r, bool up)
{
	r->state = up ? REDIS_LINK_UP : REDIS_LINK_DOWN;
	r->up_ns = clock_now_ns();
	LOG_AT(up ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "redis", 0,
	       up ? "links to the whole cluster up" : "no link to the whole cluster");
	link_notify(r, up);
}

void redis_link_turn(struct redis *r)
{
	redis_link_enter(r);
	r->leaving = true;
	redis_link_break(r, "the next one has its turn", (struct bytes){ 0 });
	redis_link_leave(r);
}

void redis_on_primary(struct redis *r)
{
	bool other = r->addr.port && !addr_eq(&r->addr, &r->sentinel.primary);

	redis_link_enter(r);
	if (other)
		metric_add(r->metrics.failovers, 1);
	if (r->state == REDIS_LINK_DOWN)
		r->wake_ns = clock_now_ns();
	else if (other)
		redis_link_break(r, "Sentinel names another primary", (struct bytes){ 0 });
	redis_link_leave(r);
}

/* The server to dial. False: not known yet. */
static bool server_pick(struct redis *r)
{
	if (r->sentinel.link) {
		struct addr host = r->sentinel.primary;

		r->addr = host;
		host.port = 0;
		(void)addr_text(&host, r->url.server.host); /* what its certificate is for */
	}
	if (r->sentinel_count) {
		uint32_t i = r->turn++ % r->sentinel_count;

		r->addr = r->sentinels[i];
		r->url.server = r->url.sentinels[i];
	}
	if (r->follows) {
		bool known = r->is_of_slot ? redis_route_pick(r) : r->addr.port != 0;
		struct addr host = r->addr;

		host.port = 0;
		(void)addr_text(&host, r->url.server.host);
		return known;
	}
	return !r->sentinel.link || r->addr.port;
}

/* ---- greeting ---- */

static void redis_link_up(struct redis *r)
{
	r->state = REDIS_LINK_UP;
	r->up_ns = clock_now_ns();
	r->quiet = false;
	r->another = false;
	r->lost = NULL;
	r->refused_ns = 0;
	metric_add(r->metrics.connects, 1);
	redis_sentinel_hurry(&r->sentinel, false, r->up_ns);
	LOG_AT(r->sentinel_count ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "redis", 0, "link up");
	link_notify(r, true);
}

/* What Redis says of user, password and database: these errors do not pass by themselves. */
static bool is_of_login(struct bytes text)
{
	static const char *const words[] = { "WRONGPASS ",
					     "NOAUTH ",
					     "NOPERM ",
					     "ERR AUTH ",
					     "ERR invalid password",
					     "ERR Client sent AUTH",
					     "ERR DB index" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (bytes_starts(text, words[i]))
			return true;
	}
	return false;
}

static void on_greeting(int err, const struct redisReply *reply, void *arg)
{
	struct redis *r = arg;
	struct bytes text;

	if (err || r->state != REDIS_LINK_GREETING)
		return;
	if (redis_is_error(reply, &text)) {
		r->refused |= !r->broken && is_of_login(text);
		redis_link_break(r, "refused by Redis", text);
	} else if (--r->greetings == 0 && !r->broken) {
		redis_link_up(r);
	}
}

/* One that Sentinel named may have become a replica, or may not be a primary yet. */
static void on_role(int err, const struct redisReply *reply, void *arg)
{
	struct redis *r = arg;
	struct bytes role = redis_reply_text(redis_reply_at(reply, 0));

	if (!err && redis_reply_type(reply) == REDIS_TYPE_ARRAY && !bytes_is(role, "master"))
		redis_link_break(r, "no primary, although Sentinel named it", role);
	on_greeting(err, reply, arg);
}

static bool has_member(const struct redisReply *set, const char *member)
{
	for (size_t i = 0; i < redis_reply_count(set); i++) {
		if (bytes_is(redis_reply_text(redis_reply_at(set, i)), member))
			return true;
	}
	return redis_reply_count(set) == 0; /* it lost its data */
}

/* One of a cluster may not have that key, and what is no set says nothing: the others decide. */
static void on_members(int err, const struct redisReply *reply, void *arg)
{
	struct redis *r = arg;
	struct bytes text;

	if (redis_is_error(reply, &text) &&
	    (bytes_starts(text, "MOVED ") || bytes_starts(text, "ASK ") ||
	     bytes_starts(text, "WRONGTYPE "))) {
		reply = NULL;
	} else if (redis_reply_type(reply) == REDIS_TYPE_ARRAY) {
		r->another = !has_member(reply, r->settings.place.meant->member);
		if (r->follows)
			r->follows->owner->another = r->another;
		if (r->another)
			redis_link_break(r, "another Redis than the one that is meant",
					 r->settings.place.meant->key);
	}
	on_greeting(err, reply, arg);
}

static void greeting_put(struct redis *r, const struct bytes *args, size_t n, redis_reply_fn *fn)
{
	struct redis_wait wait = { .fn = fn, .arg = r, .deadline_ns = UINT64_MAX };
	int err = redis_command_put(r, args, n, &wait);

	if (err)
		break_errno(r, "greeting failed", -err);
	r->greetings++;
}

static void greet(struct redis *r)
{
	const struct redis_url *url = &r->url;
	const struct redis_meant *meant = r->settings.place.meant;
	struct bytes user =
		bytes_mem(url->login.user, strnlen(url->login.user, sizeof(url->login.user)));
	struct bytes password = bytes_mem(
		url->login.password, strnlen(url->login.password, sizeof(url->login.password)));
	char db[16];
	struct writer w = writer_over(db, sizeof(db));

	r->state = REDIS_LINK_GREETING;
	r->greetings = 0;
	if (user.n && password.n) {
		greeting_put(r, (struct bytes[]){ BYTES_LIT("AUTH"), user, password }, 3,
			     on_greeting);
	} else if (password.n) {
		greeting_put(r, (struct bytes[]){ BYTES_LIT("AUTH"), password }, 2, on_greeting);
	}
	writer_fmt(&w, "%u", r->url.db);
	if (r->url.db)
		greeting_put(r, (struct bytes[]){ BYTES_LIT("SELECT"), writer_done(&w) }, 2,
			     on_greeting);
	/* fails while Redis still loads its data, unlike the two above */
	greeting_put(r, (struct bytes[]){ BYTES_LIT("PING") }, 1, on_greeting);
	if (r->sentinel.link)
		greeting_put(r, (struct bytes[]){ BYTES_LIT("ROLE") }, 1, on_role);
	if (meant && meant->member)
		greeting_put(r, (struct bytes[]){ BYTES_LIT("SMEMBERS"), meant->key }, 2,
			     on_members);
	out_write(r);
}

/* ---- in ---- */

/* True when there may be more. */
static bool in_read(struct redis *r)
{
	ssize_t n = redis_socket_read(&r->socket, r->chunk, sizeof(r->chunk));

	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		break_errno(r, "read failed", (int)-n);
	} else if (n == 0) {
		redis_link_break(r, "closed by Redis", (struct bytes){ 0 });
	} else {
		redis_reader_feed(r, bytes_mem(r->chunk, (size_t)n));
	}
	/* a TLS record is shorter than the chunk: none of it is left inside, but others may wait */
	return !r->broken && r->reader && (r->socket.tls || (size_t)n == sizeof(r->chunk));
}

static void in_drain(struct redis *r)
{
	int reads = READS_PER_EVENT;

	while (reads-- > 0 && in_read(r))
		;
}

/* A renewed certificate counts with the next link; an unreadable one leaves the last in place. */
static void tls_read_again(struct redis *r)
{
	char error[TLS_ERROR_MAX];

	if (tls_reload(r->tls, &r->files, error))
		LOG_WARN("redis", 0,
			 "the files of redis.ca, redis.certificate and redis.key are not read "
			 "again: the old ones stay",
			 LOG_STR("error", error));
}

static void secure_step(struct redis *r)
{
	const char *why = "";
	int err = redis_socket_handshake(&r->socket, &why);

	if (err == 0) {
		greet(r);
	} else if (err == -EAGAIN) {
		link_watch(r);
	} else {
		redis_link_break(r, "TLS failed: look at redis.url, redis.ca and redis.certificate",
				 bytes_str(why));
	}
}

static void secure(struct redis *r)
{
	int err;

	tls_read_again(r);
	err = redis_socket_secure(&r->socket, r->tls, r->url.server.host);
	r->state = REDIS_LINK_SECURING;
	if (err) {
		break_errno(r, "TLS failed", -err);
	} else {
		secure_step(r);
	}
}

static void dial_done(struct redis *r)
{
	socklen_t size = sizeof(int);
	int err = 0;

	if (getsockopt(r->socket.fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (err) {
		break_errno(r, "connect failed", err);
	} else if (r->tls) {
		secure(r);
	} else {
		greet(r);
	}
}

static void link_on_fd(int fd, unsigned events, void *arg)
{
	struct redis *r = arg;

	assert(fd == r->socket.fd);
	redis_link_enter(r);
	if (r->state == REDIS_LINK_DIALLING) {
		dial_done(r);
	} else if (r->state == REDIS_LINK_SECURING) {
		secure_step(r);
	} else {
		if (events & (LOOP_READ | LOOP_ERROR))
			in_drain(r);
		if ((events & LOOP_WRITE) && r->state >= REDIS_LINK_GREETING && !r->broken)
			out_write(r);
	}
	redis_link_leave(r);
}

/* ---- time ---- */

static void link_dial(struct redis *r, uint64_t now_ns)
{
	int fd, err;

	if (!server_pick(r)) {
		r->wake_ns = now_ns + ASK_NS;
		return;
	}
	fd = redis_dial(&r->url, &r->addr);
	err = fd < 0 ? fd : redis_reader_open(r);
	r->socket = (struct redis_socket){ .fd = fd < 0 ? -1 : fd };
	r->state = REDIS_LINK_DIALLING;
	r->wake_ns = now_ns + (r->sentinel_count ? GREET_ASKED_NS : GREET_NS);
	if (err) {
		break_errno(r, "connect failed", -err);
	} else {
		link_watch(r);
	}
}

static void link_expire(struct redis *r, uint64_t now_ns)
{
	if (r->route || r->state == REDIS_LINK_UP || now_ns < r->wake_ns)
		return;
	if (r->state == REDIS_LINK_DOWN) {
		link_dial(r, now_ns);
	} else {
		redis_link_break(r, "no answer to the greeting", (struct bytes){ 0 });
	}
}

/* When the oldest unanswered command makes us give the link up. */
static uint64_t stall_ns(const struct redis *r)
{
	const struct redis_wait *oldest = redis_queue_oldest(&r->queue);

	return oldest && oldest->expired ? oldest->deadline_ns + STALL_NS : UINT64_MAX;
}

static void queue_expire(struct redis *r, uint64_t now_ns)
{
	struct redis_wait wait;
	uint32_t cursor = 0;

	/* should our own thread be late, the answers may be here already */
	if (r->queue.next_ns <= now_ns && r->state >= REDIS_LINK_GREETING && !r->broken)
		in_drain(r);
	while (!r->closing && redis_queue_expire(&r->queue, now_ns, &cursor, &wait)) {
		metric_add(r->metrics.timeouts, 1);
		redis_sentinel_hurry(&r->sentinel, true, now_ns); /* there may be another primary */
		if (wait.fn)
			wait.fn(-ETIMEDOUT, NULL, wait.arg);
	}
	if (stall_ns(r) <= now_ns)
		redis_link_break(r, "no answers any more", (struct bytes){ 0 });
}

static void redis_guests_expire(struct redis *r, uint64_t now_ns)
{
	struct redis_guest *guest;

	for (guest = r->guests; guest; guest = r->next_guest) {
		r->next_guest = guest->next;
		if (guest->next_ns <= now_ns)
			guest->expire(now_ns, guest->arg);
	}
}

void redis_expire(struct redis *r, uint64_t now_ns)
{
	redis_link_enter(r);
	link_expire(r, now_ns);
	queue_expire(r, now_ns);
	redis_guests_expire(r, now_ns);
	if (!r->closing)
		redis_sentinel_expire(&r->sentinel, now_ns);
	if (!r->closing && r->route)
		redis_route_expire(r->route, now_ns);
	if (r->socket.fd >= 0 && r->state >= REDIS_LINK_GREETING && !r->broken && !out_may_wait(r))
		out_write(r);
	for (struct redis *one = r->beside; one; one = one->attached_next)
		redis_expire(one, now_ns);
	redis_link_leave(r);
}

static uint64_t link_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t redis_next_ns(const struct redis *r)
{
	uint64_t next_ns = link_earlier(r->queue.next_ns, stall_ns(r));

	next_ns = link_earlier(next_ns, redis_sentinel_next_ns(&r->sentinel));
	if (r->depart_ns && redis_buffer_bytes(&r->out).n > 0)
		next_ns = link_earlier(next_ns, r->depart_ns);
	if (r->route)
		next_ns = link_earlier(next_ns, redis_route_next_ns(r->route));
	else if (r->state != REDIS_LINK_UP)
		next_ns = link_earlier(next_ns, r->wake_ns);
	for (const struct redis_guest *guest = r->guests; guest; guest = guest->next)
		next_ns = link_earlier(next_ns, guest->next_ns);
	for (const struct redis *one = r->beside; one; one = one->attached_next)
		next_ns = link_earlier(next_ns, redis_next_ns(one));
	return next_ns;
}

void redis_close(struct redis *r)
{
	bool was_up;

	if (!r || r->closing)
		return;
	redis_link_enter(r);
	was_up = r->state == REDIS_LINK_UP;
	if (was_up && !r->broken && r->depart_ns)
		out_write(r); /* what may wait has waited long enough */
	r->closing = true;
	redis_sentinel_close(&r->sentinel);
	socket_drop(r);
	queue_fail(r);
	if (was_up)
		link_notify(r, false);
	while (r->guests)
		redis_leave(r->guests);
	redis_link_leave(r);
}

bool redis_is_cluster(const struct redis *r)
{
	return r->url.cluster;
}

bool redis_is_another(const struct redis *r)
{
	return r->another;
}

bool redis_is_connected(const struct redis *r)
{
	return r->state == REDIS_LINK_UP && !r->broken;
}

/* Guests may leave while they are called: redis_leave updates the next one of the walk. */

void redis_join(struct redis *r, struct redis_guest *guest)
{
	struct redis_guest **at = &r->guests;

	assert(!guest->redis && guest->state);
	if (!guest->expire)
		guest->next_ns = UINT64_MAX;
	while (*at)
		at = &(*at)->next;
	guest->redis = r;
	guest->next = NULL;
	*at = guest;
}

void redis_leave(struct redis_guest *guest)
{
	struct redis *r = guest->redis;
	struct redis_guest **at;

	if (!r)
		return;
	for (at = &r->guests; *at != guest; at = &(*at)->next)
		assert(*at);
	*at = guest->next;
	if (r->next_guest == guest)
		r->next_guest = guest->next;
	guest->redis = NULL;
	guest->next = NULL;
}

/* Why there is no link, for people and for a start that waits. */

/* The asker of Sentinels, then one of the servers of a cluster, then the link itself. */
static const struct redis *link_in_trouble(const struct redis *r)
{
	const struct redis *asker = r->route ? r->route->asker : r->sentinel.link;

	if (asker && !redis_is_connected(asker) && asker->lost)
		return asker;
	for (uint32_t i = 0; r->route && i < REDIS_SERVERS_MAX && r->route->links[i]; i++) {
		if (r->route->links[i]->addr.port && r->route->links[i]->lost)
			return r->route->links[i];
	}
	return r;
}

void redis_trouble(const struct redis *r, struct redis_trouble *out)
{
	const struct redis *link = link_in_trouble(r);

	*out = (struct redis_trouble){ .why = link->lost,
				       .detail = link->lost ? link->lost_detail : "",
				       .server = link->addr,
				       .refused_ns = link->refused_ns };
	if (!out->why && r->sentinel.link && r->sentinel.missed)
		out->why = "no Sentinel tells an address of the primary";
	else if (!out->why && r->route)
		out->why = "no server of the cluster says which server has each slot";
}
