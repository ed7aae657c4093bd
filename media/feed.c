/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lock-free rings between an application's thread and the worker of a call: PCM frames for the
 * party, and the party's packets for the application (WebSocket audio of app/live). Each index has
 * one writer, and acquire and release order the frames. Clearing, when the application interrupts
 * itself, is a serial number that the worker compares, so frames already queued need not be
 * removed. A full ring loses what does not fit and counts it, since neither side may wait.
 */

#include "media/feed.h"

#include <assert.h>
#include <stdlib.h>

struct media_feed *media_feed_make(void)
{
	struct media_feed *f = aligned_alloc(_Alignof(struct media_feed), sizeof(*f));

	if (f)
		memset(f, 0, sizeof(*f));
	return f;
}

void media_feed_free(struct media_feed *f)
{
	free(f);
}

/* ---- the application's thread ---- */

struct feed_frame *media_feed_reserve(struct media_feed *f)
{
	uint32_t tail = atomic_load_explicit(&f->frame_tail, memory_order_relaxed);
	/* acquire: pairs with the release in media_feed_frame_release: the worker has read the
	 * slot */
	uint32_t head = atomic_load_explicit(&f->frame_head, memory_order_acquire);

	return tail - head < FEED_FRAMES ? &f->frames[tail % FEED_FRAMES] : NULL;
}

void media_feed_publish(struct media_feed *f)
{
	uint32_t tail = atomic_load_explicit(&f->frame_tail, memory_order_relaxed);

	/* release: pairs with the acquire in frame_oldest: the frame is filled first */
	atomic_store_explicit(&f->frame_tail, tail + 1, memory_order_release);
}

uint32_t media_feed_waiting(const struct media_feed *f)
{
	return atomic_load_explicit(&f->frame_tail, memory_order_relaxed) -
	       atomic_load_explicit(&f->frame_head, memory_order_acquire);
}

void media_feed_clear(struct media_feed *f, uint32_t serial)
{
	/* no order: a frame's serial tells on which side of it the frame is */
	atomic_store_explicit(&f->cleared, serial, memory_order_relaxed);
}

const struct feed_out *media_feed_out(const struct media_feed *f)
{
	uint32_t head = atomic_load_explicit(&f->report_head, memory_order_relaxed);
	/* acquire: pairs with the release in media_feed_out_publish */
	uint32_t tail = atomic_load_explicit(&f->report_tail, memory_order_acquire);

	return head == tail ? NULL : &f->out[head % FEED_OUT_PACKETS];
}

void media_feed_out_release(struct media_feed *f)
{
	uint32_t head = atomic_load_explicit(&f->report_head, memory_order_relaxed);

	/* release: pairs with the acquire in media_feed_out_reserve */
	atomic_store_explicit(&f->report_head, head + 1, memory_order_release);
}

/* ---- the worker ---- */

static const struct feed_frame *frame_oldest(const struct media_feed *f)
{
	uint32_t head = atomic_load_explicit(&f->frame_head, memory_order_relaxed);
	/* acquire: pairs with the release in media_feed_publish */
	uint32_t tail = atomic_load_explicit(&f->frame_tail, memory_order_acquire);

	return head == tail ? NULL : &f->frames[head % FEED_FRAMES];
}

static bool is_cleared(const struct media_feed *f, const struct feed_frame *frame)
{
	uint32_t cleared = atomic_load_explicit(&f->cleared, memory_order_relaxed);

	return (int32_t)(cleared - frame->serial) >= 0;
}

const struct feed_frame *media_feed_frame(struct media_feed *f)
{
	const struct feed_frame *frame;

	while ((frame = frame_oldest(f)) != NULL) {
		/* Its mark was set before it, so all that the mark covers has been played. */
		atomic_store_explicit(&f->mark, frame->mark, memory_order_relaxed);
		if (!is_cleared(f, frame) && !frame->is_silence)
			break;
		media_feed_frame_release(f);
	}
	return frame;
}

void media_feed_frame_release(struct media_feed *f)
{
	uint32_t head = atomic_load_explicit(&f->frame_head, memory_order_relaxed);

	/* release: pairs with the acquire in media_feed_reserve */
	atomic_store_explicit(&f->frame_head, head + 1, memory_order_release);
}

struct feed_out *media_feed_out_reserve(struct media_feed *f)
{
	uint32_t tail = atomic_load_explicit(&f->report_tail, memory_order_relaxed);
	/* acquire: pairs with the release in media_feed_out_release */
	uint32_t head = atomic_load_explicit(&f->report_head, memory_order_acquire);

	if (tail - head < FEED_OUT_PACKETS)
		return &f->out[tail % FEED_OUT_PACKETS];
	atomic_fetch_add_explicit(&f->report_lost, 1, memory_order_relaxed);
	return NULL;
}

void media_feed_out_publish(struct media_feed *f)
{
	uint32_t tail = atomic_load_explicit(&f->report_tail, memory_order_relaxed);

	/* release: pairs with the acquire in media_feed_out */
	atomic_store_explicit(&f->report_tail, tail + 1, memory_order_release);
}
