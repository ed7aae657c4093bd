/* SPDX-License-Identifier: Apache-2.0 */
#include "app/siprec/sender_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/srtp/srtp.h"

enum { RTP_HEAD = 12, RECEIVES_OCTETS = 2304 };

void sender_stream_init(struct sender_stream *s)
{
	*s = (struct sender_stream){ .fd = -1 };
}

/* What a recorder sends here (RTCP) is read by nobody: the kernel keeps little of it. */
static int sender_bind(const struct addr *local)
{
	struct sockaddr_storage ss;
	uint32_t n = addr_to_sockaddr(local, &ss);
	int room = RECEIVES_OCTETS, on = 1, err;
	int fd = socket(local->family == ADDR_V6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (local->family == ADDR_V6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&ss, n) == 0)
		return fd;
	err = -errno;
	(void)close(fd);
	return err;
}

static void sender_forget_keys(struct sender_stream *s)
{
	for (uint32_t i = 0; i < s->source_count; i++)
		srtp_stream_close(s->sources[i].srtp);
	s->source_count = 0;
}

static bool sender_is_same_key(const struct media_key *a, const struct media_key *b)
{
	return a->suite == b->suite && a->length == b->length &&
	       bytes_eq_secret(bytes_mem(a->octets, a->length), bytes_mem(b->octets, b->length));
}

int sender_stream_set(struct sender_stream *s, const struct fork_stream *terms)
{
	if (!terms->on) {
		s->terms.on = 0;
		return 0;
	}
	if (s->fd >= 0 && !addr_eq(&s->terms.local, &terms->local)) {
		(void)close(s->fd);
		s->fd = -1;
	}
	if (!sender_is_same_key(&s->terms.key, &terms->key))
		sender_forget_keys(s);
	s->terms = *terms;
	s->to_n = addr_to_sockaddr(&terms->remote, &s->to);
	if (s->fd < 0)
		s->fd = sender_bind(&terms->local);
	if (s->fd >= 0)
		return 0;
	s->terms.on = 0;
	return s->fd;
}

void sender_stream_close(struct sender_stream *s)
{
	sender_forget_keys(s);
	if (s->fd >= 0)
		(void)close(s->fd);
	explicit_bzero(s, sizeof(*s));
	s->fd = -1;
}

/* Each source has indexes of its own (RFC 3711 3.2.3). One that comes back goes on with its own: none is used twice. NULL: there are too
 * many, or no memory. */
static struct srtp_stream *srtp_of_source(struct sender_stream *s, uint32_t ssrc, uint16_t sequence)
{
	struct srtp_stream *srtp;

	for (uint32_t i = 0; i < s->source_count; i++) {
		if (s->sources[i].ssrc == ssrc)
			return s->sources[i].srtp;
	}
	if (s->source_count == SENDER_SOURCES_MAX || srtp_stream_open(&srtp, &s->terms.key))
		return NULL;
	srtp_stream_limit(srtp, SRTP_INDEX_END, SRTCP_INDEX_END);
	/* its first number is the party's choice, and who receives it counts from there */
	if (sequence >= SRTP_FIRST_BELOW)
		srtp_stream_start(srtp, sequence, 0);
	s->sources[s->source_count].ssrc = ssrc;
	s->sources[s->source_count++].srtp = srtp;
	return srtp;
}

static bool sender_protect(struct sender_stream *s, uint8_t *data, uint16_t *n)
{
	uint32_t ssrc = (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 |
			(uint32_t)data[10] << 8 | data[11];
	uint16_t sequence = (uint16_t)(data[2] << 8 | data[3]);
	struct srtp_job job = { .stream = srtp_of_source(s, ssrc, sequence),
				.data = data,
				.length = *n,
				.capacity = SENDER_PACKET_MAX };

	if (!job.stream)
		return false;
	srtp_jobs_protect(&job, 1);
	*n = job.length;
	return job.verdict == VERDICT_NONE;
}

bool sender_stream_send(struct sender_stream *s, struct bytes rtp)
{
	uint8_t data[SENDER_PACKET_MAX];
	uint16_t n = (uint16_t)rtp.n;
	ssize_t sent;

	if (rtp.n < RTP_HEAD || rtp.n > sizeof(data) - SRTP_TRAILER_MAX)
		return false;
	if (s->terms.key.suite != MEDIA_SUITE_NONE) {
		memcpy(data, rtp.p, rtp.n);
		if (!sender_protect(s, data, &n))
			return false;
		rtp = bytes_mem(data, n);
	}
	sent = sendto(s->fd, rtp.p, rtp.n, MSG_NOSIGNAL, (const struct sockaddr *)&s->to, s->to_n);
	return sent == (ssize_t)rtp.n;
}
