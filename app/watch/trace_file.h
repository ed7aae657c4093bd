/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trace while it runs: what control and the watching thread share of it, and the file. It ends by itself: at its limits, with its call,
 * when it cannot be written. Each write(2) is of whole blocks, so that what a killed node leaves can be read.
 */
#ifndef APP_WATCH_TRACE_FILE_H
#define APP_WATCH_TRACE_FILE_H

#include <stdatomic.h>

#include "app/watch/trace_store.h"
#include "base/pcapng.h"

enum trace_state {
	TRACE_FREE,  /* control's */
	TRACE_BEGUN, /* the thread's */
	TRACE_ENDED, /* control's again: the file is whole and closed */
};

enum trace_end {
	TRACE_RUNS,
	TRACE_STOPPED, /* by command, or with the node */
	TRACE_CALL_ENDED,
	TRACE_TIME,
	TRACE_OCTETS,
	TRACE_FAILED, /* the file could not be written */
};

enum trace_side { TRACE_FROM, TRACE_TO };

struct trace {
	_Atomic uint32_t state; /* enum trace_state */
	_Atomic uint32_t stop;  /* enum trace_end that control asks for; TRACE_RUNS: none */
	_Atomic uint64_t octets, packets, lost; /* in the file; lost: what had no room on its way */
	_Atomic uint64_t call;                  /* 0: it waits for one of the user below */
	_Atomic uint64_t end_ns;                /* of its time, or of its waiting */
	char user[64];                          /* whose next call it is; "": that of a call */
	char tenant[32];                        /* of that user; "": of any */
	enum trace_side side;
	/* before it is begun, and constant from then on */
	uint64_t octets_max;
	uint32_t seconds;
	bool decrypted;
	char name[TRACE_NAME_MAX];
	int fd;
	/* the thread's */
	struct writer space; /* blocks that are not written yet */
	uint64_t written;    /* octets of whole blocks in the file */
	bool begun;
};

/* Whose it is; acquire: pairs with the release that names it, so that what control set before is seen. 0: nobody's yet. */
static inline uint64_t trace_call(const struct trace *t)
{
	return atomic_load_explicit(&t->call, memory_order_acquire);
}

/* Memory, for control. 0 or -ENOMEM. */
int trace_file_open(struct trace *t) NODISCARD;
/* ---- the thread's ---- */
void trace_file_begin(struct trace *t);
/* False: the trace has ended. */
bool trace_file_add(struct trace *t, const struct pcapng_packet *p);
/* What waits is written; past its time it ends. */
void trace_file_flush(struct trace *t, uint64_t now_ns, uint64_t utc_ns);
/* Closes it; control has it again. */
void trace_file_end(struct trace *t, enum trace_end why, uint64_t utc_ns);

const char *trace_end_name(enum trace_end why);

#endif
