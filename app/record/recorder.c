/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "app/record/recorder_state.h"
#include "base/clock.h"
#include "base/thread.h"

void recorder_setup(void)
{
	recorder_thread_setup();
}

/* With those above it. 0 or -errno. */
static int recorder_folder_make(const char *path)
{
	char part[RECORD_FOLDER_MAX];
	size_t n = strnlen(path, sizeof(part) - 1);

	memcpy(part, path, n);
	part[n] = '\0';
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return -errno;
		part[i] = i < n ? '/' : '\0';
	}
	return 0;
}

int recorder_open(struct recorder **out, const struct recorder_settings *settings)
{
	struct recorder *r = aligned_alloc(64, (sizeof(*r) + 63) / 64 * 64);
	int err;

	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->settings = *settings;
	r->disk.plain = true;
	r->orders.wake_fd = r->told.wake_fd = -1;
	err = recorder_folder_make(settings->folder);
	if (!err)
		err = ring_open(&r->orders, sizeof(struct recorder_order), RECORDER_ORDERS);
	if (!err)
		err = ring_open(&r->told, sizeof(struct recorder_told), RECORDER_TOLD);
	if (!err)
		err = disk_open(&r->disk, settings->memory_mib);
	if (!err)
		err = thread_spawn(&r->thread, "recorder", recorder_thread, r);
	if (err) {
		recorder_close(r);
		return err;
	}
	r->started = true;
	r->finding = thread_spawn(&r->finder, "recordings-left", recorder_left, r) == 0;
	(void)ring_sleep(&r->told);
	*out = r;
	return 0;
}

/* What the disk may still read stays where it is: the process ends soon. */
void recorder_close(struct recorder *r)
{
	struct recorder_order o;
	uint64_t one = 1;

	if (!r)
		return;
	atomic_store(&r->stopping, true);
	if (r->started) {
		(void)!write(r->orders.wake_fd, &one, sizeof(one));
		(void)pthread_join(r->thread, NULL);
	}
	if (r->finding)
		(void)pthread_join(r->finder, NULL);
	while (r->started && ring_pop(&r->orders, &o, 1) == 1)
		free(o.facts);
	ring_close(&r->orders);
	ring_close(&r->told);
	if (r->stuck)
		return;
	disk_close(&r->disk);
	free(r);
}

static bool recorder_order(struct recorder *r, struct recorder_order *o)
{
	o->at_ns = clock_now_ns();
	return ring_push(&r->orders, o);
}

/* The thread gets a copy of the facts, and a line's end behind it: in a file that says that all of it is there. */
static bool recorder_order_facts(struct recorder *r, struct recorder_order *o, struct bytes facts)
{
	assert(facts.n <= RECORD_FACTS_MAX);
	o->facts = facts.n ? malloc(facts.n + 1) : NULL;
	if (o->facts) {
		memcpy(o->facts, facts.p, facts.n);
		o->facts[facts.n] = '\n';
		o->facts_n = facts.n;
	}
	if (recorder_order(r, o))
		return true;
	free(o->facts);
	return false;
}

bool recorder_begin(struct recorder *r, const struct record_terms *terms, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_BEGIN, .terms = *terms };

	assert(terms->number && terms->segment);
	if (record_is_mono(terms))
		o.terms.format = RECORD_WAV;
	return recorder_order_facts(r, &o, facts);
}

bool recorder_pause(struct recorder *r, uint64_t call, uint8_t number)
{
	struct recorder_order o = { .kind = ORDER_PAUSE,
				    .terms = { .call = call, .number = number } };

	return recorder_order(r, &o);
}

bool recorder_resume(struct recorder *r, uint64_t call, uint8_t number)
{
	struct recorder_order o = { .kind = ORDER_RESUME,
				    .terms = { .call = call, .number = number } };

	return recorder_order(r, &o);
}

bool recorder_note(struct recorder *r, uint64_t call, uint8_t number, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_NOTE,
				    .terms = { .call = call, .number = number } };

	return recorder_order_facts(r, &o, facts);
}

bool recorder_end(struct recorder *r, uint64_t call, uint8_t number, bool last, struct bytes facts)
{
	struct recorder_order o = { .kind = ORDER_END,
				    .terms = { .call = call, .number = number },
				    .last = last };

	return recorder_order_facts(r, &o, facts);
}

bool recorder_forget(struct recorder *r, const struct record_terms *terms)
{
	struct recorder_order o = { .kind = ORDER_FORGET, .terms = *terms };

	return recorder_order(r, &o);
}

uint32_t recorder_told(struct recorder *r, struct recorder_told *out, uint32_t max)
{
	uint32_t n;

	ring_awake(&r->told);
	n = ring_pop(&r->told, out, max);
	/* what came meanwhile, or had no room, makes it readable again */
	if (!ring_sleep(&r->told)) {
		uint64_t one = 1;

		(void)!write(r->told.wake_fd, &one, sizeof(one));
	}
	return n;
}

int recorder_trouble(const struct recorder *r)
{
	return atomic_load_explicit(&r->trouble, memory_order_relaxed);
}

int recorder_told_fd(const struct recorder *r)
{
	return r->told.wake_fd;
}
