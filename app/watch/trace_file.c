/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch/trace_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
	TRACE_SPACE = 2 * (PCAPNG_PAYLOAD_MAX + PCAPNG_BLOCK_ROOM),
	LAST_ROOM = 128, /* of the block of counts */
};

const char *trace_end_name(enum trace_end why)
{
	switch (why) {
	case TRACE_RUNS:
		return "runs";
	case TRACE_STOPPED:
		return "stopped";
	case TRACE_CALL_ENDED:
		return "call ended";
	case TRACE_TIME:
		return "seconds are over";
	case TRACE_OCTETS:
		return "octets are full";
	case TRACE_FAILED:
		return "cannot be written";
	}
	return "";
}

int trace_file_open(struct trace *t)
{
	uint8_t *p = malloc(TRACE_SPACE);

	if (p)
		t->space = writer_over(p, TRACE_SPACE);
	return p ? 0 : -ENOMEM;
}

static int trace_write(struct trace *t)
{
	struct bytes rest = writer_done(&t->space);

	while (rest.n) {
		ssize_t n = write(t->fd, rest.p, rest.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest = bytes_from(rest, (size_t)n);
	}
	return 0;
}

/* 0 or -errno: the file is then as it was before. */
static int trace_drain(struct trace *t)
{
	int err = trace_write(t);

	if (err) {
		(void)!ftruncate(t->fd, (off_t)t->written);
		LOG_WARN("trace", trace_call(t), "a trace cannot be written",
			 LOG_STR("file", t->name), LOG_STR("error", strerror(-err)));
	} else {
		t->written += t->space.n;
		atomic_store_explicit(&t->octets, t->written, memory_order_relaxed);
	}
	t->space.n = 0;
	return err;
}

void trace_file_begin(struct trace *t)
{
	char comment[128], id[BASE32_U64_LEN];

	base32_u64_put(id, trace_call(t));
	if (t->user[0])
		(void)snprintf(comment, sizeof(comment), "next call %s %s%s",
			       t->side == TRACE_FROM ? "from" : "to", t->user,
			       t->decrypted ? ", decrypted" : "");
	else
		(void)snprintf(comment, sizeof(comment), "call %.*s%s", (int)sizeof(id), id,
			       t->decrypted ? ", decrypted" : "");
	t->begun = true;
	t->written = 0;
	pcapng_begin(&t->space, "tandem " TANDEM_VERSION, comment);
}

bool trace_file_add(struct trace *t, const struct pcapng_packet *p)
{
	size_t room = p->payload.n + PCAPNG_BLOCK_ROOM;

	if (t->written + t->space.n + room + LAST_ROOM > t->octets_max) {
		trace_file_end(t, TRACE_OCTETS, p->utc_ns);
		return false;
	}
	if (t->space.n + room > t->space.cap && trace_drain(t)) {
		trace_file_end(t, TRACE_FAILED, p->utc_ns);
		return false;
	}
	pcapng_packet(&t->space, p);
	assert(!t->space.overflow);
	atomic_fetch_add_explicit(&t->packets, 1, memory_order_relaxed);
	if (p->lost)
		atomic_fetch_add_explicit(&t->lost, p->lost, memory_order_relaxed);
	return true;
}

void trace_file_flush(struct trace *t, uint64_t now_ns, uint64_t utc_ns)
{
	if (t->space.n && trace_drain(t))
		trace_file_end(t, TRACE_FAILED, utc_ns);
	else if (now_ns >= atomic_load_explicit(&t->end_ns, memory_order_relaxed))
		trace_file_end(t, TRACE_TIME, utc_ns);
}

void trace_file_end(struct trace *t, enum trace_end why, uint64_t utc_ns)
{
	struct pcapng_counts counts = { .utc_ns = utc_ns,
					.received = atomic_load(&t->packets),
					.lost = atomic_load(&t->lost) };

	if (why != TRACE_FAILED) {
		if (t->space.n + PCAPNG_BLOCK_ROOM > t->space.cap && trace_drain(t))
			why = TRACE_FAILED;
		pcapng_counts(&t->space, &counts);
		if (trace_drain(t))
			why = TRACE_FAILED;
	}
	(void)close(t->fd);
	free(t->space.p);
	t->space = (struct writer){ 0 };
	t->begun = false;
	LOG_INFO("trace", trace_call(t), "trace ended", LOG_STR("file", t->name),
		 LOG_STR("why", trace_end_name(why)), LOG_U64("packets", counts.received),
		 LOG_U64("lost", counts.lost), LOG_U64("octets", t->written));
	/* release: control reads all of it again */
	atomic_store_explicit(&t->state, TRACE_ENDED, memory_order_release);
}
