/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SIPREC media sender (RFC 7866): its thread reads copied packets from the engine, protects and
 * sends them, and exchanges RTCP with the recorder. node_record.c gives orders by a ring as calls
 * change. Each SSRC has an SRTP context of its own, and an index is never used twice under a key
 * (RFC 3711 3.2.3), also when a source comes back. Failures of a recorder are counted and never
 * reach a call.
 */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/siprec/sender.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/ring.h"
#include "base/thread.h"
#include "engine/srtp/srtp.h"
#include "media/rtp/rtcp_write.h"
#include "media/tap.h"

enum {
	REPORTED_RTP_HEAD = 12,
	EVERY_MS = 5000, /* RFC 3550 6.2: the minimum; two members of one stream never need more */
	REPORTS_PER_ROUND = 16,
};

/* ---- sources ---- */

/* Time in units of the clock; as all RTP timestamps it turns over. */
static uint32_t report_units_of(uint64_t ns, uint32_t clock_hz)
{
	return (uint32_t)(ns / NS_PER_S * clock_hz + ns % NS_PER_S * clock_hz / NS_PER_S);
}

/* The fastest packet tells best when its sound was captured.
 * The timestamp of an event is its beginning. */
static void sender_source_note(struct sender_source *source, const struct tap_packet *p)
{
	uint32_t transit = report_units_of(p->time_ns, p->clock_hz) - be32_get(tap_octets(p).p + 4);

	source->packets++;
	source->octets += p->length - REPORTED_RTP_HEAD;
	if (!p->clock_hz || p->kind == TAP_EVENT)
		return;
	if (!source->spoke || source->clock_hz != p->clock_hz ||
	    (int32_t)(transit - source->transit) < 0)
		source->transit = transit;
	source->clock_hz = p->clock_hz;
	source->spoke = true;
}

/* ---- what is sent ---- */

/* Common to both streams, so the recorder knows that they share a clock. Of the call, so a
 * successor has the same (RFC 7022 4.1). */
static void sender_cname_write(char out[RTCP_CNAME_LEN], uint64_t call)
{
	for (unsigned i = 0; i < RTCP_CNAME_LEN; i++)
		out[i] = "0123456789abcdef"[call >> (60 - 4 * i) & 15];
}

static bool source_report_send(struct sender_stream *s, struct sender_source *source,
			       struct bytes report)
{
	uint8_t data[RTCP_REPORT_MAX + SRTP_TRAILER_MAX];
	struct srtp_job job = { .stream = source->srtp,
				.data = data,
				.length = (uint16_t)report.n,
				.capacity = sizeof(data),
				.is_rtcp = 1 };

	memcpy(data, report.p, report.n);
	if (job.stream) {
		srtp_jobs_protect(&job, 1);
		if (job.verdict != VERDICT_NONE)
			return false;
	}
	return sendto(s->rtcp_fd, data, job.length, MSG_NOSIGNAL,
		      (const struct sockaddr *)&s->rtcp_to, s->rtcp_to_n) == (ssize_t)job.length;
}

static bool source_report(struct sender_stream *s, struct sender_source *source, uint64_t call,
			  struct instant now)
{
	uint8_t text[RTCP_REPORT_MAX];
	struct rtcp_report r = { .ssrc = source->ssrc, .sends = source->spoke };

	r.info = (struct rtcp_sender_info){
		.ntp = rtcp_ntp(now.utc_ms),
		.timestamp = report_units_of(now.ns, source->clock_hz) - source->transit,
		.packets = source->packets,
		.octets = source->octets,
	};
	sender_cname_write(r.cname, call);
	source->spoke = false;
	return source_report_send(s, source, rtcp_report_write(text, &r));
}

static bool stream_reports(const struct sender_stream *s)
{
	return s->terms.on && s->rtcp_fd >= 0 && s->rtcp_to_n && s->source_count;
}

/* Reports sources that sent since, and the last one: its RTCP keeps the path open (RFC 7866 8.1.6).
 * RFC 3550 6.2 lets a session of two send the first at once, and 6.3.1 spreads the others. */
uint32_t sender_report(struct sender_stream *s, uint64_t call, struct instant now, uint32_t random)
{
	uint32_t sent = 0;

	if (!stream_reports(s) || now.ns < s->report_ns)
		return 0;
	s->report_ns = now.ns + (EVERY_MS / 2 + random % EVERY_MS) * NS_PER_MS;
	for (uint32_t i = 0; i < s->source_count; i++) {
		if (s->sources[i].spoke || i == s->newest)
			sent += source_report(s, &s->sources[i], call, now);
	}
	return sent;
}

/* ---- received ---- */

/* RFC 3550 6.4.1: the number may fall, by what comes twice. */
static uint64_t sender_on_report_block(struct sender_stream *s, const struct rtcp_block *b)
{
	for (uint32_t i = 0; i < s->source_count; i++) {
		struct sender_source *source = &s->sources[i];
		int32_t before = source->lost;

		if (source->ssrc != b->ssrc)
			continue;
		source->lost = b->lost;
		source->fraction_lost = b->fraction_lost;
		source->reported = true;
		return b->lost > before ? (uint64_t)(b->lost - before) : 0;
	}
	return 0;
}

static void sender_on_report(struct sender_stream *s, struct bytes in, struct sender_received *out)
{
	struct rtcp_packet packet;
	struct rtcp_block block;

	if (rtcp_check(in)) {
		out->refused++;
		return;
	}
	out->reports++;
	while (rtcp_next(&in, &packet)) {
		for (uint8_t i = 0; rtcp_block(&packet, i, &block); i++)
			out->lost += sender_on_report_block(s, &block);
	}
}

static bool report_open(struct sender_stream *s, uint8_t *data, uint16_t *n)
{
	struct srtp_job job = { .stream = s->srtp_in,
				.data = data,
				.length = *n,
				.capacity = SENDER_PACKET_MAX,
				.is_rtcp = 1 };

	if (s->terms.key.suite == MEDIA_SUITE_NONE)
		return true;
	if (!job.stream)
		return false;
	srtp_jobs_unprotect(&job, 1);
	*n = job.length;
	return job.verdict == VERDICT_NONE;
}

/* From the recorder's address by its answer alone. */
static bool is_the_recorder(const struct sender_stream *s, const struct sockaddr_storage *from)
{
	struct addr at;

	return !addr_from_sockaddr(&at, (const struct sockaddr *)from) &&
	       addr_ip_eq(&at, &s->terms.rtcp_remote);
}

void sender_receive(struct sender_stream *s, struct sender_received *out)
{
	uint8_t data[SENDER_PACKET_MAX];

	for (unsigned i = 0; i < REPORTS_PER_ROUND; i++) {
		struct sockaddr_storage from;
		socklen_t from_n = sizeof(from);
		ssize_t got = recvfrom(s->rtcp_fd, data, sizeof(data), 0, (struct sockaddr *)&from,
				       &from_n);
		uint16_t n = (uint16_t)got;

		if (got < 0)
			return;
		if (is_the_recorder(s, &from) && report_open(s, data, &n))
			sender_on_report(s, bytes_mem(data, n), out);
		else
			out->refused++;
	}
}

enum { RTP_HEAD = 12, RECEIVES_OCTETS = 2304 };

void sender_stream_init(struct sender_stream *s)
{
	*s = (struct sender_stream){ .fd = -1, .rtcp_fd = -1 };
}

/* RTP of a recorder is not read: a small receive buffer. */
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

/* Keys serve so many sources; beyond, the oldest one is replaced. */
static struct sender_source *source_place(struct sender_stream *s)
{
	if (s->source_count < SENDER_SOURCES_MAX)
		return &s->sources[s->source_count];
	return s->terms.key.suite == MEDIA_SUITE_NONE
		       ? &s->sources[(s->newest + 1) % SENDER_SOURCES_MAX]
		       : NULL;
}

/* Its first sequence number is the party's choice, and receivers count from it. */
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

/* Each source has its own SRTP indexes (RFC 3711 3.2.3). One that comes back continues: none is
 * used twice. NULL: too many, or no memory. */
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

enum {
	ROUND_MS = 10,
	REPORTS_MS = 200, /* how often it looks for due reports */
	EVENTS_PER_ROUND = 256,
	ORDERS = 4096,
	TOLD = 1024,
	SLOTS = 4096, /* a power of two */
	TAPS_PER_ROUND = 65536,
	RTP_MIN = 12,
	PAYLOAD_TYPE = 0x7f,
};

#define REPORTS_HELP "RTCP compounds to and from external recorders."

static struct {
	metric_id sessions, sent, lost;
	metric_id reports_sent, reports_received, reports_refused, reported_lost;
} g_sender_metrics;

enum sender_wish { SENDER_SET, SENDER_END, SENDER_FETCH };

struct sender_order {
	enum sender_wish wish;
	uint8_t number;
	uint64_t call;
	struct media_fork fork;
};

struct sender_session {
	struct sender_session *next; /* of the same slot */
	uint64_t call;
	uint8_t number;
	uint64_t sent, unsent;
	struct sender_stream stream[FORK_STREAMS];
};

struct sender {
	struct ring orders, told;
	sender_source_fn *read;
	void *source;
	pthread_t thread;
	bool started;
	_Atomic bool stopping;
	/* the thread's */
	uint32_t count;
	int reports_fd; /* epoll: RTCP sockets of all streams */
	uint64_t reports_ns;
	struct rand_source rand;
	struct sender_session *slots[SLOTS];
};

void sender_setup(void)
{
	g_sender_metrics.sessions =
		metric_register(METRIC_GAUGE, "tandem_siprec_sessions", NULL,
				"Sessions with sound that goes to an external recorder.");
	g_sender_metrics.sent = metric_register(METRIC_COUNTER, "tandem_siprec_packets_total", NULL,
						"RTP packets sent to external recorders.");
	g_sender_metrics.lost = metric_register(
		METRIC_COUNTER, "tandem_siprec_lost_packets_total", NULL,
		"RTP packets for external recorders that could not be copied or sent.");
	g_sender_metrics.reports_sent = metric_register(
		METRIC_COUNTER, "tandem_siprec_reports_total", "way=\"sent\"", REPORTS_HELP);
	g_sender_metrics.reports_received = metric_register(
		METRIC_COUNTER, "tandem_siprec_reports_total", "way=\"received\"", REPORTS_HELP);
	g_sender_metrics.reports_refused = metric_register(
		METRIC_COUNTER, "tandem_siprec_reports_total", "way=\"refused\"", REPORTS_HELP);
	g_sender_metrics.reported_lost =
		metric_register(METRIC_COUNTER, "tandem_siprec_reported_lost_packets_total", NULL,
				"RTP packets that external recorders report as lost on their way.");
}

/* ---- the table ---- */

static struct sender_session **sender_slot(struct sender *s, uint64_t call)
{
	return &s->slots[(call * UINT64_C(0x9e3779b97f4a7c15)) >> 52 & (SLOTS - 1)];
}

/* Its link in the table; *it is NULL: absent. */
static struct sender_session **session_find(struct sender *s, uint64_t call, uint8_t number)
{
	struct sender_session **it = sender_slot(s, call);

	while (*it && ((*it)->call != call || (*it)->number != number))
		it = &(*it)->next;
	return it;
}

static void session_take_out(struct sender *s, struct sender_session **it)
{
	struct sender_session *gone = *it;

	*it = gone->next;
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		sender_stream_close(&gone->stream[i]);
	free(gone);
	metric_set(g_sender_metrics.sessions, --s->count);
}

/* NULL: there are too many, or no memory. */
static struct sender_session *session_add(struct sender *s, struct sender_session **it,
					  const struct sender_order *o)
{
	struct sender_session *new =
		s->count < SENDER_SESSIONS_MAX ? calloc(1, sizeof(*new)) : NULL;

	if (!new)
		return NULL;
	new->call = o->call;
	new->number = o->number;
	for (unsigned i = 0; i < FORK_STREAMS; i++)
		sender_stream_init(&new->stream[i]);
	*it = new;
	metric_set(g_sender_metrics.sessions, ++s->count);
	return new;
}

/* ---- orders ---- */

static void sender_fail(struct sender *s, const struct sender_order *o, int err)
{
	struct sender_results told = { .call = o->call, .number = o->number, .error = err };

	LOG_WARN("siprec", o->call, "nothing can be sent to the recorder",
		 LOG_U64("number", o->number), LOG_STR("error", strerror(-err)),
		 LOG_STR("next", "look what holds the media ports of the node"));
	(void)ring_push(&s->told, &told);
}

/* Its RTCP socket is watched from its first terms on, until it is closed. */
static int session_set_stream(struct sender *s, struct sender_stream *stream,
			      const struct fork_stream *terms)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = stream };
	int err = sender_stream_set(stream, terms);

	if (!err && stream->rtcp_fd >= 0 &&
	    epoll_ctl(s->reports_fd, EPOLL_CTL_ADD, stream->rtcp_fd, &ev) && errno != EEXIST)
		err = -errno;
	return err;
}

static void session_set(struct sender *s, const struct sender_order *o)
{
	struct sender_session **it = session_find(s, o->call, o->number);
	struct sender_session *session = *it ? *it : session_add(s, it, o);
	int err = session ? 0 : -EMFILE;

	for (unsigned i = 0; i < FORK_STREAMS && !err; i++)
		err = session_set_stream(s, &session->stream[i], &o->fork.stream[i]);
	if (!err)
		return;
	sender_fail(s, o, err);
	if (session)
		session_take_out(s, it);
}

static void session_offer_record(struct sender *s, const struct sender_session *session)
{
	struct sender_results told = { .call = session->call,
				       .number = session->number,
				       .figures = { session->sent, session->unsent, 0, 0 } };

	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		const struct sender_stream *stream = &session->stream[i];

		for (uint32_t k = 0; k < stream->source_count; k++) {
			if (!stream->sources[k].reported)
				continue;
			told.figures.reported_on++;
			if (stream->sources[k].fraction_lost == UINT8_MAX)
				told.figures.deaf++;
		}
	}
	(void)ring_push(&s->told, &told);
}

static void sender_on_order(struct sender *s, const struct sender_order *o)
{
	struct sender_session **it = session_find(s, o->call, o->number);

	switch (o->wish) {
	case SENDER_SET:
		session_set(s, o);
		break;
	case SENDER_END:
		if (*it)
			session_take_out(s, it);
		break;
	case SENDER_FETCH:
		if (*it)
			session_offer_record(s, *it);
		break;
	}
}

/* ---- packets ---- */

static void session_send(struct sender_session *session, const struct tap_packet *p)
{
	struct bytes rtp = tap_octets(p);

	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		struct sender_stream *to = &session->stream[i];
		bool sent;

		if (!to->terms.on || to->terms.leg != p->leg || to->terms.line != p->line ||
		    !fork_accepts(&to->terms, rtp.p[1] & PAYLOAD_TYPE))
			continue;
		sent = sender_stream_send(to, p);
		session->sent += sent;
		session->unsent += !sent;
		metric_add(sent ? g_sender_metrics.sent : g_sender_metrics.lost, 1);
	}
}

static void sender_on_tapped(const struct tap_packet *p, void *arg)
{
	struct sender_session *session = *sender_slot(arg, p->call);

	if (p->lost)
		metric_add(g_sender_metrics.lost, p->lost);
	if (p->side != TAP_FROM_PARTY || p->kind == TAP_RTCP || p->length < RTP_MIN)
		return;
	for (; session; session = session->next) {
		if (session->call == p->call)
			session_send(session, p);
	}
}

/* ---- reports ---- */

static void sender_reports_send(struct sender *s)
{
	struct instant now = clock_instant();

	if (now.ns < s->reports_ns)
		return;
	s->reports_ns = now.ns + REPORTS_MS * NS_PER_MS;
	for (unsigned i = 0; i < SLOTS; i++) {
		for (struct sender_session *it = s->slots[i]; it; it = it->next) {
			for (unsigned k = 0; k < FORK_STREAMS; k++)
				metric_add(g_sender_metrics.reports_sent,
					   sender_report(&it->stream[k], it->call, now,
							 rand_below(&s->rand, UINT16_MAX)));
		}
	}
}

static void sender_reports_receive(struct sender *s)
{
	struct epoll_event events[EVENTS_PER_ROUND];
	int count = s->count ? epoll_wait(s->reports_fd, events, EVENTS_PER_ROUND, 0) : 0;
	struct sender_received heard = { 0 };

	for (int i = 0; i < count; i++)
		sender_receive(events[i].data.ptr, &heard);
	metric_add(g_sender_metrics.reports_received, heard.reports);
	metric_add(g_sender_metrics.reports_refused, heard.refused);
	metric_add(g_sender_metrics.reported_lost, heard.lost);
}

/* ---- the thread ---- */

static void sender_round(struct sender *s)
{
	struct sender_order o;

	while (ring_pop(&s->orders, &o, 1) == 1)
		sender_on_order(s, &o);
	explicit_bzero(&o, sizeof(o));
	(void)s->read(s->source, TAPS_PER_ROUND, sender_on_tapped, s);
	sender_reports_receive(s);
	sender_reports_send(s);
}

static void sender_wait(struct sender *s)
{
	struct pollfd p = { .fd = s->orders.wake_fd, .events = POLLIN };

	if (s->count) { /* orders wait for the next round: it is soon */
		(void)poll(NULL, 0, ROUND_MS);
		return;
	}
	if (ring_sleep(&s->orders) && !atomic_load(&s->stopping))
		(void)poll(&p, 1, -1);
	ring_awake(&s->orders);
}

static void *sender_thread(void *arg)
{
	struct sender *s = arg;

	while (!atomic_load(&s->stopping)) {
		sender_round(s);
		sender_wait(s);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		while (s->slots[i])
			session_take_out(s, &s->slots[i]);
	}
	return NULL;
}

/* ---- control ---- */

int sender_open(struct sender **out, sender_source_fn *read, void *source)
{
	struct sender *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	int err;

	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	s->read = read;
	s->source = source;
	s->orders.wake_fd = s->told.wake_fd = -1;
	rand_open_system(&s->rand);
	s->reports_fd = epoll_create1(EPOLL_CLOEXEC);
	err = s->reports_fd < 0 ? -errno
				: ring_open(&s->orders, sizeof(struct sender_order), ORDERS);
	if (!err)
		err = ring_open(&s->told, sizeof(struct sender_results), TOLD);
	s->orders.wipes = true;
	if (!err)
		err = thread_spawn(&s->thread, "siprec", sender_thread, s);
	if (err) {
		sender_close(s);
		return err;
	}
	s->started = true;
	(void)ring_sleep(&s->told);
	*out = s;
	return 0;
}

void sender_close(struct sender *s)
{
	uint64_t one = 1;

	if (!s)
		return;
	atomic_store(&s->stopping, true);
	if (s->started) {
		(void)!write(s->orders.wake_fd, &one, sizeof(one));
		(void)pthread_join(s->thread, NULL);
	}
	ring_close(&s->orders);
	ring_close(&s->told);
	if (s->reports_fd >= 0)
		(void)close(s->reports_fd);
	free(s);
}

bool sender_set(struct sender *s, uint64_t call, uint8_t number, const struct media_fork *fork)
{
	struct sender_order o = { .call = call, .number = number, .fork = *fork };
	bool taken = ring_push(&s->orders, &o);

	assert(number);
	explicit_bzero(&o, sizeof(o));
	return taken;
}

bool sender_end(struct sender *s, uint64_t call, uint8_t number)
{
	const struct sender_order o = { .wish = SENDER_END, .call = call, .number = number };

	return ring_push(&s->orders, &o);
}

bool sender_query(struct sender *s, uint64_t call, uint8_t number)
{
	const struct sender_order o = { .wish = SENDER_FETCH, .call = call, .number = number };

	return ring_push(&s->orders, &o);
}

uint32_t sender_results(struct sender *s, struct sender_results *out, uint32_t max)
{
	uint32_t n;

	ring_awake(&s->told);
	n = ring_pop(&s->told, out, max);
	if (!ring_sleep(&s->told)) { /* more came: readable again */
		uint64_t one = 1;

		(void)!write(s->told.wake_fd, &one, sizeof(one));
	}
	return n;
}

int sender_told_fd(const struct sender *s)
{
	return s->told.wake_fd;
}
