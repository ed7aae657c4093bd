/* SPDX-License-Identifier: Apache-2.0 */
#include "app/siprec/sender_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/siprec/sender_report.h"
#include "engine/srtp/srtp.h"
#include "media/tap.h"

enum { RTP_HEAD = 12, RECEIVES_OCTETS = 2304 };

void sender_stream_init(struct sender_stream *s)
{
	*s = (struct sender_stream){ .fd = -1, .rtcp_fd = -1 };
}

/* RTP of a recorder is read by nobody: the kernel keeps little of it. */
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
	s->source_count = s->newest = 0;
	srtp_stream_close(s->srtp_in);
	s->srtp_in = NULL;
}

static void sender_unbind(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static bool sender_is_same_key(const struct media_key *a, const struct media_key *b)
{
	return a->suite == b->suite && a->length == b->length &&
	       bytes_eq_secret(bytes_mem(a->octets, a->length), bytes_mem(b->octets, b->length));
}

/* The pair of ports. 0 or -errno. */
static int sender_bind_pair(struct sender_stream *s)
{
	struct addr rtcp = s->terms.local;

	if (s->fd >= 0)
		return 0;
	s->fd = sender_bind(&s->terms.local);
	if (s->fd < 0)
		return s->fd;
	if (rtcp.port)
		rtcp.port++;
	s->rtcp_fd = sender_bind(&rtcp);
	return s->rtcp_fd < 0 ? s->rtcp_fd : 0;
}

/* Without a key of the recorder its reports are not read. */
static void sender_open_in(struct sender_stream *s)
{
	if (s->terms.key_in.suite != MEDIA_SUITE_NONE && !s->srtp_in &&
	    srtp_stream_open(&s->srtp_in, &s->terms.key_in))
		s->srtp_in = NULL;
}

static void sender_take_terms(struct sender_stream *s, const struct fork_stream *terms)
{
	if (!addr_eq(&s->terms.local, &terms->local)) {
		sender_unbind(&s->fd);
		sender_unbind(&s->rtcp_fd);
	}
	if (!sender_is_same_key(&s->terms.key, &terms->key))
		sender_forget_keys(s);
	if (!sender_is_same_key(&s->terms.key_in, &terms->key_in)) {
		srtp_stream_close(s->srtp_in);
		s->srtp_in = NULL;
	}
	s->terms = *terms;
	s->to_n = addr_to_sockaddr(&terms->remote, &s->to);
	s->rtcp_to_n = terms->rtcp_remote.family == ADDR_NONE
			       ? 0
			       : addr_to_sockaddr(&terms->rtcp_remote, &s->rtcp_to);
	sender_open_in(s);
}

int sender_stream_set(struct sender_stream *s, const struct fork_stream *terms)
{
	int err;

	if (!terms->on) {
		s->terms.on = 0;
		return 0;
	}
	sender_take_terms(s, terms);
	err = sender_bind_pair(s);
	if (!err)
		return 0;
	sender_unbind(&s->fd);
	sender_unbind(&s->rtcp_fd);
	s->terms.on = 0;
	return err;
}

void sender_stream_close(struct sender_stream *s)
{
	sender_forget_keys(s);
	sender_unbind(&s->fd);
	sender_unbind(&s->rtcp_fd);
	explicit_bzero(s, sizeof(*s));
	s->fd = s->rtcp_fd = -1;
}

/* Keys are of as many sources; without one the place of the oldest is taken. */
static struct sender_source *source_place(struct sender_stream *s)
{
	if (s->source_count < SENDER_SOURCES_MAX)
		return &s->sources[s->source_count];
	return s->terms.key.suite == MEDIA_SUITE_NONE
		       ? &s->sources[(s->newest + 1) % SENDER_SOURCES_MAX]
		       : NULL;
}

/* Its first number is the party's choice, and who receives it counts from there. */
static bool source_open_keys(const struct sender_stream *s, struct sender_source *source,
			     uint16_t sequence)
{
	if (s->terms.key.suite == MEDIA_SUITE_NONE)
		return true;
	if (srtp_stream_open(&source->srtp, &s->terms.key))
		return false;
	srtp_stream_limit(source->srtp, SRTP_INDEX_END, SRTCP_INDEX_END);
	if (sequence >= SRTP_FIRST_BELOW)
		srtp_stream_start(source->srtp, sequence, 0);
	return true;
}

/* Each source has indexes of its own (RFC 3711 3.2.3). One that comes back goes on with its own: none is used twice. NULL: there are too
 * many, or no memory. */
static struct sender_source *sender_source(struct sender_stream *s, uint32_t ssrc,
					   uint16_t sequence)
{
	struct sender_source *place, new = { .ssrc = ssrc };

	for (uint32_t i = 0; i < s->source_count; i++) {
		if (s->sources[i].ssrc == ssrc) {
			s->newest = i;
			return &s->sources[i];
		}
	}
	place = source_place(s);
	if (!place || !source_open_keys(s, &new, sequence))
		return NULL;
	*place = new;
	s->newest = (uint32_t)(place - s->sources);
	if (s->newest == s->source_count)
		s->source_count++;
	return place;
}

static bool sender_protect(struct sender_source *source, uint8_t *data, uint16_t *n)
{
	struct srtp_job job = {
		.stream = source->srtp, .data = data, .length = *n, .capacity = SENDER_PACKET_MAX
	};

	srtp_jobs_protect(&job, 1);
	*n = job.length;
	return job.verdict == VERDICT_NONE;
}

bool sender_stream_send(struct sender_stream *s, const struct tap_packet *p)
{
	struct bytes rtp = tap_octets(p);
	uint8_t data[SENDER_PACKET_MAX];
	uint16_t n = (uint16_t)rtp.n;
	struct sender_source *source;

	if (rtp.n < RTP_HEAD || rtp.n > sizeof(data) - SRTP_TRAILER_MAX)
		return false;
	source = sender_source(s, be32_get(rtp.p + 8), be16_get(rtp.p + 2));
	if (!source)
		return false;
	if (source->srtp) {
		memcpy(data, rtp.p, rtp.n);
		if (!sender_protect(source, data, &n))
			return false;
		rtp = bytes_mem(data, n);
	}
	if (sendto(s->fd, rtp.p, rtp.n, MSG_NOSIGNAL, (const struct sockaddr *)&s->to, s->to_n) !=
	    (ssize_t)rtp.n)
		return false;
	sender_source_note(source, p);
	return true;
}
