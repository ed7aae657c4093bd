/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/clock.h"
#include "base/log.h"

enum { LINK_PIECE = 65536, SEND_LIMIT_MS = 5000 };

/* What was counted of a destination stays its own, whatever the order is now. */
static void process_sort(struct process *p)
{
	static struct process_destination before[TERMS_DESTINATIONS_MAX];

	memcpy(before, p->of, sizeof(before));
	memset(p->of, 0, sizeof(p->of));
	for (uint32_t i = 0; i < p->terms.destination_count; i++) {
		for (uint32_t k = 0; k < TERMS_DESTINATIONS_MAX; k++) {
			if (!strcmp(before[k].name, p->terms.destinations[i].name))
				p->of[i] = before[k];
		}
		memcpy(p->of[i].name, p->terms.destinations[i].name, sizeof(p->of[i].name));
		p->of[i].rest_ms = 0; /* what was wrong may be right now */
	}
}

static void process_configure(struct process *p, const json_t *settings)
{
	struct terms_copies before = p->terms.copies;
	int err = terms_read(&p->terms, settings);

	if (err) {
		LOG_ERROR("recordings", 0, "settings of the node are not understood",
			  LOG_STR("error", strerror(-err)));
		return;
	}
	log_setup(STDERR_FILENO, (enum log_level)p->terms.log_level,
		  (enum log_format)p->terms.log_format);
	process_sort(p);
	for (uint32_t i = 0; i < p->queue.count; i++) /* the same of its certificates */
		p->queue.jobs[i].failures = 0;
	p->seal_fails = false;
	p->configured = true;
	p->scan_ms = p->sweep_ms = 0;
	process_copies_reset(p, memcmp(&before, &p->terms.copies, sizeof(before)) != 0);
	explicit_bzero(&before, sizeof(before));
}

static void process_line(struct process *p, const char *text, size_t n)
{
	json_t *line = json_loadb(text, n, 0, NULL);
	const json_t *settings = json_object_get(line, "settings");

	if (settings)
		process_configure(p, settings);
	else if (json_object_get(line, "nodes"))
		process_copies_nodes(p, json_object_get(line, "nodes"));
	else if (json_object_get(line, "said"))
		process_index_said(p, line, clock_utc_ms());
	else if (json_object_get(line, "redis"))
		process_index_redis(p, line);
	else if (json_object_get(line, "ask"))
		process_ask(p, line);
	json_decref(line);
}

static bool process_room(struct process *p)
{
	size_t cap = p->in_cap ? p->in_cap * 2 : LINK_PIECE;
	char *more;

	if (p->in_cap - p->in_n >= LINK_PIECE / 2)
		return true;
	more = cap <= PROCESS_LINE_MAX ? malloc(cap) : NULL;
	if (!more)
		return false;
	if (p->in_n)
		memcpy(more, p->in, p->in_n);
	if (p->in)
		explicit_bzero(p->in, p->in_cap); /* secrets */
	free(p->in);
	p->in = more;
	p->in_cap = cap;
	return true;
}

static void process_lines(struct process *p)
{
	char *end;

	while (p->in_n && (end = memchr(p->in, '\n', p->in_n))) {
		size_t n = (size_t)(end - p->in) + 1;

		process_line(p, p->in, n);
		p->in_n -= n;
		memmove(p->in, p->in + n, p->in_n);
		explicit_bzero(p->in + p->in_n, n);
	}
}

bool process_hear(struct process *p)
{
	ssize_t n;

	do {
		if (!process_room(p))
			return false;
		n = recv(p->link, p->in + p->in_n, p->in_cap - p->in_n, MSG_DONTWAIT);
		if (n > 0) {
			p->in_n += (size_t)n;
			process_lines(p);
		}
	} while (n > 0);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* The node reads at once; one that stands still for long is gone, or stops soon. */
static void process_send(struct process *p, const char *text, size_t n)
{
	struct pollfd wait = { .fd = p->link, .events = POLLOUT };

	while (n) {
		ssize_t sent = send(p->link, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN || poll(&wait, 1, SEND_LIMIT_MS) <= 0) {
			return;
		}
	}
}

void process_tell(struct process *p, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (!text)
		return;
	process_send(p, text, strlen(text));
	process_send(p, "\n", 1);
	free(text);
}

static json_t *process_destinations_json(const struct process *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->terms.destination_count; i++) {
		const struct process_destination *d = &p->of[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", d->name, "delivered",
				  (json_int_t)d->delivered, "failed", (json_int_t)d->failed,
				  "octets", (json_int_t)d->octets, "dead", (json_int_t)d->dead,
				  "running", (json_int_t)d->running));
	}
	return list;
}

void process_tell_figures(struct process *p)
{
	uint64_t now_ms = clock_utc_ms(), oldest = p->found.oldest_ms;
	uint64_t uncoded = p->found.uncoded ? p->found.uncoded_oldest_ms : 0;
	bool late = uncoded && uncoded + p->terms.opus_wait_ms / 2 < now_ms;
	json_int_t age = oldest && oldest < now_ms ? (json_int_t)(now_ms - oldest) : 0;

	process_tell(p,
		     json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:b, s:I, "
			       "s:I, s:I, s:I, s:b, s:o, s:o, s:I, s:I, s:I}}",
			       "figures", "files", (json_int_t)p->found.files, "octets",
			       (json_int_t)p->found.octets, "backlog", (json_int_t)p->found.backlog,
			       "dead", (json_int_t)p->found.dead, "oldest_ms", age, "deleted",
			       (json_int_t)p->deleted, "lost", (json_int_t)p->lost, "full",
			       (int)p->full, "sealed", (json_int_t)p->sealed, "seal_failures",
			       (json_int_t)p->seal_failures, "seal_fails", (int)p->seal_fails,
			       "uncoded", (json_int_t)p->found.uncoded, "coded",
			       (json_int_t)p->coded, "opus_failures", (json_int_t)p->opus_failures,
			       "opus_skipped", (json_int_t)p->opus_skipped, "opus_late", (int)late,
			       "destinations", process_destinations_json(p), "copies",
			       process_copies_figures(p, now_ms), "uploads_aborted",
			       (json_int_t)p->uploads_aborted, "unlisted",
			       (json_int_t)process_index_open(p), "folder_error",
			       (json_int_t)-p->folder_error));
}
