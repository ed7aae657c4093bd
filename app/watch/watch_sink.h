/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of traces:
 * files with names of the node, readable by its user alone, found after a restart. */
#ifndef APP_WATCH_WATCH_SINK_H
#define APP_WATCH_WATCH_SINK_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/pcapng.h"
#include "media/hep.h"

enum {
	TRACE_NAME_MAX = 40, /* "0123456789abc-1700000000000.pcapng" and NUL */
	TRACE_PATH_MAX = 128,
	TRACE_FILES_MAX = 1000,
};

struct trace_store {
	char folder[TRACE_PATH_MAX];
};

struct trace_entry {
	char name[TRACE_NAME_MAX];
	uint64_t call; /* 0: it waited for one */
	uint64_t started_utc_ms;
	uint64_t changed_utc_ms;
	uint64_t octets;
};

/* Makes the folder. 0 or -errno. */
int trace_store_open(struct trace_store *s, const char *state_dir) NODISCARD;
void trace_name_write(char out[TRACE_NAME_MAX], uint64_t call, uint64_t utc_ms);
/* 0, or -EINVAL: not a name that this node writes, so no other path is reached. */
int trace_name_read(struct bytes name, uint64_t *call, uint64_t *utc_ms) NODISCARD;
/* A new file; a descriptor or -errno. */
int trace_store_create(const struct trace_store *s, const char *name) NODISCARD;
/* Returns their number, oldest first; lists max at most. */
uint32_t trace_store_list(const struct trace_store *s, struct trace_entry *out, uint32_t max);
/* 0 with *size of the file and *n octets at out, -EINVAL (name) or -errno. */
int trace_store_read(const struct trace_store *s, struct bytes name, uint64_t offset, uint8_t *out,
		     size_t *n, uint64_t *size) NODISCARD;
/* 0, -EINVAL (name) or -errno. */
int trace_store_delete(const struct trace_store *s, struct bytes name) NODISCARD;

/* A running trace: state shared by control and the watching thread, and the file. It ends by
 * itself: at its limits, with its call, when it cannot be written. Each write(2) has whole blocks,
 * so that the file of a killed node can be read. */

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
	_Atomic uint32_t stop;  /* enum trace_end that control wants; TRACE_RUNS: none */
	_Atomic uint64_t octets, packets, lost; /* in the file; lost: what had no room on its way */
	_Atomic uint64_t call;                  /* 0: it waits for one of the user below */
	_Atomic uint64_t end_ns;                /* of its time, or of its waiting */
	char user[64];                          /* waits for its next call; "": of a call */
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

/* The call; acquire: pairs with the release that sets it,
 * so that what control wrote before is visible. 0: none yet. */
static inline uint64_t trace_call(const struct trace *t)
{
	return atomic_load_explicit(&t->call, memory_order_acquire);
}

/* Memory, for control. 0 or -ENOMEM. */
int trace_file_open(struct trace *t) NODISCARD;
/* ---- the thread's ---- */
void trace_file_start(struct trace *t);
/* False: the trace has ended. */
bool trace_file_add(struct trace *t, const struct pcapng_packet *p);
/* Writes pending blocks; ends it past its time. */
void trace_file_flush(struct trace *t, uint64_t now_ns, uint64_t utc_ns);
/* Closes it; control has it again. */
void trace_file_end(struct trace *t, enum trace_end why, uint64_t utc_ns);

/* HEP copies for a collector, one UDP datagram each; unsendable ones are lost and counted.
 * The watching thread's. */

struct hep_settings {
	struct addr collector; /* ADDR_NONE: no export */
	uint32_t capture_id;
	char password[HEP_PASSWORD_MAX + 1];
};

struct hep_export {
	struct hep_settings settings;
	int fd;         /* -1: none */
	bool connected; /* there was a way to it */
	uint8_t *space; /* a datagram */
};

/* Why a copy did not go. */
enum hep_loss {
	HEP_LOSS_QUEUE, /* the thread does not keep up */
	HEP_LOSS_LONG,  /* longer than a datagram */
	HEP_LOSS_SEND,  /* the kernel did not take it, or nobody listens there */
	HEP_LOSSES,
};

void hep_export_setup(void); /* registers the metrics; main thread, once */
void hep_export_lost(enum hep_loss why);
/* Begins, changes or ends the export; without memory or descriptors it is off, and without a route
 * to the collector, as before an interface is up, each copy looks for one. Both are logged. x:
 * zeroed with fd -1 at first. */
void hep_export_configure(struct hep_export *x, const struct hep_settings *settings);
static inline bool hep_export_is_on(const struct hep_export *x)
{
	return x->fd >= 0;
}
/* capture_id and password are filled in. */
void hep_export_send(struct hep_export *x, struct hep_packet *p);
void hep_export_close(struct hep_export *x);

#endif
