/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parties say, on its way to external recorders (media/fork.h). The engine copies packets into rings; the thread `siprec` reads those and
 * sends them on as they are, as SRTP where the stream has a key. Whatever a recorder does, nothing of it comes back to a call.
 *
 * A session is a number (1 to 255) of a call. All functions are the control thread's, and return at once.
 */
#ifndef APP_SIPREC_SENDER_H
#define APP_SIPREC_SENDER_H

#include "media/fork.h"

struct sender;
struct tap_packet;

enum { SENDER_SESSIONS_MAX = 8192 };

/* Where packets come from: up to max of them, each valid during the call (engine_tapped). How many. The sender's thread. */
typedef void sender_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t sender_source_fn(void *source, uint32_t max, sender_packet_fn *fn, void *arg);

/* What became of the packets of a session. */
struct sender_figures {
	uint64_t sent, unsent; /* unsent: the system did not take them */
	uint8_t heard_of;      /* sources that the recorder reports about, and */
	uint8_t deaf;          /* those of which it says that nothing came */
};

/* A session has ended: its sockets or keys could not be had; or what was asked about one. */
struct sender_told {
	uint64_t call;
	uint8_t number;
	int error; /* -errno; 0: it was asked */
	struct sender_figures figures;
};

void sender_setup(void); /* registers the metrics; main thread, once */
/* 0 or -errno. */
int sender_open(struct sender **out, sender_source_fn *read, void *source) NODISCARD;
/* Before the engine closes. NULL is fine. */
void sender_close(struct sender *s);

/* From now on that is sent. False: too many orders wait. */
bool sender_set(struct sender *s, uint64_t call, uint8_t number, const struct media_fork *fork);
bool sender_end(struct sender *s, uint64_t call, uint8_t number);
/* Its figures will be told, if there is such a session. */
bool sender_ask(struct sender *s, uint64_t call, uint8_t number);

/* What failed, and what was asked, in order. How many. */
uint32_t sender_told(struct sender *s, struct sender_told *out, uint32_t max);
/* Readable when something is told; sender_told drains it. */
int sender_told_fd(const struct sender *s);

#endif
