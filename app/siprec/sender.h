/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media of parties for external recorders (media/fork.h). The engine copies packets into rings; the
 * thread `siprec` reads them and sends them on unchanged, as SRTP if the stream has a key. Nothing
 * that a recorder does affects a call. A session is a number (1 to 255) of a call. All functions
 * are for the control thread, and return at once.
 */
#ifndef APP_SIPREC_SENDER_H
#define APP_SIPREC_SENDER_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "media/fork.h"

struct sender;
struct tap_packet;

enum { SENDER_SESSIONS_MAX = 8192 };

/* Source of packets: up to max, each valid during the call (engine_tapped). Returns their number.
 * The sender's thread. */
typedef void sender_packet_fn(const struct tap_packet *packet, void *arg);
typedef uint32_t sender_source_fn(void *source, uint32_t max, sender_packet_fn *fn, void *arg);

/* Figures of a session's packets. */
struct sender_figures {
	uint64_t sent, unsent; /* unsent: the system did not take them */
	uint8_t reported_on;   /* sources that the recorder reports about, and */
	uint8_t deaf;          /* those of which it says that nothing came */
};

/* A session has ended without sockets or keys; or the answer to a query. */
struct sender_results {
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
/* Its figures will be reported, if there is such a session. */
bool sender_query(struct sender *s, uint64_t call, uint8_t number);

/* Failures and answers, in order. Returns their number. */
uint32_t sender_results(struct sender *s, struct sender_results *out, uint32_t max);
/* This descriptor is readable while results wait; sender_results drains it. */
int sender_told_fd(const struct sender *s);

/* One stream to a recorder: its sockets, and the keys of its sources. The sender's thread. */

struct srtp_stream;
struct tap_packet;

enum {
	SENDER_SOURCES_MAX = 4, /* SSRCs of a party that one key serves */
	SENDER_PACKET_MAX = 2048,
};

/* One SSRC of the party, and what reports say of it. */
struct sender_source {
	uint32_t ssrc;
	struct srtp_stream *srtp; /* NULL: plain */
	bool spoke;               /* since the last report */
	uint32_t packets, octets; /* sent */
	uint32_t clock_hz;
	/* Arrival less RTP timestamp, in its units: the least since the last report. */
	uint32_t transit;
	int32_t lost;          /* as the recorder reported last, and */
	uint8_t fraction_lost; /* 1/256; 255 is all */
	bool reported;         /* it did */
};

struct sender_stream {
	struct fork_stream terms;
	int fd, rtcp_fd; /* -1: none yet */
	struct sockaddr_storage to, rtcp_to;
	uint32_t to_n, rtcp_to_n;
	struct srtp_stream *srtp_in; /* of what the recorder reports */
	uint64_t report_ns;          /* when the next one is due; 0: with the first packet */
	uint32_t source_count, newest;
	struct sender_source sources[SENDER_SOURCES_MAX];
};

/* As it is before its first terms. */
void sender_stream_init(struct sender_stream *s);
/* A socket stays while its address does, a key while it is the same.
 * 0 or -errno: it sends nothing then. */
int sender_stream_set(struct sender_stream *s, const struct fork_stream *terms) NODISCARD;
void sender_stream_close(struct sender_stream *s);
/* Sends the party's RTP unchanged. False: lost. */
bool sender_stream_send(struct sender_stream *s, const struct tap_packet *p);

/* RTCP of one stream to a recorder (RFC 3550, RFC 7866 8.1.1): reports on each source, by which the
 * recorder aligns both streams, and its own reports of losses. SRTCP if the stream has a key. The
 * sender's thread. */

/* Sends due compounds of SR or RR and SDES. random: for the next times. Returns their number. No
 * BYE at the end: another process may go on with the same sources. */
uint32_t sender_report(struct sender_stream *s, uint64_t call, struct instant now, uint32_t random);

struct sender_received {
	uint32_t reports, refused; /* compounds */
	uint64_t lost;             /* packets that were reported lost since the last report */
};
/* All that wait at its RTCP port. */
void sender_receive(struct sender_stream *s, struct sender_received *out);

#endif
