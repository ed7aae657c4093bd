/* SPDX-License-Identifier: Apache-2.0 */
/* The load of bench/live.py: callers, and the application that they are with. */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/latency.h"

enum { LIVE_FRAME = 160, LIVE_MAX = 2000 };

struct live_load {
	int poll_fd;
	uint64_t now_ns;
	bool measures;    /* what comes counts */
	bool slow_sleeps; /* those who are slow do not read now */
	/* the application */
	uint64_t connections, starts, echoed, missed_told, missed_frames;
	/* the callers */
	uint64_t sent, heard, echoes, delayed_packets;
	uint64_t round_ns,
		round_max_ns; /* the last round of this program's loop; the longest between two of them */
	uint64_t gap_ns; /* longer ones of a caller count as a delay */
	struct load_latency round_trip;
};

/* What epoll tells of: who it is for. */
struct live_ready {
	void (*ready)(struct live_load *l, struct live_ready *r, uint32_t events);
};

/* Listens; the port. */
uint16_t live_app_open(struct live_load *l);
/* What the node has of it and nobody has heard is not said: an echo that came late once would be late for ever. */
void live_app_clear(struct live_load *l);
/* Those who are slow say something each 20 ms all the same, and read again when slow_sleeps ends. */
void live_app_tick(struct live_load *l);

/* One more caller, at a socket of its own: from there, to there. */
void live_phone_add(struct live_load *l, const char *from, const char *to);
/* Those whose turn it is say 20 ms: called each ms. */
void live_phones_tick(struct live_load *l, uint32_t ms);
/* Callers for whom something came late since measures began. */
uint32_t live_phones_delayed(const struct live_load *l);
void live_phones_begin(struct live_load *l);
uint32_t live_phones_count(void);

#endif
