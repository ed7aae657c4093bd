/* SPDX-License-Identifier: Apache-2.0 */
#include "app/siprec/sender.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/siprec/sender_report.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "base/ring.h"
#include "base/thread.h"
#include "media/tap.h"

enum {
	ROUND_MS = 10,
	REPORTS_MS = 200, /* it looks whose report is due */
	HEARD_PER_ROUND = 256,
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
	metric_id reports_sent, reports_heard, reports_refused, reported_lost;
} g_sender_metrics;

enum sender_wish { SENDER_SET, SENDER_END, SENDER_ASK };

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
				"Sessions whose sound goes to an external recorder.");
	g_sender_metrics.sent = metric_register(METRIC_COUNTER, "tandem_siprec_packets_total", NULL,
						"RTP packets sent to external recorders.");
	g_sender_metrics.lost = metric_register(
		METRIC_COUNTER, "tandem_siprec_lost_packets_total", NULL,
		"RTP packets for external recorders that could not be copied or sent.");
	g_sender_metrics.reports_sent = metric_register(
		METRIC_COUNTER, "tandem_siprec_reports_total", "way=\"sent\"", REPORTS_HELP);
	g_sender_metrics.reports_heard = metric_register(
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

/* Where it hangs; *it is NULL: there is none. */
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
	struct sender_told told = { .call = o->call, .number = o->number, .error = err };

	LOG_WARN("siprec", o->call, "nothing can be sent to the recorder",
		 LOG_U64("number", o->number), LOG_STR("error", strerror(-err)),
		 LOG_STR("next", "look what holds the media ports of the node"));
	(void)ring_push(&s->told, &told);
}

/* Its RTCP socket is watched from its first terms on; who closes it forgets it. */
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
	struct sender_told told = { .call = session->call,
				    .number = session->number,
				    .figures = { session->sent, session->unsent, 0, 0 } };

	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		const struct sender_stream *stream = &session->stream[i];

		for (uint32_t k = 0; k < stream->source_count; k++) {
			if (!stream->sources[k].reported)
				continue;
			told.figures.heard_of++;
			if (stream->sources[k].fraction_lost == UINT8_MAX)
				told.figures.deaf++;
		}
	}
	(void)ring_push(&s->told, &told);
}

static void sender_order_take(struct sender *s, const struct sender_order *o)
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
	case SENDER_ASK:
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
		    !fork_takes(&to->terms, rtp.p[1] & PAYLOAD_TYPE))
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

static void sender_reports_hear(struct sender *s)
{
	struct epoll_event events[HEARD_PER_ROUND];
	int count = s->count ? epoll_wait(s->reports_fd, events, HEARD_PER_ROUND, 0) : 0;
	struct sender_heard heard = { 0 };

	for (int i = 0; i < count; i++)
		sender_hear(events[i].data.ptr, &heard);
	metric_add(g_sender_metrics.reports_heard, heard.reports);
	metric_add(g_sender_metrics.reports_refused, heard.refused);
	metric_add(g_sender_metrics.reported_lost, heard.lost);
}

/* ---- the thread ---- */

static void sender_round(struct sender *s)
{
	struct sender_order o;

	while (ring_pop(&s->orders, &o, 1) == 1)
		sender_order_take(s, &o);
	explicit_bzero(&o, sizeof(o));
	(void)s->read(s->source, TAPS_PER_ROUND, sender_on_tapped, s);
	sender_reports_hear(s);
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
		err = ring_open(&s->told, sizeof(struct sender_told), TOLD);
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

bool sender_ask(struct sender *s, uint64_t call, uint8_t number)
{
	const struct sender_order o = { .wish = SENDER_ASK, .call = call, .number = number };

	return ring_push(&s->orders, &o);
}

uint32_t sender_told(struct sender *s, struct sender_told *out, uint32_t max)
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
