/* SPDX-License-Identifier: Apache-2.0 */
/* One stream to a recorder: its sockets, and the keys of its sources. The sender's thread. */
#ifndef APP_SIPREC_SENDER_STREAM_H
#define APP_SIPREC_SENDER_STREAM_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "media/fork.h"

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
	uint32_t
		transit; /* arrival less RTP timestamp, in its units: the least since the last report */
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
/* A socket goes on while its address does, a key while it is the same. 0 or -errno; it sends nothing then. */
int sender_stream_set(struct sender_stream *s, const struct fork_stream *terms) NODISCARD;
void sender_stream_close(struct sender_stream *s);
/* RTP of the party, as it was. False: it is lost. */
bool sender_stream_send(struct sender_stream *s, const struct tap_packet *p);

#endif
