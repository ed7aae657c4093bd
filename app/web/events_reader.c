/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that reads event streams from Redis, with its own loop and two links: one for new
 * entries, one for lagging listeners. events.c tells it what to read and takes the entries. After a
 * lost link all listeners lag and are read again from their positions, so nothing is skipped.
 * Neither thread waits for the other but for the short lock of events.c.
 */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/web/events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/privilege.h"
#include "base/thread.h"
#include "cluster/redis/streams.h"

#define READER_PACE_NS     (4 * NS_PER_MS)
#define READER_DEADLINE_NS (2 * NS_PER_S)

enum {
	READER_STREAMS = 64, /* in one command */
	READER_COUNT = 1000,
	READER_WAIT_MS = 20,
	READER_PENDING = 16384,
	READER_DESCRIPTORS = 65536,
	READER_AGAIN_MS = 1000,
};
static_assert(EVENTS_PIECE == 64, "READER_PIECE");
#define READER_PIECE "64"

struct events_reader {
	struct events *events;
	const struct redis_place *place;
	struct redis *redis; /* for what is new */
	struct redis *late;  /* for lagging listeners: it never blocks */
	pthread_t thread;
	int wake_fd;
	_Atomic bool stop;
	/* New entries: by one question, which waits in Redis for a moment, so a node with silent
	 * tenants asks seldom; entries between two questions are one answer. */
	struct streams live;
};

/* A read of one stream. */
struct reader_wait {
	struct events_reader *r;
	struct events_stream *s;
	struct events_id first;
};

static bool reader_id(const struct redisReply *entry, struct events_id *id)
{
	return events_id_parse(stream_entry_id(entry), id);
}

static void reader_fail(struct events_reader *r)
{
	events_lost(r->events);
	r->live.next_ns = clock_now_ns() + READER_PACE_NS;
}

/* ---- lagging listeners ---- */

static struct reader_wait *reader_wait_new(struct events_reader *r, struct events_stream *s)
{
	struct reader_wait *wait = malloc(sizeof(*wait));

	if (!wait)
		return NULL;
	*wait = (struct reader_wait){ .r = r, .s = s };
	events_stream_pin(s, 1);
	return wait;
}

static void reader_wait_free(struct reader_wait *wait)
{
	events_stream_pin(wait->s, -1);
	free(wait);
}

static bool reader_range(struct reader_wait *wait, const struct bytes *words, size_t n,
			 redis_reply_fn *fn)
{
	return redis_command(wait->r->late, words, n, READER_DEADLINE_NS, fn, wait) == 0;
}

static void reader_on_late(int err, const struct redisReply *reply, void *arg);

static void reader_late(struct reader_wait *wait, struct events_id from)
{
	char text[EVENTS_ID_MAX];
	struct bytes words[] = { BYTES_LIT("XRANGE"),
				 bytes_str(events_stream_key(wait->s)),
				 { 0 },
				 BYTES_LIT("+"),
				 BYTES_LIT("COUNT"),
				 BYTES_LIT(READER_PIECE) };

	if (++from.seq == 0)
		from.ms++;
	words[2] = events_id_write(text, from);
	if (reader_range(wait, words, COUNT_OF(words), reader_on_late))
		return;
	reader_fail(wait->r);
	reader_wait_free(wait);
}

static void reader_on_late(int err, const struct redisReply *reply, void *arg)
{
	struct reader_wait *wait = arg;
	struct events *e = wait->r->events;
	size_t n = redis_reply_count(reply);
	struct events_id id;

	if (err || redis_reply_type(reply) != REDIS_TYPE_ARRAY) {
		events_lost(e);
		reader_wait_free(wait);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (reader_id(redis_reply_at(reply, i), &id))
			events_late(e, wait->s, id,
				    stream_field(redis_reply_at(reply, i), "event"));
	}
	if (events_late_end(e, wait->s, (uint32_t)n, &id))
		reader_late(wait, id);
	else
		reader_wait_free(wait);
}

static void reader_on_first(int err, const struct redisReply *reply, void *arg)
{
	struct reader_wait *wait = arg;

	if (err || !reader_id(redis_reply_at(reply, 0), &wait->first))
		wait->first = (struct events_id){ 0 };
}

static void reader_on_last(int err, const struct redisReply *reply, void *arg)
{
	struct reader_wait *wait = arg;
	struct events_id last = { 0 };

	if (err || redis_reply_type(reply) != REDIS_TYPE_ARRAY) {
		events_lost(wait->r->events);
		reader_wait_free(wait);
		return;
	}
	(void)!reader_id(redis_reply_at(reply, 0), &last);
	if (events_bounds(wait->r->events, wait->s, wait->first, last, &last))
		reader_late(wait, last);
	else
		reader_wait_free(wait);
}

/* The first answer comes first. */
static void reader_bounds(struct events_reader *r, struct events_stream *s)
{
	struct reader_wait *wait = reader_wait_new(r, s);
	struct bytes key = bytes_str(events_stream_key(s));
	const struct bytes first[] = { BYTES_LIT("XRANGE"), key,
				       BYTES_LIT("-"),      BYTES_LIT("+"),
				       BYTES_LIT("COUNT"),  BYTES_LIT("1") };
	const struct bytes last[] = { BYTES_LIT("XREVRANGE"), key,
				      BYTES_LIT("+"),         BYTES_LIT("-"),
				      BYTES_LIT("COUNT"),     BYTES_LIT("1") };

	if (!wait || !reader_range(wait, first, COUNT_OF(first), reader_on_first)) {
		reader_fail(r);
		if (wait)
			reader_wait_free(wait);
	} else if (!reader_range(wait, last, COUNT_OF(last), reader_on_last)) {
		/* the link has just broken: the first answer frees the wait */
		reader_fail(r);
	}
}

/* ---- new entries ---- */

static struct events_stream *reader_stream(struct events_reader *r, struct bytes key)
{
	struct events_stream *s = NULL;

	while ((s = events_stream_next(r->events, s)) != NULL) {
		if (bytes_is(key, events_stream_key(s)))
			return s;
	}
	return NULL;
}

static void reader_on_live(struct bytes key, const struct redisReply *entries, void *arg)
{
	struct events_reader *r = arg;
	struct events_stream *s = reader_stream(r, key);
	struct events_id id;

	for (size_t i = 0; s && i < redis_reply_count(entries); i++) {
		const struct redisReply *entry = redis_reply_at(entries, i);

		if (reader_id(entry, &id))
			events_live(r->events, s, id, stream_field(entry, "event"));
	}
}

static void reader_on_failed(int err, struct bytes text, void *arg)
{
	(void)err;
	(void)text;
	reader_fail(arg);
}

static const struct streams_way g_live_way = {
	.together = READER_STREAMS,
	.each = READER_COUNT,
	.wait_ms = READER_WAIT_MS,
	.deadline_ns = READER_DEADLINE_NS,
	.pace_ns = READER_PACE_NS,
	.poll_ns = READER_PACE_NS,
	.entries = reader_on_live,
	.failed = reader_on_failed,
};

static void reader_work(struct events_reader *r, uint64_t now_ns)
{
	struct events_stream *s = NULL;
	char mark[EVENTS_ID_MAX];
	struct events_id after;

	while ((s = events_stream_next(r->events, s)) != NULL) {
		if (events_wants_bounds(r->events, s))
			reader_bounds(r, s);
	}
	if (!streams_are_due(&r->live, now_ns))
		return;
	while ((s = events_stream_next(r->events, s)) != NULL) {
		if (events_wants_live(s, &after))
			streams_add(&r->live, bytes_str(events_stream_key(s)),
				    events_id_write(mark, after));
	}
	streams_request(&r->live, now_ns);
}

/* ---- the thread ---- */

static void reader_round(void *arg);

static void reader_on_timer(void *arg)
{
	const struct events_reader *r = arg;

	redis_expire(r->redis, clock_now_ns());
	redis_expire(r->late, clock_now_ns());
}

static bool reader_stops(const struct events_reader *r)
{
	/* acquire: pairs with the release in events_reader_close */
	return atomic_load_explicit(&r->stop, memory_order_acquire);
}

static void reader_on_wake(int fd, unsigned events, void *arg)
{
	const struct events_reader *r = arg;
	eventfd_t count;

	(void)events;
	(void)eventfd_read(fd, &count);
	if (reader_stops(r))
		loop_stop();
}

static void reader_on_state(bool connected, void *arg)
{
	const struct events_reader *r = arg;

	if (!connected)
		events_lost(r->events);
}

static void reader_round(void *arg)
{
	struct events_reader *r = arg;
	uint64_t now_ns = clock_now_ns(), next_ns;
	bool up = redis_is_connected(r->redis) && redis_is_connected(r->late);

	if (up)
		reader_work(r, now_ns);
	redis_flush(r->redis);
	redis_flush(r->late);
	events_deliver(r->events);
	next_ns = redis_next_ns(r->redis);
	if (redis_next_ns(r->late) < next_ns)
		next_ns = redis_next_ns(r->late);
	if (up && events_stream_next(r->events, NULL) && streams_next_ns(&r->live) < next_ns)
		next_ns = streams_next_ns(&r->live);
	(void)!loop_timer(next_ns, reader_on_timer, r);
}

static void reader_end(struct events_reader *r)
{
	if (r->late)
		redis_close(r->late);
	if (r->redis)
		redis_close(r->redis);
	r->late = r->redis = NULL;
	streams_clear(&r->live);
	loop_unwatch(r->wake_fd);
	loop_close();
}

static int reader_start(struct events_reader *r)
{
	struct redis_settings settings = { .place = *r->place,
					   .deadline_ns = READER_DEADLINE_NS,
					   .pending_max = READER_PENDING,
					   .labels = "link=\"events\"" };
	struct rlimit limit = { READER_DESCRIPTORS, READER_DESCRIPTORS };
	int err;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	err = loop_open_second(limit.rlim_cur < INT32_MAX ? (unsigned)limit.rlim_cur : INT32_MAX);
	if (err)
		return err;
	err = loop_watch(r->wake_fd, LOOP_READ, reader_on_wake, r);
	if (!err)
		err = redis_open(&r->redis, &settings, reader_on_state, r);
	r->live = (struct streams){ .redis = r->redis, .way = &g_live_way, .arg = r };
	if (!err)
		err = redis_open(&r->late, &settings, reader_on_state, r);
	explicit_bzero(&settings.place, sizeof(settings.place));
	if (err)
		reader_end(r);
	return err;
}

static void *reader_run(void *arg)
{
	struct events_reader *r = arg;
	int err;

	privilege_drop();
	while ((err = reader_start(r)) != 0) {
		struct pollfd woken = { .fd = r->wake_fd, .events = POLLIN };

		LOG_ERROR("web", 0, "events are not read", LOG_STR("error", strerror(-err)));
		while (!reader_stops(r) && poll(&woken, 1, READER_AGAIN_MS) > 0 &&
		       read(r->wake_fd, &(eventfd_t){ 0 }, sizeof(eventfd_t)) > 0)
			;
		if (reader_stops(r))
			return NULL;
	}
	loop_after_round(reader_round, r);
	(void)!loop_run();
	reader_end(r);
	return NULL;
}

void events_reader_wake(struct events_reader *r)
{
	(void)eventfd_write(r->wake_fd, 1);
}

int events_reader_open(struct events_reader **out, struct events *e,
		       const struct redis_place *place)
{
	struct events_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->events = e;
	r->place = place;
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = r->wake_fd < 0 ? -errno : thread_spawn(&r->thread, "events", reader_run, r);
	if (err) {
		if (r->wake_fd >= 0)
			(void)close(r->wake_fd);
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void events_reader_close(struct events_reader *r)
{
	if (!r)
		return;
	/* release: pairs with the acquire in reader_stops */
	atomic_store_explicit(&r->stop, true, memory_order_release);
	events_reader_wake(r);
	(void)pthread_join(r->thread, NULL);
	(void)close(r->wake_fd);
	free(r);
}
