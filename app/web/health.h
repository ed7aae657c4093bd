/* SPDX-License-Identifier: Apache-2.0 */
/* How the node is, as the control thread says it and the web thread shows it. */
#ifndef APP_WEB_HEALTH_H
#define APP_WEB_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"

enum health_reason {
	HEALTH_STARTING = 1,
	HEALTH_STOPPING = 2,
	HEALTH_STORE = 4,      /* Redis is away or late: saves are not waited for */
	HEALTH_REDIS_DEAD = 8, /* the node's own Redis died and is being restarted */
	HEALTH_STALLED = 16,   /* the control thread has not come round; found by the reader */
	HEALTH_DRAINING = 32,  /* told to take no new calls */
	/* what one more call needs is not there */
	HEALTH_NO_CALLS = 64,
	HEALTH_NO_TRANSACTIONS = 128,
	HEALTH_NO_PORTS = 256,
	HEALTH_NO_DESCRIPTORS = 512,
	HEALTH_DOCUMENTS = 1024, /* Redis lacks documents that the node has, or had */
	/* no fault of now: records of calls could not be read at the start */
	HEALTH_CALLS_ASIDE = 2048,
	HEALTH_SHARD_LOST = 4096, /* another node has a shard of this one: the others go on */
	/* the lease of a shard is past: it may not speak until it is renewed */
	HEALTH_SHARD_SILENT = 8192,
	/* Redis may forget a lease: acks of other nodes alone carry it */
	HEALTH_LEASE_UNKEPT = 16384,
	HEALTH_REDIS_OTHER = 32768,         /* the node was linked to another Redis while it ran */
	HEALTH_RECORDINGS_PLAIN = 65536,    /* recordings that are to be encrypted cannot be */
	HEALTH_RECORDINGS_UNCODED = 131072, /* no fault of calls: Opus is made too slowly */
	HEALTH_RECORDINGS_FULL = 262144,    /* too little room, and nothing that may be deleted */
	HEALTH_RECORDINGS_DISK = 524288,    /* the disk refuses recordings, or does not answer */
	/* no fault of calls: no other node has what is not stored */
	HEALTH_RECORDINGS_UNCOPIED = 1048576,
	HEALTH_REDIS_REFUSES = 2097152, /* it answers, and takes no writes */
	HEALTH_RELOAD = 4194304, /* the settings, or certificates, that were read last are wrong */
	HEALTH_RECORDINGS_FOLDER = 8388608, /* it cannot be written */
	/* no fault of calls: a prompt that was to be played is not there */
	HEALTH_PROMPTS = 16777216,
	HEALTH_STATE_DIR = 33554432,      /* the documents cannot be written there */
	HEALTH_DOCUMENTS_FULL = 67108864, /* no place is left for those of a kind */
	HEALTH_EMERGENCY = 134217728,     /* an emergency call would fail */
	HEALTH_ARCHIVE = 268435456,   /* no fault of calls: their records wait for the archive */
	HEALTH_MULTICAST = 536870912, /* no fault of calls: a page by multicast is not sent */
	HEALTH_BUSY = HEALTH_DRAINING | HEALTH_NO_CALLS | HEALTH_NO_TRANSACTIONS | HEALTH_NO_PORTS |
		      HEALTH_NO_DESCRIPTORS,
};

enum { HEALTH_DETAILS = 8, HEALTH_DETAIL_MAX = 192 };

/* All zero: nothing is wrong. */
struct health {
	_Atomic uint32_t reasons;
	_Atomic uint64_t beat_ns; /* when the control thread was last seen */
	pthread_mutex_t lock;     /* of details: of reasons that have one, in words */
	struct {
		enum health_reason reason; /* 0: free */
		char text[HEALTH_DETAIL_MAX];
	} details[HEALTH_DETAILS];
};

void health_set(struct health *h, enum health_reason reason, bool on);
/* The same with a text to be shown; "" or NULL: the reason ends. Never a secret. */
void health_set_reason(struct health *h, enum health_reason reason, const char *detail);
/* Control thread, at least once a second. */
void health_beat(struct health *h, uint64_t now_ns);
uint32_t health_reasons(const struct health *h, uint64_t now_ns);
/*
 *     {"status":"degraded","reasons":["redis_refuses_writes"],
 *      "details":{"redis_refuses_writes":"MISCONF ..."}}
 *
 * status is "busy" if all reasons are of HEALTH_BUSY; no details if no reason has any.
 */
void health_write(struct writer *w, struct health *h, uint32_t reasons);
/* False when something is wrong. A full or draining node is well. */
bool health_is_well(uint32_t reasons);
/* True when a new call can be taken. Degraded is ready. */
bool health_is_ready(uint32_t reasons);

#endif
