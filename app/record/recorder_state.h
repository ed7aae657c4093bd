/* SPDX-License-Identifier: Apache-2.0 */
/* What app/record/recorder*.c share. */
#ifndef APP_RECORD_RECORDER_STATE_H
#define APP_RECORD_RECORDER_STATE_H

#include <pthread.h>

#include "app/record/recorder.h"
#include "app/record/recording.h"
#include "base/ring.h"

enum {
	RECORDER_ORDERS = 16384,
	RECORDER_TOLD = 4096,
	RECORDER_SLOTS = 4096, /* of the table: a power of two */
};

enum recorder_order_kind {
	ORDER_BEGIN,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_NOTE,
	ORDER_END,
	ORDER_FORGET,
};

struct recorder_order {
	enum recorder_order_kind kind;
	uint64_t at_ns;
	struct record_terms terms; /* but for ORDER_BEGIN its call and number alone */
	bool last;
	char *facts; /* malloc'ed; the thread frees it */
	size_t facts_n;
};

/* A recording, and what is left to do for it. */
struct recorder_item {
	struct recording recording; /* first */
	bool ends;                  /* asked for; what is under way is awaited for a moment */
	bool ended;                 /* the disk finishes it */
	bool last, interrupted;
	uint64_t end_ns;
	char *facts;
	size_t facts_n;
};

struct recorder {
	struct recorder_settings settings;
	struct ring orders; /* of struct recorder_order; control produces */
	struct ring told;   /* of struct recorder_told; the thread produces */
	_Atomic bool stopping;
	pthread_t thread, finder; /* finder: looks after what was left behind */
	bool started, finding;
	/* the thread's */
	struct disk disk;
	struct recording *slots[RECORDER_SLOTS];
	uint32_t count;
	uint64_t now_ns;
	_Atomic int trouble; /* -errno, with the disk, and it was said; 0: none. Control reads it */
	bool stuck;          /* the disk has something for ever: its memory stays */
	uint64_t written;    /* as the metric has it */
};

/* ---- recorder_thread.c ---- */
void *recorder_thread(void *arg);
void recorder_thread_setup(void);

/* ---- recorder_left.c ---- */
/* Files of processes before this one: each gets its sidecar. */
void *recorder_left(void *arg);

#endif
