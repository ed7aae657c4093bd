/* SPDX-License-Identifier: Apache-2.0 */
/* One stream to a recorder: a socket, and the keys of its sources. The sender's thread. */
#ifndef APP_SIPREC_SENDER_STREAM_H
#define APP_SIPREC_SENDER_STREAM_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "media/fork.h"

struct srtp_stream;

enum {
	SENDER_SOURCES_MAX = 4, /* SSRCs of a party that one key serves */
	SENDER_PACKET_MAX = 2048,
};

struct sender_stream {
	struct fork_stream terms;
	int fd; /* -1: none yet */
	struct sockaddr_storage to;
	uint32_t to_n;
	uint32_t source_count;
	struct {
		uint32_t ssrc;
		struct srtp_stream *srtp;
	} sources[SENDER_SOURCES_MAX];
};

/* As it is before its first terms. */
void sender_stream_init(struct sender_stream *s);
/* A socket goes on while its address does, a key while it is the same. 0 or -errno; it sends nothing then. */
int sender_stream_set(struct sender_stream *s, const struct fork_stream *terms) NODISCARD;
void sender_stream_close(struct sender_stream *s);
/* RTP of the party, as it was. False: it is lost. */
bool sender_stream_send(struct sender_stream *s, struct bytes rtp);

#endif
