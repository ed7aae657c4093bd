/* SPDX-License-Identifier: Apache-2.0 */
/* What app/watch/watch*.c share. */
#ifndef APP_WATCH_WATCH_STATE_H
#define APP_WATCH_WATCH_STATE_H

#include <pthread.h>

#include "app/watch/watch.h"
#include "base/ring.h"
#include "media/capture.h"

enum {
	WATCH_MESSAGES = 1024,           /* on their way to the thread */
	WATCH_MESSAGES_OCTETS = 1 << 22, /* in all of them */
};

/* A copy of a SIP message; malloc'ed, the thread frees it. */
struct watch_item {
	uint64_t utc_ns;
	uint64_t call;
	struct addr from, to;
	bool sent;
	bool past; /* for traces alone, those that are decrypted or those that are not */
	bool made; /* from the record of the call */
	bool decrypted;
	enum sip_transport transport;
	size_t n;
	uint8_t octets[];
};

struct watch {
	/* control's */
	struct trace_store store;
	struct watch_limits limits;
	struct engine *engine;
	struct shard_local locals[SHARD_LOCALS_MAX];
	uint32_t local_count;
	uint32_t running;             /* traces that are not free */
	uint32_t waiting;             /* ... and wait for a call */
	struct hep_settings hep_told; /* to the thread */
	bool hep_on;
	bool export_due;                    /* the workers were not told of hep_on yet */
	uint32_t watched;                   /* traces whose call the workers copy, a bit each */
	uint64_t gone_ns[WATCH_TRACES_MAX]; /* since when there is no such call; 0: there is */
	uint64_t swept_ns;
	/* both */
	struct trace traces[WATCH_TRACES_MAX];
	struct ring messages; /* of struct watch_item *; control produces */
	_Atomic uint64_t message_octets;
	_Atomic(struct hep_settings *) fresh; /* malloc'ed: the thread takes it */
	_Atomic bool stopping;
	int wake_fd;
	pthread_t thread;
	bool started;
	/* the thread's */
	struct hep_export hep;
	uint64_t utc_offset_ns; /* wall clock less CLOCK_BOOTTIME */
};

/* ---- watch_thread.c ---- */
void *watch_thread(void *arg);

/* ---- watch.c ---- */
void watch_wake(struct watch *w);
/* Tells the workers what is watched by now. */
void watch_orders_settle(struct watch *w);
/* Asks the thread to end it, if nobody has. */
void watch_trace_end(struct watch *w, struct trace *t, enum trace_end why);

/* ---- watch_trace.c ---- */
void watch_trace_setup(void);

#endif
