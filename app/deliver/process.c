/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { FIGURES_MS = 1000, WAIT_MS = 1000 };

/* So long nothing is due. */
static int process_wait_ms(struct process *p, uint64_t now_ms)
{
	uint64_t next_ms = now_ms + WAIT_MS;
	uint32_t held = process_work_kinds(p);

	if (p->configured && p->scan_ms < next_ms)
		next_ms = p->scan_ms;
	for (uint32_t i = 0; i < p->queue.count; i++) {
		const struct queue_job *q = &p->queue.jobs[i];

		if (!q->busy && !(q->waits & held) && q->next_ms < next_ms)
			next_ms = q->next_ms;
	}
	return next_ms > now_ms ? (int)(next_ms - now_ms) : 1;
}

static void process_wait(struct process *p)
{
	struct curl_waitfd wait[1 + WORK_KINDS + PROCESS_TRANSFERS_MAX + 3 + COPY_TAKERS_MAX] = {
		{ .fd = p->link, .events = CURL_WAIT_POLLIN }
	};
	unsigned n = 1 + process_copies_wait(p, wait + 1);
	int running;

	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		if (p->transfers[i].used && p->transfers[i].child)
			wait[n++] = (struct curl_waitfd){ .fd = p->transfers[i].child_end,
							  .events = CURL_WAIT_POLLIN };
	}
	for (unsigned kind = 0; kind < WORK_KINDS; kind++) {
		if (p->work[kind].child)
			wait[n++] = (struct curl_waitfd){ .fd = p->work[kind].child_end,
							  .events = CURL_WAIT_POLLIN };
	}
	(void)curl_multi_perform(p->multi, &running);
	(void)curl_multi_poll(p->multi, wait, n, process_wait_ms(p, clock_utc_ms()), NULL);
	(void)curl_multi_perform(p->multi, &running);
}

static void process_round(struct process *p)
{
	uint64_t now_ms = clock_utc_ms();

	if (!p->configured)
		return;
	process_collect(p, now_ms);
	process_work_collect(p, now_ms);
	process_scan(p, now_ms);
	process_deliver(p, now_ms);
	process_index_round(p, now_ms);
	process_abort(p, now_ms);
	process_copies_round(p, now_ms);
	if (now_ms >= p->told_ms || p->told_ms - now_ms > FIGURES_MS) {
		process_tell_figures(p);
		p->told_ms = now_ms + FIGURES_MS;
	}
}

static void process_close(struct process *p)
{
	for (unsigned i = 0; i < PROCESS_TRANSFERS_MAX; i++) {
		if (p->transfers[i].used)
			transfer_clear(&p->transfers[i], p->multi);
		free(p->transfers[i].upload);
	}
	process_copies_close(p);
	transfer_clear(&p->abort, p->multi);
	free(p->abort.upload);
	(void)curl_multi_cleanup(p->multi);
	queue_close(&p->queue);
	terms_close(&p->terms);
	if (p->in)
		explicit_bzero(p->in, p->in_cap);
	free(p->in);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

void process_run(int link, int descriptors)
{
	struct process *p = calloc(1, sizeof(*p));
	int err = p ? queue_open(&p->queue, QUEUE_JOBS_MAX) : -ENOMEM;

	if (!err) {
		p->link = link;
		p->abort.child_end = -1;
		rand_open_system(&p->rand);
		p->multi = curl_multi_init();
		err = p->multi ? process_copies_open(p, descriptors) : -ENOMEM;
	}
	if (err) {
		LOG_ERROR("recordings", 0, "no memory for the process that stores recordings");
		if (p)
			queue_close(&p->queue);
		free(p);
		return;
	}
	while (process_hear(p)) {
		process_round(p);
		process_wait(p);
	}
	process_close(p);
}
