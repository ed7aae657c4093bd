/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of a link: commands to bytes, replies to their waiters. It alone knows hiredis; link.c
 * moves the bytes, open.c begins and ends a link. */
#include "cluster/redis/redis.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "cluster/redis/buffer.h"
#include "cluster/redis/link.h"

enum {
	ARGS_MAX = 256,
	COMMAND_MAX = 1 << 23,
};

/* 0, -EAGAIN or -EMSGSIZE: what no buffer would ever hold. */
static int out_put(struct redis *r, const struct bytes *args, size_t n)
{
	size_t before = redis_buffer_bytes(&r->out).n, total = 0;

	assert(n > 0 && n <= ARGS_MAX);
	for (size_t i = 0; i < n; i++)
		total += args[i].n < COMMAND_MAX ? args[i].n : COMMAND_MAX;
	if (total >= COMMAND_MAX)
		return -EMSGSIZE;
	if (resp_words(&r->out, args, n) == 0)
		return 0;
	redis_buffer_cut(&r->out, before);
	return -EAGAIN;
}

/* NULL: there is no memory, and then it is sent once. */
static struct redis_command_sent *command_sent_new(struct bytes command)
{
	struct redis_command_sent *said = malloc(sizeof(*said) + command.n);

	if (said) {
		said->n = command.n;
		memcpy(said->p, command.p, command.n);
	}
	return said;
}

/* It has many slots of a cluster, one of which may be moving. A link of one slot follows it. */
static bool may_get_ask_reply(const struct redis *r)
{
	return r->follows && !r->is_of_slot && r->state == REDIS_LINK_UP;
}

int redis_command_put(struct redis *r, const struct bytes *args, size_t n,
		      const struct redis_wait *wait)
{
	size_t before = redis_buffer_bytes(&r->out).n;
	struct redis_wait w = *wait;
	int err = r->queue.count < r->queue.capacity ? out_put(r, args, n) : -EAGAIN;

	if (err)
		return err;
	metric_add(r->metrics.commands, 1);
	if (may_get_ask_reply(r))
		w.said = command_sent_new(bytes_from(redis_buffer_bytes(&r->out), before));
	return redis_queue_push(&r->queue, &w) ? 0 : -EAGAIN;
}

static uint64_t deadline_of(const struct redis *r, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX)
		return UINT64_MAX;
	return clock_now_ns() + (deadline_ns ? deadline_ns : r->settings.deadline_ns);
}

static bool redis_is_open(const struct redis *r)
{
	return r->state == REDIS_LINK_UP && !r->broken && !r->closing;
}

static int command_queue(struct redis *r, const struct bytes *args, size_t n,
			 const struct redis_wait *wait)
{
	int err = -ENOTCONN;

	if (redis_is_open(r) && !r->route) {
		err = r->queue.count < r->settings.pending_max ? redis_command_put(r, args, n, wait)
							       : -EAGAIN;
	}
	if (err)
		metric_add(r->metrics.refused, 1);
	return err;
}

/* r itself: the right one, or no other. */
static struct redis *link_for(struct redis *r, const struct bytes *args, size_t n)
{
	struct redis *link = r->route ? redis_route_of(r, args, n) : NULL;

	return link ? link : r;
}

int redis_command(struct redis *r, const struct bytes *args, size_t n, uint64_t deadline_ns,
		  redis_reply_fn *fn, void *arg)
{
	struct redis_wait wait = { .fn = fn,
				   .arg = arg,
				   .deadline_ns = deadline_of(r, deadline_ns) };
	struct redis *link = link_for(r, args, n);
	int err = command_queue(link, args, n, &wait);

	if (!err)
		link->depart_ns = 0;
	return err;
}

int redis_command_later(struct redis *r, const struct bytes *args, size_t n, redis_reply_fn *fn,
			void *arg)
{
	struct redis_wait wait = {
		.fn = fn, .arg = arg, .deadline_ns = deadline_of(r, 0), .even_late = true
	};
	struct redis *link = link_for(r, args, n);
	bool first = redis_buffer_bytes(&link->out).n == 0;
	int err = command_queue(link, args, n, &wait);

	if (!err && first)
		link->depart_ns = clock_now_ns() + REDIS_LATER_NS;
	return err;
}

static void waits_put(struct redis *r, const struct redis_answers *a)
{
	struct redis_wait wait = { .fn = a->fn,
				   .arg = a->arg,
				   .deadline_ns = deadline_of(r, a->deadline_ns),
				   .even_late = a->even_late };

	for (uint32_t i = 0; i < a->count; i++)
		(void)redis_queue_push(&r->queue, &wait); /* there is room */
}

static int commands_put(struct redis *r, struct bytes commands, const struct redis_answers *answers,
			size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += answers[i].count;
	if (r->queue.count + count > r->settings.pending_max || redis_buffer_put(&r->out, commands))
		return -EAGAIN;
	metric_add(r->metrics.commands, count);
	for (size_t i = 0; i < n; i++)
		waits_put(r, &answers[i]);
	r->depart_ns = 0;
	return 0;
}

int redis_commands(struct redis *r, struct bytes commands, const struct redis_answers *answers,
		   size_t n)
{
	int err = redis_is_open(r) && !r->route ? commands_put(r, commands, answers, n) : -ENOTCONN;

	if (err)
		metric_add(r->metrics.refused, 1);
	return err;
}

/* ---- in ---- */

int redis_reader_open(struct redis *r)
{
	assert(!r->reader);
	r->reader = redisReaderCreate();
	return r->reader ? 0 : -ENOMEM;
}

void redis_reader_close(struct redis *r)
{
	if (r->reader)
		redisReaderFree(r->reader);
	r->reader = NULL;
}

/* A primary that Sentinel has made a replica refuses writes: as if the link had broken before. */
static bool reply_is_demoted(const struct redis *r, const struct redisReply *reply)
{
	struct bytes text;

	return r->sentinel.link && redis_is_error(reply, &text) &&
	       (bytes_starts(text, "READONLY ") || bytes_starts(text, "UNBLOCKED "));
}

static bool reply_is_moved(struct redis *r, const struct redisReply *reply)
{
	struct bytes text;

	return r->follows && r->state == REDIS_LINK_UP && redis_is_error(reply, &text) &&
	       redis_route_refused(r, text);
}

/* ASKING, and the command as it was. */
static int asking_put(struct redis *there, const struct redis_wait *wait)
{
	size_t before = redis_buffer_bytes(&there->out).n;
	struct redis_wait asking = { .deadline_ns = wait->deadline_ns }, again = *wait;

	if (there->queue.count + 2 > there->settings.pending_max)
		return -EAGAIN;
	if (resp_words(&there->out, (const struct bytes[]){ BYTES_LIT("ASKING") }, 1) ||
	    redis_buffer_put(&there->out, bytes_mem(wait->said->p, wait->said->n))) {
		redis_buffer_cut(&there->out, before);
		return -EAGAIN;
	}
	again.said = NULL; /* once is enough */
	(void)redis_queue_push(&there->queue, &asking);
	(void)redis_queue_push(&there->queue, &again); /* there is room */
	metric_add(there->metrics.commands, 2);
	there->depart_ns = 0;
	return 0;
}

/* The slot is on its way to another server, which has the key already: that one answers. */
static bool reply_is_request(const struct redis *r, const struct redisReply *reply,
			     const struct redis_wait *wait)
{
	struct bytes text;
	struct redis *there;

	if (!wait->said || !redis_is_error(reply, &text))
		return false;
	there = redis_route_on_request(r, text);
	return there && asking_put(there, wait) == 0;
}

static void reply_give(struct redis *r, const struct redisReply *reply,
		       const struct redis_wait *wait)
{
	if (wait->expired && !wait->even_late) {
		metric_add(r->metrics.late, 1);
	} else if (reply_is_demoted(r, reply)) {
		redis_link_break(r, "no primary any more", bytes_mem(reply->str, reply->len));
		if (wait->fn)
			wait->fn(-ENOTCONN, NULL, wait->arg);
	} else if (reply_is_request(r, reply, wait)) {
		return;
	} else if (reply_is_moved(r, reply)) {
		if (wait->fn)
			wait->fn(-ENOTCONN, NULL, wait->arg);
	} else if (wait->fn) {
		wait->fn(0, reply, wait->arg);
	}
}

static void redis_on_reply(struct redis *r, const struct redisReply *reply)
{
	struct redis_wait wait;

	if (reply->type == REDIS_REPLY_ERROR)
		metric_add(r->metrics.errors, 1);
	if (r->sentinel.hurry && r->state == REDIS_LINK_UP)
		redis_sentinel_hurry(&r->sentinel, false, 0); /* it answers again */
	if (redis_queue_pop(&r->queue, &wait)) {
		reply_give(r, reply, &wait);
		free(wait.said);
	} else {
		redis_link_break(r, "an answer to no command", (struct bytes){ 0 });
	}
}

void redis_reader_feed(struct redis *r, struct bytes in)
{
	void *reply = NULL;

	(void)redisReaderFeed(r->reader, (const char *)in.p,
			      in.n); /* what went wrong stays in err */
	/* a callback that closed the link has taken the reader with it */
	while (!r->broken && r->reader && redisReaderGetReply(r->reader, &reply) == REDIS_OK &&
	       reply) {
		redis_on_reply(r, reply);
		freeReplyObject(reply);
	}
	if (r->reader && r->reader->err)
		redis_link_break(r, "no Redis protocol", bytes_str(r->reader->errstr));
}

/* ---- replies ---- */

bool redis_is_error(const struct redisReply *reply, struct bytes *text)
{
	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return false;
	if (text)
		*text = bytes_mem(reply->str, reply->len);
	return true;
}

enum redis_type redis_reply_type(const struct redisReply *reply)
{
	switch (reply ? reply->type : REDIS_REPLY_NIL) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		return REDIS_TYPE_TEXT;
	case REDIS_REPLY_ARRAY:
		return REDIS_TYPE_ARRAY;
	case REDIS_REPLY_INTEGER:
		return REDIS_TYPE_INTEGER;
	case REDIS_REPLY_ERROR:
		return REDIS_TYPE_ERROR;
	default:
		return REDIS_TYPE_NIL;
	}
}

int64_t redis_reply_integer(const struct redisReply *reply)
{
	return redis_reply_type(reply) == REDIS_TYPE_INTEGER ? reply->integer : 0;
}

struct bytes redis_reply_text(const struct redisReply *reply)
{
	enum redis_type type = redis_reply_type(reply);

	if (type != REDIS_TYPE_TEXT && type != REDIS_TYPE_ERROR)
		return (struct bytes){ 0 };
	return bytes_mem(reply->str, reply->len);
}

size_t redis_reply_count(const struct redisReply *reply)
{
	return redis_reply_type(reply) == REDIS_TYPE_ARRAY ? reply->elements : 0;
}

const struct redisReply *redis_reply_at(const struct redisReply *reply, size_t i)
{
	return i < redis_reply_count(reply) ? reply->element[i] : NULL;
}
